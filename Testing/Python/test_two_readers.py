"""Two programs save the same image at once: nothing is lost, and who comes second on one track is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sheet import Sheet, pictures
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.merge import merge
from XRayAILib.findings.objects import Box, Mask
from XRayAILib.project.errors import ConflictError
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationError, AnnotationSession, Choice, SaveState

HERE = Path(__file__).parent
ANNA = Author.person("anna")
BOXES = 12


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 2)])
        yield project


def programs(project: Project, *readers: str) -> list[list[str]]:
    """Programs of these readers that draw and save at the same time; gives what each said."""
    path = os.pathsep.join([str(HERE.parents[1] / "XRayAI"), str(HERE)])
    started = [
        subprocess.Popen(
            [sys.executable, str(HERE / "save_at_once.py"), str(project.folder), reader, str(BOXES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        for reader in readers
    ]
    for program in started:
        assert program.stdout.readline() == "ready\n"
    for program in started:
        program.stdin.write("go\n")
        program.stdin.flush()
    said = [program.communicate()[0].splitlines() for program in started]
    assert [program.returncode for program in started] == [0] * len(started)
    return said


def nodule(**values) -> Box:
    return Box(**{"label": "nodule", "author": ANNA, "x0": 3.0, "y0": 4.0, "x1": 13.5, "y1": 9.0} | values)


def session_of(project: Project) -> tuple[AnnotationSession, Sheet]:
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open(session.cases[0])
    return session, sheet


@pytest.fixture
def conflict(project):
    """Anna drew here, and the same image was saved as hers by another program: (session, sheet, mine, theirs)."""
    session, sheet = session_of(project)
    shared = nodule()
    sheet.draw(shared)
    session.save()
    with Project.open(project.folder) as elsewhere:
        other, there = session_of(elsewhere)
        theirs = nodule(x0=1.0)
        there.draw(theirs, shared.changed(x1=20.0))
        other.save()
    mine = nodule(x0=2.0)
    sheet.draw(mine)
    with pytest.raises(AnnotationError, match=r"Another program saved this image for anna at \d\d:\d\d.*both versions"):
        session.next()
    return session, sheet, mine, theirs


def test_two_readers_have_two_tracks_and_disturb_nobody(project):
    uid = project.images()[0].uid
    for reader, said in zip(("anna", "ben"), programs(project, "anna", "ben"), strict=True):
        track = project.findings(uid, Author.person(reader).key)
        assert said[-1] == "told 0"
        assert [box.id for box in track] == said[:-1] and len(track) == BOXES
    assert len(project.revisions(uid)) == 2 * BOXES


def test_one_reader_in_two_programs_loses_nothing(project):
    uid = project.images()[0].uid
    one, other = programs(project, "anna", "anna")
    track = project.findings(uid, ANNA.key)
    assert {box.id for box in track} == {*one[:-1], *other[:-1]} and len(track) == 2 * BOXES
    # At least one of them began with an image on which there was nothing, and was told.
    assert int(one[-1].split()[1]) + int(other[-1].split()[1]) > 0


def test_a_save_on_top_of_what_one_has_not_seen_is_refused(project):
    uid = project.images()[0].uid
    first = Findings(uid, (40, 50), ANNA, (nodule(),))
    base = project.save(first, base=0)
    changed = first.with_objects([nodule(x0=1.0)])
    assert project.save(changed, base=base) > base
    with pytest.raises(ConflictError):
        project.save(first.with_objects([nodule(x0=2.0)]), base=base)
    # Who saves the very same is in nobody's way.
    assert project.save(changed, base=base) == project.latest(uid, ANNA.key)[1]


def test_until_one_has_chosen_both_are_kept_and_the_image_stays(project, conflict):
    session, sheet, mine, theirs = conflict
    uid = session.uid
    assert session.state is SaveState.CONFLICT and session.index == 0
    others = {box.id for box in sheet.drawn()} - {mine.id}
    assert {box.id for box in project.findings(uid, ANNA.key)} == {theirs.id, *others}
    assert mine in project.set_aside.waiting(uid, ANNA.key).findings.objects
    # What is drawn from now on is safe too, although it cannot be saved as usual.
    later = nodule(x0=0.5)
    sheet.draw(later)
    session.changed(10.0)
    session.tick(12.0)
    assert later in project.set_aside.waiting(uid, ANNA.key).findings.objects
    # The panel is closed, or the program crashes: who opens the image again is asked again.
    session.close()
    again, seen = session_of(project)
    assert again.conflict is not None and later in seen.drawn().objects
    again.resolve(Choice.THEIRS)
    assert again.conflict is None and theirs in seen.drawn().objects and later not in seen.drawn().objects
    (kept,) = [one for one in project.set_aside.of(uid) if later in one.findings.objects]
    assert kept.outcome == "theirs"


def test_mine(project, conflict):
    session, _sheet, mine, theirs = conflict
    session.resolve(Choice.MINE)
    saved = project.findings(session.uid, ANNA.key)
    assert mine in saved.objects and theirs not in saved.objects and saved == session.findings
    assert theirs in project.findings_at(session.uid, ANNA.key, project.revisions(session.uid)[-2].id).objects
    assert session.next()


def test_put_together_object_by_object(project, conflict):
    session, sheet, mine, theirs = conflict
    session.resolve(Choice.MERGE)
    boxes = project.findings(session.uid, ANNA.key).of(Box)
    assert {mine.id, theirs.id} <= {box.id for box in boxes} and len(boxes) == 3
    assert [box.x1 for box in boxes if box.id not in (mine.id, theirs.id)] == [20.0]
    assert sheet.drawn().of(Box) == boxes and project.revisions(session.uid)[-1].note.startswith("merge")


def test_what_both_changed_stays_twice_and_a_change_counts_more_than_a_removal():
    same, moved, gone = nodule(), nodule(), nodule()
    uid, shape = "1.2.3", (40, 50)
    pixels = np.eye(40, 50, dtype=bool)
    mask = Mask.from_array(pixels, label="heart", author=ANNA)
    base = Findings(uid, shape, ANNA, (same, moved, gone, mask))
    here = Findings(uid, shape, ANNA, (same, moved.changed(x1=15.0), mask))
    there = Findings(uid, shape, ANNA, (same, moved.changed(x1=16.0), gone.changed(x1=17.0), mask.with_array(~pixels)))
    merged = merge(base, here, there)
    assert {box.x1 for box in merged.of(Box)} == {same.x1, 15.0, 16.0, 17.0} and len(merged) == 5
    (twin,) = [box for box in merged.of(Box) if box.derived_from]
    assert (twin.x1, twin.derived_from) == (16.0, moved.id)
    assert np.array_equal(merged.of(Mask)[0].array(), ~pixels)
    assert merge(base, base, base) == base
