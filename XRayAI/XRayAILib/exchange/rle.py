"""Run lengths of COCO to pixels, without trust in the file.

The format is that of pycocotools: runs in column-major order, the first one of background. ``counts`` is a list of
lengths, or the same list as text of base 32 digits, in which a length from the fourth on is the difference to the one
two before. pycocotools reads both in C and takes the lengths on trust, so a file from outside is read here.
"""

from __future__ import annotations

import numpy as np


def decode(counts: object, shape: tuple[int, int]) -> np.ndarray:
    """The mask (rows, columns), boolean, that ``counts`` describes. ValueError where it does not fit ``shape``."""
    if isinstance(counts, (str, bytes)):
        runs = _from_text(counts if isinstance(counts, bytes) else counts.encode("latin-1", "replace"))
    elif isinstance(counts, list) and all(isinstance(c, int) and not isinstance(c, bool) for c in counts):
        runs = counts
    else:
        raise ValueError("its 'counts' is neither a text nor a list of whole numbers")
    pixels = shape[0] * shape[1]
    if any(run < 0 for run in runs) or sum(runs) != pixels:
        raise ValueError(f"its runs cover {sum(runs)} pixels, the image has {pixels}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(shape[1], shape[0]).T


def _from_text(text: bytes) -> list[int]:
    runs: list[int] = []
    value = shift = 0
    for byte in text:
        digit = byte - 48
        if not 0 <= digit < 64 or shift > 60:
            raise ValueError("its 'counts' is not the text of run lengths")
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:  # more digits follow
            continue
        if digit & 16:  # the last digit carries the sign
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("its 'counts' ends in the middle of a number")
    return runs
