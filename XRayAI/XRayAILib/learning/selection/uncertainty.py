"""How unsure a network is of an image: from what it gives for the image and for small changes of it.

The views of an image are averaged first, so that each measure holds both what the network itself is unsure of and what
it changes its mind about when the exposure is another one (the total uncertainty of Depeweg et al., ICML 2018, with
changes of the image in the place of draws of the weights, as in Wang et al., *Neurocomputing* 338, 2019).
All measures lie in 0 to 1.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike

GAMMAS = (1.0, 0.8, 1.25)
"""Exponents of the greys: the image itself, a brighter one and a darker one."""
NOISE = 0.02
"""Standard deviation of what is added to the changed greys."""


def views(square: np.ndarray, uid: str) -> list[np.ndarray]:
    """The image (S, S) in 0..1 itself, and small changes of it that leave everything in its place.

    The noise is by the image's uid, so that it does not matter in which order images are looked at.
    """
    generator = np.random.default_rng(zlib.crc32(uid.encode()))
    found = [square]
    for gamma in GAMMAS[1:]:
        # What is black around the image stays so.
        noise = generator.normal(0, NOISE, square.shape) * (square > 0)
        found.append(np.clip(np.clip(square, 0, 1) ** gamma + noise, 0, 1).astype(square.dtype))
    return found


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities (...) from logits of any size."""
    found: np.ndarray = 1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64), -30, 30)))
    return found


def entropy(probability: ArrayLike) -> np.ndarray:
    """Of yes and no, in bits: 0 where it is sure, 1 at a probability of one half."""
    p = np.clip(np.asarray(probability, np.float64), 1e-12, 1 - 1e-12)
    found: np.ndarray = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return found


def expected_loss_of_overlap(probability: np.ndarray) -> float:
    """1 less the Dice that a mask at one half is to be expected to have, if the probabilities (S, S) are true.

    All of it comes from pixels near the outline and from places that might belong to the structure as well. Of a
    structure that the image does not show at all it is near 0.
    """
    p = np.asarray(probability, np.float64)
    mask = p > 0.5
    wrong = np.minimum(p, 1 - p).sum()
    # A few doubtful pixels of an image without the structure are no doubt about the image.
    least = p.size / 1000
    return float(np.clip(wrong / (p.sum() + mask.sum() + least), 0, 1))


def indecision(scores: np.ndarray, threshold: float) -> np.ndarray:
    """How near scores in 0..1 are to the threshold from which they are shown: 1 at it, 0 at the ends."""
    s = np.clip(np.asarray(scores, np.float64), 0, 1)
    t = float(np.clip(threshold, 1e-3, 1 - 1e-3))
    found: np.ndarray = np.where(s < t, s / t, (1 - s) / (1 - t))
    return found


def saturated(value: float) -> float:
    """A measure without an upper end, brought into 0..1: one half at 1."""
    return float(value / (1 + value))
