"""The section Collection: fill it, find an image, look at it and at its priors."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from XRayAIPanel.collection_table import CollectionTable
from XRayAIPanel.file_drop import FileDrop
from XRayAIPanel.filter_bar import FilterBar
from XRayAIPanel.gallery import Gallery
from XRayAIPanel.section import Panel, Section

REFRESH_EVERY = 8
"""Ticks between two looks at the table while a job changes it."""


class CollectionSection(Section):
    """The table or the pictures with their filters, Previous and Next, the prior, and the scan."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        ui = self.ui
        self.table = CollectionTable(ui.collectionTable, self.on_row, self.on_sort)
        self.gallery = Gallery(ui.galleryListWidget, self.browse.pictures, self.on_row)
        self.filters = FilterBar(ui, self.browse, self.show_rows)
        self.drop = FileDrop(ui.XRayAI, self.on_dropped)
        self.add_strip("scan", self.browse.filling.work)
        ui.galleryListWidget.visible = False
        self._ticks = 0
        self._left_out = 0
        self._noticed = ""
        ui.addFolderButton.clicked.connect(self.on_add_folder)
        ui.addDatabaseButton.clicked.connect(self.on_add_database)
        ui.leftOutButton.clicked.connect(self.on_left_out)
        ui.picturesButton.toggled.connect(self.on_pictures)
        ui.previousPageButton.clicked.connect(self.on_previous_page)
        ui.nextPageButton.clicked.connect(self.on_next_page)
        ui.previousButton.clicked.connect(self.on_previous)
        ui.nextButton.clicked.connect(self.on_next)
        ui.priorComboBox.currentIndexChanged.connect(self.on_prior)

    # Filling it -----------------------------------------------------------------------------------------------------

    def on_add_folder(self, _checked: bool = False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Choose a folder with radiographs"))
        if folder:
            self._add([folder])

    def on_add_database(self, _checked: bool = False) -> None:
        from XRayAIPanel.dicom_database import radiograph_files

        files: list[str] | None = None
        with slicer.util.tryWithErrorDisplay(_("Nothing was added from Slicer's DICOM database.")):
            files = radiograph_files()
            if files == []:
                raise ValueError(
                    _("It holds no radiographs (CR, DX, MG, RF, RG, IO, PX, XA): import some in the module DICOM.")
                )
        if files:
            self._add(files)

    def on_dropped(self, paths: list[str]) -> None:
        """Called with what was dropped on the panel from the system's file browser."""
        self._add(paths)

    def _add(self, places: list[str]) -> None:
        with slicer.util.tryWithErrorDisplay(_("Nothing was added.")):
            self.browse.filling.begin(self.browse.project, places)
        self.panel.watch()

    def ended(self) -> str:
        # Files that changed are to be looked at again, whether there is a thumbnail or not.
        self.browse.pictures.open(self.browse.project)
        self.panel.refresh()
        return self.browse.filling.outcome()

    def on_left_out(self, _checked: bool = False) -> None:
        left_out = self.browse.project.unreadable()
        one, many = (
            _("{n} file is not in the collection. The details say why."),
            _("{n} files are not in the collection. The details say why."),
        )
        text = (one if len(left_out) == 1 else many).format(n=len(left_out))
        slicer.util.infoDisplay(text, detailedText="\n".join(f"{path}: {reason}" for path, reason in left_out))

    # Looking at it --------------------------------------------------------------------------------------------------

    def on_sort(self, column: str) -> None:
        if self.browse.is_open:
            self.browse.sort_by(column)
            self.show_rows()

    def on_pictures(self, shown: bool) -> None:
        self.ui.galleryListWidget.visible = shown
        self.ui.collectionTable.visible = not shown
        self.show_table()
        self.panel.watch()

    def on_previous_page(self, _checked: bool = False) -> None:
        self.browse.turn_page(-1)
        self.show_rows()

    def on_next_page(self, _checked: bool = False) -> None:
        self.browse.turn_page(+1)
        self.show_rows()

    def on_row(self, uid: str) -> None:
        self._look(lambda: self.browse.select(uid))

    def on_previous(self, _checked: bool = False) -> None:
        self._look(lambda: self.browse.step(-1))

    def on_next(self, _checked: bool = False) -> None:
        self._look(lambda: self.browse.step(+1))

    def _look(self, step: Callable[[], object]) -> None:
        try:
            with slicer.util.tryWithErrorDisplay(_("The radiograph cannot be shown."), waitCursor=True):
                step()
        finally:
            # Also where it failed: the table must mark what is shown.
            self.panel.refresh()
        if self.strip is not None and not self.running and self.browse.notice != self._noticed:
            self._noticed = self.browse.notice
            self.strip.say(self._noticed)

    def on_prior(self, *_index: object) -> None:
        # Qt 5 has this signal with an index and with a text, so what it brings is not looked at.
        index = self.ui.priorComboBox.currentIndex
        uid = self.ui.priorComboBox.itemData(index) if index > 0 else ""
        with slicer.util.tryWithErrorDisplay(_("The prior cannot be shown."), waitCursor=True):
            if uid:
                self.ui.curveCheckBox.checked = False
                self.browse.show_prior(uid)
            else:
                self.browse.hide_prior()

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self) -> None:
        self._left_out = len(self.browse.project.unreadable()) if self.browse.is_open else 0
        self.show_table()
        self._show_priors()

    @property
    def waiting(self) -> bool:
        return self.running or self.browse.pictures.waiting

    def tick(self) -> None:
        self._ticks += 1
        self.gallery.poll()
        if self.browse.pictures.problem and self.strip is not None and not self.running:
            self.strip.say(self.browse.pictures.problem)
        if self._ticks % REFRESH_EVERY == 0 and self.panel.is_working:
            self.browse.refresh()
            self.show_table()

    def show_rows(self) -> None:
        """Show what the table asks now, from the top."""
        self.show_table()
        self.show_buttons()
        self.panel.watch()

    def show_table(self) -> None:
        """Show the rows, and which of them is looked at."""
        browse, ui = self.browse, self.ui
        shown = self.gallery if ui.picturesButton.checked else self.table
        shown.show(browse.rows, browse.row_of_current())
        self.table.show_order(browse.query.sort)
        self.filters.show()
        ui.countLabel.text = browse.position_text()
        ui.pageLabel.text = browse.page_text()
        for widget in (ui.previousPageButton, ui.pageLabel, ui.nextPageButton):
            widget.visible = bool(browse.page_text())

    def show_buttons(self) -> None:
        ui, browse = self.ui, self.browse
        ui.previousPageButton.enabled = browse.has_page(-1)
        ui.nextPageButton.enabled = browse.has_page(+1)
        ui.addFolderButton.enabled = ui.addDatabaseButton.enabled = browse.is_open and not self.running
        ui.previousButton.enabled = browse.has_step(-1)
        ui.nextButton.enabled = browse.has_step(+1)
        ui.leftOutButton.visible = self._left_out > 0
        text = _("{n} file left out...") if self._left_out == 1 else _("{n} files left out...")
        ui.leftOutButton.text = text.format(n=self._left_out)

    def _show_priors(self) -> None:
        box, priors = self.ui.priorComboBox, self.browse.priors()
        blocked = box.blockSignals(True)
        box.clear()
        box.addItem(_("none shown") if priors else _("there is none"), "")
        for row in priors:
            box.addItem(f"{row.study_date} {row.view}".strip(), row.uid)
        shown = self.browse.prior.uid if self.browse.prior else ""
        box.setCurrentIndex(next((n for n, row in enumerate(priors, 1) if row.uid == shown), 0))
        box.enabled = bool(priors)
        box.blockSignals(blocked)
