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
        slicer.app.startupCompleted.connect(registerEffects)


def registerEffects() -> None:
    """Offer Polygon, Box and Landmarks in the tool bar of every Segment Editor."""
    import XRayAIAnnotateEffects

    XRayAIAnnotateEffects.register()


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


class XRayAIAnnotateWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: reads widgets, calls an annotation session, shows its state."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.session = None
        self.tools = None
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
        from XRayAIAnnotatePanel.tools import EFFECTS, UNDO_STATES

        # The node comes before the scene, so that the editor does not choose nodes by itself.
        self.ui.editor.setMRMLSegmentEditorNode(editor_node(slicer.mrmlScene))
        self.ui.editor.setMaximumNumberOfUndoStates(UNDO_STATES)
        self.ui.editor.setEffectNameOrder(list(EFFECTS))

    def _setUpParts(self) -> None:
        from XRayAIAnnotatePanel.answers import Answers
        from XRayAIAnnotatePanel.hotkeys import Hotkeys
        from XRayAIAnnotatePanel.label_table import LabelTable
        from XRayAIAnnotatePanel.object_table import ObjectTable
        from XRayAIAnnotatePanel.slicer_state import SlicerState
        from XRayAIPanel.desk import desk

        self.desk = desk()
        self.slicerState = SlicerState(self.desk.viewer.host)
        self.hotkeys = Hotkeys(self.ui.editor, self.ui.XRayAIAnnotate)
        self.labels = LabelTable(self.ui.labelsTable, self.onLabel)
        self.objects = ObjectTable(self.ui.objectsTable, self.onObject)
        self.answers = Answers(self.ui.answersWidget, self.onAnswer)
        self.timer = qt.QTimer()
        self.timer.setInterval(TICK_MILLISECONDS)
        self.timer.timeout.connect(self.onTick)

    def _connect(self) -> None:
        ui = self.ui
        ui.openProjectButton.clicked.connect(self.onOpenProject)
        ui.previousButton.clicked.connect(self.onPrevious)
        ui.saveButton.clicked.connect(self.onSave)
        ui.nextButton.clicked.connect(self.onNext)
        ui.reloadButton.clicked.connect(self.onReload)
        ui.anotherButton.clicked.connect(self.onAnother)
        ui.stopButton.clicked.connect(self.onStop)
        ui.deleteButton.clicked.connect(self.onDelete)

    def cleanup(self) -> None:
        """Slicer ends, or the module is loaded again."""
        if self.parent.isEntered:
            self.exit()
        self.removeObservers()

    def enter(self) -> None:
        from XRayAIAnnotatePanel import project_choice
        from XRayAIPanel.desk import desk

        self.desk = desk()
        self.slicerState.take()
        self.initializeParameterNode()
        self._setUpEditor()
        self.ui.editor.setupViewObservations()
        problem = "" if self.desk.browse.is_open else project_choice.open_last(self.desk.browse)
        if problem:
            # Nobody asked for it now, so no dialog: the reason stands where the project's name would.
            self.ui.projectLabel.text = problem
        self._beginSession()
        self.timer.start()

    def exit(self) -> None:
        self.timer.stop()
        self._endSession()
        self.hotkeys.remove()
        self.ui.editor.setActiveEffect(None)
        self.ui.editor.removeViewObservations()
        self.setParameterNode(None)
        self.slicerState.put_back()

    def onSceneStartClose(self, _caller, _event) -> None:
        self.setParameterNode(None)
        if self.session is not None:
            with slicer.util.tryWithErrorDisplay(_("What is drawn was not saved. It comes back into the empty scene.")):
                self.session.hold()
            self.tools.canvas.unwatch()
        self.ui.editor.setSegmentationNode(None)
        self.ui.editor.removeViewObservations()

    def onSceneEndClose(self, _caller, _event) -> None:
        if not self.parent.isEntered:
            return
        self.initializeParameterNode()
        self._setUpEditor()
        self.ui.editor.setupViewObservations()
        if self.session is not None:
            self.session.unhold()
            self.tools.attach()
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

        nodes = self._nodes()
        if nodes is not None:
            layers.set_opacity(nodes, self._parameterNode.opacity)
        if self.session is not None:
            self.session.start = self._start()

    # Project and session --------------------------------------------------------------------------------------------

    def onOpenProject(self, _checked=False) -> None:
        from XRayAIAnnotatePanel import project_choice

        if project_choice.ask(self.desk.browse, self._onLeaving):
            self._beginSession()
        self.showState()

    def _beginSession(self) -> None:
        """Annotate the images that the desk has, from the one looked at on; a session that could not save goes on."""
        from XRayAIAnnotatePanel import layer
        from XRayAIAnnotatePanel.canvas import SceneCanvas
        from XRayAIAnnotatePanel.tools import Tools

        browse = self.desk.browse
        if self.session is None or self.session.index is None or self.session.project is not self.desk.project:
            self.session = None
        if self.session is None and browse.is_open:
            from XRayAILib.workflow.annotate import AnnotationSession
            from XRayAIPanel.desk import reader

            schema = browse.project.schema
            layer.offer_labels(schema)
            canvas = SceneCanvas(self.desk.viewer, schema, self.onDrawn)
            self.tools = Tools(canvas, self.ui.editor)
            uids = [image.uid for image in browse.project.images(browse.text) if not image.excluded]
            self.session = AnnotationSession(
                browse.project, reader(), canvas, uids or None, self._start(), listener=self.showState
            )
            self.labels.show(schema)
            self.answers.show(schema)
            wanted = browse.current.uid if browse.current is not None and browse.current.uid in uids else None
            browse.hide_prior()
            self._step(lambda: self.session.open(wanted))
        if self.session is not None:
            self.hotkeys.install(self.session.project.schema, self.onHotkey, {"Escape": self.onStop})
        if self._onLeaving not in browse.leaving:
            browse.leaving.append(self._onLeaving)
        self.showState()

    def _endSession(self) -> None:
        """Save and hand the image back to be looked at. What cannot be saved stays in the scene, to be tried again."""
        if self.session is None:
            return
        self.tools.stop()
        browse, image = self.desk.browse, self.session.image
        with slicer.util.tryWithErrorDisplay(_("What is drawn is not saved.")):
            self.session.close()
            if self._onLeaving in browse.leaving:
                browse.leaving.remove(self._onLeaving)
            self.tools.canvas.clear()
            self.session = None
            browse.refresh()
            if image is not None and browse.is_open:
                browse.current = browse.project.image(image.uid)
                browse.show_findings()

    def _onLeaving(self) -> None:
        """Somebody else wants to show another image, or to close the project."""
        if self.session is not None:
            self.session.close()
            self.tools.canvas.clear()
            self.session = None

    def _start(self):
        from XRayAILib.workflow.annotate import Start

        return Start(self._parameterNode.start.value) if self._parameterNode is not None else Start.NOTHING

    # From image to image --------------------------------------------------------------------------------------------

    def onPrevious(self, _checked=False) -> None:
        self._step(self.session.previous)

    def onNext(self, _checked=False) -> None:
        self._step(self.session.next)

    def onReload(self, _checked=False) -> None:
        question = _("Show the image again as it was last saved? What was drawn since is dropped.")
        if not self.session.is_unsaved or slicer.util.confirmOkCancelDisplay(question):
            self._step(self.session.reload)

    def onSave(self, _checked=False) -> None:
        with slicer.util.tryWithErrorDisplay(_("What is drawn is not saved.")):
            self.session.save()
        self.showState()

    def _step(self, step) -> None:
        self.tools.stop()
        try:
            with slicer.util.tryWithErrorDisplay(_("The image was not changed."), waitCursor=True):
                step()
        finally:
            self.tools.attach()
            self.onParameters()
            image = self.session.image
            if image is not None:
                self.desk.browse.current = image
            self.answers.set({label.name: self.session.answer(label.name) for label in self.session.labels})
            self.showState()

    # Drawing --------------------------------------------------------------------------------------------------------

    def onLabel(self, name, another=False) -> None:
        from XRayAILib.findings.schema import Tool

        label = self.session.project.schema[name]
        if label.tool is Tool.IMAGE:
            self.answers.focus(name)
            return
        with slicer.util.tryWithErrorDisplay(_("The tool cannot be used.")):
            self.tools.choose(label, another)
        self.ui.editorCollapsibleButton.collapsed = label.tool is not Tool.MASK
        self.showState()

    def onHotkey(self, name) -> None:
        self.labels.mark(name)
        self.onLabel(name)

    def onAnother(self, _checked=False) -> None:
        if self.labels.chosen:
            self.onLabel(self.labels.chosen, another=True)

    def onStop(self, _checked=False) -> None:
        self.tools.stop()
        self.labels.mark("")
        self.ui.editorCollapsibleButton.collapsed = True
        self.showState()

    def onAnswer(self, name, value) -> None:
        with slicer.util.tryWithErrorDisplay(_("This cannot be said of the image.")):
            self.session.set_answer(name, value, time.monotonic())

    def onObject(self, item) -> None:
        from XRayAIAnnotatePanel import shown_objects

        shown_objects.highlight(self._nodes(), item)
        if item is not None and item.kind == shown_objects.MASK:
            self.tools.select_mask(item.key)
        self._showButtons()

    def onDelete(self, _checked=False) -> None:
        from XRayAIAnnotatePanel import shown_objects

        if self.objects.chosen is not None:
            shown_objects.delete(self.tools.canvas.host, self._nodes(), self.objects.chosen)
            self.showState()

    def onDrawn(self) -> None:
        if self.session is not None:
            self.session.changed(time.monotonic())

    def onTick(self) -> None:
        if self.session is None or slicer.mrmlScene.IsClosing():
            return
        self.tools.canvas.watch_new()
        self.session.tick(time.monotonic())
        self._showObjects()
        self._showButtons()

    def _nodes(self):
        return self.tools.canvas.nodes if self.tools is not None else None

    # Showing the state ----------------------------------------------------------------------------------------------

    def showState(self) -> None:
        """Show where we are and what is saved."""
        from XRayAIAnnotatePanel import case_text

        session, ui = self.session, self.ui
        image = session.image if session is not None else None
        if self.desk.browse.is_open:
            project = self.desk.browse.project
            ui.projectLabel.text = f"<b>{project.name}</b><br>{project.folder}"
        ui.caseLabel.text = case_text.title(session)
        ui.detailsLabel.text = case_text.details(image)
        ui.detailsLabel.visible = image is not None
        ui.stateLabel.text = case_text.state(session)
        message = (session.problem or session.notice) if session is not None else ""
        ui.messageLabel.text = case_text.warning(message)
        ui.messageLabel.visible = bool(message)
        self._showObjects()
        self._showButtons()

    def _showObjects(self) -> None:
        from XRayAIAnnotatePanel.shown_objects import shown_objects

        nodes = self._nodes()
        self.objects.show(shown_objects(nodes) if nodes is not None else [])

    def _showButtons(self) -> None:
        from XRayAIAnnotatePanel import case_text

        ui, session = self.ui, self.session
        drawing = self._nodes() is not None and session is not None and session.index is not None
        enabled = {
            ui.previousButton: drawing and session.has_previous,
            ui.nextButton: drawing and session.has_next,
            ui.saveButton: drawing,
            ui.reloadButton: session is not None and session.index is not None,
            ui.labelsTable: drawing,
            ui.answersWidget: drawing,
            ui.anotherButton: drawing and bool(self.labels.chosen) and self.labels.can_repeat,
            ui.stopButton: drawing and self.tools.is_drawing,
            ui.deleteButton: drawing and self.objects.chosen is not None,
        }
        for widget, wanted in enabled.items():
            if widget.enabled != wanted:
                widget.enabled = wanted
        text = case_text.tool(self.labels.label, self.tools.is_drawing) if drawing else ""
        if ui.toolLabel.text != text:
            ui.toolLabel.text = text


class XRayAIAnnotateTest(ScriptedLoadableModuleTest):
    """Run by "Reload and Test"; the tests of the extension are in ``Testing/Python``."""

    def runTest(self) -> None:
        self.delayDisplay("Open the panel")
        panel = slicer.modules.XRayAIAnnotateWidget
        self.assertGreater(panel.ui.editor.effectCount(), 0)
        self.delayDisplay("Done")
