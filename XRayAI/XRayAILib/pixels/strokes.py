"""Thin strokes of even contrast, joined into lines: what writing looks like, whatever it says.

Letters are drawn with a pen of one width and one grey, of one height, side by side, with sharp edges; anatomy is not.
The idea of grouping components of like stroke and size is that of the stroke width transform (Epshtein, Ofek, Wexler,
CVPR 2010); the strokes come here from a top-hat, which needs no search and sees both polarities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

REACH = 9
"""Edge of the square in pixels that a stroke must not fill: strokes up to 8 pixels wide are seen, at every scale."""

NEIGHBOURHOOD = 15
"""Edge of the square in which the strongest stroke decides what is ink: half of its contrast."""

LEAST_CONTRAST = 0.04
"""Of a stroke, where black is 0 and white 1: less is noise or lies under what a person can read."""

SMALLEST, TALLEST = 5, 44
"""Height of a letter in pixels of its scale; the next scale has half the pixels."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """The connected pieces of ink of one scale and polarity; arrays with one entry a piece.

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
        return self.right - self.left

    @property
    def height(self) -> np.ndarray:
        return self.bottom - self.top

    def transposed(self) -> Strokes:
        """With rows and columns exchanged, so that a line running down runs across."""
        return Strokes(
            self.top, self.left, self.bottom, self.right, self.area, self.run_down, self.run_across, self.contrast,
            self.evenness, self.sharpness,
        )  # fmt: skip

    def chosen(self, which: np.ndarray) -> Strokes:
        """Some of them, by a mask or by indices."""
        return Strokes(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def contrast_of(image: np.ndarray) -> np.ndarray:
    """How far every pixel stands out over what is around it, for bright strokes: a white top-hat of :data:`REACH`."""
    from scipy import ndimage

    return image - ndimage.grey_opening(image, size=(REACH, REACH))


def ink_of(contrast: np.ndarray) -> np.ndarray:
    """Bool array of the pixels that are ink: more than half of the strongest contrast around, and enough of it."""
    from scipy import ndimage

    strongest = ndimage.maximum_filter(contrast, NEIGHBOURHOOD)
    return contrast > np.maximum(0.5 * strongest, LEAST_CONTRAST)


def gradient_of(image: np.ndarray) -> np.ndarray:
    """Magnitude of the gradient per pixel."""
    down, across = np.gradient(image)
    return np.asarray(np.hypot(down, across))


def summed(ink: np.ndarray) -> np.ndarray:
    """Summed-area table (rows + 1, columns + 1) of a mask."""
    table = np.zeros((ink.shape[0] + 1, ink.shape[1] + 1), np.int32)
    table[1:, 1:] = ink.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    return table


def strokes_of(contrast: np.ndarray, gradient: np.ndarray) -> tuple[Strokes, np.ndarray]:
    """The pieces of ink that could be letters, and the ink (rows, columns)."""
    from scipy import ndimage

    ink = ink_of(contrast)
    labelled, count = ndimage.label(ink, np.ones((3, 3)))
    index = np.flatnonzero(ink)
    label = labelled.ravel()[index]
    rows, columns = np.divmod(index, ink.shape[1])
    area = np.bincount(label, minlength=count + 1).astype(np.float32)
    box = np.array(
        [(s[1].start, s[0].start, s[1].stop, s[0].stop) for s in ndimage.find_objects(labelled)], np.float32
    ).reshape(-1, 4)
    flat = ink.ravel()
    # A run begins where the pixel before it, to the left or above, is no ink or there is none.
    begins = np.ones(len(index), bool)
    begins[columns > 0] = ~flat[index[columns > 0] - 1]
    starts_across = np.bincount(label[begins], minlength=count + 1)
    ends = np.ones(len(index), bool)
    ends[columns < ink.shape[1] - 1] = ~flat[index[columns < ink.shape[1] - 1] + 1]
    begins_down = np.ones(len(index), bool)
    begins_down[rows > 0] = ~flat[index[rows > 0] - ink.shape[1]]
    starts_down = np.bincount(label[begins_down], minlength=count + 1)
    rim = begins | begins_down | ends
    values = contrast.ravel()[index]
    mean = np.bincount(label, values, count + 1) / np.maximum(area, 1)
    square = np.bincount(label, values * values, count + 1) / np.maximum(area, 1)
    steep = np.bincount(label[rim], gradient.ravel()[index[rim]], count + 1)
    steep = steep / np.maximum(np.bincount(label[rim], minlength=count + 1), 1)
    spread = np.sqrt(np.maximum(square - mean * mean, 0)) / np.maximum(mean, 1e-6)
    every = Strokes(
        *box.T,
        area[1:],
        (area / np.maximum(starts_across, 1))[1:].astype(np.float32),
        (area / np.maximum(starts_down, 1))[1:].astype(np.float32),
        mean[1:].astype(np.float32),
        spread[1:].astype(np.float32),
        (steep / np.maximum(mean, 1e-6))[1:].astype(np.float32),
    )
    longer = np.maximum(every.width, every.height)
    shorter = np.minimum(every.width, every.height)
    possible = (longer >= SMALLEST) & (shorter <= TALLEST) & (longer <= 12 * TALLEST) & (every.area >= 6)
    return every.chosen(possible), ink
