"""Export: the labelled collection as files that other programs read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.contents import counted
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import Format
from XRayAILib.exchange.formats import FORMATS, format_named
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

SPLIT = "70/15/15"
"""The usual shares of training, validation and test."""

SHOWN = 5
"""Warnings that the outcome names."""


class ExportRefused(RuntimeError):
    """An export that cannot start, and what to do."""


class Export:
    """Exports of one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("export", interpreter)

    @staticmethod
    def formats() -> list[Format]:
        """All that there are, in the order in which they are offered."""
        return [format_named(name) for name in FORMATS]

    def losses(self, project: Project, format: str, choice: Choice) -> list[str]:
        """What the format cannot hold of what is chosen, to be shown before the export starts.

        Raises
        ------
        ExportRefused
            There is no such format, or it does not go with the choice.
        """
        from XRayAILib.exchange.export import losses

        try:
            return losses(project, format, choice)
        except ExportError as error:
            raise ExportRefused(str(error)) from error

    def start(self, project: Project, format: str = "coco", choice: Choice | None = None) -> None:
        """Begin."""
        if format not in FORMATS:
            raise ExportRefused(f"There is no export '{format}'; there are {', '.join(FORMATS)}.")
        if not project.labelled():
            raise ExportRefused("No image has labels yet: draw or import some, or accept predictions.")
        self.work.begin(project.folder, {"format": format, "choice": (choice or Choice()).document()})

    @property
    def folder(self) -> Path | None:
        """Where the last export lies."""
        result = self.work.result
        return Path(str(result["folder"])) if result and result.get("folder") else None

    def outcome(self) -> str:
        """What the last export wrote, in a sentence."""
        result = self.work.result or {}
        text = f"{counted(result.get('images', 0), 'image')} with {counted(result.get('objects', 0), 'object')}"
        warnings = [str(warning) for warning in result.get("warnings", [])]
        told = [*warnings[:SHOWN], *([f"... and {len(warnings) - SHOWN} more."] if len(warnings) > SHOWN else [])]
        return "\n".join([f"Exported {text} to {result.get('folder', '')}", *told])
