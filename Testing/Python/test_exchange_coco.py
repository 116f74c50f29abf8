"""Findings out as COCO and in again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from pycocotools import mask as runs
from pycocotools.coco import COCO

from XRayAILib.dicom.radiograph import read_header
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.coco import format as coco_format
from XRayAILib.exchange.coco.format import Coco
from XRayAILib.exchange.coco.read import CocoFile, read_coco
from XRayAILib.exchange.errors import ExportError, LabelFileError
from XRayAILib.exchange.export import Export, export_project
from XRayAILib.exchange.file_names import FileNames
from XRayAILib.exchange.labels import import_labels
from XRayAILib.exchange.rle import decode
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Tool
from XRayAILib.project.project import Project

ANNA = Author.person("anna")
SHAPE = (60, 80)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of two pictures, ``one.png`` and ``two.png``, 80 pixels wide and 60 high."""
    random = np.random.default_rng(1)
    with Project.create(tmp_path / "project") as project:
        for name in ("one", "two"):
            path = tmp_path / "pictures" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            Picture.fromarray(random.integers(0, 256, SHAPE, dtype=np.uint8)).save(path)
            project.add(read_header(path))
        yield project


def _export(project: Project, name: str = "", polygons: bool = False, **choice: Any) -> Export:
    options = {"polygons": "yes"} if polygons else {}
    return export_project(project, "coco", Choice(options=options, **choice), name=name)


def _uid(project: Project, name: str) -> str:
    return next(image.uid for image in project.images() if Path(image.header.path).stem == name)


def _everything(uid: str) -> Findings:
    """One object of each kind, and the awkward ones: noise, a hole, no pixel at all, a second landmark of a name."""
    random = np.random.default_rng(2)
    ring = np.zeros(SHAPE, bool)
    ring[10:50, 5:30] = True
    ring[20:30, 10:20] = False
    whole = np.zeros(SHAPE, bool)
    whole[15:40, 45:70] = True
    model = Author.model("lungs", "ab" * 32)
    return Findings(
        uid,
        SHAPE,
        ANNA,
        (
            Mask.from_array(ring, label="right_lung", author=ANNA, status=Status.APPROVED),
            Mask.from_array(whole, label="left_lung", author=model, score=0.75, derived_from="another"),
            Mask.from_array(random.random(SHAPE) < 0.4, label="heart", author=ANNA),
            Mask.from_array(np.zeros(SHAPE, bool), label="cardiomediastinum", author=ANNA),
            Polygon(label="opacity", author=ANNA, points=((3.25, 4.5), (30.0, 7.125), (12.0, 33.0))),
            Box(label="nodule", author=ANNA, x0=-0.5, y0=-0.5, x1=9.5, y1=4.25, attributes=(("margin", "sharp"),)),
            Landmark(label="carina", author=ANNA, x=40.25, y=20.0),
            Landmark(label="right_apex", author=ANNA, x=15.0, y=5.0, visible=False),
            Landmark(label="carina", author=model, x=41.0, y=21.0, score=0.5),
            ImageLabel(label="view", author=ANNA, value="PA"),
        ),
    )


def _by_id(findings: Findings) -> dict[str, Any]:
    return {item.id: item for item in findings}


@pytest.mark.parametrize("polygons", [False, True])
def test_everything_comes_back_as_it_was(project: Project, polygons: bool) -> None:
    uid = _uid(project, "one")
    said = _everything(uid)
    project.save(said)
    export = _export(project, polygons=polygons)
    assert (export.images, export.objects, export.without_labels, export.warnings) == (1, len(said), 1, ())

    # The names in the export are pseudonyms; the project knows its own.
    report = import_labels(project, export.folder)
    assert (report.images, report.objects, report.skipped) == (1, len(said), ())
    back = project.findings(uid, Author.imported("coco").key)
    assert back is not None
    assert _by_id(back) == _by_id(said)


