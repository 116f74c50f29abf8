"""Findings as DICOM Segmentation (PS3.3 A.51).

A pixel of a projection radiograph is no place in a patient, so there is no frame of reference, whatever some files say,
and the Derivation Image tells which image a frame belongs to (PS3.3 A.51.4). highdicom 0.28 writes pixel measures all
the same, which its own reader then rejects: they are taken out, and the image's Patient Orientation is copied, as the
standard asks for where there is no plane orientation (PS3.3 C.7.6.1.1.1).

Masks are BINARY, so that segments may overlap; heat maps are FRACTIONAL, since a Parametric Map needs a frame of
reference.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib import __version__
from XRayAILib.exchange.dicom_results.codes import CodedLabels, category_of, label_concept
from XRayAILib.exchange.dicom_results.source import (
    MANUFACTURER,
    SourceImage,
    content_digest,
    newest,
    object_uid,
    person_name,
    set_text_encoding,
    set_times,
)
from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.author import Author, AuthorKind
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.findings.schema import LabelSchema

if TYPE_CHECKING:
    from pydicom import Dataset

LEVELS = 255
"""Maximum Fractional Value of a heat map."""


def write_seg(source: SourceImage, findings: Findings, schema: LabelSchema) -> Dataset:
    """A Segmentation of all masks that somebody made of one image.

    A segment's Tracking ID is the object's id; segments of a model carry its name and digest. The same findings give
    the same file with the same UIDs.

    Raises
    ------
    ExportError
        There is no mask, or the findings are of an image of another size.
    """
    masks = findings.of(Mask)
    if not masks:
        raise ExportError(f"{source.header.path}: there is no mask to make a segmentation of.")
    pixels = np.zeros((1, *findings.shape, len(masks)), np.uint8)
    for number, mask in enumerate(masks):
        row, column = mask.origin
        rows, columns = mask.crop.shape
        pixels[0, row : row + rows, column : column + columns, number] = mask.crop
    described = [
        _segment(number, mask.label, mask.author, schema, mask.id) for number, mask in enumerate(masks, start=1)
    ]
    digest = content_digest(Findings(findings.radiograph_uid, findings.shape, findings.author, tuple(masks)))
    result = _segmentation(source, pixels, "BINARY", described, findings.author, digest)
    set_times(result, newest(findings))
    return result


def write_heatmaps(
    source: SourceImage, heatmaps: Mapping[str, np.ndarray], author: Author, schema: LabelSchema, digest: str
) -> Dataset:
    """A FRACTIONAL Segmentation of a model's maps of one image, in steps of 1/255.

    Parameters
    ----------
    heatmaps
        Label -> probability of each pixel, 0..1 (rows, columns).
    digest
        Of what the maps were made from; it makes the UID.
    """
    shape = source.header.shape
    for label, values in heatmaps.items():
        if values.shape != shape or not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise ExportError(f"The heat map '{label}' is no array of {shape} with values from 0 to 1.")
    pixels = np.stack(list(heatmaps.values()), axis=-1)[None].astype(np.float32)
    described = [_segment(number, label, author, schema) for number, label in enumerate(heatmaps, start=1)]
    return _segmentation(source, pixels, "FRACTIONAL", described, author, digest)


def save(result: Dataset, path: Any) -> None:
    """Write a result as a DICOM file (PS3.10)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values of the image that break a rule are copied as they are
        result.save_as(path, enforce_file_format=True)


def _segment(number: int, label: str, author: Author, schema: LabelSchema, object_id: str = "") -> Any:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription
    from pydicom.sr.codedict import codes

    code = label_concept(schema, label)
    by_model = author.kind is AuthorKind.MODEL
    algorithm = AlgorithmIdentificationSequence(
        name=author.name[:64], family=codes.DCM.ArtificialIntelligence, version=author.digest or "unknown"
    )
    return SegmentDescription(
        segment_number=number,
        segment_label=_segment_label(schema, label),
        segmented_property_category=category_of(code),
        segmented_property_type=code,
        algorithm_type="AUTOMATIC" if by_model else "MANUAL",
        algorithm_identification=algorithm if by_model else None,
        tracking_uid=object_uid(object_id) if object_id else None,
        tracking_id=object_id or None,
    )


def _segment_label(schema: LabelSchema, name: str) -> str:
    """The title, where it leads back to this label; else the name."""
    title = schema[name].title[:64] if name in schema else name
    found = CodedLabels(schema).names.get(title)
    return title if found is not None and found.name == name else name[:64]


def _segmentation(
    source: SourceImage, pixels: np.ndarray, kind: str, segments: Sequence[Any], author: Author, digest: str
) -> Dataset:
    from highdicom.seg import Segmentation

    if pixels.shape[1:3] != source.header.shape:
        raise ExportError(
            f"{source.header.path} has {source.header.columns} x {source.header.rows} pixels, its findings were made "
            f"on {pixels.shape[2]} x {pixels.shape[1]}: the file has changed. Put the old one back, or exclude it."
        )
    result: Dataset
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd about the image, whose values are copied as they are
        result = Segmentation(
            source_images=[_plain(source)],
            pixel_array=pixels,
            segmentation_type=kind,
            segment_descriptions=segments,
            series_instance_uid=source.series_uid(f"SEG {kind}", author.key),
            series_number=1000,
            sop_instance_uid=source.uid("SEG", kind, digest),
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MANUFACTURER,
            software_versions=__version__,
            device_serial_number="0",
            content_label="FINDINGS",
            content_description="Findings",
            content_creator_name=person_name(author.name),
            max_fractional_value=LEVELS,
            omit_empty_frames=bool(pixels.any()),
        )
        set_text_encoding(result)
        result.SeriesDescription = "X-Ray AI: segmentation"
        shared = result.SharedFunctionalGroupsSequence[0]
        if "PixelMeasuresSequence" in shared:
            del shared.PixelMeasuresSequence
        result.PatientOrientation = source.dataset.get("PatientOrientation")
        _refer(result, source)
    # highdicom mints it by chance; of equal findings everything is to be equal.
    organization = source.uid("dimensions", kind, digest)
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    return result


def _plain(source: SourceImage) -> Dataset:
    """The image as one without frames and without a place: highdicom wants a mask for every frame of its source, and
    more of planes than a projection can have."""
    from copy import deepcopy

    from pydicom.uid import ComputedRadiographyImageStorage

    plain = deepcopy(source.dataset)  # a shallow copy of pydicom's has the same elements
    plain.SOPClassUID = ComputedRadiographyImageStorage
    for keyword in ("NumberOfFrames", "FrameOfReferenceUID", "ImageOrientationPatient", "ImagePositionPatient"):
        if keyword in plain:
            del plain[keyword]
    return plain


def _refer(result: Dataset, source: SourceImage) -> None:
    """Let the result refer to the image as what it is."""
    instances = [item for series in result.ReferencedSeriesSequence for item in series.ReferencedInstanceSequence]
    groups = (*result.SharedFunctionalGroupsSequence, *result.PerFrameFunctionalGroupsSequence)
    derivations = [item for group in groups for item in group.get("DerivationImageSequence", ())]
    images = [item for derivation in derivations for item in derivation.SourceImageSequence]
    for item in (*instances, *result.get("SourceImageSequence", ()), *images):
        item.ReferencedSOPClassUID = source.sop_class_uid
    for item in images if source.frame is not None else ():
        item.ReferencedFrameNumber = source.frame
