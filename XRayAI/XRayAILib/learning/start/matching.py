"""Which weight of a file belongs where in a network: by name, in the words of one package or another, and by shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.learning.start.key_maps import KEY_MAPS, KeyMap

if TYPE_CHECKING:
    import torch

COLOURS = 3
_DEPTH = 4


@dataclass(frozen=True)
class Alignment:
    """The best way to read a file's names.

    Attributes
    ----------
    key_map
        Whose words they are.
    strip, prefix
        What their names begin with that the network does not have, and the other way round.
    pairs
        Name in the network -> name in the file, where the shapes agree too.
    other_shape
        Name in the file -> (its shape, the network's) where only the names agree.
    """

    key_map: KeyMap
    strip: str
    prefix: str
    pairs: dict[str, str]
    other_shape: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]


def align(source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor], stem: str = "") -> Alignment:
    """Find the words and the place in the network in which most of a file fits.

    An encoder may stand alone in the file and be a part of the network (``encoder.``, ``feature_extractor.body.``), or
    the other way round (``module.``, ``backbone.``).

    Parameters
    ----------
    stem
        The network's first convolution, which may have three colours in the file.
    """
    best: Alignment | None = None
    places = _prefixes(target, 0.1)
    for strip in _prefixes(source, 0.3):
        names = [name[len(strip) :] for name in source if name.startswith(strip)]
        listed = frozenset(names)
        for key_map in KEY_MAPS:
            words = [(name, key_map.name(name, listed)) for name in names]
            for prefix in places:
                pairs, other = {}, {}
                for name, word in words:
                    place = f"{prefix}{word}"
                    if word is None or place not in target:
                        continue
                    mine, theirs = tuple(source[strip + name].shape), tuple(target[place].shape)
                    if _fits(mine, theirs, place == f"{stem}.weight"):
                        pairs[place] = strip + name
                    else:
                        other[strip + name] = (mine, theirs)
                found = Alignment(key_map, strip, prefix, pairs, other)
                if best is None or _rank(found) > _rank(best):
                    best = found
    assert best is not None
    return best


def _rank(found: Alignment) -> tuple[int, int]:
    return len(found.pairs), -len(found.other_shape)


def _fits(mine: tuple[int, ...], theirs: tuple[int, ...], is_stem: bool) -> bool:
    if mine == theirs:
        return True
    if is_stem and len(mine) == 4 and mine[1] == COLOURS:
        return (mine[0], 1, *mine[2:]) == theirs
    # A 1 x 1 convolution is a fully connected layer.
    return (*theirs, 1, 1) == mine or (*mine, 1, 1) == theirs


def _prefixes(names: Iterable[str], part: float) -> list[str]:
    """Beginnings that at least a part of the names have, the shortest first; the empty one is always there."""
    every = list(names)
    counts: Counter[str] = Counter()
    for name in every:
        pieces = name.split(".")[:-1]
        counts.update(".".join(pieces[:depth]) + "." for depth in range(1, min(len(pieces), _DEPTH) + 1))
    common = [prefix for prefix, count in counts.items() if count >= part * len(every)]
    return ["", *sorted(common, key=lambda prefix: (prefix.count("."), prefix))]
