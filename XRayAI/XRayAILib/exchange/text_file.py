"""JSON and XML of other programs, read without trust in them."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson

from XRayAILib.exchange.errors import LabelFileError

LARGEST = 4 << 30
"""Bytes; the labels of a hundred thousand images fit into it, and what is larger is hardly a file of labels."""


class Files:
    """The files of labels that a path is, or that lie in the folder that it is; each is read once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def json(self) -> list[tuple[Path, Any]]:
        """The JSON files with what is in them."""
        return [(file, load_json(file)) for file in self._ending(".json", self.path)]

    @cached_property
    def xml(self) -> list[tuple[Path, ElementTree.Element]]:
        """The XML files with their roots; of a folder also those in ``Annotations``, where Pascal VOC has them."""
        return [(file, load_xml(file)) for file in self._ending(".xml", self.path, self.path / "Annotations")]

    def _ending(self, ending: str, *folders: Path) -> list[Path]:
        if self.path.is_file():
            return [self.path] if self.path.suffix.lower() == ending else []
        files = (file for folder in folders if folder.is_dir() for file in sorted(folder.iterdir()))
        return [file for file in files if file.suffix.lower() == ending and not file.name.startswith(".")]


def load_json(path: Path) -> Any:
    """A JSON file; :class:`LabelFileError` where it is none, cut off, too large or in another encoding."""
    text = load_text(path)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass  # what it does not take, the usual reader does, such as NaN, or says better what is wrong
    try:
        return json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise LabelFileError(f"{path}: the file cannot be read as JSON ({error}).") from error


def load_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file; :class:`LabelFileError` where it is none, or declares entities.

    A document type can make a few lines grow to gigabytes and fetch other files; no format of labels needs one.
    """
    text = load_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise LabelFileError(
            f"{path}: it has a document type, which may do harm; labels need none. Take that line out."
        )
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise LabelFileError(f"{path}: the file cannot be read as XML ({error}).") from error


def load_yaml(path: Path) -> Any:
    """A YAML file; :class:`LabelFileError` where it is none."""
    import yaml

    try:
        return yaml.safe_load(load_text(path))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise LabelFileError(f"{path}: the file cannot be read as YAML ({error}).") from error


def load_text(path: Path) -> str:
    """A text file in UTF-8; :class:`LabelFileError` where it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise LabelFileError(f"{path}: it has {path.stat().st_size >> 30} GiB; a file of labels has less.")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelFileError(f"{path}: it is not in UTF-8 ({error}). Save it in that encoding.") from error
    except OSError as error:
        raise LabelFileError(f"{path}: the file cannot be read ({error.strerror or error}).") from error
