"""The desk: the open project and the viewer, which both panels work on."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from XRayAILib.findings.author import Author
from XRayAILib.workflow.browse import Browse
from XRayAIPanel.installation import interpreter
from XRayAIPanel.viewer import SlicerViewer

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

READER = "XRayAI/Reader"


@dataclass
class Desk:
    """What is on the desk.

    Attributes
    ----------
    browse
        Holds the open project and the image that is looked at; add to ``browse.leaving`` to save before it changes.
    viewer
        The Red view.
    """

    viewer: SlicerViewer
    browse: Browse = field(init=False)

    def __post_init__(self) -> None:
        self.browse = Browse(self.viewer, interpreter=interpreter(), reader=reader)

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self.browse.project if self.browse.is_open else None


def desk() -> Desk:
    """The one desk of this Slicer."""
    global _desk
    if _desk is None:
        _desk = Desk(SlicerViewer())
    return _desk


def leave_desk() -> None:
    """Close the project; the next :func:`desk` is a new one."""
    global _desk
    if _desk is not None:
        _desk.browse.close()
        _desk = None


_desk: Desk | None = None


def reader() -> Author:
    """The person at the screen: the name in Slicer's settings, else the user's name on this machine."""
    import slicer

    return Author.person(str(slicer.util.settingsValue(READER, "")) or getpass.getuser())
