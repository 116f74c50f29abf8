"""Pictures: the thumbnails of the images that a table shows, without anybody waiting for them.

::

    pictures = Pictures(interpreter)
    pictures.open(project)
    pictures.want(uids)          # those on the screen; what was wanted before is dropped
    ...                          # and from time to time
    for uid in pictures.poll():
        show(pictures.of(uid))
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.workflow.job import Job

if TYPE_CHECKING:
    from XRayAILib.project.project import Project
    from XRayAILib.project.thumbnails import Thumbnail, Thumbnails

WANTED = "wanted.json"
LONGEST_FAREWELL = 2.0
"""Seconds that a process has to end by itself; whatever it is at can be made again."""


class Pictures:
    """Asks a process of its own for thumbnails, and takes note of what it has made.

    Parameters
    ----------
    interpreter
        The Python that makes them.

    Attributes
    ----------
    problem
        Why no more are made, for the person at the screen; empty where all is well.
    """

    def __init__(self, interpreter: str = sys.executable) -> None:
        self._interpreter = interpreter
        self._project: Project | None = None
        self._thumbnails: Thumbnails | None = None
        self._job: Job | None = None
        self._folder: Path | None = None
        self._wanted: list[str] = []
        self._answered: set[str] = set()
        self.problem = ""

    def open(self, project: Project) -> None:
        """Begin with another project."""
        from XRayAILib.project.thumbnails import Thumbnails

        self.close()
        self._project, self._thumbnails = project, Thumbnails(project)
        self._folder = self._thumbnails.folder / f"job-{os.getpid()}"

    def close(self) -> None:
        """End the process, which takes as long as the picture that it is at."""
        if self._job is not None and self._job.running:
            self._job.cancel()
            if self._job.wait(LONGEST_FAREWELL) == "running":
                self._job.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._project = self._thumbnails = self._job = self._folder = None
        self._wanted, self._answered, self.problem = [], set(), ""

    @property
    def waiting(self) -> bool:
        """Whether a picture is wanted that has not been looked at yet."""
        return not self.problem and any(uid not in self._answered for uid in self._wanted)

    def of(self, uid: str) -> Thumbnail | None:
        """The thumbnail of an image, if there is one by now."""
        return self._thumbnails.find(uid) if self._thumbnails is not None else None

    def want(self, uids: Iterable[str]) -> None:
        """Have these made, in this order, and nothing else any more.

        Also of those that have a thumbnail the file is looked at once: it may have changed.
        """
        uids = list(uids)
        if self._project is None or self._folder is None or self._project.read_only or uids == self._wanted:
            return
        self._wanted, self.problem = uids, ""
        if not self.waiting:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f"{WANTED}.part"
        part.write_text(json.dumps(uids), "utf-8")
        part.replace(self._folder / WANTED)
        self._go_on()

    def poll(self) -> list[str]:
        """The uids of images whose thumbnail is new since the last call; never waits."""
        if self._job is None:
            return []
        fresh = []
        for event in self._job.poll():
            if event.get("event") == "thumbnail":
                self._answered.add(event["uid"])
                if event["new"]:
                    fresh.append(event["uid"])
        if self._job.state == "failed":
            self.problem = f"No more thumbnails are made. {self._job.error}"
        elif self.waiting:
            self._go_on()
        return fresh

    def _go_on(self) -> None:
        if self._project is None or self._folder is None or (self._job is not None and self._job.running):
            return
        self._remove_old()
        self._job = Job.start(self._project.folder, "thumbnails", {}, self._interpreter, self._folder)

    def _remove_old(self) -> None:
        """The folders of programs that have ended."""
        import psutil

        assert self._folder is not None
        for folder in self._folder.parent.glob("job-*"):
            with contextlib.suppress(ValueError):
                if folder != self._folder and not psutil.pid_exists(int(folder.name.removeprefix("job-"))):
                    shutil.rmtree(folder, ignore_errors=True)
