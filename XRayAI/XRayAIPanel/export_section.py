"""The section Export: the labelled collection as files for other programs."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.exchange.choice import Choice
from XRayAILib.workflow.export import Export
from XRayAIPanel.installation import interpreter
from XRayAIPanel.section import Panel, Section


class ExportSection(Section):
    """Export as COCO, and the folder that came of it."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.export = Export(interpreter())
        self.add_strip("export", self.export.work)
        self.ui.exportButton.clicked.connect(self.on_export)
        self.ui.exportFolderButton.clicked.connect(self.on_folder)

    def on_export(self, _checked: bool = False) -> None:
        from XRayAIPanel.installation import need_export

        parameters = self.panel.parameters
        assert parameters is not None
        with slicer.util.tryWithErrorDisplay(_("Nothing was exported.")):
            need_export()
            self.export.start(self.browse.project, "coco", Choice(only_approved=parameters.onlyApproved))
        self.panel.watch()

    def on_folder(self, _checked: bool = False) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self.export.folder)))

    def ended(self) -> str:
        return self.export.outcome()

    def show_buttons(self) -> None:
        self.ui.exportButton.enabled = self.browse.has_images and not self.running
        self.ui.exportFolderButton.enabled = self.export.folder is not None
