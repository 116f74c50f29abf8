"""``slicer.util.launchConsoleProcess`` as in Slicer 5.13, and ``slicer.packaging``."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop_double.dialogs import Dialogs

POLL_MS = 50


def launchConsoleProcess(
    args: list[str],
    useStartupEnvironment: bool = True,
    updateEnvironment: dict[str, str] | None = None,
    cwd: str | None = None,
    blocking: bool = True,
    logCallback: Callable[[str], None] | None = None,
    completedCallback: Callable[[int], None] | None = None,
) -> subprocess.Popen:
    """Start a process; with ``blocking=False`` its lines and its end are told by callbacks on the main thread."""
    environment = os.environ | (updateEnvironment or {})
    process = subprocess.Popen(
        args, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd
    )
    if not blocking:
        lines: queue.Queue[str | int] = queue.Queue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        _poll(lines, logCallback, completedCallback)
    return process


def _read(process: subprocess.Popen, lines: queue.Queue) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(line.rstrip())
    lines.put(process.wait())


def _poll(lines: queue.Queue, log: Callable | None, completed: Callable | None) -> None:
    from PySide6.QtCore import QTimer

    while not lines.empty():
        item = lines.get()
        if isinstance(item, int):
            if completed is not None:
                completed(item)
            return
        (log or print)(item)
    QTimer.singleShot(POLL_MS, lambda: _poll(lines, log, completed))


class Packaging:
    """``slicer.packaging``: looks what is installed, and records what would be installed instead of doing it."""

    def __init__(self, dialogs: Dialogs) -> None:
        self._dialogs = dialogs

    def load_requirements(self, path: str | Path) -> list[Any]:
        from packaging.requirements import Requirement

        lines = (line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
        return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]

    def pip_check(self, req: Any) -> bool:
        """Is every requirement there in a version that fits?"""
        import importlib.metadata

        from packaging.requirements import Requirement

        for item in req if isinstance(req, list) else [req]:
            wanted = Requirement(item) if isinstance(item, str) else item
            if wanted.marker is not None and not wanted.marker.evaluate():
                continue
            try:
                version = importlib.metadata.version(wanted.name)
            except importlib.metadata.PackageNotFoundError:
                return False
            if not wanted.specifier.contains(version, prereleases=True):
                return False
        return True

    def pip_ensure(self, requirements: Any, requester: str | None = None, **_options: Any) -> list[str] | None:
        wanted = requirements if isinstance(requirements, list) else [requirements]
        missing = [str(item) for item in wanted if not self.pip_check(item)]
        if missing:
            self._dialogs.record("pip", " ".join(missing), requester or "")
        return None

    def pip_install(self, requirements: Any, **_options: Any) -> list[str] | None:
        wanted = requirements if isinstance(requirements, list) else [requirements]
        self._dialogs.record("pip", " ".join(str(item) for item in wanted))
        return None
