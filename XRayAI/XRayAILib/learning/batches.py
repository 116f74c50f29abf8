"""The endless stream of batches that a training sees.

Every batch is a function of the seed and its number alone: its images, their order and every random change. So a run
that is resumed at batch 500 sees what it would have seen, without a state of any generator being kept, and several
processes see the parts of the batch that one would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from XRayAILib.learning.cache import TrainingCache
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device
from XRayAILib.learning.draws import Draws
from XRayAILib.learning.processes import Processes
from XRayAILib.learning.task import Task

Batch = dict[str, Any]
"""``image`` (B, 1, S, S) float32 in 0..1, ``label`` as the task's tensors, ``table`` (B, T) where the task has numbers
beside the image, and ``seed``, for what the network itself draws at random."""


class TrainingBatches:
    """Batches of the training part; of each, what is this process's.

    Attributes
    ----------
    batch_size
        Images in a step, over all processes.
    per_epoch
        Steps in an epoch.
    """

    def __init__(
        self,
        cache: TrainingCache,
        rows: np.ndarray,
        task: Task,
        config: TrainingConfig,
        device: Device,
        processes: Processes | None = None,
    ) -> None:
        self._cache = cache
        # A GPU makes the random changes itself; MPS lacks some of the operations.
        self._place = device.kind if device.kind == "cuda" else "cpu"
        self._rows = rows
        self._task = task
        self._config = config
        self._processes = processes or Processes()
        self.images_per_epoch = max(len(rows), config.images_per_epoch)
        self.resize(config.batch_size or len(rows))

    def resize(self, batch_size: int) -> None:
        """Choose the number of images in a step; no more than there are."""
        self.batch_size = min(batch_size, len(self._rows))
        # The last batch of an epoch is as large as the others: batch normalisation dislikes a batch of one.
        self.per_epoch = max(1, self.images_per_epoch // self.batch_size)

    def __len__(self) -> int:
        """Images of the training part."""
        return len(self._rows)

    def stream(self, first: int = 0) -> Iterator[Batch]:
        """All batches from number ``first`` on, without an end."""
        order, known = np.zeros(0, np.int64), -1
        while True:
            epoch, step = divmod(first, self.per_epoch)
            if epoch != known:
                order, known = self._order(epoch), epoch
            yield self._batch(first, order[step * self.batch_size : (step + 1) * self.batch_size])
            first += 1

    def some(self, count: int) -> Batch:
        """``count`` images with random changes, to try something with; more than there are repeat themselves."""
        return self._made(0, np.resize(self._rows, count), slice(None))

    def _order(self, epoch: int) -> np.ndarray:
        generator = np.random.default_rng([self._config.seed, epoch])
        repeats = -(-self.images_per_epoch // len(self._rows))
        return np.concatenate([generator.permutation(self._rows) for _ in range(repeats)])

    def _batch(self, number: int, rows: np.ndarray) -> Batch:
        return self._made(number, rows, self._processes.part(len(rows)))

    def _made(self, number: int, rows: np.ndarray, part: slice) -> Batch:
        seeds = np.random.SeedSequence([self._config.seed, number]).generate_state(1 + len(rows), np.uint64) >> 1
        batch = read_rows(self._cache, rows[part], self._task)
        draws = Draws([int(seed) for seed in seeds[1:][part]])
        if self._place == "cuda":
            return {**self._on_gpu(batch, draws), "seed": int(seeds[0])}
        images, targets = self._task.augmented(batch["image"], batch["label"], draws)
        return {**batch, "image": images, "label": targets, "seed": int(seeds[0])}

    def _on_gpu(self, batch: Batch, draws: Draws) -> Batch:
        """Sent over and changed there, beside what the GPU is at for the batch before."""
        import torch

        stream = _side_stream()
        with torch.cuda.stream(stream):
            there = {name: tensor.pin_memory().to("cuda", non_blocking=True) for name, tensor in batch.items()}
            there["image"], there["label"] = self._task.augmented(there["image"], there["label"], draws)
        stream.synchronize()
        return there


class ValidationBatches:
    """Batches of unchanged images, each once, in order; of each, what is this process's.

    A last batch that cannot be dealt out evenly is filled up with its first image, so that every process has as many
    as the others; ``label`` has all targets of the batch without these, at every process.
    """

    def __init__(
        self, cache: TrainingCache, rows: np.ndarray, task: Task, batch_size: int, processes: Processes | None = None
    ) -> None:
        self._cache = cache
        self._rows = rows
        self._task = task
        self._processes = processes or Processes()
        self._batch_size = max(1, batch_size // self._processes.size) * self._processes.size

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        size = self._processes.size
        for start in range(0, len(self._rows), self._batch_size):
            rows = self._rows[start : start + self._batch_size]
            batch = read_rows(self._cache, rows, self._task)
            if size > 1:
                filled = np.arange(-(-len(rows) // size) * size) % len(rows)
                mine = filled[self._processes.part(len(filled))]
                batch = {name: value if name == "label" else value[mine] for name, value in batch.items()}
            yield batch


def read_rows(cache: TrainingCache, rows: np.ndarray, task: Task) -> Batch:
    """Images (B, 1, S, S) float32 in 0..1 as ``image``, targets as ``label``, and ``table`` where the task has one."""
    import torch

    # torch turns half precision into single several times faster than NumPy does.
    batch = {"image": torch.from_numpy(cache.images[rows]).float()[:, None], "label": task.tensors(cache.targets[rows])}
    if task.table_size:
        batch["table"] = torch.from_numpy(cache.table[rows])
    return batch


_stream: Any = None


def _side_stream() -> Any:
    """The GPU's queue for making batches."""
    global _stream
    if _stream is None:
        import torch

        _stream = torch.cuda.Stream()
    return _stream
