"""Snapshots of the labelled data set, made while a person goes on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

SHOWN = 5
"""Snapshots that are listed; the command line lists all."""


class SnapshotMaking:
    """Makes snapshots of one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("snapshot", interpreter)

    def start(self, project: Project, name: str, who: str) -> None:
        """Begin; without a name the hash alone tells it from others."""
        self.work.begin(project.folder, {"name": name.strip(), "who": who})

    def outcome(self) -> str:
        """What the last one holds, in a sentence."""
        result = self.work.result or {}
        images = counted(int(result.get("images", 0)), "labelled image", "labelled images")
        if result.get("was_there"):
            return f"This state was kept already: {result.get('short', '')}, {images}."
        return f"Kept as {result.get('short', '')}: {images}."

    @staticmethod
    def listed(project: Project) -> str:
        """The newest snapshots, a line each."""
        found = project.snapshots.all()
        lines = [
            "  ·  ".join(filter(None, (each.short, each.name, each.created[:10], f"{len(each.images):,} images")))
            for each in found[:SHOWN]
        ]
        if len(found) > SHOWN:
            lines.append(f"... and {len(found) - SHOWN} earlier ones.")
        return "\n".join(lines)
