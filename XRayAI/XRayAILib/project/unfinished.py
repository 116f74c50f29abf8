"""Folders that a program which was killed left half written."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

ENDING = ".part"
"""Of the temporary name, which begins with a dot; what is finished is renamed."""
DAY = 24 * 3600.0


def remove_unfinished(folder: Path) -> None:
    """Remove what was begun in a folder and never finished: no file in it was written for a day, so nobody works on it.

    What cannot be looked at or removed, because another program is at it or it may not be changed, stays.
    """
    for part in folder.glob(f".*{ENDING}"):
        try:
            last = max(path.stat().st_mtime for path in (part, *part.rglob("*")))
        except OSError:
            continue  # somebody finished or removed it just now
        if part.is_dir() and time.time() - last > DAY:
            shutil.rmtree(part, ignore_errors=True)
