"""Masks as pictures into the project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from XRayAILib.dicom.radiograph import read_header
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.file_names import FileNames, UnmatchedError
from XRayAILib.exchange.labels import import_labels
from XRayAILib.exchange.table.metadata import described, read_metadata
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.objects import Mask
from XRayAILib.findings.schema import Tool
from XRayAILib.project.project import Project

SHAPE = (40, 50)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of ``one.png`` and ``two.png``, 50 pixels wide and 40 high."""
    with Project.create(tmp_path / "project") as project:
        for value, name in enumerate(("one", "two")):
            pixels = np.full(SHAPE, 100 + value, np.uint8)
            project.add(read_header(_save(tmp_path / "pictures" / f"{name}.png", pixels)))
        yield project


def _save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(pixels).save(path)
    return path


def _half(left: bool, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    half = shape[1] // 2
    mask[5:30, slice(2, half) if left else slice(half, shape[1] - 2)] = 255
    return mask


def test_masks_become_findings_of_the_radiograph_of_their_name(project: Project, tmp_path: Path) -> None:
    labels = tmp_path / "reader"
    _save(labels / "masks" / "right_lung" / "one.png", _half(left=True))
    _save(labels / "masks" / "Left Lung" / "ONE.png", _half(left=False) > 0)
    _save(labels / "masks" / "heart" / "two.png", np.zeros(SHAPE, np.uint8))
    done = []
    report = import_labels(project, labels, progress=lambda *step: done.append(step))
    assert (report.images, report.objects, report.skipped, report.notes) == (2, 3, (), ())
    assert [step[:2] for step in done] == [(1, 2), (2, 2)]
    author = Author.imported("reader")
    found = {f.radiograph_uid: f for uid in project.labelled() for f in project.tracks(uid)}
    one = next(f for f in found.values() if len(f) == 2)
    np.testing.assert_array_equal(one.of(Mask, "right_lung")[0].array(), _half(left=True) > 0)
    np.testing.assert_array_equal(one.of(Mask, "left_lung")[0].array(), _half(left=False) > 0)
    assert {(item.author, item.status) for f in found.values() for item in f} == {(author, Status.APPROVED)}
    # "Looked at, and nothing there" is something that was said.
    two = next(f for f in found.values() if len(f) == 1)
    assert two.of(Mask, "heart")[0].area == 0


def test_a_mask_of_another_size_is_named_and_its_image_can_be_left_out(project: Project, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    _save(labels / "right_lung" / "one.png", _half(left=True))
    _save(labels / "left_lung" / "one.png", _half(left=False, shape=(20, 25)))
    _save(labels / "left_lung" / "two.png", _half(left=False))
    assert import_labels(project, labels).refused and not project.labelled()
    report = import_labels(project, labels, leave_out_faulty=True)
    assert report.images == len(project.labelled()) == 1
    (skipped,) = report.skipped
    (reason,) = skipped.reasons
    assert "left_lung/one.png" in reason and "25 x 20" in reason and "50 x 40" in reason


def test_masks_that_are_no_masks_are_refused_with_the_reason(project: Project, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    _save(labels / "heart" / "one.png", np.arange(40 * 50, dtype=np.uint16).reshape(SHAPE).astype(np.uint8))
    (labels / "heart" / "two.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    _save(labels / "heart" / "three.png", _half(left=True))
    _save(labels / "left_lung" / "two.jpg", _half(left=True))
    reasons = {s.file: " ".join(s.reasons) for s in import_labels(project, labels).skipped}
    assert "256 grey values" in reasons["one.png"]
    assert "cannot be read" in reasons["two.png"] and "JPEG" in reasons["two.png"]
    assert "no radiograph of the project has this name" in reasons["three.png"]
    assert project.labelled() == []


def test_unknown_labels_are_named_or_added(project: Project, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    _save(labels / "Left Breast" / "one.png", _half(left=True))
    with pytest.raises(LabelFileError, match="'Left Breast' is not in the project's schema"):
        import_labels(project, labels)
    assert project.labelled() == []
    assert import_labels(project, labels, extend_schema=True).objects == 1
    assert project.schema["left_breast"].tool is Tool.MASK
    with Project.open(project.folder) as again:
        assert "left_breast" in again.schema


def test_swapped_sides_are_noticed(project: Project, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    _save(labels / "right_lung" / "one.png", _half(left=False))
    _save(labels / "left_lung" / "one.png", _half(left=True))
    (note,) = import_labels(project, labels).notes
    assert "'right_lung' lies to the right of 'left_lung' in 1 of 1 images" in note


def test_folders_without_labels_say_what_could_be_there(project: Project, tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="no such file or folder"):
        import_labels(project, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LabelFileError, match=r"COCO file.*PNG masks"):
        import_labels(project, tmp_path / "empty")
    labels = tmp_path / "both"
    _save(labels / "masks" / "heart" / "one.png", _half(left=True))
    (labels / "coco.json").write_text('{"images": [], "annotations": [], "categories": []}', "utf-8")
    with pytest.raises(LabelFileError, match="more than once"):
        import_labels(project, labels)


def test_radiographs_of_one_name_are_told_apart_by_folder(tmp_path: Path) -> None:
    paths = [_save(tmp_path / day / "chest.png", np.full(SHAPE, i, np.uint8)) for i, day in enumerate(("may", "june"))]
    names = FileNames(header for path in paths for header in read_header(path))
    assert names.find("june/chest.png").path == str(paths[1])
    with pytest.raises(UnmatchedError, match="2 radiographs of the project have this name"):
        names.find("chest.png")


def test_the_table_beside_pictures_tells_the_patient(tmp_path: Path) -> None:
    path = _save(tmp_path / "one.png", np.zeros(SHAPE, np.uint8))
    table = tmp_path / "metadata.csv"
    table.write_text("File Name,Patient ID,Sex,age,view,licence\none.png,17,F,44,PA,\nthree.png,18,,,,\n", "utf-8-sig")
    (header,) = read_header(path)
    header = described(header, read_metadata(table))
    assert (header.patient_id, header.patient_sex, header.patient_age, header.view) == ("17", "F", "44", "PA")
    for separator in (";", "\t"):  # of spreadsheets where the comma stands before decimals
        table.write_text("file;age\none.png;3,5\n".replace(";", separator), "utf-8")
        assert read_metadata(table) == {"one.png": {"age": "3,5"}}
    table.write_text("name,age\none.png,3\n", "utf-8")
    with pytest.raises(LabelFileError, match=r"metadata\.csv.*call it 'filename'\. It has: name, age"):
        read_metadata(table)
    table.write_text("filename,patient_id\none.png,3\none.png,4\n", "utf-8")
    with pytest.raises(LabelFileError, match=r"line 3 says other things of 'one\.png'"):
        read_metadata(table)


def test_masks_of_real_radiographs(tmp_path: Path) -> None:
    data = os.environ.get("XRAYAI_TEST_DATA")
    if not data:
        pytest.skip("XRAYAI_TEST_DATA is not set")
    folder = Path(data, "chest-segmentation")
    table = read_metadata(folder / "metadata.csv")
    with Project.create(tmp_path / "project") as project:
        pictures = sorted((folder / "images").iterdir())[:12]
        project.add(described(header, table) for picture in pictures for header in read_header(picture))
        assert all(image.header.patient_id for image in project.images())
        report = import_labels(project, folder)
        assert (report.images, report.objects, len(report.skipped), report.notes) == (12, 36, 48, ())
        for image in project.images():
            findings = project.reference(image.uid)
            assert findings is not None
            for mask in findings.of(Mask):
                with Picture.open(folder / "masks" / mask.label / Path(image.header.path).name) as picture:
                    np.testing.assert_array_equal(mask.array(), np.asarray(picture))
        export = export_project(project, "coco")
        assert (export.images, export.objects, export.warnings) == (12, 36, ())
