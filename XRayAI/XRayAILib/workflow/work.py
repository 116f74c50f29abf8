"""Work: what takes long, one at a time, without making anybody wait."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from XRayAILib.learning.device import duration_text
from XRayAILib.workflow.job import Job

NOTES = 12
"""So many of a job's notes are kept."""


class WorkError(RuntimeError):
    """Work that cannot begin now, and why."""


class Work:
    """One kind of work on a project, run as a :class:`Job`; whoever shows it calls :meth:`poll` now and then.

    Parameters
    ----------
    kind
        The kind of job, such as ``train``.
    interpreter
        The Python to run it.

    Attributes
    ----------
    plan
        What the job said that it is going to do, with the time it expects; empty where it said nothing.
    notes
        What it said by the way, the last ones.
    picture, picture_epoch
        The newest picture that it drew, and after which epoch of a training.
    """

    def __init__(self, kind: str, interpreter: str = sys.executable) -> None:
        self.kind = kind
        self.interpreter = interpreter
        self.job: Job | None = None
        self.stopping = False
        self.plan = ""
        self.notes: list[str] = []
        self.picture: Path | None = None
        self.picture_epoch = 0

    @property
    def running(self) -> bool:
        return self.job is not None and self.job.running

    @property
    def state(self) -> str:
        """The job's state; empty before the first one."""
        return self.job.state if self.job else ""

    @property
    def result(self) -> dict[str, Any] | None:
        """What the last job that was done reports."""
        return self.job.result if self.job else None

    @property
    def error(self) -> str:
        """Why the last job failed, for the person at the screen."""
        return self.job.error if self.job else ""

    @property
    def fraction(self) -> float:
        """How far it is, 0..1."""
        return self.job.progress.fraction if self.job else 0.0

    @property
    def text(self) -> str:
        """How far it is, in words."""
        if not self.running or self.job is None:
            return ""
        if self.stopping:
            return "stopping"
        progress = self.job.progress
        parts = [progress.message or "starting"]
        if progress.seconds_left is not None and progress.fraction < 1.0:
            parts.append(f"{duration_text(progress.seconds_left)} left")
        return ", ".join(parts)

    def begin(self, project_folder: Path, options: dict[str, Any], folder: Path | None = None) -> None:
        """Start; :class:`WorkError` where the same kind of work is running already."""
        if self.running:
            raise WorkError(f"A job of this kind ({self.kind}) is running already: stop it first, or wait.")
        self.stopping, self.plan = False, ""
        self.notes, self.picture, self.picture_epoch = [], None, 0
        self.job = Job.start(project_folder, self.kind, options, self.interpreter, folder)

    def poll(self) -> bool:
        """Take in what the job reported; ``True`` at the moment at which it ends."""
        if self.job is None or not self.job.running:
            return False
        for event in self.job.poll():
            if event.get("event") == "plan":
                self.plan = str(event.get("message", ""))
            elif event.get("event") == "note" and event.get("message"):
                self.notes = [*self.notes, str(event["message"])][-NOTES:]
            elif event.get("event") == "picture" and event.get("path"):
                # By its name in the job's folder, or by its whole path.
                self.picture = self.job.folder / str(event["path"])
                self.picture_epoch = int(event.get("epoch") or 0)
        return not self.job.running

    def stop(self) -> None:
        """Ask the job to end and keep what it has; a second call ends it at once."""
        if self.job is None or not self.job.running:
            return
        if self.stopping:
            self.job.kill()
        else:
            self.stopping = True
            self.job.cancel()
