"""Decoded once, resized once: the arrays that a training reads.

A cache is one folder under the project's cache folder, named by the digest of everything that went into it. It is built
under a temporary name and renamed, never changed afterwards; rows that an earlier cache holds are copied, not decoded.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example
from XRayAILib.learning.task import Task
from XRayAILib.pixels.resample import Letterbox, PixelPreset
from XRayAILib.project.project import Project

# Raised when the arrays change for the same input.
VERSION = 3
KEPT = 3
# Left free on the disk, for the database and the checkpoint.
SPARE = 200 * 2**20

Emit = Callable[[dict[str, Any]], None]


class Cancelled(Exception):
    """The person asked to stop."""


@dataclass(frozen=True)
class TrainingCache:
    """Images and targets of a training, as memory-mapped arrays.

    Attributes
    ----------
    images
        float16 (N, size, size), 0..1.
    targets
        (N, ...) as the task defines them.
    table
        float32 (N, numbers): what goes into the network beside each image.
    rows
        Row of each image's uid. An image that could not be read has none.
    left_out
        (uid, reason) of those.
    """

    folder: Path
    images: np.ndarray
    targets: np.ndarray
    table: np.ndarray
    rows: dict[str, int]
    left_out: tuple[tuple[str, str], ...]

    @classmethod
    def open(cls, folder: Path) -> TrainingCache:
        index = json.loads((folder / "index.json").read_text("utf-8"))
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        targets = np.load(folder / "targets.npy", mmap_mode="r", allow_pickle=False)
        table = np.load(folder / "table.npy", allow_pickle=False)
        rows = {uid: row for row, uid in enumerate(index["uids"])}
        return cls(folder, images, targets, table, rows, tuple((u, r) for u, r in index["left_out"]))

    def part(self, examples: Sequence[Example], part: str) -> np.ndarray:
        """Rows of a part, in the order of the examples."""
        return np.array([self.rows[e.uid] for e in examples if e.part == part and e.uid in self.rows], np.int64)


def build_cache(
    project: Project,
    examples: Sequence[Example],
    task: Task,
    preset: PixelPreset,
    emit: Emit,
    cancelled: Callable[[], bool] = lambda: False,
) -> TrainingCache:
    """Open the cache of these examples, or make it.

    Raises
    ------
    TrainingError
        No image could be read, or the disk is full.
    Cancelled
        ``cancelled`` said so; nothing is left behind.
    """
    place = project.cache_folder / "learning"
    images_key = _digest([VERSION, preset.document()])
    target = [task.name, task.labels, task.config.missing, dict(task.config.options), task.target_type]
    targets_key = _digest([images_key, target])
    key = _digest([targets_key, task.table_size, sorted((e.uid, e.image_key, e.findings_key) for e in examples)])
    final = place / key[:20]
    if final.is_dir():
        os.utime(final)
        cache = TrainingCache.open(final)
    else:
        working = place / f"{uuid.uuid4().hex}.part"
        try:
            working.mkdir(parents=True)
            _fill(working, project, examples, task, preset, (images_key, targets_key), emit, cancelled)
            if not final.is_dir():
                working.replace(final)
        except OSError as error:
            raise TrainingError(
                f"The training cache cannot be written to {place}: {error.strerror or error}. "
                "Free some space, or delete older folders there."
            ) from error
        finally:
            shutil.rmtree(working, ignore_errors=True)
        cache = TrainingCache.open(final)
        _forget_oldest(place, final)
    if not cache.rows:
        raise TrainingError(f"None of the labelled images can be read. The first: {cache.left_out[0][1]}")
    return cache


def _fill(
    folder: Path,
    project: Project,
    examples: Sequence[Example],
    task: Task,
    preset: PixelPreset,
    keys: tuple[str, str],
    emit: Emit,
    cancelled: Callable[[], bool],
) -> None:
    earlier = _Earlier(folder.parent, keys)
    count = len(examples)
    size = preset.size
    shape, kind = task.target_shape(size), np.dtype(task.target_type)
    require_space(folder, count * (2 * size * size + kind.itemsize * math.prod(shape)))
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.float16, (count, size, size))
    targets = np.lib.format.open_memmap(folder / "targets.npy", "w+", kind, (count, *shape))
    table = np.zeros((count, task.table_size), np.float32)
    kept: list[Example] = []
    boxes: list[tuple[int, int, int, int] | None] = []
    left_out: list[tuple[str, str]] = []
    for done, example in enumerate(examples):
        if cancelled():
            raise Cancelled
        row = len(kept)
        try:
            image, target = earlier.image(example), earlier.target(example)
            if image is None:
                fitted = preset.fit_radiograph(project.radiograph(example.uid))
                image = fitted.image, fitted.letterbox.box
            images[row], box = image
            targets[row] = _target(project, example, task, size, box) if target is None else target
            table[row] = task.table(project.header(example.uid))
            kept.append(example)
            boxes.append(box)
        except UnreadableError as error:
            left_out.append((example.uid, str(error)))
        message = f"Preparing image {done + 1} of {count}"
        emit({"event": "progress", "step": "cache", "done": done + 1, "total": count, "message": message})
    images.flush()
    targets.flush()
    np.save(folder / "table.npy", table, allow_pickle=False)
    index = {
        "keys": list(keys),
        "uids": [e.uid for e in kept],
        "image_keys": [e.image_key for e in kept],
        "findings_keys": [e.findings_key for e in kept],
        "boxes": boxes,
        "left_out": left_out,
    }
    (folder / "index.json").write_text(json.dumps(index), "utf-8")


def _target(
    project: Project, example: Example, task: Task, size: int, box: tuple[int, int, int, int] | None
) -> np.ndarray:
    reference = project.reference(example.uid)
    if reference is None:
        raise TrainingError(f"The findings of {project.header(example.uid).path} went away while the training began.")
    rows, columns = reference.shape
    # Targets lie where the image does, cropped or not.
    return task.target(reference, Letterbox(rows, columns, size, box))


class _Earlier:
    """Rows of earlier caches, to be copied where the content is the same."""

    def __init__(self, place: Path, keys: tuple[str, str]) -> None:
        self._images: dict[tuple[str, str], tuple[np.ndarray, int, list[int] | None]] = {}
        self._targets: dict[tuple[str, str], tuple[np.ndarray, int]] = {}
        for path in place.glob("*/index.json"):
            if path.parent.suffix == ".part":
                continue
            index = json.loads(path.read_text("utf-8"))
            if index["keys"][0] != keys[0]:
                continue
            cache = TrainingCache.open(path.parent)
            for row, uid in enumerate(index["uids"]):
                self._images[uid, index["image_keys"][row]] = cache.images, row, index["boxes"][row]
                if index["keys"] == list(keys):
                    self._targets[uid, index["findings_keys"][row]] = cache.targets, row

    def image(self, example: Example) -> tuple[np.ndarray, tuple[int, int, int, int] | None] | None:
        """The image and its box."""
        found = self._images.get((example.uid, example.image_key))
        if found is None:
            return None
        images, row, box = found
        return images[row], None if box is None else (box[0], box[1], box[2], box[3])

    def target(self, example: Example) -> np.ndarray | None:
        found = self._targets.get((example.uid, example.findings_key))
        return None if found is None else found[0][found[1]]


def _forget_oldest(place: Path, newest: Path) -> None:
    """Keep the few caches used last. One that is open elsewhere stays readable on POSIX and stays whole on Windows."""
    others = [p for p in place.iterdir() if p.is_dir() and p != newest and p.suffix != ".part"]
    others.sort(key=lambda p: p.stat().st_mtime, reverse=True)
    for path in others[KEPT - 1 :]:
        # Renamed first, so that a half-deleted cache is never found under its name.
        doomed = path.with_suffix(".part")
        try:
            path.replace(doomed)
        except PermissionError:
            continue
        shutil.rmtree(doomed, ignore_errors=True)


def require_space(place: Path, needed: int) -> None:
    """Raise :class:`TrainingError` where the disk has no room: a full disk under a mapped file kills the process."""
    free = shutil.disk_usage(place).free
    if free < needed + SPARE:
        raise TrainingError(
            f"The training cache needs {needed / 2**30:.1f} GiB in {place.parent}; the disk has {free / 2**30:.1f}. "
            "Free some space, or choose a smaller image size."
        )


def sweep(place: Path) -> None:
    """Remove what killed processes left half made in a folder; a day old, so that no living one is at it."""
    for path in place.glob("*.part"):
        if path.is_dir() and time.time() - path.stat().st_mtime > 86_400:
            shutil.rmtree(path, ignore_errors=True)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
