"""The learning rate of every step: a linear warm-up, then a cosine to zero; a function of the step alone."""

from __future__ import annotations

import math


def rate_factor(step: int, total: int, warm_up: float) -> float:
    """Part of the full learning rate at ``step`` (from 0) of ``total``; ``warm_up`` is a part of all steps."""
    warm = max(1, round(total * warm_up)) if warm_up else 0
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
