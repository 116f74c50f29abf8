"""A model as ONNX: written by torch's exporter, and believed only where onnxruntime gives the same numbers."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.models.adapter import named_outputs
from XRayAILib.learning.models.onnx_file import packages, without_traces
from XRayAILib.learning.models.onnx_network import session_of

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.model import Model

ABSOLUTE, RELATIVE = 1e-4, 1e-3
"""How far a value may lie from torch's: this much, and this part of the output's largest value. The operators are the
same, but sums are taken in another order; a wrong operator is off by parts of the value itself."""
NOISES = 3
"""Random images in the check, in batches of 1 and of the rest, so that the batch is tried, too."""


def write_onnx(model: Model, path: Path, images: Sequence[np.ndarray] = (), seed: int = 0) -> dict[str, Any]:
    """Write a model's network; where it is not equal, nothing is left.

    Its input ``image`` is (B, 1, S, S) in 0..1 as the preset gives it, with ``table`` (B, numbers) where the task has
    any; its outputs bear the names of the task's, or ``pred``. Any batch goes in.

    Parameters
    ----------
    images
        What the preset made of real radiographs, float32 (S, S).

    Returns
    -------
    dict
        For the manifest: ``inputs`` and ``outputs``, ``opset``, ``tolerance``, ``largest_difference``, how many
        ``real`` and ``random`` images it was checked with, ``versions``.

    Raises
    ------
    ModelError
        It cannot be written as ONNX, or is not equal: by how much.
    """
    onnx, onnxruntime, onnxscript = packages("onnx", "onnxruntime", "onnxscript")
    import torch

    task, size = model.task, model.preset.size
    generator = np.random.default_rng(seed)
    noise = generator.random((NOISES, 1, size, size), np.float32)
    real = np.stack(images)[:, None].astype(np.float32) if len(images) else np.zeros((0, 1, size, size), np.float32)
    batches = [part for part in (noise[:1], noise[1:], real) if len(part)]
    tables = [generator.random((len(part), task.table_size), np.float32) for part in batches]
    network = model.network()
    with torch.inference_mode():
        wanted = [_torch(network, part, table) for part, table in zip(batches, tables, strict=True)]
    names = list(wanted[0])
    try:
        _export(network, path, names, (noise[1:], *((tables[1],) if task.table_size else ())))
        proto = without_traces(onnx.load_model(str(path)))
        onnx.checker.check_model(proto, full_check=True)
        onnx.save_model(proto, str(path))
        session = session_of(path.read_bytes())
        largest = 0.0
        for part, table, torch_gave in zip(batches, tables, wanted, strict=True):
            fed = {"image": part, **({"table": table} if task.table_size else {})}
            found = dict(zip(names, session.run(names, fed), strict=True))
            largest = max(largest, *(_difference(name, found[name], torch_gave[name]) for name in names))
    except ModelError:
        path.unlink(missing_ok=True)
        raise
    return {
        "inputs": ["image", *(["table"] if task.table_size else [])],
        "outputs": names,
        "opset": max(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")),
        "tolerance": {"absolute": ABSOLUTE, "relative": RELATIVE},
        "largest_difference": largest,
        "real": len(real),
        "random": len(noise),
        "versions": {
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
            "onnxscript": onnxscript.__version__,
        },
    }


def _torch(network: torch.nn.Module, images: np.ndarray, table: np.ndarray) -> dict[str, np.ndarray]:
    import torch

    more = (torch.from_numpy(table),) if table.shape[1] else ()
    found = network(torch.from_numpy(images), *more)
    named = found if isinstance(found, dict) else {"pred": found}
    return {name: value.float().numpy() for name, value in named_outputs(named).items()}


def _export(network: torch.nn.Module, path: Path, names: list[str], example: tuple[np.ndarray, ...]) -> None:
    import torch

    class Plain(torch.nn.Module):
        """Outputs in a row, in the order of ``names``: an ONNX graph has no mapping."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: torch.Tensor, *table: torch.Tensor) -> Any:
            found = self.network(image, *table)
            return tuple(found[name] for name in names) if isinstance(found, dict) else found

    batch = torch.export.Dim("batch", min=1, max=4096)
    shapes: list[Any] = [{0: batch}]
    if len(example) > 1:
        shapes.append(({0: batch},))
    log = logging.getLogger("torch.onnx")
    level = log.level
    try:
        log.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Plain().eval(),
                tuple(torch.from_numpy(array) for array in example),
                str(path),
                dynamo=True,
                input_names=["image", "table"][: len(example)],
                output_names=names,
                dynamic_shapes=tuple(shapes),
                external_data=False,
                verbose=False,
            )
    except OSError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"This network cannot be written as ONNX: {first}") from error
    finally:
        log.setLevel(level)


def _difference(name: str, onnx_gave: np.ndarray, torch_gave: np.ndarray) -> float:
    if onnx_gave.shape != torch_gave.shape:
        raise ModelError(
            f"The ONNX model is not equal, so it was removed: its output '{name}' is {onnx_gave.shape}, torch's is "
            f"{torch_gave.shape}."
        )
    difference = float(np.abs(onnx_gave.astype(float) - torch_gave).max())
    allowed = ABSOLUTE + RELATIVE * float(np.abs(torch_gave).max())
    if not difference <= allowed:
        raise ModelError(
            f"The ONNX model is not equal, so it was removed: its output '{name}' differs from torch's by "
            f"{difference:.3g}, and {allowed:.3g} is allowed."
        )
    return difference
