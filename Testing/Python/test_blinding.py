"""Blinding: what each person may see of what others say, and that a control looks like any other image."""

from __future__ import annotations

from dataclasses import replace

import pytest

from study_cases import ADA, ANNA, BEN, CORA, MODEL, RUTH, TRUTH, carina, draw, nodule, study, uids_of
from XRayAILib.findings.author import ADJUDICATED, Author
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import ImageStatus
from XRayAILib.project.project import Project
from XRayAILib.project.rounds import Reveal, Round
from XRayAILib.workflow.blinding import (
    case_name,
    may_see,
    visible_prediction,
    visible_reference,
    visible_tracks,
    worklist,
)
from XRayAILib.workflow.control_scores import Measured, control_scores
from XRayAILib.workflow.reader_study import ReaderStudy

PILOT = Round("Pilot", per_image=2, seed=1)
EVERYBODY = {ANNA.key, BEN.key, MODEL.key, TRUTH.key}


@pytest.fixture
def project(tmp_path):
    """Anna, Ben, a model and an import have something to say of every image; nothing is assigned yet."""
    with study(tmp_path) as project:
        for uid in uids_of(project):
            for author in (TRUTH, MODEL, ANNA, BEN):
                draw(project, uid, author, nodule(author))
        yield project


def seen(project: Project, person: Author, uid: str) -> set[str]:
    tracks = {findings.author.key for findings in visible_tracks(project, person, uid)}
    assert tracks == {track for track in EVERYBODY if may_see(project, person, uid, track)}
    return tracks


def test_where_nobody_is_registered_everybody_sees_everything(tmp_path):
    from sheet import pictures
    from XRayAILib.project.intake import take_in

    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 1)])
        (uid,) = uids_of(project)
        for author in (TRUTH, MODEL, ANNA, BEN):
            draw(project, uid, author, nodule(author))
        assert seen(project, Author.person("anybody"), uid) == EVERYBODY
        assert visible_reference(project, ANNA, uid) == project.reference(uid) and worklist(project, ANNA) is None
        assert case_name(project, ANNA, uid) == ""


def test_a_reader_sees_only_the_own_work_until_the_round_is_closed(project):
    uid = uids_of(project)[0]
    project.assignments.assign(PILOT, ["anna", "ben"], uids_of(project))
    assert seen(project, ANNA, uid) == {ANNA.key}
    assert visible_reference(project, ANNA, uid).author == ANNA and visible_prediction(project, ANNA, uid) is None
    ReaderStudy(project, ANNA).submit(uid)
    assert seen(project, ANNA, uid) == {ANNA.key}
    project.rounds.close("Pilot")
    assert seen(project, ANNA, uid) == EVERYBODY
    project.rounds.open_again("Pilot")
    assert seen(project, ANNA, uid) == {ANNA.key}


def test_a_round_may_show_predictions_and_others_work_once_the_own_is_submitted(project):
    uid = uids_of(project)[0]
    conditions = replace(PILOT, prelabels=True, reveal=Reveal.SUBMITTED)
    project.assignments.assign(conditions, ["anna", "ben"], uids_of(project))
    assert seen(project, ANNA, uid) == {ANNA.key, MODEL.key}
    assert visible_prediction(project, ANNA, uid).author == MODEL
    ReaderStudy(project, ANNA).submit(uid)
    assert seen(project, ANNA, uid) == {ANNA.key, BEN.key, MODEL.key}
    # Taken back, it is read blinded again.
    ReaderStudy(project, ANNA).reopen(uid, ANNA.key)
    assert seen(project, ANNA, uid) == {ANNA.key, MODEL.key}


def test_reviewers_and_adjudicators_see_everything_but_not_before_they_have_read_themselves(project):
    uid, other, _ = uids_of(project)
    project.readers.set_roles("ben", ["reader", "reviewer"])
    project.assignments.assign(PILOT, ["anna", "ben"], [uid])
    assert seen(project, RUTH, uid) == seen(project, ADA, uid) == EVERYBODY
    assert seen(project, BEN, uid) == {BEN.key} and seen(project, BEN, other) == EVERYBODY
    ReaderStudy(project, BEN).submit(uid)
    assert seen(project, BEN, uid) == EVERYBODY


def test_whoever_has_no_assignment_sees_no_other_person(project):
    read_by_others, free, _ = uids_of(project)
    project.assignments.assign(replace(PILOT, per_image=1), ["anna"], [read_by_others])
    for person in (CORA, Author.person("somebody")):
        assert seen(project, person, read_by_others) == set()
        assert seen(project, person, free) == {MODEL.key, TRUTH.key}
    project.readers.remove("ruth")
    assert seen(project, RUTH, read_by_others) == set()


