"""What a reviewer has before the eyes: the readings of an image, to be approved or rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_table import ROW, set_up

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.readers_part import ReadersPart
    from XRayAILib.findings.findings import Findings
    from XRayAILib.workflow.standing import Judged

MOST_ROWS = 5


class Judging:
    """Table, reason and buttons of ``reviewFrame``.

    Parameters
    ----------
    part
        Acts on the project and shows the image again.
    own
        The widgets.
    """

    def __init__(self, part: ReadersPart, own: Any) -> None:
        self._part, self._own = part, own
        self._rows: tuple[Judged, ...] = ()
        self._chosen = self._uid = ""
        set_up(own.readingsTable, (_("Reader"), _("State"), _("Objects")), (110, 60))
        own.readingsTable.itemSelectionChanged.connect(self.on_selection)
        own.reasonLineEdit.textChanged.connect(self.on_reason)
        own.approveButton.clicked.connect(self.on_approve)
        own.rejectButton.clicked.connect(self.on_reject)
        own.reopenButton.clicked.connect(self.on_reopen)
        own.nextReviewButton.clicked.connect(self.on_next)

    @property
    def chosen(self) -> Judged | None:
        """The reading of the row chosen."""
        return next((row for row in self._rows if row.reading.track == self._chosen), None)

    def shown(self) -> Findings | None:
        """The reading chosen, to be looked at; ``None`` where there is none."""
        project, uid = self._part.project, self._part.uid
        if self._own.reviewFrame.isHidden() or project is None or not self._chosen:
            return None
        return project.findings(uid, self._chosen)

    # What a person does ---------------------------------------------------------------------------------------------

    def on_selection(self) -> None:
        rows = [index.row() for index in self._own.readingsTable.selectionModel().selectedRows()]
        self._chosen = self._rows[rows[0]].reading.track if rows and rows[0] < len(self._rows) else ""
        self._show_buttons()
        self._part.show_chosen()

    def on_reason(self, _text: str) -> None:
        self._show_buttons()

    def on_approve(self, _checked: bool = False) -> None:
        track, uid = self._chosen, self._part.uid
        self._part.act(_("The reading was not approved."), lambda: self._part.study.approve(uid, track))

    def on_reject(self, _checked: bool = False) -> None:
        track, uid, reason = self._chosen, self._part.uid, self._own.reasonLineEdit.text
        self._own.reasonLineEdit.text = ""
        self._part.act(_("The reading was not rejected."), lambda: self._part.study.reject(uid, track, reason))

    def on_reopen(self, _checked: bool = False) -> None:
        track, uid, reason = self._chosen, self._part.uid, self._own.reasonLineEdit.text
        self._own.reasonLineEdit.text = ""
        self._part.act(_("The reading was not reopened."), lambda: self._part.study.reopen(uid, track, reason))

    def on_next(self, _checked: bool = False) -> None:
        following = self._part.study.next_to_review(self._part.uid)
        if following is not None:
            self._part.go(following)

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self, rows: tuple[Judged, ...] | None) -> None:
        """Show the readings that a reviewer may see; nothing to anybody else."""
        own = self._own
        own.reviewFrame.visible = rows is not None
        if rows is None:
            return  # also between two looks at one image: what is chosen stays so
        if self._uid != self._part.uid:
            self._uid, self._chosen = self._part.uid, ""
            self._rows = rows
            self._fill()
        elif rows != self._rows:
            self._rows = rows
            self._fill()
        waiting = self._part.study.next_to_review(self._part.uid)
        own.nextReviewButton.enabled = waiting is not None
        own.nextReviewButton.setToolTip(
            _("The next image with a reading that waits.") if waiting else _("No other reading waits for a review.")
        )
        self._show_buttons()

    def _fill(self) -> None:
        from XRayAIAnnotatePanel.readers_part import states

        table = self._own.readingsTable
        blocked = table.blockSignals(True)
        table.setRowCount(len(self._rows))
        for row, judged in enumerate(self._rows):
            reading = judged.reading
            cells = (reading.name, states()[reading.state.value], str(reading.objects))
            tip = "\n".join(text for text in (reading.time[:16].replace("T", " "), reading.reason) if text)
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(tip or text)
                table.setItem(row, column, item)
        table.setFixedHeight(min(max(len(self._rows), 2), MOST_ROWS) * ROW + 30)
        tracks = [judged.reading.track for judged in self._rows]
        if self._chosen not in tracks:
            # The one that waits is the one meant.
            waiting = [judged.reading.track for judged in self._rows if not judged.no_approve]
            self._chosen = waiting[0] if waiting else ""
        table.clearSelection()
        if self._chosen:
            table.selectRow(tracks.index(self._chosen))
        table.blockSignals(blocked)

    def _show_buttons(self) -> None:
        own, chosen = self._own, self.chosen
        nothing = _("Choose a reading first.") if self._rows else _("Nobody has saved anything of this image yet.")
        reason = own.reasonLineEdit.text.strip()
        no_reject = chosen.no_reject if chosen else nothing
        if not no_reject and not reason:
            no_reject = _("Write below the table what has to be corrected.")
        for button, problem, tip in (
            (own.approveButton, chosen.no_approve if chosen else nothing, _("It is good as it is.")),
            (own.rejectButton, no_reject, _("Give it back to its reader, with the reason.")),
            (own.reopenButton, chosen.no_reopen if chosen else nothing, _("Let its reader work on it again.")),
        ):
            button.enabled = not problem
            button.setToolTip(problem or tip)
