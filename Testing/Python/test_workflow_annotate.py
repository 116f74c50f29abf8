"""A reader works through a collection: what is drawn is saved before the image changes, and 2 s after a change."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from sheet import Sheet, pictures
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationError, AnnotationSession, SaveState, Start
from XRayAILib.workflow.autosave import PAUSE, RETRY

ANNA = Author.person("anna")
MODEL = Author.model("lungs", "0" * 64)


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 3)])
        yield project


@contextmanager
def full_disk(project):
    """The database may not grow: SQLite says then what it says on a full disk."""

    def limit(pages):
        raw = project._database.engine.raw_connection()
        raw.execute(f"PRAGMA max_page_count = {pages}")
        raw.close()

    limit(1)
    yield
    limit(1073741823)


def nodule(**values) -> Box:
    return Box(**{"label": "nodule", "author": ANNA, "x0": 3.0, "y0": 4.0, "x1": 13.5, "y1": 9.0} | values)


def test_what_is_drawn_is_saved_before_the_next_image_is_shown(project):
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    first = session.image.uid
    sheet.draw(nodule())
    assert session.next()
    assert session.index == 1 and sheet.findings.objects == ()
    assert project.findings(first, ANNA.key).of(Box)[0].x1 == 13.5
    assert session.previous()
    assert session.image.uid == first and sheet.findings.of(Box, "nodule")
    assert not session.has_previous and not session.previous()


def test_passing_by_says_nothing(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open()
    while session.next():
        pass
    assert session.index == session.count - 1 == 2
    assert [project.tracks(image.uid) for image in project.images()] == [[], [], []]


def test_a_change_is_saved_after_a_pause_and_at_most_two_seconds_later(project):
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    uid = session.image.uid
    sheet.draw(nodule())
    session.changed(100.0)
    assert session.state is SaveState.UNSAVED
    session.tick(100.0 + PAUSE / 2)
    assert project.findings(uid, ANNA.key) is None
    session.tick(100.0 + PAUSE)
    assert session.state is SaveState.SAVED and len(project.findings(uid, ANNA.key)) == 1

    # Somebody who never rests is saved too.
    box = nodule()
    sheet.draw(box)
    for now in np.arange(200.0, 202.0, 0.25):
        sheet.draw(box := box.changed(x1=box.x1 + 1))
        session.changed(float(now))
        session.tick(float(now))
    assert len(project.findings(uid, ANNA.key)) == 2


def test_the_prediction_as_pre_label_becomes_the_readers_when_she_says_so(project):
    uid = project.images()[0].uid
    mask = Mask.from_array(np.eye(40, 50), label="heart", author=MODEL, score=0.7)
    wrong = nodule(author=MODEL, score=0.1, status=Status.REJECTED)
    project.save(Findings(uid, (40, 50), MODEL, (mask, wrong)))
    session = AnnotationSession(project, ANNA, Sheet(), start=Start.PREDICTION)
    session.open(uid)
    (copy,) = session.findings
    assert (copy.derived_from, copy.author, copy.score, copy.status) == (mask.id, ANNA, None, Status.DRAFT)
    assert np.array_equal(copy.array(), mask.array())
    session.next()
    session.previous()
    assert project.findings(uid, ANNA.key) is None
    session.save()
    assert project.findings(uid, ANNA.key).of(Mask)[0].derived_from == mask.id
    assert project.prediction(uid).objects == (mask, wrong)


def test_the_reference_as_a_start_and_the_own_track_before_it(project):
    uid = project.images()[0].uid
    imported = Author.imported("masks")
    project.save(Findings(uid, (40, 50), imported, (Landmark(label="carina", author=imported, x=20.25, y=11.5),)))
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet, start=Start.REFERENCE)
    session.open(uid)
    (carina,) = session.findings.of(Landmark)
    sheet.draw(carina.changed(x=21.0))
    session.next()
    session.previous()
    assert [(o.id, o.x) for o in session.findings] == [(carina.id, 21.0)]


def test_where_saving_fails_the_image_stays_and_the_reader_is_told(project):
    sheet, seen = Sheet(), []
    session = AnnotationSession(project, ANNA, sheet, listener=lambda: seen.append(session.state))
    session.open()
    first = session.image.uid
    rng = np.random.default_rng(0)
    sheet.draw(Mask.from_array(rng.random((40, 50)) > 0.5, label="heart", author=ANNA))
    sheet.draw(*(nodule(attributes=(("comment", "x" * 9000),)) for _ in range(5)))
    with full_disk(project):
        with pytest.raises(AnnotationError, match=r"not saved yet.*disk is full.*Free some space"):
            session.next()
        assert session.image.uid == first and sheet.radiograph.uid == first and len(sheet.drawn()) == 6
        assert session.state is SaveState.FAILED and "disk is full" in session.problem
        # A timer that fails says so in the panel, without a dialog every quarter of a second.
        session.changed(10.0)
        session.tick(10.0 + PAUSE)
    session.tick(10.0 + PAUSE + RETRY / 2)
    assert session.state is SaveState.FAILED
    session.tick(10.0 + PAUSE + RETRY)
    assert seen[-1] is session.state is SaveState.SAVED and session.problem == ""
    assert len(project.findings(first, ANNA.key)) == 6
    assert session.next()


def test_the_drawing_of_one_image_is_never_saved_as_another_ones(project):
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    here, there = session.image.uid, project.images()[1].uid
    sheet.findings = Findings(there, (40, 50), ANNA, (nodule(),))
    with pytest.raises(AnnotationError, match="show the image again"):
        session.next()
    assert project.tracks(here) == project.tracks(there) == []
    session.reload()
    assert sheet.radiograph.uid == here and session.next()


def test_a_canvas_that_breaks_while_showing_loses_nothing(project):
    class Breaking(Sheet):
        def show(self, radiograph, findings, editable):
            if self.radiograph is not None:
                raise RuntimeError("out of graphics memory")
            super().show(radiograph, findings, editable)

    sheet = Breaking()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    uid = session.image.uid
    sheet.draw(nodule())
    with pytest.raises(RuntimeError, match="graphics memory"):
        session.next()
    assert len(project.findings(uid, ANNA.key)) == 1 and session.index is None
    session.changed(1.0)
    session.tick(9.0)
    assert len(project.tracks(project.images()[1].uid)) == 0


def test_an_image_that_cannot_be_read_is_passed_over_and_named(project):
    uids = [image.uid for image in project.images()]
    Path(project.image(uids[1]).header.path).write_bytes(b"not a picture any more")
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(uids[0])
    assert session.next() and session.image.uid == uids[2]
    assert "chest" in session.notice and "Passed over" in session.notice
    Path(project.image(uids[0]).header.path).unlink()
    with pytest.raises(AnnotationError, match="No image can be shown"):
        session.previous()
    assert session.image.uid == uids[2]


def test_image_labels_are_answers_and_kept_with_their_history(project):
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    uid = session.image.uid
    session.set_answers("view", ["PA"], 1.0)
    session.set_answers("view", ["AP"], 2.0)
    session.set_answers("catheter", ["yes"], 2.0)
    with pytest.raises(AnnotationError, match="PA, AP, LL"):
        session.set_answers("view", ["sideways"], 3.0)
    session.next()
    assert session.answers("view") == ()
    session.previous()
    assert (session.answers("view"), session.answers("catheter")) == (("AP",), ("yes",))
    session.set_answers("catheter", [], 4.0)
    session.save()
    assert [(a.label, a.value) for a in project.findings(uid, ANNA.key).of(ImageLabel)] == [("view", "AP")]


def test_rejected_objects_are_not_shown_and_not_lost(project):
    uid = project.images()[0].uid
    gone = nodule(author=MODEL, status=Status.REJECTED)
    project.save(Findings(uid, (40, 50), ANNA, (gone, nodule())))
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open(uid)
    assert [o.status for o in sheet.drawn()] == [Status.DRAFT]
    sheet.draw(nodule())
    session.close()
    assert len(project.findings(uid, ANNA.key)) == 3 and gone in project.findings(uid, ANNA.key).objects


def test_what_cannot_be_saved_while_the_canvas_is_emptied_comes_back(project):
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    uid = session.image.uid
    sheet.draw(nodule(attributes=(("comment", "x" * 9000),)))
    with full_disk(project):
        with pytest.raises(AnnotationError, match="disk is full"):
            session.hold()
        sheet.findings = None
        session.unhold()
    assert len(sheet.drawn()) == 1 and session.is_unsaved
    session.tick(100.0)
    assert len(project.findings(uid, ANNA.key)) == 1
    session.hold()
    session.unhold()
    assert session.index is None


def test_a_deleted_object_is_gone_and_can_be_found_in_the_history(project):
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    uid = session.image.uid
    outline = Polygon(label="opacity", author=ANNA, points=((1.0, 1.0), (8.0, 1.0), (8.0, 8.0)))
    sheet.draw(outline, nodule())
    session.save()
    sheet.findings = sheet.drawn().without([outline.id])
    session.close()
    assert [o.label for o in project.findings(uid, ANNA.key)] == ["nodule"]
    before, after = project.revisions(uid)
    assert (before.put, before.dropped, after.put, after.dropped) == (2, 0, 0, 1)
    assert project.findings_at(uid, ANNA.key, before.id).of(Polygon) == [outline]


def test_the_session_opens_where_the_reader_has_not_been_and_after_a_restart_everything_is_there(project):
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    first = session.image.uid
    sheet.draw(nodule())
    session.save()
    with Project.open(project.folder) as again:
        later = AnnotationSession(again, ANNA, Sheet())
        later.open()
        assert later.index == 1
        later.previous()
        assert later.image.uid == first and later.findings.of(Box)[0].x0 == 3.0
        assert AnnotationSession(again, Author.person("ben"), Sheet()).count == 3


def test_an_empty_project_and_an_unknown_image_get_a_clear_message(tmp_path, project):
    with Project.create(tmp_path / "empty") as empty, pytest.raises(AnnotationError, match="add a folder first"):
        AnnotationSession(empty, ANNA, Sheet()).open()
    with pytest.raises(AnnotationError, match="not in this list of 3 images"):
        AnnotationSession(project, ANNA, Sheet()).open("1.2.3")


def test_excluded_images_are_not_offered(project):
    project.exclude(project.images()[0].uid, "not a chest")
    assert AnnotationSession(project, ANNA, Sheet()).count == 2


def test_the_database_stays_whole(project):
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    sheet.draw(nodule())
    session.close()
    with sqlite3.connect(project.folder / "project.db") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
