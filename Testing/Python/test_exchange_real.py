"""Real radiographs with their labels: out in every format that takes them, and in again."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exchange_cases import ANNA
from XRayAILib.dicom.radiograph import read_header
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.labels import import_labels
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, Landmark, Mask
from XRayAILib.findings.schema import Label, LabelSchema, Skeleton, Tool
from XRayAILib.project.project import Project

SOME = 6
"""Images of a data set that a test takes."""


def _pictures(folder: Path) -> list[Path]:
    return sorted((folder / "images").iterdir())[:SOME]


@pytest.fixture(scope="module")
def lungs(test_data: Path, tmp_path_factory: Any) -> Any:
    """Chest radiographs with a mask of each lung and of the heart with the mediastinum."""
    folder = test_data / "chest-segmentation"
    with Project.create(tmp_path_factory.mktemp("lungs") / "project") as project:
        project.add([header for path in _pictures(folder) for header in read_header(path)])
        assert import_labels(project, folder).objects == 3 * SOME
        yield project


@pytest.fixture(scope="module")
def boxes(test_data: Path, tmp_path_factory: Any) -> Any:
    """Chest radiographs with a box around each lung."""
    folder = test_data / "chest-boxes"
    with Project.create(tmp_path_factory.mktemp("boxes") / "project") as project:
        project.add([header for path in _pictures(folder) for header in read_header(path)])
        assert import_labels(project, folder).objects == 2 * SOME
        yield project


@pytest.fixture(scope="module")
def skulls(test_data: Path, tmp_path_factory: Any) -> Any:
    """Lateral skull radiographs with ten landmarks each."""
    folder = test_data / "cephalometric-landmarks"
    with (folder / "landmarks.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = tuple(dict.fromkeys(row["landmark"] for row in rows))
    labels = tuple(Label(name, name, Tool.LANDMARK, "#ffeb3b") for name in names)
    schema = LabelSchema("cephalometry", labels, (Skeleton("skull", "Skull", names, ((names[0], names[1]),)),))
    with Project.create(tmp_path_factory.mktemp("skulls") / "project", schema) as project:
        for path in _pictures(folder):
            (header,) = read_header(path)
            project.add([header])
            points = [
                Landmark(label=row["landmark"], x=float(row["x"]), y=float(row["y"]), author=ANNA)
                for row in rows
                if row["filename"] == path.name
            ]
            project.save(Findings(header.uid, header.shape, ANNA, tuple(points)))
        yield project


def _back(project: Project, name: str, **choice: Any) -> list[tuple[Findings, Findings]]:
    """What was said of each image, and what came back of an export in this format."""
    export = export_project(project, name, Choice(**choice))
    report = import_labels(project, export.folder)
    assert not report.skipped and report.images == export.images == SOME
    pairs = []
    for image in project.images():
        back = project.findings(image.uid, Author.imported(export.folder.name).key)
        first = project.findings(image.uid, project.tracks(image.uid)[-1].author.key)
        assert back is not None and first is not None
        pairs.append((first, back))
    return pairs


@pytest.mark.parametrize("name", ["coco", "cvat", "label-studio", "labelme"])
def test_masks_come_back_bit_for_bit(lungs: Project, name: str) -> None:
    for first, back in _back(lungs, name, images="none"):
        for mask in first.of(Mask):
            (other,) = back.of(Mask, mask.label)
            np.testing.assert_array_equal(other.array(), mask.array())


def test_outlines_of_yolo_lose_only_holes_and_parts(lungs: Project) -> None:
    """The parts of a mask, filled, cover the mask and nothing beyond its outer border."""
    from scipy.ndimage import binary_fill_holes

    for first, back in _back(lungs, "yolo-segment", images="none"):
        for mask in first.of(Mask):
            together = np.any([other.array() for other in back.of(Mask, mask.label)], axis=0)
            np.testing.assert_array_equal(together, binary_fill_holes(mask.array()))


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("coco", "png8"),
        ("yolo-detect", "png8"),
        ("voc", "png16"),
        ("cvat", "none"),
        ("label-studio", "none"),
        ("labelme", "png8"),
        ("yolo-obb", "none"),
    ],
)
def test_boxes_come_back_where_they_were(boxes: Project, name: str, images: str) -> None:
    for first, back in _back(boxes, name, images=images):
        for box in first.of(Box):
            (other,) = back.of(Box, box.label)
            np.testing.assert_allclose((other.x0, other.y0, other.x1, other.y1), (box.x0, box.y0, box.x1, box.y1))


@pytest.mark.parametrize("name", ["coco", "yolo-pose", "cvat", "label-studio", "labelme"])
def test_landmarks_come_back_where_they_were(skulls: Project, name: str) -> None:
    for first, back in _back(skulls, name, images="none"):
        found = {point.label: (point.x, point.y) for point in back.of(Landmark)}
        wanted = {point.label: (point.x, point.y) for point in first.of(Landmark)}
        assert found.keys() == wanted.keys()
        np.testing.assert_allclose([found[label] for label in wanted], list(wanted.values()), atol=1e-6)


def test_supervision_sees_the_boxes_of_all_formats_in_one_place(boxes: Project) -> None:
    """supervision's boxes have 0 on the outer corner of the first pixel, ours on its centre."""
    import supervision

    wanted = sorted(
        (round(b.x0 + 0.5, 2), round(b.y0 + 0.5, 2), round(b.x1 + 0.5, 2), round(b.y1 + 0.5, 2))
        for image in boxes.images()
        for b in boxes.tracks(image.uid)[-1].of(Box)
    )
    voc = export_project(boxes, "voc").folder
    yolo = export_project(boxes, "yolo-detect").folder
    labelme = export_project(boxes, "labelme").folder
    coco = export_project(boxes, "coco").folder
    load = supervision.DetectionDataset
    sets: dict[str, Callable[[], Any]] = {
        "voc": lambda: load.from_pascal_voc(str(voc / "JPEGImages"), str(voc / "Annotations")),
        "yolo": lambda: load.from_yolo(str(yolo / "images/train"), str(yolo / "labels/train"), str(yolo / "data.yaml")),
        "labelme": lambda: load.from_labelme(str(labelme), str(labelme)),
        "coco": lambda: load.from_coco(str(coco / "images"), str(coco / "annotations.json")),
    }
    for name, opened in sets.items():
        found = sorted(tuple(round(float(v), 2) for v in box) for _, _, said in opened() for box in said.xyxy)
        assert len(found) == len(wanted) == 2 * SOME, name
        np.testing.assert_allclose(found, wanted, atol=0.02, err_msg=name)
