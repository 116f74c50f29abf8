"""An ONNX file from elsewhere, read as data: everything that reaches beyond the file or the standard is refused.

ONNX is a graph of operators, not code (https://onnx.ai/onnx/repo-docs/IR.md). What can do harm all the same: weights in
other files ("external data", whose path may lead anywhere), operators that a library brings along (custom domains),
tensors that claim more than they hold, and loops without an end.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.errors import ModelError

if TYPE_CHECKING:
    import onnx

LARGEST = (2 << 30) - 1
"""Bytes of a file: protobuf, which it is written in, holds no more."""
LARGEST_TENSOR = 1 << 29
"""Elements of a tensor between two operators: 2 GiB as float32, far above any network for one radiograph."""
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""Operators that ONNX itself defines."""
ENDLESS = ("Loop", "Scan", "SequenceMap")
FLOATS = {1: "float32", 10: "float16"}
"""TensorProto.DataType of an input that is taken -> NumPy's name."""


@dataclass(frozen=True)
class OnnxFace:
    """What a model takes and gives.

    Attributes
    ----------
    input
        Name of its only input.
    dtype
        ``float32`` or ``float16``.
    shape
        Of the input; ``None`` where it is not fixed.
    outputs
        Names, in the file's order.
    is_split
        Whether weights lay in other files beside it.
    """

    input: str
    dtype: str
    shape: tuple[int | None, ...]
    outputs: tuple[str, ...]
    is_split: bool = False


def packages(*names: str) -> list[Any]:
    """These packages of the extra ``onnx``; :class:`ModelError` says how they are installed."""
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError as error:
        listed = " and ".join(names)
        raise ModelError(f"ONNX needs {listed}. Install what belongs to it with: pip install 'xrayai[onnx]'") from error


