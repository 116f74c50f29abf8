"""A table of patients beside picture files, which know none themselves."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from XRayAILib.dicom.header import PICTURE, Header
from XRayAILib.exchange.errors import LabelFileError

COLUMNS = {
    "filename": ("filename", "file_name", "file", "image"),
    "patient_id": ("patient_id", "patientid", "patient", "subject"),
    "sex": ("sex", "gender", "patient_sex"),
    "age": ("age", "patient_age"),
    "view": ("view", "view_position", "projection"),
    "site": ("site", "institution", "hospital", "center", "centre"),
}
"""What the table tells us, and the names its columns go by; case and spaces do not count."""


class OtherTableError(LabelFileError):
    """A table that is none of pictures, by its columns or rows."""


Table = dict[str, dict[str, str]]
"""File name -> what the table says of it."""


def read_metadata(path: Path) -> Table:
    """Read a CSV table with one row a picture: by file name its ``patient_id``, ``sex``, ``age``, ``view`` and
    ``site``.

    Columns that are not there are left out; so are empty cells. Other columns are kept under their own names.

    Raises
    ------
    LabelFileError
        The table cannot be read, has no column of file names, or names a file twice with different content.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            heading = stream.readline()
            stream.seek(0)
            # Where a comma stands before decimals, spreadsheets separate by semicolons.
            rows = list(csv.DictReader(stream, delimiter=max(",;\t", key=heading.count), restkey="", restval=""))
            names = {_known(name): name for name in rows[0] if name} if rows else {}
    except OSError as error:
        raise LabelFileError(f"{path}: the table cannot be read ({error.strerror or error}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelFileError(f"{path}: the table cannot be read ({error}). Save it as CSV in UTF-8.") from error
    if not rows:
        raise LabelFileError(f"{path}: the table has no rows.")
    if "filename" not in names:
        there = ", ".join(names.values())
        raise OtherTableError(f"{path}: the table has no column of file names; call it 'filename'. It has: {there}.")
    table: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, start=2):
        values = {known: str(row[name]).strip() for known, name in names.items() if str(row[name]).strip()}
        file = values.pop("filename", "")
        if file and table.setdefault(file, values) != values:
            raise OtherTableError(
                f"{path}: line {number} says other things of '{file}' than an earlier line; one row a picture is read."
            )
    return table


def described(header: Header, table: Mapping[str, Mapping[str, str]]) -> Header:
    """``header`` with what the table says of its file; what the file itself says stays."""
    row = table.get(Path(header.path).name)
    if row is None:
        return header
    return replace(
        header,
        patient_id=header.patient_id or row.get("patient_id", ""),
        patient_sex=header.patient_sex or row.get("sex", ""),
        patient_age=header.patient_age or row.get("age", ""),
        view=header.view or row.get("view", ""),
        site=header.site or row.get("site", ""),
    )


class PictureTables:
    """The tables of a scan: the one that was given, or those beside the pictures, in their folder or the one above.

    Attributes
    ----------
    used
        The ones that said something of a picture.
    """

    def __init__(self, given: Path | None = None) -> None:
        self._given = None if given is None else (given.resolve(), read_metadata(given))
        self._beside: dict[Path, list[tuple[Path, Table]]] = {}
        self.used: set[Path] = set()

    def describe(self, header: Header) -> Header:
        """``header`` with what a table says of its file."""
        if self._given is not None:
            tables = [self._given]
        elif header.modality == PICTURE:
            folder = Path(header.path).parent
            tables = [*self._in(folder), *self._in(folder.parent)]
        else:
            return header
        for path, table in tables:
            if Path(header.path).name in table:
                self.used.add(path)
                return described(header, table)
        return header

    def _in(self, folder: Path) -> list[tuple[Path, Table]]:
        if folder not in self._beside:
            paths = sorted(folder.glob("*.csv")) if folder.is_dir() else []
            self._beside[folder] = [(path, table) for path in paths if (table := _table_of_files(path))]
        return self._beside[folder]


def _table_of_files(path: Path) -> Table:
    try:
        return read_metadata(path)
    except LabelFileError:
        return {}  # a table of something else, or told when its labels are read


def _known(name: str) -> str:
    plain = name.strip().lower().replace(" ", "_")
    return next((known for known, names in COLUMNS.items() if plain in names), name)
