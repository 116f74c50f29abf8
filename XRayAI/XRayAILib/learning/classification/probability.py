"""From a network's output to probabilities: softmax, sigmoid, temperature, and the rarity that training made up for.

States of an exclusive question are its values and, where it is open, "none" behind them; states of each value of any
other question are "does not hold" and "holds".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from XRayAILib.learning.classification.question import UNANSWERED, Question


def log_probabilities(question: Question, logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of a question's states.

    Parameters
    ----------
    logits
        (N, values).

    Returns
    -------
    (N, states) of an exclusive question, (N, values, 2) of any other.
    """
    logits = np.asarray(logits, float)
    if not question.exclusive:
        states = np.stack([np.zeros_like(logits), logits], axis=2)
    elif question.open:
        states = np.concatenate([logits, np.zeros((len(logits), 1))], axis=1)
    else:
        states = logits
    highest = states.max(axis=-1, keepdims=True)
    shifted: np.ndarray = states - highest
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def probabilities(
    questions: Sequence[Question], logits: np.ndarray, temperatures: Mapping[str, float] | None = None
) -> np.ndarray:
    """(N, columns): the probability that each value holds, from logits (N, columns).

    Parameters
    ----------
    temperatures
        Of questions by name; 1 where there is none.
    """
    found = np.zeros(logits.shape)
    for question in questions:
        temperature = (temperatures or {}).get(question.name, 1.0)
        states = np.exp(log_probabilities(question, logits[:, question.columns] / temperature))
        found[:, question.columns] = states[:, : len(question.values)] if question.exclusive else states[:, :, 1]
    return found


def log_loss(question: Question, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """What each answer costs, ``-log p`` of what is true, from logits and targets (N, values).

    Returns
    -------
    (M,): of the M answered images of an exclusive question; of any other, of each value that is known.
    """
    states = log_probabilities(question, logits)
    if not question.exclusive:
        known = targets != UNANSWERED
        held = np.take_along_axis(states, np.maximum(targets, 0).astype(int)[:, :, None], axis=2)[:, :, 0]
        lost: np.ndarray = -held[known]
        return lost
    known = (targets != UNANSWERED).all(axis=1)
    truth = targets[known]
    # None of the values is the state behind them.
    state = np.where(truth.any(axis=1), truth.argmax(axis=1), states.shape[1] - 1)
    return -states[known][np.arange(len(state)), state]


def uncertainties(
    questions: Sequence[Question], logits: np.ndarray, temperatures: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Of each question the entropy of its answers, from 0 to 1 where all are as likely.

    Parameters
    ----------
    logits
        (views, columns) of one image; the probabilities of its views are averaged first. Of a question with several
        answers, the one that it is least sure of counts.
    """
    found = {}
    for question in questions:
        temperature = (temperatures or {}).get(question.name, 1.0)
        states = np.exp(log_probabilities(question, logits[:, question.columns] / temperature)).mean(axis=0)
        p = np.clip(states, 1e-12, 1.0)
        bits = -(p * np.log(p)).sum(axis=-1) / np.log(max(2, p.shape[-1]))
        found[question.name] = float(np.clip(np.max(bits), 0, 1))
    return found
