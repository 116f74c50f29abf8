"""Tables of landmarks, one row a point, taken into a project."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange_cases import new_project, uid_of
from XRayAILib.apps.cli import app
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.labels import import_labels
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Landmark
from XRayAILib.findings.schema import Tool
from XRayAILib.project.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """``one.png`` and ``two.png``, 80 pixels wide and 60 high; carina and apices are landmarks of the schema."""
    with new_project(tmp_path) as project:
        yield project


def _table(folder: Path, *lines: str) -> Path:
    path = folder / "points.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _points(project: Project, name: str) -> dict[str, tuple[float, float]]:
    found = project.findings(uid_of(project, name), Author.imported("points").key)
    assert found is not None
    return {item.label: (item.x, item.y) for item in found.of(Landmark)}


@pytest.mark.parametrize(
    ("heading", "row"),
    [
        ("filename,landmark,x,y", "one.png,carina,3.5,4"),
        ("Image,Point Name,X,Y,observer", "one.png,Carina,3.5,4,anna"),
        ("y;x;Label;file", "4,0;3,5;carina;one"),
        ("name\tpath\tx_px\ty_px", "carina\tpictures/one.png\t3.5\t4"),
    ],
)
def test_columns_go_by_their_usual_names(project: Project, tmp_path: Path, heading: str, row: str) -> None:
    report = import_labels(project, _table(tmp_path, heading, row))
    assert (report.images, report.objects) == (1, 1)
    assert _points(project, "one") == {"carina": (3.5, 4.0)}


def test_a_point_without_a_place_is_not_there_and_new_names_become_landmarks(project: Project, tmp_path: Path) -> None:
    lines = ("filename,landmark,x,y", "one.png,carina,3,4", "one.png,left_apex,,", "two.png,Sella turcica,0,59")
    path = _table(tmp_path, *lines)
    with pytest.raises(LabelFileError, match=r"'Sella turcica' is not in the\s+project's schema.*--extend"):
        import_labels(project, path)
    report = import_labels(project, path, extend_schema=True)
    assert (report.images, report.objects) == (2, 2)
    assert _points(project, "one") == {"carina": (3.0, 4.0)}
    assert _points(project, "two") == {"sella_turcica": (0.0, 59.0)}
    assert project.schema["sella_turcica"].tool is Tool.LANDMARK
    assert import_labels(project, path).unchanged == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("one.png,carina,3,four", "line 3 ('carina' of one.png): its y is no number: 'four'"),
        ("one.png,carina,3,", "its y is no number"),
        ("one.png,carina,nan,4", "its x is no number"),
        ("one.png,carina,300,4", "outside the image of 80 x 60 pixels"),
        ("one.png,nodule,3,4", "'nodule' is no landmark in the project's schema, but a box"),
        ("one.png,left_apex,5,6", "line 2 has this point of the image already"),
    ],
)
def test_a_faulty_row_is_named_and_nothing_is_imported(project: Project, tmp_path: Path, row: str, reason: str) -> None:
    report = import_labels(project, _table(tmp_path, "filename,landmark,x,y", "one.png,left_apex,1,2", row))
    assert report.refused and reason in report.faulty[0].reasons[0], report.faulty
    assert project.last_revision() == 0


def test_a_row_without_a_name_is_told(project: Project, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="line 2 has no name of a file"):
        import_labels(project, _table(tmp_path, "filename,landmark,x,y", ",carina,3,4"))


def test_a_table_of_something_else_says_which_columns_there_can_be(project: Project, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError) as error:
        import_labels(project, _table(tmp_path, "picture,where", "one.png,here"))
    for column in ("filename and label", "filename, landmark, x, y", "kind, label, points"):
        assert column in str(error.value)


def test_the_points_of_real_radiographs(tmp_path: Path, test_data: Path) -> None:
    """Scanned and imported by two commands; each point is where the table says."""
    folder, project = test_data / "cephalometric-landmarks", tmp_path / "project"
    pictures = sorted((folder / "images").iterdir())[:5]
    with Project.create(project) as opened:
        from XRayAILib.dicom.radiograph import read_header

        opened.add([header for path in pictures for header in read_header(path)])
    done = CliRunner().invoke(app, ["import", str(folder / "landmarks.csv"), "-p", str(project), "--extend"])
    assert done.exit_code == 0, done.output
    assert "50 objects of 5 images, 75 images left out" in " ".join(done.output.split())
    with (folder / "landmarks.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with Project.open(project) as opened:
        for picture in pictures:
            uid = next(image.uid for image in opened.images() if Path(image.header.path).name == picture.name)
            found = opened.findings(uid, Author.imported("landmarks").key)
            assert found is not None and {opened.schema[item.label].tool for item in found} == {Tool.LANDMARK}
            placed = {opened.schema[item.label].title: (item.x, item.y) for item in found.of(Landmark)}
            wanted = {r["landmark"]: (float(r["x"]), float(r["y"])) for r in rows if r["filename"] == picture.name}
            assert placed == wanted
