"""The table of objects: one row each, nothing lost, and every column explained."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pytest

from format_cases import ANNA, made_project
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.labels import import_labels
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel
from XRayAILib.project.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with made_project(tmp_path, ImagerPixelSpacing=[0.2, 0.15]) as project:
        yield project


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_everything_comes_back_equal(project: Project) -> None:
    export = export_project(project, "csv", Choice(images="none"))
    import_labels(project, export.folder / "objects.csv", name="back")
    for image in project.images():
        before, back = project.findings(image.uid, ANNA.key), project.findings(image.uid, Author.imported("back").key)
        assert before is not None and back is not None
        assert back.objects == before.objects


def test_a_spreadsheet_can_be_made_of_it(project: Project) -> None:
    """With numbers as numbers, lengths in millimetres that say what they are, and no patient's name."""
    export = export_project(project, "csv")
    table = pandas.read_csv(export.folder / "objects.csv")
    assert len(table) == export.objects == 3 * 18
    assert table["patient"].str.startswith("patient-").all()
    line = table[table["kind"] == "line"].iloc[0]
    (x0, y0), (x1, y1) = (map(float, pair.split(",")) for pair in line["points"].split())
    assert line["measured"] == pytest.approx(np.hypot((x1 - x0) * 0.15, (y1 - y0) * 0.2))
    assert (line["unit"], line["spacing_source"]) == ("mm", "detector plane")
    masks = table[table["kind"] == "mask"]
    assert (masks["area_px"] >= 0).all()
    for file in masks["mask"]:
        assert (export.folder / file).is_file()
    assert set(table[table["label"] == "right_lung"]["code"]) == {"SCT:3341006"}


def test_every_column_is_explained(project: Project) -> None:
    folder = export_project(project, "csv").folder
    explained = [row["column"] for row in _rows(folder / "columns.csv") if row["meaning"]]
    assert [*_rows(folder / "objects.csv")[0], "any text"] == explained


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1+2", "-1+2", "@SUM(A1)", "'=1", "''@x", "\t=1", "-5", "+3.5", "'tis"]
)
def test_no_text_is_a_formula_for_a_spreadsheet_and_it_comes_back_as_it_was(project: Project, text: str) -> None:
    """Whoever opens an export must not run what a reader, a label or an answer is called; numbers stay numbers."""
    image = next(iter(project.images()))
    author = Author.person(text.strip() or "x")
    objects = (
        ImageLabel(label="remark", value=text, author=author, attributes=((text, text),)),
        Box(label="nodule", x0=-0.5, y0=-0.5, x1=3, y1=4, author=author),
    )
    project.save(Findings(image.uid, image.header.shape, author, objects))
    export = export_project(project, "csv", Choice(images="none", reader=author.key))
    with (export.folder / "objects.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            for column, cell in row.items():
                is_number = all(re.fullmatch(r"[-+]?[\d.]+", part) for part in re.split(r"[, ]", cell))
                assert not cell.startswith(("=", "+", "-", "@", "\t")) or is_number, (column, cell)
            assert row["label"] != "remark" or (row["value"] == text) == text.endswith(("5", "tis"))
    import_labels(project, export.folder, name="back")
    back = project.findings(image.uid, Author.imported("back").key)
    assert back is not None and back.objects == objects


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("points", "1,2 3", "line 7"),
        ("points", "nan,1 2,3 4,5", "not a number"),
        ("kind", "blob", "'blob' is none of"),
        ("status", "done", "'done'"),
        ("score", "2", "must lie in 0..1"),
        ("attributes", "[[", "cannot be read"),
        ("mask", "../../../secret.png", "no file below the folder"),
        ("label", "unknown", "'unknown'"),
    ],
)
def test_a_wrong_cell_is_named_and_nothing_is_imported(project: Project, column: str, value: str, reason: str) -> None:
    path = export_project(project, "csv").folder / "objects.csv"
    rows = _rows(path)
    assert rows[5]["kind"] == "box" or rows[4]["kind"] == "polygon"
    rows[4 if column == "points" and "nan" in value else 5][column] = value
    _write(path, rows)
    revision = project.last_revision()
    try:
        report = import_labels(project, path)
    except LabelFileError as error:
        assert reason in str(error)
    else:
        assert report.refused and reason in report.skipped[0].reasons[0], report.skipped
        assert "objects.csv, line" in report.skipped[0].reasons[0]
    assert project.last_revision() == revision


def test_a_mask_that_is_missing_or_of_another_size_is_named(project: Project) -> None:
    from PIL import Image as Picture

    folder = export_project(project, "csv").folder
    first = next(row for row in _rows(folder / "objects.csv") if row["mask"])
    Picture.fromarray(np.zeros((10, 10), np.uint8)).save(folder / first["mask"])
    report = import_labels(project, folder)
    assert report.refused and "10 x 10 pixels" in report.skipped[0].reasons[0]
    (folder / first["mask"]).unlink()
    report = import_labels(project, folder)
    assert report.refused and "cannot be read" in report.skipped[0].reasons[0]


def test_only_what_is_approved_on_demand(project: Project) -> None:
    export = export_project(project, "csv", Choice(only_approved=True))
    rows = _rows(export.folder / "objects.csv")
    assert {row["status"] for row in rows} == {Status.APPROVED.value} and len(rows) == 3


def test_a_table_of_pictures_is_still_read_as_one(project: Project, tmp_path: Path) -> None:
    name = Path(project.images()[0].header.path).name
    (tmp_path / "labels.csv").write_text(f"filename,view\n{name},AP\n", "utf-8")
    report = import_labels(project, tmp_path / "labels.csv", extend_schema=True)
    assert report.source.name == "labels.csv"
