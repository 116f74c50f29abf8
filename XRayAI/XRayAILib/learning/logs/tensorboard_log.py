"""A run for TensorBoard, in a folder of its own: ``tensorboard --logdir FOLDER``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.logs.plain import plain_settings


class TensorBoardLog:
    """Appends to the folder; files of several starts are one run to TensorBoard."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder))

    def begin(self, config: TrainingConfig) -> None:
        self._writer.add_text("configuration", _table(plain_settings(config.document())), 0)

    def scalar(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def picture(self, path: Path, kind: str, step: int) -> None:
        from PIL import Image

        with Image.open(path) as picture:
            self._writer.add_image(f"samples/{kind}", np.asarray(picture.convert("RGB")), step, dataformats="HWC")

    def finish(self, result: Mapping[str, Any], figures: Mapping[str, float]) -> None:
        epoch = int(result.get("best_epoch") or 0)
        for name, value in figures.items():
            self._writer.add_scalar(name, value, epoch)
        told = {
            name: str(result.get(name)) for name in ("name", "digest", "epochs", "best_epoch", "stopped", "seconds")
        }
        self._writer.add_text("result", _table({**told, **{k: f"{v:.6g}" for k, v in figures.items()}}), epoch)

    def flush(self) -> None:
        self._writer.flush()

    def close(self, ended: str) -> None:
        self._writer.close()

    @property
    def state(self) -> dict[str, Any]:
        return {}


def _table(values: Mapping[str, str]) -> str:
    """Markdown, which is what TensorBoard shows texts as."""
    rows = [f"| {name} | `{value.replace('|', '/')}` |" for name, value in values.items()]
    return "\n".join(["| | |", "|---|---|", *rows])
