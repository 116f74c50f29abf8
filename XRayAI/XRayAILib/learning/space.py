"""The room that prepared images take on the disk: how much, how much it may be, and what goes when it is needed.

Everything in a project's folder ``cache/learning`` can be computed again. What was not used for the longest time goes
first; what a running training reads is never touched.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from XRayAILib.dicom.servers import config_folder
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.rows import ABOUT, DATA, INDEX
from XRayAILib.project.lock import lock
from XRayAILib.project.project import Project

GIB = 2**30
LIMIT = 50.0
"""GiB that the cache of a project may take where nobody said otherwise."""
SPARE = 200 * 2**20
"""Bytes left free on the disk, for the database."""
SETTINGS = "learning.yaml"
IN_USE = "in-use"


@dataclass(frozen=True)
class Segment:
    """What can be deleted at once."""

    store: Path
    name: str
    bytes: int
    used: float

    @property
    def id(self) -> str:
        """Its name among those of all stores."""
        return f"{self.store.name}/{self.name}"


@dataclass(frozen=True)
class Store:
    """Rows that belong together: images of one preset, or what one task learns of them.

    Attributes
    ----------
    about
        What they are, in words.
    used
        When a training last read them, ISO 8601 in UTC.
    in_use
        Whether one reads them now.
    """

    folder: Path
    about: str
    rows: int
    bytes: int
    used: str
    in_use: bool


class Holding:
    """Segments that this process reads: while it lives nobody deletes them. Usable in a ``with``."""

    def __init__(self, place: Path) -> None:
        self._folder = place / IN_USE
        self._folder.mkdir(parents=True, exist_ok=True)
        self._names: set[str] = set()
        self._held = ExitStack()
        while True:
            path = self._folder / f"{uuid.uuid4().hex}.lock"
            # Between making the file and holding it, somebody who tidies up may take it for a dead one's.
            if self._held.enter_context(lock(path)):
                break
        self._path = path

    def add(self, names: Iterable[str]) -> None:
        """Hold these segments, too."""
        self._names.update(names)
        document = self._path.with_suffix(".json")
        temporary = self._path.with_suffix(".part")
        temporary.write_text(json.dumps(sorted(self._names)), "utf-8")
        temporary.replace(document)

    def close(self) -> None:
        """Let go of them."""
        self._held.close()
        for ending in (".json", ".lock"):
            self._path.with_suffix(ending).unlink(missing_ok=True)


def held(place: Path) -> set[str]:
    """The ids of the segments that living processes read."""
    found: set[str] = set()
    for path in (place / IN_USE).glob("*.lock"):
        with lock(path) as alone:
            if alone:
                # Its process has ended without letting go.
                path.with_suffix(".json").unlink(missing_ok=True)
                with suppress(PermissionError):  # Windows deletes no open file; the next one does
                    path.unlink(missing_ok=True)
                continue
        with suppress(FileNotFoundError):
            found.update(json.loads(path.with_suffix(".json").read_text("utf-8")))
    return found


def place_of(project: Project) -> Path:
    """The folder of all that trainings of a project prepare."""
    return project.cache_folder / "learning"


def segments(place: Path) -> list[Segment]:
    """All there are, the one that was not used for the longest time first."""
    found = []
    for index in place.glob(f"*/*{INDEX}"):
        with suppress(FileNotFoundError):
            state = index.stat()
            size = state.st_size + index.with_suffix(DATA).stat().st_size
            found.append(Segment(index.parent, index.stem, size, state.st_mtime_ns / 1e9))
    return sorted(found, key=lambda segment: (segment.used, segment.name))


def stores(project: Project) -> list[Store]:
    """What the cache of a project holds, the largest first."""
    place = place_of(project)
    busy = held(place)
    own: dict[Path, list[Segment]] = {}
    for segment in segments(place):
        own.setdefault(segment.store, []).append(segment)
    found = []
    for folder, parts in own.items():
        about = _about(folder)
        row = int(about.get("row_bytes", 0))
        used = datetime.fromtimestamp(max(part.used for part in parts), timezone.utc).isoformat(timespec="seconds")
        size = sum(part.bytes for part in parts)
        rows = sum((part.store / (part.name + DATA)).stat().st_size for part in parts) // row if row else 0
        in_use = any(part.id in busy for part in parts)
        found.append(Store(folder, str(about.get("about", "unknown")), rows, size, used, in_use))
    return sorted(found, key=lambda store: -store.bytes)


def clear(project: Project) -> tuple[int, int]:
    """Delete the cache of a project but for what a running training reads; gives bytes deleted, and bytes kept."""
    place = place_of(project)
    _forget_foreign(place)
    busy = held(place)
    gone = kept = 0
    for segment in segments(place):
        if segment.id not in busy and _delete(segment):
            gone += segment.bytes
        else:
            kept += segment.bytes
    for store in place.glob(f"*/{ABOUT}"):
        if not any(store.parent.glob(f"*{INDEX}")):
            shutil.rmtree(store.parent, ignore_errors=True)
    return gone, kept


def make_room(place: Path, needed: int, limit: float, wanted: set[str]) -> None:
    """Delete the oldest segments until ``needed`` bytes more fit the limit and the disk.

    Parameters
    ----------
    limit
        GiB that the cache may take.
    wanted
        Ids of segments that are about to be read.

    Raises
    ------
    TrainingError
        They do not fit, whatever is deleted; then nothing was.
    """
    problem = room_problem(place, needed, limit, wanted)
    if problem:
        raise TrainingError(problem)
    _forget_foreign(place)
    there = segments(place)
    size = sum(segment.bytes for segment in there)
    busy = held(place) | wanted
    for segment in there:
        if size + needed <= limit * GIB and _free(place) >= needed + SPARE:
            return
        if segment.id not in busy and _delete(segment):
            size -= segment.bytes


def room_problem(place: Path, needed: int, limit: float, wanted: Iterable[str] = (), more: int = 0) -> str:
    """Why ``needed`` bytes of cache, and ``more`` of other files, do not fit; empty where they do."""
    busy = held(place) | set(wanted)
    there = segments(place)
    stays = sum(segment.bytes for segment in there if segment.id in busy)
    if stays + needed > limit * GIB:
        return (
            f"The training cache needs {(stays + needed) / GIB:.1f} GiB in {place.parent}; its limit is {limit:g} GiB. "
            "Raise the limit (xrayai cache limit), or choose a smaller image size."
        )
    free = _free(place) + sum(segment.bytes for segment in there if segment.id not in busy)
    if free < needed + more + SPARE:
        other = f" and checkpoint and model {more / GIB:.1f} GiB" if more else ""
        return (
            f"The training cache needs {needed / GIB:.1f} GiB{other} in {place.parent}; the disk has {free / GIB:.1f}. "
            "Free some space, or choose a smaller image size."
        )
    return ""


def cache_limit(project: Project) -> float:
    """GiB that the cache may take: as the project says, else as the person says, else :data:`LIMIT`."""
    for folder in (project.folder, config_folder()):
        value = _settings(folder).get("cache_gib")
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
                raise TrainingError(f"{folder / SETTINGS}: cache_gib: {value!r} is no number of GiB.")
            return float(value)
    return LIMIT


def set_cache_limit(gib: float, project: Project | None = None) -> None:
    """Say how much the cache of a project may take, or without one that of each project of this person."""
    import yaml

    if not gib > 0:
        raise TrainingError(f"{gib:g} GiB is no limit: give a number above 0.")
    folder = project.folder if project else config_folder()
    document = {**_settings(folder), "cache_gib": gib}
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{SETTINGS}.{os.getpid()}.part"
    temporary.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    temporary.replace(folder / SETTINGS)
    if project:
        project.audit("cache limit", f"{gib:g} GiB")


def _settings(folder: Path) -> dict[str, Any]:
    import yaml

    path = folder / SETTINGS
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrainingError(f"{path} cannot be read ({error}). Put it right, or delete it.") from error
    if document is not None and not isinstance(document, dict):
        raise TrainingError(f"{path} must be lines of the form 'setting: value'.")
    return document or {}


def _free(place: Path) -> int:
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _about(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # only what it is called is lost
    return found


def _delete(segment: Segment) -> bool:
    """Whether it is gone; the index first, so that rows without their arrays never count."""
    try:
        (segment.store / (segment.name + INDEX)).unlink(missing_ok=True)
        (segment.store / (segment.name + DATA)).unlink(missing_ok=True)
    except PermissionError:  # Windows: somebody has it open
        return False
    return True


def _forget_foreign(place: Path) -> None:
    """Remove the folders of earlier versions, and data whose index is gone."""
    if not place.is_dir():
        return
    for folder in place.iterdir():
        if folder.name == IN_USE or not folder.is_dir():
            continue
        if (folder / "index.json").is_file() or folder.suffix == ".part":
            shutil.rmtree(folder, ignore_errors=True)
        for data in folder.glob(f"*{DATA}"):
            if not data.with_suffix(INDEX).is_file():
                with suppress(OSError):
                    data.unlink()
