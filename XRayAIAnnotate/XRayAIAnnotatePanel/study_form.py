"""The form in which the person who leads a study says who takes part, and who reads what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from XRayAIPanel.desk import reader
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.readers_part import ReadersPart
    from XRayAILib.workflow.standing import Standing
    from XRayAILib.workflow.study_setup import StudySetup

ROLES = ("reader", "reviewer", "adjudicator", "reader, reviewer", "reviewer, adjudicator")


class StudyForm:
    """The widgets of ``setUpFrame``.

    Parameters
    ----------
    part
        Shows the state again.
    own
        The widgets.
    """

    def __init__(self, part: ReadersPart, own: Any) -> None:
        self._part, self._own = part, own
        self._project: Any = None
        own.personRoleComboBox.addItems(list(ROLES))
        own.setUpFrame.visible = False
        own.setUpButton.toggled.connect(self.on_set_up)
        own.addPersonButton.clicked.connect(self.on_add)
        own.removePersonButton.clicked.connect(self.on_remove)
        own.assignButton.clicked.connect(self.on_assign)
        own.closeRoundButton.clicked.connect(self.on_close)

    @property
    def _setup(self) -> StudySetup:
        from XRayAILib.workflow.study_setup import StudySetup

        assert self._part.project is not None
        return StudySetup(self._part.project, reader().key)

    # What a person does ---------------------------------------------------------------------------------------------

    def on_set_up(self, _checked: bool) -> None:
        self._project = None
        self._part.show()

    def on_add(self, _checked: bool = False) -> None:
        name, roles = self._own.personLineEdit.text, self._own.personRoleComboBox.currentText
        if self._do(_("The person was not added."), lambda: self._setup.add(name, roles)):
            self._own.personLineEdit.text = ""

    def on_remove(self, _checked: bool = False) -> None:
        name = self._own.personLineEdit.text.strip()
        if self._do(_("The person was not removed."), lambda: self._setup.remove(name)):
            self._own.personLineEdit.text = ""

    def on_assign(self, _checked: bool = False) -> None:
        own, query = self._own, self._part.panel.desk.browse.query
        truth = own.controlsComboBox.itemData(own.controlsComboBox.currentIndex) or ""
        said: list[str] = []

        def assign() -> None:
            conditions = (own.perImageSpinBox.value, own.prelabelsCheckBox.checked, truth, query)
            said.append(self._setup.assign(own.roundLineEdit.text.strip(), *conditions))

        if self._do(_("Nothing was assigned."), assign):
            # Who set it up may have got images too, and is blinded from now on.
            self._part.panel.sitAgain()
            self.say(said[0])

    def on_close(self, _checked: bool = False) -> None:
        name = self._own.roundLineEdit.text.strip()
        question = _("Close '{name}'? Its readers can change nothing then, and may see everything.").format(name=name)
        if not slicer.util.confirmOkCancelDisplay(question):
            return
        if self._do(_("The round was not closed."), lambda: self._setup.close(name)):
            self.say(_("'{name}' is closed.").format(name=name))

    def say(self, text: str) -> None:
        self._own.readersMessageLabel.text = text
        self._own.readersMessageLabel.visible = bool(text)

    def _do(self, failed: str, act: Callable[[], object]) -> bool:
        done = False
        with telling(failed):
            act()
            done = True
        self._project = None
        self._part.panel.showState()
        return done

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self, now: Standing) -> None:
        """Offer it to whoever does not only read: one who reads blinded must not see what is behind it."""
        own = self._own
        offered = now.roles != "reader"
        own.setUpButton.visible = offered
        own.setUpFrame.visible = offered and own.setUpButton.checked
        if not own.setUpFrame.isHidden() and self._project is not self._part.project:
            self._project = self._part.project
            self._fill()

    def _fill(self) -> None:
        own, setup = self._own, self._setup
        people = "\n".join(f"{name}: {roles}" for name, roles in setup.people())
        own.peopleLabel.text = people or _("Nobody takes part yet: add the readers first.")
        name = setup.round_name()
        there = setup.project.rounds.get(name)
        own.roundLineEdit.text = name
        own.perImageSpinBox.setValue(there.per_image if there else 1)
        own.prelabelsCheckBox.checked = bool(there and there.prelabels)
        own.closeRoundButton.enabled = there is not None and not there.closed
        box, chosen = own.controlsComboBox, own.controlsComboBox.currentText
        box.clear()
        box.addItem(_("none"), "")
        for track in setup.truths():
            box.addItem(track, track)
        box.setCurrentIndex(max(0, box.findText(chosen)))
