"""The kinds of jobs, one a file: ``run(project_folder, options, folder, emit, cancelled)`` gives a job's result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

Emit = Callable[[dict[str, Any]], None]


def progress_event(step: str, done: int, total: int, message: str, seconds_left: float | None) -> dict[str, Any]:
    """The event that says how far a job is; ``seconds_left`` is ``None`` where nobody knows yet."""
    progress: dict[str, Any] = {"event": "progress", "step": step, "done": done, "total": total, "message": message}
    if seconds_left is not None:
        progress["seconds_left"] = round(seconds_left, 1)
    return progress


def progress_of(step: str, emit: Emit, cancelled: Callable[[], bool]) -> Callable[[int, int, str], None]:
    """``progress(done, total, message)`` for a step of equal parts: says the time left, and ends the job when asked to.

    Raises
    ------
    Cancelled
        Between two parts, once ``cancelled`` says so.
    """
    from XRayAILib.learning.cache import Cancelled

    begun = time.monotonic()

    def progress(done: int, total: int, message: str) -> None:
        if cancelled():
            raise Cancelled
        left = (time.monotonic() - begun) / done * (total - done) if done else None
        emit(progress_event(step, done, total, message, left))

    return progress
