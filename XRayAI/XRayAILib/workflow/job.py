"""Job: a long work in a process of its own, as seen by whoever started it.

The process appends its events to ``events.jsonl`` in the job's folder, a JSON object a line; the starter reads what is
new with :meth:`Job.poll`, which never waits. No thread, no pipe that could fill up, and no ``multiprocessing``, which
hangs inside Slicer (Slicer#7445). ::

    job = Job.start(project.folder, "train", {"config": config})
    while job.running:
        for event in job.poll():
            print(event)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from XRayAILib.dicom.child import library_environment

EVENTS, LOG, CANCEL, REQUEST = "events.jsonl", "log.txt", "cancel", "request.json"


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``total`` parts of ``step``; ``seconds_left`` as far as it can be told."""

    step: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """0..1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


class Job:
    """A started job.

    Attributes
    ----------
    folder
        Its folder, with the log, the events and, for a training, the checkpoint.
    state
        ``running``, ``done``, ``cancelled`` or ``failed``.
    result
        What a done job reports.
    error
        Why a failed one failed, for the person at the screen.
    progress
        The newest progress.
    metrics
        name -> list of (step, value), such as ``loss/train``.
    picture
        The newest picture that it drew, such as the samples of a training; ``None`` before there is one.
    device
        What the job computes on, as it said.
    """

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.state = "running"
        self.result: dict[str, Any] | None = None
        self.error = ""
        self.progress = Progress()
        self.metrics: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.picture: Path | None = None
        self.device = ""
        self._last_word = ""
        self._process = process
        self._offset = 0

    @classmethod
    def start(
        cls,
        project_folder: Path,
        kind: str,
        options: dict[str, Any],
        interpreter: str = sys.executable,
        folder: Path | None = None,
    ) -> Job:
        """Start a job on a project.

        Parameters
        ----------
        kind
            ``scan``, ``train``, ``predict`` or ``export``.
        options
            What :mod:`XRayAILib.apps.job` takes for this kind.
        interpreter
            The Python to run; inside Slicer its ``PythonSlicer``.
        folder
            The folder of an earlier job to go on with; a new one where it is ``None``.
        """
        project_folder = Path(project_folder).resolve()
        if folder is None:
            stamp = time.strftime("%Y%m%d-%H%M%S")
            folder = project_folder / "jobs" / f"{stamp}-{kind}-{uuid.uuid4().hex[:6]}"
        folder.mkdir(parents=True, exist_ok=True)
        for old in (EVENTS, CANCEL):
            (folder / old).unlink(missing_ok=True)
        request = {"kind": kind, "project": str(project_folder), "options": options, "parent": os.getpid()}
        (folder / REQUEST).write_text(json.dumps(request, indent=1), "utf-8")
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [interpreter, "-m", "XRayAILib.apps.job", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Threads that wait must not spin: whoever works at this machine meanwhile would feel it.
                env={"OMP_WAIT_POLICY": "PASSIVE", **library_environment(), "PYTHONUNBUFFERED": "1"},
                # A key press meant for the starter must not reach the worker half way through a file.
                start_new_session=os.name == "posix",
                # And no console window beside Slicer's on Windows.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        return cls(folder, process)

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def log(self) -> Path:
        return self.folder / LOG

    def poll(self) -> list[dict[str, Any]]:
        """The events since the last call; brings the attributes up to date."""
        ended = self._process.poll() is not None
        events = self._new_events()
        for event in events:
            self._take(event)
        # Not before the process is gone: until then it holds the lock of its folder, and going on there would fail.
        if ended and self.running:
            self.state = self._last_word or "failed"
            if not self._last_word:
                code = self._process.returncode
                self.error = f"The job ended without a word ({_end_text(code)}). Its log may tell why: {self.log}"
        return events

    def cancel(self) -> None:
        """Ask the job to end; it does so at the next iteration and leaves what can be resumed."""
        (self.folder / CANCEL).touch()

    def kill(self) -> None:
        """End the job and its children at once.

        The launched process may be only a launcher, as ``PythonSlicer`` is, so the whole tree has to go.
        """
        import psutil

        try:
            parent = psutil.Process(self._process.pid)
            family = [*parent.children(recursive=True), parent]
        except psutil.NoSuchProcess:
            family = []
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        self.poll()
        if self.state == "failed":
            self.state, self.error = "cancelled", ""

    def wait(self, timeout: float | None = None) -> str:
        """Wait until the job ends, at most ``timeout`` seconds, and give its state."""
        end = None if timeout is None else time.monotonic() + timeout
        while end is None or time.monotonic() < end:
            try:
                self._process.wait(0.1)
            except subprocess.TimeoutExpired:
                self.poll()
            else:
                self.poll()
                break
        return self.state

    def _new_events(self) -> list[dict[str, Any]]:
        path = self.folder / EVENTS
        if not path.exists():
            return []
        with path.open("rb") as stream:
            stream.seek(self._offset)
            data = stream.read()
        # A line may be half-written at this moment: take whole lines only.
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def _take(self, event: dict[str, Any]) -> None:
        kind = event.get("event")
        if kind == "progress":
            known = {k: event[k] for k in ("step", "done", "total", "message", "seconds_left") if k in event}
            self.progress = Progress(**known)
        elif kind == "metric":
            self.metrics[event["name"]].append((float(event["step"]), float(event["value"])))
        elif kind == "picture":
            self.picture = self.folder / str(event["path"])
        elif kind == "device":
            self.device = str(event["device"])
        elif kind == "result":
            self._last_word, self.result = "done", {k: v for k, v in event.items() if k != "event"}
        elif kind == "cancelled":
            self._last_word = "cancelled"
        elif kind == "error":
            self._last_word, self.error = "failed", str(event["message"])


def _end_text(code: int) -> str:
    if code == -9:
        return "killed from outside, as systems do where the memory runs out"
    return f"ended by signal {-code}" if code < 0 else f"exit status {code}"
