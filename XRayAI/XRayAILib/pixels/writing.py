"""How much a row of ink looks like writing: a logistic regression on the features of :mod:`text_lines`.

The weights in ``writing.yaml`` were fitted by ``Testing/Benchmarks/fit_writing.py``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from XRayAILib.pixels.text_lines import FEATURES

WEIGHTS = Path(__file__).with_name("writing.yaml")


def writing_scores(features: np.ndarray) -> np.ndarray:
    """(N,) the probability 0..1 that lines with these features (N, F) are writing."""
    middle, spread, weights = _model()
    odds = expanded(features, middle, spread) @ weights
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))))


def expanded(features: np.ndarray, middle: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(N, 1 + F + F (F + 1) / 2): one, the standardised features, and their products in pairs."""
    standard = np.clip((features - middle) / spread, -4, 4)
    first, second = np.triu_indices(features.shape[1])
    return np.concatenate([np.ones((len(standard), 1)), standard, standard[:, first] * standard[:, second]], axis=1)


@lru_cache(maxsize=1)
def _model() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import yaml

    document = yaml.safe_load(WEIGHTS.read_text("utf-8"))
    if tuple(document["features"]) != FEATURES:
        raise ValueError(f"{WEIGHTS}: the weights are for other features. Fit them again.")
    middle, spread, weights = (np.array(document[name], float) for name in ("middle", "spread", "weights"))
    return middle, spread, weights
