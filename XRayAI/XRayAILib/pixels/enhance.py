"""Enhancement: how the greys of a radiograph are made more telling, or alike; never written over the original.

::

    enhancement = PRESETS["chest"]
    shown = enhancement.apply(radiograph.display(), radiograph.grayscale.is_image(radiograph.stored))

The same object serves the viewer, the training and the model that came of it, which carries it in its pixel preset.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.pixels.steps import (
    STEPS,
    Collimation,
    Edges,
    LocalContrast,
    Multiscale,
    Percentiles,
    Step,
    Wavelet,
)

KINDS = {step.kind: step for step in STEPS}


class EnhancementError(ValueError):
    """An enhancement that cannot be, with a sentence per field."""


@dataclass(frozen=True)
class Exposed:
    """The part of an image that was exposed: its box as in :class:`Enhanced`, and its pixels, ``None`` for all."""

    box: tuple[int, int, int, int]
    mask: np.ndarray | None


@dataclass(frozen=True)
class Enhanced:
    """What came of one image.

    Attributes
    ----------
    image
        float32 (rows, columns), 0..1; 0 where nothing was exposed and where there is no image.
    box
        (left, top, right, bottom) of what was exposed: columns left..right - 1 and rows top..bottom - 1; the whole
        image where nothing was cropped.
    inside
        What is image, bool (rows, columns); ``None`` where all of it is.
    """

    image: np.ndarray
    box: tuple[int, int, int, int]
    inside: np.ndarray | None


@dataclass(frozen=True)
class Enhancement:
    """Steps, one after the other, each kind at most once.

    Attributes
    ----------
    name
        For a person; letters, digits, spaces, ``_``, ``-`` and ``.``.
    """

    name: str = "none"
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        problems = self.problems()
        if problems:
            raise EnhancementError(" ".join(problems))

    def problems(self) -> list[str]:
        """A sentence for every field that makes no sense."""
        found = []
        name = self.name
        if not isinstance(name, str) or not name.strip() or not all(c.isalnum() or c in " _-." for c in name):
            found.append(f"name: {name!r} is no name; use letters, digits, spaces, '_', '-' and '.'.")
        elif name.startswith((".", " ")) or name.endswith((".", " ")):
            # It becomes a file's name, and Windows drops such ends.
            found.append(f"name: '{name}' must not begin or end with a dot or a space.")
        for number, step in enumerate(self.steps):
            found += step.problems()
            if step.kind in [other.kind for other in self.steps[:number]]:
                found.append(f"steps: '{step.kind}' is named twice.")
            if isinstance(step, Collimation) and number:
                found.append("steps: 'collimation' must come first, because it is found in the image as it is.")
        return found

    def apply(
        self, display: np.ndarray, inside: np.ndarray | None = None, exposed: Exposed | None = None
    ) -> np.ndarray:
        """The enhanced image, float32 of the same shape, 0..1; see :meth:`run`."""
        return self.run(display, inside, exposed).image

    def run(self, display: np.ndarray, inside: np.ndarray | None = None, exposed: Exposed | None = None) -> Enhanced:
        """Enhance an image.

        Parameters
        ----------
        display
            Display values (rows, columns), 0 black to 1 white. Left as they are.
        inside
            What is image and not padding, bool (rows, columns); ``None`` for all of it.
        exposed
            What :func:`exposed_part` found in this image, where it is known already. Only a crop looks at it.
        """
        image = np.clip(np.nan_to_num(np.asarray(display, np.float32), nan=0.0), 0, 1)
        if inside is not None and inside.all():
            inside = None
        box = (0, 0, image.shape[1], image.shape[0])
        if self.crops:
            found = exposed or exposed_part(image)
            box = found.box
            if found.mask is not None:
                inside = found.mask if inside is None else inside & found.mask
        left, top, right, bottom = box
        part = slice(top, bottom), slice(left, right)
        cut, chosen = image[part], None if inside is None else inside[part]
        result = np.zeros_like(image)
        if chosen is not None and chosen.all():
            chosen = None
        if chosen is None or chosen.any():
            result[part] = self._stepped(cut, chosen)
        return Enhanced(result, box, inside)

    @property
    def crops(self) -> bool:
        """Whether it leaves out what was not exposed."""
        return any(isinstance(step, Collimation) for step in self.steps)

    def _stepped(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        if inside is not None:
            # A grey from the middle of the image beside its border draws the faintest line there.
            image = np.where(inside, image, np.median(image[inside]))
        for step in self.steps:
            image = np.clip(step.apply(image, inside), 0, 1)
        return image if inside is None else np.where(inside, image, np.float32(0))

    # One step more or less ------------------------------------------------------------------------------------------

    def step(self, kind: str) -> Step | None:
        """The step of this kind; ``None`` where there is none."""
        return next((step for step in self.steps if step.kind == kind), None)

    def with_step(self, step: Step) -> Enhancement:
        """The same with this step, in the place of the one of its kind, or where :data:`STEPS` would have it."""
        kinds = [own.kind for own in self.steps]
        if step.kind in kinds:
            place = kinds.index(step.kind)
            return Enhancement(self.name, (*self.steps[:place], step, *self.steps[place + 1 :]))
        order = [kind.kind for kind in STEPS]
        place = sum(order.index(kind) < order.index(step.kind) for kind in kinds)
        return Enhancement(self.name, (*self.steps[:place], step, *self.steps[place:]))

    def without(self, kind: str) -> Enhancement:
        """The same without the step of this kind."""
        return Enhancement(self.name, tuple(step for step in self.steps if step.kind != kind))

    def renamed(self, name: str) -> Enhancement:
        return Enhancement(name, self.steps)

    # As a document --------------------------------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """Plain mappings and lists."""
        return {"name": self.name, "steps": [step.document() for step in self.steps]}

    @classmethod
    def from_document(cls, document: object) -> Enhancement:
        """What :meth:`document` gave; :class:`EnhancementError` says every field that is wrong."""
        if not isinstance(document, Mapping) or not isinstance(document.get("steps", []), (list, tuple)):
            raise EnhancementError("An enhancement is a mapping with a 'name' and a list of 'steps'.")
        problems = [f"'{key}' is no setting of an enhancement." for key in document if key not in ("name", "steps")]
        steps = []
        for entry in document.get("steps", []):
            try:
                steps.append(step_of(entry))
            except EnhancementError as error:
                problems.append(str(error))
        try:
            made = cls(document.get("name", ""), tuple(steps))
        except EnhancementError as error:
            problems.append(str(error))
        if problems:
            raise EnhancementError(" ".join(problems))
        return made

    @classmethod
    def read(cls, path: Path) -> Enhancement:
        """Read YAML (JSON is YAML too); the error names the file."""
        import yaml

        try:
            return cls.from_document(yaml.safe_load(path.read_text("utf-8")))
        except OSError as error:
            raise EnhancementError(f"{path}: the enhancement cannot be read ({error.strerror or error}).") from error
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise EnhancementError(f"{path}: the enhancement cannot be read ({error}).") from error
        except EnhancementError as error:
            raise EnhancementError(f"{path}: {error}") from error

    def write(self, path: Path) -> None:
        """Write YAML; whole or not at all."""
        import yaml

        temporary = path.with_name(path.name + ".part")
        temporary.write_text(yaml.safe_dump(self.document(), sort_keys=False, default_flow_style=None), "utf-8")
        temporary.replace(path)


def step_of(entry: object) -> Step:
    """The step of its document; :class:`EnhancementError` says what is wrong with it."""
    if isinstance(entry, Mapping) and "step" not in entry:
        raise EnhancementError(f"steps: {dict(entry)} does not say which step it is, such as 'step: clahe'.")
    if not isinstance(entry, Mapping) or entry["step"] not in KINDS:
        name = entry["step"] if isinstance(entry, Mapping) else entry
        close = difflib.get_close_matches(str(name), KINDS, 1)
        hint = f"; did you mean '{close[0]}'?" if close else f"; there are {', '.join(KINDS)}."
        raise EnhancementError(f"steps: there is no step '{name}'{hint}")
    kind = KINDS[entry["step"]]
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items() if key != "step"}
    strange = set(values) - {item.name for item in fields(kind)}
    if strange:
        names = ", ".join(f"'{kind.kind}.{name}'" for name in sorted(map(str, strange)))
        raise EnhancementError(f"{names} is no parameter.")
    return kind(**values)


def exposed_part(display: np.ndarray) -> Exposed:
    """What of an image (rows, columns) lies within its collimation, to the pixel."""
    from XRayAILib.pixels.collimation import exposed_corners
    from XRayAILib.pixels.fill import fill_polygon

    rows, columns = display.shape
    corners = exposed_corners(display)
    if corners is None:
        return Exposed((0, 0, columns, rows), None)
    mask = fill_polygon(corners, (rows, columns))
    down, across = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Exposed((int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1), mask)


PRESETS: dict[str, Enhancement] = {
    preset.name: preset
    for preset in (
        Enhancement("none"),
        Enhancement("chest", (Collimation(), Percentiles(0.5, 99.5), Multiscale(0.35), LocalContrast(1.8, 6))),
        Enhancement("bone", (Collimation(), Percentiles(1.0, 99.5), Wavelet(0.7), Multiscale(0.3), Edges(1.0, 4.0))),
        Enhancement("soft tissue", (Collimation(), Percentiles(0.5, 99.5), Wavelet(1.0), LocalContrast(2.5, 4))),
        Enhancement("portable", (Collimation(), Percentiles(1.0, 99.0), Wavelet(1.2), Multiscale(0.6))),
    )
}
"""What comes with X-Ray AI; a project may have more in its folder."""
