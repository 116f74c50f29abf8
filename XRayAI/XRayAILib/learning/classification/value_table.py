"""Values of patients or images from a CSV file, such as lab values."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from XRayAILib.dicom.header import Header
from XRayAILib.learning.classification.table_input import NOTHING, code_of
from XRayAILib.learning.errors import TrainingError

KEYS = {
    "uid": ("uid", "sop_instance_uid", "sopinstanceuid", "instance"),
    "file": ("filename", "file_name", "file", "image"),
    "patient": ("patient_id", "patientid", "patient", "subject"),
}
"""By what a row is found, and the names such a column goes by; case and spaces do not count. The first one counts."""


@dataclass(frozen=True)
class ValueTable:
    """A table of values, one row an image or a patient.

    Attributes
    ----------
    key
        ``uid``, ``file`` or ``patient``: what the rows are named by.
    columns
        The columns that are used, in the file's order.
    quantities
        Which of them hold numbers only; the others are words.
    """

    path: Path
    key: str
    columns: tuple[str, ...]
    quantities: tuple[bool, ...]
    rows: Mapping[str, tuple[str, ...]]

    def row(self, header: Header) -> tuple[str, ...] | None:
        """The cells of an image; ``None`` where the table does not know it."""
        if self.key == "patient":
            return self.rows.get(header.patient_id)
        if self.key == "uid":
            return self.rows.get(header.uid) or self.rows.get(header.sop_instance_uid)
        path = Path(header.path)
        return self.rows.get(path.name) or self.rows.get(path.stem)

    def numbers(self, header: Header, quantities: Sequence[bool]) -> list[float]:
        """The cells of an image as numbers: a quantity as it is, a word as its code, NaN where nothing is known."""
        cells = self.row(header) or ("",) * len(self.columns)
        return [
            _quantity(cell) if quantity else code_of(cell) for cell, quantity in zip(cells, quantities, strict=True)
        ]


def read_value_table(path: str, key: str = "", columns: Sequence[str] = ()) -> ValueTable:
    """Read a CSV table (``,``, ``;`` or tabulator between the cells).

    Parameters
    ----------
    key
        The column by which rows are found; empty for the first that is named like one of :data:`KEYS`.
    columns
        To use; empty for all but the key.

    Raises
    ------
    TrainingError
        The table cannot be read, lacks a column, or has two rows for one image or patient.
    """
    place = Path(path)
    try:
        state = place.stat()
    except OSError as error:
        raise TrainingError(
            f"options.table: {place} cannot be read ({error.strerror or error}). The values that the model takes "
            "beside the image stand there; put the file back, or name another one."
        ) from error
    return _read(place, key, tuple(columns), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, key: str, columns: tuple[str, ...], modified: int, size: int) -> ValueTable:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            heading = stream.readline()
            stream.seek(0)
            lines = list(csv.reader(stream, delimiter=max(",;\t", key=heading.count)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"options.table: {path} cannot be read ({error}). Save it as CSV in UTF-8.") from error
    if len(lines) < 2:
        raise TrainingError(f"options.table: {path} has no rows.")
    names = [name.strip() for name in lines[0]]
    at, kind = _key_column(path, names, key)
    wanted = list(columns) or [name for number, name in enumerate(names) if name and number != at]
    absent = [name for name in wanted if name not in names]
    if absent or not wanted:
        raise TrainingError(
            f"options.table: {path} has no column {', '.join(absent) or 'of values'}; it has {', '.join(names)}."
        )
    places = [names.index(name) for name in wanted]
    rows: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines[1:], start=2):
        cells = [*line, *[""] * len(names)]
        values = tuple(cells[place].strip() for place in places)
        name = cells[at].strip()
        if name and rows.setdefault(name, values) != values:
            raise TrainingError(
                f"options.table: {path}, line {number}, says other things of '{name}' than an earlier line. Leave one "
                "row for each, or name the rows by image ('filename' or 'uid')."
            )
    quantities = tuple(_all_numbers([row[i] for row in rows.values()]) for i in range(len(wanted)))
    return ValueTable(path, kind, tuple(wanted), quantities, rows)


def _key_column(path: Path, names: Sequence[str], key: str) -> tuple[int, str]:
    plain = [name.lower().replace(" ", "_") for name in names]
    if key and key not in names:
        raise TrainingError(f"options.table_key: {path} has no column '{key}'; it has {', '.join(names)}.")
    for kind, known in KEYS.items():
        for at, name in enumerate(plain):
            if name in known and (not key or names[at] == key):
                return at, kind
    if key:
        return names.index(key), "patient"
    raise TrainingError(
        f"options.table: {path} has no column that says whose a row is. Call one 'patient_id', 'filename' or 'uid', or "
        f"name it in options.table_key; it has {', '.join(names)}."
    )


def _all_numbers(cells: Sequence[str]) -> bool:
    said = [cell for cell in cells if cell.lower() not in NOTHING]
    return bool(said) and all(math.isfinite(_quantity(cell)) for cell in said)


def _quantity(cell: str) -> float:
    if cell.strip().lower() in NOTHING:
        return math.nan
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
