"""Files of labels with faults: clear words, and all or none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exchange_cases import SCHEMA, everything, new_project, uid_of
from XRayAILib.exchange import text_file
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.label_studio.brush_runs import decode_brush, encode_brush
from XRayAILib.exchange.labels import import_labels
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box, Mask, Polygon
from XRayAILib.project.project import Project

SQUARE = [[10.0, 10.0], [20.0, 10.0], [20.0, 20.0], [10.0, 20.0]]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with new_project(tmp_path) as project:
        yield project


def _voc(box: str = "<xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>", name: str = "nodule") -> str:
    return (
        "<annotation><filename>one.png</filename><size><width>80</width><height>60</height><depth>1</depth></size>"
        f"<object><name>{name}</name><bndbox>{box}</bndbox></object></annotation>"
    )


def _cvat(shape: str) -> str:
    return (
        f"<annotations><version>1.1</version><meta><task/></meta>"
        f'<image id="0" name="one.png" width="80" height="60">{shape}</image></annotations>'
    )


def _labelme(**shape: Any) -> str:
    shape = {"label": "nodule", "shape_type": "polygon", "points": SQUARE, **shape}
    size = {"imageHeight": 60, "imageWidth": 80}
    return json.dumps({"shapes": [shape], "imagePath": "one.png", "imageData": None, **size})


def _label_studio(kind: str = "rectanglelabels", **value: Any) -> str:
    place = {"x": 10, "y": 10, "width": 5, "height": 5, "rotation": 0, kind: ["nodule"]}
    result = {"id": "r1", "type": kind, "from_name": "a", "to_name": "image", "value": {**place, **value}}
    return json.dumps(
        [{"id": 1, "data": {"image": "/data/upload/1/12345678-one.png"}, "annotations": [{"result": [result]}]}]
    )


GOOD = {
    "voc.xml": _voc(),
    "cvat.xml": _cvat('<box label="nodule" xtl="1" ytl="1" xbr="5" ybr="5"/>'),
    "labelme.json": _labelme(),
    "label-studio.json": _label_studio(),
    "yolo/data.yaml": "names: [nodule]",
}
"""File name -> text in which nothing is wrong."""


def _written(folder: Path, name: str, text: str | bytes, rows: str = "0 0.5 0.5 0.25 0.25\n") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if "yolo" in name:
        (path.parent / "labels").mkdir(exist_ok=True)
        (path.parent / "labels" / "one.txt").write_text(rows)
    return path


@pytest.mark.parametrize("name", GOOD)
def test_files_in_order_are_found_out_by_their_content(project: Project, tmp_path: Path, name: str) -> None:
    path = _written(tmp_path, name, GOOD[name])
    tried = import_labels(project, path, dry_run=True)
    assert tried.summary == "would import 1 object of 1 image" and not project.labelled()
    report = import_labels(project, path)
    assert (report.images, report.objects, report.skipped) == (1, 1, ())
    before = project.last_revision()
    import_labels(project, path)
    assert project.last_revision() == before, "the same labels again change nothing"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("voc.xml", _voc("<xmin>70</xmin><ymin>1</ymin><xmax>95</xmax><ymax>5</ymax>"), "outside the image of 80 x 60"),
        ("voc.xml", _voc("<xmin>nan</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>"), "xmin is no number"),
        ("voc.xml", _voc("<xmin>9</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>"), r"reaches from \(9, 1\) to"),
        ("voc.xml", _voc("<xmin>9</xmin>"), "ymin is no number"),
        ("voc.xml", _voc().replace("<width>80", "<width>800"), "800 x 60 pixels"),
        ("cvat.xml", _cvat('<box label="nodule" xtl="5" ytl="1" xbr="1" ybr="5"/>'), "the size -4 x 4"),
        ("cvat.xml", _cvat('<polygon label="opacity" points="1,1;2,2"/>'), "at least 3 points"),
        ("cvat.xml", _cvat('<polygon label="opacity" points="1,1;2;3,3"/>'), "not pairs of x and y"),
        ("cvat.xml", _cvat('<polygon label="opacity" points="1,1;inf,2;3,3"/>'), "x is no number: 'inf'"),
        ("cvat.xml", _cvat('<mask label="lung" rle="3,4" left="0" top="0" width="2" height="2"/>'), "cover 7 pixels"),
        ("cvat.xml", _cvat('<mask label="lung" rle="4" left="79" top="0" width="2" height="2"/>'), "lies outside"),
        ("cvat.xml", _cvat('<cuboid label="nodule"/>'), "'cuboid' is a kind that has no place"),
        ("cvat.xml", _cvat('<tag label="view"><attribute name="value">LL</attribute></tag>'), "allows PA, AP"),
        ("labelme.json", _labelme(points=SQUARE[:2]), "at least 3 points"),
        ("labelme.json", _labelme(points=[[10**400, 2], [3, 4], [5, 6]]), "no number: '1000"),
        ("labelme.json", _labelme(points=[[1, 2, 3]]), "not pairs of x and y"),
        ("labelme.json", _labelme(shape_type="mask", mask="no picture"), "mask is no picture"),
        ("labelme.json", _labelme(shape_type="circle", points=SQUARE[:1]), "a circle needs|half axes|2 points"),
        ("label-studio.json", _label_studio(width=-5), "the size -4 x 3"),
        ("label-studio.json", _label_studio(x="wide"), "x is no number: 'wide'"),
        ("label-studio.json", _label_studio("brushlabels", format="rle", rle=[1, 2, 300]), "not a list of bytes"),
        ("label-studio.json", _label_studio("brushlabels", format="rle", rle=[255] * 9), "the image has 4800"),
        ("label-studio.json", _label_studio("videorectangle"), "a kind of result that has no place"),
    ],
)
def test_a_fault_is_named_and_nothing_is_imported(
    project: Project, tmp_path: Path, name: str, text: str, reason: str
) -> None:
    report = import_labels(project, _written(tmp_path, name, text))
    (skipped,) = report.skipped
    assert report.refused and not project.labelled()
    assert any(re.search(reason, line) for line in skipped.reasons), skipped.reasons
    assert all(Path(name).name in line for line in skipped.reasons)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0 0.5 0.5 0.25", "3 coordinates"),
        ("0 0.5 0.5 0.25 nan", "coordinate is no number: 'nan'"),
        ("0 0.95 0.5 0.25 0.25", "outside the image"),
        ("0 0.5 0.5 -0.25 0.25", "the size -20 x 15"),
        ("7 0.5 0.5 0.25 0.25", "class 7 is not in data.yaml, which has 1"),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1", "7 coordinates"),
    ],
)
def test_a_wrong_row_of_yolo_is_named(project: Project, tmp_path: Path, row: str, reason: str) -> None:
    path = _written(tmp_path, "yolo/data.yaml", GOOD["yolo/data.yaml"], f"0 0.5 0.5 0.25 0.25\n{row}\n")
    report = import_labels(project, path)
    ((text,),) = (skipped.reasons for skipped in report.skipped)
    assert report.refused and re.search(reason, text) and "one.txt, line 2" in text


@pytest.mark.parametrize("name", GOOD)
def test_a_label_that_the_schema_does_not_have_is_named_or_added(project: Project, tmp_path: Path, name: str) -> None:
    path = _written(tmp_path, name, GOOD[name].replace("nodule", "Pleural effusion"))
    with pytest.raises(LabelFileError, match="'Pleural effusion' is not in the project's schema"):
        import_labels(project, path)
    assert project.schema == SCHEMA
    import_labels(project, path, extend_schema=True, dry_run=True)
    assert project.schema == SCHEMA and not project.labelled()
    assert import_labels(project, path, extend_schema=True).objects == 1
    assert "pleural_effusion" in project.schema


@pytest.mark.parametrize("name", [name for name in GOOD if "yolo" not in name])
def test_damaged_files_are_refused_by_name(project: Project, tmp_path: Path, name: str, monkeypatch: Any) -> None:
    text = GOOD[name].encode()
    for damaged, reason in (
        (text[: len(text) // 2], "cannot be read as|no labels that are known"),
        (text.replace(b"nodule", b"n\xf6dule"), "not in UTF-8"),
        (b"", "cannot be read as"),
    ):
        with pytest.raises(LabelFileError, match=reason) as told:
            import_labels(project, _written(tmp_path, name, damaged))
        assert name in str(told.value)
    monkeypatch.setattr(text_file, "LARGEST", 10)
    with pytest.raises(LabelFileError, match="a file of labels has less"):
        import_labels(project, _written(tmp_path, name, text))
    assert not project.labelled()


def test_entities_that_grow_are_not_expanded(project: Project, tmp_path: Path) -> None:
    """Ten entities of ten each are ten thousand million letters in the name of a label."""
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "lol"}">' for i in range(10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE a [{entities}]>' + _voc(name="&e9;")
    with pytest.raises(LabelFileError, match="a document type, which may do harm"):
        import_labels(project, _written(tmp_path, "voc.xml", bomb))
    outside = '<!DOCTYPE a SYSTEM "file:///etc/passwd">' + _voc()
    with pytest.raises(LabelFileError, match="document type"):
        import_labels(project, _written(tmp_path, "voc.xml", outside))


def test_an_outline_that_crosses_itself_is_taken_and_told(project: Project, tmp_path: Path) -> None:
    bow = [[10.0, 10.0], [20.0, 20.0], [20.0, 10.0], [10.0, 20.0]]
    report = import_labels(project, _written(tmp_path, "labelme.json", _labelme(label="opacity", points=bow)))
    assert report.objects == 1 and "crosses itself" in report.notes[0] and "shape 1" in report.notes[0]
    found = project.findings(uid_of(project, "one"), Author.imported("labelme").key)
    assert found is not None and len(found.of(Polygon)) == 1


def test_several_peoples_annotations_of_a_task_are_several_authors(project: Project, tmp_path: Path) -> None:
    (task,) = json.loads(_label_studio())
    (one,) = task["annotations"]
    task["annotations"] = [{**one, "completed_by": 3}, {**one, "completed_by": {"email": "bert@example.org"}}]
    task["annotations"].append({**one, "was_cancelled": True})
    import_labels(project, _written(tmp_path, "label-studio.json", json.dumps([task])))
    tracks = project.tracks(uid_of(project, "one"))
    assert {f.author.name for f in tracks} == {"label-studio, 3", "label-studio, bert@example.org"}


def test_images_that_the_project_does_not_have_are_no_fault(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "annotations"
    folder.mkdir()
    (folder / "one.xml").write_text(_voc())
    (folder / "three.xml").write_text(_voc().replace("one.png", "three.png"))
    report = import_labels(project, folder)
    assert not report.refused and report.images == 1 and len(report.unmatched) == 1
    assert "no radiograph of the project has this name" in report.unmatched[0].reasons[0]


def test_brush_runs_come_back_and_lies_about_their_size_cost_nothing() -> None:
    random = np.random.default_rng(4)
    for density in (0.0, 0.3, 1.0):
        mask = random.random((37, 53)) < density
        np.testing.assert_array_equal(decode_brush(encode_brush(mask), mask.shape), mask)
    large = np.zeros((3000, 2500), bool)
    large[500:2500, 300:2000] = True
    np.testing.assert_array_equal(decode_brush(encode_brush(large), large.shape), large)
    with pytest.raises(ValueError, match="end in the middle"):
        decode_brush(encode_brush(large)[:40], large.shape)


KILLED = """
import os, sys
from pathlib import Path
from XRayAILib.exchange.labels import import_labels
from XRayAILib.project import history, many
from XRayAILib.project.project import Project
stored = []
def store_new(connection, batch):
    if stored:
        print(len(stored), flush=True)
        os._exit(9)
    stored.append(many.store_new(connection, batch))
    return []
