"""From which score on a box is shown to a person."""

from __future__ import annotations

import numpy as np

USUAL = 0.5
"""Where the validation part says nothing of a label."""


def best_threshold(scores: np.ndarray, hits: np.ndarray, targets: int) -> tuple[float, float]:
    """The threshold on the score with the best F1, and that F1.

    Parameters
    ----------
    scores, hits
        (N,) of every box of a label on the validation part, and whether it is right.
    targets
        How many there were to be found.

    Returns
    -------
    A threshold halfway between the last score that is shown and the next lower one, so that both have room;
    :data:`USUAL` and NaN where nothing was to be found, or nothing was.
    """
    if not targets or not np.any(hits):
        return USUAL, float("nan")
    order = np.argsort(-scores, kind="stable")
    falling, right = scores[order], np.cumsum(hits[order])
    # No threshold lies between equal scores.
    last = np.flatnonzero(np.diff(falling, append=-1.0))
    f1 = 2 * right[last] / (last + 1 + targets)
    best = int(f1.argmax())
    shown = falling[last[best]]
    below = falling[last[best] + 1] if last[best] + 1 < len(falling) else 0.0
    return round(float((shown + below) / 2), 6), float(f1[best])
