"""Decoded once, resized once: the arrays that a training reads.

Images are prepared once for each pixel preset, and what is to be learnt of them once for each task: both are rows on
the disk (:mod:`XRayAILib.learning.rows`), found by what they were made from. So a changed mask costs one mask, a new
image one image, and a preparation that was stopped or killed goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example, image_key
from XRayAILib.learning.problem import few
from XRayAILib.learning.rows import Place, Rows, RowStore
from XRayAILib.learning.space import Holding, cache_limit, make_room, place_of
from XRayAILib.learning.task import Task
from XRayAILib.pixels.resample import Letterbox, PixelPreset
from XRayAILib.project.project import Project

# Raised when the arrays change for the same input.
VERSION = 5
MOST_LOST = 0.1
"""Part of the labelled images that may be unreadable: with more, something else is wrong, such as a drive."""
AHEAD = 4
"""Images for each thread that are prepared before they are written."""

Emit = Callable[[dict[str, Any]], None]
Box = tuple[int, int, int, int]


class Cancelled(Exception):
    """The person asked to stop."""


@dataclass(frozen=True)
class TrainingCache:
    """Images and targets of a training, as memory-mapped arrays. Close it, or let the process end.

    Attributes
    ----------
    key
        A digest of all that is in it.
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
    holding
        Keeps others from deleting its files.
    prints
        Of each row, a digest of its image: copies have the same, whatever their files are called.
    """

    key: str
    images: Rows
    targets: Rows
    table: np.ndarray
    rows: dict[str, int]
    left_out: tuple[tuple[str, str], ...]
    holding: Holding | None = None
    prints: tuple[str, ...] = ()

    def part(self, examples: Sequence[Example], part: str) -> np.ndarray:
        """Rows of a part, in the order of the examples."""
        return np.array([self.rows[e.uid] for e in examples if e.part == part and e.uid in self.rows], np.int64)

    def close(self) -> None:
        """Let its files be deleted when room is needed; nothing where another process holds them."""
        if self.holding is not None:
            self.holding.close()


def build_cache(
    project: Project,
    examples: Sequence[Example],
    task: Task,
    preset: PixelPreset,
    emit: Emit,
    cancelled: Callable[[], bool] = lambda: False,
    threads: int = 0,
) -> TrainingCache:
    """Prepare what is not prepared yet of these examples, and open all of it.

    An image whose file is gone, or has changed since the examples were gathered, is left out with the reason.

    Parameters
    ----------
    threads
        That decode and resize; 0 for one per core.

    Raises
    ------
    TrainingError
        The disk or the cache's limit has no room, or too many images cannot be read.
    Cancelled
        ``cancelled`` said so; what is prepared stays for the next time.
    """
    place = place_of(project)
    try:
        holding = Holding(place)
        try:
            return _build(project, examples, task, preset, holding, emit, cancelled, threads)
        except BaseException:
            holding.close()
            raise
    except OSError as error:
        raise TrainingError(
            f"The training cache cannot be written to {place}: {error.strerror or error}. "
            "Free some space, or clear it with  xrayai cache clear."
        ) from error


def missing_bytes(project: Project, examples: Sequence[Example], task: Task, preset: PixelPreset) -> int:
    """Bytes that :func:`build_cache` would have to write at most."""
    return open_work(project, task, preset, place_of(project)).missing_bytes(examples)


@dataclass(frozen=True)
class _Prepared:
    """What a thread made of an example; ``None`` for what is there already."""

    image: np.ndarray | None
    target: np.ndarray | None
    box: Box | None
    reason: str = ""


@dataclass
class _Work:
    """The stores, and how an example becomes a row of each."""

    project: Project
    task: Task
    preset: PixelPreset
    images: RowStore
    targets: RowStore

    def image(self, example: Example) -> Place | None:
        return self.images.find(example.image_key)

    def target_key(self, example: Example, box: Box | None) -> str:
        # Targets lie where the image does, cropped or not.
        return _digest([example.findings_key, box])

    def target(self, example: Example, box: Box | None) -> Place | None:
        return self.targets.find(self.target_key(example, box))

    def there(self, example: Example) -> bool:
        """Whether nothing of it has to be made."""
        image = self.image(example)
        return image is not None and self.target(example, _box(image.more)) is not None

    def missing_bytes(self, examples: Sequence[Example]) -> int:
        """What will have to be written at most."""
        needed = 0
        for example in examples:
            image = self.image(example)
            needed += self.images.row_bytes if image is None else 0
            known = image is not None and self.target(example, _box(image.more)) is not None
            needed += 0 if known else self.targets.row_bytes
        return needed

    def prepare(self, example: Example) -> _Prepared:
        """Decode, resize and make the target; for any thread."""
        found = self.image(example)
        image, box = None, _box(found.more) if found else None
        try:
            if found is None:
                fitted = self.preset.fit_radiograph(self.project.radiograph(example.uid))
                if image_key(self.project.image(example.uid)) != example.image_key:
                    path = self.project.header(example.uid).path
                    return _Prepared(None, None, None, f"{path}: the file has changed since the training began")
                image, box = fitted.image.astype(np.float16), fitted.letterbox.box
        except UnreadableError as error:
            return _Prepared(None, None, None, str(error))
        return _Prepared(image, None if self.target(example, box) else self._target(example, box), box)

    def _target(self, example: Example, box: Box | None) -> np.ndarray:
        reference = self.project.reference(example.uid)
        if reference is None:
            raise TrainingError(f"The findings of {example.uid} are gone: start the training again.")
        rows, columns = reference.shape
        return self.task.target(reference, Letterbox(rows, columns, self.preset.size, box))

    def keep(self, example: Example, made: _Prepared) -> None:
        """Write what was made."""
        if made.image is not None:
            digest = hashlib.sha256(made.image.tobytes()).hexdigest()[:32]
            self.images.add(example.image_key, made.image, [made.box, digest])
        if made.target is not None:
            self.targets.add(self.target_key(example, made.box), made.target)


def _build(
    project: Project,
    examples: Sequence[Example],
    task: Task,
    preset: PixelPreset,
    holding: Holding,
    emit: Emit,
    cancelled: Callable[[], bool],
    threads: int,
) -> TrainingCache:
    place = place_of(project)
    work = open_work(project, task, preset, place, holding)
    stores = (work.images, work.targets)
    wanted = {f"{store.folder.name}/{p.segment}" for store, p in _places(work, examples)}
    holding.add(wanted)
    left_out: list[tuple[str, str]] = []
    todo = [example for example in examples if not work.there(example)]
    if todo:
        make_room(place, work.missing_bytes(todo), cache_limit(project), wanted)
        try:
            for done, (example, made) in enumerate(_prepared(work, todo, threads, cancelled), 1):
                if made.reason:
                    left_out.append((example.uid, made.reason))
                else:
                    work.keep(example, made)
                message = f"Preparing image {done} of {len(todo)}"
                emit({"event": "progress", "step": "cache", "done": done, "total": len(todo), "message": message})
            for store in stores:
                store.close()
        except OSError:
            for store in stores:
                store.abandon()
            raise
        except BaseException:
            for store in stores:
                store.close()
            raise
    _refuse_losses(len(examples), left_out)
    lost = {uid for uid, _ in left_out}
    kept = [example for example in examples if example.uid not in lost]
    return _opened(work, kept, tuple(left_out), holding)


def _opened(
    work: _Work, kept: Sequence[Example], left_out: tuple[tuple[str, str], ...], holding: Holding
) -> TrainingCache:
    work.images.merged([example.image_key for example in kept])
    boxes = [_box(place.more) for example in kept if (place := work.image(example)) is not None]
    work.targets.merged([work.target_key(example, box) for example, box in zip(kept, boxes, strict=True)])
    places = _places(work, kept)
    for store in (work.images, work.targets):
        store.touch(sorted({place.segment for owner, place in places if owner is store}))
    images = [place for owner, place in places if owner is work.images]
    targets = [place for owner, place in places if owner is work.targets]
    table = np.zeros((len(kept), work.task.table_size), np.float32)
    if work.task.table_size:
        for row, example in enumerate(kept):
            table[row] = work.task.table(work.project.header(example.uid))
    content = sorted((e.uid, e.image_key, e.findings_key) for e in kept)
    key = _digest([work.targets.folder.name, work.task.table_size, content])
    rows = {example.uid: row for row, example in enumerate(kept)}
    prints = tuple(str(place.more[1]) for place in images)
    arrays = work.images.rows(images), work.targets.rows(targets)
    return TrainingCache(key, *arrays, table, rows, left_out, holding, prints)


def open_work(project: Project, task: Task, preset: PixelPreset, place: Path, holding: Holding | None = None) -> _Work:
    """The stores of images of this preset, and of what this task learns of them."""
    images_key = _digest([VERSION, preset.document()])
    legend = [(own.name, own.tool.value, own.mirror, own.options, own.multiple) for own in task.legend]
    target = [task.name, legend, task.config.missing, dict(task.config.options), task.target_type]
    targets_key = _digest([images_key, target])

    def store(name: str, shape: tuple[int, ...], kind: str, about: str) -> RowStore:
        def begins(segment: str) -> None:
            if holding is not None:
                holding.add([f"{name}/{segment}"])

        return RowStore(place / name, shape, kind, about, begins)

    size = preset.size
    grey = f"images, {size} pixels" + ("" if preset.enhancement is None else ", enhanced")
    names = ", ".join(task.labels)
    images = store(images_key[:20], (size, size), "float16", grey)
    targets = store(targets_key[:20], task.target_shape(size), task.target_type, f"{task.name}, {size}: {names}")
    return _Work(project, task, preset, images, targets)


def _places(work: _Work, examples: Sequence[Example]) -> list[tuple[RowStore, Place]]:
    """Where the rows of these examples are, as far as they are there."""
    found: list[tuple[RowStore, Place]] = []
    for example in examples:
        image = work.image(example)
        if image is not None:
            found.append((work.images, image))
            target = work.target(example, _box(image.more))
            if target is not None:
                found.append((work.targets, target))
    return found


def _prepared(
    work: _Work, examples: Sequence[Example], threads: int, cancelled: Callable[[], bool]
) -> Iterator[tuple[Example, _Prepared]]:
    """The examples in their order, prepared by several threads a little ahead."""
    threads = threads or _cores()
    waiting: deque[tuple[Example, Future[_Prepared]]] = deque()
    left = iter(examples)
    with ThreadPoolExecutor(threads, "prepare") as pool:
        try:
            while True:
                while len(waiting) < threads * AHEAD and (example := next(left, None)) is not None:
                    waiting.append((example, pool.submit(work.prepare, example)))
                if not waiting:
                    return
                if cancelled():
                    raise Cancelled
                example, future = waiting.popleft()
                yield example, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _refuse_losses(count: int, left_out: Sequence[tuple[str, str]]) -> None:
    """Raise where more images are lost than an odd file explains."""
    if len(left_out) <= max(1, MOST_LOST * count) and len(left_out) < count:
        return
    how_many = "None" if len(left_out) == count else f"Only {count - len(left_out)} of {count}"
    raise TrainingError(
        f"{how_many} of the labelled images can be read: {few([reason for _, reason in left_out])}. "
        "Put the files back, scan again, or exclude these images."
    )


def sweep(place: Path) -> None:
    """Remove what killed processes left half made in a folder; a day old, so that no living one is at it."""
    for path in place.glob("*.part"):
        if path.is_dir() and time.time() - path.stat().st_mtime > 86_400:
            shutil.rmtree(path, ignore_errors=True)


def _box(more: Any) -> Box | None:
    """Of what is noted of an image: its box and its digest."""
    box = more[0]
    return None if box is None else (box[0], box[1], box[2], box[3])


def _cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))  # type: ignore[attr-defined,unused-ignore]
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
