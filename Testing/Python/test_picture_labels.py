"""Tables beside pictures: who it is, and what was said of the whole image."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from XRayAILib.apps.cli import app
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.labels import import_labels
from XRayAILib.exchange.table.picture_labels import take_in_with_tables
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.findings.schema import Tool
from XRayAILib.project.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "project") as project:
        yield project


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three pictures in a folder, and a table beside that folder."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for number in range(3):
        grey = np.random.default_rng(number).integers(0, 255, (20, 30), np.uint8)
        Image.fromarray(grey).save(folder / "images" / f"{number}.png")
    rows = ["filename,patient_id,view,Finding", "0.png,P1,PA,effusion|Cardiomegaly", "1.png,P1,AP,todo", "7.png,P7,,"]
    (folder / "labels.csv").write_text("\n".join(rows), "utf-8")
    return folder


def labels(project: Project, name: str = "labels") -> dict[str, list[str]]:
    """Picture -> its labels by import."""
    author = Author.imported(name).key
    found = {Path(image.header.path).name: project.findings(image.uid, author) for image in project.images()}
    return {name: [item.label for item in findings.of(ImageLabel)] for name, findings in found.items() if findings}


def test_a_table_beside_pictures_gives_patient_and_labels(project: Project, pictures: Path) -> None:
    intake, (report,) = take_in_with_tables(project, [pictures], extend=True)
    assert intake.added == 3 and (report.images, report.objects) == (1, 2)
    assert {(image.header.patient_id, image.header.view) for image in project.images()} == {
        ("P1", "PA"),
        ("P1", "AP"),
        ("", ""),
    }
    assert labels(project) == {"0.png": ["effusion", "cardiomegaly"]}
    assert project.schema["cardiomegaly"].tool is Tool.IMAGE
    (note,) = report.notes
    assert note.endswith("1 (7.png)")
    findings = project.findings(project.images(text="PA")[0].uid, Author.imported("labels").key)
    assert findings is not None and all(item.status is Status.APPROVED for item in findings.objects)


def test_labels_that_the_schema_lacks_are_told(project: Project, pictures: Path) -> None:
    _, (report,) = take_in_with_tables(project, [pictures])
    assert not labels(project) and report.objects == 0
    said = "no labels taken; the schema has no label 'Cardiomegaly' (1), 'effusion' (1): xrayai import TABLE --extend"
    assert report.line.startswith(f"data/labels.csv: {said}")


def test_a_table_that_was_written_later_counts_on_the_next_scan(project: Project, pictures: Path) -> None:
    text = (pictures / "labels.csv").read_text("utf-8")
    (pictures / "labels.csv").unlink()
    assert take_in_with_tables(project, [pictures], extend=True)[1] == []
    (pictures / "labels.csv").write_text(text, "utf-8")
    intake, reports = take_in_with_tables(project, [pictures], extend=True)
    assert intake.unchanged == 3 and reports[0].objects == 2
    assert {image.header.patient_id for image in project.images()} == {"P1", ""}
    last = project.last_revision()
    assert take_in_with_tables(project, [pictures])[1] == [], "it is known"
    assert take_in_with_tables(project, [pictures], extend=True)[1][0].objects == 2
    assert project.last_revision() == last, "and doing it again changes nothing"


def test_labels_that_were_left_out_come_with_a_scan_that_may_extend(project: Project, pictures: Path) -> None:
    assert take_in_with_tables(project, [pictures])[1][0].objects == 0
    intake, (report,) = take_in_with_tables(project, [pictures], extend=True)
    assert intake.unchanged == 3 and report.objects == 2


def test_a_table_can_be_named_and_be_imported_alone(project: Project, pictures: Path, tmp_path: Path) -> None:
    table = (pictures / "labels.csv").rename(tmp_path / "elsewhere.csv")
    _, (report,) = take_in_with_tables(project, [pictures], table, extend=True)
    assert report.objects == 2 and labels(project, "elsewhere")
    assert import_labels(project, table, name="again", extend_schema=True).objects == 2
    assert labels(project, "again") == labels(project, "elsewhere")
    with pytest.raises(LabelFileError, match=r"nowhere\.csv"):
        take_in_with_tables(project, [pictures], tmp_path / "nowhere.csv")


def test_a_scan_counts_masks_apart_and_has_one_line_for_a_table_of_something_else(
    tmp_path: Path, pictures: Path
) -> None:
    for label in ("heart", "lung"):
        (pictures / "masks" / label).mkdir(parents=True)
        mask = np.zeros((20, 30), np.uint8)
        mask[5:9, 5:20] = 255
        Image.fromarray(mask).save(pictures / "masks" / label / "0.png")
    (pictures / "images" / "damaged.dcm").write_bytes(b"no radiograph")
    points = ["filename,landmark,x,y", "0.png,nose,3,4", "0.png,chin,5,6"]
    (pictures / "images" / "landmarks.csv").write_text("\n".join(points), "utf-8")
    said = CliRunner().invoke(app, ["scan", str(pictures), "--project", str(tmp_path / "seen")])
    assert said.exit_code == 0, said.output
    assert "3 radiographs added, 2 masks left out, 1 not readable as a radiograph" in " ".join(said.output.split())
    (line,) = [line for line in said.output.splitlines() if "landmarks.csv" in line]
    assert "images/landmarks.csv: no labels taken; it is a table of landmarks, which 'xrayai import' takes" in line


def test_other_tables_are_no_hindrance(project: Project, pictures: Path) -> None:
    (pictures / "images" / "spreadsheet.csv").write_text("a,b\n1,2\n", "utf-8")
    (pictures / "images" / "binary.csv").write_bytes(b"\xff\xfe\x00\x00")
    intake, reports = take_in_with_tables(project, [pictures], extend=True)
    assert intake.added == 3 and any("binary.csv: no labels taken; the table cannot be read" in r.line for r in reports)
    assert not any("spreadsheet" in report.source.name for report in reports)


def test_the_labels_of_a_real_set(test_data: Path, project: Project) -> None:
    _, (report,) = take_in_with_tables(project, [test_data / "chest-classification"], extend=True)
    assert (report.images, report.objects, report.notes) == (400, 400, ())
    counts = project.label_counts(ImageLabel)
    assert counts["pneumonia"] == counts["no_finding"] == 200
    assert all(image.header.patient_id and image.header.view for image in project.images())
