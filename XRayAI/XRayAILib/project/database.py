"""The project's database: tables, connection and transactions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import DatabaseError, OperationalError

from XRayAILib.project.errors import ProjectError

metadata = MetaData()

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(200), unique=True, nullable=False),
    Column("path", Text, nullable=False),
    Column("patient_id", String(200)),
    Column("study_date", String(10)),
    Column("modality", String(16)),
    Column("view", String(64)),
    Column("laterality", String(16)),
    Column("body_part", String(64)),
    Column("manufacturer", String(200)),
    Column("station", String(200)),
    Column("spacing_source", String(16)),
    Column("calibration", Text),  # JSON of the Spacing that a person set; NULL where the file's counts
    Column("pixel_hash", String(64), index=True),  # of the decoded stored values; NULL until a later pass has read them
    Column("status", String(16), nullable=False, default="unlabelled"),
    Column("excluded", Text, nullable=False, default=""),
    Column("split", String(16), nullable=False, default=""),
    Column("search", Text),  # what words are looked for in, see statements.search_text
    Column("header", Text, nullable=False),  # JSON of the whole Header
)
# All that a query of the collection asks, in its usual order: SQLite answers it out of these two, and reads a row, long
# with its header, only of an image that is shown. Few and wide, because each index more makes taking images in slower.
# Other databases limit the size of an entry, and PostgreSQL is quick without.
_KINDS = [
    images.c[name]
    for name in ("split", "spacing_source", "modality", "status", "body_part", "view", "laterality", "manufacturer")
]
Index(
    "images_browse",
    *(images.c.patient_id, images.c.study_date, images.c.id, *_KINDS, images.c.station, images.c.excluded),
    images.c.search,
).ddl_if(dialect="sqlite")
Index("images_kinds", *_KINDS, images.c.station, images.c.excluded).ddl_if(dialect="sqlite")
Index("images_dates", images.c.study_date, images.c.patient_id, images.c.id)
Index("images_path", images.c.path)  # a scan asks what the project has of a file
files = Table(
    "files",
    metadata,
    Column("path", Text, primary_key=True),
    Column("size", Integer),
    Column("modified", Integer),  # nanoseconds
    Column("reason", Text, nullable=False, default=""),  # why it is no radiograph; empty for one that is
)
revisions = Table(
    "revisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(200), ForeignKey("images.uid"), nullable=False),
    Column("track", String(300), nullable=False),
    Column("saved_by", String(300), nullable=False),
    Column("time", String(32), nullable=False),
    Column("change", Text, nullable=False),  # JSON: objects put, ids dropped
    Column("note", Text),  # why it was saved, where that is more than drawing
    Index("revisions_of_track", "uid", "track"),
)
current = Table(
    "current",
    metadata,
    Column("uid", String(200), ForeignKey("images.uid"), primary_key=True),
    Column("track", String(300), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("revision", Integer, ForeignKey("revisions.id"), nullable=False),
    Column("document", Text, nullable=False),  # JSON: author, shape, all objects
    Column("statuses", String(64)),  # the different statuses of the objects, with commas
)
blobs = Table(
    "blobs", metadata, Column("name", String(64), primary_key=True), Column("data", LargeBinary, nullable=False)
)
calibrations = Table(
    "calibrations",  # append-only: the newest of an image counts
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(200), ForeignKey("images.uid"), nullable=False, index=True),
    Column("start_x", Float, nullable=False),  # pixels of the stored image, centres at integers
    Column("start_y", Float, nullable=False),
    Column("end_x", Float, nullable=False),
    Column("end_y", Float, nullable=False),
    Column("millimetres", Float, nullable=False),  # the known length; 0 takes the calibration back
    Column("what", Text, nullable=False, default=""),  # the object of known length
    Column("who", String(300), nullable=False),
    Column("time", String(32), nullable=False),
)
checked = Table(
    "checked",
    metadata,
    Column("uid", String(200), ForeignKey("images.uid"), primary_key=True),
    Column("key", String(64), nullable=False),  # digest of the file's state and the rules' version: else check again
    Column("facts", Text, nullable=False, default=""),  # JSON: the Examination of this image by itself
    Column("related", Text, nullable=False, default=""),  # JSON: rule -> what the images together say of it
)
marks = Table(
    "marks",
    metadata,
    Column("uid", String(200), ForeignKey("images.uid"), primary_key=True),
    Column("rule", String(64), primary_key=True),
    Column("severity", String(16), nullable=False, index=True),
    Column("detail", Text, nullable=False, default=""),
    Index("marks_of_rule", "rule", "uid"),
)
overruled = Table(
    "overruled",  # marks that a person looked at and set aside: they exclude nothing
    metadata,
    Column("uid", String(200), ForeignKey("images.uid"), primary_key=True),
    Column("rule", String(64), primary_key=True),
    Column("who", String(300), nullable=False),
    Column("time", String(32), nullable=False),
)
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", String(32), nullable=False),
    Column("who", String(300), nullable=False),
    Column("action", String(64), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("seconds", Float),
)

_NETWORK = ("nfs", "cifs", "smb", "sshfs", "fuse.sshfs", "afpfs", "webdav", "davfs")


class Database:
    """A connection pool with the two ways to use it: :meth:`reading` and :meth:`writing`.

    Parameters
    ----------
    url
        Any SQLAlchemy URL; :func:`database_in` gives that of the usual project.
    place
        What messages call it: the project's folder.

    Attributes
    ----------
    read_only
        Nothing can be stored: SQLite's file or its folder cannot be written.
    """

    def __init__(self, url: str | URL, place: Path) -> None:
        self.place = place
        url = make_url(url)
        self.read_only = _is_read_only(url)
        self.engine: Engine = create_engine(_only_to_read(url) if self.read_only else url)
        if self.engine.dialect.name == "sqlite":
            journal = "" if self.read_only else "DELETE" if on_network_drive(place) else "WAL"
            event.listen(self.engine, "connect", lambda connection, _: _prepare(connection, journal))
            event.listen(self.engine, "begin", _begin)
        self._file: tuple[int, int] | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for queries that never waits for a writer."""
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT", reading=True) as connection:
                yield connection
        except DatabaseError as error:
            raise self._explained(error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it is stored, or nothing."""
        if self.read_only:
            raise ProjectError(
                f"Project {self.place} is only open to be looked at: its folder cannot be written. Ask for the "
                "permission to write there, or copy the project to another folder."
            )
        self._require_file()
        try:
            with self.engine.begin() as connection:
                yield connection
        except DatabaseError as error:
            raise self._explained(error) from error
        if self._file is None:
            self._file = self._identity()

    def close(self) -> None:
        self.engine.dispose()

    def _identity(self) -> tuple[int, int] | None:
        """What tells the database's file from another one at its place; ``None`` where there is no file."""
        file = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or not file or not Path(file).exists():
            return None
        found = Path(file).stat()
        return found.st_dev, found.st_ino

    def _require_file(self) -> None:
        # An open SQLite connection goes on writing into a file that was deleted, and says that all went well.
        found = self._identity()
        if self._file is None or found == self._file:
            return
        if found is None:
            raise ProjectError(
                f"Project {self.place}: its folder is gone. Was it moved or deleted, or is its drive not connected? "
                "Put it back, then do it again."
            )
        self.engine.dispose()  # it was put back from a copy: connect to that
        self._file = found

    def _explained(self, error: DatabaseError) -> ProjectError:
        text = str(error.orig or error)
        if "full" in text:
            way = "the disk is full. Free some space and do it again; what was saved before is safe"
        elif "disk I/O" in text:
            way = "its disk cannot be written. Is it full, or was it taken away? What was saved before is safe"
        elif "locked" in text:
            way = "another program has been writing to it for 30 s. Close that program or wait, then do it again"
        elif "readonly" in text or "unable to open" in text:
            way = "it cannot be written: check the permission of the folder"
        elif "malformed" in text or "not a database" in text:
            way = f"its database is damaged ({text}). Restore project.db from a backup"
        else:
            way = text
        kind = "" if isinstance(error, OperationalError) else f" ({type(error).__name__})"
        return ProjectError(f"Project {self.place}: {way}{kind}.")


def database_in(folder: Path) -> URL:
    """The SQLite file of a project; made of its parts, because ``?`` and ``%`` of a folder's name say more in a URL."""
    return URL.create("sqlite", database=str(folder / "project.db"))


def _is_read_only(url: URL) -> bool:
    if url.get_backend_name() != "sqlite" or not url.database or not Path(url.database).exists():
        return False
    # SQLite writes files beside it, too.
    return not (os.access(url.database, os.W_OK) and os.access(Path(url.database).parent, os.W_OK))


def _only_to_read(url: URL) -> URL:
    assert url.database is not None
    query = {"mode": "ro", "uri": "true"}
    if not Path(f"{url.database}-wal").exists():
        # Nobody has it open to write. Without this SQLite would still want a file beside it, for its locks.
        query["immutable"] = "1"
    return URL.create("sqlite", database=Path(url.database).resolve().as_uri(), query=query)


def on_network_drive(folder: Path) -> bool:
    """Whether ``folder`` lies on a network drive, where SQLite's WAL mode does not work."""
    import psutil

    best, kind = -1, ""
    resolved = str(folder.resolve())
    for partition in psutil.disk_partitions(all=True):
        mount = partition.mountpoint
        inside = resolved == mount or resolved.startswith(mount.rstrip("/\\") + ("/" if "/" in mount else "\\"))
        if inside and len(mount) > best:
            best, kind = len(mount), partition.fstype.lower()
    return kind.startswith(_NETWORK) or resolved.startswith("\\\\")


def _begin(connection: Connection) -> None:
    # SQLAlchemy says "begin" for queries too: one that took the writer's lock would wait for a job that is writing.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare(connection, journal: str) -> None:  # type: ignore[no-untyped-def]  # a DBAPI connection
    # The driver must not begin transactions of its own: SQLAlchemy's "begin" event does (SQLAlchemy, pysqlite notes).
    connection.isolation_level = None
    pragmas = ["busy_timeout = 30000", "foreign_keys = ON", "cache_size = -32000"]  # the last one in KiB
    if journal:
        # FULL: what was saved survives a power cut too; with WAL, NORMAL would only keep the file whole (SQLite, pragma
        # synchronous). It costs some milliseconds a save.
        pragmas += [f"journal_mode = {journal}", "synchronous = FULL"]
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
