"""The job ``thumbnails``: makes the pictures that a table shows, as long as somebody looks at it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit
from XRayAILib.learning.cache import Cancelled

IDLE_SECONDS = 60.0
"""It ends so long after the last picture that somebody wanted."""


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Make what ``wanted.json`` in the job's folder asks for, again and again, the first of it first.

    The file may be replaced at any time, so that what has been scrolled away is not waited for. For every image an
    event ``thumbnail`` says that it was looked at, and whether its thumbnail is a new one.
    """
    from XRayAILib.project.project import Project
    from XRayAILib.project.thumbnails import Thumbnails
    from XRayAILib.workflow.pictures import WANTED

    wanted = folder / WANTED
    idle = options.get("idle_seconds", IDLE_SECONDS)
    done: set[str] = set()
    made = 0
    with Project.open(project_folder) as project:
        thumbnails = Thumbnails(project)
        last = time.monotonic()
        while time.monotonic() - last <= idle:
            if cancelled():
                raise Cancelled
            uid = next((uid for uid in _read(wanted) if uid not in done), None)
            if uid is None:
                time.sleep(0.1)
                continue
            new = thumbnails.make(uid)
            made += new
            done.add(uid)
            emit({"event": "thumbnail", "uid": uid, "new": new})
            last = time.monotonic()
        thumbnails.prune()
    return {"made": made}


def _read(wanted: Path) -> list[str]:
    try:
        return list(json.loads(wanted.read_text("utf-8")))
    except FileNotFoundError:
        return []