def test_pycocotools_reads_what_coco_means(project: Project) -> None:
    uid = _uid(project, "one")
    said = _everything(uid)
    project.save(said)
    coco = COCO(str(_export(project).folder / "annotations.json"))
    names = {category["id"]: category["name"] for category in coco.cats.values()}
    assert min(coco.anns) == 1
    by_name: dict[str, list[dict[str, Any]]] = {}
    for annotation in coco.anns.values():
        by_name.setdefault(names[annotation["category_id"]], []).append(annotation)

    (box,) = by_name["nodule"]
    assert box["bbox"] == [0, 0, 10, 4.75]  # 0 is the outer corner of the first pixel
    (ring,) = by_name["right_lung"]
    np.testing.assert_array_equal(coco.annToMask(ring), said.of(Mask, "right_lung")[0].array())
    assert ring["area"] == 40 * 25 - 100
    (outline,) = by_name["opacity"]
    assert outline["segmentation"] == [[3.75, 5.0, 30.5, 7.625, 12.5, 33.5]]
    first, second = by_name["landmarks"]
    (category,) = coco.loadCats([first["category_id"]])
    carina = 3 * category["keypoints"].index("carina")
    assert first["keypoints"][carina : carina + 3] == [40.75, 20.5, 2]
    assert (first["num_keypoints"], second["num_keypoints"]) == (2, 1)
    (image,) = coco.imgs.values()
    assert image["attributes"] == {"view": "PA"}


def test_pictures_and_names_of_an_export(project: Project) -> None:
    uid = _uid(project, "one")
    header = project.header(uid)
    project.save(_everything(uid))
    export = _export(project, images="png16")
    text = (export.folder / "annotations.json").read_text("utf-8")
    assert "one" not in [Path(image["file_name"]).stem for image in json.loads(text)["images"]]
    assert header.uid not in text and header.path not in text
    (image,) = json.loads(text)["images"]
    with Picture.open(export.folder / "images" / image["file_name"]) as picture:
        pixels = np.asarray(picture)
    np.testing.assert_allclose(pixels / 65535, project.radiograph(uid).display(), atol=1e-5)
    assert _export(project).folder.name == "coco-2"
    assert not list(project.exports_folder.glob(".*"))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda document: _shift_runs(document), "mask 'right_lung'.*other pixels"),
        (lambda document: _move_box(document), "box 'nodule'.*another place"),
        (lambda document: document["annotations"].pop(1), "mask 'left_lung'.*missing"),
        (lambda document: document["annotations"][0].update(category_id=2), "mask 'right_lung'.*'left_lung'"),
        (lambda document: document["images"][0].update(file_name="other.png"), "image other was.*never written"),
        (lambda document: document["annotations"][0]["xrayai"].update(status="draft"), "right_lung'.*another status"),
    ],
)
def test_nothing_is_released_when_the_file_does_not_say_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], object], name: str
) -> None:
    """As if the writer had a fault: what it wrote is changed before the gate reads it."""

    class Faulty(Coco):
        def write(self, folder: Path, *rest: Any) -> None:
            super().write(folder, *rest)
            path = folder / "annotations.json"
            document = json.loads(path.read_text("utf-8"))
            change(document)
            path.write_text(json.dumps(document), "utf-8")

    monkeypatch.setattr(coco_format, "Coco", Faulty)
    project.save(_everything(_uid(project, "one")))
    with pytest.raises(ExportError, match=name):
        _export(project)
    assert not list(project.exports_folder.iterdir())


def _shift_runs(document: Any) -> None:
    segmentation = document["annotations"][0]["segmentation"]
    mask = runs.decode(segmentation)
    mask[0, 0] = 1
    segmentation["counts"] = runs.encode(np.asfortranarray(mask))["counts"].decode()


def _move_box(document: Any) -> None:
    next(a for a in document["annotations"] if a["xrayai"]["kind"] == "box")["bbox"][0] += 0.5


