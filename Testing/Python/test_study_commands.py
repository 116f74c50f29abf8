"""A whole study at the terminal: readers, assign, review, adjudicate and progress."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sheet import pictures
from study_cases import ADA, ANNA, BEN, TRUTH, draw, nodule, uids_of
from XRayAILib.apps.cli import app
from XRayAILib.findings.author import ADJUDICATED
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.query import QueryError
from XRayAILib.project.reviews import ReadingState
from XRayAILib.workflow.blinding import worklist
from XRayAILib.workflow.reader_study import ReaderStudy


@pytest.fixture
def folder(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 5)])
        draw(project, uids_of(project)[0], TRUTH, nodule(TRUTH))
        return project.folder


def xrayai(folder, *arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "-p", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def document(folder, *arguments: str):
    return json.loads(xrayai(folder, *arguments, "--json"))


def test_from_the_first_reader_to_the_last_decision(folder):
    assert "Nobody is registered" in xrayai(folder, "readers", "list")
    xrayai(folder, "readers", "add", "anna", "ben", "cora")
    xrayai(folder, "readers", "add", "ruth", "--role", "reviewer")
    assert "ada: reviewer, adjudicator" in xrayai(folder, "readers", "add", "ada", "--role", "reviewer,adjudicator")
    assert "ada: adjudicator" in xrayai(folder, "readers", "role", "ada", "adjudicator")
    assert "takes part no longer" in xrayai(folder, "readers", "remove", "cora")
    people = document(folder, "readers", "list")
    assert [(one["name"], one["roles"], one["active"]) for one in people][:3] == [
        ("ada", ["adjudicator"], True),
        ("anna", ["reader"], True),
        ("ben", ["reader"], True),
    ]

    said = xrayai(folder, "assign", "--per-image", "2", "--seed", "1", "--round", "Pilot", "--controls", TRUTH.key)
    assert "Pilot: 4 images with 2 readers each, 1 control hidden among them" in said
    again = document(folder, "assign")  # the newest round under its own conditions
    assert again["round"] == "Pilot" and again["readers"] == {"anna": 0, "ben": 0} and again["total"]["anna"] == 5

    with Project.open(folder) as project:
        first = worklist(project, ANNA)[0]
        for person in (ANNA, BEN):
            draw(project, first, person, nodule(person))
            assert ReaderStudy(project, person).submit(first)
        control = uids_of(project)[0]
        if control != first:
            ReaderStudy(project, ANNA).submit(control)
        path = project.header(first).path

    waiting = document(folder, "review", "list", "--reader", "ben")
    assert [(one["uid"], one["path"], one["state"]) for one in waiting] == [(first, path, "submitted")]
    file = Path(path).name  # as "review list" shows it
    assert "approved" in xrayai(folder, "review", "approve", file, "--reader", "anna", "--as", "ruth")
    assert xrayai(folder, "history", file) == xrayai(folder, "history", first) == xrayai(folder, "history", path)
    assert "0 comments" in xrayai(folder, "comments", file)
    xrayai(folder, "review", "reject", first, "--reader", "ben", "--reason", "too large", "--as", "ruth")
    assert "too large" in xrayai(folder, "review", "list", "--state", "rejected")
    told = xrayai(folder, "history", first)
    assert "rejected: too large" in " ".join(told.split()) and "approved" in told and "draft" not in told
    rows = {one["reader"]: one for one in document(folder, "progress")}
    assert rows["anna"]["approved"] == 1 and rows["ben"]["rejected"] == 1 and rows["ben"]["begun"] == 1
    assert "Pilot" in xrayai(folder, "progress")
    (score,) = document(folder, "progress", "--controls")
    assert score["reader"] == "anna" and score["uid"] == control
    assert "nodule" in xrayai(folder, "progress", "--controls")

    with Project.open(folder) as project:
        ReaderStudy(project, BEN).submit(first)
    assert [one["uid"] for one in document(folder, "adjudicate", "list", "--as", "ada")] == [first]
    xrayai(folder, "adjudicate", "take", first, "--reader", "anna", "--as", "ada")
    shown = document(folder, "adjudicate", "list", "--image", first, "--as", "ada")
    (box,) = shown["versions"][1]["objects"]
    assert "nodule of anna, nodule of ben" in xrayai(
        folder, "adjudicate", "take", first, "--reader", "ben", "--object", box["id"], "--as", "ada"
    )
    assert "Undone: take nodule of ben" in xrayai(folder, "adjudicate", "undo", first, "--as", "ada")
    assert "Done again: take nodule of ben" in xrayai(folder, "adjudicate", "redo", first, "--as", "ada")
    assert "nodule of majority" in xrayai(folder, "adjudicate", "merge", first, "--as", "ada")
    with pytest.raises(ProjectError, match=r"no label 'nodul'; it has .*nodule"):
        xrayai(folder, "adjudicate", "merge", first, "--label", "nodul", "--as", "ada")
    assert "ada: take nodule of anna" in xrayai(folder, "adjudicate", "list", "--image", first, "--as", "ada")
    xrayai(folder, "adjudicate", "finish", first, "--as", "ada")
    assert document(folder, "adjudicate", "list", "--as", "ada")[0]["state"] == "finished"
    xrayai(folder, "adjudicate", "reopen", first, "--reason", "a second look", "--as", "ada")
    xrayai(folder, "adjudicate", "finish", first, "--as", "ada")

    assert "Pilot is closed" in xrayai(folder, "assign", "--close")
    with Project.open(folder) as project:
        assert project.reference(first).author == ADJUDICATED and project.rounds.get("Pilot").closed
        assert project.reviews.last(first, ADJUDICATED.key).who == ADA.key
    assert "Pilot is open again" in xrayai(folder, "assign", "--open", "--round", "Pilot")
    xrayai(folder, "review", "reopen", first, "--reader", "anna", "--as", "ruth")
    with Project.open(folder) as project:
        assert project.reviews.state(first, ANNA.key) is ReadingState.REOPENED


def test_images_are_chosen_by_filters_and_controls_by_a_file(folder, tmp_path):
    xrayai(folder, "readers", "add", "anna", "ben")
    with Project.open(folder) as project:
        control, other = uids_of(project)[:2]
        listed = tmp_path / "controls.txt"
        listed.write_text(f"{project.header(control).path}\n\n")
        project.exclude(other, "moved")
    arguments = ("--filter", "modality=picture", "--readers", "anna", "--controls", str(listed))
    done = document(folder, "assign", *arguments)
    assert (done["round"], done["images"], done["controls"], done["readers"]) == ("Round 1", 3, 1, {"anna": 4})
    with Project.open(folder) as project:
        assert project.controls.all() == {control: TRUTH.key} and other not in worklist(project, ANNA)


def test_what_is_wrong_is_said(folder, tmp_path):
    with pytest.raises(ProjectError, match="xrayai readers add NAME"):
        xrayai(folder, "assign")
    xrayai(folder, "readers", "add", "anna")
    for arguments, message in (
        (["--filter", "view"], "'view' is not of the form COLUMN=VALUE"),
        (["--filter", "viev=PA"], "there is no such column"),
        (["--filter", "view=PA"], "No image fits the filters"),
        (["--controls", "import:truht"], r"no such file, and no such track \(there are: import:truth\)"),
        (["--reveal", "never"], "give 'closed' or 'submitted'"),
        (["--readers", "dan"], "'dan' is no reader"),
    ):
        with pytest.raises((ProjectError, QueryError), match=message):
            xrayai(folder, "assign", *arguments)
    with pytest.raises(ProjectError, match=r"no round 'Pilot' \(there are: none yet\)"):
        xrayai(folder, "progress", "--round", "Pilot")
    with pytest.raises(ProjectError, match="no round 'Round 1'"):
        xrayai(folder, "assign", "--close")
    with pytest.raises(ProjectError, match="--state lost: give one of"):
        xrayai(folder, "review", "list", "--state", "lost")
    (tmp_path / "list.txt").write_text("1.2.3\n")
    with pytest.raises(Exception, match="no image with this UID, path or file name"):
        xrayai(folder, "assign", "--controls", str(tmp_path / "list.txt"))


def test_an_empty_reading_that_is_rejected_stands_in_the_history_with_its_reason(folder):
    xrayai(folder, "readers", "add", "anna")
    xrayai(folder, "readers", "add", "ruth", "--role", "reviewer")
    xrayai(folder, "assign")
    with Project.open(folder) as project:
        uid = uids_of(project)[1]
        ReaderStudy(project, ANNA).submit(uid)
    xrayai(folder, "review", "reject", uid, "--reader", "anna", "--reason", "a nodule is there", "--as", "ruth")
    notes = [row["note"] for row in document(folder, "history", uid)["revisions"]]
    assert notes.count("rejected: a nodule is there") == notes.count("submitted") == 1
    assert notes.index("rejected: a nodule is there") < notes.index("submitted")


@pytest.mark.parametrize(
    "arguments",
    [
        ["assign", "--readers", ""],
        ["assign", "--round", ""],
        ["progress", "--round", " "],
        ["review", "list", "--reader", ""],
        ["review", "approve", "one.png", "--reader", ""],
        ["adjudicate", "merge", "one.png", "--label", ""],
        ["adjudicate", "undo", "one.png", "--as", ""],
        ["agreement", "--readers", ""],
        ["agreement", "--label", ""],
        ["guidelines", "--reader", ""],
        ["export", "--reader", ""],
        ["export", "--filter", ""],
        ["train", "--snapshot", ""],
        ["snapshot", "create", "--name", ""],
        ["snapshot", "verify", ""],
        ["comments", ""],
    ],
    ids=" ".join,
)
def test_an_empty_value_does_not_mean_all(folder, arguments):
    """As a script gives it whose variable is not set."""
    result = CliRunner().invoke(app, [*arguments, "-p", str(folder)])
    assert result.exit_code == 2 and "it is empty" in " ".join(result.output.replace("│", " ").split()), result.output
