"""The history of an image: who changed what when, in words and over the image, and back to any state of it."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest
from typer.testing import CliRunner

from sheet import Sheet, pictures
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationError, AnnotationSession
from XRayAILib.workflow.image_history import LAYER, ImageHistory, difference

ANNA, BEN = Author.person("anna"), Author.person("ben")
SHAPE = (40, 50)


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 2)])
        yield project


@pytest.fixture
def session(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(session.cases[0])
    return session


def nodule(**values) -> Box:
    return Box(**{"label": "nodule", "author": ANNA, "x0": 3.0, "y0": 4.0, "x1": 13.5, "y1": 9.0} | values)


def heart(columns: int) -> Mask:
    pixels = np.zeros(SHAPE, bool)
    pixels[5:20, 5:columns] = True
    return Mask.from_array(pixels, label="heart", author=ANNA)


def save(session, *objects, without=()):
    """What the reader has drawn now, saved."""
    session.canvas.update(session.canvas.drawn().with_objects(objects).without(without))
    session.save()


def words(session) -> list[str]:
    return [line.words for line in ImageHistory(session).lines()]


def test_every_change_in_words_the_newest_first(session):
    box, mask = nodule(), heart(30)
    save(session, box, nodule(x0=1.0), mask)
    save(session, box.changed(x1=20.0), mask.with_array(~mask.array()))
    session.set_answers("view", ["PA"], 1.0)
    session.save()
    session.set_answers("view", ["AP"], 1.0)
    session.save()
    save(session, box.changed(x1=20.0, label="opacity", attributes=(("side", "left"),)))
    save(session, without=[mask.id])
    assert words(session) == [
        "Heart removed",
        "Opacity relabelled, attributes",
        "View: AP",
        "View: PA",
        "Nodule moved; Heart repainted",
        "2 \N{MULTIPLICATION SIGN} Nodule added; Heart added",
    ]
    lines = ImageHistory(session).lines()
    assert {line.who for line in lines} == {"anna"} and all(line.own for line in lines)


def test_who_saved_somebody_elses_findings_is_named(project, session):
    save(session, box := nodule())
    approved = project.findings(session.uid, ANNA.key).each(lambda item: item.changed(status=Status.APPROVED))
    project.save(approved, by=BEN, note="approved")
    assert approved.objects[0].id == box.id
    (newest, _) = ImageHistory(session).lines()
    assert (newest.who, newest.words) == ("anna - ben", "approved")


def test_the_difference_of_two_revisions_is_shown_over_the_image(session):
    box, point = nodule(), Landmark(label="carina", author=ANNA, x=20.0, y=10.0)
    save(session, box, heart(30))
    save(session, box.changed(x1=20.0), point)
    history = ImageHistory(session)
    newest, oldest = history.lines()
    found = history.show_difference(newest)
    assert found.words == "Nodule moved; Carina added"
    shown = session.canvas.over[LAYER]
    assert shown == found.findings
    named = {found.schema[item.label].title: item for item in shown}
    assert set(named) == {"Nodule: before", "Nodule: after", "Carina: added"}
    assert (named["Nodule: before"].x1, named["Nodule: after"].x1) == (13.5, 20.0)
    assert len({found.schema[item.label].color for item in shown}) == 3
    backwards = history.show_difference(newest, oldest)
    assert backwards.words == "Nodule moved; Carina removed"
    history.hide_difference()
    assert session.canvas.over == {}


def test_the_difference_from_what_is_drawn_now_and_not_saved_yet(session):
    save(session, nodule())
    session.canvas.draw(heart(20))
    history = ImageHistory(session)
    found = history.show_difference(history.lines()[0], with_now=True)
    assert found.words == "Heart added" and len(found.findings) == 1


def test_every_kind_of_object_can_be_told_and_shown(session):
    outline = Polygon(label="opacity", author=ANNA, points=((1.0, 1.0), (8.0, 1.0), (8.0, 8.0)))
    said = ImageLabel(label="view", author=ANNA, value="PA")
    gone = nodule(label="a label that the schema has lost")
    empty = Findings(session.uid, SHAPE, ANNA)
    found = difference(empty, empty.with_objects([outline, said, gone]), session.project.schema)
    assert found.words == "Opacity added; View: PA; a label that the schema has lost added"
    assert [item.points for item in found.findings.of(Polygon)] == [outline.points] and len(found.findings) == 2
    assert difference(empty, empty, session.project.schema).words == ""


def test_restoring_is_one_more_revision_and_can_be_undone(project, session):
    first, second = nodule(), heart(30)
    save(session, first)
    save(session, second, without=[first.id])
    history = ImageHistory(session)
    _, oldest = history.lines()
    session.canvas.draw(later := nodule(x0=0.0))
    history.restore(oldest)
    assert session.canvas.drawn().objects == session.findings.objects == (first,)
    newest, before, *_ = history.lines()
    assert newest.words.startswith(f"restored revision {oldest.id}; ")
    # What was drawn and not saved yet was saved first.
    assert later in history.at(before).objects
    history.restore(before)
    assert set(project.findings(session.uid, ANNA.key).objects) == {second, later}
    assert len(project.revisions(session.uid)) == 5


def test_rejected_objects_are_restored_with_the_rest(project, session):
    gone = nodule(status=Status.REJECTED)
    project.save(Findings(session.uid, SHAPE, ANNA, (gone, nodule())))
    session.reload()
    save(session, heart(10))
    history = ImageHistory(session)
    history.restore(history.lines()[-1])
    assert gone in project.findings(session.uid, ANNA.key).objects and gone not in session.canvas.drawn().objects


def test_only_the_own_findings_can_be_restored(project, session):
    project.save(Findings(session.uid, SHAPE, BEN, (nodule(author=BEN),)))
    history = ImageHistory(session)
    (line,) = history.lines()
    with pytest.raises(AnnotationError, match=r"what ben said.*your own"):
        history.restore(line)


def test_a_database_of_an_earlier_version_gets_what_it_lacks(project, session):
    save(session, nodule(), nodule(status=Status.APPROVED))
    project.close()
    with sqlite3.connect(project.folder / "project.db") as raw:
        for table, column in (("current", "statuses"), ("revisions", "note")):
            raw.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    raw.close()
    with Project.open(project.folder) as again:
        uid = session.uid
        assert again.own_statuses(ANNA.key, [uid]) == {uid: "draft"} and again.revisions(uid)[0].note == ""
        again.save(again.findings(uid, ANNA.key).each(lambda item: item.changed(status=Status.APPROVED)))
        assert again.image(uid).status.value == "approved"


def test_what_an_earlier_version_wrote_with_spaces_is_the_same(project, session):
    save(session, nodule(), heart(30))
    uid = session.uid
    with sqlite3.connect(project.folder / "project.db") as raw:
        ((document,),) = raw.execute("SELECT document FROM current")
        assert document != json.dumps(json.loads(document))
        raw.execute("UPDATE current SET document = ?", [json.dumps(json.loads(document))])
    raw.close()
    with Project.open(project.folder) as again:
        assert again.save(again.findings(uid, ANNA.key)) == project.revisions(uid)[-1].id  # nothing new to save
        assert again.rename_label("nodule", "lump") == 1
        assert again.findings(uid, ANNA.key).labels() == ["lump", "heart"]


def test_what_is_not_plain_is_kept_as_it_is(project, session):
    """Half a character of a broken file name, whole numbers without end, and numbers of numpy's."""
    odd = nodule(x1=np.float64(13.1), y1=10**20, attributes=(("comment", "\ud800"),))
    findings = Findings(session.uid, SHAPE, ANNA, (odd, nodule(id="\u00e9")))
    number = project.save(findings)
    with Project.open(project.folder) as again:
        assert again.findings(session.uid, ANNA.key) == findings
        assert again.save(findings) == number


def test_the_command_tells_it_on_the_terminal_and_as_json(project, session):
    from XRayAILib.apps.cli import app

    save(session, nodule())
    session.sign(100.0)
    session.sign(130.0)
    session.close()
    uid = project.images()[0].uid
    shown = CliRunner().invoke(app, ["history", "-p", str(project.folder), uid])
    assert shown.exit_code == 0 and "Nodule added" in shown.output and "anna 0:30" in shown.output
    document = json.loads(CliRunner().invoke(app, ["history", "-p", str(project.folder), uid, "--json"]).output)
    assert [line["change"] for line in document["revisions"]] == ["Nodule added"]
    assert document["seconds"] == {"person:anna": 30.0}
    unknown = CliRunner().invoke(app, ["history", "-p", str(project.folder), "1.2.3"])
    assert unknown.exit_code != 0
