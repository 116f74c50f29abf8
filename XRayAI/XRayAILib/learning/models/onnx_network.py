"""An ONNX model as a network of torch: the same call, run by onnxruntime on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.models.onnx_file import packages

if TYPE_CHECKING:
    import onnxruntime
    import torch


def session_of(data: bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """A session on the CPU with operators of ONNX only; :class:`ModelError` says why there is none.

    The model comes as bytes, not as a path, so that what was checked is what runs, and nothing beside it is read.
    """
    (onnxruntime,) = packages("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait by spinning take the other core from whoever shares the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base but this
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"onnxruntime does not take the model: {first}") from error


def onnx_network(data: bytes) -> torch.nn.Module:
    """A module whose ``forward`` (B, C, H, W) gives ``{output: (B, ...)}`` as float32, on the device of the images."""
    import torch

    class OnnxNetwork(torch.nn.Module):
        """Holds no parameters: it is neither trained nor moved to another device."""

        def __init__(self) -> None:
            super().__init__()
            self._session = session_of(data, torch.get_num_threads())
            source = self._session.get_inputs()[0]
            self._input = source.name
            self._kind = np.float16 if "float16" in source.type else np.float32
            self._single = source.shape[0] == 1
            self._names = [output.name for output in self._session.get_outputs()]

        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            array = np.ascontiguousarray(images.detach().cpu().numpy(), self._kind)
            parts = [array[i : i + 1] for i in range(len(array))] if self._single else [array]
            runs = [self._run(part) for part in parts]
            joined = {name: np.concatenate([run[i] for run in runs]) for i, name in enumerate(self._names)}
            return {
                name: torch.from_numpy(value.astype(np.float32)).to(images.device) for name, value in joined.items()
            }

        def _run(self, part: np.ndarray) -> list[Any]:
            try:
                found: list[Any] = self._session.run(None, {self._input: part})
            except Exception as error:  # onnxruntime's errors have no common base but this
                first = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise ModelError(f"onnxruntime cannot run the model: {first}") from error
            return found

    return OnnxNetwork()