def test_the_worklist_is_in_the_order_of_the_assignment_and_names_of_cases_tell_nothing(project):
    project.assignments.assign(PILOT, ["anna", "ben"], uids_of(project))
    listed = worklist(project, ANNA)
    assert listed == [one.uid for one in project.assignments.of_reader("anna")]
    assert [case_name(project, ANNA, uid) for uid in listed] == ["Pilot 1", "Pilot 2", "Pilot 3"]
    assert worklist(project, RUTH) is None and case_name(project, RUTH, listed[0]) == ""
    project.rounds.close("Pilot")
    assert worklist(project, ANNA) is None and case_name(project, ANNA, listed[0]) == ""


def test_a_control_cannot_be_told_from_another_image(tmp_path):
    with study(tmp_path, images=6) as project:
        uids = uids_of(project)
        for uid in uids[:2]:
            draw(project, uid, TRUTH, nodule(TRUTH))
        assert project.controls.with_track(TRUTH.key) == sorted(uids[:2])
        project.controls.add(uids[:2], TRUTH.key, by="lead")
        project.assignments.assign(PILOT, ["anna", "ben"], uids, controls=project.controls.all())
        listed = worklist(project, ANNA)
        assert set(uids) == set(listed)
        for uid in listed:
            # Neither how far the image is, nor what can be seen of it, nor what it is called tells one from another.
            assert project.image(uid).status is ImageStatus.UNLABELLED
            assert visible_tracks(project, ANNA, uid) == [] and visible_reference(project, ANNA, uid) is None
            assert case_name(project, ANNA, uid) == f"Pilot {listed.index(uid) + 1}"
        for uid in listed:
            ReaderStudy(project, ANNA).submit(uid)
        assert {project.image(uid).status for uid in listed} == {ImageStatus.SUBMITTED}
        assert project.controls.truth_of(uids[0]) == TRUTH.key and project.controls.truth_of(uids[5]) == ""


def test_controls_score_readers_over_time(tmp_path):
    with study(tmp_path, images=4) as project:
        uids = uids_of(project)
        truths = [(nodule(TRUTH), carina(TRUTH)), (nodule(TRUTH),), ()]
        for uid, objects in zip(uids, truths, strict=False):
            draw(project, uid, TRUTH, *objects)
        project.controls.add(uids[:3], TRUTH.key)
        project.assignments.assign(replace(PILOT, per_image=1), ["anna", "ben"], uids, controls=uids[:3])
        draw(project, uids[0], ANNA, nodule(ANNA), carina(ANNA, 28.0))
        draw(project, uids[1], ANNA, nodule(ANNA, 28.0))
        draw(project, uids[2], ANNA, nodule(ANNA))
        for uid in uids[:3]:
            ReaderStudy(project, ANNA).submit(uid)
        draw(project, uids[0], BEN, nodule(BEN))  # a draft has no score
        scores = control_scores(project)
        assert [(score.reader, score.uid) for score in scores] == [("anna", uid) for uid in sorted(uids[:3])]
        by_uid = {score.uid: score.measured for score in scores}
        assert by_uid[uids[0]] == (Measured("nodule", "F1", 1.0), Measured("carina", "error", 3.0, "px"))
        assert by_uid[uids[1]] == (Measured("nodule", "F1", 0.0),)
        assert by_uid[uids[2]] == (Measured("nodule", "F1", 0.0),)  # there is none, as the truth says
        assert control_scores(project, "ben") == []


def test_what_cannot_be_a_control_is_said(project):
    uid = uids_of(project)[0]
    with pytest.raises(ProjectError, match="import:other says nothing of"):
        project.controls.add([uid], "import:other")
    project.controls.add([uid], TRUTH.key)
    with pytest.raises(ProjectError, match=f"is a control already, with the truth of {TRUTH.key}"):
        project.controls.add([uid], MODEL.key)
    project.controls.add([uid], TRUTH.key)
    assert project.controls.all() == {uid: TRUTH.key}


def test_the_adjudication_is_hidden_like_others_work(project):
    uid = uids_of(project)[0]
    project.assignments.assign(PILOT, ["anna", "ben"], [uid])
    for person in (ANNA, BEN):
        ReaderStudy(project, person).submit(uid)
    project.adjudications.take(uid, ADA, BEN.key)
    project.adjudications.finish(uid, ADA, project.header(uid).shape)
    assert not may_see(project, ANNA, uid, ADJUDICATED.key) and may_see(project, RUTH, uid, ADJUDICATED.key)
    assert visible_reference(project, ANNA, uid).author == ANNA
    project.rounds.close("Pilot")
    assert visible_reference(project, ANNA, uid).author == ADJUDICATED
