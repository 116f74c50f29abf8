"""The state of an unfinished training: one file, whole or not there, and no pickle in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.errors import TrainingError

if TYPE_CHECKING:
    import torch

FORMAT = 1
SPARE = 50 * 2**20
"""Left free beside checkpoints, for the database and the log."""


@dataclass
class Checkpoint:
    """What is needed to go on as if nothing had happened.

    Attributes
    ----------
    tensors
        Named by what they belong to: ``network.*``, ``average.*``, ``best.*``, ``optimizer.<parameter>.<name>``.
    state
        Plain numbers, texts, lists and mappings: counters, curves, plan, the configuration.
    """

    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    def put(self, prefix: str, tensors: Mapping[str, torch.Tensor]) -> None:
        """Add tensors under a prefix."""
        self.tensors.update({f"{prefix}.{name}": value for name, value in tensors.items()})

    def get(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors under a prefix, without it."""
        start = prefix + "."
        return {name[len(start) :]: value for name, value in self.tensors.items() if name.startswith(start)}

    def put_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        for index, values in optimizer.state_dict()["state"].items():
            self.put(f"optimizer.{index}", values)

    def load_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in self.get("optimizer").items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = tensor
        whole = optimizer.state_dict()
        optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})

    def write(self, path: Path) -> None:
        """Write all of it; a crash at any moment leaves the earlier file or this one.

        Raises
        ------
        TrainingError
            The disk is full or the folder cannot be written; the earlier file stands.
        """
        metadata = {"format": str(FORMAT), "state": json.dumps(self.state)}
        save_tensors(path, self.tensors, metadata)

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read a checkpoint; :class:`TrainingError` says why it cannot be."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="pt") as stored:
                metadata = stored.metadata() or {}
                names: list[str] = list(stored.keys())
                # Copies: what is mapped from the file would keep Windows from replacing it.
                tensors = {name: stored.get_tensor(name).clone() for name in names}
        except (OSError, SafetensorError) as error:
            raise TrainingError(f"The checkpoint {path} cannot be read ({error}). Start the training anew.") from error
        if metadata.get("format") != str(FORMAT) or "state" not in metadata:
            raise TrainingError(f"The checkpoint {path} is of another version of X-Ray AI. Start the training anew.")
        return cls(tensors, json.loads(metadata["state"]))


def require_room(folder: Path, size: int) -> None:
    """Raise :class:`TrainingError` where the disk has no room for checkpoints of ``size`` bytes.

    The earlier file stays until the new one is whole, so there is room for two, and for the model beside them.
    """
    free, needed = shutil.disk_usage(folder).free, 2 * size + SPARE
    if free < needed:
        raise TrainingError(
            f"The checkpoints of this training need {needed / 2**30:.2f} GiB in {folder}; the disk has "
            f"{free / 2**30:.2f}. Free some space, or choose a smaller network."
        )


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file under a temporary name, force it to the disk, and rename it."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    temporary = path.with_name(path.name + ".part")
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    try:
        save_file(plain, str(temporary), metadata)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        if temporary.is_file():
            temporary.unlink()
        raise TrainingError(
            f"{path} cannot be written ({error}). Is the disk full? What was saved before is still there."
        ) from error
