"""Patients are dealt to training, validation and test."""

from collections import Counter

import pytest

from learning_cases import make_project, tiny
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import gather
from XRayAILib.learning.splits import deal, reset, split


def everyone(count: int, labels: str = "a") -> dict[str, frozenset[str]]:
    return {f"p{number:03d}": frozenset(labels) for number in range(count)}


@pytest.mark.parametrize("count", [3, 4, 7, 20, 101])
def test_seventy_fifteen_fifteen(count):
    counts = Counter(deal(everyone(count), seed=1).values())
    assert all(counts[part] for part in ("train", "validation", "test"))
    assert counts["train"] == max(counts.values())
    if count > 10:
        assert abs(counts["train"] - 0.7 * count) <= 1 and abs(counts["test"] - 0.15 * count) <= 1


def test_the_seed_decides():
    assert deal(everyone(40), seed=1) == deal(everyone(40), seed=1)
    assert deal(everyone(40), seed=1) != deal(everyone(40), seed=2)


def test_a_rare_label_is_spread_like_a_common_one():
    patients = everyone(90) | {f"r{number}": frozenset("ab") for number in range(10)}
    parts = deal(patients, seed=3)
    rare = Counter(part for patient, part in parts.items() if patient.startswith("r"))
    assert rare["train"] in (6, 7, 8) and rare["validation"] in (1, 2) and rare["test"] in (1, 2)


def test_what_was_assigned_stays_when_patients_are_added():
    first = deal(everyone(20), seed=1)
    second = deal(everyone(40), seed=9, fixed=first)
    assert all(second[patient] == part for patient, part in first.items())
    assert abs(Counter(second.values())["test"] - 6) <= 1


@pytest.mark.parametrize(("count", "words"), [(1, "one patient only"), (2, "only 2 patients")])
def test_too_few_patients_are_refused(count, words):
    with pytest.raises(TrainingError, match=words):
        deal(everyone(count), seed=0)


def test_all_images_of_a_patient_lie_on_one_side(tmp_path):
    with make_project(tmp_path, patients=8, images_each=2) as project:
        labels, examples = gather(project, tiny())
        done = split(project, examples, labels, seed=0)
        sides = {e.patient: {o.part for o in done if o.patient == e.patient} for e in done}
        assert all(len(parts) == 1 for parts in sides.values())
        assert {i.uid: i.split for i in project.images()} == {e.uid: e.part for e in done}


def test_a_patient_on_two_sides_is_refused(tmp_path):
    with make_project(tmp_path, patients=4, images_each=2) as project:
        uids = [image.uid for image in project.images()]
        patient = project.header(uids[0]).patient_id
        other = next(u for u in uids[1:] if project.header(u).patient_id == patient)
        project.assign_split({uids[0]: "train", other: "test"})
        labels, examples = gather(project, tiny())
        with pytest.raises(TrainingError, match=f"'{patient}' has images in the parts"):
            split(project, examples, labels, seed=0)


def test_a_split_that_was_reset_is_dealt_anew(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        labels, examples = gather(project, tiny())
        split(project, examples, labels, seed=0)
        reset(project)
        assert not any(image.split for image in project.images())
        _, again = gather(project, tiny())
        assert {e.part for e in split(project, again, labels, seed=5)} == {"train", "validation", "test"}


def test_a_label_in_the_test_part_only_is_refused(tmp_path):
    with make_project(tmp_path, patients=6, labels=("right_lung",)) as project:
        uids = [image.uid for image in project.images()]
        reference = project.reference(uids[0])
        heart = reference.objects[0].derived(reference.author, label="heart")
        project.save(reference.with_objects([heart]))
        project.assign_split({uids[0]: "test"})
        labels, examples = gather(project, tiny())
        with pytest.raises(TrainingError, match="'heart' occurs only in the test part"):
            split(project, examples, labels, seed=0)


def test_nothing_to_learn_from_is_said_before_anything_starts(tmp_path):
    with make_project(tmp_path, patients=3, labels=()) as project:
        with pytest.raises(TrainingError, match="There is nothing to learn from"):
            gather(project, tiny())
        with pytest.raises(TrainingError, match="'lung' is not in the project's schema"):
            gather(project, tiny(labels=["lung"]))
        with pytest.raises(TrainingError, match="'nodule' is drawn as box"):
            gather(project, tiny(labels=["nodule"]))


def test_a_label_that_nobody_drew_is_said(tmp_path):
    with (
        make_project(tmp_path, patients=3, labels=("heart",)) as project,
        pytest.raises(TrainingError, match="No image has the label left_lung"),
    ):
        gather(project, tiny(labels=["heart", "left_lung"]))


def test_an_excluded_image_teaches_nothing(tmp_path):
    with make_project(tmp_path, patients=4) as project:
        first = project.images()[0].uid
        project.exclude(first, "blurred")
        assert first not in {e.uid for e in gather(project, tiny())[1]}
