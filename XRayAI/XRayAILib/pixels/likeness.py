"""Finding copies of an image: turned, mirrored, inverted, windowed, rescaled or compressed anew.

The fingerprint of an image are the signs of the lowest 24 x 24 frequencies of its coarse grey ranks. Windowing hardly
changes ranks, and noise hardly changes signs. A turned, mirrored or inverted copy has a fingerprint that follows from
that of the original, because a cosine of even order is symmetric and one of odd order changes its sign: so one per
image serves for all sixteen. Pairs are found by locality-sensitive hashing (Indyk and Motwani, 1998): copies agree in
all bits of at least one of several bands, and only images that share a band are compared. ::

    prints = {uid: fingerprint(radiograph.display()) for ...}
    for first, second, distance, change in alike(list(prints.values())):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from XRayAILib.pixels.frontal_chest import coarse

GRID, ORDER = 64, 24
BITS = ORDER * ORDER - 1
"""Of a fingerprint; the mean grey is left out."""
BYTES = (BITS + 7) // 8
FARTHEST = 0.16
"""Largest share of different bits of two copies.

Measured on 705 real radiographs: copies with another window, gamma, size, shape or JPEG quality 30 differ in less than
0.08 (99 in 100), with the upper 30 % of the greys clipped in 0.16; different images in 0.19 or more, though 80 of them
are skulls from one cephalostat."""
BANDS, BAND_BITS = 28, 20
CHUNK = 1 << 18
"""Pairs compared at once."""


class Likeness(NamedTuple):
    """Two alike images, by their places in the sequence given; ``change`` is how the second differs, in words."""

    first: int
    second: int
    distance: float
    change: str


def fingerprint(display: np.ndarray) -> bytes:
    """The fingerprint of display values (rows, columns), :data:`BYTES` bytes; empty for a flat image."""
    from scipy.fft import dctn

    ranks = coarse(display, GRID)
    if not ranks.any():
        return b""
    low = dctn(ranks, norm="ortho")[:ORDER, :ORDER]
    return np.packbits((low > 0).ravel()[1:]).tobytes()


def alike(prints: Sequence[bytes], farthest: float = FARTHEST) -> Iterator[Likeness]:
    """All pairs of images that are copies of each other but for turning, mirroring, inverting and grey scale.

    Time grows about as the number of images, memory by less than 0.5 KB each. Of pairs that differ in a tenth of the
    bits 31 in 32 are found, of those at the limit two in three.

    Parameters
    ----------
    prints
        A fingerprint per image; an empty one is like no other.
    farthest
        Largest share of different bits.
    """
    places = np.array([place for place, one in enumerate(prints) if len(one) == BYTES], np.int64)
    if len(places) < 2:
        return
    packed = np.frombuffer(b"".join(prints[place] for place in places), np.uint8).reshape(-1, BYTES)
    # Images with one and the same fingerprint would make as many pairs as there are: one stands for all.
    packed, group = np.unique(packed, axis=0, return_inverse=True)
    members = _members(group.reshape(-1), places)
    for same in members:
        yield from (Likeness(same[0], other, 0.0, "") for other in same[1:])
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for first, second, distance, change in _candidates(packed, farthest):
        best[first, second] = min((distance, change), best.get((first, second), (1.0, 0)))
    for (first, second), (distance, change) in sorted(best.items()):
        one, other = members[first][0], members[second][0]
        if one > other:
            # Seen from the other side a quarter turn goes the other way; every other change undoes itself.
            one, other, change = other, one, {10: 12, 11: 13, 12: 10, 13: 11}.get(change, change)
        yield Likeness(one, other, distance, CHANGES[change])


CHANGES = tuple(
    ", ".join(word for word in (turn, "inverted" if inverted else "") if word)
    for turn in (
        "",
        "upside down and mirrored",
        "mirrored",
        "turned by 180 degrees",
        "mirrored and turned to the left by 90 degrees",
        "turned to the right by 90 degrees",
        "turned to the left by 90 degrees",
        "mirrored and turned to the right by 90 degrees",
    )
    for inverted in (False, True)
)
"""How a copy differs, in the order of :func:`_change`."""


def _members(group: np.ndarray, places: np.ndarray) -> list[list[int]]:
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group))
    return [part.tolist() for part in np.split(places[order], ends[:-1])]


@cache
def _change(number: int) -> tuple[np.ndarray, np.ndarray]:
    """How the bits follow from an image's when it is changed: new = old[source] ^ flip."""
    turn, inverted = divmod(number, 2)
    transposed, across, down = turn >> 2 & 1, turn >> 1 & 1, turn & 1
    place = np.arange(ORDER * ORDER).reshape(ORDER, ORDER)
    odd = np.arange(ORDER) % 2 == 1
    flip = (odd[None, :] & bool(across)) ^ (odd[:, None] & bool(down)) ^ bool(inverted)
    source = place.T if transposed else place
    return source.ravel()[1:] - 1, flip.ravel()[1:]


@cache
def _bands() -> np.ndarray:
    """(BANDS, BAND_BITS) bits of each band: of all frequencies mixed, because near ones agree by chance together."""
    return np.random.default_rng(1).permutation(BITS)[: BANDS * BAND_BITS].reshape(BANDS, BAND_BITS)


def _keys(packed: np.ndarray, band: np.ndarray, change: int) -> np.ndarray:
    """The band's bits of each changed fingerprint, as a number."""
    source, flip = _change(change)
    keys = np.zeros(len(packed), np.uint32)
    for bit in band:
        old = source[bit]
        keys = keys << 1 | ((packed[:, old >> 3] >> (7 - (old & 7)) & 1) ^ flip[bit])
    return keys


def _candidates(packed: np.ndarray, farthest: float) -> Iterator[tuple[int, int, float, int]]:
    """Pairs that agree in a band and differ in few bits: (first, second, distance, change of the second)."""
    source = _change(8)[0]
    turned = np.concatenate([_transposed(part, source) for part in np.array_split(packed, len(packed) // CHUNK + 1)])
    masks = [np.packbits(_change(change)[1]) for change in range(16)]
    for band in _bands():
        keys = _keys(packed, band, 0)
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        for change in range(16):
            sought = _keys(packed, band, change)
            left, right = np.searchsorted(ordered, sought, "left"), np.searchsorted(ordered, sought, "right")
            for first, second in _joined(left, right, order):
                changed = (packed, turned)[change >> 3][second] ^ masks[change]
                apart = _ONES[packed[first] ^ changed].sum(axis=1, dtype=np.int32) / BITS
                for near in np.nonzero(apart <= farthest)[0]:
                    yield int(first[near]), int(second[near]), float(apart[near]), change


def _joined(left: np.ndarray, right: np.ndarray, order: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(place of the one found, place of the one that sought it), each pair once, a chunk at a time."""
    count = right - left
    ends = np.cumsum(count)
    start = 0
    while start < len(count):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + CHUNK, "right")))
        part = count[start:stop]
        second = np.repeat(np.arange(start, stop), part)
        offset = np.arange(len(second)) - np.repeat(np.cumsum(part) - part, part)
        first = order[np.repeat(left[start:stop], part) + offset]
        once = first < second
        yield first[once], second[once]
        start = stop


def _transposed(packed: np.ndarray, source: np.ndarray) -> np.ndarray:
    return np.packbits(np.unpackbits(packed, axis=1, count=BITS)[:, source], axis=1)


_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)
"""Bits set in each byte; numpy counts them itself only from version 2 on."""
