"""The module "X-Ray AI Annotate": draw masks, polygons, boxes and landmarks on the radiographs of a project."""

import time
from enum import Enum
from typing import Annotated

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

TICK_MILLISECONDS = 250


class XRayAIAnnotate(ScriptedLoadableModule):
    """Describes the module to Slicer, and brings its tools into the Segment Editor."""

    def __init__(self, parent) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("X-Ray AI Annotate")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Radiography")]
        self.parent.dependencies = ["XRayAI", "Markups", "Segmentations", "SegmentEditor", "Volumes"]
        self.parent.contributors = ["X-Ray AI contributors"]
        self.parent.helpText = _(
            "Draw the labels of a project on its radiographs, one after another. What is drawn is saved by itself, two "
            "seconds later at most, and before another image is shown."
        )
        self.parent.acknowledgementText = _("For research only; not for clinical use.")
        # The string form is what was seen to work for the application itself, and what Slicer's own modules use.
        slicer.app.connect("startupCompleted()", registerEffects)


def registerEffects() -> None:
    """Offer Polygon, Box, Landmarks and Measure in the tool bar of every Segment Editor."""
    import XRayAIAnnotateEffects

    XRayAIAnnotateEffects.register()
    panel = getattr(slicer.modules, "XRayAIAnnotateWidget", None)
    if panel is not None:
        # As the home module it was opened before the startup was completed, and its editor looked for effects then.
        panel.ui.editor.updateEffectList()


class StartChoice(Enum):
    """What a new image begins with; see ``workflow.annotate.Start``."""

    NOTHING = "nothing"
    PREDICTION = "prediction"
    REFERENCE = "reference"

    def label(self) -> str:
        texts = {
            StartChoice.NOTHING: _("Nothing"),
            StartChoice.PREDICTION: _("The model's prediction"),
            StartChoice.REFERENCE: _("Imported or others' labels"),
        }
        return texts[self]


@parameterNodeWrapper
class XRayAIAnnotateParameterNode:
    """What the panel remembers in the scene.

    opacity - of the areas of masks.
    start - what an image begins with that the reader has not worked on.
    """

    opacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.35
    start: StartChoice = StartChoice.NOTHING


class XRayAIAnnotateLogic(ScriptedLoadableModuleLogic):
    """Gives the parameter node; the work itself is done by ``XRayAILib.workflow.annotate``."""

    def getParameterNode(self) -> XRayAIAnnotateParameterNode:
        return XRayAIAnnotateParameterNode(super().getParameterNode())


def telling(message, waitCursor=False):
    """Tell in a window what failed in a block, and go on behind it."""
    from XRayAIPanel.telling import telling

    return telling(message, waitCursor)


class XRayAIAnnotateWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: reads widgets, calls an annotation session, shows its state."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.sitting = None
        self._isShowing = False
        self._author = None  # whose findings are drawn on, where they are not the reader's own
        self._parameterNode = None
        self._parameterNodeGuiTag = None

    # Life of the panel ----------------------------------------------------------------------------------------------

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/XRayAIAnnotate.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        self.logic = XRayAIAnnotateLogic()
        self._setUpEditor()
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self._setUpParts()
        self._connect()
        scene = slicer.mrmlScene
        # Before anybody else takes the nodes away or forgets them.
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose, priority=1.0)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.initializeParameterNode()
        self.showState()

    def _setUpEditor(self) -> None:
        from XRayAIAnnotatePanel.editor_node import editor_node
        from XRayAIAnnotatePanel.tools import EFFECTS

        # The node comes before the scene, so that the editor does not choose nodes by itself.
        self.ui.editor.setMRMLSegmentEditorNode(editor_node(slicer.mrmlScene))
        # There is one history over all tools, see XRayAIAnnotatePanel.drawn: the editor's own must not contradict it.
        self.ui.editor.setMaximumNumberOfUndoStates(0)
        self.ui.editor.setUndoEnabled(False)
        self.ui.editor.setEffectNameOrder(list(EFFECTS))

    def _setUpParts(self) -> None:
        from XRayAIAnnotatePanel.answers import Answers
        from XRayAIAnnotatePanel.case_bar import CaseBar
        from XRayAIAnnotatePanel.hotkeys import Hotkeys
        from XRayAIAnnotatePanel.label_table import LabelTable
        from XRayAIAnnotatePanel.objects_part import ObjectsPart
        from XRayAIAnnotatePanel.slicer_state import SlicerState
        from XRayAIPanel.desk import desk

        self.desk = desk()
        self.slicerState = SlicerState(self.desk.viewer.host)
        self.caseBar = CaseBar(self)
        self.hotkeys = Hotkeys(self.ui.editor, self.ui.XRayAIAnnotate)
        self.labels = LabelTable(self.ui.labelsTable, self.onLabel)
        self.objectsPart = ObjectsPart(self)
        self.objects = self.objectsPart.table
        self.answers = Answers(self.ui.answersWidget, self.onAnswer)
        self.parts = self._makeParts()
        self.timer = qt.QTimer()
        self.timer.setInterval(TICK_MILLISECONDS)
        self.timer.timeout.connect(self.onTick)

    def _makeParts(self) -> list:
        """The parts of the panel that have a file of their own in XRayAIAnnotatePanel, in the order of the panel."""
        from XRayAIAnnotatePanel.assist_part import AssistPart
        from XRayAIAnnotatePanel.case_list import CaseList
        from XRayAIAnnotatePanel.comments_part import CommentsPart
        from XRayAIAnnotatePanel.guidelines_part import GuidelinesPart
        from XRayAIAnnotatePanel.history_part import HistoryPart
        from XRayAIAnnotatePanel.keys_part import KeysPart
        from XRayAIAnnotatePanel.layouts_part import LayoutsPart
        from XRayAIAnnotatePanel.readers_part import ReadersPart
        from XRayAIAnnotatePanel.schema_part import SchemaPart
        from XRayAIAnnotatePanel.shapes_part import ShapesPart
        from XRayAIAnnotatePanel.undo_part import UndoPart

        layouts = LayoutsPart(self)
        history = HistoryPart(self)
        return [
            self.caseBar,
            layouts,
            KeysPart(self, layouts.own.keysButton),
            CaseList(self),
            SchemaPart(self),
            self.objectsPart,
            UndoPart(self),
            GuidelinesPart(self),
            ShapesPart(self),
            AssistPart(self),
            history,
            CommentsPart(self, history.own),
            ReadersPart(self),
        ]

    def _connect(self) -> None:
        ui = self.ui
        ui.openProjectButton.clicked.connect(self.onOpenProject)
        ui.anotherButton.clicked.connect(self.onAnother)
        ui.stopButton.clicked.connect(self.onStop)

    def cleanup(self) -> None:
        """Slicer ends, or the module is loaded again."""
        try:
            if self.parent.isEntered:
                self.exit()
        finally:
            self.removeObservers()

    def enter(self) -> None:
        from XRayAIPanel.desk import desk
        from XRayAIPanel.last_project import open_last

        self.desk = desk()
        self.slicerState.take()
        self.initializeParameterNode()
        self._setUpEditor()
        self.ui.editor.setupViewObservations()
        problem = "" if self.desk.browse.is_open else open_last(self.desk.browse)
        if problem:
            # Nobody asked for it now, so no dialog: the reason stands where the project's name would.
            self.ui.projectLabel.text = problem
        self._sitDown()
        for part in self.parts:
            part.enter()
        self.timer.start()

    def exit(self) -> None:
        self.timer.stop()
        for part in self.parts:
            part.leave()
        try:
            self._standUp()
        finally:
            self._author = None
            # Also where it could not be saved: keys, views and layout belong to the next module now.
            self.hotkeys.remove()
            self.ui.editor.setActiveEffect(None)
            self.ui.editor.removeViewObservations()
            self.setParameterNode(None)
            self.slicerState.put_back()

    def onSceneStartClose(self, _caller, _event) -> None:
        self.setParameterNode(None)
        message = _("What is drawn was not saved. It comes back into the empty scene.")
        try:
            if self.sitting is not None:
                with telling(message):
                    self.sitting.session.hold()
        finally:
            if self.sitting is not None:
                self.sitting.remember()
                self.sitting.canvas.unwatch()
            self.ui.editor.setSegmentationNode(None)
            self.ui.editor.removeViewObservations()

    def onSceneEndClose(self, _caller, _event) -> None:
        if not self.parent.isEntered:
            return
        self.initializeParameterNode()
        self._setUpEditor()
        self.ui.editor.setupViewObservations()
        if self.sitting is not None:
            self.sitting.session.unhold()
            self.sitting.tools.attach()
        self.labels.mark("")
        self.showState()

    def initializeParameterNode(self) -> None:
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, node) -> None:
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameters)
        self._parameterNode = node
        if node is not None:
            self._parameterNodeGuiTag = node.connectGui(self.ui)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.onParameters)
            self.onParameters()

    def onParameters(self, _caller=None, _event=None) -> None:
        from XRayAILib.scene import layers

        if self.sitting is not None:
            self.sitting.session.start = self._start()
            if self.sitting.nodes is not None:
                layers.set_opacity(self.sitting.nodes, self._parameterNode.opacity)

    def _start(self):
        from XRayAILib.workflow.annotate import Start

        return Start(self._parameterNode.start.value)

    # Project and sitting --------------------------------------------------------------------------------------------

    def onOpenProject(self, _checked=False) -> None:
        from XRayAIPanel.last_project import ask

        browse, self._author = self.desk.browse, None
        if ask(browse, _("Choose the folder of a project"), browse.open, self._leave):
            self._sitDown()
        self.showState()

    def _leave(self) -> None:
        if self.sitting is not None:
            self.sitting.leave()
            self.sitting = None

    def _sitDown(self) -> None:
        """Annotate the images on the desk, from the one looked at on; what could not be saved before goes on."""
        from XRayAIAnnotatePanel.sitting import Sitting

        if self.sitting is not None and not (self.sitting.belongs_to(self.desk) and self.sitting.is_drawing_possible):
            self.sitting = None
        if self.sitting is None and self.desk.browse.is_open and self.desk.browse.project.count():
            with telling(_("The labels were changed outside, and cannot be used.")):
                self.desk.browse.project.reread_schema()
            schema = self.desk.browse.project.schema
            self.labels.show(schema)
            self.answers.show(schema)
            work = (self._start(), self.showState, self.onDrawn, self._author)
            self.sitting = Sitting(self.desk, self.ui.editor, *work)
            self.showImage(self.sitting.open)
        if self.sitting is not None:
            keys = {"Escape": self.onStop}
            for part in self.parts:
                keys.update(part.keys())
            self.hotkeys.install(self.desk.browse.project.schema, self.onHotkey, keys)
        self.showState()

    def sitAgain(self, author=None) -> None:
        """Draw on the findings of ``author``, or as the reader who is there now; what is drawn is saved first."""
        with telling(_("What is drawn cannot be saved, so nothing was changed.")):
            self._leave()
            self._author = author
            self._sitDown()
        self.showState()

    def changeSchema(self, change) -> None:
        """Save what is drawn, change the project's schema by ``change``, and show the image with the new labels."""
        try:
            self._leave()
            change()
        finally:
            self._sitDown()

    def _standUp(self) -> None:
        """Save and hand the image back to be looked at. What cannot be saved stays in the scene, to be tried again."""
        if self.sitting is not None:
            with telling(_("Saving failed.")):
                self.sitting.end()
                self.sitting = None

    # From image to image --------------------------------------------------------------------------------------------

    def step(self, step) -> None:
        """Let the session go to another image, or show this one otherwise."""
        sitting = self.sitting
        if sitting is not None:
            self.showImage(lambda: sitting.step(lambda: step(sitting.session)))

    def showImage(self, show) -> None:
        # The session tells of every step in between; to show the state once, at the end, is enough.
        self._isShowing = True
        try:
            with telling(_("The image was not changed."), waitCursor=True):
                show()
        finally:
            self._isShowing = False
            self.onParameters()
            self.showState()

    # Drawing --------------------------------------------------------------------------------------------------------

    def onLabel(self, name, another=False) -> None:
        from XRayAILib.findings.schema import Tool

        label = self.desk.browse.project.schema[name]
        if label.tool is Tool.IMAGE:
            self.answers.ask(name)
            return
        with telling(_("The tool cannot be used.")):
            self.sitting.tools.choose(label, another)
        self.ui.editorCollapsibleButton.collapsed = label.tool is not Tool.MASK
        self.showState()

    def onHotkey(self, name) -> None:
        self.labels.mark(name)
        self.onLabel(name)

    def onAnother(self, _checked=False) -> None:
        self.onLabel(self.labels.chosen, another=True)

    def onStop(self, _checked=False) -> None:
        self.sitting.tools.stop()
        self.labels.mark("")
        self.ui.editorCollapsibleButton.collapsed = True
        self.showState()

    def onAnswer(self, name, values) -> None:
        with telling(_("This cannot be said of the image.")):
            self.sitting.session.set_answers(name, values, time.monotonic())
            self.sitting.drawn.changed()

    def onDrawn(self) -> None:
        if self.sitting is not None:
            self.sitting.drawn.changed()
            self.sitting.session.changed(time.monotonic())

    def onTick(self) -> None:
        if self.sitting is None or slicer.mrmlScene.IsClosing():
            return
        self.sitting.canvas.watch_new()
        self.sitting.session.tick(time.monotonic())
        self._showDrawing()

    # Showing the state ----------------------------------------------------------------------------------------------

    def showState(self) -> None:
        """Show where we are, what is saved and what is drawn."""
        if self._isShowing:
            return
        if self.sitting is not None and self.sitting.session.project is not self.desk.project:
            self.sitting = None  # somebody else closed the project, and it was saved before
        if self.sitting is not None:
            session = self.sitting.session
            self.answers.set({label.name: session.answers(label.name) for label in session.labels})
        for part in self.parts:
            part.show()
        self._showDrawing()

    def _showDrawing(self) -> None:
        from XRayAIAnnotatePanel import placing
        from XRayAIAnnotatePanel.label_table import tool_text

        for part in self.parts:
            part.tick()
        ui, sitting = self.ui, self.sitting
        drawing = sitting is not None and sitting.is_drawing_possible
        active = drawing and sitting.tools.is_drawing
        enabled = {
            ui.labelsTable: drawing,
            ui.answersWidget: drawing,
            ui.anotherButton: drawing and self.labels.can_repeat,
            ui.stopButton: active,
        }
        for widget, wanted in enabled.items():
            if widget.enabled != wanted:
                widget.enabled = wanted
        placed = {item.title for item in self.objects.objects if item.kind == "landmark"}
        following = placing.next_place(sitting.canvas.host, sitting.nodes) if active else ""
        text = tool_text(self.labels.label, active, placed, following) if drawing else ""
        if ui.toolLabel.text != text:
            ui.toolLabel.text = text


class XRayAIAnnotateTest(ScriptedLoadableModuleTest):
    """Run by "Reload and Test"; the tests of the extension are in ``Testing/Python``."""

    def runTest(self) -> None:
        self.delayDisplay("Open the panel")
        panel = slicer.modules.xrayaiannotate.widgetRepresentation().self()
        self.assertGreater(panel.ui.editor.effectCount(), 0)
        self.delayDisplay("Done")
