"""The qMRML and qSlicer widgets that hold a scene or choose a node of it."""

from __future__ import annotations

import weakref
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal

from desktop_double.ctk_widgets import ctkCollapsibleButton, ctkSliderWidget, stored


def observe(widget: Any, vtk_object: Any, event: Any, method: str) -> int:
    """Call a method of a widget at a VTK event, for as long as the widget lives; the observer's tag."""
    from shiboken6 import isValid

    reference = weakref.ref(widget)

    def call(*arguments: Any) -> None:
        alive = reference()
        if alive is not None and isValid(alive):
            getattr(alive, method)(*arguments)
        else:
            vtk_object.RemoveObserver(tag)

    tag = vtk_object.AddObserver(event, call)
    return tag


class qSlicerWidget(QtWidgets.QWidget):
    """A widget that is handed a scene and passes it on."""

    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self.__dict__.get("_scene"):
            self.__dict__["_scene"] = scene
            self.mrmlSceneChanged.emit(scene)


class qMRMLWidget(qSlicerWidget):
    """As qSlicerWidget; it also tells its scene."""

    def mrmlScene(self) -> Any:
        return self.__dict__.get("_scene")


class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """The C++ side of a scripted module's panel: ``self()`` is the Python side."""

    isEntered = stored(bool, "isEntered", False)

    def self(self) -> Any:
        return self.__dict__.get("_python_self")

    def enter(self) -> None:
        self.isEntered = True
        if hasattr(self.self(), "enter"):
            self.self().enter()

    def exit(self) -> None:
        self.isEntered = False
        if hasattr(self.self(), "exit"):
            self.self().exit()


class qMRMLCollapsibleButton(ctkCollapsibleButton):
    """A section that is handed a scene."""

    def setMRMLScene(self, scene: Any) -> None:
        self.__dict__["_scene"] = scene


class qMRMLSliderWidget(ctkSliderWidget):
    """A slider that knows the scene's units; here it shows plain numbers."""

    quantity = stored(str, "quantity", "")

    def mrmlScene(self) -> Any:
        return self.__dict__.get("_scene")

    def setMRMLScene(self, scene: Any) -> None:
        self.__dict__["_scene"] = scene


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """A choice of one node of the scene, by class."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeAddedByUser = Signal(object)
    nodeActivated = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._combo_box = QtWidgets.QComboBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo_box)
        self._scene: Any = None
        self._observed: list[int] = []
        self._attributes: dict[str, dict[str, Any]] = {}
        self._ids: list[str] = []
        self._current = ""
        self._combo_box.currentIndexChanged.connect(self._chosen)
        self._combo_box.activated.connect(lambda _index: self.nodeActivated.emit(self.currentNode()))

    addEnabled = stored(bool, "addEnabled", True)
    baseName = stored(str, "baseName", "")
    editEnabled = stored(bool, "editEnabled", False)
    hideChildNodeTypes = stored("QStringList", "hideChildNodeTypes", [], "_refresh")
    nodeTypes = stored("QStringList", "nodeTypes", [], "_refresh")
    noneDisplay = stored(str, "noneDisplay", "None", "_refresh")
    noneEnabled = stored(bool, "noneEnabled", False, "_refresh")
    removeEnabled = stored(bool, "removeEnabled", True)
    renameEnabled = stored(bool, "renameEnabled", False)
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True, "_refresh")
    showHidden = stored(bool, "showHidden", False, "_refresh")
    interactionNodeSingletonTag = stored(str, "interactionNodeSingletonTag", "")

    def addAttribute(self, node_class: str, name: str, value: Any = None) -> None:
        self._attributes.setdefault(node_class, {})[name] = value
        self._refresh()

    def removeAttribute(self, node_class: str, name: str) -> None:
        self._attributes.get(node_class, {}).pop(name, None)
        self._refresh()

    def setNodeTypeLabel(self, label: str, node_class: str) -> None:
        self.__dict__.setdefault("_labels", {})[node_class] = label

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        for tag in self._observed:
            self._scene.RemoveObserver(tag)
        self._scene, self._observed = scene, []
        if scene is not None:
            events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent, scene.EndImportEvent)
            self._observed = [observe(self, scene, event, "_refresh") for event in events]
        self._refresh()

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._current) if self._scene is not None and self._current else None

    currentNodeID = Property(str, lambda self: self._current, lambda self, node_id: self._select(node_id))

    def setCurrentNodeID(self, node_id: str) -> None:
        self._select(node_id)

    def setCurrentNode(self, node: Any) -> None:
        self._refresh()
        self._select(node if isinstance(node, str) else node.GetID() if node is not None else "")

    def setCurrentNodeIndex(self, index: int) -> None:
        self._select(self._ids[index])

    def nodeCount(self) -> int:
        return sum(1 for node_id in self._ids if node_id)

    def nodeFromIndex(self, index: int) -> Any:
        return self._scene.GetNodeByID([node_id for node_id in self._ids if node_id][index])

    def addNode(self, node_class: str = "") -> Any:
        node = self._scene.AddNewNodeByClass(node_class or self.nodeTypes[0], self.baseName)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        self._scene.RemoveNode(self.currentNode())

    def _offered(self) -> list[Any]:
        if self._scene is None:
            return []
        nodes = [self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes())]
        return [node for node in nodes if any(self._fits(node, kind) for kind in self.nodeTypes)]

    def _fits(self, node: Any, kind: str) -> bool:
        if not node.IsA(kind) or any(node.IsA(hidden) for hidden in self.hideChildNodeTypes):
            return False
        if node.GetClassName() != kind and not self.showChildNodeTypes:
            return False
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        wanted = self._attributes.get(kind, {})
        return all(
            node.GetAttribute(name) is not None if value is None else node.GetAttribute(name) == str(value)
            for name, value in wanted.items()
        )

    def _refresh(self, *_event: Any) -> None:
        nodes = self._offered()
        self._combo_box.blockSignals(True)
        self._combo_box.clear()
        self._ids = ([""] if self.noneEnabled else []) + [node.GetID() for node in nodes]
        if self.noneEnabled:
            self._combo_box.addItem(self.noneDisplay)
        for node in nodes:
            self._combo_box.addItem(node.GetName() or "")
        self._combo_box.blockSignals(False)
        if self._current not in self._ids:
            first = self._ids[0] if self._ids else ""
            self._select(first)
        else:
            self._show()

    def _chosen(self, index: int) -> None:
        self._select(self._ids[index] if 0 <= index < len(self._ids) else "")

    def _select(self, node_id: str | None) -> None:
        node_id = node_id if node_id in self._ids else ""
        changed = node_id != self._current
        self._current = node_id or ""
        self._show()
        if changed:
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(self._current)

    def _show(self) -> None:
        self._combo_box.blockSignals(True)
        self._combo_box.setCurrentIndex(self._ids.index(self._current) if self._current in self._ids else -1)
        if not self._ids:
            kind = (self.nodeTypes or ["node"])[0].removeprefix("vtkMRML").removesuffix("Node")
            self._combo_box.setPlaceholderText(f"Select a {kind}")
        self._combo_box.blockSignals(False)
