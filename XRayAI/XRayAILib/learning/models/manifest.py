"""The manifest of a model: what it says, what of it is believed, and how those of earlier versions are read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.models.weights_file import pickled_note

FORMAT = 2
WEIGHTS = "models/model.safetensors"
ONNX = "models/model.onnx"
INFERENCE = "configs/inference.json"
METADATA = "configs/metadata.json"
CARD = "docs/README.md"
HISTORY = "docs/history.json"
MANIFEST = "manifest.json"
SEAL = "sum"
"""Of the manifest: the SHA-256 of everything else in it."""
KEPT = {
    "configs": (".json",),
    "models": (".safetensors", ".onnx"),
    "docs": (".md", ".json", ".csv", ".txt", ".png", ".svg", ".html"),
}
"""Folders of a model -> endings of the files that may lie in them."""
LARGEST = 64 << 20
"""Bytes of a manifest or a configuration."""

_SUM = re.compile(r"[0-9a-f]{64}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a model as one of today's format.

    Raises
    ------
    ModelError
        There is none, or it does not say what is needed to check the model.
    """
    path = folder / MANIFEST
    if not path.exists():
        names = [p.name for p in sorted(folder.rglob("*"))] if folder.is_dir() else []
        raise ModelError(f"{folder} is no model of X-Ray AI: it has no {MANIFEST}.{pickled_note(names)}")
    try:
        manifest = read_document(path)
    except ModelError as error:
        raise ModelError(f"The model {folder} is refused: {MANIFEST} {error}") from error
    if isinstance(manifest, dict) and SEAL in manifest:
        seal = manifest.pop(SEAL)
        if seal != _seal(manifest):
            raise ModelError(
                f"The model {folder} is refused: {MANIFEST} was changed after the model was made (its own SHA-256 does "
                "not match). Take the model from where it came from again."
            )
    if isinstance(manifest, dict) and manifest.get("format") == 1:
        manifest = upgraded(manifest)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"The model {folder} was made by another version of X-Ray AI: update X-Ray AI.")
    sums = manifest.get("sums")
    if not isinstance(sums, dict) or not {weights_of(manifest), INFERENCE} <= sums.keys():
        raise ModelError(f"The model {folder} is refused: its manifest has no SHA-256 sums of weights and network.")
    for name, value in sums.items():
        reason = name_problem(str(name))
        if not reason and (not isinstance(value, str) or not _SUM.fullmatch(value)):
            reason = f"its manifest has no SHA-256 sum of {name}."
        if reason:
            raise ModelError(f"The model {folder} is refused: {reason}")
    return manifest


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest with the sum of all that stands in it, so that it too is noticed when it changes."""
    plain = {name: value for name, value in manifest.items() if name != SEAL}
    (folder / MANIFEST).write_text(json.dumps({**plain, SEAL: _seal(plain)}, indent=1), "utf-8")


def _seal(plain: Mapping[str, Any]) -> str:
    # Of what is read back: a tuple and a list are one in JSON, and so are a key and its text.
    text = json.dumps(json.loads(json.dumps(plain)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def read_document(path: Path) -> Any:
    """A JSON file of a model; :class:`ModelError` (to be put after the file's name) where it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise ModelError(f"is larger than {LARGEST >> 20} MiB.")
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror or error}).") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelError(f"cannot be read ({error}).") from error


def weights_of(manifest: Mapping[str, Any]) -> str:
    """The file whose SHA-256 is the model's identity."""
    return ONNX if manifest.get("weights") == ONNX else WEIGHTS


def name_problem(name: str) -> str:
    """Why a model has no file of this name, as a sentence; empty where it may."""
    path = PurePosixPath(name)
    if "\\" in name or ":" in name or path.is_absolute() or ".." in path.parts or "\0" in name:
        return f"its manifest names a file outside it ({name})."
    note = pickled_note([name])
    if note:
        return f"its manifest names a file that is never loaded.{note}"
    if len(path.parts) < 2 or path.suffix.lower() not in KEPT.get(path.parts[0], ()):
        return f"its manifest names {name}, which is no file of a model."
    return ""


def check_sums(folder: Path, manifest: Mapping[str, Any]) -> None:
    """That every file is there and as it was; :class:`ModelError` names the one that is not."""
    root = folder.resolve()
    for name, expected in manifest["sums"].items():
        path = (folder / name).resolve()
        if root not in path.parents:
            raise ModelError(f"The model {folder} is refused: its manifest names a file outside it ({name}).")
        if not path.is_file():
            raise ModelError(f"The model {folder} is refused: {name} is missing. Copy the whole folder again.")
        try:
            found = file_digest(path)
        except OSError as error:
            raise ModelError(f"The model {folder} cannot be read: {name} ({error.strerror or error}).") from error
        if found != expected:
            raise ModelError(
                f"The model {folder} is refused: {name} was changed after the model was made (its SHA-256 does not "
                "match the manifest). Take the model from where it came from again."
            )


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def upgraded(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest of the first format, when there was segmentation only, as it would be written today."""
    metrics = manifest.get("metrics")
    metrics = metrics if isinstance(metrics, Mapping) else {}

    def figures(values: Mapping[str, Any]) -> dict[str, Any]:
        return {"value" if key == "mean" else key: value for key, value in values.items()}

    try:
        labels = {
            label: {metric: figures(values) for metric, values in found.items()}
            for label, found in metrics.get("labels", {}).items()
        }
        overall = {
            metric: {"value": value, "low": None, "high": None, "count": 0}
            for metric, value in metrics.get("mean", {}).items()
        }
    except AttributeError:
        # Somebody wrote something else there: the figures are lost, the model is not.
        labels, overall = {}, {}
    return {**manifest, "format": FORMAT, "fitted": {}, "metrics": {"labels": labels, "overall": overall}}
