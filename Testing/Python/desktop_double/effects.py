"""Scripted Segment Editor effects: the adaptor that Slicer hands to one, the factory, and the base class."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any, ClassVar

from desktop_double import names

#: The effects of Slicer's own tool bar, which are shown but do nothing here: name and title.
STOCK = (
    "Threshold",
    "Paint",
    "Draw",
    "Erase",
    "Level tracing",
    "Scissors",
    "Islands",
    "Smoothing",
    "Logical operators",
)


class Effect:
    """``qSlicerSegmentEditorScriptedEffect``: what ``self.scriptedEffect`` of an effect is."""

    ModificationModeSet, ModificationModeAdd, ModificationModeRemove, ModificationModeRemoveAll = range(4)
    _settable: ClassVar[frozenset[str]] = frozenset(
        {
            "name",
            "title",
            "perSegment",
            "requireSegments",
            "showEffectCursorInSliceView",
            "showEffectCursorInThreeDView",
        }
    )

    def __init__(self, _parent: Any = None) -> None:
        values = {"name": "UnnamedScriptedEffect", "title": "", "perSegment": True, "requireSegments": True}
        values |= {"showEffectCursorInSliceView": True, "showEffectCursorInThreeDView": False}
        self.__dict__.update(values, _editor=None, _self=None, _source="", _active=False, _frame=None, _filled=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._settable:
            raise AttributeError(f"A scripted effect of 3D Slicer has no '{name}' to set")
        self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        if name in (names.of_class("qSlicerSegmentEditorScriptedEffect") or ()):
            raise AttributeError(f"scriptedEffect.{name} exists in 3D Slicer, but desktop_double does not offer it")
        raise AttributeError(f"A scripted effect of 3D Slicer has no '{name}'")

    # -- source -------------------------------------------------------------------------------------------------

    def setPythonSource(self, source: str) -> bool:
        """As Slicer: the folder's name is the module's, the file's name is the class's."""
        path = Path(source)
        class_name = path.stem if path.stem.endswith("Effect") else path.stem + "Effect"
        module = sys.modules.get(path.parent.name)
        if not hasattr(module, class_name):
            spec = importlib.util.spec_from_file_location(path.parent.name, path)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.parent.name] = module
            spec.loader.exec_module(module)
        self.__dict__["_source"] = source
        self.__dict__["_self"] = getattr(module, class_name)(self)
        return True

    def pythonSource(self) -> str:
        return self._source

    def self(self) -> Any:
        return self._self

    def _call(self, method: str, *arguments: Any) -> Any:
        found = getattr(self._self, method, None)
        return found(*arguments) if found is not None else None

    # -- life ---------------------------------------------------------------------------------------------------

    def activate(self) -> None:
        self.optionsFrame()
        self.__dict__["_active"] = True
        self._call("setMRMLDefaults")
        self._call("activate")
        self.updateGUIFromMRML()

    def deactivate(self) -> None:
        self.__dict__["_active"] = False
        self._call("deactivate")

    def active(self) -> bool:
        return self._active

    def cleanup(self) -> None:
        self._call("cleanup")

    def updateGUIFromMRML(self) -> None:
        self._call("updateGUIFromMRML")

    def updateMRMLFromGUI(self) -> None:
        self._call("updateMRMLFromGUI")

    def helpText(self) -> str:
        return self._call("helpText") or ""

    def selectEffect(self, name: str) -> None:
        self._editor.setActiveEffectByName(name)

    def saveStateForUndo(self) -> None:
        self._editor.saveStateForUndo()

    # -- options ------------------------------------------------------------------------------------------------

    def optionsFrame(self) -> Any:
        from PySide6 import QtWidgets

        if self._frame is None:
            frame = QtWidgets.QFrame()
            QtWidgets.QFormLayout(frame).setContentsMargins(4, 4, 4, 4)
            self.__dict__["_frame"] = frame
        if not self._filled and self._self is not None:
            self.__dict__["_filled"] = True
            self._call("setupOptionsFrame")
        return self._frame

    def optionsLayout(self) -> Any:
        return self.optionsFrame().layout()

    def addOptionsWidget(self, widget: Any) -> None:
        self.optionsLayout().addRow(widget)

    def addLabeledOptionsWidget(self, label: str, widget: Any) -> Any:
        self.optionsLayout().addRow(label, widget)
        return self.optionsLayout().labelForField(widget)

    # -- parameters ---------------------------------------------------------------------------------------------

    def parameterSetNode(self) -> Any:
        return self._editor.mrmlSegmentEditorNode() if self._editor is not None else None

    def scene(self) -> Any:
        return self._editor.mrmlScene()

    def parameter(self, name: str) -> str:
        node = self.parameterSetNode()
        value = node.GetAttribute(f"{self.name}.{name}")
        value = node.GetAttribute(name) if value is None else value
        if value is None:
            raise KeyError(f"Parameter named {name} cannot be found for effect {self.name}")
        return value

    def integerParameter(self, name: str) -> int:
        return int(self.parameter(name))

    def doubleParameter(self, name: str) -> float:
        return float(self.parameter(name))

    def parameterDefined(self, name: str) -> bool:
        return self.commonParameterDefined(f"{self.name}.{name}")

    def commonParameterDefined(self, name: str) -> bool:
        return self.parameterSetNode().GetAttribute(name) is not None

    def setParameter(self, name: str, value: Any) -> None:
        self.setCommonParameter(f"{self.name}.{name}", value)

    def setCommonParameter(self, name: str, value: Any) -> None:
        node = self.parameterSetNode()
        if (node.GetAttribute(name) or "") != str(value):
            node.SetAttribute(name, str(value))
            self.updateGUIFromMRML()

    def setParameterDefault(self, name: str, value: Any) -> None:
        if not self.parameterDefined(name):
            self.setParameter(name, value)

    def setCommonParameterDefault(self, name: str, value: Any) -> None:
        if not self.commonParameterDefined(name):
            self.setCommonParameter(name, value)

    def nodeReference(self, name: str) -> Any:
        return self.parameterSetNode().GetNodeReference(f"{self.name}.{name}")

    def setNodeReference(self, name: str, node: Any) -> None:
        self.parameterSetNode().SetNodeReferenceID(f"{self.name}.{name}", node.GetID() if node is not None else None)

    # -- pixels -------------------------------------------------------------------------------------------------

    def defaultModifierLabelmap(self) -> Any:
        """An empty labelmap in the geometry of the reference image."""
        import slicer
        import vtk

        image = slicer.vtkOrientedImageData()
        slicer.vtkSegmentationConverter.DeserializeImageGeometry(self._geometry(), image)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        image.GetPointData().GetScalars().Fill(0)
        return image

    modifierLabelmap = defaultModifierLabelmap
    referenceGeometryImage = defaultModifierLabelmap

    def _geometry(self) -> str:
        import slicer

        segmentation = self._editor.segmentationNode().GetSegmentation()
        name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
        return segmentation.GetConversionParameter(name)

    def modifySelectedSegmentByLabelmap(self, labelmap: Any, mode: int, *_extent: Any) -> None:
        segment_id = self._editor.currentSegmentID()
        self.modifySegmentByLabelmap(self._editor.segmentationNode(), segment_id, labelmap, mode)

    def modifySegmentByLabelmap(
        self, segmentation_node: Any, segment_id: str, labelmap: Any, mode: int, *_extent: Any
    ) -> None:
        import slicer

        logic = slicer.vtkSlicerSegmentationsModuleLogic
        modes = {
            self.ModificationModeSet: logic.MODE_REPLACE,
            self.ModificationModeAdd: logic.MODE_MERGE_MAX,
            self.ModificationModeRemove: logic.MODE_MERGE_MIN,
        }
        logic.SetBinaryLabelmapToSegment(labelmap, segmentation_node, segment_id, modes[mode])

    # -- views --------------------------------------------------------------------------------------------------

    def xyToRas(self, xy: Any, view: Any) -> Any:
        return self._through(view.mrmlSliceNode().GetXYToRAS(), xy.x(), xy.y(), 0.0)

    def xyzToRas(self, xyz: Any, view: Any) -> Any:
        return self._through(view.mrmlSliceNode().GetXYToRAS(), xyz.x(), xyz.y(), xyz.z())

    def rasToXy(self, ras: Any, view: Any) -> Any:
        import vtk
        from PySide6.QtCore import QPoint

        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(view.mrmlSliceNode().GetXYToRAS(), inverse)
        point = self._through(inverse, ras.x(), ras.y(), ras.z())
        return QPoint(round(point.x()), round(point.y()))

    def xyToIjk(self, xy: Any, view: Any, image: Any, _transform: Any = None) -> Any:
        import vtk

        matrix = vtk.vtkMatrix4x4()
        image.GetWorldToImageMatrix(matrix)
        ras = self.xyToRas(xy, view)
        return self._through(matrix, ras.x(), ras.y(), ras.z())

    @staticmethod
    def _through(matrix: Any, x: float, y: float, z: float) -> Any:
        from PySide6.QtGui import QVector3D

        return QVector3D(*matrix.MultiplyPoint((x, y, z, 1.0))[:3])

    def renderWindow(self, view: Any) -> Any:
        return view.sliceView().renderWindow()

    def renderer(self, view: Any) -> Any:
        return self.renderWindow(view).GetRenderers().GetFirstRenderer()

    def viewNode(self, view: Any) -> Any:
        return view.mrmlSliceNode()

    def scheduleRender(self, view: Any) -> None:
        view.sliceView().scheduleRender()

    def forceRender(self, view: Any) -> None:
        view.sliceView().forceRender()

    def addActor2D(self, view: Any, actor: Any) -> None:
        self.renderer(view).AddActor2D(actor)

    def removeActor2D(self, view: Any, actor: Any) -> None:
        self.renderer(view).RemoveActor2D(actor)

    def cursorOff(self, view: Any) -> None:
        """There is no cursor."""

    def cursorOn(self, view: Any) -> None:
        """There is no cursor."""


class EffectFactory:
    """``qSlicerSegmentEditorEffectFactory``: the effects that modules registered."""

    _instance: EffectFactory | None = None

    def __init__(self) -> None:
        self._registered: list[Effect] = []

    @classmethod
    def instance(cls) -> EffectFactory:
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    @classmethod
    def _forget(cls) -> None:
        cls._instance = None

    def registerEffect(self, effect: Effect) -> bool:
        if effect.name in [known.name for known in self._registered]:
            return False
        self._registered.append(effect)
        return True

    def registeredEffects(self) -> list[Effect]:
        return list(self._registered)

    def _made(self, editor: Any) -> list[Effect]:
        """A copy of every effect for one editor, as each editor widget has its own."""
        effects = []
        for title in STOCK:
            stock = Effect()
            stock.name = stock.title = title
            effects.append(stock)
        for known in self._registered:
            effects.append(known.self().clone())
        for effect in effects:
            effect.__dict__["_editor"] = editor
        return effects


class AbstractScriptedSegmentEditorEffect:
    """The base class that ``SegmentEditorEffects`` offers to effects written in Python."""

    def __init__(self, scriptedEffect: Effect) -> None:
        self.scriptedEffect = scriptedEffect

    def register(self) -> None:
        EffectFactory.instance().registerEffect(self.scriptedEffect)

    def cleanup(self) -> None:
        """For derived classes."""

    def xyToRas(self, xy: Any, viewWidget: Any) -> list[float]:
        from PySide6.QtCore import QPoint

        ras = self.scriptedEffect.xyToRas(QPoint(int(xy[0]), int(xy[1])), viewWidget)
        return [ras.x(), ras.y(), ras.z()]

    def rasToXy(self, ras: Any, viewWidget: Any) -> list[int]:
        from PySide6.QtGui import QVector3D

        xy = self.scriptedEffect.rasToXy(QVector3D(*ras), viewWidget)
        return [xy.x(), xy.y()]

    def xyToIjk(self, xy: Any, viewWidget: Any, image: Any, parentTransformNode: Any = None) -> list[int]:
        from PySide6.QtCore import QPoint

        ijk = self.scriptedEffect.xyToIjk(QPoint(int(xy[0]), int(xy[1])), viewWidget, image, parentTransformNode)
        return [int(ijk.x()), int(ijk.y()), int(ijk.z())]
