"""nnU-Net, MONAI, CSV, PNG masks, Slicer and DICOM: findings out and in again, and what of them each cannot hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image as Picture

from format_cases import ANNA, EXTRA, everything, made_project
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.exchange import formats, gate
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.export import export_project, losses
from XRayAILib.exchange.format import Plan
from XRayAILib.exchange.formats import format_named
from XRayAILib.exchange.labels import import_labels
from XRayAILib.exchange.said import COMMON, Said, said
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.objects import now
from XRayAILib.project.project import Project

FORMATS = ("nnunet", "monai", "csv", "masks", "labelmap", "slicer", "dicom-seg", "dicom-sr")
TITLE = "What of findings each format cannot hold (out and in again)"


@pytest.fixture
def project(tmp_path: Path):
    """Images whose pixels are not square."""
    with made_project(tmp_path, 2, ImagerPixelSpacing=[0.2, 0.15]) as project:
        yield project


def _back(project: Project, name: str, **choice: Any) -> dict[str, Findings]:
    """What comes back of every image, by its uid."""
    export = export_project(project, name, Choice(**choice))
    report = import_labels(project, export.folder, extend_schema=False)
    assert report.skipped == () and not report.refused, report.skipped
    assert report.objects == export.objects and report.images == export.images
    author = Author.imported(export.folder.name)
    found = {image.uid: project.findings(image.uid, author.key) for image in project.images()}
    return {uid: findings for uid, findings in found.items() if findings is not None}


def _same(one: Said, other: Said, tolerance: float) -> bool:
    return (
        (one.kind, one.label, one.pixels, one.record) == (other.kind, other.label, other.pixels, other.record)
        and len(one.numbers) == len(other.numbers)
        and bool(np.allclose(one.numbers, other.numbers, rtol=0, atol=max(tolerance, 1e-9)))
    )


@pytest.mark.parametrize("name", FORMATS)
def test_only_what_a_format_says_is_lost(project: Project, name: str, table_of: Any) -> None:
    form = format_named(name)
    back = _back(project, name)
    assert len(back) == 2
    for uid, found in back.items():
        before = project.findings(uid, ANNA.key)
        assert before is not None
        held = form.join([other for item in before for other in form.hold(item, before.shape)], project.schema)
        left = [said(item, form.carries) for item in found]
        for item in held:
            wanted = said(item, form.carries)
            match = next((other for other in left if _same(wanted, other, form.tolerance)), None)
            assert match is not None, f"{name}: {wanted} did not come back; there are {left}"
            left.remove(match)
        assert not left
        if {"id", "author", "status"} <= form.carries:
            # In the order in which they were, and with all that objects carry.
            kept = {item.id: item for item in found}
            for item in held:
                for field in form.carries:
                    assert getattr(kept[item.id], field) == getattr(item, field), (item.kind, field)

    became = {}
    for item in before:
        became.setdefault(item.kind, set()).update(other.kind for other in form.hold(item, before.shape))
    assert set(became) == set(KINDS), "the case misses a kind of object"
    for kind, others in became.items():
        assert others == ({form.becomes[kind]} if form.becomes.get(kind) else set()), kind
    whole = [kind for kind, others in became.items() if others == {kind}]
    changed = [f"{kind} -> {', '.join(others)}" for kind, others in became.items() if others - {kind}]
    gone = [kind for kind, others in became.items() if not others]
    lost = [field for field in COMMON if field not in form.carries]
    parts = {"as they are": whole, "changed": changed, "gone": gone, "fields gone": lost}
    line = f"{form.title:22} " + "; ".join(f"{what}: {', '.join(some)}" for what, some in parts.items() if some)
    if line not in table_of(TITLE):
        table_of(TITLE).append(line)


@pytest.mark.parametrize("name", FORMATS)
def test_losses_are_said_before_the_start(project: Project, name: str) -> None:
    form, text = format_named(name), " ".join(losses(project, name))
    contents = Contents.of([everything(image.uid, image.header.shape) for image in project.images()])
    for kind in contents.kinds:
        if form.becomes.get(kind) != kind:
            assert f" {kind}" in text, f"{name} says nothing of {kind}: {text}"
    assert ("attributes of 2 objects" in text) == ("attributes" not in form.carries)


@pytest.mark.parametrize("name", FORMATS)
def test_importing_again_changes_nothing(project: Project, name: str) -> None:
    export = export_project(project, name)
    import_labels(project, export.folder)
    revision = project.last_revision()
    import_labels(project, export.folder)
    assert project.last_revision() == revision


@pytest.mark.parametrize("name", FORMATS)
def test_a_label_that_the_schema_has_no_more_is_named_or_added(project: Project, name: str, tmp_path: Path) -> None:
    from dataclasses import replace

    from XRayAILib.exchange.errors import LabelFileError

    export = export_project(project, name)
    kept = tuple(label for label in project.schema if label.name not in (*EXTRA, "heart"))
    project.set_schema(replace(project.schema, labels=kept, rules=(), skeletons=()))
    try:
        report = import_labels(project, export.folder)
    except LabelFileError as error:
        assert "'heart'" in str(error) and "not in the project's schema" in str(error)
    else:
        assert report.refused and "not in the project's schema" in report.skipped[0].reasons[0]
    report = import_labels(project, export.folder, extend_schema=True)
    assert report.objects == export.objects


@pytest.mark.parametrize("name", FORMATS)
def test_parts_and_names_of_patients(project: Project, name: str) -> None:
    """No name of a patient leaves the house, and the parts of an export are those of the project."""
    uids = [image.uid for image in project.images()]
    project.assign_split({uids[0]: "train", uids[1]: "test"})
    export = export_project(project, name)
    for path in export.folder.rglob("*"):
        assert "Wedge" not in path.name and "P1" not in path.name
        if path.is_file():
            assert b"Wedge" not in path.read_bytes()
            for uid in uids:
                assert uid.encode() not in path.read_bytes(), path


def _other_pixel(path: Path) -> None:
    with Picture.open(path) as picture:
        values = np.array(picture)
    values[50, 60] = 0 if values[50, 60] else 1 if path.parent.name != "heart" else 255
    Picture.fromarray(values).save(path)


def _other_text(old: str, new: str) -> Any:
    def change(path: Path) -> None:
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return change


def _other_seg(path: Path) -> None:
    data = pydicom.dcmread(path)
    data.PixelData = bytes([data.PixelData[0] ^ 1]) + data.PixelData[1:]
    data.save_as(path)


def _other_sr(path: Path) -> None:
    data = pydicom.dcmread(path)
    for item in data.iterall():
        if item.keyword == "GraphicData":
            item.value = [item.value[0] + 0.25, *item.value[1:]]
            break
    data.save_as(path)


@pytest.mark.parametrize(
    ("name", "file", "change"),
    [
        ("nnunet", "Dataset501_XRayAI/labelsTr/*.png", _other_pixel),
        ("labelmap", "labelmaps/*.png", _other_pixel),
        ("masks", "masks/heart/*.png", _other_pixel),
        ("masks", "masks/heart/*.png", Path.unlink),
        ("monai", "labels/heart/*.png", _other_pixel),
        ("monai", "dataset.json", _other_text('"PA"', '"AP"')),
        ("csv", "objects.csv", _other_text("draft", "approved")),
        ("csv", "objects.csv", _other_text("0.8125", "0.8126")),
        ("slicer", "markups/*.mrk.json", _other_text('"status": "draft"', '"status": "approved"')),
        ("slicer", "segmentations/*.seg.nrrd", Path.unlink),
        ("dicom-seg", "seg/*.dcm", _other_seg),
        ("dicom-sr", "sr/*.dcm", _other_sr),
        ("dicom-sr", "sr/*.dcm", Path.unlink),
    ],
)
def test_the_gate_finds_what_was_not_written_as_it_should(project: Project, name: str, file: str, change: Any) -> None:
    form = format_named(name)
    folder = export_project(project, name).folder
    plan = Plan(project.schema, Choice(), project.name, form.forms[0], Pseudonyms.of(project.folder))
    expected = dict(form.read_again(folder, plan))
    gate.check(form, folder, plan, expected)
    change(sorted(folder.glob(file))[0])
    with pytest.raises(ExportError, match=r"missing|came back|was read back|dataset"):
        gate.check(form, folder, plan, expected)


@pytest.mark.parametrize("name", list(formats.FORMATS))
def test_the_same_findings_give_the_same_files(project: Project, name: str) -> None:
    """Byte by byte, with the time of the newest object where a format has one, so that copies can be compared."""
    first, second = (export_project(project, name).folder for _ in range(2))
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    today = now()[:10]
    for file in files:
        written = (first / file).read_bytes()
        assert written == (second / file).read_bytes(), file
        for day in (today, today.replace("-", "")):
            assert day.encode() not in written, file
