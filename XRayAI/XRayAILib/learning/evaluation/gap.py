"""Gaps between groups of images, with p-values and intervals that are corrected for how many are looked at.

The gap of a group is its figure less that of the rest. Its p-value comes from letting patients change sides at random
(permutation test: Good, *Permutation, Parametric and Bootstrap Tests of Hypotheses*, 2005): the part of these exchanges
with a gap at least as large. Where fewer than ten are, the tail is that of Student's t with the spread of the exchanges
and one degree of freedom less than the smaller side has patients. A bootstrap would not do for this: in groups of ten
patients it finds three times as many gaps by chance as it should, because a group that is all right has no spread. The
plain 95 % interval of a gap is by bootstrap over patients, as that of every figure.

All p-values of an evaluation are corrected by Holm's procedure (Holm, *Scand. J. Stat.* 6, 1979), which holds whatever
the dependence between them. The corrected interval of a gap belongs to its test (Miettinen, *Am. J. Epidemiol.* 103,
1976) at the level that Holm gives it, so it leaves 0 out exactly where the gap is significant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from XRayAILib.learning.evaluation.statistic import Statistic, mean_of_parts

LEVEL = 0.05
LEAST_DEFINED = 0.9
"""Part of the draws in which both figures of a gap must be defined."""
LEAST_BEYOND = 10
"""Exchanges with as large a gap from which on they are counted, and no tail is computed."""


@dataclass(frozen=True)
class Gap:
    """How far the figure of a group lies from that of the rest.

    Attributes
    ----------
    value
        The group's figure less that of the rest.
    low, high
        95 % interval by bootstrap over patients, of this comparison alone; ``None`` where there is none.
    p
        Two-sided, of this comparison alone.
    spread
        Standard deviation of the gap when patients change sides at random.
    corrected_p, corrected_low, corrected_high
        Of this one among all comparisons.
    """

    value: float
    low: float | None
    high: float | None
    p: float
    spread: float
    corrected_p: float = 1.0
    corrected_low: float = float("-inf")
    corrected_high: float = float("inf")

    @property
    def is_significant(self) -> bool:
        return self.corrected_p <= LEVEL


class Sides:
    """A group of images and the rest, drawn and exchanged by patient as often as it takes; for several statistics.

    Attributes
    ----------
    patients
        Of the smaller side.
    """

    def __init__(self, patients: Sequence[str], members: np.ndarray, rest: np.ndarray, seed: int = 0) -> None:
        self.members, self.rest = members, rest
        names, index = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
        self.patients = min(len(np.unique(index[side])) for side in (members, rest))
        generator = np.random.default_rng(seed)
        self._number = int(np.clip(4e5 // max(len(index), 1), 400, 1000))
        times = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), self._number)
        drawn = times.astype(np.float32)[:, index]
        exchanged = self._exchange(generator.random((self._number, len(names)))[:, index], index)
        self._weights = {"drawn": (drawn * members, drawn * rest), "exchanged": exchanged}
        self._known: dict[tuple[int, str, int], tuple[Statistic, np.ndarray]] = {}

    def _exchange(self, keys: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Patients in random order take the places of the others; the images of each stay together."""
        sides = np.where(self.members, 1, np.where(self.rest, 2, 0)).astype(np.int8)[np.argsort(index, kind="stable")]
        dealt = np.empty(keys.shape, np.int8)
        np.put_along_axis(dealt, np.argsort(keys, axis=1, kind="stable"), np.broadcast_to(sides, keys.shape), axis=1)
        return (dealt == 1).astype(np.float32), (dealt == 2).astype(np.float32)

    def gap(self, statistic: Statistic) -> Gap | None:
        """The gap in a figure; ``None`` where it is not defined, or often is not when patients change sides."""
        from scipy.stats import t

        value = statistic.value(self.members) - statistic.value(self.rest)
        exchanged = self._gaps(statistic, "exchanged")
        if not np.isfinite(value) or self.patients < 2 or len(exchanged) < LEAST_DEFINED * self._number:
            return None
        spread = float(exchanged.std())
        beyond = int((np.abs(exchanged) >= abs(value) - 1e-12).sum())
        p = (beyond + 1) / (len(exchanged) + 1)
        if beyond < LEAST_BEYOND and spread > 0:
            p = min(p, float(2 * t.sf(abs(value) / spread, self.patients - 1)))
        drawn = self._gaps(statistic, "drawn")
        low, high = None, None
        if len(drawn) >= LEAST_DEFINED * self._number:
            low, high = (float(bound) for bound in np.percentile(drawn, (2.5, 97.5)))
        return Gap(value, low, high, p, spread)

    def _gaps(self, statistic: Statistic, how: str) -> np.ndarray:
        one, other = (self._values(statistic, how, side) for side in (0, 1))
        gaps = one - other
        return gaps[np.isfinite(gaps)]

    def _values(self, statistic: Statistic, how: str, side: int) -> np.ndarray:
        if statistic.parts:
            return mean_of_parts([self._values(part, how, side) for part in statistic.parts])
        key = id(statistic), how, side
        if key not in self._known:
            # The statistic is kept too: while it lives, nothing else has its id.
            self._known[key] = statistic, statistic.of(self._weights[how][side])
        return self._known[key][1]


def corrected(gaps: Sequence[Gap]) -> list[Gap]:
    """The same gaps with p-values and intervals by Holm, in the same order."""
    from scipy.stats import norm

    adjusted, levels = holm([gap.p for gap in gaps])
    found = []
    for gap, p, level in zip(gaps, adjusted, levels, strict=True):
        tested = float(norm.isf(gap.p / 2))
        # A gap of nothing has no interval that belongs to its test.
        error = abs(gap.value) / tested if gap.p < 0.9 and tested > 0 else gap.spread
        reach = float(norm.isf(level / 2)) * error
        found.append(replace(gap, corrected_p=p, corrected_low=gap.value - reach, corrected_high=gap.value + reach))
    return found


def holm(p_values: Sequence[float], level: float = LEVEL) -> tuple[list[float], list[float]]:
    """Holm's adjusted p-values, and the level at which each hypothesis is tested.

    The smallest of m is tested at ``level / m``, the next one at ``level / (m - 1)``, and so on until one is kept; all
    after it are kept too, at that one's level.
    """
    m = len(p_values)
    adjusted, levels = [1.0] * m, [level] * m
    running, kept = 0.0, 0.0
    for rank, i in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        running = max(running, min(1.0, p_values[i] * (m - rank)))
        if not kept and running > level:
            kept = level / (m - rank)
        adjusted[i], levels[i] = running, kept or level / (m - rank)
    return adjusted, levels
