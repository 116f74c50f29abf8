"""Reading the header of a DICOM file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.source import open_source
from XRayAILib.dicom.spacing import read_spacing

if TYPE_CHECKING:
    from pydicom import Dataset

RADIOGRAPH_MODALITIES = ("CR", "DX", "MG", "RF", "RG", "IO", "PX", "XA")
MAX_PIXELS = 20_000 * 20_000
"""Larger images do not exist in radiography; a file that claims one is damaged or hostile."""

RADIOGRAPH_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography
    "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray, for presentation
    "1.2.840.10008.5.1.4.1.1.1.1.1",  # ... for processing
    "1.2.840.10008.5.1.4.1.1.1.2",  # Digital Mammography, for presentation
    "1.2.840.10008.5.1.4.1.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.1.3",  # Digital Intra-Oral, for presentation
    "1.2.840.10008.5.1.4.1.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.12.1",  # X-Ray Angiographic
    "1.2.840.10008.5.1.4.1.1.12.2",  # X-Ray Radiofluoroscopic
}
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def read_dataset(path: Path, pixels: bool) -> Dataset:
    """Parse a DICOM file; :class:`UnreadableError` says what is wrong with one that cannot be."""
    import warnings

    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        with warnings.catch_warnings(), open_source(path) as stream:
            # pydicom warns of each value that breaks a rule of the standard; what matters here becomes a note.
            warnings.simplefilter("ignore")
            bare = _bare_dicom(stream)
            return pydicom.dcmread(stream, stop_before_pixels=not pixels, force=bare)
    except UnreadableError:
        raise
    except InvalidDicomError as error:
        raise UnreadableError(str(path), "not a DICOM file: the mark 'DICM' is missing") from error
    except PermissionError as error:
        raise UnreadableError(str(path), "no permission to read it") from error
    except RecursionError as error:
        raise UnreadableError(str(path), "its sequences are nested too deeply to be a real file") from error
    except MemoryError as error:
        raise UnreadableError(str(path), "it asks for more memory than there is") from error
    except Exception as error:  # a hostile file can raise anything from deep inside a parser
        reason = f"damaged DICOM file ({type(error).__name__}: {error})"
        raise UnreadableError(str(path), reason) from error


def _bare_dicom(stream: BinaryIO) -> bool:
    # Old files lack preamble and File Meta and begin with group 0008 at once.
    start = stream.read(132)
    stream.seek(0)
    return start[128:132] != b"DICM" and start[:2] in (b"\x08\x00", b"\x02\x00") and start[3:4] == b"\x00"


def headers_of(dataset: Dataset, path: Path) -> list[Header]:
    """A header per frame; :class:`UnreadableError` where the file is no radiograph."""
    refuse_others(dataset, path)
    frames = _integer(dataset, "NumberOfFrames", 1)
    uid = str(dataset.get("SOPInstanceUID") or "")
    if not uid:
        raise UnreadableError(str(path), "SOPInstanceUID (0008,0018) is missing, so it cannot be told from others")
    spacing, notes = read_spacing(dataset)
    text = _texts(dataset)
    meta = getattr(dataset, "file_meta", None)
    common: dict[str, Any] = dict(
        path=str(path),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        spacing=spacing,
        transfer_syntax=str(meta.get("TransferSyntaxUID", "")) if meta is not None else "",
        notes=tuple(notes),
        **text,
    )
    if frames <= 1:
        return [Header(uid=uid, **common)]
    return [Header(uid=f"{uid}#{frame}", frame=frame, **common) for frame in range(frames)]


def refuse_others(dataset: Dataset, path: Path) -> None:
    """Raise :class:`UnreadableError` for a dataset that is not a radiograph with pixels."""
    sop_class = dataset.get("SOPClassUID")
    modality = str(dataset.get("Modality") or "")
    if sop_class is None and "Rows" not in dataset:
        raise UnreadableError(str(path), "not a DICOM image: SOPClassUID (0008,0016) and Rows (0028,0010) are missing")
    is_radiograph = str(sop_class) in RADIOGRAPH_CLASSES or (
        str(sop_class or SECONDARY_CAPTURE).startswith(SECONDARY_CAPTURE)
        and modality in (*RADIOGRAPH_MODALITIES, "OT", "SC", "")
    )
    if not is_radiograph:
        name = getattr(sop_class, "name", str(sop_class))
        raise UnreadableError(str(path), f"{name}{f' ({modality})' if modality else ''} is not a radiograph")
    for keyword in ("Rows", "Columns"):
        if _integer(dataset, keyword, 0) <= 0:
            raise UnreadableError(str(path), f"{keyword} is {dataset.get(keyword, 'missing')}: there is no image")
    if int(dataset.Rows) * int(dataset.Columns) > MAX_PIXELS:
        raise UnreadableError(
            str(path), f"it claims {dataset.Columns} x {dataset.Rows} pixels, which no radiograph has"
        )
    if _integer(dataset, "NumberOfFrames", 1) > 10_000:
        raise UnreadableError(str(path), f"it claims {dataset.NumberOfFrames} frames")


def _texts(dataset: Dataset) -> dict[str, str]:
    keywords = {
        "modality": "Modality",
        "patient_id": "PatientID",
        "patient_name": "PatientName",
        "patient_sex": "PatientSex",
        "patient_age": "PatientAge",
        "study_uid": "StudyInstanceUID",
        "study_description": "StudyDescription",
        "series_uid": "SeriesInstanceUID",
        "series_description": "SeriesDescription",
        "sop_class_uid": "SOPClassUID",
        "view": "ViewPosition",
        "body_part": "BodyPartExamined",
        "intent": "PresentationIntentType",
        "photometric": "PhotometricInterpretation",
        "manufacturer": "Manufacturer",
        "station": "StationName",
    }
    texts = {name: _text(dataset, keyword) for name, keyword in keywords.items()}
    texts["laterality"] = _text(dataset, "ImageLaterality") or _text(dataset, "Laterality")
    texts["patient_birth_date"] = _date(_text(dataset, "PatientBirthDate"))
    texts["study_date"] = _date(_text(dataset, "StudyDate") or _text(dataset, "AcquisitionDate"))
    return texts


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        value = dataset.get(keyword)
    except Exception:  # noqa: BLE001 - one value that cannot be converted must not cost the image
        return ""
    return "" if value is None else str(value).replace("\x00", "").strip()


def _integer(dataset: Dataset, keyword: str, default: int) -> int:
    try:
        return int(dataset.get(keyword) or default)
    except (TypeError, ValueError):
        return default


def _date(value: str) -> str:
    digits = value.replace(".", "").replace("-", "")[:8]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 and digits.isdigit() else ""
