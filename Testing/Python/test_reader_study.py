"""A small study from end to end: phantoms, three readers who each draw a little differently, controls, a decision."""

from __future__ import annotations

import numpy as np
import pytest

from study_cases import ADA, ANNA, BEN, CORA, RUTH, uids_of
from XRayAILib.findings.author import ADJUDICATED, Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Landmark, Mask
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.image import ImageStatus
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.readers import Role
from XRayAILib.project.reviews import ReadingState
from XRayAILib.project.rounds import Round
from XRayAILib.workflow.adjudicating import Adjudicating
from XRayAILib.workflow.blinding import case_name, visible_tracks, worklist
from XRayAILib.workflow.control_scores import control_scores
from XRayAILib.workflow.progress import progress
from XRayAILib.workflow.reader_study import ReaderStudy

OFF = {ANNA: 0, BEN: 3, CORA: -9}
"""By how many pixels each reader is off, to the right."""


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 4, seed=3, size=(128, 112))


def reading(truth: Findings, person: Author) -> Findings:
    """What a person draws who sees the heart and the carina where they are, or nearly so."""
    heart, carina = truth.of(Mask, "heart")[0], truth.of(Landmark, "carina")[0]
    moved = Mask.from_array(np.roll(heart.array(), OFF[person], axis=1), label="heart", author=person)
    point = Landmark(label="carina", author=person, x=carina.x + OFF[person], y=carina.y)
    return Findings(truth.radiograph_uid, truth.shape, person, (moved, point))


def test_three_readers_from_the_assignment_to_the_decision(phantoms, tmp_path):
    truths = {phantom.uid: phantom.findings for phantom in phantoms}
    with Project.create(tmp_path / "project") as project:
        take_in(project, [phantoms[0].path.parent])
        for person in (ANNA, BEN, CORA):
            project.readers.add(person.name)
        project.readers.add("ruth", [Role.REVIEWER])
        project.readers.add("ada", [Role.ADJUDICATOR])

        # Of one image the truth is known. It is read by all three, each other image by two.
        control, *others = uids_of(project)
        project.save(truths[control])
        project.controls.add([control], truths[control].author.key)
        done = project.assignments.assign(
            Round("Main", per_image=2, seed=11), ["anna", "ben", "cora"], others, [control]
        )
        assert sum(done.images.values()) == 3 * 2 + 3 and max(done.images.values()) == min(done.images.values()) == 3

        # Each reads what is on the list, and sees nothing but the own work.
        for person in (ANNA, BEN, CORA):
            study, uid = ReaderStudy(project, person), None
            for number in range(1, 4):
                uid = study.next_assigned(uid)
                assert (
                    uid == worklist(project, person)[number - 1] and case_name(project, person, uid) == f"Main {number}"
                )
                assert visible_tracks(project, person, uid) == []
                project.save(reading(truths[uid], person))
                assert study.submit(uid, confirm=lambda warnings: True)
            assert study.next_assigned(uid) is None
        assert [(one.reader, one.done, one.assigned) for one in progress(project)] == [
            ("anna", 3, 3),
            ("ben", 3, 3),
            ("cora", 3, 3),
        ]

        # The control tells who is off, and by how much.
        scores = {one.reader: {figure.label: figure for figure in one.measured} for one in control_scores(project)}
        dices = [scores[name]["heart"].value for name in ("anna", "ben", "cora")]
        assert dices[0] == 1.0 > dices[1] > dices[2]
        spacing = project.header(control).spacing
        error = scores["ben"]["carina"]
        assert error.unit.startswith("mm") and error.value == pytest.approx(3 * spacing.column)

        # Ruth gives one reading back; it is corrected and approved.
        uid = next(one for one in worklist(project, CORA) if one != control)
        ruth = ReaderStudy(project, RUTH)
        ruth.reject(uid, CORA.key, "the heart lies further to the right")
        assert project.reviews.last(uid, CORA.key).reason.startswith("the heart")
        (drawn, _) = project.findings(uid, CORA.key)
        right = np.roll(drawn.array(), -OFF[CORA], axis=1)
        project.save(project.findings(uid, CORA.key).with_objects([drawn.with_array(right)]))
        assert ReaderStudy(project, CORA).submit(uid, confirm=lambda warnings: True)
        ruth.approve(uid, CORA.key)
        assert project.reference(uid).author == CORA

        # Ada decides the control: the heart of all three together, the carina of Anna.
        ada = Adjudicating(project, ADA)
        assert ada.waiting() and control in ada.waiting()
        ada.merge(control, "heart")
        ada.take(control, ANNA.key, [project.findings(control, ANNA.key).of(Landmark)[0].id])
        ada.finish(control)
        reference = project.reference(control)
        assert reference.author == ADJUDICATED and {item.status for item in reference} == {Status.APPROVED}
        agreed = reference.of(Mask, "heart")[0].array()
        votes = sum(
            np.roll(truths[control].of(Mask, "heart")[0].array().astype(int), off, axis=1) for off in OFF.values()
        )
        assert np.array_equal(agreed, votes >= 2)
        assert project.image(control).status is ImageStatus.APPROVED

        # With the round closed all may be seen, and everything is there as it was drawn.
        project.rounds.close("Main")
        assert len(visible_tracks(project, ANNA, control)) == 5
        assert project.findings(control, BEN.key).of(Mask) == [
            item.changed(id=there.id, created=there.created, status=Status.SUBMITTED)
            for item, there in zip(
                reading(truths[control], BEN).of(Mask), project.findings(control, BEN.key).of(Mask), strict=True
            )
        ]
        assert project.reviews.state(uid, CORA.key) is ReadingState.APPROVED
