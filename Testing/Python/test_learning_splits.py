"""Patients are dealt to training, validation and test."""

from collections import Counter
from dataclasses import replace

import pytest

from learning_cases import make_project, tiny
from XRayAILib.learning.dealing import stratified
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import gather
from XRayAILib.learning.splits import deal, kept_apart, part_of, plan_split, reset, split
from XRayAILib.project.pinned import PinnedProject

THREE = {"train", "validation", "test"}


def parts_now(project):
    return {image.uid: image.split for image in project.images()}


def dealt(project, **changes):
    """The split of a training with these settings."""
    config = tiny(**changes)
    return split(project, gather(project, config)[1], config)


def as_copies(project, *uids):
    """Say of images that they have the same pixels, as a pass over the pixels would."""
    project.duplicates._store(dict.fromkeys(uids, "same"))


def with_headers(project, change):
    """Change the headers of all images, as another scan would."""
    project.add([change(image.header) for image in project.images()])


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


def test_every_label_of_many_is_spread_evenly():
    """As findings of the chest are: fourteen labels, the rarest in a few patients, in hundreds of combinations."""
    import numpy as np

    generator = np.random.default_rng(0)
    frequent = 0.3 * 0.8 ** np.arange(14)
    patients = {f"p{n:03d}": {f"l{i}" for i in np.flatnonzero(generator.random(14) < frequent)} for n in range(400)}
    parts = deal(patients, seed=0)
    for label in {label for labels in patients.values() for label in labels}:
        counts = Counter(parts[p] for p, labels in patients.items() if label in labels)
        for part, share in (("train", 0.7), ("validation", 0.15), ("test", 0.15)):
            assert abs(counts[part] - share * sum(counts.values())) < 2.5


def test_folds_are_of_one_size_and_spread_labels():
    patients = everyone(40) | {f"r{number}": frozenset("b") for number in range(10)}
    folds = stratified(patients, dict.fromkeys(range(5), 0.2), seed=0)
    assert set(Counter(folds.values()).values()) == {10}
    assert set(Counter(fold for patient, fold in folds.items() if patient.startswith("r")).values()) == {2}


def test_all_images_of_a_patient_lie_on_one_side(tmp_path):
    with make_project(tmp_path, patients=8, images_each=2) as project:
        done = dealt(project).examples
        sides = {e.patient: {o.part for o in done if o.patient == e.patient} for e in done}
        assert all(len(parts) == 1 for parts in sides.values())
        assert parts_now(project) == {e.uid: e.part for e in done}
        assert any(action == "split" for _, _, action, _ in project.audit_trail())


def test_a_training_with_fewer_labels_takes_no_part_away(tmp_path):
    """Else what was tested on could be learnt from next time."""
    with make_project(tmp_path, patients=8) as project:
        dealt(project)
        before = parts_now(project)
        learnt = next(uid for uid, part in before.items() if part == "train")
        reference = project.reference(learnt)
        project.save(reference.without(o.id for o in reference if o.label == "heart"))
        assert len(dealt(project, labels=["heart"], seed=3).examples) == 7
        assert parts_now(project) == before


def test_a_later_image_goes_where_its_patient_is(tmp_path):
    with make_project(tmp_path, patients=8, images_each=2) as project:
        late = [image.uid for image in project.images()][::2]
        for uid in late:
            project.exclude(uid, "not yet")
        first = {e.patient: e.part for e in dealt(project).examples}
        for uid in late:
            project.include(uid)
        assert {e.patient: e.part for e in dealt(project, seed=9).examples} == first


def test_a_patient_on_two_sides_is_refused(tmp_path):
    with make_project(tmp_path, patients=4, images_each=2) as project:
        uids = [image.uid for image in project.images()]
        patient = project.header(uids[0]).patient_id
        other = next(u for u in uids[1:] if project.header(u).patient_id == patient)
        project.assign_split({uids[0]: "train", other: "test"})
        with pytest.raises(TrainingError, match=f"'{patient}' has images in the parts test and train"):
            dealt(project)