def test_an_object_outside_its_image_stops_the_export(project: Project) -> None:
    uid = _uid(project, "one")
    project.save(Findings(uid, SHAPE, ANNA, (Box(label="nodule", author=ANNA, x0=90, y0=5, x1=99, y1=9),)))
    with pytest.raises(ExportError, match=r"'nodule'.*outside"):
        _export(project)
    assert not list(project.exports_folder.iterdir())


def test_what_reaches_over_the_border_is_cut_and_told(project: Project) -> None:
    uid = _uid(project, "one")
    box = Box(label="nodule", author=ANNA, x0=70, y0=5, x1=99, y1=9)
    outline = Polygon(label="opacity", author=ANNA, points=((-20.5, 9.5), (19.5, 9.5), (19.5, 29.5), (-20.5, 29.5)))
    project.save(Findings(uid, SHAPE, ANNA, (box, outline)))
    export = _export(project)
    assert len(export.warnings) == 2
    annotations = json.loads((export.folder / "annotations.json").read_text("utf-8"))["annotations"]
    assert [a["bbox"] for a in annotations] == [[70.5, 5.5, 9.5, 4], [0, 10, 20, 20]]
    assert annotations[1]["area"] == 400


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_left(project: Project) -> None:
    project.save(_everything(_uid(project, "one")))
    project.exports_folder.rmdir()
    project.exports_folder.write_text("in the way", "utf-8")
    with pytest.raises(ExportError, match=r"exports failed.*Nothing was exported"):
        _export(project)


def test_an_empty_project_says_what_to_do(project: Project) -> None:
    with pytest.raises(ExportError, match="no image of the project has labels"):
        _export(project)


def test_excluded_images_stay_out(project: Project) -> None:
    for name in ("one", "two"):
        project.save(_everything(_uid(project, name)))
    project.exclude(_uid(project, "two"), "blurred")
    export = _export(project)
    assert (export.images, export.without_labels) == (1, 1)


def test_only_what_is_approved_on_demand(project: Project) -> None:
    for name in ("one", "two"):
        project.save(_everything(_uid(project, name)))
    assert _export(project, only_approved=True).objects == 2
    draft = Box(label="nodule", author=ANNA, x0=1, y0=1, x1=3, y1=3)
    project.save(Findings(_uid(project, "two"), SHAPE, ANNA, (draft,)))
    export = _export(project, only_approved=True)
    assert (export.images, export.objects, export.without_labels) == (1, 1, 1)


# Reading what others wrote --------------------------------------------------------------------------------------


def _coco(*annotations: dict[str, Any], categories: tuple[str, ...] = ("Right Lung", "opacity")) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "some/folder/ONE.jpg", "width": SHAPE[1], "height": SHAPE[0]}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(categories, start=1)],
        "annotations": [{"id": 10 + i, "image_id": 7, "iscrowd": 0, **a} for i, a in enumerate(annotations)],
    }


def _file(tmp_path: Path, document: object) -> Path:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def _names(project: Project) -> FileNames:
    return FileNames(image.header for image in project.images())


