"""A folder of computed radiographs with their truth, made once and read again afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from XRayAILib.findings.findings import Findings
from XRayAILib.phantom.acquisition import Condition, Exposure, Nodule, Pose, draw_condition, draw_exposure, draw_pose
from XRayAILib.phantom.beam import expose, field_of
from XRayAILib.phantom.projection import frame_of, lung_outlines, project
from XRayAILib.phantom.thorax import Thorax, draw_thorax
from XRayAILib.phantom.truth import Kept, TruthError, read_kept, truth_of, write_truth
from XRayAILib.phantom.write import Identity, write_radiograph

IMAGES = "images"
TRUTH = "truth"
SIZE = (640, 544)
"""Rows and columns of the upright detector; across they are swapped, and some detectors are square."""
SMALLEST = 96


@dataclass(frozen=True)
class Phantom:
    """One computed radiograph: its DICOM file, its SOP Instance UID, and the truth."""

    path: Path
    uid: str
    findings: Findings


@dataclass(frozen=True)
class Recipe:
    """Everything that one image is computed from."""

    identity: Identity
    thorax: Thorax
    pose: Pose
    condition: Condition
    exposure: Exposure

    @property
    def name(self) -> str:
        return f"phantom-{self.identity.patient:04d}-{self.identity.image}"


def make_phantoms(
    folder: Path,
    count: int,
    seed: int,
    size: tuple[int, int] = SIZE,
    progress: Callable[[int, int], None] | None = None,
) -> list[Phantom]:
    """Compute ``count`` radiographs into ``folder/images`` and their truth into ``folder/truth``.

    What is already there, of the same seed, size and version of this generator, is kept; so a folder that was left half
    written is completed, and a second call takes no time. Each file is written whole or not at all.

    Parameters
    ----------
    seed
        The same seed, size and generator give the same bytes; a larger ``count`` adds to the same images.
    size
        (rows, columns) of the upright detector, at least 96 pixels each.
    progress
        Called with (done, count) after each image.

    Raises
    ------
    ValueError
        For a count below 1 or a size below 96 pixels.
    OSError
        With the file's name, where the disk is full or the folder is not writable.
    """
    if count < 1:
        raise ValueError(f"The number of phantoms is {count}; it must be at least 1.")
    if min(size) < SMALLEST:
        raise ValueError(f"A phantom of {size[1]} x {size[0]} pixels is too small; {SMALLEST} pixels are the least.")
    folder = Path(folder)
    images, truths = folder / IMAGES, folder / TRUTH
    try:
        for place in (images, truths):
            place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"{folder}: the phantoms cannot be put here ({error}). Choose a folder you may write.") from error
    made = []
    for done, recipe in enumerate(recipes(count, seed, size), 1):
        path, truth = images / f"{recipe.name}.dcm", truths / f"{recipe.name}.npz"
        stamp = f"{generator_stamp()}/{recipe.identity.name}"
        findings = _ready(path, truth, stamp)
        if findings is None:
            try:
                findings = _make(recipe, path)
                write_truth(truth, Kept(findings, path.name, stamp))
            except OSError as error:
                raise OSError(
                    f"{path}: the phantom cannot be written ({error.strerror or error}). Free some space or choose "
                    "another folder; what was made so far stays and is not made again."
                ) from error
        made.append(Phantom(path, findings.radiograph_uid, findings))
        if progress:
            progress(done, count)
    return made


def read_truth(folder: Path) -> dict[str, Findings]:
    """The truth of every phantom in ``folder`` that has its image there, by SOP Instance UID."""
    folder = Path(folder)
    found = {}
    for path in sorted((folder / TRUTH).glob("*.npz")):
        kept = read_kept(path)
        if (folder / IMAGES / kept.image).exists():
            found[kept.findings.radiograph_uid] = kept.findings
    return found


def recipes(count: int, seed: int, size: tuple[int, int] = SIZE) -> Iterator[Recipe]:
    """The first ``count`` images of a seed: patient by patient, the earliest study first."""
    made, patient = 0, 0
    while made < count:
        patient += 1
        for recipe in _patient(patient, seed, size):
            yield recipe
            made += 1
            if made == count:
                return


def _patient(patient: int, seed: int, size: tuple[int, int]) -> Iterator[Recipe]:
    """All images of one patient: one, often two, now and then three, months apart."""
    rng = np.random.default_rng([seed, patient])
    thorax = draw_thorax(rng)
    day = date(2016, 1, 4) + timedelta(days=int(rng.integers(0, 2900)))
    birth = day - timedelta(days=int(365.25 * thorax.age + rng.integers(0, 365)))
    nodules: tuple[Nodule, ...] = ()
    name = f"{generator_stamp()}/{seed}/{size[0]}x{size[1]}"
    for image in range(1, int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12])) + 1):
        pose = draw_pose(rng)
        condition = draw_condition(rng, thorax, pose, nodules)
        exposure = draw_exposure(rng, thorax, pose, size, lung_outlines(thorax, pose))
        time = f"{rng.integers(7, 20):02d}{rng.integers(60):02d}{rng.integers(60):02d}"
        yield Recipe(Identity(name, patient, image, birth, day, time), thorax, pose, condition, exposure)
        nodules = condition.nodules
        day += timedelta(days=int(rng.integers(20, 700)))


def _make(recipe: Recipe, path: Path) -> Findings:
    thorax, pose, condition, exposure = recipe.thorax, recipe.pose, recipe.condition, recipe.exposure
    frame = frame_of(thorax, pose, exposure)
    shadows = project(frame, thorax, pose, condition)
    picture = expose(shadows.attenuation, exposure)
    write_radiograph(path, picture, recipe.identity, thorax, pose, exposure)
    field = field_of(exposure)[1]
    identity = recipe.identity
    return truth_of(identity.instance_uid, identity.created, frame, shadows, field, thorax, pose, condition)


def _ready(path: Path, truth: Path, stamp: str) -> Findings | None:
    """The truth on the disk, if it and its image were made by this very generator; otherwise both are made anew."""
    if not (path.exists() and truth.exists()):
        return None
    try:
        kept = read_kept(truth)
    except TruthError:
        return None
    return kept.findings if kept.stamp == stamp else None


@cache
def generator_stamp() -> str:
    """A digest of this room's source files: it changes, and with it all UIDs, whenever the generator does."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_text("utf-8").encode())
    return digest.hexdigest()[:16]
