"""Question: what another process finds out, so that the window that asks does not stop meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from XRayAILib.dicom.child import end_child, library_environment

if TYPE_CHECKING:
    from XRayAILib.learning.config import TrainingConfig


class Question:
    """Asks one thing at a time and remembers the answers; whoever shows them calls :meth:`heard` now and then.

    Files, not pipes, carry question and answer: a pipe that is full would stop the other process for ever.

    Parameters
    ----------
    interpreter
        The Python that is asked.
    arguments
        Its arguments; it reads the question from standard input and writes the answer to standard output.
    """

    def __init__(self, interpreter: str, arguments: list[str]) -> None:
        self._command = [interpreter, *arguments]
        self._asked = ""
        self._answers: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    def put(self, question: str) -> None:
        """Begin to find out. What is known already is not asked again; what was asked before is not waited for."""
        if question in self._answers or (self._process is not None and self._asked == question):
            return
        self.close()
        self._asked = question
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it is open until the answer is read
        with tempfile.TemporaryFile() as told:
            told.write(question.encode())
            told.seek(0)
            self._process = subprocess.Popen(
                self._command,
                stdin=told,
                stdout=self._said,
                stderr=subprocess.DEVNULL,
                env=library_environment(),
                # A group of its own, to be ended as a whole; no console window beside Slicer's on Windows.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    @property
    def asking(self) -> bool:
        """Whether an answer is still to come."""
        return self._process is not None

    def heard(self, question: str) -> str | None:
        """The answer; ``None`` while it is not known, empty where the other process said nothing. Never waits."""
        if self._process is not None and self._said is not None and self._process.poll() is not None:
            self._said.seek(0)
            self._answers[self._asked] = self._said.read().decode("utf-8", "replace").strip()
            self.close()
        return self._answers.get(question)

    def forget(self) -> None:
        """Ask anew: something is different now."""
        self.close()
        self._answers.clear()

    def close(self) -> None:
        """End the question."""
        if self._process is not None:
            # PythonSlicer is a launcher: without it, what it started would go on looking at every image.
            end_child(self._process)
            self._process.wait()
            self._process = None
        if self._said is not None:
            self._said.close()
            self._said = None


class DeviceQuestion(Question):
    """Which device a training would use: to import torch here would stop the window."""

    _CODE = (
        "import sys\n"
        "try:\n"
        "    from XRayAILib.learning.device import choose_device\n"
        "    print(choose_device(sys.stdin.read()).description)\n"
        "except ImportError:\n"
        "    print('PyTorch is not installed yet')\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )

    def __init__(self, interpreter: str = sys.executable) -> None:
        super().__init__(interpreter, ["-c", self._CODE])

    def ask(self, device: str) -> None:
        """Begin to find out; :meth:`answer` has it after a while."""
        self.put(device)

    def answer(self, device: str) -> str:
        """What the device is; empty while it is not known. Never waits."""
        said = self.heard(device)
        if said is None:
            return ""
        return said.splitlines()[-1] if said else "unknown"


@dataclass(frozen=True)
class Prospect:
    """What is to be said of a training before it starts.

    Attributes
    ----------
    errors
        Why it cannot start, a sentence each.
    warnings
        What is to be borne in mind.
    parts
        What it would learn from and be tested on, in a sentence; empty where that is not known.
    """

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    parts: str = ""


class ReadinessQuestion(Question):
    """What is in the way of a training; see :func:`XRayAILib.learning.readiness.check_training`."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        super().__init__(interpreter, ["-m", "XRayAILib.workflow.readiness_child"])

    def ask(self, project_folder: Path, config: TrainingConfig) -> None:
        """Begin to find out; :meth:`answer` has it after a while."""
        self.put(_question(project_folder, config))

    def answer(self, project_folder: Path, config: TrainingConfig) -> Prospect | None:
        """What was found; ``None`` while it is not known. Never waits."""
        said = self.heard(_question(project_folder, config))
        if said is None:
            return None
        try:
            document: dict[str, Any] = json.loads(said.splitlines()[-1])
        except (ValueError, IndexError):
            # The training looks at everything again, so this is no reason not to start it.
            return Prospect(warnings=("The labelled images could not be looked at before the training starts.",))
        problems = document.get("problems", ())
        return Prospect(
            tuple(str(problem["text"]) for problem in problems if problem["error"]),
            tuple(str(problem["text"]) for problem in problems if not problem["error"]),
            _parts(document.get("images", {}), document.get("patients", {})),
        )


def _question(project_folder: Path, config: TrainingConfig) -> str:
    return json.dumps({"project": str(project_folder), "config": config.document()}, sort_keys=True)


def _parts(images: dict[str, int], patients: dict[str, int]) -> str:
    """``Training part 14 images of 14 patients, validation 3 of 3, test 3 of 3.``"""
    if not images.get("train"):
        return ""
    train, validation, test = (
        f"{images.get(part, 0)} {word}of {patients.get(part, 0)}"
        for part, word in (("train", "images "), ("validation", ""), ("test", ""))
    )
    more = f"; {images['outside']} images from elsewhere" if images.get("outside") else ""
    return f"Training part {train} patients, validation {validation}, test {test}{more}."
