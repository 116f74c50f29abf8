"""Masks as DICOM SEG: for real images, none of which has a frame of reference, read again by highdicom and by ours."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from dicom_cases import image, save, wedge
from format_cases import ANNA, LUNGS, disc, full_schema, made_project
from XRayAILib.dicom.deidentify import Deidentifier
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.dicom.radiograph import read_header
from XRayAILib.exchange.dicom_results.seg import save as save_result
from XRayAILib.exchange.dicom_results.seg import write_heatmaps, write_seg
from XRayAILib.exchange.dicom_results.seg_read import read_seg, seg_images
from XRayAILib.exchange.dicom_results.source import read_source
from XRayAILib.exchange.errors import ExportError, LabelFileError
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.labels import import_labels
from XRayAILib.findings.author import Author
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.project.project import Project

SCHEMA = full_schema()
IMPORTED = Author.imported("seg")
REAL = ("CR-MONO1-10-chest.dcm", "RG1_J2KI.dcm", "RG3_RLE.dcm", "dx_image.dcm")


def _masks(header: Header, author: Author = ANNA) -> Findings:
    """Two lungs of a model that overlap a heart of a person, and a mediastinum without any pixel."""
    rows, columns = header.shape
    x, y, r = columns / 2, rows / 2, min(header.shape) / 5
    time = {"created": "2026-01-02T03:04:05+00:00"}
    return Findings(
        header.uid,
        header.shape,
        author,
        (
            Mask.from_array(disc(header.shape, x - r, y, r), label="right_lung", author=LUNGS, **time),
            Mask.from_array(disc(header.shape, x + r, y, r), label="left_lung", author=LUNGS, **time),
            Mask.from_array(disc(header.shape, x, y, r), label="heart", author=author, **time),
            Mask.from_array(np.zeros(header.shape, bool), label="cardiomediastinum", author=author, **time),
        ),
    )


def _read(path: Path, header: Header, schema: LabelSchema = SCHEMA) -> list[Any]:
    return list(seg_images(read_seg(path), lambda place: header, schema, IMPORTED))


def _dciodvfy(path: Path) -> None:
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy (Debian: dicom3tools) is not installed")
    ran = subprocess.run([program, "-new", str(path)], capture_output=True, errors="replace", check=False)
    errors = [line for line in ran.stderr.splitlines() if line.startswith("Error")]
    assert ran.returncode == 0, errors


@pytest.mark.parametrize("name", REAL)
def test_a_real_image_and_back(test_data: Path, tmp_path: Path, name: str) -> None:
    from highdicom.seg import segread

    (header,) = read_header(test_data / "dicom" / name)
    findings = _masks(header)
    save_result(write_seg(read_source(header), findings, SCHEMA), tmp_path / "seg.dcm")

    found = segread(str(tmp_path / "seg.dcm"))
    assert found.segmentation_type.value == "BINARY"
    pixels = found.get_pixels_by_source_instance(
        [header.sop_instance_uid], ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    for number, mask in enumerate(findings):
        np.testing.assert_array_equal(pixels[0, :, :, number], mask.array())

    (back,) = _read(tmp_path / "seg.dcm", header)
    assert [(m.label, m.id, m.author) for m in back.findings] == [
        (m.label, m.id, m.author if m.author == LUNGS else IMPORTED) for m in findings
    ]
    for mask, wanted in zip(back.findings, findings, strict=True):
        np.testing.assert_array_equal(mask.array(), wanted.array())
    _dciodvfy(tmp_path / "seg.dcm")


def test_what_the_file_says_of_patient_image_and_segments(real_crs: list[Path]) -> None:
    (header,) = read_header(real_crs[0])
    source, findings = read_source(header), _masks(header)
    result = write_seg(source, findings, SCHEMA)
    assert "PixelMeasuresSequence" not in result.SharedFunctionalGroupsSequence[0]
    assert "FrameOfReferenceUID" not in result
    assert result.PatientOrientation == source.dataset.get("PatientOrientation")
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate"):
        assert result[keyword].value == source.dataset[keyword].value
    assert result.SeriesInstanceUID != source.dataset.SeriesInstanceUID
    lung, _, heart, _ = result.SegmentSequence
    code = chest_schema()["right_lung"].code
    assert code is not None
    assert lung.SegmentLabel == "Right lung"
    assert lung.SegmentedPropertyTypeCodeSequence[0].CodeValue == code.value
    assert lung.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Anatomical Structure"
    assert (lung.SegmentAlgorithmType, lung.SegmentAlgorithmName) == ("AUTOMATIC", "lungs")
    assert lung.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion == LUNGS.digest
    assert heart.SegmentAlgorithmType == "MANUAL" and "SegmentAlgorithmName" not in heart
    mask = findings.objects[2]
    assert heart.TrackingID == mask.id and heart.TrackingUID == f"2.25.{int(mask.id.replace('-', ''), 16)}"


def test_the_same_findings_make_the_same_file_and_others_another(real_crs: list[Path], tmp_path: Path) -> None:
    (header,) = read_header(real_crs[0])
    findings = _masks(header)
    for name, said in (("one", findings), ("two", findings), ("three", findings.without([findings.objects[0].id]))):
        save_result(write_seg(read_source(header), said, SCHEMA), tmp_path / name)
    one, two, three = ((tmp_path / name).read_bytes() for name in ("one", "two", "three"))
    assert one == two
    uids = [pydicom.dcmread(tmp_path / name).SOPInstanceUID for name in ("one", "three")]
    assert uids[0] != uids[1]
    assert three != one


def test_a_calibrated_patient_comes_out_under_a_pseudonym(tmp_path: Path) -> None:
    path = save(image(PatientOrientation=["L", "F"], PatientBirthDate="19500102"), tmp_path / "a.dcm")
    (header,) = read_header(path)
    pseudonyms = Pseudonyms(b"k" * 32)
    result = write_seg(read_source(header, Deidentifier(pseudonyms)), _masks(header), SCHEMA)
    save_result(result, tmp_path / "seg.dcm")
    assert b"Wedge" not in (tmp_path / "seg.dcm").read_bytes()
    assert header.sop_instance_uid.encode() not in (tmp_path / "seg.dcm").read_bytes()
    assert result.PatientID == pseudonyms.patient("WEDGE")
    assert read_seg(tmp_path / "seg.dcm").places() == [(pseudonyms.uid(header.sop_instance_uid), 0)]


@pytest.mark.parametrize(
    "sop_class",
    ["ComputedRadiographyImageStorage", "XRayAngiographicImageStorage", "EnhancedXAImageStorage"],
)
def test_one_frame_of_several(tmp_path: Path, sop_class: str) -> None:
    from pydicom import uid

    frames = np.stack([wedge(rows=40, columns=50), wedge(rows=40, columns=50)[::-1]])
    data = image(frames[0], NumberOfFrames=2, SOPClassUID=getattr(uid, sop_class))
    data.PixelData = frames.tobytes()
    headers = read_header(save(data, tmp_path / "two.dcm"))
    findings = _masks(headers[1])
    result = write_seg(read_source(headers[1]), findings, SCHEMA)
    save_result(result, tmp_path / "seg.dcm")
    file = read_seg(tmp_path / "seg.dcm")
    assert file.places() == [(headers[1].sop_instance_uid, 1)]
    referenced = result.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    assert referenced.ReferencedSOPClassUID == data.SOPClassUID
    (back,) = _read(tmp_path / "seg.dcm", headers[1])
    assert [mask.area for mask in back.findings] == [mask.area for mask in findings.of(Mask)]
    _dciodvfy(tmp_path / "seg.dcm")


@pytest.mark.parametrize(
    "more", [{}, {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}]
)
def test_an_image_that_says_it_had_a_place(tmp_path: Path, more: dict[str, object]) -> None:
    """Some DX have a frame of reference, and even an orientation."""
    from highdicom.seg import segread

    place = {"FrameOfReferenceUID": "2.25.7", "PositionReferenceIndicator": "", "PixelSpacing": [0.2, 0.2]}
    (header,) = read_header(save(image(**place, **more), tmp_path / "a.dcm"))
    findings = _masks(header)
    save_result(write_seg(read_source(header), findings, SCHEMA), tmp_path / "seg.dcm")
    found = segread(str(tmp_path / "seg.dcm"))
    pixels = found.get_pixels_by_source_instance(
        [header.sop_instance_uid], ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    np.testing.assert_array_equal(pixels[0, :, :, 0], findings.objects[0].array())  # type: ignore[attr-defined]
    _dciodvfy(tmp_path / "seg.dcm")


def test_heat_maps_are_fractional(real_crs: list[Path], tmp_path: Path) -> None:
    from highdicom.seg import segread

    (header,) = read_header(real_crs[0])
    rows, columns = header.shape
    values = np.linspace(0, 1, rows * columns).reshape(header.shape)
    result = write_heatmaps(read_source(header), {"right_lung": values}, LUNGS, SCHEMA, "digest")
    save_result(result, tmp_path / "heat.dcm")
    found = segread(str(tmp_path / "heat.dcm"))
    assert found.segmentation_type.value == "FRACTIONAL"
    again = found.get_pixels_by_source_instance([header.sop_instance_uid], ignore_spatial_locations=True)
    np.testing.assert_allclose(again[0, :, :, 0], values, atol=0.5 / 255 + 1e-6)
    (back,) = _read(tmp_path / "heat.dcm", header)
    assert "from half its maximum on" in back.notes[0]
    np.testing.assert_array_equal(back.findings.objects[0].array(), np.rint(values * 255) >= 127.5)
    with pytest.raises(ExportError, match="values from 0 to 1"):
        write_heatmaps(read_source(header), {"right_lung": values + 1}, LUNGS, SCHEMA, "digest")
    _dciodvfy(tmp_path / "heat.dcm")


def test_a_segmentation_of_another_program(test_data: Path, tmp_path: Path) -> None:
    """It names the label in words only, is of 16 x 16 pixels, and its image is a large one."""
    path = test_data / "dicom" / "seg_image_cr_binary.dcm"
    ((uid, frame),) = read_seg(path).places()
    small = image(wedge(rows=16, columns=16), SOPInstanceUID=uid)
    (header,) = read_header(save(small, tmp_path / "small.dcm"))
    with Project.create(tmp_path / "project", chest_schema()) as project:
        project.add([header])
        report = import_labels(project, path)
        assert report.refused and "'first segment'" in report.skipped[0].reasons[0]
        report = import_labels(project, path, extend_schema=True)
        assert report.objects == 1 and "first_segment" in project.schema
        found = project.findings(uid, Author.imported(path.stem).key)
    assert found is not None
    expected = pydicom.dcmread(path).pixel_array.reshape(16, 16) != 0
    np.testing.assert_array_equal(found.of(Mask)[0].array(), expected)

    (large,) = read_header(save(image(SOPInstanceUID=uid), tmp_path / "large.dcm"))
    (refused,) = _read(path, large)
    assert "16 x 16 pixels" in refused.problems[0] and "not resampled" in refused.problems[0]
    assert frame == 0


def test_a_label_is_found_by_its_code(real_crs: list[Path], tmp_path: Path) -> None:
    (header,) = read_header(real_crs[0])
    result = write_seg(read_source(header), _masks(header), SCHEMA)
    for segment, name in zip(result.SegmentSequence, ("Lunge rechts", "Lunge links", "Herz", "Mitte"), strict=True):
        segment.SegmentLabel = name
    save_result(result, tmp_path / "seg.dcm")
    (back,) = _read(tmp_path / "seg.dcm", header)
    assert [mask.label for mask in back.findings] == ["right_lung", "left_lung", "heart", "cardiomediastinum"]


def test_an_image_that_the_project_lacks_is_named(real_crs: list[Path], tmp_path: Path) -> None:
    (header,) = read_header(real_crs[0])
    save_result(write_seg(read_source(header), _masks(header), SCHEMA), tmp_path / "seg.dcm")
    with Project.create(tmp_path / "project", SCHEMA) as project:
        report = import_labels(project, tmp_path / "seg.dcm")
    assert not report.images and header.sop_instance_uid in report.unmatched[0].reasons[0]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data.pop("SegmentSequence"), "0 segments"),
        (lambda data: setattr(data, "NumberOfFrames", 50), "50 frames"),
        (lambda data: setattr(data, "Rows", 60000), "cannot be read"),
        (lambda data: setattr(data, "PixelData", data.PixelData[:10]), "cannot be read"),
        (lambda data: data.PerFrameFunctionalGroupsSequence.pop(), "of which 2 are described"),
    ],
)
def test_a_damaged_segmentation_is_refused_with_its_reason(tmp_path: Path, damage: Any, reason: str) -> None:
    (header,) = read_header(save(image(), tmp_path / "a.dcm"))
    findings = _masks(header)
    data = write_seg(read_source(header), replace(findings, objects=findings.objects[:3]), SCHEMA)
    damage(data)
    save_result(data, tmp_path / "seg.dcm")
    with pytest.raises(LabelFileError, match=reason):
        read_seg(tmp_path / "seg.dcm")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.7", "is no transfer syntax"),
        (b"\2\0\0\0UL", b"\2\0\0\0UD", "no labels here"),
    ],
)
def test_a_damaged_head_of_a_file_is_told(tmp_path: Path, old: bytes, new: bytes, reason: str) -> None:
    (header,) = read_header(save(image(), tmp_path / "a.dcm"))
    path = tmp_path / "results" / "seg.dcm"
    path.parent.mkdir()
    save_result(write_seg(read_source(header), _masks(header), SCHEMA), path)
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))
    with Project.create(tmp_path / "project", SCHEMA) as project, pytest.raises(LabelFileError, match=reason):
        project.add([header])
        import_labels(project, path.parent)


def test_what_is_no_segmentation(real_crs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(LabelFileError, match="no DICOM Segmentation"):
        read_seg(real_crs[0])
    (tmp_path / "a.dcm").write_bytes(b"nothing")
    with pytest.raises(LabelFileError, match=r"a\.dcm"):
        read_seg(tmp_path / "a.dcm")


def test_pictures_are_left_out_and_said(tmp_path: Path) -> None:
    from PIL import Image as Picture

    with made_project(tmp_path, 1) as project:
        Picture.fromarray(np.zeros((60, 70), np.uint8)).save(tmp_path / "scan.png")
        (header,) = read_header(tmp_path / "scan.png")
        project.add([header])
        mask = Mask.from_array(disc((60, 70), 30, 30, 9), label="heart", author=ANNA)
        project.save(Findings(header.uid, header.shape, ANNA, (mask,)))
        export = export_project(project, "dicom-seg")
        assert export.images == 1
        assert any("scan.png is a picture" in warning for warning in export.warnings)
        project.exclude(next(i.uid for i in project.images() if i.header.modality != "PICTURE"), "blurred")
        with pytest.raises(ExportError, match="Nothing was exported"):
            export_project(project, "dicom-seg")


def test_a_de_identified_export_is_of_one_piece(tmp_path: Path) -> None:
    """Results refer to the de-identified images beside them, and are of the same patient and study."""
    with made_project(tmp_path, 2, ImagerPixelSpacing=[0.2, 0.2], PatientOrientation=["L", "F"]) as project:
        export = export_project(project, "dicom-sr")
        uids = {image.header.sop_instance_uid for image in project.images()}
    for path in (export.folder / "images").iterdir():
        picture = pydicom.dcmread(path)
        assert picture.SOPInstanceUID not in uids and picture.PatientIdentityRemoved == "YES"
        results = [pydicom.dcmread(export.folder / kind / path.name) for kind in ("seg", "sr")]
        for result in results:
            assert result.PatientID == picture.PatientID and result.StudyInstanceUID == picture.StudyInstanceUID
            assert result.PatientIdentityRemoved == "YES"
        assert read_seg(export.folder / "seg" / path.name).places() == [(picture.SOPInstanceUID, 0)]
        evidence = results[1].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
        told = {item.ReferencedSOPInstanceUID for series in evidence for item in series.ReferencedSOPSequence}
        assert told == {picture.SOPInstanceUID, results[0].SOPInstanceUID}
        _dciodvfy(export.folder / "seg" / path.name)
        _dciodvfy(export.folder / "sr" / path.name)
    assert export.warnings == ()
