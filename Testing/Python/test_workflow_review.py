"""A person accepts or rejects what a model says."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Picture

from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask
from XRayAILib.project.image import ImageStatus
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.prediction import predicted_answers
from XRayAILib.workflow.review import Review, ReviewError, open_prediction

ANNA = Author.person("anna")
MODEL = Author.model("chest", "1" * 64)
SHAPE = (40, 50)


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Picture.fromarray(np.random.default_rng(0).integers(0, 60000, SHAPE, np.uint16)).save(folder / "chest.png")
    with Project.create(tmp_path / "project") as project:
        take_in(project, [folder])
        yield project


@pytest.fixture
def uid(project):
    return project.images()[0].uid


def disc(label: str, author: Author, radius: float = 8.0, **values) -> Mask:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return Mask.from_array((x - 25) ** 2 + (y - 20) ** 2 < radius**2, label=label, author=author, **values)


def predict(project: Project, uid: str, *objects, model: Author = MODEL) -> Findings:
    findings = Findings(uid, SHAPE, model, objects)
    project.save(findings)
    return findings


def test_accepting_takes_the_prediction_over_as_approved(project, uid):
    prediction = predict(project, uid, disc("heart", MODEL, score=0.9), disc("left_lung", MODEL))
    accepted = Review(project, ANNA).accept(uid)
    mine = project.findings(uid, ANNA.key)
    assert accepted.taken == ("Heart", "Left lung") and accepted.text() == "Accepted: Heart, Left lung."
    assert [o.author for o in mine] == [MODEL, MODEL]
    assert [o.derived_from for o in mine] == [o.id for o in prediction]
    assert {o.status for o in mine} == {Status.APPROVED} and mine.objects[0].score == 0.9
    assert np.array_equal(mine.of(Mask, "heart")[0].array(), prediction.of(Mask, "heart")[0].array())
    assert project.image(uid).status is ImageStatus.APPROVED
    assert project.prediction(uid) == prediction
    assert not open_prediction(project, uid).objects
    assert project.audit_trail()[-1][1:3] == (ANNA.key, "accept")


def test_accepting_twice_changes_nothing(project, uid):
    predict(project, uid, disc("heart", MODEL))
    Review(project, ANNA).accept(uid)
    revisions = project.revisions(uid)
    Review(project, ANNA).accept(uid)
    assert project.revisions(uid) == revisions


def test_what_the_person_drew_is_never_replaced(project, uid):
    own = disc("heart", ANNA, radius=5)
    project.save(Findings(uid, SHAPE, ANNA, (own,)))
    nodule = Box(label="nodule", author=MODEL, x0=1.0, y0=1.0, x1=9.0, y1=9.0)
    predict(project, uid, disc("heart", MODEL), nodule)
    accepted = Review(project, ANNA).accept(uid)
    assert accepted.taken == ("Nodule",) and accepted.kept == ("Heart",)
    assert "kept for Heart" in accepted.text()
    assert project.findings(uid, ANNA.key).of(Mask, "heart") == [own]


def test_a_newer_prediction_takes_the_place_of_an_accepted_one(project, uid):
    predict(project, uid, disc("heart", MODEL))
    Review(project, ANNA).accept(uid)
    newer = Author.model("chest", "2" * 64)
    better = predict(project, uid, disc("heart", newer, radius=9), model=newer)
    Review(project, ANNA).accept(uid)
    (heart,) = project.findings(uid, ANNA.key)
    assert heart.author == newer and heart.derived_from == better.objects[0].id


def test_rejecting_marks_the_prediction_and_the_person_who_did_it(project, uid):
    predict(project, uid, disc("heart", MODEL), disc("left_lung", MODEL))
    Review(project, ANNA).reject(uid)
    assert {o.status for o in project.prediction(uid)} == {Status.REJECTED}
    assert project.revisions(uid)[-1].saved_by == ANNA.key
    assert project.image(uid).status is ImageStatus.REJECTED
    assert not open_prediction(project, uid).objects and project.reference(uid) is None


def test_a_person_may_think_again(project, uid):
    predict(project, uid, disc("heart", MODEL))
    review = Review(project, ANNA)
    review.accept(uid)
    review.reject(uid)
    assert project.reference(uid) is None
    assert project.image(uid).status is ImageStatus.REJECTED
    review.accept(uid)
    assert [o.status for o in project.reference(uid)] == [Status.APPROVED]
    assert project.image(uid).status is ImageStatus.APPROVED


def test_there_must_be_something_to_review(project, uid):
    with pytest.raises(ReviewError, match="predict first"):
        Review(project, ANNA).accept(uid)
    predict(project, uid)
    with pytest.raises(ReviewError, match="chest found nothing"):
        Review(project, ANNA).reject(uid)
    with pytest.raises(ReviewError, match="only people review"):
        Review(project, MODEL)


def test_what_was_imported_of_other_labels_counts_on_after_an_acceptance(project, uid):
    origin = Author.imported("truth")
    nodule = Box(label="nodule", author=origin, x0=1, y0=1, x1=4, y1=5, status=Status.APPROVED)
    imported = Findings(uid, SHAPE, origin, (disc("heart", origin, 9.0, status=Status.APPROVED), nodule))
    project.save(imported)
    predict(project, uid, disc("heart", MODEL))
    Review(project, ANNA).accept(uid)
    counts = project.reference(uid)
    assert counts.author == ANNA and nodule in counts.objects
    assert [o.author for o in counts.of(Mask, "heart")] == [MODEL]
    Review(project, ANNA).reject(uid)
    assert project.reference(uid) == imported


def test_what_is_not_drawn_is_told_with_how_sure_the_model_is(project, uid):
    def point(label: str, radius: str, **state) -> Landmark:
        return Landmark(label=label, author=MODEL, x=9.0, y=8.0, attributes=(("uncertainty_px", radius),), **state)

    points = point("porion", "3.6"), point("orbitale", "12.4"), point("nasion", "9.0", outside=True, visible=False)
    bare = Landmark(label="sella", author=MODEL, x=4.0, y=5.0)
    predict(project, uid, ImageLabel(label="view", author=MODEL, value="PA", score=0.93), *points, bare)
    assert predicted_answers(project, uid) == "View: PA (0.93); Unsure of landmarks, in px: orbitale 12.4, porion 3.6"
    project.calibrations.add(uid, (0.0, 0.0), (40.0, 0.0), 10.0, "ruler", ANNA.key)
    assert predicted_answers(project, uid).endswith("in mm (calibrated): orbitale 3.1, porion 0.9")
