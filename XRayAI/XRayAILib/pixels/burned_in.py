"""Text burned into the pixels of a radiograph: where it is, and what of it is a side marker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from XRayAILib.pixels import ocr
from XRayAILib.pixels.side_marker import side_markers
from XRayAILib.pixels.strokes import Strokes, contrast_of, gradient_of, ink_of, strokes_of
from XRayAILib.pixels.text_lines import Lines, grown, lines_of
from XRayAILib.pixels.writing import writing_scores

SCALES = (1, 2, 4)
"""Pixels of the image per pixel searched: capitals of 6 to about 170 pixels are seen."""

SURE = 0.75
"""Score from which on a line counts as text."""

TALLEST = 1 / 11
"""Of a letter as a part of the longer side of the image; taller ones were vertebrae, teeth and ribs."""

LARGEST = 0.15
"""Of a line as a part of the area of the image."""

LIKELY = 0.1
"""Score from which on it counts as the continuation of a line that does."""


DOUBTED = 0.4
"""Score from which on a line counts where Tesseract can read it."""

READ, LETTERS = 0.7, 4
"""Confidence and number of letters and digits from which on it can."""

MARKERS = {"L": "L", "LEFT": "L", "LT": "L", "R": "R", "RIGHT": "R", "RT": "R"}
"""Words that are side markers, and the side."""

_Edges = tuple[float, float, float, float]


@dataclass(frozen=True)
class TextRegion:
    """An upright box around burned-in text.

    Attributes
    ----------
    left, top, right, bottom
        Outer edges in pixels of the stored image (x right, y down, pixel i spans i - 0.5..i + 0.5).
    text
        What it says where Tesseract could read it, else empty.
    score
        How sure it is, 0..1.
    kind
        "text", or "marker" for a side marker, which a radiograph needs.
    mirrored
        The text is seen from behind: the film was scanned, or the image stored, the wrong way round.
    """

    left: float
    top: float
    right: float
    bottom: float
    text: str = ""
    score: float = 1.0
    kind: str = "text"
    mirrored: bool = False


def find_text(display: np.ndarray) -> list[TextRegion]:
    """Burned-in text, upright or in any quarter turn, mirrored or not, brighter or darker than what is around it.

    What is found is read where Tesseract is installed; whether it is found does not depend on that, except that what
    can be read counts as found where the detector alone would doubt it.

    Parameters
    ----------
    display
        float32 (rows, columns), 0 black to 1 white, as shown.

    Returns
    -------
    Regions of text and side markers, from top to bottom.
    """
    lines: list[_Candidate] = []
    markers: list[TextRegion] = []
    for rows in rows_of_ink(np.asarray(display, np.float32)):
        lines += [line for line in _likely(rows) if _fits(line, display.shape)]
        if not rows.down:
            markers += _markers(rows)
    regions = _read(display, [(_clipped(box, display.shape), score) for box, score in _united(lines)])
    regions += _alone(markers, regions, display.shape)
    return sorted(regions, key=lambda region: (region.top, region.left))


def _read(display: np.ndarray, found: list[tuple[_Edges, float]]) -> list[TextRegion]:
    """The regions with what they say; those in doubt only where they say something."""
    boxes = [(left + 0.5, top + 0.5, right + 0.5, bottom + 0.5) for (left, top, right, bottom), _ in found]
    readings = ocr.read(display, [tuple(map(int, box)) for box in boxes])  # type: ignore[misc]
    regions = []
    for (edges, score), reading in zip(found, readings, strict=True):
        letters = sum(c.isalnum() for c in reading.text)
        is_read = reading.confidence >= READ and letters >= LETTERS
        word = reading.text.upper().strip(".:-*()[]")
        if reading.confidence >= READ and word in MARKERS:
            regions.append(TextRegion(*edges, MARKERS[word], round(score, 3), "marker", reading.mirrored))
        elif score >= SURE or is_read:
            sure = max(score, reading.confidence) if is_read else score
            mirrored = reading.mirrored and is_read
            regions.append(TextRegion(*edges, reading.text if is_read else "", round(sure, 3), "text", mirrored))
    return regions


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of ink of one scale, polarity and direction, whether they are writing or not.

    Attributes
    ----------
    lines, strokes, ink
        What is there; rows and columns are exchanged in all of them where the lines run down.
    scale
        Pixels of the image per pixel of the scale.
    """

    lines: Lines
    strokes: Strokes
    ink: np.ndarray
    scale: int
    down: bool = False


def rows_of_ink(display: np.ndarray) -> Iterator[Rows]:
    """All rows of ink in an image (rows, columns), 0 black to 1 white."""
    for scale, image in _pyramid(display):
        gradient = gradient_of(image)
        for shown in (image, 1 - image):
            contrast = contrast_of(shown)
            ink = ink_of(contrast)
            strokes = strokes_of(ink, contrast, gradient)
            if len(strokes):
                yield Rows(lines_of(strokes, ink), strokes, ink, scale)
                turned = strokes.transposed()
                yield Rows(lines_of(turned, ink.T), turned, ink.T, scale, down=True)


