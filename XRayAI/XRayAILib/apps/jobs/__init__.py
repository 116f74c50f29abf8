"""The kinds of jobs, one a file: ``run(project_folder, options, folder, emit, cancelled)`` gives a job's result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Emit = Callable[[dict[str, Any]], None]


def progress_event(step: str, done: int, total: int, message: str, seconds_left: float | None) -> dict[str, Any]:
    """The event that says how far a job is; ``seconds_left`` is ``None`` where nobody knows yet."""
    progress: dict[str, Any] = {"event": "progress", "step": step, "done": done, "total": total, "message": message}
    if seconds_left is not None:
        progress["seconds_left"] = round(seconds_left, 1)
    return progress