def read_onnx(path: Path) -> tuple[onnx.ModelProto, OnnxFace]:
    """The model in a file, with external data taken into it, and what it takes and gives.

    Raises
    ------
    ModelError
        Why it is not used.
    """
    (onnx,) = packages("onnx")
    from google.protobuf.message import DecodeError

    if path.stat().st_size > LARGEST:
        raise ModelError(f"{path.name} is refused: it is larger than {LARGEST >> 20} MiB.")
    try:
        model = onnx.load_model(str(path), load_external_data=False)
        _check_operators(path, model)
        _check_tensors(path, model)
        is_split = any(tensor.data_location == tensor.EXTERNAL for tensor in _tensors(model))
        onnx.load_external_data_for_model(model, str(path.parent))
        for tensor in _tensors(model):
            _check_size(path, tensor)
        onnx.checker.check_model(model)
        face = _face(path, model)
        _check_shapes(path, model)
    except (DecodeError, onnx.checker.ValidationError, UnicodeDecodeError) as error:
        first = str(error).strip().splitlines() or ["it cannot be read"]
        raise ModelError(f"{path.name} is refused: it is no whole ONNX model ({first[0]}).") from error
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path.name} is refused: it cannot be read as ONNX ({error}).") from error
    return model, replace(face, is_split=is_split)


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without notes of how it was made: the exporter of torch leaves paths of source files in it."""
    del model.metadata_props[:]
    model.doc_string = ""
    for graph in _graphs(model):
        for part in (graph.node, graph.value_info, getattr(graph, "input", ()), getattr(graph, "output", ())):
            for item in part:
                # Inputs of a function are plain names.
                if not isinstance(item, str):
                    item.doc_string = ""
                    del item.metadata_props[:]
        graph.doc_string = ""
        if hasattr(graph, "metadata_props"):
            del graph.metadata_props[:]
        for tensor in getattr(graph, "initializer", ()):
            tensor.doc_string = ""
            if hasattr(tensor, "metadata_props"):
                del tensor.metadata_props[:]
    return model


def _graphs(model: onnx.ModelProto) -> Iterator[Any]:
    """The graph, the functions, and every graph within an operator of theirs."""
    waiting: list[Any] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    for graph in _graphs(model):
        yield from getattr(graph, "initializer", ())
        for sparse in getattr(graph, "sparse_initializer", ()):
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors
                single = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
                for sparse in (*single, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)


def _check_operators(path: Path, model: onnx.ModelProto) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    for graph in _graphs(model):
        for node in graph.node:
            if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
                raise ModelError(
                    f"{path.name} is refused: its operator '{node.op_type}' is of '{node.domain}', which ONNX does not "
                    "define; it would need code from elsewhere. Export the model with ONNX's own operators only, and "
                    "before a runtime has optimised it."
                )
            if node.op_type in ENDLESS and node.domain in DOMAINS:
                raise ModelError(
                    f"{path.name} is refused: it has the operator '{node.op_type}', which may run without an end. "
                    "Export the model with torch.onnx.export for a fixed input, without loops."
                )


def _check_tensors(path: Path, model: onnx.ModelProto) -> None:
    """Before anything is read from other files: where they lie."""
    folder = path.parent.resolve()
    for tensor in _tensors(model):
        if tensor.data_location != tensor.EXTERNAL:
            continue
        facts = {entry.key: entry.value for entry in tensor.external_data}
        place = facts.get("location", "")
        file = folder / place
        if not place or Path(place).is_absolute() or folder not in file.resolve().parents or file.is_symlink():
            raise ModelError(
                f"{path.name} is refused: its weights '{tensor.name}' lie in '{place}', which is outside its folder."
            )
        if not file.is_file():
            raise ModelError(f"{path.name} is refused: its weights in {place} are missing. Copy both files.")
        if file.stat().st_size > LARGEST:
            raise ModelError(f"{path.name} is refused: {place} is larger than {LARGEST >> 20} MiB.")
        _check_size(path, tensor, _number(facts.get("length", file.stat().st_size)))


def _number(text: object) -> int:
    try:
        return int(str(text))
    except ValueError as error:
        raise ModelError(f"The length of external weights is no number: {text}.") from error


def _check_size(path: Path, tensor: Any, length: int | None = None) -> None:
    """That a tensor is as large as it says: what is packed in few bytes must not unfold to fill the memory."""
    import onnx

    if any(extent < 0 for extent in tensor.dims):
        raise ModelError(f"{path.name} is refused: its tensor '{tensor.name}' has a negative size.")
    count = math.prod(tensor.dims)
    if not count or tensor.data_type == onnx.TensorProto.STRING:
        return
    if length is None:
        if not tensor.raw_data:
            # Typed fields hold an element in at least a byte of the file, so the file's size bounds them.
            held = len(tensor.float_data) + len(tensor.int32_data) + len(tensor.int64_data)
            held += len(tensor.double_data) + len(tensor.uint64_data)
            if count > 2 * held:
                raise ModelError(_claims(path, tensor))
            return
        length = len(tensor.raw_data)
    # Half a byte is the smallest element (INT4); the format's checker compares exactly.
    if count > 4 * length:
        raise ModelError(_claims(path, tensor))


def _claims(path: Path, tensor: Any) -> str:
    shape = " x ".join(str(extent) for extent in tensor.dims)
    return f"{path.name} is refused: its tensor '{tensor.name}' claims {shape} values, which are not in the file."


def _face(path: Path, model: onnx.ModelProto) -> OnnxFace:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise ModelError(
            f"{path.name} is refused: it takes {len(inputs)} inputs ({names}); it must take the image only."
        )
    kind = inputs[0].type.tensor_type
    if kind.elem_type not in FLOATS:
        raise ModelError(f"{path.name} is refused: its input '{inputs[0].name}' is not float32 or float16.")
    shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
    if len(shape) != 4:
        raise ModelError(
            f"{path.name} is refused: its input '{inputs[0].name}' has {len(shape)} dimensions, not 4 (images, "
            "channels, rows, columns)."
        )
    return OnnxFace(inputs[0].name, FLOATS[kind.elem_type], shape, tuple(value.name for value in model.graph.output))


def _check_shapes(path: Path, model: onnx.ModelProto) -> None:
    """Shapes between the operators, as far as they are known without running: none may fill the memory."""
    import onnx

    try:
        known = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise ModelError(f"{path.name} is refused: its shapes do not fit each other ({error}).") from error
    for value in (*known.graph.value_info, *known.graph.output):
        extents = [max(1, d.dim_value) for d in value.type.tensor_type.shape.dim]
        if math.prod(extents) > LARGEST_TENSOR:
            shape = " x ".join(map(str, extents))
            raise ModelError(f"{path.name} is refused: its tensor '{value.name}' would have {shape} values.")
