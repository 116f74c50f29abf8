"""The command ``xrayai list``: the collection for people at a terminal and for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from XRayAILib.apps.cli import app
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query, QueryError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of 250 images of two views, five devices and three years."""
    folder = tmp_path_factory.mktemp("list") / "project"
    with Project.create(folder) as project:
        project.add(
            Header(
                uid=f"1.2.{number}",
                path=f"/archive/{number:03}.dcm",
                rows=40,
                columns=50,
                spacing=Spacing(0.1, 0.1, SpacingSource.DETECTOR),
                modality="DX",
                patient_id=f"P{number // 5:02}",
                study_date=f"{2019 + number % 3}-05-06",
                view=("PA", "LL")[number % 2],
                station=f"ROOM {number % 5}",
            )
            for number in range(250)
        )
        project.exclude("1.2.3", "moved")
    return folder


def xrayai_list(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["list", "--project", str(folder), *arguments])


def listed(folder: Path, *arguments: str) -> dict:  # type: ignore[type-arg]
    result = xrayai_list(folder, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_document_has_what_the_same_query_finds_in_the_panel(folder: Path) -> None:
    arguments = [
        "--view",
        "PA",
        "--station",
        "ROOM 1",
        "--station",
        "ROOM 2",
        "--from",
        "2020",
        "--sort",
        "-date,patient",
    ]
    document = listed(folder, *arguments, "--limit", "5", "--offset", "2")
    filters = {"view": ("PA",), "station": ("ROOM 1", "ROOM 2")}
    query = Query(filters=filters, since="2020", sort=("-date", "patient"), limit=5, offset=2)
    with Project.open(folder) as project:
        page = project.page(query)
    assert [entry["uid"] for entry in document["images"]] == [image.uid for image in page.images]
    assert document["total"] == page.total > 7 and document["offset"] == 2
    assert Query.from_document(document["query"]) == query


def test_all_of_a_project_comes_in_one_document(folder: Path) -> None:
    document = listed(folder)
    assert document["total"] == len(document["images"]) == 250 and document["query"] == {}
    (excluded,) = listed(folder, "--excluded", "yes")["images"]
    assert (excluded["uid"], excluded["excluded"], excluded["spacing_mm"]) == ("1.2.3", "moved", [0.1, 0.1])


def test_a_table_says_how_many_there_are_and_where_the_others_are(folder: Path) -> None:
    out = xrayai_list(folder).stdout
    assert out.startswith("250 images") and "Shown: 1 to 200; --offset and --limit show others" in out
    assert "Shown: 201 to 250" in xrayai_list(folder, "--offset", "200").stdout
    few = xrayai_list(folder, "p07").stdout
    assert few.startswith("5 images") and "Shown" not in few and few.count("P07") == 5


def test_counts_of_a_column(folder: Path) -> None:
    values = listed(folder, "--counts", "station", "--view", "LL")["values"]
    assert values == [{"value": f"ROOM {number}", "count": 25} for number in range(5)]
    assert "ROOM 3" in xrayai_list(folder, "--counts", "station").stdout


def test_small_letters_will_do_and_what_does_not_exist_is_answered_with_what_does(folder: Path) -> None:
    assert listed(folder, "--view", "pa", "--station", "room 1")["total"] == 25
    assert listed(folder, "--status", "Unlabelled", "--spacing", "Detector Plane")["total"] == 250
    out = xrayai_list(folder, "--view", "AP").stdout
    assert out.startswith("0 images") and "View: LL (125), PA (125)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sort", "size"], "sort: there is no column 'size'"),
        (["--from", "May"], "since: 'May' is no date"),
        (["--status", "drawn"], "status: 'drawn' does not occur; there are unlabelled"),
        (["--counts", "colour"], "colour: there is no such column"),
        (["--limit", "0"], "limit: must be"),
        (["--offset", "9" * 20], "offset: must be"),
        (["caf\udce9"], "text: has a character"),
    ],
)
def test_what_makes_no_sense_is_said(folder: Path, arguments: list[str], message: str) -> None:
    result = xrayai_list(folder, *arguments)
    assert isinstance(result.exception, QueryError) and message in str(result.exception)
