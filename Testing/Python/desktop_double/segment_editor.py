"""``qMRMLSegmentEditorWidget``: the editor's widget on the real segment editor node, without its C++ tools."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from desktop_double.ctk_widgets import ctkCollapsibleGroupBox, stored
from desktop_double.effects import Effect, EffectFactory
from desktop_double.mrml_widgets import observe, qMRMLNodeComboBox, qMRMLWidget


def _shown(attribute: str) -> Property:
    """A Qt property that shows or hides a part of the editor."""
    return Property(
        bool,
        lambda self: not getattr(self, attribute).isHidden(),
        lambda self, visible: getattr(self, attribute).setVisible(visible),
    )


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """The segment editor: choice of nodes, list of segments, tool bar of effects, options of the active one."""

    currentSegmentIDChanged = Signal(str)
    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._node_tag = 0
        self._watched: tuple[Any, list[int]] | None = None
        self._history: Any = None
        self._active: Effect | None = None
        self._effects: dict[str, Effect] = {}
        self._buttons: dict[str, QtWidgets.QToolButton] = {}
        self._updating = False
        self._shortcuts: list[QtGui.QShortcut] = []
        self._build()

    # -- look ---------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._segmentation_selector = self._selector("vtkMRMLSegmentationNode", self.setSegmentationNode)
        self._source_selector = self._selector("vtkMRMLVolumeNode", self.setSourceVolumeNode)
        self._segmentation_row = self._row("Segmentation:", self._segmentation_selector)
        self._source_row = self._row("Source volume:", self._source_selector)

        self._segment_buttons = QtWidgets.QWidget(self)
        row = QtWidgets.QHBoxLayout(self._segment_buttons)
        row.setContentsMargins(0, 0, 0, 0)
        self._add, self._remove = QtWidgets.QPushButton("Add"), QtWidgets.QPushButton("Remove")
        self._show_3d = QtWidgets.QPushButton("Show 3D")
        for button in (self._add, self._remove, self._show_3d):
            row.addWidget(button)
        layout.addWidget(self._segment_buttons)
        self._add.clicked.connect(self._add_segment)
        self._remove.clicked.connect(self._remove_segment)

        body = QtWidgets.QHBoxLayout()
        layout.addLayout(body)
        self._tools = QtWidgets.QFrame(self)
        self._tools.setFrameShape(QtWidgets.QFrame.Shape.StyledPanel)
        self._tool_grid = QtWidgets.QGridLayout(self._tools)
        left = QtWidgets.QVBoxLayout()
        left.addWidget(self._tools)
        undo_row = QtWidgets.QHBoxLayout()
        self._undo, self._redo = QtWidgets.QToolButton(), QtWidgets.QToolButton()
        style = QtWidgets.QStyle.StandardPixmap
        self._undo.clicked.connect(self.undo)
        self._redo.clicked.connect(self.redo)
        self._undo.setIcon(self.style().standardIcon(style.SP_ArrowBack))
        self._redo.setIcon(self.style().standardIcon(style.SP_ArrowForward))
        for button in (self._undo, self._redo):
            undo_row.addWidget(button)
        self._undo_group = QtWidgets.QGroupBox()
        self._undo_group.setLayout(undo_row)
        left.addWidget(self._undo_group)
        left.addStretch(1)
        body.addLayout(left)

        right = QtWidgets.QVBoxLayout()
        self._table = QtWidgets.QTableWidget(0, 3, self)
        self._table.setHorizontalHeaderLabels(["", "", "Name"])
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.verticalHeader().setVisible(False)
        self._table.setColumnWidth(0, 28)
        self._table.setColumnWidth(1, 28)
        self._table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setMinimumHeight(120)
        self._table.itemSelectionChanged.connect(self._picked)
        right.addWidget(self._table)
        self._effect_title = QtWidgets.QLabel("No editing")
        right.addWidget(self._effect_title)
        self._options = QtWidgets.QFrame(self)
        self._options.setFrameShape(QtWidgets.QFrame.Shape.StyledPanel)
        QtWidgets.QVBoxLayout(self._options)
        right.addWidget(self._options)
        self._masking = ctkCollapsibleGroupBox("Masking", self)
        masking = QtWidgets.QFormLayout(self._masking)
        for label, text in (("Editable area:", "Everywhere"), ("Modify other segments:", "Overwrite all")):
            combo = QtWidgets.QComboBox()
            combo.addItem(text)
            masking.addRow(label, combo)
        right.addWidget(self._masking)
        body.addLayout(right, 1)
        self.updateEffectList()

    def _row(self, label: str, selector: QtWidgets.QWidget) -> QtWidgets.QWidget:
        row = QtWidgets.QWidget(self)
        form = QtWidgets.QFormLayout(row)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(label, selector)
        self.layout().addWidget(row)
        return row

    def _selector(self, node_class: str, chosen: Any) -> qMRMLNodeComboBox:
        selector = qMRMLNodeComboBox(self)
        selector.nodeTypes = [node_class]
        selector.noneEnabled = True
        selector.currentNodeChanged.connect(lambda node: None if self._updating else chosen(node))
        return selector

    # -- nodes --------------------------------------------------------------------------------------------------

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._segmentation_selector.setMRMLScene(scene)
        self._source_selector.setMRMLScene(scene)

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        if self._node is not None:
            self._node.RemoveObserver(self._node_tag)
        self._node = node
        if node is not None:
            self._node_tag = observe(self, node, "ModifiedEvent", "_changed")
        self.updateWidgetFromMRML()

    def segmentationNode(self) -> Any:
        return self._node.GetSegmentationNode() if self._node is not None else None

    def setSegmentationNode(self, node: Any) -> None:
        if self._node is not None and node is not self.segmentationNode():
            self._node.SetAndObserveSegmentationNode(node)
            first = node.GetSegmentation().GetNthSegmentID(0) if node and node.GetSegmentation() else ""
            self._node.SetSelectedSegmentID(first or "")
            self.segmentationNodeChanged.emit(node)
            self.updateWidgetFromMRML()

    def sourceVolumeNode(self) -> Any:
        return self._node.GetSourceVolumeNode() if self._node is not None else None

    def setSourceVolumeNode(self, node: Any) -> None:
        if self._node is not None and node is not self.sourceVolumeNode():
            self._node.SetAndObserveSourceVolumeNode(node)
            if self.segmentationNode() is not None and node is not None:
                self.segmentationNode().SetReferenceImageGeometryParameterFromVolumeNode(node)
            self.sourceVolumeNodeChanged.emit(node)
            self.updateWidgetFromMRML()

    def currentSegmentID(self) -> str:
        return (self._node.GetSelectedSegmentID() or "") if self._node is not None else ""

    def setCurrentSegmentID(self, segment_id: str) -> None:
        if self._node is not None and segment_id != self.currentSegmentID():
            self._node.SetSelectedSegmentID(segment_id)
            self.currentSegmentIDChanged.emit(segment_id)
            self.updateWidgetFromMRML()

    def updateWidgetFromMRML(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            self._watch(self.segmentationNode())
            self._segmentation_selector.setCurrentNode(self.segmentationNode())
            self._source_selector.setCurrentNode(self.sourceVolumeNode())
            self._list_segments()
        finally:
            self._updating = False

    def _watch(self, node: Any) -> None:
        segmentation = node.GetSegmentation() if node is not None else None
        if self._watched is not None:
            if self._watched[0] is segmentation:
                return
            for tag in self._watched[1]:
                self._watched[0].RemoveObserver(tag)
            self._watched = self._history = None
        if segmentation is not None:
            import slicer

            self._history = slicer.vtkSegmentationHistory()
            self._history.SetSegmentation(segmentation)
            self._history.SetMaximumNumberOfStates(self.maximumNumberOfUndoStates)
            events = (segmentation.SegmentAdded, segmentation.SegmentRemoved, segmentation.SegmentModified)
            self._watched = (
                segmentation,
                [observe(self, segmentation, event, "_changed") for event in events],
            )

    def _changed(self, *_event: Any) -> None:
        # The display node hears of a new segment after us, so the list waits for it.
        QtCore.QTimer.singleShot(0, self, self.updateWidgetFromMRML)

    def _list_segments(self) -> None:
        node = self.segmentationNode()
        segmentation = node.GetSegmentation() if node is not None else None
        ids = list(segmentation.GetSegmentIDs()) if segmentation is not None else []
        display = node.GetDisplayNode() if node is not None else None
        shown = set(display.GetVisibleSegmentIDs()) if display is not None else set(ids)
        self._table.setRowCount(len(ids))
        for row, segment_id in enumerate(ids):
            segment = segmentation.GetSegment(segment_id)
            eye = QtWidgets.QTableWidgetItem("\u25c9" if segment_id in shown else "\u25cb")
            colour = QtWidgets.QTableWidgetItem()
            swatch = QtGui.QPixmap(16, 16)
            swatch.fill(QtGui.QColor.fromRgbF(*segment.GetColor()))
            colour.setIcon(QtGui.QIcon(swatch))
            name = QtWidgets.QTableWidgetItem(segment.GetName())
            name.setData(QtCore.Qt.ItemDataRole.UserRole, segment_id)
            for column, item in enumerate((eye, colour, name)):
                self._table.setItem(row, column, item)
            if segment_id == self.currentSegmentID():
                self._table.selectRow(row)

    def _picked(self) -> None:
        rows = self._table.selectionModel().selectedRows(2)
        if rows and not self._updating:
            self.setCurrentSegmentID(rows[0].data(QtCore.Qt.ItemDataRole.UserRole))

    def _add_segment(self) -> None:
        if self.segmentationNode() is not None:
            self.setCurrentSegmentID(self.segmentationNode().GetSegmentation().AddEmptySegment())

    def _remove_segment(self) -> None:
        if self.currentSegmentID():
            self.segmentationNode().GetSegmentation().RemoveSegment(self.currentSegmentID())

    # -- effects ------------------------------------------------------------------------------------------------

    def updateEffectList(self) -> None:
        self._effects = {effect.name: effect for effect in EffectFactory.instance()._made(self)}
        order = list(self.__dict__.get("_order", []))
        names = [name for name in order if name in self._effects]
        if not order or self.unorderedEffectsVisible:
            names += [name for name in self._effects if name not in names]
        for button in self._buttons.values():
            self._tool_grid.removeWidget(button)
            button.setParent(None)
        self._buttons = {}
        for index, name in enumerate(["", *names]):
            effect = self._effects.get(name)
            button = QtWidgets.QToolButton()
            button.setCheckable(True)
            button.setAutoRaise(False)
            button.setIconSize(QtCore.QSize(20, 20))
            button.setFixedSize(QtCore.QSize(40, 28))
            button.setToolTip(effect.title if effect else "No editing")
            icon = effect._call("icon") if effect else None
            if icon is not None and not icon.isNull():
                button.setIcon(icon)
            else:
                button.setText(effect.title[:5] if effect else "\u2196")
            button.setObjectName(name or "NoEffect")
            button.clicked.connect(lambda _checked=False, chosen=name: self.setActiveEffectByName(chosen))
            self._buttons[name] = button
            self._tool_grid.addWidget(button, index // 2, index % 2)
        self._show_effect()

    def availableEffectNames(self) -> list[str]:
        return list(self._effects)

    def setEffectNameOrder(self, names: list[str]) -> None:
        self.__dict__["_order"] = list(names)
        self.updateEffectList()

    def effectNameOrder(self) -> list[str]:
        return self.__dict__.get("_order", [])

    def effectByName(self, name: str) -> Effect | None:
        return self._effects.get(name)

    def effectCount(self) -> int:
        return len(self._effects)

    def activeEffect(self) -> Effect | None:
        return self._active

    def setActiveEffectByName(self, name: str) -> None:
        self.setActiveEffect(self._effects.get(name))

    def setActiveEffect(self, effect: Effect | None) -> None:
        if effect is self._active:
            self._show_effect()
            return
        if self._active is not None:
            self._active.deactivate()
        self._active = effect
        if self._node is not None:
            self._node.SetActiveEffectName(effect.name if effect is not None else "")
        self._show_effect()
        if effect is not None:
            effect.activate()

    def _show_effect(self) -> None:
        for name, button in self._buttons.items():
            button.setChecked(name == (self._active.name if self._active else ""))
        self._effect_title.setText(self._active.title if self._active else "No editing")
        for effect in self._effects.values():
            if effect is not self._active:
                effect.optionsFrame().setVisible(False)
        if self._active is not None:
            self._options.layout().addWidget(self._active.optionsFrame())
            self._active.optionsFrame().setVisible(True)
        self._options.setVisible(self._active is not None)

    # -- what a panel pairs in enter() and exit() -----------------------------------------------------------------

    def installKeyboardShortcuts(self, parent: Any = None) -> None:
        """The keys of Slicer's ``qMRMLSegmentEditorWidget``, on the main window unless told otherwise."""
        import slicer

        self.uninstallKeyboardShortcuts()
        digits = [str(n % 10) for n in range(1, 11)]
        keys = [
            *digits,
            *(f"Shift+{n}" for n in digits),
            "Esc",
            "Space",
            "Z",
            "Ctrl+Z",
            "Y",
            "Ctrl+Shift+Z",
            *"QW/*,.><I",
        ]
        parent = parent if parent is not None else slicer.util.mainWindow()
        self._shortcuts = [QtGui.QShortcut(QtGui.QKeySequence(key), parent) for key in keys]

    def uninstallKeyboardShortcuts(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []

    def setupViewObservations(self) -> None:
        self.__dict__["_observing"] = True

    def removeViewObservations(self) -> None:
        self.__dict__["_observing"] = False

    def saveStateForUndo(self) -> None:
        if self._history is not None and self._history.GetMaximumNumberOfStates() > 0:
            self._history.SaveState()

    def undo(self) -> None:
        if self._history is not None:
            self._history.RestorePreviousState()

    def redo(self) -> None:
        if self._history is not None:
            self._history.RestoreNextState()

    # -- what is shown --------------------------------------------------------------------------------------------

    maximumNumberOfUndoStates = stored(int, "maximumNumberOfUndoStates", 10)
    readOnly = stored(bool, "readOnly", False, "setReadOnly")
    undoEnabled = _shown("_undo_group")
    unorderedEffectsVisible = stored(bool, "unorderedEffectsVisible", True)
    autoShowSourceVolumeNode = stored(bool, "autoShowSourceVolumeNode", True)
    jumpToSelectedSegmentEnabled = stored(bool, "jumpToSelectedSegmentEnabled", False)
    effectColumnCount = stored(int, "effectColumnCount", 2)
    defaultTerminologyEntry = stored(str, "defaultTerminologyEntry", "")
    segmentationNodeSelectorVisible = _shown("_segmentation_row")
    sourceVolumeNodeSelectorVisible = _shown("_source_row")
    masterVolumeNodeSelectorVisible = sourceVolumeNodeSelectorVisible
    addRemoveSegmentButtonsVisible = _shown("_segment_buttons")
    show3DButtonVisible = _shown("_show_3d")
    maskingSectionVisible = _shown("_masking")
    switchToSegmentationsButtonVisible = stored(bool, "switchToSegmentationsButtonVisible", True)
    specifyGeometryButtonVisible = stored(bool, "specifyGeometryButtonVisible", True)

    def setReadOnly(self, read_only: bool) -> None:
        """As Slicer: the active tool is put away, and no other can be taken by the tool bar."""
        if read_only:
            self.setActiveEffect(None)
        for part in (self._tools, self._segment_buttons):
            part.setEnabled(not read_only)

    def setMaximumNumberOfUndoStates(self, states: int) -> None:
        self.maximumNumberOfUndoStates = states
        if self._history is not None:
            self._history.SetMaximumNumberOfStates(states)

    def setSegmentationNodeSelectorVisible(self, visible: bool) -> None:
        self._segmentation_row.setVisible(visible)

    def setSourceVolumeNodeSelectorVisible(self, visible: bool) -> None:
        self._source_row.setVisible(visible)

    def setAddRemoveSegmentButtonsVisible(self, visible: bool) -> None:
        self._segment_buttons.setVisible(visible)

    def setShow3DButtonVisible(self, visible: bool) -> None:
        self._show_3d.setVisible(visible)

    def setMaskingSectionVisible(self, visible: bool) -> None:
        self._masking.setVisible(visible)

    def setSwitchToSegmentationsButtonVisible(self, visible: bool) -> None:
        self.switchToSegmentationsButtonVisible = visible

    def setSpecifyGeometryButtonVisible(self, visible: bool) -> None:
        self.specifyGeometryButtonVisible = visible

    def setUndoEnabled(self, enabled: bool) -> None:
        """As Slicer: it hides the buttons, and the keys keep working."""
        self._undo_group.setVisible(enabled)
