"""Tables of landmarks: one row a point, as challenges and spreadsheets have them.

::

    filename,landmark,x,y
    001.png,sella,274.5,330.5

x goes right, y down, in pixels of the image, and 0 is the centre of the first pixel, as in our own table of objects.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from XRayAILib.exchange.errors import AnnotationError, LabelFileError
from XRayAILib.exchange.foreign_objects import OFFSET, ForeignObjects, number
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.table.metadata import COLUMNS as OF_PICTURES
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import Tool

COLUMNS = {
    "filename": (*OF_PICTURES["filename"], "image_name", "image_path", "path"),
    "landmark": ("landmark", "landmark_name", "point", "point_name", "keypoint", "label", "name"),
    "x": ("x", "x_px"),
    "y": ("y", "y_px"),
}
"""What a row must say, and the names that its columns go by; case and spaces do not count."""


class LandmarkTable(LabelFile):
    """A table with one row a point."""

    title = "table of landmarks"

    def __init__(self, path: Path, rows: list[tuple[int, dict[str, str]]]) -> None:
        self.path = path
        self.rows = rows

    @property
    def count(self) -> int:
        """How many images have points."""
        return len({row["filename"] for _, row in self.rows})

    def wanted(self) -> dict[str, Tool]:
        """The names of the points."""
        return {row["landmark"]: Tool.LANDMARK for _, row in self.rows}

    def images(self) -> Iterable[ForeignImage]:
        """The images in the order of their first points."""
        found: dict[str, ForeignImage] = {}
        lines: dict[tuple[str, str], int] = {}
        for line, row in self.rows:
            file = row["filename"]
            if (earlier := lines.setdefault((file, row["landmark"]), line)) != line:
                row = {**row, "earlier": str(earlier)}
            image = found.setdefault(file, ForeignImage(file, f"{self.path.name}, {file}"))
            image.annotations.append((f"{self.path.name}, line {line} ('{row['landmark']}' of {file})", row))
        return found.values()

    def objects(self, annotation: Any, makes: ForeignObjects) -> list[FindingObject]:
        """The point of a row; none where the cells of its place are empty."""
        if "earlier" in annotation:
            raise AnnotationError(f"line {annotation['earlier']} has this point of the image already")
        if not (annotation["x"] or annotation["y"]):
            return []
        label = makes.label(annotation["landmark"])
        if label.tool is not Tool.LANDMARK:
            raise AnnotationError(f"'{label.name}' is no landmark in the project's schema, but a {label.tool.value}")
        x, y = (number(annotation[name], name) + OFFSET for name in ("x", "y"))
        return [makes.landmark(label, x, y, True, makes.fresh(label.name))]


def is_landmark_table(path: Path) -> bool:
    """Whether a CSV file has the columns of points, and not those of pictures."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return _columns(next(csv.reader(stream, delimiter=_delimiter(stream)), [])).keys() == COLUMNS.keys()
    except (OSError, UnicodeDecodeError, csv.Error):
        return False  # whoever reads it as another table says what is wrong


def find(files: Files) -> list[LandmarkTable]:
    """The table of landmarks that a file is."""
    path = files.path
    if path.suffix.lower() not in (".csv", ".tsv") or not path.is_file() or not is_landmark_table(path):
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            delimiter = _delimiter(stream)
            reader = csv.DictReader(stream, delimiter=delimiter, restval="")
            columns = _columns(reader.fieldnames or [])
            rows = [
                (reader.line_num, {known: str(row[name]).strip() for known, name in columns.items()}) for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelFileError(f"{path}: the table cannot be read ({error}). Save it as CSV in UTF-8.") from error
    if delimiter != ",":  # where a comma stands before decimals, spreadsheets separate by semicolons
        for _, row in rows:
            row.update({name: row[name].replace(",", ".") for name in ("x", "y")})
    problems = [f"line {line}" for line, row in rows if not (row["filename"] and row["landmark"])]
    if problems:
        raise LabelFileError(f"{path}: {problems[0]} has no name of a file, or none of a landmark.")
    return [LandmarkTable(path, rows)] if rows else []


def _delimiter(stream: Any) -> str:
    heading = stream.readline()
    stream.seek(0)
    return max(",;\t", key=heading.count)


def _columns(heading: Iterable[str]) -> dict[str, str]:
    """What is known of a row -> the column that says it, in the order of the names that it goes by."""
    plain = {str(name).strip().lower().replace(" ", "_"): str(name) for name in heading}
    found = {known: next((plain[name] for name in names if name in plain), "") for known, names in COLUMNS.items()}
    return {known: name for known, name in found.items() if name}
