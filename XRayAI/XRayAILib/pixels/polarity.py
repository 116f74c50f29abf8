"""Whether an image is shown as a negative: bone dark and air bright.

Two signs of the content, neither of which knows the header:

- Fine structures. Cortices, trabeculae and the edges of ribs are thin and absorb more than what is around them, so thin
  lines are brighter than their surroundings in a right display, in every part of the body. Measured as the difference
  of a white and a black top-hat (Serra, Image Analysis and Mathematical Morphology, 1982), each cut off at a low
  contrast, so that wires, text and the patient's outline do not decide.
- The pattern of a frontal chest, which in its negative correlates as strongly with the other sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from XRayAILib.pixels.frontal_chest import CHEST, chest_score
from XRayAILib.pixels.resample import normalise

EDGE = 512
"""Longest side, in pixels, of the image that is looked at."""
FAINT = 0.03
"""Contrast at which a structure is cut off, as a part of the image's range."""
NEGATIVE_LINES = -0.04
"""Below this the lines alone speak for a negative. Of right radiographs (chest, skull, hip, leg, dog's thorax) 1 in 100
has less than -0.01."""


@dataclass(frozen=True)
class Polarity:
    """What speaks for and against a negative.

    Attributes
    ----------
    lines
        -1 (all fine structures darker than their surroundings) to 1 (all brighter).
    chest
        :func:`~XRayAILib.pixels.frontal_chest.chest_score`.
    """

    lines: float
    chest: float

    @property
    def negative(self) -> bool:
        """Whether the image is shown as a negative, as far as that can be told."""
        if self.chest <= -CHEST:
            return self.lines < -NEGATIVE_LINES
        return self.lines < NEGATIVE_LINES and self.chest < CHEST

    @property
    def reason(self) -> str:
        """What speaks for a negative, for a person."""
        signs = []
        if self.chest <= -CHEST:
            signs.append("lungs brighter than the mediastinum")
        if self.lines < 0:
            signs.append("fine structures such as bone edges darker than what is around them")
        return " and ".join(signs)


def polarity(display: np.ndarray) -> Polarity:
    """Judge display values (rows, columns), 0 black to 1 white, by their content."""
    return Polarity(_lines(display), chest_score(display))


def _lines(display: np.ndarray) -> float:
    from scipy import ndimage

    step = max(1, -(-max(display.shape) // EDGE))
    rows, columns = (n // step for n in display.shape)
    if min(rows, columns) < 32:
        return 0.0
    small = np.asarray(display, np.float32)[: rows * step, : columns * step]
    small = normalise(small.reshape(rows, step, columns, step).mean(axis=(1, 3)))
    smooth = ndimage.gaussian_filter(small, 1.0)
    # Without the border: scans have frames there, and pictures labels.
    inner = np.s_[rows // 12 : rows - rows // 12, columns // 12 : columns - columns // 12]
    bright = np.minimum(smooth - ndimage.grey_opening(smooth, size=(3, 3)), FAINT)[inner].mean()
    dark = np.minimum(ndimage.grey_closing(smooth, size=(3, 3)) - smooth, FAINT)[inner].mean()
    return float((bright - dark) / (bright + dark)) if bright + dark > 1e-6 else 0.0
