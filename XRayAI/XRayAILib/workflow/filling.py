"""Filling: taking folders and files into a project, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.project.errors import ProjectError
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.project.project import Project


class Filling:
    """Scans of one project, one at a time.

    Attributes
    ----------
    work
        The scan under way or the last one.
    """

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("scan", interpreter)

    def begin(self, project: Project, places: Sequence[Path | str]) -> None:
        """Take folders or files into a project; what is there already is only looked at again.

        Raises
        ------
        ProjectError
            Nothing was given, no place exists, or the project cannot be written.
        WorkError
            A scan is under way.
        """
        if not places:
            raise ProjectError("There is nothing to add: no folder and no file was given.")
        if project.read_only:
            raise ProjectError(
                f"Nothing can be added to {project.folder}: the folder cannot be written. Copy the project to one "
                "that can."
            )
        gone = [str(place) for place in places if not Path(place).exists()]
        if len(gone) == len(places):
            raise ProjectError(f"{gone[0]} does not exist: was it moved, or is its drive not connected?")
        self.work.begin(project.folder, {"folders": [str(Path(place).resolve()) for place in places]})

    def outcome(self) -> str:
        """What the last scan did, in a sentence."""
        result = self.work.result or {}
        parts = [f"{result.get('added', 0)} added"]
        if result.get("refreshed"):
            parts.append(f"{result['refreshed']} refreshed")
        for name, one, many in (
            ("unchanged", "file known already", "files known already"),
            ("duplicates", "duplicate", "duplicates"),
            ("namesakes", "with the SOP Instance UID of another file", "with the SOP Instance UIDs of other files"),
            ("masks", "mask left out", "masks left out"),
            ("unreadable", "file is no radiograph", "files are no radiographs"),
        ):
            found = result.get(name, 0)
            number = found if isinstance(found, int) else len(found)
            if number:
                parts.append(counted(number, one, many))
        parts += result.get("labels", ())
        if parts == ["0 added"]:
            return "Nothing found there: no DICOM, PNG, JPEG or TIFF file."
        return ", ".join(parts)


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun, such as ``1 file`` and ``2,000 files``."""
    return f"{number:,} {one if number == 1 else many}"
