"""From which probability on a value is said to hold: chosen on the validation part, never on the test part."""

from __future__ import annotations

import numpy as np

RULES = ("youden", "sensitivity", "specificity", "half")
HALF = 0.5


def choose_threshold(truth: np.ndarray, probability: np.ndarray, rule: str = "youden", wanted: float = 0.9) -> float:
    """A threshold; 0.5 where the images are all of one kind, because nothing can be chosen from them.

    It lies in the middle between two probabilities that were seen, so that rounding does not move an image over it.

    Parameters
    ----------
    truth, probability
        (N,) of the validation part.
    rule
        ``youden``: the highest sum of sensitivity and specificity (Youden, *Cancer* 1950); ``sensitivity``: the highest
        threshold that finds the ``wanted`` part of the positives; ``specificity``: the lowest one that leaves the
        ``wanted`` part of the negatives alone; ``half``: 0.5.
    """
    positive = np.asarray(truth) == 1
    seen = np.asarray(probability, float)
    if rule == "half" or not positive.any() or positive.all():
        return HALF
    values = np.unique(seen)
    edges = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2, [1.0]])
    # At an edge, what lies at or above it is positive; the last edge is above every value.
    found = np.array([(seen[positive] >= edge).mean() for edge in edges[:-1]] + [0.0])
    spared = np.array([(seen[~positive] < edge).mean() for edge in edges[:-1]] + [1.0])
    if rule == "sensitivity":
        return float(edges[np.flatnonzero(found >= min(wanted, 1.0) - 1e-12)[-1]])
    if rule == "specificity":
        return float(edges[np.flatnonzero(spared >= min(wanted, 1.0) - 1e-12)[0]])
    gain = found + spared
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    # Of equally good ones, that which lies nearest to one half.
    return float(edges[best[np.argmin(np.abs(edges[best] - HALF))]])
