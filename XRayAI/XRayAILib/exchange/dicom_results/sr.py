"""Findings as a DICOM structured report: TID 1500, Imaging Measurement Report (PS3.16 A), as Comprehensive 3D SR.

Each object is a measurement group. What has an area or is a point is a planar region (TID 1410), a mask one that refers
to its segment; what is measured, what is a line and what is said of the whole image is a group of TID 1501. What the
templates have no place for stands beside it as text of our own coding scheme, which TID 1410 and 1501 allow (they are
extensible), so that a report of ours comes back whole.

SCOORD puts 0\\0 on the outer corner of the first pixel (PS3.3 C.18.6.1.2), we its centre: 0.5 is added. Its numbers
have single precision.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.spacing import Quantity, Spacing
from XRayAILib.exchange.dicom_results.codes import SCHEME, label_concept, own_concept, text_concept
from XRayAILib.exchange.dicom_results.seg_read import frames_of
from XRayAILib.exchange.dicom_results.source import (
    MANUFACTURER,
    SourceImage,
    content_digest,
    made_uid,
    newest,
    object_uid,
    person_name,
    set_text_encoding,
    set_times,
)
from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import Angle, CardiothoracicRatio, CobbAngle, Line, Measurement
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.sr.coding import Code as Concept

OFFSET = 0.5
ATTRIBUTES = f"{SCHEME}-ATTR"
"""Coding scheme of the questions that a project asks of its objects."""
COVERED, OUTSIDE = "covered", "outside"

OWN = {
    "label": "Label in the schema",
    "kind": "Kind of object",
    "author": "Author",
    "created": "Time of creation",
    "status": "State of the review",
    "score": "Score",
    "derived_from": "Made from",
    "visibility": "Visibility of a landmark",
}
"""What stands beside the templates: code -> meaning."""

MEASURED = {
    Line.kind: ("410668003", "SCT", "Length"),
    Polyline.kind: ("410668003", "SCT", "Length"),
    Angle.kind: ("1483009", "SCT", "Angle"),
    CobbAngle.kind: ("285285000", "SCT", "Cobb angle"),
    CardiothoracicRatio.kind: ("ctr", SCHEME, "Cardiothoracic ratio"),
}
UNITS = {
    "mm": ("mm", "millimeter"),
    "px": ("{pixels}", "pixels"),
    "°": ("deg", "degree"),
    "": ("{ratio}", "ratio"),
}
"""Unit of a quantity -> unit of UCUM. Millimetres only where the file or a person knows them."""


def write_sr(
    source: SourceImage,
    findings: Findings,
    schema: LabelSchema,
    segments: Mapping[str, tuple[Dataset, int]] | None = None,
) -> Dataset:
    """A report of what somebody says of one image. The same findings give the same file with the same UIDs.

    Parameters
    ----------
    segments
        Id of a mask -> the Segmentation that holds it and the number of its segment there.

    Raises
    ------
    ExportError
        The findings are of an image of another size.
    """
    from highdicom.sr import Comprehensive3DSR, MeasurementReport
    from pydicom.sr.codedict import codes

    used = {id(result): result for result, _ in (segments or {}).values()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd about the image, whose values are copied as they are
        groups = [_group(source, item, schema, segments or {}) for item in findings]
        report = MeasurementReport(
            observation_context=_context(findings.author),
            procedure_reported=codes.SCT.PlainRadiography,
            imaging_measurements=groups,
        )
        digest = content_digest(findings)
        done = all(item.status is not Status.DRAFT for item in findings)
        result: Dataset = Comprehensive3DSR(
            evidence=[source.dataset, *used.values()],
            content=report,
            series_instance_uid=source.series_uid("SR", findings.author.key),
            series_number=1001,
            sop_instance_uid=source.uid("SR", digest),
            instance_number=1,
            manufacturer=MANUFACTURER,
            is_complete=done,
            is_final=bool(findings.objects) and all(item.status is Status.APPROVED for item in findings),
        )
        result.SeriesDescription = "X-Ray AI: findings"
        set_text_encoding(result)
        set_times(result, newest(findings))
    return result


def _own_items(item: FindingObject) -> Iterator[tuple[Concept, str]]:
    """What the templates have no place for, as names and texts."""
    values = {
        "label": item.label,
        "kind": item.kind,
        "author": "\n".join((item.author.kind.value, item.author.name, item.author.digest)),
        "created": item.created,
        "status": item.status.value,
        "score": "" if item.score is None else repr(item.score),
        "derived_from": item.derived_from or "",
    }
    if isinstance(item, Landmark) and not item.visible:
        values["visibility"] = OUTSIDE if item.outside else COVERED
    for name, value in values.items():
        if value:
            yield own_concept(name, OWN[name]), value
    for name, answer in item.attributes:
        if answer:
            yield text_concept(name, ATTRIBUTES), answer


def _context(author: Author) -> Any:
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
        PersonObserverIdentifyingAttributes,
    )
    from pydicom.sr.codedict import codes

    identity: Any
    if author.kind is not AuthorKind.PERSON:
        identity = DeviceObserverIdentifyingAttributes(
            uid=made_uid("device", author.key),
            name=author.name,
            manufacturer_name=MANUFACTURER,
            model_name=author.kind.value,
            serial_number=author.digest or None,
        )
        return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, identity))
    identity = PersonObserverIdentifyingAttributes(name=person_name(author.name))
    return ObservationContext(observer_person_context=ObserverContext(codes.DCM.Person, identity))


def _group(
    source: SourceImage,
    item: FindingObject,
    schema: LabelSchema,
    segments: Mapping[str, tuple[Dataset, int]],
) -> Any:
    from highdicom.sr import (
        ImageRegion,
        MeasurementsAndQualitativeEvaluations,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        RelationshipTypeValues,
        SourceImageForMeasurementGroup,
        TextContentItem,
        TrackingIdentifier,
    )

    code = label_concept(schema, item.label)
    common: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(uid=object_uid(item.id), identifier=item.id),
        "finding_type": code,
        "algorithm_id": _algorithm(item.author),
    }
    graphic = _graphic(item)
    group: Any
    if isinstance(item, Mask):
        group = PlanarROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=_segment(source, *segments[item.id]), **common
        )
    elif graphic is not None:
        region = ImageRegion(graphic[0], graphic[1], source_image=_region_source(source))
        group = PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **common)
    else:
        if isinstance(item, ImageLabel):
            common["qualitative_evaluations"] = [QualitativeEvaluation(name=code, value=text_concept(item.value))]
        else:
            common["measurements"] = [_measurement(source, item)]
        image = SourceImageForMeasurementGroup(source.sop_class_uid, source.sop_instance_uid, _frames(source))
        group = MeasurementsAndQualitativeEvaluations(source_images=[image], **common)
    for name, value in _own_items(item):
        text = TextContentItem(name=name, value=value, relationship_type=RelationshipTypeValues.CONTAINS)
        group[0].ContentSequence.append(text)
    return group


def _algorithm(author: Author) -> Any:
    from highdicom.sr import AlgorithmIdentification

    if author.kind is not AuthorKind.MODEL:
        return None
    return AlgorithmIdentification(name=author.name, version=author.digest or "unknown")


def _graphic(item: FindingObject) -> tuple[str, np.ndarray] | None:
    """Graphic Type and Graphic Data of a region; ``None`` for what is none."""
    if isinstance(item, Landmark):
        return "POINT", np.array([(item.x, item.y)]) + OFFSET
    if isinstance(item, Ellipse):
        return "ELLIPSE", _axes(item) + OFFSET
    if isinstance(item, Box):
        corners = [(item.x0, item.y0), (item.x1, item.y0), (item.x1, item.y1), (item.x0, item.y1)]
    elif isinstance(item, RotatedBox):
        corners = list(item.corners)
    elif isinstance(item, Polygon):
        corners = list(item.points)
    else:
        return None
    # A closed outline ends where it begins (PS3.3 C.18.6.1.2).
    return "POLYLINE", np.array([*corners, corners[0]]) + OFFSET


def _axes(item: Ellipse) -> np.ndarray:
    """The ends of the major axis, then those of the minor one (PS3.3 C.18.6.1.2)."""
    first, second, third, fourth = np.array(item.outline(4))
    ends = [first, third, second, fourth]
    return np.array(ends if item.radius_x >= item.radius_y else [*ends[2:], *ends[:2]])


def _measurement(source: SourceImage, item: FindingObject) -> Any:
    from highdicom.sr import CodedConcept, CoordinatesForMeasurement
    from highdicom.sr import Measurement as Measured

    quantity, lines = measured(item, source.header.spacing)
    code, meaning = UNITS[quantity.unit]
    # An angle of pixels that are not known to be square, and every length, is worth what its millimetres are.
    method = own_concept(f"in {quantity.source.value}", _worth(quantity))
    return Measured(
        name=CodedConcept(*MEASURED[item.kind]),
        value=quantity.value,
        unit=CodedConcept(code, "UCUM", meaning),
        method=method,
        referenced_coordinates=[
            CoordinatesForMeasurement("POLYLINE", line + OFFSET, source_image=_region_source(source)) for line in lines
        ],
    )


def measured(item: FindingObject, spacing: Spacing) -> tuple[Quantity, list[np.ndarray]]:
    """What a line or measurement comes to, and the lines (N, 2) that it was measured along."""
    if isinstance(item, Polyline):
        return spacing.length(*item.points), [np.array(item.points)]
    assert isinstance(item, Measurement)
    points = np.array(item.points)
    lines = [points] if isinstance(item, Angle) else [points[list(stroke)] for stroke in item.strokes]
    return item.value(spacing), lines


def _worth(quantity: Quantity) -> str:
    return {
        "calibrated": "Measured by a calibrated pixel spacing",
        "detector plane": "Measured in the plane of the detector, not in the patient",
        "px": "Measured in pixels, whose spacing is not known",
    }[quantity.source.value]


def _segment(source: SourceImage, result: Dataset, number: int) -> Any:
    from highdicom.sr import ReferencedSegmentationFrame, SourceImageForSegmentation

    frames = [place for place, (segment, _) in enumerate(frames_of(result), start=1) if segment == number]
    reference = ReferencedSegmentationFrame(
        sop_class_uid=result.SOPClassUID,
        sop_instance_uid=result.SOPInstanceUID,
        frame_number=frames,
        segment_number=number,
        source_image=SourceImageForSegmentation(source.sop_class_uid, source.sop_instance_uid, _frames(source)),
    )
    # Either of the two (PS3.3 10.3); a mask without pixels has no frame.
    item = reference[0].ReferencedSOPSequence[0]
    if frames:
        del item.ReferencedSegmentNumber
    else:
        del item.ReferencedFrameNumber
    return reference


def _region_source(source: SourceImage) -> Any:
    from highdicom.sr import SourceImageForRegion

    return SourceImageForRegion(source.sop_class_uid, source.sop_instance_uid, _frames(source))


def _frames(source: SourceImage) -> list[int] | None:
    return None if source.frame is None else [source.frame]
