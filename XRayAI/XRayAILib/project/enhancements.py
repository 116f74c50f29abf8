"""The enhancements of a project: those that come with X-Ray AI, and its own in ``enhancements/NAME.yaml``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.pixels.enhance import PRESETS, Enhancement, EnhancementError
from XRayAILib.pixels.histogram import mean_quantiles, quantiles
from XRayAILib.pixels.steps import STEPS, Histogram
from XRayAILib.project.errors import ProjectError

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

FOLDER = "enhancements"
MOST_IMAGES = 200
"""That a reference histogram is made of."""


def enhancement_names(project: Project | None) -> list[str]:
    """All names: what comes with X-Ray AI first."""
    own = sorted(path.stem for path in (project.folder / FOLDER).glob("*.yaml")) if project is not None else []
    return [*PRESETS, *(name for name in own if name not in PRESETS)]


def find_enhancement(project: Project | None, name: str) -> Enhancement:
    """The enhancement of this name, or in the YAML file of this name.

    Raises
    ------
    ProjectError
        There is none of this name.
    EnhancementError
        Its file cannot be read; the message names it.
    """
    if name in PRESETS:
        return PRESETS[name]
    if project is not None and name in enhancement_names(project):
        return Enhancement.read(_path(project, name))
    path = Path(name)
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        return Enhancement.read(path)
    raise ProjectError(f"There is no enhancement '{name}'; there are {', '.join(enhancement_names(project))}.")


def save_enhancement(project: Project, enhancement: Enhancement, who: str = "") -> Path:
    """Write an enhancement into the project, over an earlier one of this name, and into its audit trail.

    Raises
    ------
    EnhancementError
        The name belongs to one that comes with X-Ray AI.
    ProjectError
        The folder cannot be written.
    """
    if enhancement.name in PRESETS:
        raise EnhancementError(f"'{enhancement.name}' comes with X-Ray AI and stays as it is: take another name.")
    path = _path(project, enhancement.name)
    try:
        path.parent.mkdir(exist_ok=True)
        enhancement.write(path)
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror or error}.") from error
    project.audit("enhancement", json.dumps(enhancement.document()), who)
    return path


def _path(project: Project, name: str) -> Path:
    return project.folder / FOLDER / f"{name}.yaml"


def reference_histogram(
    project: Project,
    manufacturer: str = "",
    before: Enhancement | None = None,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> Histogram:
    """The step that gives an image the mean histogram of a project's images.

    Parameters
    ----------
    manufacturer
        Only of images whose Manufacturer holds this text, upper or lower case; empty for all.
    before
        What is done to an image before the histogram is looked at, such as the crop to the collimation: the steps in
        front of the matching one.
    progress
        Called with the number done, the number in all and a sentence; what it raises stops here.

    Raises
    ------
    ProjectError
        No image is of this manufacturer, or none can be read.
    """
    images = [image for image in project.images() if not image.excluded]
    chosen = [image for image in images if manufacturer.lower() in image.header.manufacturer.lower()]
    if not chosen:
        made = sorted({image.header.manufacturer or "(not named)" for image in images})
        raise ProjectError(f"No image is of '{manufacturer}'; there are images of {', '.join(made) or 'nobody'}.")
    # Some hundred give the mean to three digits; they are spread over the collection.
    chosen = chosen[:: -(-len(chosen) // MOST_IMAGES)]
    several, failed = [], ""
    first = _steps_before(before)
    for done, image in enumerate(chosen):
        progress(done, len(chosen), f"Looking at image {done + 1} of {len(chosen)}")
        try:
            radiograph = project.radiograph(image.uid)
        except UnreadableError as error:
            failed = str(error)
            continue
        enhanced = first.run(radiograph.display(), radiograph.grayscale.is_image(radiograph.stored))
        left, top, right, bottom = enhanced.box
        part = slice(top, bottom), slice(left, right)
        inside = None if enhanced.inside is None else enhanced.inside[part]
        several.append(quantiles(enhanced.image[part], inside))
    if not several:
        raise ProjectError(f"None of the images can be read. The last: {failed}")
    progress(len(chosen), len(chosen), "")
    source = f"{len(several)} images of {manufacturer or project.name}"
    mean = np.clip(np.maximum.accumulate(mean_quantiles(several)), 0, 1)
    return Histogram(1.0, tuple(round(float(value), 5) for value in mean), source)


def _steps_before(enhancement: Enhancement | None) -> Enhancement:
    if enhancement is None:
        return PRESETS["none"]
    order = [kind.kind for kind in STEPS]
    limit = order.index(Histogram.kind)
    return Enhancement("before", tuple(step for step in enhancement.steps if order.index(step.kind) < limit))
