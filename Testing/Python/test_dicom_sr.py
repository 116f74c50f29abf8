"""Findings as a structured report of TID 1500, read again by pydicom alone, by highdicom and by dcmtk."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from dicom_cases import image, save
from format_cases import ANNA, LUNGS, everything, full_schema, made_project
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.radiograph import read_header
from XRayAILib.exchange.dicom_results.seg import save as save_result
from XRayAILib.exchange.dicom_results.seg import write_seg
from XRayAILib.exchange.dicom_results.seg_read import read_seg
from XRayAILib.exchange.dicom_results.source import read_source
from XRayAILib.exchange.dicom_results.sr import write_sr
from XRayAILib.exchange.dicom_results.sr_groups import read_sr
from XRayAILib.exchange.dicom_results.sr_read import sr_images
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.labels import import_labels
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import CardiothoracicRatio, Line
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse
from XRayAILib.project.project import Project

SCHEMA = full_schema()
IMPORTED = Author.imported("sr")


def _header(tmp_path: Path, **attributes: object) -> Header:
    return read_header(save(image(**attributes), tmp_path / "image.dcm"))[0]


def _written(header: Header, findings: Findings, folder: Path) -> tuple[Path, Dataset]:
    source = read_source(header)
    masks = findings.of(Mask)
    segments = {}
    if masks:
        result = write_seg(source, Findings(findings.radiograph_uid, findings.shape, ANNA, tuple(masks)), SCHEMA)
        save_result(result, folder / "seg.dcm")
        segments = {mask.id: (result, number) for number, mask in enumerate(masks, start=1)}
    save_result(write_sr(source, findings, SCHEMA, segments), folder / "sr.dcm")
    return folder / "sr.dcm", pydicom.dcmread(folder / "sr.dcm")


def _groups(report: Dataset) -> list[Dataset]:
    (container,) = [item for item in report.ContentSequence if item.ValueType == "CONTAINER"]
    return list(container.ContentSequence)


def _items(group: Dataset, kind: str) -> list[Dataset]:
    return [item for item in group.ContentSequence if item.ValueType == kind]


def _told(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


@pytest.mark.parametrize("name", ["RG3_RLE.dcm", "dx_image.dcm"])
def test_a_real_image_and_back(test_data: Path, tmp_path: Path, name: str) -> None:
    (header,) = read_header(test_data / "dicom" / name)
    findings = everything(header.uid, header.shape)
    path, _ = _written(header, findings, tmp_path)
    segmentation = read_seg(tmp_path / "seg.dcm")
    (back,) = sr_images(read_sr(path), lambda place: header, {segmentation.uid: segmentation}, SCHEMA, IMPORTED)
    assert back.findings is not None
    assert [item.id for item in back.findings] == [item.id for item in findings]
    for item, wanted in zip(back.findings, findings, strict=True):
        assert (item.label, item.kind, item.author, item.created, item.status) == (
            *(wanted.label, wanted.kind, wanted.author, wanted.created, wanted.status),
        )
        assert (item.score, item.derived_from, item.attributes) == (
            *(wanted.score, wanted.derived_from, wanted.attributes),
        )
        if isinstance(wanted, Mask):
            np.testing.assert_array_equal(item.array(), wanted.array())  # type: ignore[attr-defined]
    for program, arguments in (("dciodvfy", ["-new"]), ("dsrdump", [])):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
        ran = subprocess.run([program, *arguments, str(path)], capture_output=True, errors="replace", check=False)
        wrong = [line for line in (ran.stdout + ran.stderr).splitlines() if re.match("Error|E:|F:", line)]
        assert ran.returncode == 0 and not wrong, wrong
    assert "Cobb angle" in ran.stdout and "Measurement Group" in ran.stdout


def test_every_object_is_a_group_that_highdicom_finds(tmp_path: Path) -> None:
    from highdicom.sr import srread

    header = _header(tmp_path)
    findings = everything(header.uid, header.shape)
    path, report = _written(header, findings, tmp_path)
    assert len(_groups(report)) == len(findings)
    content: Any = srread(str(path)).content
    planar, others = content.get_planar_roi_measurement_groups(), content.get_image_measurement_groups()
    assert len(planar) + len(others) == len(findings)
    assert {group.tracking_identifier for group in (*planar, *others)} == {item.id for item in findings}


def test_coordinates_begin_at_the_outer_corner_of_the_first_pixel(tmp_path: Path) -> None:
    header = _header(tmp_path)
    box = Box(label="nodule", author=ANNA, x0=-0.5, y0=-0.5, x1=9.5, y1=4.5)
    point = Landmark(label="carina", author=ANNA, x=0.0, y=3.25)
    _, report = _written(header, Findings(header.uid, header.shape, ANNA, (box, point)), tmp_path)
    first, second = (_items(group, "SCOORD")[0] for group in _groups(report))
    assert (first.GraphicType, list(first.GraphicData)) == ("POLYLINE", [0, 0, 10, 0, 10, 5, 0, 5, 0, 0])
    assert (second.GraphicType, list(second.GraphicData)) == ("POINT", [0.5, 3.75])
    reference = first.ContentSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == header.sop_instance_uid


@pytest.mark.parametrize(
    ("spacing", "length", "unit", "worth"),
    [
        ({}, 50.0, "{pixels}", "not known"),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, 10.0, "mm", "not in the patient"),
        ({"PixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"}, 5.0, "mm", "calibrated"),
    ],
)
def test_lengths_say_what_they_are_worth(
    tmp_path: Path, spacing: dict[str, object], length: float, unit: str, worth: str
) -> None:
    header = _header(tmp_path, **spacing)
    line = Line(label="length", author=ANNA, points=((10, 10), (40, 50)))
    ratio = CardiothoracicRatio(label="ctr", author=ANNA, points=((20, 5), (45, 5), (0, 5), (50, 5)))
    _, report = _written(header, Findings(header.uid, header.shape, ANNA, (line, ratio)), tmp_path)
    first, second = (_items(group, "NUM")[0] for group in _groups(report))
    value = first.MeasuredValueSequence[0]
    assert float(value.NumericValue) == pytest.approx(length)
    assert value.MeasurementUnitsCodeSequence[0].CodeValue == unit
    (method,) = [item for item in first.ContentSequence if item.ValueType == "CODE"]
    assert worth in method.ConceptCodeSequence[0].CodeMeaning
    assert _told(first) == "Length" and _told(second) == "Cardiothoracic ratio"
    value = second.MeasuredValueSequence[0]
    assert float(value.NumericValue) == pytest.approx(0.5)
    assert value.MeasurementUnitsCodeSequence[0].CodeValue == "{ratio}"
    assert len([item for item in second.ContentSequence if item.ValueType == "SCOORD"]) == 2


def test_the_observer_is_the_person_or_the_model(tmp_path: Path) -> None:
    header = _header(tmp_path)
    for author, kind, name in ((ANNA, "Person", "anna"), (LUNGS, "Device", "lungs")):
        label = ImageLabel(label="view", value="PA", author=author)
        _, report = _written(header, Findings(header.uid, header.shape, author, (label,)), tmp_path)
        told = {_told(item): item for item in report.ContentSequence if "ConceptNameCodeSequence" in item}
        assert told["Observer Type"].ConceptCodeSequence[0].CodeMeaning == kind
        names = [item.PersonName if kind == "Person" else item.TextValue for key, item in told.items() if "Name" in key]
        assert name in map(str, names)


def test_a_report_is_complete_when_all_was_submitted_and_final_when_all_is_approved(tmp_path: Path) -> None:
    header = _header(tmp_path)
    label = ImageLabel(label="view", value="PA", author=ANNA)
    for status, flags in (
        (Status.DRAFT, ("PARTIAL", "PRELIMINARY")),
        (Status.SUBMITTED, ("COMPLETE", "PRELIMINARY")),
        (Status.APPROVED, ("COMPLETE", "FINAL")),
    ):
        findings = Findings(header.uid, header.shape, ANNA, (label.changed(status=status),))
        _, report = _written(header, findings, tmp_path)
        assert (report.CompletionFlag, report.PreliminaryFlag) == flags
        assert report.VerificationFlag == "UNVERIFIED"


def test_the_same_findings_make_the_same_file(tmp_path: Path) -> None:
    header = _header(tmp_path)
    findings = everything(header.uid, header.shape)
    first = _written(header, findings, tmp_path)[0].read_bytes()
    assert _written(header, findings, tmp_path)[0].read_bytes() == first
    changed = findings.without([findings.objects[-1].id])
    assert (
        _written(header, changed, tmp_path)[1].SOPInstanceUID != pydicom.dcmread(tmp_path / "image.dcm").SOPInstanceUID
    )
    assert _written(header, changed, tmp_path)[0].read_bytes() != first


def test_names_of_the_image_in_another_encoding_survive(tmp_path: Path) -> None:
    data = image(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jörg")
    (header,) = read_header(save(data, tmp_path / "a.dcm"))
    label = ImageLabel(label="remark", value="größer als 2 中", author=ANNA)
    path, report = _written(header, Findings(header.uid, header.shape, ANNA, (label,)), tmp_path)
    assert str(report.PatientName) == "Müller^Jörg"
    (back,) = sr_images(read_sr(path), lambda place: header, {}, SCHEMA, IMPORTED)
    assert back.findings is not None and back.findings.of(ImageLabel)[0].value == label.value


def _foreign(header: Header, tmp_path: Path) -> Path:
    """A report as another program writes it: regions, a length and a code, nothing of ours."""
    from highdicom import sr
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code

    source = read_source(header)
    region_of = sr.SourceImageForRegion(source.sop_class_uid, header.sop_instance_uid)
    nodule, lung = Code("27925004", "SCT", "Nodule"), Code("80891009", "SCT", "Heart")

    def planar(code: Code, kind: str, points: list[tuple[float, float]]) -> Any:
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(identifier="x"),
            referenced_region=sr.ImageRegion(kind, np.array(points, float), source_image=region_of),
            finding_type=code,
        )

    line = sr.CoordinatesForMeasurement("POLYLINE", np.array([(1.5, 1.5), (5.5, 4.5)]), source_image=region_of)
    length = sr.Measurement(codes.SCT.Length, 5.0, codes.UCUM.Millimeter, referenced_coordinates=[line])
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(identifier="y"),
        finding_type=Code("length", "99OTHER", "Length"),
        measurements=[length],
    )
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_person_context=sr.ObserverContext(
                codes.DCM.Person, sr.PersonObserverIdentifyingAttributes(name="Doe^Jane")
            )
        ),
        procedure_reported=codes.SCT.PlainRadiography,
        imaging_measurements=[
            planar(nodule, "POLYLINE", [(10, 10), (20, 10), (20, 30), (10, 30), (10, 10)]),
            planar(lung, "POLYLINE", [(10, 10), (20, 12), (15, 30), (10, 10)]),
            planar(nodule, "CIRCLE", [(30, 30), (30, 35)]),
            planar(nodule, "POINT", [(4.5, 6.5)]),
            group,
        ],
    )
    result = sr.Comprehensive3DSR(
        evidence=[source.dataset],
        content=report,
        series_instance_uid="2.25.1",
        series_number=1,
        sop_instance_uid="2.25.2",
        instance_number=1,
        manufacturer="Somebody",
    )
    save_result(result, tmp_path / "foreign.dcm")
    return tmp_path / "foreign.dcm"


def test_a_report_of_another_program(tmp_path: Path) -> None:
    header = _header(tmp_path)
    path = _foreign(header, tmp_path)
    with Project.create(tmp_path / "project", SCHEMA) as project:
        project.add([header])
        report = import_labels(project, path, name="jane")
        found = project.findings(header.uid, Author.imported("jane").key)
        assert report.objects == 5 and found is not None
        import_labels(project, path, name="jane")
        assert len(project.revisions(header.uid)) == 1
    box, outline, circle, point, line = found
    assert isinstance(box, Box) and (box.label, box.x0, box.y1) == ("nodule", 9.5, 29.5)
    assert isinstance(outline, Polygon) and outline.label == "heart" and len(outline.points) == 3
    assert isinstance(circle, Ellipse) and (circle.x, circle.radius_x) == (29.5, 5.0)
    assert isinstance(point, Landmark) and (point.x, point.y) == (4.0, 6.0)
    assert isinstance(line, Line) and line.points == ((1.0, 1.0), (5.0, 4.0))
    assert all(item.author == Author.imported("jane") and item.status is Status.APPROVED for item in found)


def _no_points(report: Dataset) -> None:
    _items(_groups(report)[0], "SCOORD")[0].GraphicData = [1.0, float("nan")]


def _no_groups(report: Dataset) -> None:
    (container,) = [item for item in report.ContentSequence if item.ValueType == "CONTAINER"]
    container.ContentSequence = []


def _deep(report: Dataset) -> None:
    for _ in range(40):
        item = Dataset()
        item.ValueType = "CONTAINER"
        item.ContentSequence = report.ContentSequence
        report.ContentSequence = [item]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(_no_points, "no pairs of numbers"), (_no_groups, "no measurement group"), (_deep, "nested deeper")],
)
def test_a_damaged_report_is_refused_with_its_reason(tmp_path: Path, damage: Any, reason: str) -> None:
    header = _header(tmp_path)
    box = Box(label="nodule", author=ANNA, x0=1, y0=1, x1=9, y1=4)
    path, report = _written(header, Findings(header.uid, header.shape, ANNA, (box,)), tmp_path)
    damage(report)
    save_result(report, path)
    with pytest.raises(LabelFileError, match=reason):
        read_sr(path)


def test_a_mask_whose_segmentation_is_not_there_is_named(tmp_path: Path) -> None:
    header = _header(tmp_path)
    path, _ = _written(header, everything(header.uid, header.shape), tmp_path)
    (image_read,) = sr_images(read_sr(path), lambda place: header, {}, SCHEMA, IMPORTED)
    assert image_read.findings is None
    assert "which is not beside the report" in image_read.problems[0] and "right_lung" in image_read.problems[0]


def test_what_reaches_over_the_border_is_told_and_a_point_outside_lies_on_it(tmp_path: Path) -> None:
    with made_project(tmp_path, 1) as project:
        (picture,) = project.images()
        rows, columns = picture.header.shape
        box = Box(label="nodule", author=ANNA, x0=columns - 9, y0=1, x1=columns + 5, y1=30)
        point = Landmark(label="carina", author=ANNA, x=-40.0, y=rows + 9.0, visible=False, outside=True)
        project.save(Findings(picture.uid, picture.header.shape, ANNA, (box, point)))
        export = export_project(project, "dicom-sr")
        (warning,) = export.warnings
        assert "the box 'nodule' reaches outside the image" in warning
        import_labels(project, export.folder)
        back = project.findings(picture.uid, Author.imported("dicom-sr").key)
    assert back is not None
    assert back.of(Box)[0] == box
    landmark = back.of(Landmark)[0]
    assert landmark.outside and (landmark.x, landmark.y) == (-0.5, rows - 0.5)