@dataclass(frozen=True)
class _Candidate:
    """A line in pixels of the image: its box, the height of its letters, its score, and whether it runs down."""

    box: tuple[float, float, float, float]
    height: float
    score: float
    down: bool

    def wider(self, along: float, across: float) -> tuple[float, float, float, float]:
        """The box with so many heights of letters more at its ends and at its sides."""
        dx, dy = (across, along) if self.down else (along, across)
        left, top, right, bottom = self.box
        return left - dx * self.height, top - dy * self.height, right + dx * self.height, bottom + dy * self.height


def _pyramid(image: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    scale = 1
    for wanted in SCALES:
        while scale < wanted:
            rows, columns = (length // 2 for length in image.shape)
            image = image[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3))
            scale *= 2
        if min(image.shape) >= 16:
            yield scale, image


def _fits(line: _Candidate, shape: tuple[int, ...]) -> bool:
    """Whether a line is no larger than writing in an image of this shape."""
    return line.height <= TALLEST * max(shape) and _area(line.box) <= LARGEST * shape[0] * shape[1]


def _likely(rows: Rows) -> Iterator[_Candidate]:
    """The rows that may be writing; those that surely are, with all that belongs to them."""
    scores = writing_scores(rows.lines.features)
    for index in np.flatnonzero(scores >= LIKELY):
        box, height, score = rows.lines.boxes[index], float(rows.lines.heights[index]), float(scores[index])
        if score >= SURE:
            box = grown(box, height, float(rows.lines.contrasts[index]), rows.strokes)
        left, top, right, bottom = (float(edge) * rows.scale - 0.5 for edge in box)
        where = (top, left, bottom, right) if rows.down else (left, top, right, bottom)
        yield _Candidate(where, height * rows.scale, score, rows.down)


def _markers(rows: Rows) -> Iterator[TextRegion]:
    strokes = rows.strokes
    for marker in side_markers(strokes, rows.ink):
        edges = (strokes.left, strokes.top, strokes.right, strokes.bottom)
        left, top, right, bottom = (float(edge[marker.piece]) * rows.scale - 0.5 for edge in edges)
        score = round(marker.likeness, 3)
        yield TextRegion(left, top, right, bottom, marker.letter, score, "marker", marker.mirrored)


def _alone(markers: list[TextRegion], texts: list[TextRegion], shape: tuple[int, ...]) -> Iterator[TextRegion]:
    """The markers that are no letter of a text and no mark of a ruler, each once."""
    kept: list[TextRegion] = []
    for marker in sorted(markers, key=lambda region: -region.score):
        if not any(_overlap(_box(marker), _box(other)) > 0 for other in (*texts, *kept)):
            kept.append(marker)
    for marker in kept:
        same = [(other.text, other.mirrored) for other in kept].count((marker.text, marker.mirrored))
        # Two views on one film have a marker each; the marks of a ruler are many.
        if same <= 2:
            margin = 0.15 * (marker.bottom - marker.top)
            left, top, right, bottom = _box(marker)
            grown_box = left - margin, top - margin, right + margin, bottom + margin
            yield TextRegion(*_clipped(grown_box, shape), marker.text, marker.score, "marker", marker.mirrored)


def _continued(found: list[_Candidate]) -> list[_Candidate]:
    """The sure lines, and the likely ones that go on where those end."""
    least = SURE if ocr.missing() else DOUBTED
    kept = [line for line in found if line.score >= least]
    likely = [line for line in found if line.score < least]
    more = True
    while more:
        more = False
        for line in list(likely):
            if any(_continues(line, sure) for sure in kept):
                kept.append(line)
                likely.remove(line)
                more = True
    return kept


def _continues(line: _Candidate, sure: _Candidate) -> bool:
    alike = 0.5 <= line.height / sure.height <= 2 and line.down == sure.down
    return alike and _overlap(sure.wider(2.0, -0.2), line.box) > 0


def _united(lines: list[_Candidate]) -> list[tuple[tuple[float, float, float, float], float]]:
    """Boxes around the sure lines and what goes on where they end, each with the best score in it."""
    kept = sorted(_continued(lines), key=lambda line: -line.score)
    boxes = [(line.wider(0.5, 0.3), line.score) for line in kept]
    changed = True
    while changed:
        changed = False
        united: list[tuple[tuple[float, float, float, float], float]] = []
        for box, score in boxes:
            for index, (other, best) in enumerate(united):
                around = (*np.minimum(box[:2], other[:2]), *np.maximum(box[2:], other[2:]))
                overlap = _overlap(box, other)
                # Not around lines that cross: most of that would be image.
                full = _area(around) <= 1.5 * (_area(box) + _area(other) - overlap)
                if overlap > 0.25 * min(_area(box), _area(other)) and full:
                    united[index] = (tuple(map(float, around)), max(score, best))  # type: ignore[assignment]
                    changed = True
                    break
            else:
                united.append((box, score))
        boxes = united
    return boxes


def _box(region: TextRegion) -> tuple[float, float, float, float]:
    return region.left, region.top, region.right, region.bottom


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def _area(box: tuple[float, ...]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _clipped(box: tuple[float, ...], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Whole pixels within the image."""
    left, top = (float(np.clip(np.floor(v + 0.5), 0, None)) - 0.5 for v in box[:2])
    right, bottom = (
        float(min(np.ceil(v + 0.5), size)) - 0.5 for v, size in zip(box[2:], (shape[1], shape[0]), strict=True)
    )
    return left, top, right, bottom
