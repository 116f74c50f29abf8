"""The section De-identify: confirm burned-in text, then write the project's images without anybody's identity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.dicom.confidentiality import Options
from XRayAILib.dicom.pseudonyms import KEY_FILE
from XRayAILib.exchange.text.text_regions import BLANK, KEEP, MARKER
from XRayAILib.workflow.deidentification.deidentification import Deidentification
from XRayAILib.workflow.text_confirmation import TextConfirmation
from XRayAIPanel.installation import interpreter
from XRayAIPanel.section import Panel, Section
from XRayAIPanel.telling import telling
from XRayAIPanel.text_boxes import TextBoxes
from XRayAIPanel.work_strip import WorkStrip

RETAINED = {
    "keep_uids": "keepUidsCheckBox",
    "keep_device": "keepDeviceCheckBox",
    "keep_institution": "keepInstitutionCheckBox",
    "keep_patient": "keepPatientCheckBox",
    "clean_descriptors": "cleanDescriptorsCheckBox",
    "clean_graphics": "cleanGraphicsCheckBox",
}


class DeidentificationSection(Section):
    """Find text, confirm it image by image, choose what is retained, De-identify."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        own = self.load("Deidentification", panel.ui.deidentificationCollapsibleButton)
        self.boxes = TextBoxes(self.viewer)
        self.text = TextConfirmation(self.browse, self.boxes, interpreter())
        self.deidentification = Deidentification(interpreter())
        self.add_strip("deidentify", self.deidentification.work)
        bar, label, stop = own.findTextProgressBar, own.findTextLabel, own.findTextStopButton
        self.text_strip = WorkStrip(self.text.work, bar, label, stop, self.text_found)
        self._loaded: object = None
        self._make_table()
        for name, title in (
            ("shift", _("shifted, by days per patient")),
            ("remove", _("removed")),
            ("keep", _("kept as they are")),
        ):
            own.datesComboBox.addItem(title, name)
        own.findTextButton.clicked.connect(self.on_find)
        own.blankRegionButton.clicked.connect(lambda _checked=False: self.on_action(BLANK))
        own.keepRegionButton.clicked.connect(lambda _checked=False: self.on_action(KEEP))
        own.addRegionButton.clicked.connect(self.on_add)
        own.removeRegionButton.clicked.connect(self.on_remove)
        own.confirmTextButton.clicked.connect(self.on_confirm)
        own.nextTextButton.clicked.connect(self.on_next)
        own.regionsTable.itemSelectionChanged.connect(self.on_region)
        own.outputPathLineEdit.currentPathChanged.connect(lambda _path: self.show_buttons())
        own.deidentifyButton.clicked.connect(self.on_deidentify)
        own.outputFolderButton.clicked.connect(self.on_output_folder)
        self.browse.arrived.append(self.show_regions)
        panel.ui.deidentificationCollapsibleButton.contentsCollapsed.connect(self.on_folded)

    def _make_table(self) -> None:
        table = self.own.regionsTable
        titles = [_("Region"), _("Reads"), _("Becomes")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(22)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setSectionResizeMode(1, qt.QHeaderView.Stretch)

    @property
    def waiting(self) -> bool:
        return self.running or self.text.work.running

    def close(self) -> None:
        """Slicer ends: a search that is under way goes on next time."""
        self.text.work.stop()

    def leave(self) -> None:
        """The module is left: its boxes are nothing for other modules."""
        self.boxes.set_visible(False)

    def on_folded(self, _folded: bool) -> None:
        self._show_boxes()

    def _show_boxes(self) -> None:
        """The boxes stand over the image while this section is worked with, not while somebody looks at findings."""
        entered = self.panel.parameters is not None
        self.boxes.set_visible(entered and not self.ui.deidentificationCollapsibleButton.collapsed)

    # Burned-in text -------------------------------------------------------------------------------------------------

    def on_find(self, _checked: bool = False) -> None:
        from XRayAIPanel.installation import need_text_search

        with slicer.util.tryWithErrorDisplay(_("The search for text did not start.")):
            need_text_search()
            self.text.find()
        self.panel.watch()

    def text_found(self) -> str:
        self._loaded = None
        self.panel.refresh()
        return self.text.state

    def on_next(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The image cannot be shown."), waitCursor=True):
            if not self.text.next():
                self.text_strip.say(_("All images with text are confirmed."))
        self.panel.refresh()

    def on_confirm(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The image was not confirmed.")):
            self.text.confirm()
            self.on_next()

    def on_action(self, action: str) -> None:
        self._change(lambda index: self.text.set_action(index, action))

    def on_remove(self, _checked: bool = False) -> None:
        self._change(self.text.remove)

    def on_add(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("No region was added.")):
            self.text.add()
        self.show_regions()
        self.own.regionsTable.selectRow(len(self.text.regions) - 1)

    def _change(self, change: Callable[[int], None]) -> None:
        index = self._chosen()
        with slicer.util.tryWithErrorDisplay(_("The region was not changed.")):
            change(index)
        self.show_regions()
        if index < len(self.text.regions):
            self.own.regionsTable.selectRow(index)

    def on_region(self) -> None:
        """Another line of the table is chosen: its box is the one that can be moved."""
        self.text.choose(self._chosen())
        self.show_buttons()

    def _chosen(self) -> int:
        table = self.own.regionsTable
        return table.currentRow() if table.selectedItems() else -1

    # De-identification ----------------------------------------------------------------------------------------------

    def on_deidentify(self, _checked: bool = False) -> None:
        own, project = self.own, self.browse.project
        chosen = {option: bool(getattr(own, box).checked) for option, box in RETAINED.items()}
        with slicer.util.tryWithErrorDisplay(_("Nothing was de-identified.")):
            dates = str(own.datesComboBox.itemData(own.datesComboBox.currentIndex))
            self.deidentification.options = Options(dates=dates, **chosen)
            self.deidentification.regions_file = self.text.file
            self.deidentification.start(
                project.folder,
                [project.folder],
                Path(own.outputPathLineEdit.currentPath.strip()),
                key=project.folder / KEY_FILE,
                pictures=bool(own.picturesCheckBox.checked),
                dicomdir=bool(own.dicomdirCheckBox.checked),
            )
        self.panel.watch()

    def ended(self) -> str:
        lines = [self.deidentification.outcome(), *self.deidentification.left_out()[:3]]
        lines += [f"{held.path.name}: {held.reason}" for held in self.deidentification.held[:5]]
        if len(self.deidentification.held) > 5:
            lines.append(
                _("All of them: {list}").format(list=(self.deidentification.work.result or {}).get("list", ""))
            )
        return "\n".join(lines)

    def on_output_folder(self, _checked: bool = False) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self.deidentification.output)))

    # Showing the state ----------------------------------------------------------------------------------------------

    def tick(self) -> None:
        self.text_strip.poll()

    def show(self) -> None:
        project = self.browse.project if self.browse.is_open else None
        if project is not self._loaded:
            self._loaded = project
            with telling(_("The regions of burned-in text cannot be used.")):
                self.text.load()
        if project is not None and not self.text.work.running:
            self.text_strip.say(self.text.state)
        self._show_boxes()
        self.show_regions()

    def show_regions(self) -> None:
        """Show the regions of the image looked at."""
        table, image = self.own.regionsTable, self.text.image
        blocked = table.blockSignals(True)
        table.clearSelection()
        table.setRowCount(len(self.text.regions))
        for row, region in enumerate(self.text.regions):
            kind = _("side marker") if region.kind == MARKER else _("text")
            becomes = _("blank") if region.action == BLANK else _("kept")
            for column, text in enumerate((kind, region.text, becomes)):
                item = qt.QTableWidgetItem(text)
                if column == 2:
                    item.setForeground(qt.QBrush(qt.QColor("#c62828" if region.action == BLANK else "#1565c0")))
                table.setItem(row, column, item)
        table.blockSignals(blocked)
        self.text.choose(-1)
        if image is None:
            text = _("Nobody has looked for text in this image.") if self.browse.current is not None else ""
        elif image.confirmed:
            text = _("This image is confirmed.")
        elif image.undecided:
            text = _("Click a line to move its box. Is there other text? Add a region.")
        else:
            text = _("No text was found in this image.")
        self.own.imageTextLabel.text = text
        self.own.imageTextLabel.visible = bool(text)
        self.show_buttons()

    def show_buttons(self) -> None:
        own, browse = self.own, self.browse
        free = browse.has_images and not self.waiting
        looked_at = free and self.text.image is not None
        own.findTextButton.enabled = free
        own.nextTextButton.enabled = free and self.text.waiting > 0
        own.confirmTextButton.enabled = own.addRegionButton.enabled = looked_at
        for button in (own.blankRegionButton, own.keepRegionButton, own.removeRegionButton):
            button.enabled = looked_at and self._chosen() >= 0
        own.deidentifyButton.enabled = free and bool(own.outputPathLineEdit.currentPath.strip())
        own.outputFolderButton.enabled = self.deidentification.output is not None
