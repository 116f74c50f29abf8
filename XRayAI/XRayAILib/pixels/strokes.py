"""Thin strokes of even contrast: what letters are made of, whatever they say.

Letters are drawn with a pen of one width and one grey and have sharp edges; anatomy is not. The stroke width transform
(Epshtein, Ofek, Wexler, CVPR 2010) rests on the same; here a top-hat finds the strokes, for bright ones in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

REACH = 9
"""Edge of the square in pixels that a stroke must not fill: strokes up to 8 pixels wide are seen, at every scale."""

NEIGHBOURHOOD = 15
"""Edge of the square in which the strongest stroke decides what is ink: half of its contrast."""

LEAST_CONTRAST = 0.04
"""Of a stroke, where black is 0 and white 1: less is noise or lies under what a person can read."""

LEAST_SHARPNESS = 0.15
"""Mean gradient at the rim of a stroke over its contrast; text of any font has twice as much."""

SMALLEST, TALLEST, LONGEST = 5, 44, 528
"""Of a piece of ink, in pixels of its scale: a letter, or a word whose letters touch."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """The connected pieces of ink of one scale and polarity; arrays with one entry a piece, float32.

    Attributes
    ----------
    left, top, right, bottom
        Outer edges in pixels (pixel i spans i..i + 1 here).
    area
        Pixels of ink.
    run_across, run_down
        Mean length of the runs of ink along rows and along columns.
    contrast, evenness, sharpness
        Mean contrast, its standard deviation over its mean, and the mean gradient at the rim over the contrast.
    """

    left: np.ndarray
    top: np.ndarray
    right: np.ndarray
    bottom: np.ndarray
    area: np.ndarray
    run_across: np.ndarray
    run_down: np.ndarray
    contrast: np.ndarray
    evenness: np.ndarray
    sharpness: np.ndarray

    def __len__(self) -> int:
        return len(self.left)

    @property
    def width(self) -> np.ndarray:
        return np.asarray(self.right - self.left)

    @property
    def height(self) -> np.ndarray:
        return np.asarray(self.bottom - self.top)

    @property
    def stroke(self) -> np.ndarray:
        """Width of the pen."""
        return np.asarray(np.minimum(self.run_across, self.run_down))

    def transposed(self) -> Strokes:
        """With rows and columns exchanged, so that a line running down runs across."""
        across = (self.top, self.left, self.bottom, self.right, self.area, self.run_down, self.run_across)
        return Strokes(*across, self.contrast, self.evenness, self.sharpness)

    def chosen(self, which: np.ndarray) -> Strokes:
        """Some of them, by a mask or by indices."""
        return Strokes(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


def contrast_of(image: np.ndarray) -> np.ndarray:
    """How far every pixel stands out over what is around it, for bright strokes: a white top-hat of :data:`REACH`."""
    from scipy import ndimage

    return np.asarray(image - ndimage.grey_opening(image, size=(REACH, REACH)))


def ink_of(contrast: np.ndarray) -> np.ndarray:
    """Bool array of the pixels that are ink: more than half of the strongest contrast around, and enough of it."""
    from scipy import ndimage

    strongest = ndimage.maximum_filter(contrast, NEIGHBOURHOOD)
    return np.asarray(contrast > np.maximum(0.5 * strongest, LEAST_CONTRAST))


def gradient_of(image: np.ndarray) -> np.ndarray:
    """Magnitude of the gradient per pixel."""
    down, across = np.gradient(image)
    return np.asarray(np.hypot(down, across))


def strokes_of(ink: np.ndarray, contrast: np.ndarray, gradient: np.ndarray) -> Strokes:
    """The pieces of ink that could be letters."""
    from scipy import ndimage

    labelled, count = ndimage.label(ink, np.ones((3, 3)))
    slices = ndimage.find_objects(labelled)
    box = np.array([(s[1].start, s[0].start, s[1].stop, s[0].stop) for s in slices], np.float32).reshape(-1, 4)
    index = np.flatnonzero(ink)
    label = labelled.ravel()[index] - 1

    def total(values: np.ndarray | None = None, which: np.ndarray | slice = np.s_[:]) -> np.ndarray:
        weights = None if values is None else values[which]
        return np.bincount(label[which], weights, count).astype(np.float32)

    # A run begins where the pixel before it is no ink, and ends where the one after it is none.
    framed = np.pad(ink, 1).ravel()
    row, column = np.divmod(index, ink.shape[1])
    place = (row + 1) * (ink.shape[1] + 2) + column + 1
    begins, ends, begins_down = (~framed[place + step] for step in (-1, 1, -ink.shape[1] - 2))
    rim = begins | ends | begins_down
    area, values = total(), contrast.ravel()[index]
    mean = total(values) / area
    spread = np.sqrt(np.maximum(total(values * values) / area - mean * mean, 0))
    every = Strokes(
        left=box[:, 0],
        top=box[:, 1],
        right=box[:, 2],
        bottom=box[:, 3],
        area=area,
        run_across=area / np.maximum(total(which=begins), 1),
        run_down=area / np.maximum(total(which=begins_down), 1),
        contrast=mean,
        evenness=spread / mean,
        sharpness=total(gradient.ravel()[index], rim) / (total(which=rim) * mean),
    )
    longer, shorter = np.maximum(every.width, every.height), np.minimum(every.width, every.height)
    possible = (longer >= SMALLEST) & (longer <= LONGEST) & (shorter <= TALLEST)
    return every.chosen(possible & (every.area >= 6) & (every.sharpness >= LEAST_SHARPNESS))
