"""Rows: arrays of one shape on the disk, found by what they were made from, read through the memory map.

A store is a folder of segments, each written by one process and only ever added to::

    store.json          what the rows are: shape, type, and a description for a person
    <name>.rows         the arrays, one behind the other
    <name>.jsonl        a line for each: its key, and what else is to be known of it

A row counts from the moment its line stands, and a line is written after its array is on the disk. So a process may be
killed at any time, nothing has to be put right afterwards, and what it had done is there for the next one.
"""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

ABOUT = "store.json"
DATA, INDEX = ".rows", ".jsonl"
LARGEST_SEGMENT = 2**30
"""Bytes after which the next segment begins: a segment is what can be deleted at once."""
TOGETHER = 64
"""Rows that are forced to the disk at once."""
MOST_SEGMENTS, SMALL = 32, 16 * 2**20
"""A process can map a limited number of files: of more than so many, those of fewer bytes become one."""


@dataclass(frozen=True)
class Place:
    """Where a row is, and what was said of it."""

    segment: str
    row: int
    more: Any


File = tuple[str, tuple[int, ...], str]
"""Path, shape and type of what is mapped."""


class Rows:
    """Rows of several segments as if they were one array (N, ...); reading gives arrays.

    ``rows[3]`` is a view of the file, ``rows[[3, 1]]`` and ``rows[2:5]`` are copies.
    """

    def __init__(self, files: Sequence[File], segment_of: np.ndarray, row_of: np.ndarray) -> None:
        self._files = tuple(files)
        self._segments = [_mapped(*file) for file in files]
        self._segment_of = segment_of
        self._row_of = row_of
        self.shape: tuple[int, ...] = (len(row_of), *files[0][1][1:])
        self.dtype = np.dtype(files[0][2])

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process maps the files itself.
        return Rows, (self._files, self._segment_of, self._row_of)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | np.integer[Any] | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        segments, rows = self._segment_of[index], self._row_of[index]
        if np.ndim(rows) == 0:
            return self._segments[int(segments)][int(rows)]
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for place, (segment, row) in enumerate(zip(segments.tolist(), rows.tolist(), strict=True)):
            found[place] = self._segments[segment][row]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


class RowStore:
    """A folder of rows of one shape and type.

    Parameters
    ----------
    about
        What the rows are, for a person who looks what takes the room.
    begins
        Called with the name of each segment before it is made.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, ...],
        kind: np.dtype[Any] | str,
        about: str,
        begins: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.folder = folder
        self.shape = shape
        self.kind = np.dtype(kind)
        self.row_bytes = self.kind.itemsize * math.prod(shape)
        self._about = about
        self._begins = begins
        self._places: dict[str, Place] = {}
        self._counts: dict[str, int] = {}
        self._writer: _Writer | None = None
        for index in sorted(folder.glob(f"*{INDEX}"), key=lambda path: path.stat().st_mtime):
            for place, key in _read_index(index, self.row_bytes):
                self._places[key] = place
                self._counts[place.segment] = place.row + 1

    def find(self, key: str) -> Place | None:
        """Where the row with this key is; ``None`` where there is none."""
        return self._places.get(key)

    def add(self, key: str, array: np.ndarray, more: Any = None) -> Place:
        """Append a row; a full disk is an ``OSError``, and what was there stays whole."""
        if array.shape != self.shape:
            raise ValueError(f"A row of {self.folder.name} has the shape {array.shape}, not {self.shape}.")
        if self._writer is not None and self._writer.bytes >= LARGEST_SEGMENT:
            self.close()
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._describe()
            name = uuid.uuid4().hex
            self._begins(name)
            self._writer = _Writer(self.folder, name)
        row = self._writer.append(key, np.ascontiguousarray(array, self.kind).tobytes(), more)
        place = Place(self._writer.name, row, more)
        self._places[key] = place
        self._counts[place.segment] = row + 1
        return place

    def close(self) -> None:
        """Put all that was added on the disk."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()

    def abandon(self) -> None:
        """Leave it as it is, after an error."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    def rows(self, places: Sequence[Place]) -> Rows:
        """These rows, in this order, mapped from the disk."""
        self.close()
        names = list(dict.fromkeys(place.segment for place in places))
        number = {name: position for position, name in enumerate(names)}
        files = [(str(self.folder / (n + DATA)), (self._counts[n], *self.shape), self.kind.str) for n in names]
        segment_of = np.array([number[place.segment] for place in places], np.int32)
        row_of = np.array([place.row for place in places], np.int64)
        return Rows(files or [("", (0, *self.shape), self.kind.str)], segment_of, row_of)

    def merged(self, keys: Sequence[str]) -> int:
        """Write the rows of these keys that lie in small segments together, where there are too many of these.

        What was there stays until the room is needed. Gives the number of rows.
        """
        places = {key: self._places[key] for key in keys}
        names = {place.segment for place in places.values()}
        if len(names) <= MOST_SEGMENTS:
            return 0
        small = {name for name in names if self._counts[name] * self.row_bytes < SMALL}
        moved = {key: place for key, place in places.items() if place.segment in small}
        rows = self.rows(list(moved.values()))
        for number, (key, place) in enumerate(moved.items()):
            self.add(key, rows[number], place.more)
        self.close()
        return len(moved)

    def touch(self, names: Sequence[str]) -> None:
        """Remember that segments were used now."""
        for name in names:
            os.utime(self.folder / (name + INDEX))

    def _describe(self) -> None:
        path = self.folder / ABOUT
        if not path.is_file():
            document = {"about": self._about, "shape": list(self.shape), "type": self.kind.str}
            document["row_bytes"] = self.row_bytes
            temporary = path.with_name(f"{uuid.uuid4().hex}.part")
            temporary.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
            temporary.replace(path)


def _mapped(path: str, shape: tuple[int, ...], kind: str) -> np.ndarray:
    if not shape[0]:
        return np.zeros(shape, kind)
    mapped: np.ndarray = np.memmap(path, kind, "r", shape=shape)
    return mapped


class _Writer:
    """One segment while it is written."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.bytes = 0
        self._rows = 0
        self._lines: list[str] = []
        # The index first: data without one is what a deletion left behind.
        self._index: IO[bytes] = (folder / (name + INDEX)).open("xb")
        self._data: IO[bytes] = (folder / (name + DATA)).open("xb")

    def append(self, key: str, data: bytes, more: Any) -> int:
        self._data.write(data)
        self.bytes += len(data)
        self._lines.append(json.dumps([key, more]) + "\n")
        self._rows += 1
        if len(self._lines) >= TOGETHER:
            self._flush()
        return self._rows - 1

    def _flush(self) -> None:
        self._data.flush()
        os.fsync(self._data.fileno())
        self._index.write("".join(self._lines).encode())
        self._index.flush()
        self._lines = []

    def close(self) -> None:
        try:
            self._flush()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the files; rows whose lines are not written yet do not count."""
        for stream in (self._data, self._index):
            # A full disk is told by what was written before; this would only tell it again.
            with suppress(OSError):
                stream.close()


def _read_index(path: Path, row_bytes: int) -> list[tuple[Place, str]]:
    """The rows of a segment; a last line that was not written to its end, and one without its array, do not count."""
    data = path.with_suffix(DATA)
    try:
        there = data.stat().st_size // row_bytes if row_bytes else 0
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:  # deleted by another process in this moment
        return []
    found = []
    for row, line in enumerate(lines[:there]):
        key, more = json.loads(line)
        found.append((Place(path.stem, row, more), key))
    return found