def test_copies_lie_on_one_side_whatever_their_patient_ids_say(tmp_path):
    with make_project(tmp_path, patients=8) as project:
        uids = [image.uid for image in project.images()]
        project.duplicates._store({uids[0]: "a", uids[5]: "a", uids[1]: "b", uids[6]: "b"})
        for seed in range(4):
            reset(project)
            part = {e.uid: e.part for e in dealt(project, seed=seed).examples}
            assert part[uids[0]] == part[uids[5]] and part[uids[1]] == part[uids[6]]


def test_one_person_under_two_ids_lies_on_one_side(tmp_path):
    with make_project(tmp_path, patients=8) as project:
        with_headers(
            project,
            lambda header: (
                replace(header, patient_name="Doe^Jane", patient_birth_date="1950-01-31")
                if header.patient_id in ("patient-02", "patient-05")
                else header
            ),
        )
        done = dealt(project).examples
        assert len({e.patient for e in done}) == 7


def test_a_copy_that_is_found_later_is_not_learnt_from(tmp_path):
    """What was tested on stays in the test part; its copy in the training part is left out."""
    with make_project(tmp_path, patients=8) as project:
        before = {e.uid: e.part for e in dealt(project).examples}
        tested = next(uid for uid, part in before.items() if part == "test")
        learnt = next(uid for uid, part in before.items() if part == "train")
        as_copies(project, tested, learnt)
        again = dealt(project)
        assert {e.uid: e.part for e in again.examples} == {u: p for u, p in before.items() if u != learnt}
        assert again.left_out == ((learnt, "a copy of it is in the test part, so it cannot be in the train part"),)
        assert parts_now(project) == before


def test_copies_that_only_the_pixels_tell_are_not_learnt_from(tmp_path):
    with make_project(tmp_path, patients=14) as project:
        done = dealt(project).examples
        tested, chosen, learnt = (part_of(done, part)[0].uid for part in ("test", "validation", "train"))
        prints = {e.uid: e.uid for e in done} | dict.fromkeys((tested, chosen, learnt), "the same")
        kept, left_out = kept_apart(done, prints)
        assert {e.uid for e in done} - {e.uid for e in kept} == {chosen, learnt} == {uid for uid, _ in left_out}
        assert "test part" in left_out[0][1]
        with pytest.raises(TrainingError, match="All images of the train part"):
            kept_apart(done, dict.fromkeys(prints, "the same"))


