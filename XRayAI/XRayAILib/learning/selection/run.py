"""The next cases of a project: looked at by a model, picked, and stored as the project's wanted images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.objects import now
from XRayAILib.learning.cache import Cancelled, Emit
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.inference import Inference
from XRayAILib.learning.model import Model
from XRayAILib.learning.selection.picking import STRATEGIES, even_distances, pick
from XRayAILib.learning.selection.scoring import Scored, Scorer
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query
from XRayAILib.project.wanted import Wanted, WantedImage

LOOKED_AT = 2000
"""Images that are looked at at most, by lot where there are more: enough to choose from, and hours less."""
COMPARED = 400
"""Labelled images that they are compared with at most."""


@dataclass(frozen=True)
class Chosen:
    """The next cases.

    Attributes
    ----------
    pool
        Images that there were to choose from.
    looked_at
        Of these, how many were looked at and could be read.
    unreadable
        (uid, reason) of those that could not.
    """

    wanted: Wanted
    pool: int
    looked_at: int
    unreadable: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Pool:
    """What there is to choose from.

    Attributes
    ----------
    open
        Images to choose from.
    learnt
        Images that are labelled and may be learnt from.
    person
        Of each image.
    """

    open: tuple[str, ...]
    learnt: tuple[str, ...]
    person: dict[str, str]


def pool_of(project: Project, model: Model, everything: bool = False) -> Pool:
    """The images that could be labelled to make a model better.

    Not those that are excluded, nor any of a person in the test part, from whom nothing is learnt. With ``everything``
    also those that are labelled already, to be looked at again.
    """
    task, labels = type(model.task), model.labels
    images = list(project.stream(Query(filters={"excluded": ("no",)})))
    person = project.kin.persons(images)
    tested = {person[image.uid] for image in images if image.split == "test"}
    learnable = [image.uid for image in images if person[image.uid] not in tested]
    learnt = []
    for uid, reference in zip(learnable, project.references(learnable), strict=True):
        if reference is not None and task.teaches(reference, labels, model.config.missing):
            learnt.append(uid)
    labelled = set(learnt)
    return Pool(tuple(uid for uid in learnable if everything or uid not in labelled), tuple(learnt), person)


def choose_next(
    project: Project,
    model: Model,
    count: int,
    strategy: str = "both",
    everything: bool = False,
    emit: Emit = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    device: str = "auto",
    seed: int = 0,
) -> Chosen:
    """Choose the images to label next and store them in the project.

    Raises
    ------
    Cancelled
        ``cancelled`` said so; the list before stays.
    TrainingError
        There is nothing to choose from, or none of it can be read.
    """
    if strategy not in STRATEGIES:
        raise TrainingError(f"There is no strategy '{strategy}'; there are {', '.join(STRATEGIES)}.")
    if count < 1:
        raise TrainingError(f"{count} images cannot be chosen; ask for one or more.")
    model.check_schema(project.schema)
    pool = pool_of(project, model, everything)
    if not pool.open:
        raise TrainingError(
            "There is nothing to choose from: every image that is not excluded or kept for testing is labelled. Add "
            "images, or take --all to look at labelled ones again."
        )
    generator = np.random.default_rng(seed)
    network = model.network()
    inference = Inference(model.task, network, model.preset, choose_device(device))
    reader = _Reader(project, Scorer(inference, network), inference, emit, cancelled)
    scored = reader.read(_some(pool.open, LOOKED_AT, generator), "Looking at image", True)
    if not scored:
        raise TrainingError(f"None of the {len(pool.open)} images can be read. {reader.unreadable[0][1]}")
    there = {one.uid: one.features for one in scored}
    taught = [uid for uid in _some(pool.learnt, COMPARED, generator) if uid not in there]
    own = [there[uid] for uid in pool.learnt if uid in there]
    features = np.stack([one.features for one in scored])
    learnt = [one.features for one in reader.read(taught, "Comparing with labelled image", False)] + own
    known = np.stack(learnt) if learnt else np.zeros((0, features.shape[1]))
    doubt = np.array([one.uncertainty for one in scored])
    places = pick(strategy, count, doubt, features, known, [pool.person[one.uid] for one in scored], seed)
    away = even_distances(features, known)
    images = tuple(
        WantedImage(scored[i].uid, _reason(strategy, scored[i], doubt, away, i), round(scored[i].uncertainty, 4))
        for i in places
    )
    wanted = Wanted(images, model.folder.name, model.digest, strategy, now())
    wanted.write(project.folder)
    project.audit("next cases", f"{len(images)} of {len(scored)} by {strategy} with {model.folder.name}")
    return Chosen(wanted, len(pool.open), len(scored), tuple(reader.unreadable))


class _Reader:
    """Looks at images one by one and keeps what could not be read."""

    def __init__(
        self, project: Project, scorer: Scorer, inference: Inference, emit: Emit, cancelled: Callable[[], bool]
    ) -> None:
        self._project, self._scorer, self._inference = project, scorer, inference
        self._emit, self._cancelled = emit, cancelled
        self.unreadable: list[tuple[str, str]] = []

    def read(self, uids: Sequence[str], what: str, unsure: bool) -> list[Scored]:
        found = []
        for done, uid in enumerate(uids, start=1):
            if self._cancelled():
                raise Cancelled
            message = f"{what} {done} of {len(uids)}"
            self._emit({"event": "progress", "step": "look", "done": done, "total": len(uids), "message": message})
            try:
                radiograph = self._project.radiograph(uid)
            except UnreadableError as error:
                self.unreadable.append((uid, str(error)))
                self._emit({"event": "note", "uid": uid, "message": f"Not looked at: {error}"})
                continue
            fitted = self._inference.preset.fit_radiograph(radiograph)
            table = self._inference.task.table(radiograph.header)
            found.append(self._scorer.score(uid, fitted.image, table, unsure))
        return found


def _some(uids: Sequence[str], most: int, generator: np.random.Generator) -> list[str]:
    if len(uids) <= most:
        return list(uids)
    return [uids[i] for i in sorted(generator.choice(len(uids), most, replace=False))]


def _reason(strategy: str, one: Scored, doubt: np.ndarray, away: np.ndarray, place: int) -> str:
    """Why this image, in words that a person can check."""
    if strategy == "random":
        return "by lot"
    told = []
    if strategy in ("both", "uncertainty"):
        text = f"uncertainty {one.uncertainty:.2f}, more than {(doubt < doubt[place]).mean():.0%} of the images"
        if len(one.by_class) > 1:
            text += f", most of {max(one.by_class, key=lambda name: one.by_class[name]).replace('_', ' ')}"
        told.append(text)
    if strategy in ("both", "diversity") and np.isfinite(away[place]):
        told.append(f"less like a labelled image than {(away < away[place]).mean():.0%}")
    return "; ".join(told) or "nothing is labelled yet that it could be compared with"
