"""Exporting and importing on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange_cases import ANNA, SHAPE, approved, everything, new_project, uid_of
from XRayAILib.apps.cli import app
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.formats import FORMATS
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, Mask
from XRayAILib.project.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """``one.png`` with everything, a draft; ``two.png`` with one approved box, in the part for tests."""
    with new_project(tmp_path) as project:
        project.save(everything(uid_of(project, "one")))
        two = uid_of(project, "two")
        project.save(approved(Findings(two, SHAPE, ANNA, (Box(label="nodule", author=ANNA, x0=1, y0=1, x1=5, y1=5),))))
        project.assign_split({two: "test"})
        yield project


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_formats_are_listed_with_who_reads_them_again() -> None:
    done = _run("export", "--list")
    assert done.exit_code == 0
    for name in FORMATS:
        assert name in done.output
    assert "read again by supervision" in done.output


def test_losses_are_said_before_an_export_and_alone_on_demand(project: Project) -> None:
    done = _run("export", "-p", project.folder, "--format", "yolo-detect", "--dry-run")
    assert done.exit_code == 0 and "4 masks become boxes" in " ".join(done.output.split())
    assert not list(project.exports_folder.iterdir())
    done = _run("export", "-p", project.folder, "--format", "yolo-detect", "--images", "none")
    assert done.exit_code == 0 and done.output.index("become boxes") < done.output.index("read again")
    assert (project.exports_folder / "yolo-detect" / "labels" / "test").is_dir()


@pytest.mark.parametrize(
    ("options", "images"),
    [
        ((), 2),
        (("--only-approved",), 2),
        (("--reader", "anna"), 2),
        (("--filter", "split=test"), 1),
        (("--filter", "two.png"), 1),
        (("--filter", "split="), 1),
    ],
)
def test_what_is_exported_can_be_chosen(project: Project, options: tuple[str, ...], images: int) -> None:
    done = _run("export", "-p", project.folder, "--format", "coco", "--images", "none", *options)
    assert done.exit_code == 0, done.output
    document = json.loads((project.exports_folder / "coco" / "annotations.json").read_text("utf-8"))
    assert len(document["images"]) == images
    if options == ("--only-approved",):
        assert {a["xrayai"]["status"] for a in document["annotations"]} == {"approved"}


def test_names_are_codes_unless_the_files_own_are_wanted(project: Project) -> None:
    for own, expected in ((), False), (("--own-names",), True):
        _run("export", "-p", project.folder, "--format", "voc", "--images", "none", "--name", "named", *own)
        folder = sorted(project.exports_folder.glob("named*"))[-1]
        assert (folder / "Annotations" / "two.xml").exists() is expected


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--format", "dicomdir"), "There is no export 'dicomdir'; there are coco"),
        (("--format", "voc", "--images", "dicom"), "goes with pictures of these forms: png8"),
        (("--reader", "bert"), "no image has labels of those that were chosen"),
        (("--filter", "colour=red"), "there is no such column"),
        (("--option", "polygons"), "not of the form KEY=VALUE"),
        (("--option", "polygons=perhaps"), "the option polygons is no or yes, not 'perhaps'"),
        (("--option", "foo=1"), "COCO has no option 'foo'; it has polygons=no|yes"),
        (("--format", "voc", "--option", "polygons=yes"), "Pascal VOC has no option 'polygons'; it has none"),
        (("--split", "half"), "is no split"),
    ],
)
def test_what_cannot_be_exported_is_said(project: Project, options: tuple[str, ...], reason: str) -> None:
    done = _run("export", "-p", project.folder, *options)
    assert done.exit_code != 0 and reason in str(done.exception)
    assert not list(project.exports_folder.iterdir())


def test_an_import_can_be_tried_first(project: Project) -> None:
    _run("export", "-p", project.folder, "--format", "cvat", "--images", "none")
    folder, before = project.exports_folder / "cvat", project.last_revision()
    done = _run("import", folder, "-p", project.folder, "--dry-run")
    assert done.exit_code == 0 and "would import" in done.output and project.last_revision() == before
    done = _run("import", folder, "-p", project.folder, "--format", "cvat")
    assert done.exit_code == 0 and project.last_revision() == before + 2


def test_the_same_labels_again_are_said_to_be_unchanged(project: Project) -> None:
    _run("export", "-p", project.folder, "--format", "coco", "--images", "none")
    folder = project.exports_folder / "coco"
    done = _run("import", folder, "-p", project.folder)
    assert done.exit_code == 0 and "unchanged" not in done.output
    revision = project.last_revision()
    done = _run("import", folder, "-p", project.folder)
    assert done.exit_code == 0 and "unchanged, an earlier import" in done.output and project.last_revision() == revision
    # Of two images, one now says something else.
    path = folder / "annotations.json"
    document = json.loads(path.read_text("utf-8"))
    boxes = [a for a in document["annotations"] if a["xrayai"]["kind"] == "box" and not a["segmentation"]]
    boxes[-1]["bbox"][2] += 1
    path.write_text(json.dumps(document), "utf-8")
    done = _run("import", folder, "-p", project.folder)
    assert done.exit_code == 0 and "1 image unchanged" in done.output and project.last_revision() == revision + 1


@pytest.mark.parametrize("name", ["labels.json", "labels.csv"])
def test_labels_of_other_images_are_an_error(project: Project, tmp_path: Path, name: str) -> None:
    """Most likely the wrong file, or the wrong project; a script must see it."""
    path = tmp_path / name
    if name.endswith(".csv"):
        path.write_text("filename,label\nnine.png,pneumonia\nten.png,pneumonia\n", "utf-8")
    else:
        images = [{"id": i, "file_name": f"{i}.png", "width": 80, "height": 60} for i in (9, 10)]
        boxes = [{"id": i, "image_id": i, "category_id": 1, "bbox": [1, 2, 3, 4]} for i in (9, 10)]
        categories = [{"id": 1, "name": "nodule"}]
        path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}), "utf-8")
    done = _run("import", path, "-p", project.folder)
    assert done.exit_code == 3
    assert f"the project does not have any of the 2 images that {name} is of" in " ".join(done.output.split())


def test_faults_are_told_and_the_rest_is_taken_only_on_demand(project: Project) -> None:
    _run("export", "-p", project.folder, "--format", "labelme", "--images", "none", "--own-names")
    folder, before = project.exports_folder / "labelme", project.last_revision()
    document = json.loads((folder / "one.json").read_text("utf-8"))
    document["shapes"][0]["points"] = []
    (folder / "one.json").write_text(json.dumps(document), "utf-8")
    done = _run("import", folder, "-p", project.folder)
    assert done.exit_code == 3 and "nothing imported, because 1 image is faulty" in " ".join(done.output.split())
    assert "one.json, shape 1" in " ".join(done.output.split()) and project.last_revision() == before
    done = _run("import", folder, "-p", project.folder, "--leave-out-faulty")
    assert done.exit_code == 0 and project.last_revision() == before + 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dicom-seg", "one.png is a picture: DICOM SEG refers to DICOM images"),
        ("nnunet", "nnU-Net v2 has no place for"),
    ],
)
def test_why_nothing_was_exported_is_said(project: Project, name: str, reason: str) -> None:
    one = uid_of(project, "one")
    objects = everything(one).of(Mask if name == "dicom-seg" else Box)
    project.save(Findings(one, SHAPE, ANNA, objects))
    with pytest.raises(ExportError, match=f"Nothing was exported.*{reason}"):
        export_project(project, name)
    assert not list(project.exports_folder.iterdir())