def test_a_split_that_was_reset_is_dealt_anew(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        dealt(project)
        assert reset(project, who="anna") == 6
        assert not any(parts_now(project).values())
        assert {e.part for e in dealt(project, seed=5).examples} == THREE
        assert ("anna", "reset split", "6 images have no part any more") in [e[1:] for e in project.audit_trail()]


def test_folds_share_one_dealing(tmp_path):
    with make_project(tmp_path, patients=9, images_each=2) as project:
        tests = []
        for fold in range(3):
            done = dealt(project, folds=3, fold=fold, seed=fold).examples
            assert {e.part for e in done} == THREE and len(done) == 18
            tests.append({e.patient for e in part_of(done, "test")})
            validation = {e.patient for e in part_of(done, "validation")}
        assert len(set.union(*tests)) == 9 and sum(map(len, tests)) == 9
        # The last one is chosen by the first fold, and none of it touches the parts.
        assert validation == tests[0] and not any(parts_now(project).values())
        assert project.parts.fold_counts() == [3]


def test_later_patients_join_the_folds_and_move_nobody(tmp_path):
    with make_project(tmp_path, patients=9) as project:
        late = [image.uid for image in project.images()][:3]
        for uid in late:
            project.exclude(uid, "not yet")
        dealt(project, folds=3)
        first = project.parts.folds(3)
        for uid in late:
            project.include(uid)
        dealt(project, folds=3, seed=4)
        assert {patient: fold for patient, fold in project.parts.folds(3).items() if patient in first} == first
        assert Counter(project.parts.folds(3).values()) == {0: 3, 1: 3, 2: 3}
        assert reset(project, folds=3) == 9 and not project.parts.folds(3)


def test_more_folds_than_patients_are_refused(tmp_path):
    with (
        make_project(tmp_path, patients=4) as project,
        pytest.raises(TrainingError, match="only 4 patients with"),
    ):
        dealt(project, folds=5)


def test_images_of_another_device_are_a_test_part_of_their_own(tmp_path):
    with make_project(tmp_path, patients=8, images_each=2) as project:
        with_headers(
            project,
            lambda header: replace(header, manufacturer="Acme Corp" if header.patient_id > "patient-04" else "Other"),
        )
        done = dealt(project, outside={"manufacturer": ["acme*"]})
        assert {project.header(e.uid).manufacturer for e in part_of(done.examples, "outside")} == {"Acme Corp"}
        assert len(part_of(done.examples, "outside")) == 6 and {e.part for e in done.examples} == {*THREE, "outside"}
        # They are not dealt: another training may learn from them.
        assert sum(not part for part in parts_now(project).values()) == 6


def test_a_patient_who_was_elsewhere_too_is_not_learnt_from(tmp_path):
    with make_project(tmp_path, patients=6, images_each=2) as project:
        first = project.images()[0]
        with_headers(project, lambda header: replace(header, station="B" if header.uid == first.uid else "A"))
        done = dealt(project, outside={"station": ["B"]})
        assert [e.uid for e in part_of(done.examples, "outside")] == [first.uid]
        ((uid, reason),) = done.left_out
        assert project.header(uid).patient_id == first.header.patient_id and "outside" in reason


@pytest.mark.parametrize(
    ("outside", "words"),
    [
        ({"folder": ["pictures"], "view": ["not given"]}, "There is no patient"),
        ({"view": ["PA"]}, "no labelled image has view = PA"),
    ],
)
def test_outside_needs_images_and_leaves_some(tmp_path, outside, words):
    with make_project(tmp_path, patients=4) as project, pytest.raises(TrainingError, match=words):
        dealt(project, outside=outside)


def test_an_answer_can_say_where_an_image_is_from(tmp_path):
    from XRayAILib.findings.objects import ImageLabel
    from XRayAILib.findings.schema import Label, LabelSchema, Tool

    with make_project(tmp_path, patients=6) as project:
        ward = Label("ward", "Ward", Tool.IMAGE, "#336699", options=("A", "B"))
        project.set_schema(LabelSchema(project.schema.name, (*project.schema, ward)))
        for number, image in enumerate(project.images()):
            reference = project.reference(image.uid)
            said = ImageLabel(label="ward", author=reference.author, value="B" if number < 2 else "A")
            project.save(reference.with_objects([said]))
        done = dealt(project, outside={"ward": ["B"]}, labels=["heart"])
        assert {e.uid for e in part_of(done.examples, "outside")} == {i.uid for i in project.images()[:2]}


def test_nobody_is_dealt_by_only_looking(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        config = tiny()
        plan = plan_split(project, gather(project, config)[1], config)
        assert {e.part for e in plan.examples} == THREE and not any(parts_now(project).values())


def test_two_who_deal_at_once_agree(tmp_path):
    """Somebody else stores parts between looking and storing: it is dealt again around them."""
    with make_project(tmp_path, patients=6) as project:
        config = tiny()
        _, examples = gather(project, config)
        other = plan_split(project, examples, tiny(seed=7))
        store = project.parts.add

        def late(*given):
            project.parts.add = store
            store(other.fresh, "somebody", "first")
            return store(*given)

        project.parts.add = late
        assert {e.uid: e.part for e in split(project, examples, config).examples} == other.fresh


def test_a_snapshot_from_before_the_split_learns_nothing_that_is_tested_since(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        early = project.snapshots.create()
        now = {e.uid: e.part for e in dealt(project).examples}
    with PinnedProject.at(project.folder, early.digest) as pinned:
        assert {e.uid: e.part for e in dealt(pinned, seed=8).examples} == now


def test_a_label_in_the_test_part_only_is_refused(tmp_path):
    with make_project(tmp_path, patients=6, labels=("right_lung",)) as project:
        uids = [image.uid for image in project.images()]
        reference = project.reference(uids[0])
        heart = reference.objects[0].derived(reference.author, label="heart")
        project.save(reference.with_objects([heart]))
        project.assign_split({uids[0]: "test"})
        with pytest.raises(TrainingError, match="'heart' occurs only in the test part"):
            dealt(project)


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
