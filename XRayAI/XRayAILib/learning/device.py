"""Where a training runs, and how long it will take there."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.errors import TrainingError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Device:
    """A device that torch can use.

    Attributes
    ----------
    kind
        ``cpu``, ``cuda`` or ``mps``: torch's name.
    description
        What the person is shown, such as ``CPU, 2 threads``.
    half
        The type of half precision that it is fast with, ``bfloat16`` or ``float16``; empty where there is none.
    """

    kind: str
    description: str
    threads: int = 0
    half: str = ""

    @property
    def mixed_precision(self) -> bool:
        """Only on CUDA: elsewhere it is slower or not exact."""
        return bool(self.half)

    @property
    def scaled(self) -> bool:
        """Whether losses have to be scaled, so that small gradients do not vanish: ``float16`` has few exponents."""
        return self.half == "float16"

    def precision(self, mixed: bool) -> Any:
        """The context of a forward pass, in half precision where that is wanted and the device is fast with it."""
        import torch

        kind = getattr(torch, self.half) if self.half else None
        return torch.autocast(self.kind, dtype=kind, enabled=mixed and self.mixed_precision)

    @property
    def torch(self) -> torch.device:
        """As torch has it; on CUDA the GPU that is this process's."""
        import torch

        return torch.device(self.kind)


def choose_device(name: str = "auto", threads: int = 0) -> Device:
    """The device of this name, or the fastest for ``auto``; :class:`TrainingError` says why one cannot be had.

    Among the processes of ``torchrun``, each takes the GPU of its own number.
    """
    import torch

    from XRayAILib.learning.processes import local_rank, rank_and_size

    mps = bool(getattr(torch.backends, "mps", None)) and torch.backends.mps.is_available()
    _, ranks = rank_and_size()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if mps and ranks == 1 else "cpu"
    if name == "cuda":
        if not torch.cuda.is_available():
            raise TrainingError(
                "The device 'cuda' cannot be used: torch sees no NVIDIA GPU. "
                "Check the driver with nvidia-smi, or choose the device 'auto' or 'cpu'."
            )
        number = local_rank()
        if number >= torch.cuda.device_count():
            raise TrainingError(
                f"There are more processes than GPUs on this machine ({torch.cuda.device_count()}): "
                "start torchrun with one process for each GPU."
            )
        properties = torch.cuda.get_device_properties(number)
        several = f"{ranks} x " if ranks > 1 else ""
        # Cards before Ampere compute bfloat16 slowly or not at all.
        half = "bfloat16" if properties.major >= 8 else "float16"
        return Device("cuda", f"{several}{properties.name}, {properties.total_memory / 2**30:.0f} GiB", half=half)
    if name == "mps":
        if not mps:
            raise TrainingError("The device 'mps' needs macOS on Apple silicon; choose 'auto' or 'cpu'.")
        return Device("mps", f"Apple GPU ({platform.machine()})")
    if name != "cpu":
        raise TrainingError(f"There is no device '{name}'; choose auto, cpu, cuda or mps.")
    count = threads or available_cores()
    several = f", {ranks} processes" if ranks > 1 else ""
    return Device("cpu", f"CPU, {count} thread" + ("s" if count > 1 else "") + several, count)


def available_cores() -> int:
    """Cores that this process may use; a cluster gives it fewer than the machine has, and ranks share a machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def duration_text(seconds: float) -> str:
    """A length of time for people: ``40 s``, ``3 min``, ``2 h 10 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
