"""Export: the labelled collection as files that other programs read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

FORMATS = {"coco": "COCO (JSON and PNG)"}


class ExportRefused(RuntimeError):
    """An export that cannot start, and what to do."""


class Export:
    """Exports of one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("export", interpreter)

    def start(self, project: Project, format: str = "coco", only_approved: bool = False) -> None:
        """Begin; with ``only_approved`` objects that nobody approved stay at home."""
        if format not in FORMATS:
            raise ExportRefused(f"There is no export '{format}'; there are {', '.join(FORMATS)}.")
        if not project.labelled():
            raise ExportRefused("No image has labels yet: draw or import some, or accept predictions.")
        self.work.begin(project.folder, {"format": format, "only_approved": only_approved})

    @property
    def folder(self) -> Path | None:
        """Where the last export lies."""
        result = self.work.result
        return Path(str(result["folder"])) if result and result.get("folder") else None

    def outcome(self) -> str:
        """What the last export wrote, in a sentence."""
        result = self.work.result or {}
        text = f"{result.get('images', 0)} images with {result.get('objects', 0)} objects"
        return f"Exported {text} to {result.get('folder', '')}"