def test_boxes_polygons_and_run_lengths_of_other_programs(project: Project, tmp_path: Path) -> None:
    rectangle = np.zeros(SHAPE, np.uint8)
    rectangle[10:20, 30:40] = 1
    text = runs.encode(np.asfortranarray(rectangle))["counts"].decode()
    square = [30, 10, 40, 10, 40, 20, 30, 20]
    path = _file(
        tmp_path,
        _coco(
            {"category_id": 1, "bbox": [0, 0, 10, 5]},
            {"category_id": 1, "bbox": [30, 10, 10, 10], "segmentation": [square]},
            {"category_id": 2, "bbox": [30, 10, 10, 10], "segmentation": [square]},
            {"category_id": 2, "bbox": [30, 10, 10, 10], "segmentation": {"size": list(SHAPE), "counts": text}},
        ),
    )
    report = read_coco(path, _names(project), chest_schema())
    assert report.skipped == ()
    (findings,) = report.findings
    box, lung, outline, runs_mask = findings
    assert isinstance(box, Box) and (box.label, box.x0, box.y0, box.x1, box.y1) == ("right_lung", -0.5, -0.5, 9.5, 4.5)
    assert isinstance(lung, Mask)  # the schema has the lung as a mask, the opacity as a polygon
    np.testing.assert_array_equal(lung.array(), rectangle)
    assert isinstance(outline, Polygon) and outline.points[0] == (29.5, 9.5)
    assert isinstance(runs_mask, Mask)
    np.testing.assert_array_equal(runs_mask.array(), rectangle)
    assert all(item.status is Status.APPROVED and item.author == Author.imported("labels") for item in findings)


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"category_id": 2, "bbox": [75, 5, 10, 5]}, "outside the image of 80 x 60"),
        ({"category_id": 2, "bbox": [5, 5, -3, 5]}, "the size -3 x 5"),
        ({"category_id": 2, "bbox": [5, 5, 3]}, "not a list of 4 numbers"),
        ({"category_id": 2, "bbox": [5, 5, "3", 4]}, "no number: '3'"),
        ({"category_id": 2, "bbox": [5, 5, float("nan"), 4]}, "no number: nan"),
        ({"category_id": 2, "bbox": [0, 0, 1, 1], "segmentation": [[0, 0, 1, 1]]}, "at least 3 points"),
        ({"category_id": 2, "segmentation": [[0, 0, 100, 0, 100, 10]]}, "polygon reaches"),
        ({"category_id": 2, "segmentation": {"size": [80, 60], "counts": [4800]}}, r"image of \[80, 60\]"),
        ({"category_id": 2, "segmentation": {"size": [60, 80], "counts": [4700]}}, "cover 4700 pixels"),
        ({"category_id": 2, "segmentation": {"size": [60, 80], "counts": "~~~"}}, "not the text of run lengths"),
        ({"category_id": 9, "bbox": [0, 0, 1, 1]}, "category 9 is not in the file"),
        ({"category_id": 2, "bbox": [0, 0, 1, 1], "xrayai": {"id": "x"}}, "'xrayai' entry is damaged"),
        ({"image_id": 8, "category_id": 2, "bbox": [0, 0, 1, 1]}, "image 8, which is not in the file"),
    ],
)
def test_a_wrong_annotation_is_named_and_nothing_is_imported(
    project: Project, tmp_path: Path, annotation: dict[str, Any], reason: str
) -> None:
    good = {"category_id": 2, "bbox": [1, 1, 4, 4]}
    report = import_labels(project, _file(tmp_path, _coco(good, annotation)))
    (skipped,) = report.skipped
    (text,) = skipped.reasons
    assert "labels.json" in text and "11" in text
    assert re.search(reason, text), text
    assert report.refused and "nothing imported, because 1 image is faulty" in report.summary
    assert not project.labelled()
    # On demand the others are taken. An image is whole or not at all: only a wrong annotation of another leaves it in.
    report = import_labels(project, tmp_path / "labels.json", leave_out_faulty=True)
    assert not report.refused and len(report.skipped) == 1
    assert len(project.labelled()) == report.images == (1 if annotation.get("image_id") == 8 else 0)


def test_unknown_categories_are_listed_and_can_be_added(project: Project, tmp_path: Path) -> None:
    boxes = ({"category_id": 1, "bbox": [1, 1, 4, 4]}, {"category_id": 2, "bbox": [1, 1, 4, 4]})
    path = _file(tmp_path, _coco(*boxes, categories=("Pleural Effusion", "Nodule")))
    with pytest.raises(LabelFileError, match=r"labels\.json.*'Pleural Effusion' is not in the project's schema"):
        import_labels(project, path)
    assert import_labels(project, path, extend_schema=True).objects == 2
    assert project.schema["pleural_effusion"].tool is Tool.BOX


