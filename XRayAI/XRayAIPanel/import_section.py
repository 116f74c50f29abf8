"""The section Import labels: what was drawn in other programs, taken in all or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.label_import import LabelImport
from XRayAIPanel.installation import interpreter, need_library
from XRayAIPanel.section import Panel, Section
from XRayAIPanel.telling import telling


class ImportSection(Section):
    """A file or folder of labels; faults are told, and nothing is imported then unless it is wanted."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        own = self.load("Import", panel.ui.importCollapsibleButton)
        self.importing = LabelImport(interpreter())
        self.add_strip("import", self.importing.work)
        own.importFileButton.clicked.connect(self.on_file)
        own.importFolderButton.clicked.connect(self.on_folder)
        own.importReportButton.clicked.connect(self.on_report)

    def on_file(self, _checked: bool = False) -> None:
        self._import(qt.QFileDialog.getOpenFileName, _("Choose a file of labels"))

    def on_folder(self, _checked: bool = False) -> None:
        self._import(qt.QFileDialog.getExistingDirectory, _("Choose a folder of labels"))

    def on_report(self, _checked: bool = False) -> None:
        text = self.importing.outcome().partition("\n")[0]
        slicer.util.messageBox(text, windowTitle=_("Import labels"), detailedText=self.importing.report())

    def ended(self) -> str:
        if self.browse.is_open and not self.importing.refused:
            with telling(_("The labels were changed, and cannot be used.")):
                self.browse.project.reread_schema()
            self.panel.refresh()
        return self.importing.outcome()

    def show_buttons(self) -> None:
        own = self.own
        possible = self.browse.has_images and not self.running
        own.importFileButton.enabled = own.importFolderButton.enabled = possible
        own.importReportButton.visible = not self.running and bool(self.importing.report())

    def _import(self, ask: Callable[..., str], title: str) -> None:
        path = ask(slicer.util.mainWindow(), title)
        if not path:
            return
        own = self.own
        wishes = (check.checked for check in (own.extendCheckBox, own.leaveOutCheckBox, own.onlyLookCheckBox))
        with slicer.util.tryWithErrorDisplay(_("Nothing was imported.")):
            need_library()
            self.importing.start(self.browse.project, Path(path), *wishes)
        self.panel.watch()
