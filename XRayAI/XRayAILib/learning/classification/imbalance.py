"""What is rare counts more while a network learns, and what that does to its probabilities is taken back afterwards.

A state (a value of an exclusive question, or whether a value of any other one holds) that the training part has *n*
times weighs ``(1 - b) / (1 - b^n)`` with b = 0.999, the inverse of the effective number of its images (Cui, Jia, Lin,
Song and Belongie, *Class-Balanced Loss Based on Effective Number of Samples*, CVPR 2019, equation 2): as good as 1/n
below a few hundred images, all alike above a few thousand. Weights are scaled so that their mean over the training
images is 1, and no state weighs more than :data:`MOST` times as much as another.

A network that was taught with weights w gives probabilities in proportion to ``w p``. So ``log w`` is taken off the
logits before anything is said (prior correction: Elkan, *The Foundations of Cost-Sensitive Learning*, IJCAI 2001,
theorem 2), and the probabilities are those of images as common as the training part's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from XRayAILib.learning.classification.question import UNANSWERED, Question

BETA = 0.999
MOST = 20.0


def effective_weights(counts: np.ndarray, beta: float = BETA) -> np.ndarray:
    """A weight for each state (..., states) from how often it was seen; 1 where none was."""
    seen = np.maximum(np.asarray(counts, float), 1.0)
    raw = (1 - beta) / (1 - beta**seen)
    raw = np.minimum(raw, raw.min(axis=-1, keepdims=True) * MOST)
    total = np.asarray(counts, float).sum(axis=-1, keepdims=True)
    mean = (raw * counts).sum(axis=-1, keepdims=True) / np.maximum(total, 1.0)
    return np.divide(raw, mean, out=np.ones_like(raw), where=mean > 0)


def state_counts(question: Question, targets: np.ndarray) -> np.ndarray:
    """How often each state occurs in targets (N, columns): (states,), or (values, 2) where several values may hold."""
    own = targets[:, question.columns]
    if not question.exclusive:
        return np.stack([(own == 0).sum(axis=0), (own == 1).sum(axis=0)], axis=1)
    answered = (own != UNANSWERED).all(axis=1)
    held = (own[answered] == 1).sum(axis=0)
    return np.append(held, answered.sum() - held.sum()) if question.open else held


def counted(questions: Sequence[Question], targets: np.ndarray, balanced: bool) -> dict[str, Any]:
    """What training has to know of its images, as plain mappings by name of the question.

    Returns
    -------
    dict
        ``counts`` and ``weights`` of the states, ``answered``: the part of the images in which a question, or each of
        its values, is answered.
    """
    found: dict[str, Any] = {"counts": {}, "weights": {}, "answered": {}}
    for question in questions:
        counts = state_counts(question, targets)
        weights = effective_weights(counts) if balanced else np.ones(counts.shape)
        answered = counts.sum(axis=-1) / max(1, len(targets))
        found["counts"][question.name] = counts.tolist()
        found["weights"][question.name] = np.round(weights, 6).tolist()
        found["answered"][question.name] = np.round(answered, 6).tolist()
    return found


def correction(questions: Sequence[Question], weights: Mapping[str, Any]) -> np.ndarray:
    """(columns,): what is to be taken off the logits because training weighed the states."""
    parts = [np.zeros(len(question.values)) for question in questions]
    for part, question in zip(parts, questions, strict=True):
        if question.name not in weights:
            continue
        logs = np.log(np.asarray(weights[question.name], float))
        if not question.exclusive:
            part[:] = logs[:, 1] - logs[:, 0]
        else:
            # The logit of "none" is 0 and stays so.
            part[:] = logs[: len(part)] - (logs[-1] if question.open else logs.mean())
    return np.concatenate(parts)