history.store_new = store_new
history.batches = lambda items: many.batches(items, 1)
with Project.open(Path(sys.argv[1])) as project:
    import_labels(project, Path(sys.argv[2]), extend_schema=True)
"""


def test_an_import_that_is_killed_in_the_middle_leaves_nothing(project: Project, tmp_path: Path) -> None:
    """The process ends between the images of one transaction; afterwards the import can be done again."""
    folder = tmp_path / "annotations"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.xml").write_text(_voc(name="new label").replace("one.png", f"{name}.png"))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(project.folder), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 9 and done.stdout.strip() == "1", done.stderr
    assert not project.labelled() and project.last_revision() == 0
    with Project.open(project.folder) as again:
        report = import_labels(again, folder, extend_schema=True)
        assert report.images == 2 and len(again.labelled()) == 2


def test_a_stopped_import_saves_nothing(project: Project, tmp_path: Path) -> None:
    def stop(done: int, total: int, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_labels(project, _written(tmp_path, "voc.xml", _voc()), progress=stop)
    assert not project.labelled()


def test_masks_and_boxes_of_others_mean_the_same_pixels(project: Project, tmp_path: Path) -> None:
    """The four pixels from (3, 2) to (4, 3), as each program writes them."""
    uid = uid_of(project, "one")
    percent = {"x": 300 / 80, "y": 200 / 60, "width": 200 / 80, "height": 200 / 60}
    same = {
        "voc.xml": _voc("<xmin>4</xmin><ymin>3</ymin><xmax>5</xmax><ymax>4</ymax>"),
        "cvat.xml": _cvat('<box label="nodule" xtl="3" ytl="2" xbr="5" ybr="4"/>'),
        "labelme.json": _labelme(shape_type="rectangle", points=[[5, 2], [3, 4]]),
        "label-studio.json": _label_studio(**percent),
    }
    for name, text in same.items():
        import_labels(project, _written(tmp_path, name, text))
        found = project.findings(uid, Author.imported(Path(name).stem).key)
        assert found is not None
        (box,) = found.of(Box)
        assert np.allclose((box.x0, box.y0, box.x1, box.y1), (2.5, 1.5, 4.5, 3.5)), name
    path = _written(tmp_path, "yolo/data.yaml", "names: [nodule]", f"0 {4 / 80} {3 / 60} {2 / 80} {2 / 60}\n")
    import_labels(project, path, name="yolo")
    found = project.findings(uid, Author.imported("yolo").key)
    assert found is not None and np.allclose([found.of(Box)[0].x0, found.of(Box)[0].y1], [2.5, 3.5])
    mask = '<mask label="lung" rle="0, 4" left="3" top="2" width="2" height="2"/>'
    import_labels(project, _written(tmp_path, "cvat2.xml", _cvat(mask)))
    found = project.findings(uid, Author.imported("cvat2").key)
    assert found is not None
    assert np.argwhere(found.of(Mask)[0].array()).tolist() == [[2, 3], [2, 4], [3, 3], [3, 4]]


def test_numbers_beyond_all_measure_are_refused_by_name(project: Project, tmp_path: Path) -> None:
    digits = "9" * 5000
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10**400, 1, 2, 2]}
    document = {
        "images": [{"id": 1, "file_name": "one.png", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "nodule"}],
        "annotations": [box],
    }
    (skipped,) = import_labels(project, _written(tmp_path, "a.json", json.dumps(document))).skipped
    assert "annotation 1 (one.png): its bbox has a value that is far too large" in skipped.reasons[0]
    with pytest.raises(LabelFileError, match=r"b\.json: the file cannot be read as JSON"):
        import_labels(project, _written(tmp_path, "b.json", f'{{"images": {digits}}}'))
    path = _written(tmp_path, "yolo/data.yaml", f"names:\n  {digits}: nodule\n", "0 0.5 0.5 0.25 0.25\n")
    with pytest.raises(LabelFileError, match=r"data\.yaml: the file cannot be read as YAML"):
        import_labels(project, path)


def test_labels_of_all_alphabets_are_told_apart(project: Project, tmp_path: Path) -> None:
    """Only letters a to z make a name of the schema; what people call a label is its title."""
    names = ("größe", "grüße", "肺", "心", "Lëvre", "right\n\u202elung")
    for name in names:
        with pytest.raises(LabelFileError, match="is not in the project's schema"):
            import_labels(project, _written(tmp_path, "labels.json", _labelme(label=name)))
        report = import_labels(project, tmp_path / "labels.json", extend_schema=True)
        assert report.objects == 1 and not report.refused
    added = [label for label in project.schema if label.name not in {known.name for known in SCHEMA}]
    assert [label.name for label in added] == ["grosse", "grusse", "label", "label_2", "levre", "right_lung"]
    assert [label.title for label in added] == [*names[:5], "right lung"]
    with pytest.raises(LabelFileError, match=r"the label 'a{100}\.\.\.' is not"):
        import_labels(project, _written(tmp_path, "labels.json", _labelme(label="a" * 5000)), extend_schema=True)


@pytest.mark.parametrize("make", ["export", "snapshot"])
def test_what_a_killed_program_left_is_swept_away_the_next_day(project: Project, make: str) -> None:
    project.save(everything(uid_of(project, "one")))
    folder = project.exports_folder if make == "export" else project.snapshots.folder
    old, new = folder / ".coco-0.part", folder / ".coco-1.part"
    for part in (old, new):
        (part / "images").mkdir(parents=True)
        (part / "images" / "one.png").write_bytes(b"half")
    for path in (old, *old.rglob("*")):
        os.utime(path, (0, 0))
    for path in (new, new / "images"):
        os.utime(path, (0, 0))  # somebody still writes the picture in it
    if make == "export":
        export_project(project, "coco")
    else:
        project.snapshots.create()
    assert not old.exists() and new.exists()
