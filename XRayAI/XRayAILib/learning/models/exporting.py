"""A model out of the project: the MONAI bundle as a folder or an archive, checked, and without anybody's identity."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.model import Model
from XRayAILib.learning.models.folder import hidden_folder, new_folder
from XRayAILib.learning.models.manifest import (
    MANIFEST,
    ONNX,
    check_sums,
    file_digest,
    read_document,
    read_manifest,
    write_manifest,
)
from XRayAILib.learning.models.onnx_export import write_onnx
from XRayAILib.learning.models.packing import pack

_UID = re.compile(r"(?<![\d.])[0-2](?:\.(?:0|[1-9]\d*)){5,}(?![\d.])")
"""A DICOM UID (PS3.5 9.1); versions and addresses have fewer parts."""


def export_model(
    model: Model,
    target: Path,
    onnx: bool = False,
    images: Sequence[np.ndarray] = (),
    identities: Collection[str] = frozenset(),
) -> Path:
    """Write a model as it is, but for the folders of this computer in its configuration.

    Parameters
    ----------
    target
        A file ending in ``.zip``; or a folder, itself where it is not there, else one of the model's name in it.
    onnx
        Also write ``models/model.onnx``, checked for equality with torch.
    images
        What the preset made of real radiographs, float32 (size, size): for that check, beside noise.
    identities
        Texts that must not leave, such as the identifiers of the project's patients.

    Returns
    -------
    Where it lies.

    Raises
    ------
    ModelError
        It was changed on disk, holds an identity, is not equal as ONNX, or the disk cannot be written.
    """
    zipped = target.suffix.lower() == ".zip"
    if zipped and target.exists():
        raise ModelError(f"{target} is there already. Delete it, or give another name.")
    inside = target.is_dir()
    place = target if inside else target.parent
    name = model.name if inside or zipped else target.name
    if inside and (target / name).exists():
        raise ModelError(f"{target / name} is there already. Delete it, or give another name.")
    if zipped:
        with hidden_folder(place) as working:
            _fill(working, model, onnx, images, identities)
            pack(working, target, name)
        return target
    with new_folder(place, name) as folder:
        _fill(folder.working, model, onnx, images, identities)
    return folder.final


def _fill(folder: Path, model: Model, onnx: bool, images: Sequence[np.ndarray], identities: Collection[str]) -> None:
    _copy(model, folder)
    manifest = _without_folders(read_document(folder / MANIFEST))
    if onnx:
        manifest["onnx"] = write_onnx(model, folder / ONNX, images)
        manifest["sums"] = {**manifest["sums"], ONNX: file_digest(folder / ONNX)}
    write_manifest(folder, manifest)
    _refuse_identities(folder, identities)
    Model.load(folder)


def _copy(model: Model, target: Path) -> None:
    """What the manifest names, and nothing else that lies there."""
    manifest = read_manifest(model.folder)
    check_sums(model.folder, manifest)
    for name in (*manifest["sums"], MANIFEST):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model.folder / name, target / name)


def _without_folders(manifest: dict[str, Any]) -> dict[str, Any]:
    """The configuration names files by their names alone: folders of a computer bear its users' names."""
    config = dict(manifest["config"])
    for name, value in config.items():
        if name != "network_arguments":
            config[name] = _bare(value)
    return {**manifest, "config": config}


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _bare(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bare(inner) for inner in value]
    if isinstance(value, str):
        kind, colon, rest = value.partition(":")
        path = rest if colon and kind in ("file", "model") else value
        if path.startswith(("/", "~", "\\\\")) or re.match(r"[A-Za-z]:[\\/]", path):
            return (f"{kind}:" if path is rest else "") + PureWindowsPath(path).name
    return value


def _refuse_identities(folder: Path, identities: Collection[str]) -> None:
    home = str(Path.home())
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".json", ".md", ".csv", ".txt", ".html", ".svg")):
        text = path.read_text("utf-8", errors="replace")
        where = path.relative_to(folder).as_posix()
        uid = _UID.search(text)
        if uid:
            raise ModelError(f"The model is not exported: {where} holds what looks like a DICOM UID ({uid.group()}).")
        if len(home) > 3 and home in text:
            raise ModelError(f"The model is not exported: {where} holds a folder of this computer ({home}).")
        for word in _words(path, text):
            if word in identities:
                raise ModelError(f"The model is not exported: {where} holds an identity of the project ({word!r}).")


def _words(path: Path, text: str) -> Iterator[str]:
    """Texts of a JSON file, one by one; of any other file, its words."""
    if path.suffix != ".json":
        yield from re.split(r"[\s|,;\"'<>()\[\]]+", text)
        return
    waiting: list[Any] = [json.loads(text)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            yield value
