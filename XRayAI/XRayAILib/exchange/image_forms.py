"""The forms in which the pictures of an export are written."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.deidentify import Deidentifier
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import PICTURE
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.dicom.source import open_source
from XRayAILib.exchange.errors import ExportError
from XRayAILib.project.image import Image

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

FORMS = {
    "png8": "PNG, 8 bit, as displayed",
    "png16": "PNG, 16 bit, as displayed",
    "nrrd": "NRRD, 16 bit, as displayed, with the pixel spacing",
    "dicom": "the DICOM file, de-identified unless the images keep their names",
    "none": "no pictures",
}
"""Name -> what a person calls it."""
ENDINGS = {"dicom": ".dcm", "nrrd": ".nrrd"}


def ending(form: str) -> str:
    """Of the file names, with the dot."""
    return ENDINGS.get(form, ".png")


def deidentifier_of(pseudonyms: Pseudonyms, own_names: bool) -> Deidentifier | None:
    """What takes the identity out of DICOM files; nothing where the images keep their names."""
    return None if own_names else Deidentifier(pseudonyms)


def write_picture(
    project: Project, image: Image, form: str, path: Path, deidentifier: Deidentifier | None = None
) -> None:
    """Write the picture of an image in a form of :data:`FORMS`, and read it again.

    Parameters
    ----------
    deidentifier
        For the form ``dicom``; without it the file is copied as it is.

    Raises
    ------
    UnreadableError
        The image's file cannot be read, is no DICOM file though that was asked for, or must not go out.
    ExportError
        The picture did not come back as it was written, or the file has changed since the scan.
    """
    if form == "none":
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "dicom":
        _copy_dicom(image, path, deidentifier)
        return
    display = project.radiograph(image.uid).display()
    if display.shape != image.header.shape:
        raise ExportError(
            f"{image.header.path} has {display.shape[1]} x {display.shape[0]} pixels, its findings were made on "
            f"{image.header.columns} x {image.header.rows}: the file has changed. Put the old one back, or exclude it."
        )
    kind = np.uint8 if form == "png8" else np.uint16
    pixels = np.rint(display.astype(np.float64) * np.iinfo(kind).max).astype(kind)
    again = _nrrd(pixels, image, path) if form == "nrrd" else _png(pixels, path)
    if not np.array_equal(again, pixels):
        raise ExportError(f"The picture {path.name} did not come back as it was written: is the disk in order?")


def _png(pixels: np.ndarray, path: Path) -> np.ndarray:
    from PIL import Image as Picture

    Picture.fromarray(pixels).save(path, compress_level=4)
    with Picture.open(path) as again:
        return np.asarray(again)


def _nrrd(pixels: np.ndarray, image: Image, path: Path) -> np.ndarray:
    import nrrd

    from XRayAILib.exchange.masks.nrrd_place import place_of_slice, write_nrrd

    write_nrrd(path, pixels.T[:, :, None], place_of_slice(image.header.spacing))
    again: np.ndarray = nrrd.read(str(path))[0][:, :, 0].T
    return again


def _copy_dicom(image: Image, path: Path, deidentifier: Deidentifier | None) -> None:
    """The file itself, byte by byte; or its de-identified counterpart, which is verified as it is made."""
    from XRayAILib.dicom.deidentified_file import deidentify_file

    source = Path(image.header.path)
    if image.header.modality == PICTURE:
        raise UnreadableError(str(source), "a picture, of which there is no DICOM file: export it as PNG")
    if deidentifier is None:
        with open_source(source) as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
            length = stream.tell()
        if path.stat().st_size != length:
            raise ExportError(f"The copy {path.name} was not written whole: is the disk full?")
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as folder:
        made = deidentify_file(source, Path(folder), deidentifier)
        (Path(folder) / made.path).replace(path)
