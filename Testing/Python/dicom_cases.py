"""Small DICOM files made for one question each: a wedge of all grey values, with the attributes in question."""

from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

CR = "1.2.840.10008.5.1.4.1.1.1"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"


def wedge(bits: int = 12, signed: bool = False, rows: int = 96, columns: int = 128) -> np.ndarray:
    """All grey values of so many bits, from the left upper to the right lower corner."""
    low = -(2 ** (bits - 1)) if signed else 0
    values = np.linspace(low, low + 2**bits - 1, rows * columns).round()
    kind = ("i" if signed else "u") + ("1" if bits <= 8 else "2")
    return values.astype(kind).reshape(rows, columns)


def image(pixels: np.ndarray | None = None, bits: int = 12, **attributes: object) -> FileDataset:
    """A CR of these stored values; ``attributes`` by keyword are added, or replace what it has."""
    pixels = wedge(bits) if pixels is None else pixels
    data = _file(CR)
    data.Modality = "CR"
    data.PatientName, data.PatientID = "Wedge^Grey", "WEDGE"
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.SamplesPerPixel = 1 if pixels.ndim == 2 else pixels.shape[-1]
    data.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    data.Rows, data.Columns = pixels.shape[:2]
    allocated = 8 * pixels.dtype.itemsize
    data.BitsAllocated, data.BitsStored, data.HighBit = allocated, min(bits, allocated), min(bits, allocated) - 1
    data.PixelRepresentation = 1 if pixels.dtype.kind == "i" else 0
    data.PixelData = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<")).tobytes()
    data["PixelData"].VR = "OW" if allocated > 8 else "OB"
    for keyword, value in attributes.items():
        setattr(data, keyword, value)
    return data


def table(values: np.ndarray, first: int = 0, bits: int = 16, name: str = "") -> Dataset:
    """An item of a LUT sequence."""
    item = Dataset()
    item.LUTDescriptor = [len(values) % 65536, first, bits]
    item["LUTDescriptor"].VR = "US" if first >= 0 else "SS"
    item.LUTData = np.asarray(values, "<u2").tobytes()
    item["LUTData"].VR = "OW"
    if name:
        item.LUTExplanation = name
    return item


def add_overlay(data: Dataset, mask: np.ndarray, group: int = 0x6000, origin: tuple[int, int] = (1, 1)) -> None:
    """Add a bit plane."""
    bits = np.packbits(mask.reshape(-1), bitorder="little").tobytes()
    data.add_new((group, 0x0010), "US", mask.shape[-2])
    data.add_new((group, 0x0011), "US", mask.shape[-1])
    if mask.ndim == 3:
        data.add_new((group, 0x0015), "IS", mask.shape[0])
        data.add_new((group, 0x0051), "US", 1)
    data.add_new((group, 0x0040), "CS", "G")
    data.add_new((group, 0x0050), "SS", list(origin))
    data.add_new((group, 0x0100), "US", 1)
    data.add_new((group, 0x0102), "US", 0)
    data.add_new((group, 0x3000), "OW", bits + b"\0" * (len(bits) % 2))


def presentation_state(images: list[Dataset], **attributes: object) -> FileDataset:
    """A GSPS about these images, with the whole image displayed and nothing else."""
    data = _file(GSPS)
    first = images[0]
    data.Modality = "PR"
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID"):
        setattr(data, keyword, first.get(keyword))
    data.SeriesInstanceUID = generate_uid()
    data.StudyDate = data.StudyTime = data.ReferringPhysicianName = data.StudyID = data.AccessionNumber = ""
    data.PatientBirthDate = data.PatientSex = data.Manufacturer = ""
    data.SeriesNumber, data.InstanceNumber = 1, 1
    data.PresentationCreationDate, data.PresentationCreationTime = "20240102", "101112"
    data.ContentLabel, data.ContentDescription, data.ContentCreatorName = "TEST", "a wedge", "Reader^One"
    references = []
    for source in images:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
        references.append(reference)
    series = Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ReferencedImageSequence = Sequence(references)
    data.ReferencedSeriesSequence = Sequence([series])
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [first.Columns, first.Rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    area.PresentationPixelAspectRatio = [1, 1]
    data.DisplayedAreaSelectionSequence = Sequence([area])
    data.PresentationLUTShape = "IDENTITY"
    for keyword, value in attributes.items():
        setattr(data, keyword, value)
    return data


def save(data: FileDataset, path: Path) -> Path:
    """Write a file of one of these."""
    data.save_as(path, enforce_file_format=True)
    return path


def _file(sop_class: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    return data
