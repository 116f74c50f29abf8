"""What a person asks of the main job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wishes:
    """What the person asked for.

    Attributes
    ----------
    folder
        Their radiographs; ``None`` for the phantom's.
    labels
        Masks or a COCO file for ``folder``. Without it the model learns from the phantom.
    minutes
        Longest time for the training; ``None`` for the usual one.
    phantoms, epochs
        0 for the usual number.
    """

    folder: Path | None = None
    labels: Path | None = None
    seed: int = 7
    minutes: float | None = None
    phantoms: int = 0
    epochs: int = 0
