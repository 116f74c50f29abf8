"""The job ``find_text``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event
from XRayAILib.learning.cache import Cancelled


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Look for text burned into the images of a project, or below other folders."""
    from XRayAILib.workflow.text_finding import find_text

    begun, shown, first = time.monotonic(), 0.0, 0

    def progress(done: int, total: int, message: str) -> None:
        nonlocal shown, first
        first = first or done  # what an earlier search did took no time
        now = time.monotonic()
        if now - shown > 0.2 or done == total:
            shown = now
            left = (now - begun) / max(done - first + 1, 1) * (total - done)
            emit(progress_event("find text", done, total, message, left))

    sources = [Path(source) for source in options["sources"]]
    found = find_text(sources, Path(options["folder"]), progress=progress, cancelled=cancelled)
    if cancelled():
        raise Cancelled
    return {"file": str(found.file), "summary": found.summary, "unreadable": [list(row) for row in found.unreadable]}
