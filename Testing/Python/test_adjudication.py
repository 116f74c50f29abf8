"""Adjudication: a decision over several readings that keeps all of them, and that can be undone and done again."""

from __future__ import annotations

import numpy as np
import pytest

from study_cases import ADA, ANNA, BEN, CORA, MODEL, RUTH, carina, draw, nodule, study, uids_of
from XRayAILib.findings.author import ADJUDICATED, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, Landmark, Mask
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import ImageStatus
from XRayAILib.project.project import Project
from XRayAILib.project.reviews import ReadingState
from XRayAILib.workflow.adjudicating import Adjudicating
from XRayAILib.workflow.reader_study import ReaderStudy


def heart(person, left: int) -> Mask:
    array = np.zeros((40, 50), bool)
    array[10:20, left : left + 10] = True
    return Mask.from_array(array, label="heart", author=person)


@pytest.fixture
def project(tmp_path):
    """Anna and Ben have submitted the first image; Cora still draws."""
    with study(tmp_path) as project:
        uid = uids_of(project)[0]
        draw(project, uid, ANNA, nodule(ANNA, 2.0), heart(ANNA, 10), carina(ANNA, 24.0))
        draw(project, uid, BEN, nodule(BEN, 25.0), heart(BEN, 12), carina(BEN, 26.0))
        draw(project, uid, CORA, nodule(CORA))
        draw(project, uid, MODEL, nodule(MODEL, score=0.9))
        for person in (ANNA, BEN):
            ReaderStudy(project, person).submit(uid)
        yield project


@pytest.fixture
def uid(project) -> str:
    return uids_of(project)[0]


@pytest.fixture
def ada(project) -> Adjudicating:
    return Adjudicating(project, ADA)


def of(project: Project, uid: str, person, label: str):
    return next(item for item in project.findings(uid, person.key) if item.label == label)


def test_objects_are_taken_from_readers_and_remember_where_they_came_from(project, uid, ada):
    before = {person: project.findings(uid, person.key) for person in (ANNA, BEN)}
    box, mask = of(project, uid, ANNA, "nodule"), of(project, uid, BEN, "heart")
    ada.take(uid, ANNA.key, [box.id])
    decided = ada.take(uid, BEN.key, [mask.id])
    assert [(item.label, item.author, item.derived_from) for item in decided] == [
        ("nodule", ANNA, box.id),
        ("heart", BEN, mask.id),
    ]
    assert project.findings(uid, ADJUDICATED.key) == decided and not {box.id, mask.id} & {o.id for o in decided}
    assert np.array_equal(decided.objects[1].array(), mask.array())
    assert {person: project.findings(uid, person.key) for person in (ANNA, BEN)} == before
    assert [one.saved_by for one in project.revisions(uid, ADJUDICATED.key)] == [ADA.key, ADA.key]
    assert [version.taken for version in ada.versions(uid)] == [{box.id}, {mask.id}, set(), set()]


def test_what_can_only_be_meant_once_takes_the_others_place(project, uid, ada):
    for person in (ANNA, BEN):
        ada.take(uid, person.key, [of(project, uid, person, "heart").id])
        ada.take(uid, person.key, [of(project, uid, person, "carina").id])
        ada.take(uid, person.key, [of(project, uid, person, "nodule").id])
    decided = ada.take(uid, BEN.key, [of(project, uid, BEN, "heart").id])  # once more changes nothing
    assert [(item.label, item.author.name) for item in decided] == [
        ("nodule", "anna"),
        ("heart", "ben"),
        ("carina", "ben"),
        ("nodule", "ben"),
    ]
    assert len(project.adjudications.log(uid)) == 6


def test_a_whole_version_is_taken_in_place_of_what_was_taken(project, uid, ada):
    ada.take(uid, ANNA.key)
    decided = ada.take(uid, BEN.key)
    assert {item.author for item in decided} == {BEN} and len(decided) == 3
    left = ada.drop(uid, [decided.of(Box)[0].id])
    assert left.labels() == ["heart", "carina"]
    with pytest.raises(ProjectError, match="not among the adjudicated"):
        ada.drop(uid, [decided.of(Box)[0].id])


def test_readings_are_merged_by_their_consensus(project, uid, ada):
    decided, _ = ada.merge(uid, "carina")
    (point,) = decided.of(Landmark)
    assert (point.x, point.y) == (25.0, 10.0) and point.derived_from
    ada.take(uid, ANNA.key, [of(project, uid, ANNA, "carina").id])
    decided, notes = ada.merge(uid)
    assert decided.of(Landmark)[0].x == 25.0 and decided.of(Mask)[0].area == 80
    assert any("nodule" in note for note in notes) and decided.of(Box) == []  # two different ones, each seen by one
    assert "by majority of anna, ben" in project.adjudications.log(uid)[0].detail


