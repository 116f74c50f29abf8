"""What the attributes of a radiograph should say and do not, and where they contradict each other.

Only what a later reader of the images relies on is looked at; ``dciodvfy`` checks all the rest. Sections are those of
PS3.3 where no other part is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from XRayAILib.dicom.attributes import integer, items, number, numbers, text, texts, value

if TYPE_CHECKING:
    from pydicom import Dataset

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
INTENTS = {
    "1.2.840.10008.5.1.4.1.1.1.1": "FOR PRESENTATION",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "FOR PROCESSING",
    "1.2.840.10008.5.1.4.1.1.1.2": "FOR PRESENTATION",
    "1.2.840.10008.5.1.4.1.1.1.2.1": "FOR PROCESSING",
    "1.2.840.10008.5.1.4.1.1.1.3": "FOR PRESENTATION",
    "1.2.840.10008.5.1.4.1.1.1.3.1": "FOR PROCESSING",
}
"""The digital X-ray classes come in pairs, told apart by the Presentation Intent Type (A.26, A.27, A.28)."""
MODALITIES = {COMPUTED_RADIOGRAPHY: ("CR",), **dict.fromkeys(list(INTENTS)[:2], ("DX", "PX", "IO"))}
MODALITIES |= dict.fromkeys(list(INTENTS)[2:4], ("MG",)) | dict.fromkeys(list(INTENTS)[4:], ("IO",))

REQUIRED = {
    "C.12.1": "SOPClassUID SOPInstanceUID",
    "C.7.2.1": "StudyInstanceUID",
    "C.7.3.1": "SeriesInstanceUID Modality",
    "C.7.6.3": "SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit"
    " PixelRepresentation",
}
"""Section -> attributes of type 1: they must be there with a value."""
REQUIRED_OF_DX = {
    "C.8.11.1": "PresentationIntentType",
    "C.8.11.2": "ImageLaterality",
    "C.8.11.3": "ImageType PixelIntensityRelationship PixelIntensityRelationshipSign RescaleIntercept RescaleSlope"
    " RescaleType PresentationLUTShape LossyImageCompression PatientOrientation BurnedInAnnotation",
    "C.8.11.4": "ImagerPixelSpacing",
}
PRESENT = {"C.7.1.1": "PatientName PatientID PatientBirthDate PatientSex", "C.7.2.1": "StudyDate"}
"""Attributes of type 2: they must be there, and may be empty."""
PRESENT_IN_CR = {"C.8.1.1": "BodyPartExamined ViewPosition"}

VIEWS = {
    "399348003": "AP",
    "272479007": "PA",
    "399173006": "LL",
    "399198007": "RL",
    # The same of the older scheme SRT.
    "R-10206": "AP",
    "R-10214": "PA",
    "R-40888": "PA",
    "R-10236": "LL",
    "R-10232": "RL",
}
"""Codes of views (PS3.16 CID 4010) -> the View Position of the same meaning (C.8.1.1)."""

LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"}
PERHAPS_LOSSY = {f"1.2.840.10008.1.2.4.{last}" for last in (91, 93, 112, 203)}
"""Transfer syntaxes that allow lossy and lossless compression: JPEG 2000, its part 2, JPEG XL, HTJ2K."""


def missing(dataset: Dataset) -> Iterator[str]:
    """Required attributes that are missing, each with what it is required by."""
    sop_class = text(dataset, "SOPClassUID")
    digital = sop_class in INTENTS
    required = REQUIRED | (REQUIRED_OF_DX if digital else {})
    for section, keywords in required.items():
        for keyword in keywords.split():
            if value(dataset, keyword) is None:
                yield f"{keyword} (type 1, {section})"
    shown = digital and text(dataset, "PresentationIntentType") == "FOR PRESENTATION"
    if shown and not numbers(dataset, "WindowCenter") and not items(dataset, "VOILUTSequence"):
        yield "WindowCenter or VOILUTSequence (type 1C, C.8.11.3)"
    for section, keywords in (PRESENT | (PRESENT_IN_CR if sop_class == COMPUTED_RADIOGRAPHY else {})).items():
        for keyword in keywords.split():
            if keyword not in dataset:
                yield f"{keyword} (type 2, {section})"
    if "PatientID" in dataset and not text(dataset, "PatientID"):
        yield "a value of PatientID: images of one patient cannot be kept in one part of a split"


def contradictions(dataset: Dataset) -> Iterator[str]:
    """Attributes that cannot all be right, each with the section."""
    yield from _of_pixels(dataset)
    yield from _of_identity(dataset)
    yield from _of_view(dataset)
    yield from _of_spacing(dataset)


def _of_pixels(dataset: Dataset) -> Iterator[str]:
    allocated, stored = integer(dataset, "BitsAllocated", 0), integer(dataset, "BitsStored", 0)
    if allocated and stored > allocated:
        yield f"BitsStored is {stored}, but BitsAllocated only {allocated} (C.7.6.3)"
    high = value(dataset, "HighBit")
    if stored and isinstance(high, int) and high != stored - 1:
        yield f"HighBit is {high}; with BitsStored {stored} it must be {stored - 1} (C.7.6.3)"
    photometric, samples = text(dataset, "PhotometricInterpretation"), integer(dataset, "SamplesPerPixel", 0)
    if photometric and samples and (samples == 1) != (photometric in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")):
        yield f"PhotometricInterpretation is {photometric}, but SamplesPerPixel {samples} (C.7.6.3.1.2)"
    shape = text(dataset, "PresentationLUTShape")
    wanted = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}.get(photometric)
    if shape and wanted and shape != wanted:
        yield f"PresentationLUTShape is {shape}; with {photometric} it must be {wanted} (C.8.11.3, C.11.6)"
    if value(dataset, "RescaleSlope") is not None and number(dataset, "RescaleSlope", 0.0) == 0.0:
        yield f"RescaleSlope is {text(dataset, 'RescaleSlope')} (C.11.1)"
    centers, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if len(centers) != len(widths):
        yield f"WindowCenter has {len(centers)} values, WindowWidth {len(widths)} (C.11.2.1.2)"
    if any(width < 1 for width in widths) and text(dataset, "VOILUTFunction") in ("", "LINEAR"):
        yield f"WindowWidth is {min(widths):g}; it must be at least 1 (C.11.2.1.2)"


def _of_identity(dataset: Dataset) -> Iterator[str]:
    meta = getattr(dataset, "file_meta", None)
    for inside, outside in (
        ("SOPClassUID", "MediaStorageSOPClassUID"),
        ("SOPInstanceUID", "MediaStorageSOPInstanceUID"),
    ):
        first, second = text(dataset, inside), text(meta, outside) if meta is not None else ""
        if first and second and first != second:
            yield f"{inside} is {first}, but {outside} {second} (PS3.10 7.1)"
    sop_class = text(dataset, "SOPClassUID")
    intent, modality = text(dataset, "PresentationIntentType"), text(dataset, "Modality")
    wanted = INTENTS.get(sop_class)
    if wanted and intent and intent != wanted:
        yield f"PresentationIntentType is {intent}, but the SOP class says {wanted} (C.8.11.1)"
    if modality and sop_class in MODALITIES and modality not in MODALITIES[sop_class]:
        yield f"Modality is {modality}; the SOP class is for {' or '.join(MODALITIES[sop_class])} (C.7.3.1.1.1)"
    sex = text(dataset, "PatientSex")
    if sex and sex not in ("M", "F", "O"):
        yield f"PatientSex is {sex}, not M, F or O (C.7.1.1)"
    yield from _of_dates(dataset)


def _of_dates(dataset: Dataset) -> Iterator[str]:
    from datetime import datetime

    days = []
    for keyword in ("PatientBirthDate", "StudyDate"):
        try:
            days.append(datetime.strptime(text(dataset, keyword), "%Y%m%d"))
        except ValueError:
            return
    years = (days[1] - days[0]).days / 365.25
    if years < 0:
        yield "StudyDate is before PatientBirthDate (C.7.1.1, C.7.2.1)"
    age = text(dataset, "PatientAge")
    if len(age) == 4 and age[:3].isdigit() and age[3] == "Y" and abs(int(age[:3]) - years) > 2 and years >= 0:
        yield f"PatientAge is {age}, but the dates of birth and study make {years:.0f} years (C.7.2.2)"


def _of_view(dataset: Dataset) -> Iterator[str]:
    image, series = text(dataset, "ImageLaterality"), text(dataset, "Laterality")
    if image and series and image != series:
        yield f"ImageLaterality is {image}, but Laterality {series} (C.7.3.1)"
    position = text(dataset, "ViewPosition")
    for item in items(dataset, "ViewCodeSequence"):
        coded = VIEWS.get(text(item, "CodeValue"))
        if coded and position in VIEWS.values() and coded != position:
            meaning = text(item, "CodeMeaning") or coded
            yield f"ViewPosition is {position}, but ViewCodeSequence says {meaning} (C.8.11.5)"


def _of_spacing(dataset: Dataset) -> Iterator[str]:
    pixel, imager = numbers(dataset, "PixelSpacing"), numbers(dataset, "ImagerPixelSpacing")
    if len(pixel) == 2 and len(imager) == 2 and min(pixel + imager) > 0 and pixel[0] > 1.01 * imager[0]:
        yield (
            f"PixelSpacing {pixel[0]:g} is larger than ImagerPixelSpacing {imager[0]:g}, as if the patient stood "
            "behind the detector (10.7.1.3)"
        )
    index, target = number(dataset, "ExposureIndex", 0.0), number(dataset, "TargetExposureIndex", 0.0)
    if value(dataset, "DeviationIndex") is not None and index > 0 and target > 0:
        given, computed = number(dataset, "DeviationIndex", 0.0), 10 * math.log10(index / target)
        if abs(given - computed) > 0.6:
            made = f"ExposureIndex and TargetExposureIndex make {computed:.1f}"
            yield f"DeviationIndex is {given:g}, but {made} (Table 10-23)"


def lossy_undeclared(dataset: Dataset) -> str:
    """What is not said of a lossy compression of the pixels; empty where nothing is amiss (C.7.6.1.1.5)."""
    meta = getattr(dataset, "file_meta", None)
    syntax = text(meta, "TransferSyntaxUID") if meta is not None else ""
    declared = text(dataset, "LossyImageCompression")
    name = getattr(value(meta, "TransferSyntaxUID"), "name", syntax) if meta is not None else ""
    if syntax in LOSSY and declared != "01":
        return f"compressed as {name}, but LossyImageCompression is {declared or 'missing'}, not 01"
    if syntax in PERHAPS_LOSSY and declared not in ("00", "01"):
        return f"compressed as {name}, which may be lossy, and LossyImageCompression is {declared or 'missing'}"
    if declared != "01":
        return ""
    absent = [k for k in ("LossyImageCompressionRatio", "LossyImageCompressionMethod") if not texts(dataset, k)]
    return f"lossy, but {' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing" if absent else ""


def deviation_index(dataset: Dataset) -> tuple[float, str] | None:
    """The deviation of the exposure from its target, and how it is known; ``None`` where the file does not say.

    DI = 10 log10(EI / EIT), as in IEC 62494-1 (attributes: Table 10-23), computed where only the two are given.
    """
    if value(dataset, "DeviationIndex") is not None:
        given = number(dataset, "DeviationIndex", math.nan)
        return (given, "DeviationIndex") if math.isfinite(given) else None
    index, target = number(dataset, "ExposureIndex", 0.0), number(dataset, "TargetExposureIndex", 0.0)
    if index > 0 and target > 0:
        return 10 * math.log10(index / target), f"10 log10 of ExposureIndex {index:g} / TargetExposureIndex {target:g}"
    return None
