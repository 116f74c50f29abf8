"""What an adjudicator has before the eyes: what is decided, and the readers' versions to take it from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_table import ROW, set_up
from XRayAILib.findings.author import ADJUDICATED
from XRayAILib.findings.findings import Findings

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.readers_part import ReadersPart
    from XRayAILib.findings.objects import FindingObject
    from XRayAILib.workflow.adjudicating import Adjudicating
    from XRayAILib.workflow.standing import Deciding

LEAST_ROWS, MOST_ROWS = 4, 9
OBJECT, WHO, TAKEN = range(3)


@dataclass(frozen=True)
class Row:
    """One line: an object that is decided (``track`` empty), or one of a version.

    Attributes
    ----------
    item
        ``None`` in the line of a version in which there is nothing.
    """

    track: str
    name: str
    item: FindingObject | None
    ready: bool
    taken: bool


class Decisions:
    """Table and buttons of ``decideFrame``.

    Parameters
    ----------
    part
        Acts on the project and shows the image again.
    own
        The widgets.
    """

    def __init__(self, part: ReadersPart, own: Any) -> None:
        self._part, self._own = part, own
        self._rows: tuple[Row, ...] = ()
        self._deciding: Deciding | None = None
        set_up(own.versionsTable, (_("Object"), _("Of"), _("Decided")), (110, 66))
        own.editDecisionButton.setCheckable(True)
        own.versionsTable.itemSelectionChanged.connect(self.on_selection)
        own.takeButton.clicked.connect(self.on_take)
        own.takeAllButton.clicked.connect(self.on_take_all)
        own.mergeButton.clicked.connect(self.on_merge)
        own.dropButton.clicked.connect(self.on_drop)
        own.undoDecisionButton.clicked.connect(self.on_undo)
        own.redoDecisionButton.clicked.connect(self.on_redo)
        own.editDecisionButton.clicked.connect(self.on_edit)
        own.finishButton.clicked.connect(self.on_finish)
        own.nextDecisionButton.clicked.connect(self.on_next)

    @property
    def chosen(self) -> tuple[Row, ...]:
        """The rows chosen, in the order of the table."""
        rows = {index.row() for index in self._own.versionsTable.selectionModel().selectedRows()}
        return tuple(item for row, item in enumerate(self._rows) if row in rows)

    def shown(self) -> Findings | None:
        """The objects chosen, to be looked at, and what is decided where none are; ``None`` for nobody else."""
        if self._own.decideFrame.isHidden() or self._deciding is None:
            return None
        chosen = [row.item for row in self.chosen if row.item is not None]
        decided = [] if self._is_editing else list(self._deciding.decided)
        uid, shape = self._part.uid, self._deciding.shape
        return Findings(uid, shape, ADJUDICATED, tuple(chosen or decided)) if chosen or decided else None

    # What a person does ---------------------------------------------------------------------------------------------

    def on_selection(self) -> None:
        self._show_buttons()
        self._part.show_chosen()

    def on_take(self, _checked: bool = False) -> None:
        by_track: dict[str, list[str]] = {}
        for row in self.chosen:
            if row.track and row.item is not None:
                by_track.setdefault(row.track, []).append(row.item.id)

        def take(work: Adjudicating, uid: str) -> None:
            for track, ids in by_track.items():
                work.take(uid, track, ids)

        self._act(take)

    def on_take_all(self, _checked: bool = False) -> None:
        track = next(row.track for row in self.chosen if row.track)
        self._act(lambda work, uid: work.take(uid, track))

    def on_merge(self, _checked: bool = False) -> None:
        labels = sorted({row.item.label for row in self.chosen if row.item is not None}) or [""]
        notes: list[str] = []

        def merge(work: Adjudicating, uid: str) -> None:
            for label in labels:
                notes.extend(work.merge(uid, label)[1])

        self._act(merge)
        self._own.readersMessageLabel.text = "\n".join(notes)
        self._own.readersMessageLabel.visible = bool(notes)

    def on_drop(self, _checked: bool = False) -> None:
        ids = [row.item.id for row in self.chosen if not row.track and row.item is not None]
        self._act(lambda work, uid: work.drop(uid, ids))

    def on_undo(self, _checked: bool = False) -> None:
        self._act(lambda work, uid: work.undo(uid))

    def on_redo(self, _checked: bool = False) -> None:
        self._act(lambda work, uid: work.redo(uid))

    def on_edit(self, _checked: bool = False) -> None:
        self._part.panel.sitAgain(None if self._is_editing else ADJUDICATED)

    def on_finish(self, _checked: bool = False) -> None:
        finished = self._deciding is not None and not self._deciding.state.is_open
        self._act(lambda work, uid: work.reopen(uid) if finished else work.finish(uid))

    def on_next(self, _checked: bool = False) -> None:
        waiting = self._waiting()
        if waiting:
            self._part.go(waiting[0])

    def _act(self, act: Callable[[Adjudicating, str], object]) -> None:
        uid = self._part.uid
        self._part.act(_("Nothing was decided."), lambda: act(self._work(), uid))

    def _work(self) -> Adjudicating:
        from XRayAILib.workflow.adjudicating import Adjudicating

        study = self._part.study
        return Adjudicating(study.project, study.person)

    def _waiting(self) -> list[str]:
        """The images that wait for a decision, from the one shown on."""
        uids, uid = self._work().waiting(), self._part.uid
        place = uids.index(uid) + 1 if uid in uids else 0
        return [one for one in [*uids[place:], *uids[:place]] if one != uid]

    @property
    def _is_editing(self) -> bool:
        session = self._part.session
        return session is not None and session.author == ADJUDICATED

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self, deciding: Deciding | None) -> None:
        """Show what an adjudicator decides on; nothing to anybody else."""
        own = self._own
        own.decideFrame.visible = deciding is not None
        own.readersMessageLabel.visible = False
        self._deciding = deciding
        if deciding is None:
            return  # also between two looks at one image: what is chosen stays so
        rows = _rows(deciding)
        if rows != self._rows:
            kept = [(row.track, row.item.id if row.item else "") for row in self.chosen]
            self._rows = rows
            self._fill(kept)
        self._show_buttons()

    def _fill(self, kept: list[tuple[str, str]]) -> None:
        table, schema = self._own.versionsTable, self._part.study.project.schema
        blocked = table.blockSignals(True)
        table.setRowCount(len(self._rows))
        table.clearSelection()
        for number, row in enumerate(self._rows):
            title = _("nothing")
            if row.item is not None:
                title = schema[row.item.label].title if row.item.label in schema else row.item.label
            name = row.name if row.ready else _("{name} (open)").format(name=row.name)
            decided = _("decided") if not row.track else _("taken") if row.taken else ""
            for column, text in enumerate((title, name, decided)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(f"{title}, {row.item.kind}" if row.item is not None else title)
                if not row.track:
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                table.setItem(number, column, item)
            if (row.track, row.item.id if row.item else "") in kept:
                whole = qt.QTableWidgetSelectionRange(number, 0, number, table.columnCount - 1)
                table.setRangeSelected(whole, True)
        table.setFixedHeight(min(max(len(self._rows), LEAST_ROWS), MOST_ROWS) * ROW + 30)
        table.blockSignals(blocked)

    def _show_buttons(self) -> None:
        own, deciding = self._own, self._deciding
        if deciding is None:
            return
        chosen, problem = self.chosen, deciding.problem
        theirs = [row for row in chosen if row.track]
        tracks = {row.track for row in theirs}
        not_ready = [row.name for row in theirs if not row.ready]
        finished = not deciding.state.is_open
        no_take = problem or (
            _("{name} has not submitted it.").format(name=not_ready[0])
            if not_ready
            else ""
            if theirs
            else _choose_first()
        )
        no_whole = no_take or ("" if len(tracks) == 1 else _("Choose objects of one reader only."))
        ready = sum(version.ready and version.track.startswith("person:") for version in deciding.versions)
        no_merge = problem or ("" if ready > 1 else _("A consensus takes at least two submitted readings."))
        no_drop = problem or ("" if any(not row.track for row in chosen) else _("Choose something that is decided."))
        merge_tip = _("Make one of what all who submitted say of the labels chosen, or of all labels.")
        for button, reason, tip in (
            (own.takeButton, no_take, _("Take the objects chosen over; the readers' own stay as they are.")),
            (own.takeAllButton, no_whole, _("Take everything of this reader, in place of what is decided.")),
            (own.mergeButton, no_merge, merge_tip),
            (own.dropButton, no_drop, _("Leave the objects chosen out of what is decided.")),
            (own.undoDecisionButton, problem or ("" if deciding.undo else _("Nothing is decided yet.")), deciding.undo),
            (own.redoDecisionButton, problem or ("" if deciding.redo else _("Nothing was undone.")), deciding.redo),
            (own.editDecisionButton, problem, _("Draw on what is decided, instead of on your own reading.")),
        ):
            button.enabled = not reason
            button.setToolTip(reason or tip)
        own.editDecisionButton.checked = self._is_editing
        own.editDecisionButton.enabled = own.editDecisionButton.enabled or self._is_editing
        own.finishButton.text = _("Reopen") if finished else _("Finish")
        reason = deciding.no_reopen if finished else problem
        own.finishButton.enabled = not reason
        tip = _("Go on deciding.") if finished else _("It is decided: this counts from now on, before every reading.")
        own.finishButton.setToolTip(reason or tip)
        waiting = len(self._waiting())
        own.nextDecisionButton.enabled = waiting > 0
        own.nextDecisionButton.setToolTip(_("{n} other images wait for a decision.").format(n=waiting))


def _choose_first() -> str:
    return _("Choose objects of a reader first.")


def _rows(deciding: Deciding) -> tuple[Row, ...]:
    rows = [Row("", item.author.name, item, True, True) for item in deciding.decided]
    for version in deciding.versions:
        for item in version.findings or (None,):
            taken = item is not None and item.id in version.taken
            rows.append(Row(version.track, version.name, item, version.ready, taken))
    return tuple(rows)
