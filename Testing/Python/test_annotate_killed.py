"""The program is killed while a reader draws, fifty times: the project is whole, and two seconds are lost at most."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from draw_until_killed import SLOTS
from sheet import pictures
from XRayAILib.findings.objects import Box, Mask
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

HERE = Path(__file__).parent
TIMES = 50
LONGEST_LOSS = 2.0
"""Seconds of strokes."""


class Readers:
    """Readers who draw in processes of their own until they are killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def begin(self) -> int:
        """Another one begins; gives the process id."""
        if self._process is None or self._process.poll() is not None:
            path = os.pathsep.join([str(HERE.parents[1] / "XRayAI"), str(HERE)])
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "draw_until_killed.py"), str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )
        self._process.stdin.write("draw\n")
        self._process.stdin.flush()
        return int(self.line())

    def line(self) -> str:
        line = self._process.stdout.readline()
        assert line, f"The reader stopped by itself with {self._process.wait()}."
        return line.rstrip("\n")

    def kill(self, pid: int) -> list[str]:
        """End one in whatever it does now; gives what it had said until then."""
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        said = []
        for line in self._process.stdout:
            # A line cut short was not said: what comes next then stands behind it.
            if line.endswith("ended\n"):
                break
            said.append(line.rstrip("\n"))
        return said

    def close(self) -> None:
        if self._process is not None:
            self._process.stdin.close()
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()


class Heard:
    """What was drawn and what is safe, as the readers said it."""

    def __init__(self) -> None:
        self.safe: dict[int, int] = {}
        self.drawn: list[tuple[int, int, float]] = []

    def hear(self, line: str) -> None:
        what, *words = line.split()
        if what == "safe":
            self.safe[int(words[0])] = int(words[1])
        elif len(words) == 4:
            self.drawn.append((int(words[0]), int(words[1]), float(words[2])))

    def must_be_there(self) -> dict[int, int]:
        """Slot -> number of the newest stroke that may not be lost, and start with the next reader."""
        last = max((time for _slot, _number, time in self.drawn), default=0.0)
        for slot, number, time in self.drawn:
            if time <= last - LONGEST_LOSS:
                self.safe[slot] = max(number, self.safe.get(slot, 0))
        self.drawn = []
        return dict(self.safe)


def test_killed_fifty_times_at_random_moments(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 3)])
        folder = project.folder
    heard, readers, strokes = Heard(), Readers(folder), 0
    try:
        for seed in range(TIMES):
            rng = random.Random(seed)
            pid = readers.begin()
            for _ in range(rng.randint(1, 60)):
                heard.hear(readers.line())
            # Up to a few milliseconds of work, so that it dies in the middle of whatever it does then.
            sum(range(rng.randrange(300_000)))
            for line in readers.kill(pid):
                heard.hear(line)
            strokes += len(heard.drawn)
            check(folder, heard.must_be_there())
    finally:
        readers.close()
    assert strokes > 10 * TIMES and len(heard.safe) == SLOTS


def check(folder: Path, wanted: dict[int, int]) -> None:
    """The project opens, is whole, and has every stroke that may not be lost, or a newer one in its place."""
    with sqlite3.connect(folder / "project.db") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    with Project.open(folder) as project:
        numbers: dict[str, float] = {}
        for image in project.images():
            for findings in project.tracks(image.uid):
                boxes = {box.label: box.x0 for box in findings.of(Box)}
                numbers.update((label, max(x0, numbers.get(label, 0))) for label, x0 in boxes.items())
                # A save is whole or not there: the mask is that of the newest box, and the log leads to this state.
                assert findings.of(Mask)[0].area == max(boxes.values()) % 2000
                last = project.revisions(image.uid, findings.author.key)[-1]
                assert project.findings_at(image.uid, findings.author.key, last.id) == findings
        for slot, number in wanted.items():
            assert numbers.get(f"slot{slot}", 0) >= number, f"Stroke {number} is lost."
