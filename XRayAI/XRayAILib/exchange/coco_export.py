"""A labelled data set as COCO, checked before it counts as exported."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib import __version__
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.exchange.coco_check import Said, check_coco, said_by
from XRayAILib.exchange.coco_write import CocoWriter
from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.author import Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import now
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project

ANNOTATIONS = "annotations.json"
IMAGES = "images"

ProgressCall = Callable[[int, int, str], None]
"""Called with the steps done, the steps in all and what is being done."""


@dataclass(frozen=True)
class CocoExport:
    """What was exported.

    Attributes
    ----------
    folder
        Holds ``annotations.json`` and ``images/``.
    images, objects
        How many were written and found again.
    without_labels
        Images of the project of which nobody says anything, or that are excluded; they were left out.
    warnings
        Sentences about what could not be exported as it is.
    """

    folder: Path
    images: int
    objects: int
    without_labels: int
    warnings: tuple[str, ...]

    @property
    def annotations(self) -> Path:
        return self.folder / ANNOTATIONS


def export_coco(
    project: Project,
    name: str = "coco",
    *,
    bits: int = 8,
    polygons: bool = False,
    only_approved: bool = False,
    findings: Callable[[str], Findings | None] | None = None,
    progress: ProgressCall = lambda *_: None,
) -> CocoExport:
    """Export all images of the project that have labels and are not excluded.

    Images are written as they are displayed (black to white, window applied, polarity resolved) under names that do not
    tell who the patient is. The folder takes its place in ``project.exports_folder`` only after pycocotools has read it
    again and every object has come back as it was.

    Parameters
    ----------
    name
        Of the folder; a number is added where there is one already.
    bits
        8 or 16 per pixel of the images.
    polygons
        Write masks without holes as polygons instead of run lengths.
    only_approved
        Leave out objects that are not approved, and images that then have none.
    findings
        What to export of the radiograph with this UID; without it ``project.reference``.

    Raises
    ------
    ExportError
        Nothing was exported; the message names the object or the file that is the reason.
    """
    if bits not in (8, 16):
        raise ValueError(f"The images of an export have 8 or 16 bits, not {bits}.")
    if not re.fullmatch(r"\w[\w .-]*", name):
        raise ExportError(
            f"'{name}' cannot be the name of an export: it becomes a folder in {project.exports_folder}. Take letters, "
            "digits, spaces, dots, '-' and '_'."
        )
    temporary = project.exports_folder / f".{name}-{uuid.uuid4().hex[:8]}.part"
    try:
        (temporary / IMAGES).mkdir(parents=True)
        chosen = _approved(findings or project.reference) if only_approved else findings or project.reference
        exported = _write(project, temporary, bits, polygons, chosen, progress)
        folder = _free_folder(project.exports_folder, name)
        temporary.rename(folder)
    except OSError as error:
        raise ExportError(
            f"The export to {project.exports_folder} failed: {error.strerror or error}. "
            "Nothing was exported; see that the disk has room and that the folder can be written."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # still there only after an error
    project.audit("export", f"COCO, {exported.images} images, {exported.objects} objects: {folder}")
    return CocoExport(folder, exported.images, exported.objects, exported.without_labels, exported.warnings)


def _write(
    project: Project,
    folder: Path,
    bits: int,
    polygons: bool,
    findings: Callable[[str], Findings | None],
    progress: ProgressCall,
) -> CocoExport:
    pseudonyms = Pseudonyms.of(project.folder)
    writer = CocoWriter(project.schema, polygons)
    expected: dict[tuple[str, str], Said] = {}
    images = project.images()
    left_out = with_text = 0
    for done, image in enumerate(images, start=1):
        found = None if image.excluded else findings(image.uid)
        if found is None:
            left_out += 1
        else:
            try:
                pixels = _pixels(project, image, found, bits)
            except UnreadableError as error:
                writer.warnings.append(f"{error} It was left out of the export.")
            else:
                file_name = f"{pseudonyms.image(image.uid)}.png"
                _save_picture(pixels, folder / IMAGES / file_name)
                writer.add_image(file_name, found, **_described(image, pseudonyms))
                expected.update(said_by(file_name, found))
                with_text += any(mark.rule == "text" for mark in image.marks)
        progress(done, 2 * len(images), "writing images")
    if not writer.images:
        raise ExportError(
            "Nothing was exported: no image of the project has labels. Draw or import some, or accept predictions."
        )
    if with_text:
        writer.warnings.append(
            f"{with_text} of the pictures have text burned in, as the last check says: see that it names nobody before "
            "you pass them on. They have the mark 'text' in the collection."
        )
    path = folder / ANNOTATIONS
    path.write_text(json.dumps(writer.document(**_info(project, bits)), allow_nan=False), "utf-8")
    offset, count = len(images), len(writer.images)
    check_coco(path, expected, lambda done, _, text: progress(offset + done * offset // count, 2 * offset, text))
    return CocoExport(folder, count, len(expected), left_out, tuple(writer.warnings))


def _approved(findings: Callable[[str], Findings | None]) -> Callable[[str], Findings | None]:
    def approved(uid: str) -> Findings | None:
        found = findings(uid)
        kept = found.without(item.id for item in found if item.status is not Status.APPROVED) if found else None
        return kept if kept and kept.objects else None

    return approved


def _pixels(project: Project, image: Image, findings: Findings, bits: int) -> np.ndarray:
    display = project.radiograph(image.uid).display()
    if display.shape != findings.shape:
        raise ExportError(
            f"{image.header.path} has {display.shape[1]} x {display.shape[0]} pixels, its findings were made on "
            f"{findings.shape[1]} x {findings.shape[0]}: the file has changed. Put the old one back, or exclude it."
        )
    top = 2**bits - 1
    return np.rint(display.astype(np.float64) * top).astype(np.uint8 if bits == 8 else np.uint16)


def _save_picture(pixels: np.ndarray, path: Path) -> None:
    from PIL import Image as Picture

    Picture.fromarray(pixels).save(path, compress_level=4)
    with Picture.open(path) as again:
        if not np.array_equal(np.asarray(again), pixels):
            raise ExportError(f"The picture {path.name} did not come back as it was written: is the disk in order?")


def _described(image: Image, pseudonyms: Pseudonyms) -> dict[str, Any]:
    header = image.header
    spacing = header.spacing
    return {
        "split": image.split,
        "patient": pseudonyms.patient(header.patient_key),
        "xrayai": {
            "modality": header.modality,
            "view": header.view,
            "spacing": [spacing.row, spacing.column] if spacing.known else None,
            "spacing_source": spacing.source.value,
        },
    }


def _info(project: Project, bits: int) -> dict[str, Any]:
    time = now()
    return {
        "description": f"{project.name}: exported by X-Ray AI {__version__}",
        "version": "1.0",
        "year": int(time[:4]),
        "date_created": time,
        "contributor": "",
        "xrayai": {
            "version": __version__,
            "pixels": f"display values, {bits} bit, black 0",
            "coordinates": "0 is the outer corner of the first pixel, as COCO has it",
        },
    }


def _free_folder(exports: Path, name: str) -> Path:
    folder, number = exports / name, 2
    while folder.exists():
        folder, number = exports / f"{name}-{number}", number + 1
    return folder
