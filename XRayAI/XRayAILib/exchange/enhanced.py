"""Enhanced images as files: a 16-bit PNG, and how it was made beside it; what it was made from is never written to."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib import __version__
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.objects import now
from XRayAILib.pixels.enhance import Enhancement
from XRayAILib.project.project import Project

GREATEST = 65535


@dataclass(frozen=True)
class Written:
    """What became of several images.

    Attributes
    ----------
    files
        The PNG files.
    failed
        (uid, reason) of the images that could not be read.
    """

    folder: Path
    files: tuple[Path, ...]
    failed: tuple[tuple[str, str], ...]


def write_enhanced(radiograph: Radiograph, enhancement: Enhancement, path: Path, who: str = "") -> Path:
    """Write an enhanced image as a 16-bit PNG, 0 black to 65535 white, and its record as JSON of the same name.

    The image has the size of the radiograph, pixel for pixel, also where it was cropped.

    Raises
    ------
    ExportError
        The file is the radiograph itself, is no PNG, or cannot be written.
    """
    from PIL import Image as Picture

    if path.suffix.lower() != ".png":
        raise ExportError(f"{path}: an enhanced image is written as PNG, so its name ends in .png.")
    source = Path(radiograph.header.path)
    if path.exists() and source.exists() and path.samefile(source):
        raise ExportError(f"{path} is the radiograph itself, which is never written over: take another name.")
    enhanced = enhancement.run(radiograph.display(), radiograph.grayscale.is_image(radiograph.stored))
    pixels = np.rint(enhanced.image * GREATEST).astype(np.uint16)
    spacing = radiograph.spacing
    record: dict[str, Any] = {
        "derived_from": radiograph.uid,
        "enhancement": enhancement.document(),
        "exposed": dict(zip(("left", "top", "right", "bottom"), enhanced.box, strict=True)),
        "grey": "P-values (PS3.3 C.11.6), 0 black to 65535 white",
        "spacing_mm": [spacing.row, spacing.column] if spacing.known else None,
        "spacing_source": spacing.source.value,
        "made_by": who,
        "made_at": now(),
        "software": f"X-Ray AI {__version__}",
    }
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}.part")
    try:
        Picture.fromarray(pixels).save(temporary, format="PNG")
        described = path.with_suffix(".json")
        described.write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
        temporary.replace(path)
    except OSError as error:
        if temporary.exists():
            temporary.unlink()
        raise ExportError(f"{path}: the enhanced image cannot be written ({error.strerror or error}).") from error
    return path


def export_enhanced(
    project: Project,
    enhancement: Enhancement,
    uids: Iterable[str],
    folder: Path | None = None,
    who: str = "",
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> Written:
    """Write enhanced images of a project, and that they were written into its audit trail.

    Parameters
    ----------
    folder
        Where they go, made where it is missing; without one a new folder in ``project.exports_folder``. Files have
        the names of the radiographs' files; a name that is taken gets a number.
    progress
        Called before each image with the number done, the number in all and a sentence; what it raises stops here.
    """
    wanted = list(uids)
    place = folder or _free(project.exports_folder / f"enhanced {enhancement.name}")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{place} cannot be made: {error.strerror or error}.") from error
    files: list[Path] = []
    failed: list[tuple[str, str]] = []
    for done, uid in enumerate(wanted):
        progress(done, len(wanted), f"Enhancing image {done + 1} of {len(wanted)}")
        try:
            radiograph = project.radiograph(uid)
            files.append(write_enhanced(radiograph, enhancement, _free(place / f"{_stem(radiograph)}.png"), who))
        except UnreadableError as error:
            failed.append((uid, str(error)))
    progress(len(wanted), len(wanted), f"{len(files)} images written")
    project.audit("enhance", json.dumps({"images": len(files), "folder": str(place), **enhancement.document()}), who)
    return Written(place, tuple(files), tuple(failed))


def _stem(radiograph: Radiograph) -> str:
    header = radiograph.header
    name = re.sub(r"[^\w.-]+", "_", Path(header.path).stem).strip("._") or "image"
    return f"{name}-{header.frame}" if "#" in header.uid else name


def _free(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