def test_importing_twice_changes_nothing(project: Project, tmp_path: Path) -> None:
    path = _file(tmp_path, _coco({"category_id": 2, "bbox": [1, 1, 4, 4]}))
    import_labels(project, path)
    import_labels(project, path)
    assert len(project.revisions(_uid(project, "one"))) == 1


def test_images_of_another_size_or_name_are_skipped(project: Project, tmp_path: Path) -> None:
    document = _coco({"category_id": 2, "bbox": [1, 1, 4, 4]})
    document["images"][0]["width"] = 160
    (skipped,) = import_labels(project, _file(tmp_path, document)).skipped
    assert "160 x 60" in skipped.reasons[0] and "80 x 60" in skipped.reasons[0]
    document["images"][0]["file_name"] = "three.png"
    (skipped,) = import_labels(project, _file(tmp_path, document)).skipped
    assert "no radiograph of the project has this name" in skipped.reasons[0]


@pytest.mark.parametrize(
    "text", ["{", "[1, 2]", '{"images": []}', '{"images": [1], "annotations": [], "categories": []}']
)
def test_what_is_no_coco_file_is_refused_by_name(project: Project, tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(text, "utf-8")
    with pytest.raises(LabelFileError, match=r"labels\.json"):
        import_labels(project, path)


def test_run_lengths_are_read_as_pycocotools_reads_them() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        mask = random.random((37, 23)) < random.random()
        text = runs.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
        np.testing.assert_array_equal(decode(text.decode(), mask.shape), mask)
    large = np.zeros((3000, 2500), np.uint8, order="F")
    large[1000:2000, 700:701] = 1
    np.testing.assert_array_equal(decode(runs.encode(large)["counts"], large.shape), large)


def test_the_lung_boxes_of_real_radiographs(tmp_path: Path) -> None:
    """330 boxes of 165 images, one of them half a pixel over the border; out again as they came in."""
    data = os.environ.get("XRAYAI_TEST_DATA")
    if not data:
        pytest.skip("XRAYAI_TEST_DATA is not set")
    folder = Path(data, "chest-boxes")
    wanted = CocoFile.open(folder / "annotations.json")
    with Project.create(tmp_path / "project") as project:
        for picture in sorted((folder / "images").iterdir()):
            project.add(read_header(picture))
        report = import_labels(project, folder)
        assert report.skipped == () and report.notes == ()
        assert report.objects == sum(map(len, wanted.annotations.values())) == 330
        boxes = [b for uid in project.labelled() for f in project.tracks(uid) for b in f.of(Box)]
        assert {box.label for box in boxes} == {"right_lung", "left_lung"}
        first = wanted.annotations[1][0]["bbox"]
        assert any((b.x0, b.y0, b.width, b.height) == (first[0] - 0.5, first[1] - 0.5, *first[2:]) for b in boxes)


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", " ", ".hidden", "C:x"])
def test_an_export_stays_in_its_place(name: str, project: Project) -> None:
    project.save(_everything(_uid(project, "one")))
    with pytest.raises(ExportError, match="name of an export"):
        _export(project, name)
    assert not list(project.exports_folder.iterdir())


def test_pictures_with_text_burned_in_are_told_of(tmp_path: Path) -> None:
    from PIL import ImageDraw, ImageFont

    picture = Picture.fromarray(np.full((300, 400), 40, np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.text((40, 60), "DOE JOHN 1950-01-31", fill=230, font=ImageFont.load_default(size=24))
    picture.save(tmp_path / "named.png")
    with Project.create(tmp_path / "named") as project:
        project.add(read_header(tmp_path / "named.png"))
        uid = project.images()[0].uid
        box = Box(label="nodule", author=ANNA, x0=10, y0=200, x1=30, y1=220)
        project.save(Findings(uid, (300, 400), ANNA, (box,)))
        project.hygiene.check(project.schema, processes=1)
        assert any("text burned in" in warning for warning in _export(project).warnings)
