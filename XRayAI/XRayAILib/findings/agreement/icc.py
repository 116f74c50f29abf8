"""Intraclass correlation of numbers that several readers gave of the same things.

After Shrout and Fleiss, *Psychol. Bull.* 86, 1979, with their intervals; McGraw and Wong, *Psychol. Methods* 1, 1996
call (2,1) "absolute agreement" and (3,1) "consistency".
"""

from __future__ import annotations

import numpy as np

from XRayAILib.findings.agreement.bootstrap import divided
from XRayAILib.findings.agreement.estimate import Estimate

FORMS = ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k")
"""1: every thing was read by other readers; 2: the same readers, drawn from many; 3: these very readers. ``k``: of the
mean of all readers."""


def icc(ratings: np.ndarray, form: str = "2,1", confidence: float = 0.95) -> Estimate:
    """The intraclass correlation.

    Parameters
    ----------
    ratings
        (things, readers), without gaps.
    form
        One of :data:`FORMS`. ``2,1`` asks whether one reader can stand for another: a reader who always measures 2 mm
        more lowers it, which does not show in ``3,1``.

    Raises
    ------
    ValueError
        There is no such form, or a value is missing.
    """
    from scipy.stats import f as F

    if form not in FORMS:
        raise ValueError(f"There is no ICC({form}); there are {', '.join(FORMS)}.")
    ratings = np.asarray(ratings, float)
    n, k = ratings.shape
    if n < 2 or k < 2:
        return Estimate(None, n=n, reason="it takes at least two readers and two things that both measured")
    if not np.isfinite(ratings).all():
        raise ValueError("An intraclass correlation needs every reader's value of everything.")
    grand = ratings.mean()
    between = k * ((ratings.mean(axis=1) - grand) ** 2).sum()
    readers = n * ((ratings.mean(axis=0) - grand) ** 2).sum()
    total = ((ratings - grand) ** 2).sum()
    if total <= 1e-12 * max(1.0, grand**2):
        return Estimate(None, n=n, reason="all values are the same, so nothing can be told apart: ICC is not defined")
    bms, jms = between / (n - 1), readers / (k - 1)
    wms, ems = (total - between) / (n * (k - 1)), max(total - between - readers, 0.0) / ((n - 1) * (k - 1))
    tail = (1 - confidence) / 2
    case, is_mean = form[0], form.endswith("k")
    with np.errstate(divide="ignore", invalid="ignore"):
        if case == "2":
            value, low, high = _two_way_random(n, k, bms, jms, ems, tail)
        else:
            within, degrees = (wms, n * (k - 1)) if case == "1" else (ems, (n - 1) * (k - 1))
            ratio = bms / within
            value = (bms - within) / (bms + (k - 1) * within)
            least = ratio / F.ppf(1 - tail, n - 1, degrees)
            most = ratio * F.ppf(1 - tail, degrees, n - 1)
            low, high = ((bound - 1) / (bound + k - 1) if np.isfinite(bound) else 1.0 for bound in (least, most))
    if is_mean:
        # Spearman and Brown: the reliability of the mean of k readers from that of one.
        value, low, high = (k * v / (1 + (k - 1) * v) for v in (value, low, high))
    return Estimate(float(value), float(low), float(high), n)


def _two_way_random(n: int, k: int, bms: float, jms: float, ems: float, tail: float) -> tuple[float, float, float]:
    """ICC(2,1) with its bounds, by Satterthwaite's approximate degrees of freedom (Shrout and Fleiss, p. 424)."""
    from scipy.stats import f as F

    value = (bms - ems) / (bms + (k - 1) * ems + k * (jms - ems) / n)
    if ems == 0 and jms == 0:
        return value, value, value
    ratio = jms / ems if ems else np.inf
    if np.isfinite(ratio):
        above = (k - 1) * (n - 1) * (k * value * ratio + n * (1 + (k - 1) * value) - k * value) ** 2
        below = (n - 1) * (k * value * ratio) ** 2 + (n * (1 + (k - 1) * value) - k * value) ** 2
        degrees = above / below
    else:
        degrees = float(k - 1)
    upper, lower = F.ppf(1 - tail, n - 1, degrees), F.ppf(1 - tail, degrees, n - 1)
    rest = k * jms + (k * n - k - n) * ems
    low = n * (bms - upper * ems) / (upper * rest + n * bms)
    high = n * (lower * bms - ems) / (rest + n * lower * bms)
    return value, low, high


def icc_parts(ratings: np.ndarray) -> np.ndarray:
    """(things, readers) values -> (things, readers + 3) to be added up, for :func:`icc_of`."""
    ratings = np.asarray(ratings, float)
    # About their mean: sums of squares of large numbers would lose what they differ by.
    ratings = ratings - (ratings.mean() if ratings.size else 0.0)
    sums = ratings.sum(axis=1)
    return np.column_stack([np.ones(len(ratings)), (ratings**2).sum(axis=1), sums**2, ratings])


def icc_of(sums: np.ndarray) -> np.ndarray:
    """ICC(2,1) of summed :func:`icc_parts` (..., readers + 3); NaN where all values are the same."""
    n, squares, rows, columns = sums[..., 0], sums[..., 1], sums[..., 2], sums[..., 3:]
    k = columns.shape[-1]
    middle = divided(columns.sum(axis=-1) ** 2, n * k)
    between, readers = rows / k - middle, divided((columns**2).sum(axis=-1), n) - middle
    rest = np.maximum(squares - middle - between - readers, 0.0)
    bms, jms, ems = divided(between, n - 1), readers / (k - 1), divided(rest, (n - 1) * (k - 1))
    return divided(bms - ems, bms + (k - 1) * ems + divided(k * (jms - ems), n))
