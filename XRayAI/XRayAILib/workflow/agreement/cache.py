"""What two readers were found to say of one image, kept in the project's cache; it may be deleted at any time."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from XRayAILib.dicom.header import spacing_to_json
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.agreement.compare import Compared
from XRayAILib.findings.schema import LabelSchema

VERSION = 2
"""To be counted up when something is compared in another way, so that all is computed anew."""
LIMIT = 500_000
"""Entries that are kept, which takes about 200 MB; of more, those that were made first go."""
EVERY = 2.0
"""Seconds after which what is new is written: so much is lost when the program is killed."""


def key_of(first: str, second: str, spacing: Spacing, schema: LabelSchema, iou: float) -> str:
    """What a comparison depends on, as a digest; ``first`` and ``second`` are those of the findings."""
    several = sorted(label.name for label in schema if label.multiple)
    parts = (VERSION, first, second, spacing_to_json(spacing), several, iou)
    return hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()


class AgreementCache:
    """A file with a document per comparison; to be used in a ``with``.

    Parameters
    ----------
    folder
        The project's cache; ``None`` where nothing can be written: then nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = Path(folder) / "agreement.db" if folder else None
        self._fresh: list[tuple[str, str]] = []
        self._written = time.monotonic()

    def __enter__(self) -> AgreementCache:
        try:
            self._file = self._opened()
        except sqlite3.DatabaseError as error:
            # A file that is only locked, or a full disk, says so by a class below.
            if type(error) is not sqlite3.DatabaseError or self._path is None:
                raise
            self._path.unlink(missing_ok=True)  # damaged: all of it can be computed again
            self._file = self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()
        with self._file:
            self._file.execute("DELETE FROM compared WHERE rowid <= (SELECT max(rowid) FROM compared) - ?", (LIMIT,))
        self._file.close()

    def get(self, key: str) -> list[Compared] | None:
        row = self._file.execute("SELECT document FROM compared WHERE key = ?", (key,)).fetchone()
        return None if row is None else [Compared.from_document(entry) for entry in json.loads(row[0])]

    def put(self, key: str, compared: Sequence[Compared]) -> None:
        """Keep a comparison; it is written within :data:`EVERY` seconds, or with the end of the ``with``."""
        self._fresh.append((key, json.dumps([entry.document() for entry in compared])))
        if time.monotonic() - self._written > EVERY:
            self._write()

    def _write(self) -> None:
        with self._file:
            self._file.executemany("INSERT OR REPLACE INTO compared (key, document) VALUES (?, ?)", self._fresh)
        self._fresh, self._written = [], time.monotonic()

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self._path or ":memory:", timeout=30)
        file.execute("CREATE TABLE IF NOT EXISTS compared (key TEXT PRIMARY KEY, document TEXT NOT NULL)")
        file.commit()
        return file
