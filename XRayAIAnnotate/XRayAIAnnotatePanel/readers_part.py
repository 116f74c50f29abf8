"""The part "Readers and review": who works here, what is to be read, submitting, reviewing, adjudicating."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.case_bar import FAILED, HINT, SAVED, UNSAVED
from XRayAIAnnotatePanel.decisions import Decisions
from XRayAIAnnotatePanel.judging import Judging
from XRayAIAnnotatePanel.part import AnnotatePanel, Part
from XRayAIAnnotatePanel.study_form import StudyForm
from XRayAIPanel.desk import READER, reader
from XRayAIPanel.ink import ink
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.guidelines import Violation
    from XRayAILib.project.project import Project
    from XRayAILib.project.reviews import ReadingState, Step
    from XRayAILib.workflow.annotate import AnnotationSession
    from XRayAILib.workflow.reader_study import ReaderStudy
    from XRayAILib.workflow.standing import Own, Standing

LAYER = "Review"
"""The layer over the image that shows what somebody else says."""


class ReadersPart(Part):
    """Shows where a person stands (:mod:`XRayAILib.workflow.standing`).

    What is not allowed is not offered, and its tool tip says why.
    """

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        self._container = self.ui.readersCollapsibleButton
        own = self.load("Readers", self._container)
        self._title = self._container.text
        self._over: Findings | None = None
        self.judging = Judging(self, own)
        self.decisions = Decisions(self, own)
        self.form = StudyForm(self, own)
        self._container.contentsCollapsed.connect(self.on_collapsed)
        own.readerComboBox.textActivated.connect(self.on_reader)
        own.otherNameButton.clicked.connect(self.on_other_name)
        own.submitButton.clicked.connect(self.on_submit)
        own.submitNextButton.clicked.connect(self.on_submit_next)
        own.takeBackButton.clicked.connect(self.on_take_back)

    def keys(self) -> dict[str, Callable[[], None]]:
        return {"Ctrl+Return": self.on_submit_next}

    def key_texts(self) -> dict[str, str]:
        return {"Ctrl+Return": _("Submit, and go on to the next image that is assigned to you")}

    # Where we are ---------------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project | None:
        return self.panel.desk.project

    @property
    def session(self) -> AnnotationSession | None:
        """The session, where an image is shown."""
        return self.sitting.session if self.sitting is not None else None

    @property
    def uid(self) -> str:
        """The image shown, or empty."""
        image = self.session.image if self.session is not None else None
        return image.uid if image is not None else ""

    @property
    def study(self) -> ReaderStudy:
        from XRayAILib.workflow.reader_study import ReaderStudy

        assert self.project is not None
        return ReaderStudy(self.project, reader())

    # Who -------------------------------------------------------------------------------------------------------------

    def on_reader(self, name: str) -> None:
        """Somebody else sits down. What is drawn is saved for whom it was drawn by."""
        name = name.strip()
        if not name or name == reader().name:
            self.show()
            return
        before = reader().name
        qt.QSettings().setValue(READER, name)
        self.panel.sitAgain()
        sitting = self.panel.sitting
        if sitting is not None and sitting.session.reader.name != name:
            # It could not be saved, so it is still the one before who sits there.
            qt.QSettings().setValue(READER, before)
        self.panel.showState()

    def on_other_name(self, _checked: bool = False) -> None:
        name = qt.QInputDialog.getText(
            slicer.util.mainWindow(), _("Reader"), _("Your name, as the readers of the project are listed:")
        )
        if name:
            self.on_reader(name)

    # The own reading -------------------------------------------------------------------------------------------------

    def on_submit(self, _checked: bool = False) -> None:
        if self._submit():
            self.panel.step(lambda session: session.reload())

    def on_submit_next(self, _checked: bool = False) -> None:
        uid = self.uid
        if not self._submit():
            return
        following = self.study.next_assigned(uid)
        if following is None:
            self.panel.step(self._end)
        else:
            self.go(following)

    def _end(self, session: AnnotationSession) -> None:
        """Without assignments the list goes on; with them, everything is submitted."""
        from XRayAILib.workflow.blinding import worklist

        if worklist(session.project, session.reader) is None and session.next():
            return
        session.reload()
        session.notice = _("Everything on your list is submitted.")

    def _submit(self) -> bool:
        session, uid = self.session, self.uid
        if session is None or not uid:
            return False
        done = False
        with telling(_("The reading was not submitted.")):
            session.save()
            done = self.study.submit(uid, confirm=_confirmed)
        self.panel.showState()
        return done

    def on_take_back(self, _checked: bool = False) -> None:
        self.act(_("The reading was not taken back."), lambda: self.study.reopen(self.uid, reader().key))

    # For reviewers and adjudicators ----------------------------------------------------------------------------------

    def act(self, failed: str, act: Callable[[], object]) -> None:
        """Save what is drawn, do something with the project, and show the image as it is then."""
        session = self.session
        if session is None:
            return

        def step(session: AnnotationSession) -> None:
            if session.is_unsaved:
                session.save()
            with telling(failed):
                act()
            session.reload()

        self.panel.step(step)

    def go(self, uid: str) -> None:
        """Show an image, in the list or not."""

        def step(session: AnnotationSession) -> None:
            if not session.offers(uid):
                session.cases.take(None)
            session.open(uid)

        self.panel.step(step)

    def show_over(self, findings: Findings | None) -> None:
        """Show what somebody else says over the image, only to look at; ``None``: nothing."""
        sitting = self.sitting
        if sitting is None:
            return
        from XRayAILib.scene import layers

        canvas = sitting.canvas
        there = layers.find_layer(canvas.host, canvas.volume_node, LAYER) is not None
        if findings is None or not findings.objects:
            if there:
                canvas.clear_over(LAYER)
        elif not there or findings != self._over:
            canvas.show_over(findings, canvas.schema, LAYER)
        self._over = findings

    def leave(self) -> None:
        self.show_over(None)

    # Showing the state ----------------------------------------------------------------------------------------------

    def on_collapsed(self, _collapsed: bool) -> None:
        self.show()

    def show(self) -> None:
        project, uid = self.project, self.uid
        self._container.enabled = project is not None
        self._show_title(project, uid)
        self._hide_identity(project, uid)
        if project is None or self._container.collapsed:
            self.show_over(None)
            return
        from XRayAILib.workflow.standing import standing

        now = standing(project, reader(), uid)
        self._show_who(now)
        self._show_round(now)
        self._show_own(now, bool(uid))
        self.judging.show(now.judged)
        self.decisions.show(now.deciding)
        self.form.show(now)
        self.show_chosen()

    def show_chosen(self) -> None:
        """Show over the image what is chosen in a table: of a version, or else the reading to be reviewed."""
        self.show_over(self.decisions.shown() or self.judging.shown())

    def _show_title(self, project: Project | None, uid: str) -> None:
        text = self._title
        if project is not None and uid and self._container.collapsed:
            last = project.reviews.last(uid, reader().key)
            if last is not None:
                text += "  ·  " + states()[last.state.value]
        if self._container.text != text:
            self._container.text = text

    def _hide_identity(self, project: Project | None, uid: str) -> None:
        """Slicer shows the name of the volume too, below its panels and in its other modules."""
        from XRayAILib.workflow.blinding import case_name

        name = case_name(project, reader(), uid) if project is not None and uid else ""
        node = self.sitting.canvas.volume_node if self.sitting is not None else None
        if name and node is not None and node.GetName() != name:
            node.SetName(name)

    def _show_who(self, now: Standing) -> None:
        box = self.own.readerComboBox
        names = list(dict.fromkeys([*now.registered, now.name]))
        if [box.itemText(n) for n in range(box.count)] != names:
            blocked = box.blockSignals(True)
            box.clear()
            box.addItems(names)
            box.blockSignals(blocked)
        box.setCurrentIndex(names.index(now.name))
        # Who is registered is chosen; another name would only see what an outsider does.
        self.own.otherNameButton.visible = not now.registered
        if not now.registered:
            text, color = (
                _("Nobody is registered: one user may do everything. Set up a study to read with others."),
                HINT,
            )
        elif now.roles:
            text, color = now.roles, ""
        else:
            text, color = (
                _("'{name}' does not take part in this project: choose your name.").format(name=now.name),
                FAILED,
            )
        self.own.rolesLabel.text = f'<span style="color:{ink(color)}">{escape(text)}</span>' if color else text

    def _show_round(self, now: Standing) -> None:
        assigned = sum(one.assigned for one in now.rounds)
        done = sum(one.done for one in now.rounds)
        lines = [
            _("{round}: {done} of {assigned} submitted").format(round=one.round, done=one.done, assigned=one.assigned)
            + (_(", {n} rejected").format(n=one.rejected) if one.rejected else "")
            for one in now.rounds
        ]
        days = [f"{date}: {number}" for one in now.rounds for date, number in one.per_day]
        self.own.roundLabel.text = "\n".join(lines)
        self.own.roundLabel.setToolTip("\n".join([_("Submitted per day:"), *days]) if days else "")
        self.own.roundLabel.visible = self.own.roundProgressBar.visible = bool(assigned)
        self.own.roundProgressBar.setMaximum(max(assigned, 1))
        self.own.roundProgressBar.setValue(done)

    def _show_own(self, now: Standing, shown: bool) -> None:
        reads = shown and (not now.registered or "reader" in now.roles)
        own = now.own
        self.own.ownStateLabel.text = _own_text(own) if reads else ""
        self.own.ownStateLabel.visible = reads
        tip = _("The guidelines are checked first. What is submitted cannot be changed until it is taken back.")
        for button in (self.own.submitButton, self.own.submitNextButton):
            offer(button, reads, own.no_submit, tip)
        tip = _("Work on it again, as long as nobody has reviewed it.")
        offer(self.own.takeBackButton, reads and not own.state.is_open, own.no_take_back, tip)


def offer(button: Any, offered: bool, problem: str, tip: str) -> None:
    """Show a button to whom it concerns, and enable it where nothing speaks against it."""
    button.visible = offered
    button.enabled = not problem
    button.setToolTip(problem or tip)


def _confirmed(warnings: Sequence[Violation]) -> bool:
    listed = "\n".join(f"- {violation.message}" for violation in warnings)
    question = _("The guidelines warn of this. Submit it all the same?\n\n{list}").format(list=listed)
    return bool(slicer.util.confirmOkCancelDisplay(question))


def _own_text(own: Own) -> str:
    colors = {"submitted": HINT, "approved": SAVED, "rejected": FAILED, "reopened": UNSAVED}
    if own.last is None:
        return _("Your reading is a draft.")
    text = escape(_("Your reading: {state}").format(state=told(own.state, own.last)))
    return f'<span style="color:{ink(colors[own.state.value])}">{text}</span>'


def told(state: ReadingState, last: Step) -> str:
    """A state with who brought it about and why, such as ``rejected by ruth: too large``."""
    text = states()[state.value]
    if last.who != last.track:
        text = _("{state} by {name}").format(state=text, name=last.who.partition(":")[2])
    return f"{text}: {last.reason}" if last.reason else text


def states() -> dict[str, str]:
    return {
        "draft": _("draft"),
        "submitted": _("submitted"),
        "approved": _("approved"),
        "rejected": _("rejected"),
        "reopened": _("reopened"),
    }
