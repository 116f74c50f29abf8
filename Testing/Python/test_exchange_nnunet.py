"""nnU-Net's raw data sets, label maps and MONAI datalists, on real chests whose masks overlap."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from format_cases import ANNA, disc, made_project
from XRayAILib.dicom.radiograph import read_header
from XRayAILib.exchange.area_join import LabelMap
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.labels import import_labels
from XRayAILib.findings.author import Author
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.project.project import Project

STRUCTURES = ("right_lung", "left_lung", "cardiomediastinum")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with made_project(tmp_path) as project:
        yield project


@pytest.fixture
def chests(test_data: Path, tmp_path: Path) -> Iterator[Project]:
    """Four real chests with masks of three structures that overlap."""
    folder = test_data / "chest-segmentation"
    with Project.create(tmp_path / "chests", chest_schema()) as project:
        pictures = sorted((folder / "images").glob("*.png"))[:4]
        for picture in pictures:
            (header,) = read_header(picture)
            project.add([header])
            masks = [
                Mask.from_array(
                    np.asarray(Picture.open(folder / "masks" / name / picture.name)), label=name, author=ANNA
                )
                for name in STRUCTURES
            ]
            project.save(Findings(header.uid, header.shape, ANNA, tuple(masks)))
        uids = [image.uid for image in project.images()]
        project.assign_split(dict(zip(uids, ("train", "train", "validation", "test"), strict=True)))
        yield project


def _dataset(folder: Path) -> tuple[Path, dict[str, Any]]:
    (place,) = folder.glob("Dataset*")
    return place, json.loads((place / "dataset.json").read_text("utf-8"))


def test_structures_that_overlap_become_regions(chests: Project) -> None:
    export = export_project(chests, "nnunet")
    place, description = _dataset(export.folder)
    labels = description["labels"]
    assert all(isinstance(labels[name], list) and len(labels[name]) > 1 for name in ("cardiomediastinum", "left_lung"))
    assert description["numTraining"] == 3 and description["file_ending"] == ".png"
    assert len(list((place / "imagesTr").glob("*_0000.png"))) == len(list((place / "labelsTr").glob("*.png"))) == 3
    assert len(list((place / "imagesTs").iterdir())) == len(list((place / "labelsTs").iterdir())) == 1
    # nnU-Net wants whole numbers without a gap, and paints predicted regions in this order.
    values = sorted({value for found in labels.values() for value in (found if isinstance(found, list) else [found])})
    assert values == list(range(len(values)))
    assert len(description["regions_class_order"]) == len(labels) - 1
    (fold,) = json.loads((place / "splits_final.json").read_text("utf-8"))
    assert len(fold["train"]) == 2 and len(fold["val"]) == 1
    assert {path.stem for path in (place / "labelsTr").glob("*.png")} == {*fold["train"], *fold["val"]}


@pytest.mark.parametrize("name", ["nnunet", "labelmap", "monai", "masks"])
def test_real_masks_come_back_bit_for_bit(chests: Project, name: str) -> None:
    export = export_project(chests, name)
    import_labels(chests, export.folder, name="back")
    for image in chests.images():
        before, back = chests.findings(image.uid, ANNA.key), chests.findings(image.uid, Author.imported("back").key)
        assert before is not None and back is not None
        for mask in before.of(Mask):
            (again,) = back.of(Mask, mask.label)
            np.testing.assert_array_equal(again.array(), mask.array())


def test_without_overlap_a_label_is_a_number(tmp_path: Path, project: Project) -> None:
    for image in project.images():
        shape = image.header.shape
        masks = (
            Mask.from_array(disc(shape, 20, 40, 15), label="right_lung", author=ANNA),
            Mask.from_array(disc(shape, 70, 40, 15), label="left_lung", author=ANNA),
        )
        project.save(Findings(image.uid, shape, ANNA, masks))
    _, description = _dataset(export_project(project, "nnunet").folder)
    assert description["labels"]["background"] == 0 and description["labels"]["right_lung"] == 1
    assert "regions_class_order" not in description


def test_several_masks_of_a_label_become_one(project: Project) -> None:
    uid, shape = project.images()[0].uid, project.images()[0].header.shape
    one, other = disc(shape, 20, 40, 9), disc(shape, 70, 40, 9)
    masks = tuple(Mask.from_array(pixels, label="heart", author=ANNA) for pixels in (one, other))
    project.save(Findings(uid, shape, ANNA, masks))
    export = export_project(project, "masks")
    import_labels(project, export.folder, name="back")
    found = project.findings(uid, Author.imported("back").key)
    assert found is not None
    np.testing.assert_array_equal(found.of(Mask)[0].array(), one | other)


def test_every_combination_of_labels_has_a_number_of_its_own() -> None:
    label_map = LabelMap(["a", "b", "c"])
    shape = (4, 6)
    masks = []
    for label, columns in (("a", slice(0, 4)), ("b", slice(2, 6)), ("c", slice(3, 4))):
        pixels = np.zeros(shape, bool)
        pixels[:, columns] = True
        masks.append(Mask.from_array(pixels, label=label, author=ANNA))
    values = label_map.picture(masks, shape)
    assert values[0].tolist() == [1, 1, 4, 5, 2, 2]
    assert label_map.regions() == {"a": [1, 4, 5], "b": [2, 4, 5], "c": [3, 5]}
    with pytest.raises(ExportError, match="at most 64 labels"):
        LabelMap([f"label{number}" for number in range(65)])


def test_a_data_set_of_somebody_else(project: Project, tmp_path: Path) -> None:
    """Labels by number, files named like the radiographs."""
    image = project.images()[0]
    place = tmp_path / "Dataset007_Foreign"
    (place / "labelsTr").mkdir(parents=True)
    values = np.zeros(image.header.shape, np.uint8)
    values[10:20, 10:30] = 2
    Picture.fromarray(values).save(place / "labelsTr" / f"{Path(image.header.path).stem}.png")
    (place / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "Left lung": 1, "heart": 2}}))
    report = import_labels(project, place)
    assert (report.images, report.objects) == (1, 1)
    found = project.findings(image.uid, Author.imported("Dataset007_Foreign").key)
    assert found is not None and found.of(Mask, "heart")[0].area == 200

    values[0, 0] = 9
    Picture.fromarray(values).save(place / "labelsTr" / f"{Path(image.header.path).stem}.png")
    report = import_labels(project, place)
    assert report.refused and "its number 9 stands for no label" in report.skipped[0].reasons[0]
    Picture.fromarray(values[:50]).save(place / "labelsTr" / f"{Path(image.header.path).stem}.png")
    report = import_labels(project, place)
    assert report.refused and "128 x 50 pixels" in report.skipped[0].reasons[0]


def test_a_datalist_of_somebody_else(project: Project, tmp_path: Path) -> None:
    image = project.images()[0]
    name = Path(image.header.path).name
    values = np.zeros(image.header.shape, np.uint8)
    values[10:20, 10:30] = 1
    Picture.fromarray(values).save(tmp_path / "label.png")
    document: dict[str, Any] = {
        "labels": {"0": "background", "1": "heart"},
        "box_labels": {"4": "nodule"},
        "training": [{"image": f"images/{name}", "label": "label.png", "box": [[1, 2, 11, 12]], "box_label": [4]}],
    }
    (tmp_path / "list.json").write_text(json.dumps(document))
    report = import_labels(project, tmp_path / "list.json")
    found = project.findings(image.uid, Author.imported("list").key)
    assert report.objects == 2 and found is not None
    assert found.of(Mask, "heart")[0].area == 200
    document["training"][0]["box"] = [[1, 2, 11]]
    (tmp_path / "list.json").write_text(json.dumps(document))
    report = import_labels(project, tmp_path / "list.json")
    assert report.refused and "not a list of 4 numbers" in report.skipped[0].reasons[0]


def test_labels_that_nnunet_uses_itself_are_refused(project: Project) -> None:
    from dataclasses import replace

    from XRayAILib.findings.schema import Label, Tool

    label = Label("background", "Background", Tool.MASK, "#000000")
    project.set_schema(replace(project.schema, labels=(*project.schema.labels, label)))
    with pytest.raises(ExportError, match="give that label another name"):
        export_project(project, "nnunet")


@pytest.mark.parametrize("shares", ["70/15/15", "50/0/50"])
def test_images_are_dealt_by_patient(chests: Project, project: Project, shares: str) -> None:
    from XRayAILib.exchange.splits import parts_of

    images = [*chests.images(), *project.images()]
    parts = parts_of(images, shares)
    assert parts == parts_of(reversed(images), shares)
    patients = {}
    for image in images:
        assert patients.setdefault(image.header.patient_key, parts[image.uid]) == parts[image.uid]
        if image.split:
            assert parts[image.uid] == image.split
    assert set(parts.values()) <= {"train", "validation", "test"}
    if shares == "50/0/50":
        assert all(parts[image.uid] != "validation" for image in project.images())


def test_a_split_that_is_none_is_refused(project: Project) -> None:
    for wrong in ("70/30", "a/b/c", "0/0/0"):
        with pytest.raises(ExportError, match="is no split"):
            export_project(project, "monai", Choice(split=wrong))
    uids = [image.uid for image in project.images()]
    project.assign_split({uids[0]: "train", uids[1]: "test"})
    from dataclasses import replace

    from XRayAILib.exchange.splits import parts_of

    same = [replace(i, header=replace(i.header, patient_id="ONE")) for i in project.images()]
    with pytest.raises(ExportError, match="no patient is on two sides"):
        parts_of(same, "70/15/15")


@pytest.mark.parametrize("form", ["png8", "png16", "dicom", "none"])
def test_the_forms_of_pictures(project: Project, form: str) -> None:
    from pydicom import dcmread

    export = export_project(project, "csv", Choice(images=form))
    pictures = sorted((export.folder / "images").glob("*")) if form != "none" else []
    assert len(pictures) == (0 if form == "none" else 3)
    by_name = {Path(p).stem: p for p in pictures}
    names = __import__("pandas").read_csv(export.folder / "objects.csv")["image"].unique()
    for name in names if pictures else ():
        path = by_name[name]
        if form == "dicom":
            data = dcmread(path)
            assert data.PatientIdentityRemoved == "YES" and "Wedge" not in str(data.PatientName)
            assert data.SOPInstanceUID not in {image.header.sop_instance_uid for image in project.images()}
        else:
            values = np.asarray(Picture.open(path))
            assert values.dtype == (np.uint8 if form == "png8" else np.uint16)
            assert values.min() == 0 and values.max() == np.iinfo(values.dtype).max


def test_own_names_and_the_files_as_they_are(project: Project) -> None:
    export = export_project(project, "dicom-seg", Choice(own_names=True))
    for image in project.images():
        copy = export.folder / "images" / Path(image.header.path).name
        assert copy.read_bytes() == Path(image.header.path).read_bytes()
