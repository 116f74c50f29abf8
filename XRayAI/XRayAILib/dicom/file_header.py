"""Reading the header of a DICOM file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from XRayAILib.dicom.attributes import integer, text
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.inflate import InflatedError, InflatedStream, end_of_deflated_meta
from XRayAILib.dicom.pixel_element import find_pixels, fragments_end, is_delimited
from XRayAILib.dicom.plain_header import FIRST_BYTES, MOST_BYTES, NotPlainError, PlainHeader, ShortError, is_native
from XRayAILib.dicom.source import archive_of, open_source, read_start
from XRayAILib.dicom.spacing import Spacing, read_spacing

if TYPE_CHECKING:
    from pydicom import Dataset

RADIOGRAPH_MODALITIES = ("CR", "DX", "MG", "RF", "RG", "IO", "PX", "XA")
MAX_PIXELS = 20_000 * 20_000
"""Larger images do not exist in radiography; a file that claims one is damaged or hostile."""

MAX_INFLATED = 128 << 20
"""Bytes of a deflated file."""

RADIOGRAPH_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography
    "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray, for presentation
    "1.2.840.10008.5.1.4.1.1.1.1.1",  # ... for processing
    "1.2.840.10008.5.1.4.1.1.1.2",  # Digital Mammography, for presentation
    "1.2.840.10008.5.1.4.1.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.1.3",  # Digital Intra-Oral, for presentation
    "1.2.840.10008.5.1.4.1.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.12.1",  # X-Ray Angiographic
    "1.2.840.10008.5.1.4.1.1.12.1.1",  # Enhanced XA
    "1.2.840.10008.5.1.4.1.1.12.2",  # X-Ray Radiofluoroscopic
    "1.2.840.10008.5.1.4.1.1.12.2.1",  # Enhanced XRF
}
GRAYSCALE_SOFTCOPY = "1.2.840.10008.5.1.4.1.1.11.1"
KEPT_FOR = "presentation state for "
"""Begins what a scan says of a presentation state; the SOP Instance UIDs of its images follow, with commas between."""
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def read_header(path: Path | str) -> list[Header]:
    """The headers in a file: one, or one per frame. :class:`UnreadableError` says why a file has none."""
    from XRayAILib.dicom.picture import is_picture, read_picture_header

    path = Path(path)
    headers = quick_headers(path)
    if headers is not None:
        return headers
    if is_picture(read_start(path, 132)[0]):
        return [read_picture_header(path)]
    return parsed_headers(path)


def parsed_headers(path: Path) -> list[Header]:
    """What :func:`read_header` gives for a DICOM file, by pydicom whatever the file is like."""
    with reading(path) as stream:
        dataset = parsed(stream, pixels=False)
        headers = headers_of(dataset, path)
        element = find_pixels(stream, dataset)
        refuse_incomplete(dataset, path, element.length, element.room, element.least)
    return headers


def quick_headers(path: Path) -> list[Header] | None:
    """What :func:`read_header` gives, without a parser that a hostile file could harm; ``None`` where it takes one."""
    from XRayAILib.dicom.picture import is_picture, read_png_header

    start, size = read_start(path, FIRST_BYTES)
    if is_picture(start):
        header = read_png_header(path, start)
        return None if header is None else [header]
    if not start:
        raise UnreadableError(str(path), "the file is empty")
    if start.startswith(b"PK\x03\x04"):
        raise UnreadableError(str(path), "a zip archive: give its name the ending .zip, then scan again")
    if start[128:132] != b"DICM" and not _bare_dicom(start):
        raise UnreadableError(str(path), "not a DICOM file: the mark 'DICM' is missing")
    try:
        try:
            plain = PlainHeader(start, size)
        except ShortError:
            if size <= len(start):
                return None
            plain = PlainHeader(read_start(path, MOST_BYTES)[0], size)
        headers = headers_of(plain, path)
        refuse_incomplete(plain, path, plain.pixel_length, plain.pixel_room, _least(plain, path, size))
    except NotPlainError:
        return None
    return headers


def _least(plain: PlainHeader, path: Path, size: int) -> int:
    """How many bytes the compressed pixels of a file have at least; members of archives are not unpacked for that."""
    if plain.pixel_length is not None or archive_of(path) is not None:
        return 0
    with open_source(path) as stream:
        return 0 if is_delimited(stream) else fragments_end(stream, size - plain.pixel_room)


def read_dataset(path: Path, pixels: bool) -> Dataset:
    """Parse a DICOM file; :class:`UnreadableError` says what is wrong with one that cannot be."""
    with reading(path) as stream:
        return parsed(stream, pixels)


def parse(stream: BinaryIO, path: Path, pixels: bool) -> Dataset:
    """Parse the DICOM file in ``stream``, which came from ``path``; raises what :func:`read_dataset` does."""
    with _explaining(path):
        return parsed(_inflated(stream), pixels)


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """A stream to parse; whatever a parser says of it becomes an :class:`UnreadableError`."""
    with _explaining(path), open_source(path) as stream:
        yield _inflated(stream)


def parsed(stream: BinaryIO, pixels: bool) -> Dataset:
    """What a parser makes of a stream; without pixels, the stream stands before their element then."""
    import pydicom

    bare = _bare_dicom(stream.read(132))
    stream.seek(0)
    return pydicom.dcmread(stream, stop_before_pixels=not pixels, force=bare)


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    import warnings

    from pydicom.errors import InvalidDicomError

    try:
        with warnings.catch_warnings():
            # pydicom warns of each value that breaks a rule of the standard; what matters here becomes a note.
            warnings.simplefilter("ignore")
            yield
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
    except InflatedError as error:
        raise UnreadableError(str(path), str(error)) from error
    except Exception as error:  # a hostile file can raise anything from deep inside a parser
        reason = f"damaged DICOM file ({type(error).__name__}: {error})"
        raise UnreadableError(str(path), reason) from error


def _inflated(stream: BinaryIO) -> BinaryIO:
    meta_end = end_of_deflated_meta(stream)
    return cast(BinaryIO, InflatedStream(stream, meta_end, MAX_INFLATED)) if meta_end else stream


def _bare_dicom(start: bytes) -> bool:
    # Old files lack preamble and File Meta and begin with group 0008 at once.
    return start[128:132] != b"DICM" and start[:2] in (b"\x08\x00", b"\x02\x00") and start[3:4] == b"\x00"


def headers_of(dataset: Dataset | PlainHeader, path: Path) -> list[Header]:
    """A header per frame; :class:`UnreadableError` where the file is no radiograph."""
    refuse_others(dataset, path)
    frames = integer(dataset, "NumberOfFrames", 1)
    uid = str(dataset.get("SOPInstanceUID") or "")
    if not uid:
        raise UnreadableError(str(path), "SOPInstanceUID (0008,0018) is missing, so it cannot be told from others")
    texts = _texts(dataset)
    colour = ("colour image turned to grey",) if texts["photometric"] not in ("", "MONOCHROME1", "MONOCHROME2") else ()
    spacings = _spacings(dataset, frames)
    meta = getattr(dataset, "file_meta", None)
    common: dict[str, Any] = dict(
        path=str(path),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        transfer_syntax=str(meta.get("TransferSyntaxUID", "")) if meta is not None else "",
        **texts,
    )
    headers = []
    for frame, (spacing, notes) in enumerate(spacings):
        own = f"{uid}#{frame}" if frames > 1 else uid
        headers.append(Header(uid=own, frame=frame, spacing=spacing, notes=(*notes, *colour), **common))
    return headers


def _spacings(dataset: Dataset | PlainHeader, frames: int) -> list[tuple[Spacing, list[str]]]:
    """The spacing of each frame, with what is odd about it."""
    from XRayAILib.dicom.functional_groups import PER_FRAME, of_frame

    if isinstance(dataset, PlainHeader):
        if dataset.has_groups:
            raise NotPlainError("functional groups")
        # All that is asked for, a plain header answers as a dataset does.
        return [read_spacing(cast("Dataset", dataset))] * max(frames, 1)
    if PER_FRAME in dataset:
        return [read_spacing(of_frame(dataset, frame)) for frame in range(max(frames, 1))]
    return [read_spacing(of_frame(dataset, 0))] * max(frames, 1)


def refuse_others(dataset: Dataset | PlainHeader, path: Path) -> None:
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
        from pydicom.uid import UID

        if str(sop_class) == GRAYSCALE_SOFTCOPY:
            raise UnreadableError(str(path), _kept_for(dataset, path))

        name = UID(str(sop_class)).name if sop_class else "an image without SOPClassUID (0008,0016)"
        raise UnreadableError(str(path), f"{name}{f' ({modality})' if modality else ''} is not a radiograph")
    for keyword in ("Rows", "Columns"):
        if integer(dataset, keyword, 0) <= 0:
            raise UnreadableError(str(path), f"{keyword} is {dataset.get(keyword, 'missing')}: there is no image")
    if int(dataset.Rows) * int(dataset.Columns) > MAX_PIXELS:
        raise UnreadableError(
            str(path), f"it claims {dataset.Columns} x {dataset.Rows} pixels, which no radiograph has"
        )
    if integer(dataset, "NumberOfFrames", 1) > 10_000:
        raise UnreadableError(str(path), f"it claims {dataset.NumberOfFrames} frames")


def _kept_for(dataset: Dataset | PlainHeader, path: Path) -> str:
    from XRayAILib.dicom.presentation_state import reason_for

    if isinstance(dataset, PlainHeader):
        raise NotPlainError("its images are named in a sequence")
    return reason_for(dataset, path)


def refuse_incomplete(
    dataset: Dataset | PlainHeader, path: Path, length: int | None, room: int, least: int = 0
) -> None:
    """Raise :class:`UnreadableError` where a file has not the pixels that its header promises.

    Parameters
    ----------
    length
        Of Pixel Data, as its element says: ``None`` where that is undefined, -1 where there is no such element.
    room
        Bytes that the file has left for it.
    least
        Bytes that it has at least, where its length is undefined.
    """
    if length == -1:
        raise UnreadableError(str(path), "PixelData (7FE0,0010) is missing: the file holds no image or was cut off")
    if length is None:
        if room + 1 < least:  # some writers leave out the byte that makes the length even
            reason = f"cut off: its compressed pixels have {least:,} bytes or more, the file ends after {room:,}"
            raise UnreadableError(str(path), reason)
        return  # how much there should be, only its decoder knows
    # PS3.5 8.1.1, PS3.3 C.7.6.3.1.2: colour differences of two neighbours are stored once in the 4:2:2 forms.
    halved = text(dataset, "PhotometricInterpretation").endswith("_422")
    samples = 2 if halved else integer(dataset, "SamplesPerPixel", 1)
    pixels = int(dataset.Rows) * int(dataset.Columns) * samples * max(1, integer(dataset, "NumberOfFrames", 1))
    needed = pixels * integer(dataset, "BitsAllocated", 0) // 8 if _native(dataset) else length
    if min(length, room) >= needed:
        return
    if room < length:
        reason = f"cut off: PixelData should have {length:,} bytes, the file ends after {room:,}"
    else:
        reason = f"Rows x Columns ask for {needed:,} bytes of pixels; PixelData has {length:,}"
    raise UnreadableError(str(path), reason)


def _native(dataset: Dataset | PlainHeader) -> bool:
    meta = getattr(dataset, "file_meta", None)
    return is_native(str(meta.get("TransferSyntaxUID", "")) if meta is not None else "")


def _texts(dataset: Dataset | PlainHeader) -> dict[str, str]:
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
        "site": "InstitutionName",
    }
    texts = {name: text(dataset, keyword) for name, keyword in keywords.items()}
    texts["laterality"] = text(dataset, "ImageLaterality") or text(dataset, "Laterality")
    texts["patient_birth_date"] = _date(text(dataset, "PatientBirthDate"))
    texts["study_date"] = _date(text(dataset, "StudyDate") or text(dataset, "AcquisitionDate"))
    return texts


def _date(value: str) -> str:
    digits = value.replace(".", "").replace("-", "")[:8]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 and digits.isdigit() else ""
