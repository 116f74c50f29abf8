"""The part "Readers and review" of the annotation panel, for each role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from annotate_clicks import ANNOTATE, click_label, errors
from study_cases import ADA, ANNA, BEN, MODEL, RUTH, carina, draw, nodule, uids_of
from XRayAILib.findings.author import ADJUDICATED, Author, Status
from XRayAILib.findings.objects import Box, Landmark, Mask
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.reviews import ReadingState
from XRayAILib.project.rounds import Round
from XRayAILib.workflow.reader_study import ReaderStudy

pytest_plugins = ["annotate_desk"]


@pytest.fixture
def project_folder(tmp_path):
    """A project of three pictures, the first of them with a prediction."""
    (tmp_path / "pictures").mkdir()
    with Project.create(tmp_path / "project") as project:
        for n in range(3):
            grey = np.random.default_rng(n).integers(0, 60000, (256, 224), np.uint16)
            Picture.fromarray(grey).save(tmp_path / "pictures" / f"chest {n}.png")
        take_in(project, [tmp_path / "pictures"])
        heart = np.zeros((256, 224), bool)
        heart[100:150, 90:160] = True
        draw(project, uids_of(project)[0], MODEL, Mask.from_array(heart, label="heart", author=MODEL, score=0.9))
        return project.folder


@pytest.fixture
def study(project_folder) -> Project:
    """Anna and Ben read all three images, Ruth reviews, Ada adjudicates."""
    with Project.open(project_folder) as project:
        for name, role in (("anna", "reader"), ("ben", "reader"), ("ruth", "reviewer"), ("ada", "adjudicator")):
            project.readers.add(name, [role])
        project.assignments.assign(Round("Pilot", per_image=2, seed=1), ["anna", "ben"], uids_of(project))
        yield project


@pytest.fixture
def enter(slicer_with_modules, project_folder) -> Callable[[str], Any]:
    """``enter("ruth")`` opens the panel with Ruth at the screen, and the section unfolded."""
    import qt

    from XRayAIPanel.desk import READER
    from XRayAIPanel.last_project import LAST_PROJECT

    def enter(name: str) -> Any:
        qt.QSettings().setValue(LAST_PROJECT, str(project_folder))
        qt.QSettings().setValue(READER, name)
        panel = slicer_with_modules.open_module(ANNOTATE)
        panel.ui.readersCollapsibleButton.collapsed = False
        return panel

    return enter


def submit(study: Project, person: Author, uid: str) -> None:
    assert ReaderStudy(study, person).submit(uid, confirm=lambda warnings: True)


def part(panel) -> Any:
    from XRayAIAnnotatePanel.readers_part import ReadersPart

    return next(one for one in panel.parts if isinstance(one, ReadersPart))


def rows(table) -> list[tuple[str, ...]]:
    return [tuple(table.item(row, column).text() for column in range(3)) for row in range(table.rowCount)]


def choose(table, *numbers: int) -> None:
    import qt

    table.clearSelection()
    for number in numbers:
        table.setRangeSelected(qt.QTableWidgetSelectionRange(number, 0, number, 2), True)


def seen(panel) -> list[str]:
    """The labels of what is shown over the image."""
    from XRayAIAnnotatePanel.readers_part import LAYER
    from XRayAILib.scene import layers

    host, volume = panel.sitting.canvas.host, panel.sitting.canvas.volume_node
    nodes = layers.find_layer(host, volume, LAYER)
    found = layers.read_findings(host, nodes, panel.sitting.canvas.schema) if nodes is not None else ()
    return sorted(item.label for item in found)


def current(panel) -> str:
    return panel.sitting.session.image.uid


def test_one_who_works_alone_is_offered_no_more_than_to_submit(enter, slicer_with_modules):
    own = part(panel := enter("anna")).own
    assert "Nobody is registered" in own.rolesLabel.text and not own.otherNameButton.isHidden()
    assert own.reviewFrame.isHidden() and own.decideFrame.isHidden() and own.roundLabel.isHidden()
    own.submitButton.click()
    session = panel.sitting.session
    assert session.project.reviews.state(current(panel), ANNA.key) is ReadingState.SUBMITTED
    assert "submitted" in own.ownStateLabel.text and "it must be reopened first" in panel.ui.messageLabel.text
    own.takeBackButton.click()
    assert "reopened" in own.ownStateLabel.text and session.locked == "" and not errors(slicer_with_modules)


def test_a_reader_reads_what_is_assigned_in_that_order(study, enter, slicer_with_modules, desktop_host):
    from mouse import Mouse

    own = part(panel := enter("anna")).own
    listed = [one.uid for one in study.assignments.of_reader("anna")]
    assert current(panel) == listed[0] and own.rolesLabel.text == "reader"
    assert own.roundLabel.text == "Pilot: 0 of 3 submitted" and own.roundProgressBar.maximum == 3
    assert own.reviewFrame.isHidden() and own.decideFrame.isHidden() and own.otherNameButton.isHidden()
    # Nothing tells whose image it is.
    shown = "".join(getattr(panel.ui, f"{name}Label").text for name in ("case", "details", "message"))
    assert "Pilot 1" in shown and "chest" not in shown and "patient" not in shown
    assert panel.sitting.canvas.volume_node.GetName() == "Pilot 1"
    click_label(panel, "Nodule")
    Mouse(desktop_host, panel.desk.viewer.volume_node).click((60, 40), (70, 50))
    own.submitNextButton.click()
    assert current(panel) == listed[1] and own.roundLabel.text == "Pilot: 1 of 3 submitted"
    assert [item.status for item in study.findings(listed[0], ANNA.key)] == [Status.SUBMITTED]
    own.submitNextButton.click()
    own.submitNextButton.click()
    assert "Everything on your list is submitted" in panel.ui.messageLabel.text or panel.sitting.session.notice
    assert own.roundLabel.text == "Pilot: 3 of 3 submitted" and own.roundProgressBar.value == 3
    assert not own.submitButton.enabled and "submitted already" in own.submitButton.toolTip
    assert own.takeBackButton.enabled and not errors(slicer_with_modules)


def test_what_was_submitted_is_shown_locked_and_cannot_be_unlocked(study, enter, slicer_with_modules):
    uid = study.assignments.of_reader("anna")[0].uid
    draw(study, uid, ANNA, nodule(ANNA), carina(ANNA))
    submit(study, ANNA, uid)
    panel = enter("anna")
    panel.step(lambda session: session.open(uid))
    assert [item.locked for item in panel.objects.objects] == [True, True]
    panel.objects.choose([panel.objects.objects[0].id])
    panel.onTick()
    assert not panel.ui.lockButton.enabled and not panel.ui.deleteButton.enabled
    panel.objectsPart.on_lock()
    assert [item.locked for item in panel.objects.objects] == [True, True]
    assert "submitted" in panel.ui.objectMessageLabel.text and not errors(slicer_with_modules)


def test_a_blinded_reader_begins_with_nothing_of_others(study, enter):
    uid = study.assignments.of_reader("anna")[0].uid
    draw(study, uid, BEN, nodule(BEN))
    panel = enter("anna")
    for start in (1, 2):
        panel.ui.startComboBox.setCurrentIndex(start)
        panel.ui.reloadButton.click()
        assert panel.ui.objectsTable.rowCount == 0
    panel.parent.exit()
    from XRayAILib.scene import layers

    assert layers.layers(panel.desk.viewer.host) == []  # nor are there overlays in X-Ray AI


def test_guidelines_stop_or_ask_before_submitting(study, enter, slicer_with_modules):
    from dataclasses import replace

    from XRayAILib.findings.rule import Count, Severity

    def wanted(severity: Severity) -> None:
        rule = Count(labels=("carina",), minimum=1, severity=severity, reason="it is always seen")
        study.set_schema(replace(study.schema, rules=(rule,)))

    wanted(Severity.REFUSE)
    own = part(panel := enter("anna")).own
    uid = current(panel)
    own.submitButton.click()
    assert "it is always seen" in errors(slicer_with_modules)[0]
    assert study.reviews.state(uid, ANNA.key) is ReadingState.DRAFT and own.submitButton.enabled
    wanted(Severity.WARN)
    panel.desk.project.schema = study.schema
    slicer_with_modules.answer(yes=False)
    own.submitButton.click()
    assert study.reviews.state(uid, ANNA.key) is ReadingState.DRAFT
    slicer_with_modules.answer(yes=True)
    own.submitButton.click()
    assert study.reviews.state(uid, ANNA.key) is ReadingState.SUBMITTED
    (question,) = {m.text for m in slicer_with_modules.messages if "Submit it all the same?" in m.text}
    assert "it is always seen" in question


def test_a_reviewer_approves_and_gives_back_with_a_reason(study, enter, slicer_with_modules):
    uids = uids_of(study)
    for uid in uids[:2]:
        for person in (ANNA, BEN):
            draw(study, uid, person, nodule(person))
            submit(study, person, uid)
    own = part(panel := enter("ruth")).own
    panel.step(lambda session: session.open(uids[0]))
    assert own.decideFrame.isHidden() and own.submitButton.isHidden() and not own.reviewFrame.isHidden()
    assert rows(own.readingsTable) == [("anna", "submitted", "1"), ("ben", "submitted", "1")]
    assert own.approveButton.enabled and "Write below the table" in own.rejectButton.toolTip
    assert seen(panel) == ["nodule"]  # Anna's, who waits first
    own.approveButton.click()
    assert study.reviews.last(uids[0], ANNA.key).who == RUTH.key
    assert rows(own.readingsTable)[0] == ("anna", "approved", "1")
    choose(own.readingsTable, 1)
    own.reasonLineEdit.text = "the nodule is a vessel"
    assert own.rejectButton.enabled
    own.rejectButton.click()
    assert rows(own.readingsTable)[1] == ("ben", "rejected", "1") and own.reasonLineEdit.text == ""
    assert not own.approveButton.enabled and "It is rejected: only what was submitted" in own.approveButton.toolTip
    own.nextReviewButton.click()
    assert current(panel) == uids[1] and own.nextReviewButton.enabled is False
    choose(own.readingsTable, 1)
    own.approveButton.click()
    own.reopenButton.click()
    assert study.reviews.state(uids[1], BEN.key) is ReadingState.REOPENED and not errors(slicer_with_modules)


def test_what_was_taken_back_meanwhile_is_not_approved_and_that_is_told_once(study, enter, slicer_with_modules):
    uid = uids_of(study)[0]
    draw(study, uid, ANNA, nodule(ANNA))
    submit(study, ANNA, uid)
    own = part(panel := enter("ruth")).own
    panel.step(lambda session: session.open(uid))
    ReaderStudy(study, ANNA).reopen(uid, ANNA.key)
    own.approveButton.click()
    assert len(errors(slicer_with_modules)) == 1 and study.reviews.state(uid, ANNA.key) is ReadingState.REOPENED
    assert rows(own.readingsTable) == [("anna", "reopened", "1")] and not own.approveButton.enabled


def test_the_reader_is_told_why_it_came_back(study, enter):
    uid = study.assignments.of_reader("ben")[0].uid
    submit(study, BEN, uid)
    ReaderStudy(study, RUTH).reject(uid, BEN.key, "<too> large")
    panel = enter("ben")
    assert current(panel) == uid or panel.step(lambda session: session.open(uid)) is None
    own = part(panel).own
    assert "rejected by ruth: &lt;too&gt; large" in own.ownStateLabel.text and own.submitButton.enabled
    assert "1 rejected" in own.roundLabel.text
    panel.ui.readersCollapsibleButton.collapsed = True
    assert panel.ui.readersCollapsibleButton.text.endswith("rejected")


def both_submitted(study) -> str:
    uid = uids_of(study)[0]
    draw(study, uid, ANNA, nodule(ANNA, 20.0), carina(ANNA, 100.0))
    draw(study, uid, BEN, nodule(BEN, 120.0), carina(BEN, 104.0))
    for person in (ANNA, BEN):
        submit(study, person, uid)
    return uid


def test_an_adjudicator_takes_undoes_merges_and_finishes(study, enter, slicer_with_modules):
    uid = both_submitted(study)
    own = part(panel := enter("ada")).own
    panel.step(lambda session: session.open(uid))
    table = own.versionsTable
    assert own.reviewFrame.isHidden() and not own.decideFrame.isHidden()
    assert (
        rows(table)
        == [
            ("Nodule", "anna", ""),
            ("Carina", "anna", ""),
            ("Nodule", "ben", ""),
            ("Carina", "ben", ""),
            ("Heart", "lungs", ""),
        ][: table.rowCount]
    )
    assert not own.takeButton.enabled and "Choose objects of a reader" in own.takeButton.toolTip
    assert seen(panel) == []
    choose(table, 0, 3)
    assert seen(panel) == ["carina", "nodule"]
    assert own.takeButton.enabled and "one reader only" in own.takeAllButton.toolTip
    own.takeButton.click()
    assert rows(table)[:2] == [("Nodule", "anna", "decided"), ("Carina", "ben", "decided")]
    assert [row[2] for row in rows(table)[2:6]] == ["taken", "", "", "taken"]
    own.undoDecisionButton.click()
    own.redoDecisionButton.click()
    assert rows(table)[1] == ("Carina", "ben", "decided")
    choose(table, 1)
    own.mergeButton.click()
    (point,) = study.adjudications.findings(uid).of(Landmark)
    assert point.x == 102.0
    choose(table, 0)
    own.dropButton.click()
    assert study.adjudications.findings(uid).of(Box) == []
    own.finishButton.click()
    assert study.reference(uid).author == ADJUDICATED and own.finishButton.text == "Reopen"
    assert not own.undoDecisionButton.enabled and "is finished: reopen it first" in own.undoDecisionButton.toolTip
    own.finishButton.click()
    assert own.finishButton.text == "Finish" and not errors(slicer_with_modules)


def test_an_adjudicator_draws_on_what_is_decided(study, enter, slicer_with_modules, desktop_host):
    from mouse import Mouse

    uid = both_submitted(study)
    own = part(panel := enter("ada")).own
    panel.step(lambda session: session.open(uid))
    choose(own.versionsTable, 0)
    own.takeAllButton.click()
    assert seen(panel) == ["nodule"]
    choose(own.versionsTable)
    # Ada's own reading is empty; over it she sees what is decided.
    assert panel.ui.objectsTable.rowCount == 0 and seen(panel) == ["carina", "nodule"]
    own.editDecisionButton.click()
    assert own.editDecisionButton.checked and panel.ui.objectsTable.rowCount == 2
    click_label(panel, "Nodule")
    Mouse(desktop_host, panel.desk.viewer.volume_node).click((160, 140), (200, 180))
    panel.ui.saveButton.click()
    decided = study.adjudications.findings(uid)
    assert len(decided.of(Box)) == 2 and study.revisions(uid, ADJUDICATED.key)[-1].saved_by == ADA.key
    assert [item.author for item in decided.of(Landmark)] == [ANNA] and rows(own.versionsTable)[2][2] == "decided"
    own.undoDecisionButton.click()  # what was drawn is a decision too
    assert len(study.adjudications.findings(uid).of(Box)) == 1 and panel.ui.objectsTable.rowCount == 2
    own.editDecisionButton.click()
    assert not own.editDecisionButton.checked and panel.ui.objectsTable.rowCount == 0
    panel.ui.readersCollapsibleButton.collapsed = True
    assert seen(panel) == []
    assert study.findings(uid, ADA.key) is None and not errors(slicer_with_modules)


def test_somebody_else_sits_down(study, enter, slicer_with_modules, desktop_host):
    from mouse import Mouse

    own = part(panel := enter("anna")).own
    uid = current(panel)
    click_label(panel, "Nodule")
    Mouse(desktop_host, panel.desk.viewer.volume_node).click((60, 40), (100, 80))
    box = own.readerComboBox
    assert [box.itemText(n) for n in range(box.count)] == ["ada", "anna", "ben", "ruth"]
    box.setCurrentIndex(2)
    box.textActivated.emit("ben")
    # What was drawn is Anna's, and Ben sees nothing of it.
    assert len(study.findings(uid, ANNA.key)) == 1 and panel.sitting.session.reader == BEN
    assert current(panel) == study.assignments.of_reader("ben")[0].uid or panel.sitting.session.offers(current(panel))
    assert panel.ui.objectsTable.rowCount == 0 and own.rolesLabel.text == "reader"
    box.textActivated.emit("ruth")
    assert own.rolesLabel.text == "reviewer" and not own.reviewFrame.isHidden()


def test_who_is_not_registered_is_told(study, enter):
    own = part(panel := enter("visitor")).own
    assert "does not take part in this project" in own.rolesLabel.text
    assert own.submitButton.isHidden() or not own.submitButton.enabled
    assert panel.ui.objectsTable.rowCount == 0


def test_nothing_is_asked_of_the_project_while_the_section_is_folded(study, enter, monkeypatch):
    from XRayAILib.workflow import standing

    panel = enter("anna")
    panel.ui.readersCollapsibleButton.collapsed = True
    asked = []
    monkeypatch.setattr(standing, "standing", lambda *_args: asked.append(1))
    panel.showState()
    assert asked == []


def test_a_study_is_set_up_in_the_panel(enter, slicer_with_modules, project_folder):
    own = part(panel := enter("lead")).own
    assert own.setUpFrame.isHidden()
    own.setUpButton.click()
    for name, roles in (("anna", "reader"), ("ben", "reader"), ("ruth", "reviewer")):
        own.personLineEdit.text = name
        own.personRoleComboBox.setCurrentIndex(own.personRoleComboBox.findText(roles))
        own.addPersonButton.click()
    assert own.peopleLabel.text == "anna: reader\nben: reader\nruth: reviewer" and own.personLineEdit.text == ""
    own.perImageSpinBox.setValue(3)
    own.assignButton.click()
    assert "3 readers per image need as many readers" in errors(slicer_with_modules)[0]
    own.roundLineEdit.text = "Pilot"
    own.perImageSpinBox.setValue(2)
    own.assignButton.click()
    assert own.readersMessageLabel.text == "Pilot: 6 readings assigned to 2 readers."
    own.personLineEdit.text = "ben"
    own.removePersonButton.click()
    assert own.peopleLabel.text == "anna: reader\nruth: reviewer"
    own.readerComboBox.textActivated.emit("anna")
    assert own.roundLabel.text == "Pilot: 0 of 3 submitted"
    assert own.setUpButton.isHidden() and own.setUpFrame.isHidden()  # she reads blinded
    own.readerComboBox.textActivated.emit("ruth")
    slicer_with_modules.answer(yes=True)
    own.closeRoundButton.click()
    with Project.open(project_folder) as project:
        assert project.rounds.get("Pilot").closed and len(project.assignments.of_reader("ben")) == 3
    assert len(errors(slicer_with_modules)) == 1 and panel.sitting is not None


@pytest.mark.parametrize("name", ["anna", "ruth", "ada"])
def test_every_role_fits_the_panel(study, enter, slicer_with_modules, tmp_path, name):
    uid = both_submitted(study)
    panel = enter(name)
    if name != "anna":
        panel.step(lambda session: session.open(uid))
    slicer_with_modules.process_events()
    widget = part(panel).own.Readers
    assert widget.minimumSizeHint.width() <= 460
    picture = slicer_with_modules.screenshot(widget, tmp_path / f"{name}.png", (440, widget.sizeHint.height()))
    assert picture.stat().st_size > 2000
