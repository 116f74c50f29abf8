"""The module "X-Ray AI": browse a collection of radiographs, train, predict, review and export."""

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

POLL_MILLISECONDS = 300


class XRayAI(ScriptedLoadableModule):
    """Describes the module to Slicer."""

    def __init__(self, parent) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("X-Ray AI")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Radiography")]
        self.parent.dependencies = ["Markups", "Plots", "Segmentations", "Volumes"]
        self.parent.contributors = ["X-Ray AI contributors"]
        self.parent.helpText = _(
            "Research with radiographs: collect them in a project, train a model on their labels on this machine, "
            "predict, review and export. Labels are drawn in the module X-Ray AI Annotate."
        )
        self.parent.acknowledgementText = _("For research only; not for clinical use.")


class XRayAILogic(ScriptedLoadableModuleLogic):
    """Gives the parameter node; the work itself is done by ``XRayAILib.workflow``."""

    def getParameterNode(self):
        from XRayAIPanel.parameters import XRayAIParameterNode

        return XRayAIParameterNode(super().getParameterNode())


class XRayAIWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: its sections read widgets, call a workflow and show its state; this class is their life."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.parameters = None
        self._parameterNodeGuiTag = None

    def setup(self) -> None:
        """Called when the module is entered for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/XRayAI.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = XRayAILogic()
        self.timer = qt.QTimer()
        self.timer.setInterval(POLL_MILLISECONDS)
        self.timer.timeout.connect(self.onTimer)
        self._makeSections()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def _makeSections(self) -> None:
        from XRayAIPanel.agreement_section import AgreementSection
        from XRayAIPanel.annotations import CornerAnnotations
        from XRayAIPanel.calibration_section import CalibrationSection
        from XRayAIPanel.check_section import CheckSection
        from XRayAIPanel.collection_section import CollectionSection
        from XRayAIPanel.deidentification_section import DeidentificationSection
        from XRayAIPanel.desk import desk
        from XRayAIPanel.display_section import DisplaySection
        from XRayAIPanel.enhance_section import EnhanceSection
        from XRayAIPanel.export_section import ExportSection
        from XRayAIPanel.import_section import ImportSection
        from XRayAIPanel.project_section import ProjectSection
        from XRayAIPanel.review_section import ReviewSection
        from XRayAIPanel.servers_section import ServersSection
        from XRayAIPanel.snapshot_section import SnapshotSection
        from XRayAIPanel.training_section import TrainingSection

        self.desk = desk()
        self.annotations = CornerAnnotations()
        self.project = ProjectSection(self, self.refuseWhileWorking)
        self.collection = CollectionSection(self)
        self.display = DisplaySection(self)
        self.servers = ServersSection(self)
        self.enhance = EnhanceSection(self)
        self.check = CheckSection(self)
        self.calibration = CalibrationSection(self)
        self.training = TrainingSection(self)
        self.review = ReviewSection(self)
        self.agreement = AgreementSection(self)
        self.importing = ImportSection(self)
        self.snapshots = SnapshotSection(self)
        self.export = ExportSection(self)
        self.deidentification = DeidentificationSection(self)
        self.sections = (
            self.project,
            self.collection,
            self.display,
            self.servers,
            self.enhance,
            self.check,
            self.calibration,
            self.training,
            self.review,
            self.agreement,
            self.importing,
            self.snapshots,
            self.export,
            self.deidentification,
        )

    def cleanup(self) -> None:
        """Called when Slicer ends, or the module is loaded again."""
        from XRayAIPanel.desk import leave_desk

        self.timer.stop()
        for section in self.sections:
            if section.running:
                section.strip.work.stop()
        self.servers.close()
        self.training.close()
        self.review.close()
        self.enhance.close()
        self.deidentification.close()
        self.setParameterNode(None)
        self.removeObservers()
        leave_desk()

    def enter(self) -> None:
        """Called each time the module is shown."""
        from XRayAIPanel.telling import telling

        self.initializeParameterNode()
        self.annotations.hide()
        if not self.desk.browse.is_open:
            self.project.open_last()
        with telling(_("The radiograph cannot be shown again."), waitCursor=True):
            self.desk.browse.look_again()
        self.refresh()
        self.enhance.come_back()
        self.watch()

    def exit(self) -> None:
        """Called each time another module is shown. Jobs go on, and the timer with them."""
        self.annotations.restore()
        self.ui.curveCheckBox.checked = False
        self.enhance.leave()
        self.deidentification.leave()
        self.setParameterNode(None)

    def onSceneStartClose(self, _caller, _event) -> None:
        self.setParameterNode(None)
        self.desk.viewer.forget()
        self.training.curve.forget()
        self.desk.browse.forget_image()

    def onSceneEndClose(self, _caller, _event) -> None:
        if self.parent.isEntered:
            self.initializeParameterNode()
            self.refresh()

    def initializeParameterNode(self) -> None:
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, node) -> None:
        """Bind the widgets to another parameter node, or to none."""
        if self.parameters is not None:
            self.parameters.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
        self.parameters = node
        if node is not None:
            self._parameterNodeGuiTag = node.connectGui(self.ui)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
            self.onParametersChanged()

    def onParametersChanged(self, _caller=None, _event=None) -> None:
        for section in self.sections:
            section.parameters_changed()

    def refresh(self) -> None:
        """Show in all sections what the project holds now."""
        self.desk.browse.refresh()
        for section in self.sections:
            section.show()
        for section in self.sections:
            section.show_buttons()

    def watch(self) -> None:
        """Look at the work under way until it ends."""
        for section in self.sections:
            if section.running:
                section.strip.show()
            section.show_buttons()
        if any(section.waiting for section in self.sections):
            self.timer.start()

    def onTimer(self) -> None:
        for section in self.sections:
            if section.strip is not None:
                section.strip.poll()
            section.tick()
            section.show_buttons()
        if not any(section.waiting for section in self.sections):
            self.timer.stop()

    @property
    def is_working(self) -> bool:
        """Whether a job on the project is under way."""
        return any(section.running for section in self.sections)

    def refuseWhileWorking(self) -> None:
        """Raise where the project cannot be left now."""
        from XRayAILib.workflow.work import WorkError

        if self.is_working:
            raise WorkError(_("This project is being worked on: stop the job, or wait until it ends."))


class XRayAITest(ScriptedLoadableModuleTest):
    """Run by "Reload and Test"; the tests of the extension are in ``Testing/Python``."""

    def runTest(self) -> None:
        self.delayDisplay("Opening the panel")
        widget = slicer.modules.xrayai.widgetRepresentation().self()
        self.assertEqual([section.running for section in widget.sections], [False] * len(widget.sections))
        self.delayDisplay("The panel is there, and nothing runs")
