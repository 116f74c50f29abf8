"""Where a training runs, and how long it will take there."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

from XRayAILib.learning.errors import TrainingError


@dataclass(frozen=True)
class Device:
    """A device that torch can use.

    Attributes
    ----------
    kind
        ``cpu``, ``cuda`` or ``mps``: torch's name.
    description
        What the person is shown, such as ``CPU, 2 threads``.
    """

    kind: str
    description: str
    threads: int = 0

    @property
    def mixed_precision(self) -> bool:
        """Only on CUDA: elsewhere it is slower or not exact."""
        return self.kind == "cuda"


def choose_device(name: str = "auto", threads: int = 0) -> Device:
    """The device of this name, or the fastest for ``auto``; :class:`TrainingError` says why one cannot be had."""
    import torch

    mps = bool(getattr(torch.backends, "mps", None)) and torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    if name == "cuda":
        if not torch.cuda.is_available():
            raise TrainingError(
                "The device 'cuda' cannot be used: torch sees no NVIDIA GPU. "
                "Check the driver with nvidia-smi, or choose the device 'auto' or 'cpu'."
            )
        properties = torch.cuda.get_device_properties(0)
        return Device("cuda", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB")
    if name == "mps":
        if not mps:
            raise TrainingError("The device 'mps' needs macOS on Apple silicon; choose 'auto' or 'cpu'.")
        return Device("mps", f"Apple GPU ({platform.machine()})")
    if name != "cpu":
        raise TrainingError(f"There is no device '{name}'; choose auto, cpu, cuda or mps.")
    count = threads or available_cores()
    return Device("cpu", f"CPU, {count} thread" + ("s" if count > 1 else ""), count)


def available_cores() -> int:
    """Cores that this process may use; a cluster gives it fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def duration_text(seconds: float) -> str:
    """A length of time for people: ``40 s``, ``3 min``, ``2 h 10 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
