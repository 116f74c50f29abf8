"""Agreement as a job: how far the readers of a project agree, as a report, and what they say together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.findings.author import Author
    from XRayAILib.project.project import Project
    from XRayAILib.workflow.agreement.wishes import Wishes

SHOWN = 3
"""Sentences that the outcome names; the report has all."""


class AgreementRefused(RuntimeError):
    """A comparison that cannot start, and why."""


class AgreementRun:
    """Comparisons of one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("agreement", interpreter)

    def start(self, project: Project, reader: Author, wishes: Wishes, consensus: str = "") -> None:
        """Begin.

        Parameters
        ----------
        reader
            Who asks for it.
        consensus
            ``majority`` or ``staple``: also make what the readers say together, and keep it beside the readings.

        Raises
        ------
        AgreementRefused
            Who asks still reads blinded, and the report shows what others drew.
        AgreementError
            There is only one reader, or no such reference or group.
        """
        from XRayAILib.workflow.agreement.wishes import check, chosen

        if reason := self.why_not(project, reader):
            raise AgreementRefused(reason)
        check(project, wishes)
        chosen(project.track_digests().values(), wishes)
        self.work.begin(project.folder, {"wishes": wishes.document(), "consensus": consensus})

    @staticmethod
    def why_not(project: Project, reader: Author) -> str:
        """Why a person must not see a comparison now; empty where nothing speaks against it."""
        from XRayAILib.workflow.blinding import may_see

        if not project.readers.any():
            return ""
        for uid, digests in project.track_digests().items():
            if not all(may_see(project, reader, uid, track) for track in digests):
                return (
                    "The report shows what everybody drew, and you still may not see that of all images: submit what "
                    "is assigned to you, or let an adjudicator compare."
                )
        return ""

    @property
    def page(self) -> Path | None:
        """The report of the last comparison."""
        result = self.work.result
        return Path(str(result["page"])) if result and result.get("page") else None

    def outcome(self) -> str:
        """What the last comparison came to, in a few lines."""
        result = self.work.result or {}
        lines = [f"Compared on {counted(int(result.get('images', 0)), 'image', 'images')}: {result.get('page', '')}"]
        if "consensus" in result:
            open_ = len(result.get("left_open", ()))
            left = f", {counted(open_, 'question', 'questions')} left open" if open_ else ""
            lines.append(f"Consensus of {counted(int(result['consensus']), 'image', 'images')}{left}.")
        notes = [str(note) for note in result.get("notes", ())]
        lines += notes[:SHOWN]
        if len(notes) > SHOWN:
            lines.append(f"... and {len(notes) - SHOWN} more in the report.")
        return "\n".join(lines)
