"""SamplePictures: a few images of a training, drawn from time to time while it runs.

::

    pictures = SamplePictures(task, cache, rows, device, job_folder, emit, seconds=20)
    pictures.of_batch(batch)               # what the first step learns from
    pictures.of_validation(network, 12)    # after epoch 12, unless the one before is younger than 20 s
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, ImageLabel
from XRayAILib.learning.batches import Batch, read_rows
from XRayAILib.learning.cache import Emit, TrainingCache
from XRayAILib.learning.classification.probable_findings import ProbableFindings
from XRayAILib.learning.device import Device
from XRayAILib.learning.samples.sheet import Tile, save_sheet, sheet
from XRayAILib.learning.task import Task
from XRayAILib.learning.trial import placed
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

FOLDER = "pictures"
"""In the job's folder."""
SHOWN = 6
KEPT = 10
"""Pictures of validations that are kept, the newest ones."""
PART = 0.02
"""Of the time that drawing takes at most."""
_TEACHER, _LEARNER = Author.imported("reference"), Author.model("training", "running")


class SamplePictures:
    """Draws sheets into the job's folder and says so with events ``picture``.

    The event has ``path`` (within the job's folder), ``kind`` (``batch`` or ``validation``) and ``epoch`` (0 before
    the first one).

    Parameters
    ----------
    rows
        Of the validation part.
    seconds
        Least time between two pictures; it becomes longer where drawing takes more than :data:`PART` of the time. 0
        for no pictures.
    """

    def __init__(
        self,
        task: Task,
        cache: TrainingCache,
        rows: np.ndarray,
        device: Device,
        folder: Path,
        emit: Emit,
        seconds: float,
    ) -> None:
        self._task, self._cache, self._device = task, cache, device
        self._folder, self._emit, self._seconds = folder / FOLDER, emit, seconds
        self._rows = rows
        self._chosen: np.ndarray | None = None
        self._next = 0.0
        self.spent = 0.0

    @property
    def wanted(self) -> bool:
        return self._seconds > 0

    def of_batch(self, batch: Batch) -> None:
        """Images as they are learnt from, changed at random, with what is taught of them."""
        if not self.wanted:
            return
        images, targets = batch["image"][:SHOWN].float().cpu().numpy(), batch["label"][:SHOWN].cpu().numpy()
        tiles = []
        for image, target in zip(images, targets, strict=True):
            true = self._task.objects(target, _TEACHER)
            tiles.append(Tile(image[0], true, words=_said(true)))
        title = "What the training learns from, with random changes"
        self._save(sheet(tiles, title, with_found=False), "batch.png", "batch", 0)

    def of_validation(self, network: torch.nn.Module, epoch: int) -> None:
        """What a network finds now in images that it does not learn from; nothing where it is too soon."""
        begun = time.monotonic()
        if not self.wanted or begun < self._next:
            return
        import torch

        batch = read_rows(self._cache, self._some(), self._task)
        network.eval()
        tiles = []
        for i, target in enumerate(batch["label"].cpu().numpy()):
            # One at a time needs no memory that the training has not had.
            image, more = placed({name: value[i : i + 1] for name, value in batch.items()}, self._device)
            with torch.inference_mode():
                output: Any = network(image, *more)
            if isinstance(output, dict):
                one: Any = {name: value[0].float().cpu().numpy() for name, value in output.items()}
            else:
                one = output[0].float().cpu().numpy()
            tiles.append(self._tile(batch["image"][i, 0].numpy(), target, one))
        self._save(sheet(tiles, f"Validation after epoch {epoch}"), f"epoch-{epoch:05d}.png", "validation", epoch)
        self._sweep()
        ended = time.monotonic()
        self.spent += ended - begun
        self._next = ended + max(self._seconds, (ended - begun) / PART)

    def _tile(self, image: np.ndarray, target: np.ndarray, output: Any) -> Tile:
        task, size = self._task, image.shape[-1]
        findings = task.shown(task.decode(output, Letterbox(size, size, size), "sample", _LEARNER))
        true = task.objects(target, _TEACHER)
        return Tile(image, true, findings.objects, _compared(true, findings))

    def _some(self) -> np.ndarray:
        """The same few images every time, spread over the part, those first that have something to be seen."""
        if self._chosen is None:
            spread = self._rows[np.unique(np.linspace(0, len(self._rows) - 1, 4 * SHOWN).round().astype(int))]
            targets = read_rows(self._cache, spread, self._task)["label"].cpu().numpy()
            there = np.array([bool(self._task.objects(target, _TEACHER)) for target in targets])
            ordered = [*_spread(spread[there]), *_spread(spread[~there])]
            self._chosen = np.sort(np.array(ordered[:SHOWN], np.int64))
        return self._chosen

    def _save(self, page: Any, name: str, kind: str, epoch: int) -> None:
        save_sheet(page, self._folder / name)
        self._emit({"event": "picture", "path": f"{FOLDER}/{name}", "kind": kind, "epoch": epoch})

    def _sweep(self) -> None:
        for old in sorted(self._folder.glob("epoch-*.png"))[:-KEPT]:
            old.unlink(missing_ok=True)


def _spread(rows: np.ndarray) -> list[int]:
    """At most :data:`SHOWN` of them, from the first to the last."""
    if not len(rows):
        return []
    return [int(rows[i]) for i in np.unique(np.linspace(0, len(rows) - 1, SHOWN).round().astype(int))]


def _said(objects: tuple[FindingObject, ...]) -> list[str]:
    return [f"{item.label} = {item.value}" for item in objects if isinstance(item, ImageLabel)]


def _compared(true: tuple[FindingObject, ...], findings: Findings) -> list[str]:
    """Probabilities of an image's classes beside what is true, the ones that are most wrong first."""
    if not isinstance(findings, ProbableFindings):
        return []
    said = {f"{item.label}={item.value}" for item in true if isinstance(item, ImageLabel)}
    asked = {name.partition("=")[0] for name in said}
    lines = []
    for one in findings.probabilities:
        if one.name.partition("=")[0] in asked:
            wrong = abs(one.value - (one.name in said))
            lines.append((wrong, f"{one.name}: {one.value:.2f}, {'true' if one.name in said else 'not true'}"))
        else:
            lines.append((0.0, f"{one.name}: {one.value:.2f}, nobody said"))
    return [text for _, text in sorted(lines, key=lambda line: -line[0])]
