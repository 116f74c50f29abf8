"""The images on which two readers differ most, and pictures of what each of them drew."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.agreement.compare import Compared, What
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.measures import outline
from XRayAILib.findings.objects import FindingObject, Landmark, Mask
from XRayAILib.findings.shapes import Polyline
from XRayAILib.pixels.trace import outlines
from XRayAILib.workflow.agreement.agreement import Pair, Study
from XRayAILib.workflow.plots import COLORS

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from XRayAILib.dicom.radiograph import Radiograph

SHOWN = 12
OF_A_KIND = 4
OF_A_LABEL = 3
SIZE = 480
"""Pixels of a picture's longer side."""
MARGIN = 0.35
"""Around what was drawn, by its own size."""
LEAST = 0.25
"""Part of the image that a picture shows at least: what lies around tells what it is."""
_FINE = 2
"""Lines are drawn so many times larger, then made smaller: smooth without a drawing library."""


@dataclass(frozen=True)
class Case:
    """An image on which two readers differ.

    Attributes
    ----------
    badness
        The higher, the more they differ; compares cases of one kind only.
    told
        How they differ, in words.
    """

    uid: str
    pair: Pair
    label: str
    what: What
    badness: float
    told: str


def worst(study: Study) -> list[Case]:
    """The cases to look at: the worst of each kind, of different images, and not of one label only."""
    found: list[Case] = []
    for what in What:
        cases = sorted(
            (case for case in _cases(study) if case.what is what), key=lambda c: (-c.badness, c.uid, c.label, c.pair)
        )
        labels: dict[str, int] = {}
        uids: set[str] = set()
        for case in cases:
            if len(uids) < OF_A_KIND and case.uid not in uids and labels.get(case.label, 0) < OF_A_LABEL:
                labels[case.label] = labels.get(case.label, 0) + 1
                uids.add(case.uid)
                found.append(case)
    return found[:SHOWN]


def _cases(study: Study) -> Iterator[Case]:
    for pair, images in study.pairs.items():
        names = [study.readers[key] for key in pair]
        for uid, said in images.items():
            for compared in said:
                if study.users[compared.label].issuperset(pair):
                    told = _told(compared, names)
                    if told is not None:
                        yield Case(uid, pair, compared.label, compared.what, *told)


def _told(c: Compared, names: Sequence[str]) -> tuple[float, str] | None:
    """How bad, and in words; ``None`` where the readers do not differ, or it cannot be seen in a picture."""
    numbers = c.numbers
    if c.what is What.ANSWER:
        return None
    if c.what is not What.OBJECTS and min(c.given) == 0:
        if max(c.given) == 0:
            return None
        who, other = (names[0], names[1]) if c.given[0] else (names[1], names[0])
        return np.inf, f"only {who} has it, {other} has not"
    if c.what is What.REGION:
        far = f", HD95 {numbers['hd95']:.1f} {c.unit}" if "hd95" in numbers else ""
        return 1 - numbers["dice"], f"Dice {numbers['dice']:.3f}{far}"
    if c.what is What.LINE:
        return numbers["hd95"], f"HD95 {numbers['hd95']:.1f} {c.unit}"
    if c.what is What.OBJECTS:
        missed = numbers["only_first"] + numbers["only_second"]
        if not missed:
            return None
        parts = [f"{numbers['pairs']:.0f} of both"]
        parts += [f"{numbers[k]:.0f} only {n}" for k, n in zip(("only_first", "only_second"), names, strict=True)]
        return missed / (missed + numbers["pairs"]) + missed * 1e-3, ", ".join(parts)
    if c.what is What.LANDMARK:
        return (numbers["error"], f"{numbers['error']:.1f} {c.unit} apart") if "error" in numbers else None
    if "first" not in numbers:
        return None
    difference = abs(numbers["first"] - numbers["second"])
    values = " and ".join(f"{numbers[k]:.3g}" for k in ("first", "second"))
    return difference / max(abs(numbers["first"]), abs(numbers["second"]), 1e-9), f"{values} {c.unit}".strip()


def picture(radiograph: Radiograph, readings: Sequence[Findings], label: str) -> bytes:
    """A JPEG of the part of a radiograph where readers used a label, each one's objects in his colour."""
    from PIL import Image, ImageDraw

    items = [[o for o in findings if o.label == label] for findings in readings]
    left, top, right, bottom = _window([line for own in items for o in own for line in _lines(o)], radiograph.shape)
    crop = radiograph.stored[top:bottom, left:right]
    if radiograph.colour is not None:
        image = Image.fromarray(np.ascontiguousarray(radiograph.colour[top:bottom, left:right])).convert("RGB")
    else:
        grey = np.rint(radiograph.grayscale.display(crop) * 255).astype(np.uint8)
        image = Image.fromarray(grey).convert("RGB")
    scale = SIZE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    canvas = image.resize((size[0] * _FINE, size[1] * _FINE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    for own, color in zip(items, COLORS, strict=False):
        for item in own:
            for line in _lines(item):
                # A pixel's centre is at an integer, its corner half a pixel before it.
                _line(draw, (line + 0.5 - [left, top]) * scale * _FINE, color, isinstance(item, Landmark))
    stream = io.BytesIO()
    canvas.resize(size, Image.Resampling.BOX).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _window(lines: Sequence[np.ndarray], shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part to show: what was drawn, and around it."""
    if not lines:
        return 0, 0, shape[1], shape[0]
    points = np.concatenate(lines)
    middle, size = (points.min(axis=0) + points.max(axis=0)) / 2, np.ptp(points, axis=0)
    half = max(float(size.max()) * (1 + 2 * MARGIN), LEAST * max(shape)) / 2
    low = np.clip(np.floor(middle - half), 0, [shape[1] - 1, shape[0] - 1]).astype(int)
    high = np.clip(np.ceil(middle + half), low + 1, [shape[1], shape[0]]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _lines(item: FindingObject) -> list[np.ndarray]:
    """What is drawn of an object, as lines through (N, 2) points of the image; closed where the first comes again."""
    if isinstance(item, Mask):
        row, column = item.origin
        rings = outlines(item.crop) if item.crop.size else []
        return [np.vstack([ring, ring[:1]]) + np.array([column, row]) for ring in rings]
    if isinstance(item, Landmark):
        return [] if item.outside else [np.array([[item.x, item.y]])]
    if isinstance(item, Polyline):
        return [np.asarray(item.points, float)]
    if isinstance(item, Measurement):
        return [np.array([item.points[a], item.points[b]], float) for a, b in item.strokes]
    ring = np.asarray(outline(item), float).reshape(-1, 2)
    return [np.vstack([ring, ring[:1]])] if len(ring) else []


def _line(draw: ImageDraw, points: np.ndarray, color: str, is_point: bool) -> None:
    width = 3 * _FINE
    if is_point:
        (x, y), arm = points[0], 7 * _FINE
        strokes = [[(x - arm, y), (x + arm, y)], [(x, y - arm), (x, y + arm)]]
    else:
        strokes = [[(float(x), float(y)) for x, y in points]]
    for shade, wide in (("#000000", width + _FINE), (color, width)):
        for stroke in strokes:
            draw.line(stroke, fill=shade, width=wide, joint="curve")
