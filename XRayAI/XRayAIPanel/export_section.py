"""The section Export: the labelled collection as files for other programs."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.image_forms import FORMS
from XRayAILib.project.query import Query
from XRayAILib.workflow.export import SPLIT, Export
from XRayAIPanel.installation import interpreter
from XRayAIPanel.section import Panel, Section

SHOWN_LOSSES = 12
"""Sentences of a question; a window has so many lines."""


class ExportSection(Section):
    """Which format, which pictures, whose labels; what is lost is said before it starts."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        own = self.load("Export", panel.ui.exportCollapsibleButton)
        self.export = Export(interpreter())
        self.add_strip("export", self.export.work)
        self.formats = self.export.formats()
        for form in self.formats:
            own.exportFormatComboBox.addItem(form.title, form.name)
        for text, split in ((_("Parts as they are"), ""), (_("Deal parts by patient: {split}"), SPLIT)):
            own.exportPartsComboBox.addItem(text.format(split=split), split)
        own.exportFormatComboBox.currentIndexChanged.connect(self.on_format)
        own.onlyApprovedCheckBox.toggled.connect(self.on_only_approved)
        own.exportButton.clicked.connect(self.on_export)
        own.exportFolderButton.clicked.connect(self.on_folder)
        self.on_format()

    def on_format(self, *_index: object) -> None:
        form, box = self.formats[self.own.exportFormatComboBox.currentIndex], self.own.exportImagesComboBox
        box.clear()
        for name in form.forms:
            box.addItem(FORMS[name], name)

    def on_only_approved(self, checked: bool) -> None:
        if self.panel.parameters is not None:
            self.panel.parameters.onlyApproved = checked

    def on_export(self, _checked: bool = False) -> None:
        from XRayAIPanel.installation import need_export

        with slicer.util.tryWithErrorDisplay(_("Nothing was exported.")):
            form, choice = self.formats[self.own.exportFormatComboBox.currentIndex], self._choice()
            need_export(form.needs)
            with slicer.util.WaitCursor():
                losses = self.export.losses(self.browse.project, form.name, choice)
            if not losses or slicer.util.confirmOkCancelDisplay(_question(losses)):
                self.export.start(self.browse.project, form.name, choice)
        self.panel.watch()

    def on_folder(self, _checked: bool = False) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self.export.folder)))

    def ended(self) -> str:
        return self.export.outcome()

    def parameters_changed(self) -> None:
        if self.panel.parameters is not None:
            self.own.onlyApprovedCheckBox.checked = self.panel.parameters.onlyApproved

    def show(self) -> None:
        box = self.own.exportReaderComboBox
        before = _chosen(box)
        box.clear()
        box.addItem(_("Labels that count as true"), "")
        for key in self.browse.project.author_keys() if self.browse.is_open else ():
            box.addItem(key.partition(":")[2], key)
        box.setCurrentIndex(max(box.findData(before), 0))

    def show_buttons(self) -> None:
        self.own.exportButton.enabled = self.browse.has_images and not self.running
        self.own.exportFolderButton.enabled = self.export.folder is not None

    def _choice(self) -> Choice:
        own = self.own
        return Choice(
            reader=str(_chosen(own.exportReaderComboBox) or ""),
            only_approved=own.onlyApprovedCheckBox.checked,
            query=self.browse.query if own.exportShownCheckBox.checked else Query(),
            images=str(_chosen(own.exportImagesComboBox)),
            split=str(_chosen(own.exportPartsComboBox)),
        )


def _chosen(box: Any) -> Any:
    return box.itemData(box.currentIndex)


def _question(losses: list[str]) -> str:
    shown = losses[:SHOWN_LOSSES]
    if len(losses) > len(shown):
        shown.append(_("... and {count} more.").format(count=len(losses) - len(shown)))
    return "\n\n".join([_("This format does not hold everything:"), *shown, _("Export all the same?")])
