"""Our table of objects in again, see :mod:`XRayAILib.exchange.table.format`; or one of landmarks."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from XRayAILib.exchange.errors import AnnotationError, LabelFileError
from XRayAILib.exchange.foreign_objects import ForeignObjects
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.table import landmarks
from XRayAILib.exchange.table.cells import text_of
from XRayAILib.exchange.table.format import COLUMNS, OBJECTS, object_of
from XRayAILib.exchange.table.landmarks import LandmarkTable
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.objects import FindingObject, Mask
from XRayAILib.findings.schema import Tool

NEEDED = ("image", "kind", "label", "points", "id", "author_kind", "status", "mask")
"""Columns by which the table is told from others."""


class ObjectTable(LabelFile):
    """A table with one row an object."""

    title = "CSV table of objects"

    def __init__(self, path: Path, rows: list[dict[str, str]]) -> None:
        self.path = path
        self.rows = rows

    @property
    def count(self) -> int:
        """How many images have rows."""
        return len({row["image"] for row in self.rows})

    def wanted(self) -> dict[str, Tool]:
        """The labels of the rows."""
        tools = {kind.kind: tool for tool, kind in BY_TOOL.items()}
        return {row["label"]: tools.get(row["kind"], Tool.MASK) for row in self.rows}

    def images(self) -> Iterable[ForeignImage]:
        """The images in the order of their first rows."""
        found: dict[str, ForeignImage] = {}
        for number, row in enumerate(self.rows, start=2):
            image = found.setdefault(row["image"], ForeignImage(row["image"], f"{self.path.name}, {row['image']}"))
            image.annotations.append((f"{self.path.name}, line {number} ({row['kind']} '{row['label']}')", row))
        return found.values()

    def objects(self, annotation: Any, makes: ForeignObjects) -> list[FindingObject]:
        """The object of a row."""
        label = makes.label(annotation["label"])
        row = {**annotation, "label": label.name}
        folder = self.path.parent.resolve()
        if row["mask"] and folder not in (folder / row["mask"]).resolve().parents:
            raise AnnotationError("its mask is no file below the folder of the table")
        try:
            item = object_of(row, self.path.parent)
        except OSError as error:
            raise AnnotationError(f"its mask {row['mask']} cannot be read ({error.strerror or error})") from error
        except (ValueError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise AnnotationError(f"it cannot be read ({error})") from error
        if isinstance(item, Mask) and item.shape != makes.shape:
            raise AnnotationError(
                f"its mask has {item.shape[1]} x {item.shape[0]} pixels, the radiograph {makes.shape[1]} x "
                f"{makes.shape[0]}"
            )
        return [item]


def is_object_table(path: Path) -> bool:
    """Whether a CSV file is a table of objects, and not one of pictures."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return set(NEEDED) <= set(next(csv.reader(stream), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False  # whoever reads it as another table says what is wrong


def find(files: Files) -> list[ObjectTable] | list[LandmarkTable]:
    """The table of objects that a file is, or that lies in a folder; or the table of landmarks that a file is."""
    path = files.path / OBJECTS if files.path.is_dir() else files.path
    if path.suffix.lower() != ".csv" or not path.is_file() or not is_object_table(path):
        return landmarks.find(files)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = [
                {name: text_of(str(row.get(name) or "")) for name in COLUMNS}
                for row in csv.DictReader(stream, restval="")
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelFileError(f"{path}: the table cannot be read ({error}). Save it as CSV in UTF-8.") from error
    return [ObjectTable(path, rows)]
