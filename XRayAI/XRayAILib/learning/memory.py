"""How many images fit into the memory at once, measured on the network that is going to be trained.

On CUDA by real steps; on the CPU and on MPS, where too much memory ends the process or slows everything down, by adding
up what one forward pass keeps for the way back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from XRayAILib.learning.device import Device
from XRayAILib.learning.errors import TrainingError

if TYPE_CHECKING:
    import torch

SAFE = 0.8
"""Part of the free memory that is planned for: fragments, other programs, larger workspaces later on."""
TRANSIENT = 1.6
"""A step needs this many times what it keeps for the way back: gradients of activations, copies in other layouts."""
PER_WEIGHT = 6
"""Values per weight: itself, its gradient, two moments of the optimiser, the average, the best so far."""


Step = Callable[[int], object]
"""One training step with so many images, on a copy of the network."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that the memory of the device is used up."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # The CPU and MPS raise a plain RuntimeError: "DefaultCPUAllocator: can't allocate memory", "MPS backend out of
    # memory"; cuDNN and cuBLAS have words of their own for it.
    text = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


def too_small(device: Device, size: int, network: str) -> TrainingError:
    """What to say when a single image does not fit."""
    return TrainingError(
        f"The memory of {device.description} is too small for even one image of {size} x {size} pixels with the "
        f"network {network}. Choose a smaller image size or a smaller network (the preset 'quick' has both), close "
        "other programs that use this memory, or train on the device 'cpu'."
    )


def ran_out(device: Device, images: int, size: int) -> TrainingError:
    """What to say when memory ran out beside the steps, which take fewer images at once by themselves."""
    return TrainingError(
        f"The memory of {device.description} ran out with batches of {images} images of {size} pixels. Choose a "
        "smaller batch size or image size, close other programs that use this memory, or train on the device 'cpu'. "
        "A stopped training goes on from its checkpoint."
    )


def largest_fitting(wanted: int, fits: Callable[[int], bool]) -> int:
    """The largest of ``wanted``, its half, its quarter ... 1 that fits; 0 where not even one does."""
    count = wanted
    while count:
        if fits(count):
            return count
        count //= 2
    return 0


def images_at_once(network: torch.nn.Module, step: Step, device: Device, wanted: int) -> int:
    """At most ``wanted`` images that fit at once; 0 where not even one does.

    Parameters
    ----------
    step
        Runs a training step with that many images. It is tried with few images first.
    """
    import torch

    weights = PER_WEIGHT * sum(p.numel() * p.element_size() for p in network.parameters())
    if device.kind != "cuda":
        free = free_memory(device) * SAFE - weights
        needed = kept_bytes(step) * TRANSIENT
        return largest_fitting(wanted, lambda count: needed * count <= free)

    def needs(count: int) -> float:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        try:
            step(count)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            return float("inf")
        return float(torch.cuda.max_memory_reserved() - before)

    free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    few = largest_fitting(min(2, wanted), lambda count: needs(count) <= free * SAFE)
    if few < 2:
        return few
    # From what two and four images take, the rest is a straight line; what it says is tried before it is believed.
    two, four = needs(2), needs(min(4, wanted))
    slope = max(0.0, (four - two) / 2)
    return largest_fitting(
        wanted, lambda count: two + slope * (count - 2) <= free * SAFE and needs(count) <= free * SAFE
    )


def kept_bytes(step: Step) -> int:
    """Bytes per image that a step keeps between the way forward and the way back, the weights left out."""
    import torch

    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, torch.nn.Parameter):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    # Two images, because batch normalisation of tiny maps does not take one.
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step(2)
    return sum(kept.values()) // 2


def free_memory(device: Device) -> int:
    """Bytes that can still be had on the CPU or on MPS."""
    import psutil
    import torch

    if device.kind == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    available = int(psutil.virtual_memory().available)
    limit = _container_limit()
    return available if limit is None else min(available, max(0, limit - psutil.Process().memory_info().rss))


def _container_limit() -> int | None:
    """Memory that a container or a job of a cluster may use (Linux control groups, version 2)."""
    from pathlib import Path

    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
