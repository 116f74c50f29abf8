"""Assignments: n readers per image, balanced, the same for the same seed, and what is assigned stays."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from sheet import pictures
from study_cases import ANNA, draw, files_of_patients, nodule, study, uids_of
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.rounds import Round
from XRayAILib.project.sharing import Group, share_out

NAMES = ["anna", "ben", "cora"]
PILOT = Round("Pilot", per_image=2, seed=1)


@pytest.fixture
def project(tmp_path):
    with study(tmp_path, images=12) as project:
        yield project


def readers_of(project: Project) -> dict[str, set[str]]:
    return {uid: {one.reader for one in project.assignments.of_image(uid)} for uid in uids_of(project)}


def lists(project: Project) -> dict[str, list[str]]:
    return {name: [one.uid for one in project.assignments.of_reader(name)] for name in NAMES}


def test_every_image_has_so_many_readers_and_every_reader_as_many_images(project):
    done = project.assignments.assign(PILOT, NAMES, uids_of(project), by="lead")
    assert done.images == done.total == {"anna": 8, "ben": 8, "cora": 8} and not done.short
    assert {len(names) for names in readers_of(project).values()} == {2}
    assert [one.position for one in project.assignments.of_reader("ben")] == list(range(1, 9))
    # Everybody reads in an order of their own.
    shared = [uid for uid in lists(project)["anna"] if uid in lists(project)["ben"]]
    assert shared and shared != [uid for uid in lists(project)["ben"] if uid in lists(project)["anna"]]
    assert project.audit_trail()[-1][1:3] == ("lead", "assign")


def test_the_same_seed_gives_the_same_assignment(tmp_path):
    found = []
    for place, names, seed in (("a", NAMES, 1), ("b", NAMES[::-1], 1), ("c", NAMES, 2)):
        (tmp_path / place).mkdir()
        with study(tmp_path / place, images=12) as project:
            project.assignments.assign(replace(PILOT, seed=seed), names, reversed(uids_of(project)))
            found.append(lists(project))
    assert found[0] == found[1] != found[2]


def test_who_and_what_comes_later_changes_nothing_of_what_was_assigned(project, tmp_path):
    project.assignments.assign(PILOT, ["anna", "ben"], uids_of(project))
    before = lists(project)
    assert project.assignments.assign(PILOT, NAMES, uids_of(project)).images == {"anna": 0, "ben": 0, "cora": 0}
    take_in(project, [pictures(tmp_path / "more", 20)])
    fresh = [uid for uid in uids_of(project) if uid not in before["anna"]]
    done = project.assignments.assign(PILOT, NAMES, uids_of(project))
    after = lists(project)
    project.assignments.assign(PILOT, ["cora"], uids_of(project))  # there are enough in this round
    assert all(after[name][: len(before[name])] == before[name] for name in NAMES)
    # Cora, who has none, gets one of every pair of the new ones until she has caught up.
    assert done.images["cora"] == len(fresh) and sum(done.images.values()) == 2 * len(fresh)
    assert {len(names) for names in readers_of(project).values()} == {2}


def test_images_of_a_patient_can_go_to_the_same_readers(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [files_of_patients(tmp_path / "files", {"P1": 5, "P2": 3, "P3": 2, "P4": 2})])
        for name in NAMES:
            project.readers.add(name)
        project.assignments.assign(Round("Pilot", seed=3, together=True), NAMES, uids_of(project))
        of_patient: dict[str, set[str]] = {}
        for image in project.images():
            of_patient.setdefault(image.header.patient_id, set()).update(readers_of(project)[image.uid])
        assert all(len(names) == 1 for names in of_patient.values()) and len(of_patient) == 4
        loads = Counter(one.reader for uid in uids_of(project) for one in project.assignments.of_image(uid))
        assert sorted(loads.values()) == [3, 4, 5]
        # One more image of a patient goes where the others are, whoever has the least to do.
        take_in(project, [files_of_patients(tmp_path / "later", {"P1": 1})])
        project.assignments.assign(Round("Pilot", seed=3, together=True), NAMES, uids_of(project))
        first = [image.uid for image in project.images() if image.header.patient_id == "P1"]
        assert len({name for uid in first for name in readers_of(project)[uid]}) == 1 and len(first) == 6


def test_a_second_round_gives_nobody_the_same_image_again(project):
    project.assignments.assign(PILOT, NAMES, uids_of(project))
    before = readers_of(project)
    done = project.assignments.assign(Round("Main", per_image=2), NAMES, uids_of(project))
    assert sum(done.images.values()) == 12 and set(done.short.values()) == {1}
    assert all(len(names) == 3 > len(before[uid]) for uid, names in readers_of(project).items())


def test_what_somebody_leaves_undone_is_given_to_others(project):
    project.assignments.assign(replace(PILOT, per_image=1), ["anna", "ben"], uids_of(project))
    done, *left = lists(project)["anna"]
    draw(project, done, ANNA, nodule(ANNA))
    project.reviews.submit(done, ANNA)
    project.readers.remove("anna")
    project.assignments.assign(replace(PILOT, per_image=1), ["ben", "cora"], uids_of(project))
    assert readers_of(project)[done] == {"anna"}
    assert all(len(readers_of(project)[uid] - {"anna"}) == 1 for uid in left)
    with pytest.raises(ProjectError, match="'anna' has not the role reader, or no longer takes part"):
        project.assignments.assign(PILOT, ["anna", "ben"], uids_of(project))


def test_controls_go_to_everybody_and_stand_anywhere(project):
    uids = sorted(uids_of(project))
    hidden = set(uids[:3])
    project.assignments.assign(PILOT, NAMES, uids, controls=hidden)
    assert all(hidden < set(found) and len(found) == 9 for found in lists(project).values())
    places = [one.position for name in NAMES for one in project.assignments.of_reader(name) if one.uid in hidden]
    assert len(set(places)) > 3


def test_conditions_of_a_round_stay_as_they_are(project):
    project.assignments.assign(PILOT, NAMES, uids_of(project)[:2])
    with pytest.raises(ProjectError, match="began with per image 2, not 3"):
        project.assignments.assign(replace(PILOT, per_image=3), NAMES, uids_of(project))
    with pytest.raises(ProjectError, match="began with prelabels off, not on"):
        project.assignments.assign(replace(PILOT, prelabels=True), NAMES, uids_of(project))
    project.rounds.close("Pilot", by="lead")
    with pytest.raises(ProjectError, match="'Pilot' is closed"):
        project.assignments.assign(PILOT, NAMES, uids_of(project))
    project.rounds.open_again("Pilot")
    project.assignments.assign(PILOT, NAMES, uids_of(project))
    with pytest.raises(ProjectError, match=r"no round 'Pilo' \(there are: Pilot\)"):
        project.rounds.close("Pilo")


def test_what_cannot_be_assigned_is_said_and_nothing_is_stored(project):
    for wanted, names, uids, message in (
        (PILOT, ["anna"], [], "2 readers per image need as many readers; there is only 1: anna"),
        (PILOT, ["anna", "dan"], [], "'dan' is no reader of this project"),
        (PILOT, ["anna", "ruth"], [], "'ruth' has not the role reader"),
        (PILOT, NAMES, ["1.2.3"], "1.2.3 is no image of this project"),
    ):
        with pytest.raises(ProjectError, match=message):
            project.assignments.assign(wanted, names, uids or uids_of(project))
    with pytest.raises(ProjectError, match="0 readers per image"):
        Round("Pilot", per_image=0)
    assert project.rounds.all() == [] and set(map(len, readers_of(project).values())) == {0}


def test_large_groups_come_first_so_that_all_have_about_the_same_to_do():
    groups = [Group(tuple(f"{n}.{m}" for m in range(n))) for n in range(1, 15)]
    found = share_out(groups, NAMES, 1, {}, random.Random(0))
    loads = Counter()
    for group, (name,) in found.items():
        loads[name] += len(group.members)
    assert max(loads.values()) - min(loads.values()) <= 2 and sum(loads.values()) == 105


def test_who_is_barred_gets_nothing_even_where_somebody_is_missing():
    group = Group(("1",), readers=frozenset(["anna"]), barred=frozenset(["anna", "ben"]))
    assert share_out([group], NAMES, 3, {}, random.Random(0)) == {group: ("cora",)}
