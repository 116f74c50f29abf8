"""The list of cases: how far the reader is with each, narrowed by filters; a click goes there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_table import set_up
from XRayAIAnnotatePanel.part import AnnotatePanel, Part
from XRayAIPanel.collection_table import COLORS
from XRayAIPanel.ink import ink
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAILib.workflow.cases import Case, Cases

ROW, ROWS_SHOWN = 22, 9
STATUS_COLUMN = 3


class CaseList(Part):
    """Shows :class:`XRayAILib.workflow.cases.Cases` a page at a time; nothing is asked while it is collapsed."""

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        self._container = self.ui.casesCollapsibleButton
        own = self.load("Cases", self._container)
        self._rows: list[Case] = []
        self._page = 0
        self._shown: tuple[Any, ...] = ()
        titles = (_("Patient"), _("Date"), _("View"), _("Status"), _("Time"), _("Notes"))
        set_up(own.casesTable, titles, (76, 70, 74, 44, 44))
        own.casesTable.setFixedHeight(ROWS_SHOWN * ROW + 30)
        self._statuses = {
            "unlabelled": _("unlabelled"),
            "draft": _("draft"),
            "submitted": _("submitted"),
            "approved": _("approved"),
            "rejected": _("rejected"),
        }
        self._container.contentsCollapsed.connect(self.on_collapsed)
        own.casesSearchLineEdit.textChanged.connect(self.on_filter)
        own.casesSearchLineEdit.returnPressed.connect(self.on_return)
        own.ownStatusComboBox.currentIndexChanged.connect(self.on_filter)
        own.casesViewComboBox.currentIndexChanged.connect(self.on_filter)
        own.assignedCheckBox.toggled.connect(self.on_filter)
        own.wantedCheckBox.toggled.connect(self.on_wanted)
        own.casesTable.cellClicked.connect(self.on_cell)
        own.casesBeforeButton.clicked.connect(self.on_before)
        own.casesAfterButton.clicked.connect(self.on_after)

    # What a person does ---------------------------------------------------------------------------------------------

    def on_collapsed(self, _collapsed: bool) -> None:
        self._shown = ()
        self.show()

    def on_filter(self, *_what: object) -> None:
        """A filter was changed: another list, from its beginning."""
        cases = self._cases
        if cases is None:
            return
        own = self.own
        filters = dict(cases.query.filters)
        for name, box in (("own", own.ownStatusComboBox), ("view", own.casesViewComboBox)):
            filters[name] = (box.itemData(box.currentIndex),) if box.currentIndex > 0 else ()
        filters["assigned"] = ("yes",) if own.assignedCheckBox.checked else ()
        cases.ask(replace(cases.query, text=own.casesSearchLineEdit.text, filters=filters))
        self.panel.showState()

    def on_wanted(self, wanted: bool) -> None:
        """The images that a model wants labelled next come first, or all in their own order again."""
        if self._cases is None:
            return
        with telling(_("The cases could not be put in order.")):
            self._cases.wanted_first = bool(wanted)
        self._show_wanted()  # not so where it failed
        self.panel.showState()

    def _show_wanted(self) -> None:
        box = self.own.wantedCheckBox
        blocked = box.blockSignals(True)
        box.checked = self._cases is not None and self._cases.wanted_first
        box.blockSignals(blocked)

    def on_return(self) -> None:
        """Go to the first case that was found."""
        if self._cases is not None and len(self._cases):
            self._go(self._cases[0])

    def on_cell(self, row: int, _column: int) -> None:
        if row < len(self._rows):
            self._go(self._rows[row].uid)

    def on_before(self, _checked: bool = False) -> None:
        self._turn(-1)

    def on_after(self, _checked: bool = False) -> None:
        self._turn(+1)

    def _go(self, uid: str) -> None:
        session = self.panel.sitting.session if self.panel.sitting is not None else None
        if session is not None and (not session.is_open or session.image.uid != uid):
            self.panel.step(lambda session: session.open(uid))

    def _turn(self, by: int) -> None:
        if self._cases is not None:
            self._page = min(max(self._page + by, 0), self._cases.pages - 1)
            self._shown = ()
            self._show_page(self._cases)

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self) -> None:
        cases = self._cases
        self.own.casesTable.enabled = cases is not None
        if cases is None or self._container.collapsed:
            return
        session = self.panel.sitting.session
        uid = session.image.uid if session.is_open else ""
        shown = (id(cases), cases.version, uid)
        if shown != self._shown:
            if self._shown[:2] != shown[:2]:
                self._show_filters(cases)
            self._shown = shown
            place = cases.place(uid)
            self._page = min(self._page, cases.pages - 1) if place is None else cases.page_of(place)
            self._show_page(cases)
        elif uid:
            self._show_case(cases, uid)

    @property
    def _cases(self) -> Cases | None:
        return self.panel.sitting.session.cases if self.panel.sitting is not None else None

    def _show_page(self, cases: Cases) -> None:
        own = self.own
        self._write(cases.page(self._page))
        number, first = len(cases), cases.first_of(self._page)
        text = _("{n} case") if number == 1 else _("{n} cases")
        if cases.pages > 1:
            text = _("{first} to {last} of {n} cases")
        own.casesCountLabel.text = text.format(n=f"{number:,}", first=f"{first + 1:,}", last=first + len(self._rows))
        own.casesBeforeButton.visible = own.casesAfterButton.visible = cases.pages > 1
        own.casesBeforeButton.enabled = self._page > 0
        own.casesAfterButton.enabled = self._page + 1 < cases.pages
        self._mark()

    def _show_case(self, cases: Cases, uid: str) -> None:
        """Bring one row up to date: what is drawn was saved."""
        place = next((place for place, case in enumerate(self._rows) if case.uid == uid), -1)
        if place >= 0:
            rows = list(self._rows)
            (rows[place],) = cases.of([uid])
            self._write(rows)

    def _show_filters(self, cases: Cases) -> None:
        own, project = self.own, self.panel.desk.project
        if project is None:
            return
        from XRayAILib.project.wanted import FILE as WANTED

        counts = cases.status_counts()
        statuses = [
            (f"{text} ({counts[status]:,})", status) for status, text in self._statuses.items() if counts.get(status)
        ]
        views = [
            (f"{view or _('not given')} ({number:,})", view) for view, number in project.values("view", cases.query)
        ]
        own.assignedCheckBox.visible = bool(project.rounds.all())
        own.wantedCheckBox.visible = (project.folder / WANTED).is_file()
        self._show_wanted()
        _fill(own.ownStatusComboBox, _("All statuses"), statuses, cases.query.filters.get("own", ()))
        _fill(own.casesViewComboBox, _("All views"), views, cases.query.filters.get("view", ()))

    def _write(self, rows: Sequence[Case]) -> None:
        table, before = self.own.casesTable, self._rows
        self._rows = list(rows)
        table.setRowCount(len(rows))
        for place, case in enumerate(rows):
            if place < len(before) and before[place] == case:
                continue
            comments = str(case.comments) if case.comments else ""
            cells = (case.patient, case.date, case.view, self._statuses[case.status], clock(case.seconds), comments)
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                if column == STATUS_COLUMN and case.status in COLORS:
                    item.setForeground(qt.QBrush(qt.QColor(ink(COLORS[case.status]))))
                table.setItem(place, column, item)

    def _mark(self) -> None:
        table, uid = self.own.casesTable, self._shown[2] if self._shown else ""
        row = next((place for place, case in enumerate(self._rows) if case.uid == uid), -1)
        table.setCurrentCell(row, 0 if row >= 0 else -1)
        if row >= 0:
            table.scrollToItem(table.item(row, 0))


def _fill(box: Any, everything: str, offered: Sequence[tuple[str, str]], chosen: Sequence[str]) -> None:
    """Offer these (text, value) and choose one, without telling anybody."""
    blocked = box.blockSignals(True)
    box.clear()
    box.addItem(everything, "")
    for text, value in offered:
        box.addItem(text, value)
    values = [value for _text, value in offered]
    if chosen and chosen[0] not in values:
        # What was chosen stays to be given up, even where the other filters leave none of it.
        box.addItem(chosen[0], chosen[0])
        values.append(chosen[0])
    box.setCurrentIndex(values.index(chosen[0]) + 1 if chosen else 0)
    box.blockSignals(blocked)


def clock(seconds: float) -> str:
    """Working time as ``m:ss`` or ``h:mm:ss``; empty for none."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return "" if not whole else f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
