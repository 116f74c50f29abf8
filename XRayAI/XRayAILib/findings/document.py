"""Findings as plain documents (JSON), with the pixels of masks apart as blobs named by their content."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np

from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.objects import FindingError, FindingObject, Mask


def to_document(item: FindingObject, keep_blob: Callable[[str, bytes], None]) -> dict[str, Any]:
    """One object as a document; the pixels of a mask go to ``keep_blob(name, data)``."""
    document: dict[str, Any] = {"kind": item.kind}
    for field in fields(item):
        value = getattr(item, field.name)
        if isinstance(value, Author):
            value = {"kind": value.kind.value, "name": value.name, "digest": value.digest}
        elif isinstance(value, Status):
            value = value.value
        elif isinstance(value, np.ndarray):
            data = zlib.compress(np.packbits(value).tobytes(), 6)
            name = hashlib.sha256(data).hexdigest()
            keep_blob(name, data)
            value = {"blob": name, "rows": value.shape[0], "columns": value.shape[1]}
        document[field.name] = value
    return document


def from_document(document: dict[str, Any], blob: Callable[[str], bytes]) -> FindingObject:
    """The object that :func:`to_document` wrote; ``blob(name)`` gives the pixels of a mask."""
    values = dict(document)
    kind = KINDS.get(values.pop("kind", ""))
    if kind is None:
        raise FindingError(f"An object of the unknown kind '{document.get('kind')}': a newer version wrote it.")
    author = values["author"]
    values["author"] = _author(author["kind"], author["name"], author["digest"])
    values["status"] = Status(values["status"])
    values["attributes"] = tuple((str(k), str(v)) for k, v in values.get("attributes", ()))
    if "points" in values:
        values["points"] = tuple(map(tuple, values["points"]))
    if kind is Mask:
        values["shape"], values["origin"] = tuple(values["shape"]), tuple(values["origin"])
        values["crop"] = _crop(values["crop"], blob)
    return kind(**values)


@lru_cache(maxsize=100)
def _author(kind: str, name: str, digest: str) -> Author:
    return Author(AuthorKind(kind), name, digest)


def _crop(entry: dict[str, Any], blob: Callable[[str], bytes]) -> np.ndarray:
    rows, columns = entry["rows"], entry["columns"]
    bits = np.frombuffer(zlib.decompress(blob(entry["blob"])), np.uint8)
    crop = np.unpackbits(bits, count=rows * columns).astype(bool).reshape(rows, columns)
    crop.setflags(write=False)
    return crop
