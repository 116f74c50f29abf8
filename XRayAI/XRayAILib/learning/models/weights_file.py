"""What a file of weights is: told by its first bytes, whatever its name says, and never by opening it with pickle.

PyTorch's own files (``.pt``, ``.pth``, ``.ckpt``, ``.bin``) hold pickles, which run any code that they name when they
are opened (Python's documentation of :mod:`pickle`); TorchScript (``.ts``) is code by design; so are Keras' Lambda
layers. So only safetensors and ONNX are read, which are data, and the rest is refused with the way to convert it.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.learning.errors import ModelError

if TYPE_CHECKING:
    import torch

SAFETENSORS = "safetensors"
ONNX = "onnx"
_PYTORCH = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin", ".joblib")
_KERAS = (".h5", ".hdf5", ".keras", ".pb")
_NUMPY = (".npy", ".npz")
PICKLED = (*_PYTORCH, ".ts", *_KERAS, *_NUMPY)
"""Endings of files that other programs keep weights in and that are never opened here."""
LARGEST_HEADER = 100_000_000
"""Bytes of a safetensors header, as the format's own reader limits it."""

_FROM_PICKLE = (
    "it may hold a pickle, which can run any code when it is opened, so it is never loaded. Where it came from, write "
    "its weights with: state = torch.load(FILE, map_location='cpu', weights_only=True); "
    "safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in state.items()}, 'model.safetensors') "
    "- or the whole network with torch.onnx.export."
)
_FROM_TORCHSCRIPT = (
    "it is TorchScript, which is code, so it is never loaded. Where it came from, write its weights with: "
    "network = torch.jit.load(FILE, map_location='cpu'); safetensors.torch.save_file({name: tensor.contiguous() for "
    "name, tensor in network.state_dict().items()}, 'model.safetensors') - or export the network that it was made "
    "from with torch.onnx.export."
)
_FROM_KERAS = (
    "it is a model of Keras or TensorFlow, which may hold code, so it is never loaded. Where it came from, convert it "
    "with: python -m tf2onnx.convert --keras FILE --output model.onnx (--saved-model FOLDER for a SavedModel)."
)
_FROM_NUMPY = (
    "NumPy's files may hold pickled objects, so it is never loaded. Write the arrays with safetensors.numpy.save_file."
)
_PACKED = "it is packed. Unpack it, and import the safetensors or ONNX file that is in it."


def weights_kind(path: Path) -> str:
    """``safetensors`` or ``onnx``.

    Raises
    ------
    ModelError
        It is something else: what it is, and how it is converted.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(512)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}).") from error
    if not head:
        raise ModelError(f"{path} is empty. Copy it again.")
    reason = _foreign_kind(path, head)
    if reason:
        raise ModelError(f"{path.name} is refused: {reason}")
    if _is_safetensors(head, size):
        return SAFETENSORS
    # The first field of an ONNX file is its version, a small number (onnx.proto, ModelProto.ir_version).
    if head[0] == 0x08 and len(head) > 2 and 1 <= head[1] < 0x80:
        return ONNX
    ending = path.suffix.lower()
    if ending == ".safetensors":
        raise ModelError(f"{path.name} is refused: it is no whole safetensors file. Was it cut off? Copy it again.")
    if ending in PICKLED:
        raise ModelError(f"{path.name} is refused: {_advice(ending)}")
    raise ModelError(
        f"{path.name} is refused: it is neither safetensors nor ONNX. Export the model with torch.onnx.export, or its "
        "weights with safetensors.torch.save_file."
    )


def pickled_note(names: list[str]) -> str:
    """How the first of these files, that looks like pickled weights, is converted; empty where none does."""
    for name in names:
        ending = Path(name).suffix.lower()
        if ending in PICKLED:
            return f" {Path(name).name}: {_advice(ending)}"
    return ""


def _advice(ending: str) -> str:
    if ending in _KERAS:
        return _FROM_KERAS
    if ending in _NUMPY:
        return _FROM_NUMPY
    return _FROM_TORCHSCRIPT if ending == ".ts" else _FROM_PICKLE


def _foreign_kind(path: Path, head: bytes) -> str:
    """Why this is nothing that is read, by its first bytes; empty where they say nothing against it."""
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _FROM_KERAS
    if head.startswith(b"\x93NUMPY"):
        return _FROM_NUMPY
    if head.startswith((b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"BZh", b"\xfd7zXZ")):
        return _PACKED
    # Old PyTorch kept a tar of pickles (torch/serialization.py, _legacy_load); other tars hold anything.
    if head[257:262] == b"ustar":
        return _FROM_PICKLE
    # Protocols 2 to 5 begin with PROTO and their number (pickletools, opcode 0x80).
    if head[0] == 0x80 and len(head) > 1 and 2 <= head[1] <= 5:
        return _FROM_PICKLE
    if head[4:8] == b"TFL3":
        return "it is TensorFlow Lite. Convert it with: python -m tf2onnx.convert --tflite FILE --output model.onnx"
    return ""


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:10_000]
    except (OSError, zipfile.BadZipFile, ValueError):
        return _PACKED
    if any(name.endswith("constants.pkl") or "/code/" in name for name in names):
        return _FROM_TORCHSCRIPT
    if any(name.endswith(".pkl") for name in names):
        return _FROM_PICKLE
    if any(name.endswith(".npy") for name in names):
        return _FROM_NUMPY
    if any(name.endswith((".h5", "saved_model.pb")) for name in names):
        return _FROM_KERAS
    return _PACKED


def _is_safetensors(head: bytes, size: int) -> bool:
    if len(head) < 10:
        return False
    (length,) = struct.unpack_from("<Q", head)
    return 2 <= length <= min(LARGEST_HEADER, size - 8) and head[8:9] == b"{"


def safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a file, of which only the header is read.

    Raises
    ------
    ModelError
        The file is no whole safetensors file: the format's own reader compares every shape with the file's length.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="np") as stored:
            return {name: tuple(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path.name} is refused: it is no whole safetensors file ({error}). Was it cut off? Copy it again."
        ) from error


def check_weights(path: Path, network: Callable[[], torch.nn.Module]) -> None:
    """That a file of weights is of a network, before either takes any memory.

    Plain arguments can ask for more than the memory holds, so the network is first built without its values.

    Raises
    ------
    ModelError
        A tensor is missing, too many, or of another shape.
    """
    import torch

    stored = safetensors_shapes(path)
    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in network().state_dict().items()}
    problems = [
        f"'{name}' is {_shape(stored[name])} instead of {_shape(shape)}"
        for name, shape in wanted.items()
        if stored.get(name, shape) != shape
    ]
    problems += [f"it has no '{name}'" for name in wanted if name not in stored]
    problems += [f"it has '{name}', which the network does not" for name in stored if name not in wanted]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ModelError(f"The weights {path} do not fit its network: {'; '.join(problems[:3])}{more}.")


def _shape(extents: tuple[int, ...]) -> str:
    return " x ".join(map(str, extents)) or "one number"
