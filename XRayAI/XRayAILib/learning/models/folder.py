"""A folder that is written whole or not at all, under a name that nobody else takes meanwhile."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from XRayAILib.learning.errors import ModelError


@dataclass
class NewFolder:
    """Where to write, and afterwards where it lies.

    Attributes
    ----------
    working
        What is written to: hidden, and gone where anything goes wrong.
    final
        Its place, once it is there.
    """

    working: Path
    final: Path


@contextmanager
def hidden_folder(place: Path) -> Iterator[Path]:
    """A folder in ``place`` that is gone afterwards; :class:`ModelError` where the disk cannot be written."""
    working = place / f".{uuid.uuid4().hex}.part"
    try:
        working.mkdir(parents=True)
        yield working
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"The model cannot be written to {place}: {reason}. Is the disk full?") from error
    finally:
        shutil.rmtree(working, ignore_errors=True)


@contextmanager
def new_folder(place: Path, name: str) -> Iterator[NewFolder]:
    """A folder ``name`` in ``place``, or ``name-2``, ``name-3``, ... where that is taken.

    ::

        with new_folder(models, "lungs") as folder:
            (folder.working / "manifest.json").write_text(...)
        folder.final                                              # models/lungs

    Raises
    ------
    ModelError
        The disk is full or cannot be written; nothing is left of it.
    """
    with hidden_folder(place) as working:
        folder = NewFolder(working, place / name)
        yield folder
        _settle(folder, name)


def _settle(folder: NewFolder, name: str) -> None:
    """Rename; whoever comes second to a name takes the next one."""
    place, number = folder.final.parent, 1
    while True:
        if not folder.final.exists():
            try:
                folder.working.rename(folder.final)
                return
            except OSError:
                # Another process was faster: no system puts a folder over one with something in it.
                if not folder.final.exists():
                    raise
        number += 1
        folder.final = place / f"{name}-{number}"
