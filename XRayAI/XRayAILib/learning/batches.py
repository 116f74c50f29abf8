"""The endless stream of batches that a training sees.

Every batch is a function of the seed and its number alone: its images, their order and every random change. So a run
that is resumed at batch 500 sees what it would have seen, without a state of any generator being kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.learning.cache import TrainingCache
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device
from XRayAILib.learning.draws import Draws
from XRayAILib.learning.task import Task

if TYPE_CHECKING:
    import torch


class TrainingBatches:
    """Batches of the training part, from number ``position`` on: ``image`` (B, 1, S, S), ``label`` and ``table``."""

    def __init__(
        self, cache: TrainingCache, rows: np.ndarray, task: Task, config: TrainingConfig, device: Device
    ) -> None:
        self._cache = cache
        # A GPU makes the random changes itself; MPS lacks some of the operations.
        self._place = device.kind if device.kind == "cuda" else "cpu"
        self._rows = rows
        self._task = task
        self._config = config
        self.position = 0
        self.images_per_epoch = max(len(rows), config.images_per_epoch)
        self.batch_size = min(config.batch_size, len(rows))
        # The last batch of an epoch is as large as the others: batch normalisation dislikes a batch of one.
        self.per_epoch = max(1, self.images_per_epoch // self.batch_size)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        order, epoch = np.zeros(0, np.int64), -1
        while True:
            number = self.position
            if number // self.per_epoch != epoch:
                epoch = number // self.per_epoch
                order = self._order(epoch)
            start = (number % self.per_epoch) * self.batch_size
            self.position += 1
            yield self._batch(number, order[start : start + self.batch_size])

    def _order(self, epoch: int) -> np.ndarray:
        generator = np.random.default_rng([self._config.seed, epoch])
        repeats = -(-self.images_per_epoch // len(self._rows))
        return np.concatenate([generator.permutation(self._rows) for _ in range(repeats)])

    def _batch(self, number: int, rows: np.ndarray) -> dict[str, torch.Tensor]:
        import torch

        seeds = np.random.SeedSequence([self._config.seed, number]).generate_state(1 + len(rows), np.uint64) >> 1
        # Dropout draws from torch's own generator.
        torch.manual_seed(int(seeds[0]))
        batch = {name: tensor.to(self._place) for name, tensor in read_rows(self._cache, rows, self._task).items()}
        images, targets = self._task.augmented(batch["image"], batch["label"], Draws([int(s) for s in seeds[1:]]))
        return {**batch, "image": images, "label": targets}


class ValidationBatches:
    """Batches of unchanged images, each once, in order."""

    def __init__(self, cache: TrainingCache, rows: np.ndarray, task: Task, batch_size: int) -> None:
        self._cache = cache
        self._rows = rows
        self._task = task
        self._batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch_size)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for start in range(0, len(self._rows), self._batch_size):
            yield read_rows(self._cache, self._rows[start : start + self._batch_size], self._task)


def read_rows(cache: TrainingCache, rows: np.ndarray, task: Task) -> dict[str, torch.Tensor]:
    """Images (B, 1, S, S) float32 in 0..1 as ``image``, targets as ``label``, and ``table`` where the task has one."""
    import torch

    images = torch.from_numpy(np.asarray(cache.images[rows], np.float32))[:, None]
    batch = {"image": images, "label": task.tensors(cache.targets[rows])}
    if task.table_size:
        batch["table"] = torch.from_numpy(cache.table[rows])
    return batch
