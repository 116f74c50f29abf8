"""The same numbers from the same run: which of torch's algorithms a training uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from XRayAILib.learning.device import Device


@contextmanager
def exactness(device: Device) -> Iterator[None]:
    """Deterministic algorithms on the CPU; CUDA and MPS lack some, so there a training is as exact as it can be."""
    import torch

    setting: Any = torch.utils.deterministic
    exact, filling = torch.are_deterministic_algorithms_enabled(), setting.fill_uninitialized_memory
    searching = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True, warn_only=device.kind != "cpu")
    # Filling fresh memory guards against reading it before it is written; it costs time and nothing here does that.
    setting.fill_uninitialized_memory = False
    # All batches have one shape, so looking for the fastest convolution once pays.
    torch.backends.cudnn.benchmark = device.kind == "cuda"
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(exact)
        setting.fill_uninitialized_memory = filling
        torch.backends.cudnn.benchmark = searching