def test_every_decision_can_be_undone_and_done_again(project, uid, ada):
    states = [(), ada.take(uid, ANNA.key).objects, ada.take(uid, BEN.key).objects]
    states.append(ada.drop(uid, [states[-1][0].id]).objects)

    def now() -> tuple:
        return project.adjudications.findings(uid).objects

    for expected in (states[2], states[1], states[0]):
        ada.undo(uid)
        assert now() == expected
    with pytest.raises(ProjectError, match="no decision to undo"):
        ada.undo(uid)
    for expected in states[1:]:
        ada.redo(uid)
        assert now() == expected
    with pytest.raises(ProjectError, match="Nothing was undone last"):
        ada.redo(uid)
    assert ada.undo(uid).action == "drop"
    ada.take(uid, ANNA.key)
    assert project.adjudications.can_redo(uid) is None  # what was decided since stands in its place
    actions = [decision.action for decision in project.adjudications.log(uid)]
    assert actions == ["take", "take", "drop", *["undo"] * 3, *["redo"] * 3, "undo", "take"]
    assert len(project.revisions(uid, ADJUDICATED.key)) == len(actions)  # nothing was overwritten


def test_what_was_drawn_in_between_is_a_decision_too(project, uid, ada):
    decided = ada.take(uid, ANNA.key)
    moved = decided.of(Box)[0].changed(x0=3.0)
    edited = decided.with_objects([moved])
    project.save(edited, by=ADA)
    assert project.adjudications.can_undo(uid).action == "edit"
    ada.take(uid, BEN.key, [of(project, uid, BEN, "nodule").id])
    assert [one.action for one in project.adjudications.log(uid)] == ["take", "edit", "take"]
    ada.undo(uid)
    assert project.adjudications.findings(uid) == edited
    ada.undo(uid)
    assert project.adjudications.findings(uid) == decided


def test_only_what_is_finished_counts(project, uid, ada):
    ada.take(uid, BEN.key)
    assert project.reference(uid).author == BEN and project.image(uid).status is ImageStatus.DRAFT  # Cora's
    ada.finish(uid)
    reference = project.reference(uid)
    assert reference.author == ADJUDICATED and {item.status for item in reference} == {Status.APPROVED}
    assert project.image(uid).status is ImageStatus.APPROVED
    with pytest.raises(ProjectError, match="is finished: reopen it first"):
        ada.undo(uid)
    with pytest.raises(ProjectError, match="The adjudication was approved by ada on"):
        project.save(reference.without(o.id for o in reference), by=ADA)
    ada.reopen(uid, "the heart is too large")
    assert project.reference(uid).author == BEN and project.adjudications.images() == {uid: ReadingState.REOPENED}
    ada.undo(uid)
    assert project.adjudications.findings(uid).objects == ()
    assert {item.status for item in ada.take(uid, ANNA.key)} == {Status.DRAFT}
    assert [one.action for one in project.adjudications.log(uid)] == ["take", "finish", "reopen", "undo", "take"]


def test_it_can_be_decided_that_there_is_nothing(project, uid, ada):
    ada.finish(uid)
    assert project.reference(uid) == Findings(uid, (40, 50), ADJUDICATED)
    assert project.image(uid).status is ImageStatus.APPROVED


def test_who_may_and_from_whom(project, uid, ada):
    with pytest.raises(ProjectError, match="'ruth' is no active adjudicator"):
        Adjudicating(project, RUTH).take(uid, ANNA.key)
    with pytest.raises(ProjectError, match="cora has not submitted this image"):
        ada.take(uid, CORA.key)
    with pytest.raises(ProjectError, match="person:dan says nothing of"):
        ada.take(uid, "person:dan")
    with pytest.raises(ProjectError, match="person:anna has no object nowhere"):
        ada.take(uid, ANNA.key, ["nowhere"])
    assert ada.take(uid, MODEL.key).objects[0].author == MODEL
    assert [(version.name, version.ready) for version in ada.versions(uid)] == [
        ("anna", True),
        ("ben", True),
        ("cora", False),
        ("lungs", True),
    ]
    assert ada.waiting() == [uid]
    ada.finish(uid)
    assert ada.waiting() == []


def test_who_reads_an_image_decides_nothing_before(project, uid):
    from XRayAILib.project.rounds import Round

    project.readers.set_roles("cora", ["reader", "adjudicator"])
    project.assignments.assign(Round("Pilot", per_image=1), ["cora"], [uid])
    cora = Adjudicating(project, CORA)
    assert "submit your own reading first" in cora.why_not(uid) and cora.versions(uid)[0].name == "cora"
    assert len(cora.versions(uid)) == 1
    ReaderStudy(project, CORA).submit(uid)
    assert cora.why_not(uid) == "" and len(cora.versions(uid)) == 4
