"""Which of many images to take, from how unsure a model is of each and from how unlike they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

STRATEGIES = ("both", "uncertainty", "diversity", "random")
ROUNDS = 50
"""Of k-means; it ends earlier where nothing changes any more."""
STARTS = 4
"""Beginnings of k-means, of which the best counts."""


def pick(
    strategy: str,
    count: int,
    uncertainty: np.ndarray,
    features: np.ndarray,
    learnt: np.ndarray,
    persons: Sequence[str],
    seed: int = 0,
) -> list[int]:
    """Positions of the images to label, the most wanted first; of a person one image, as long as there are others.

    Parameters
    ----------
    strategy
        ``uncertainty``: those that the model is least sure of. ``diversity``: each the one farthest from all that are
        learnt from or taken already (k-centre greedy: Sener and Savarese, ICLR 2018). ``both``: groups of images that
        look alike, weighted by how unsure the model is, and of each group the one in its middle (after CLUE: Prabhu et
        al., ICCV 2021), so that an image that looks like no other is not taken for that alone; images that look like
        one that is learnt from weigh less. ``random``: by lot.
    uncertainty
        (N,) of the images to choose from.
    features
        (N, F) what they look like.
    learnt
        (M, F) what those look like that the model has learnt from; M may be 0.
    persons
        Of each of the N images.
    """
    generator = np.random.default_rng(seed)
    everything = _even(np.concatenate([features, learnt.reshape(-1, features.shape[1])]))
    own, covered = everything[: len(features)], everything[len(features) :]
    ways: dict[str, Callable[[np.ndarray, int], list[int]]] = {
        "random": lambda left, wanted: [int(i) for i in generator.permutation(left)],
        "uncertainty": lambda left, wanted: [int(i) for i in left[np.argsort(-uncertainty[left], kind="stable")]],
        "diversity": lambda left, wanted: _farthest(left, wanted, own, covered),
        "both": lambda left, wanted: _middles(left, wanted, own, covered, uncertainty, generator),
    }
    taken: list[int] = []
    seen: set[str] = set()
    left = np.arange(len(features))
    while len(taken) < count and len(left):
        # Of a person who is there already, only where everybody is.
        fresh = np.array([i for i in left.tolist() if persons[i] not in seen], int)
        if not len(fresh):
            seen = set()
            continue
        for i in ways[strategy](fresh, count - len(taken)):
            if len(taken) < count and persons[i] not in seen:
                taken.append(i)
                seen.add(persons[i])
                covered = np.concatenate([covered, own[i : i + 1]])
        left = np.setdiff1d(left, taken)
    return taken


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N,) Euclidean distance of each point to the nearest of the others; infinite where there are none."""
    if not len(others):
        return np.full(len(points), np.inf)
    # In portions: N x M of many images would not fit.
    found = [
        np.sqrt(np.maximum(0, (part**2).sum(1)[:, None] + (others**2).sum(1)[None] - 2 * part @ others.T)).min(1)
        for part in (points[at : at + 1024] for at in range(0, len(points), 1024))
    ]
    return np.concatenate(found) if found else np.zeros(0)


def even_distances(features: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """(N,) how far each image is from the nearest that was learnt from, every feature counting alike."""
    everything = _even(np.concatenate([features, learnt.reshape(-1, features.shape[1])]))
    return distances(everything[: len(features)], everything[len(features) :])


def _even(features: np.ndarray) -> np.ndarray:
    """Every feature with mean 0 and standard deviation 1; one that is the same everywhere says nothing."""
    spread = features.std(axis=0)
    kept = spread > 1e-9
    found: np.ndarray = (features[:, kept] - features[:, kept].mean(axis=0)) / spread[kept]
    return found if found.shape[1] else np.zeros((len(features), 1))


def _farthest(left: np.ndarray, wanted: int, points: np.ndarray, covered: np.ndarray) -> list[int]:
    """k-centre greedy."""
    mine = points[left]
    away = distances(mine, covered)
    if not len(covered):
        # Nothing is learnt from yet: begin in the middle of all.
        away = -((mine - mine.mean(axis=0)) ** 2).sum(axis=1)
    found = []
    for _ in range(min(wanted, len(left))):
        chosen = int(np.argmax(away))
        found.append(int(left[chosen]))
        to_it = distances(mine, mine[chosen : chosen + 1])
        away = np.minimum(away, to_it) if len(found) > 1 or len(covered) else to_it
        away[chosen] = -np.inf
    return found


def _middles(
    left: np.ndarray,
    wanted: int,
    points: np.ndarray,
    covered: np.ndarray,
    uncertainty: np.ndarray,
    generator: np.random.Generator,
) -> list[int]:
    """Of each group of a weighted k-means, the image nearest to its centre; the group that weighs most first."""
    mine, weight = points[left], np.maximum(uncertainty[left], 1e-6)
    away = distances(mine, covered)
    known = np.isfinite(away)
    if known.all() and np.median(away) > 0:
        weight = weight * np.minimum(1.0, away / np.median(away)) + 1e-9
    groups = min(wanted, len(left))
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for _ in range(STARTS):
        centres, member, cost = _k_means(mine, weight, groups, generator)
        if best is None or cost < best[0]:
            best = cost, centres, member
    assert best is not None
    _, centres, member = best
    found = []
    for group in np.argsort(-np.bincount(member, weight, groups), kind="stable"):
        inside = np.flatnonzero(member == group)
        if len(inside):
            found.append(int(left[inside[np.argmin(((mine[inside] - centres[group]) ** 2).sum(axis=1))]]))
    return found


def _k_means(
    points: np.ndarray, weight: np.ndarray, groups: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Centres (K, F), the group of each point, and the weighted sum of squared distances; begun by k-means++."""
    first = int(generator.choice(len(points), p=weight / weight.sum()))
    centres = points[first : first + 1]
    while len(centres) < groups:
        chance = weight * distances(points, centres) ** 2
        total = chance.sum()
        place = int(generator.choice(len(points), p=chance / total)) if total > 0 else len(centres)
        centres = np.concatenate([centres, points[place : place + 1]])
    member = np.full(len(points), -1)
    for _ in range(ROUNDS):
        squared = (points**2).sum(1)[:, None] + (centres**2).sum(1)[None] - 2 * points @ centres.T
        now = squared.argmin(axis=1)
        if (now == member).all():
            break
        member = now
        for group in range(groups):
            inside = member == group
            if inside.any():
                centres[group] = np.average(points[inside], axis=0, weights=weight[inside])
    cost = float((weight * ((points - centres[member]) ** 2).sum(axis=1)).sum())
    return centres, member, cost
