"""The program is killed while a reader draws: the project opens, and every save that was acknowledged is there."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

from sheet import pictures
from XRayAILib.findings.objects import Box, Mask
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

HERE = Path(__file__).parent
TIMES = 8


def test_killed_at_random_moments_nothing_acknowledged_is_lost(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 3)])
        folder = project.folder
    path = os.pathsep.join([str(HERE.parents[1] / "XRayAI"), str(HERE)])
    acknowledged: list[tuple[str, int]] = []
    for seed in range(TIMES):
        child = subprocess.Popen(
            [sys.executable, str(HERE / "draw_until_killed.py"), str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        rng = random.Random(seed)
        for _ in range(rng.randint(1, 12)):
            line = child.stdout.readline()
            assert line, f"The reader stopped by itself with {child.wait()}."
            acknowledged.append(_parsed(line))
        # Up to a few milliseconds of work, so that it dies in the middle of whatever it does then.
        sum(range(rng.randrange(300_000)))
        child.kill()
        # What it said before it died counts too; a line cut short was not said.
        acknowledged += [_parsed(line) for line in child.stdout if line.endswith("\n")]
        child.stdout.close()
        child.wait()
        _all_there(folder, acknowledged)
    assert len(acknowledged) > TIMES


def _parsed(line: str) -> tuple[str, int]:
    uid, number = line.split()
    return uid, int(number)


def _all_there(folder: Path, acknowledged: list[tuple[str, int]]) -> None:
    with Project.open(folder) as project:
        boxes: dict[str, set[float]] = {}
        areas: dict[str, set[int]] = {}
        for image in project.images():
            tracks = project.tracks(image.uid)
            boxes[image.uid] = {box.x0 for findings in tracks for box in findings.of(Box)}
            areas[image.uid] = {mask.area for findings in tracks for mask in findings.of(Mask)}
        for uid, number in acknowledged:
            assert number in boxes[uid] and number % 2000 in areas[uid], f"Save {number} of {uid} is lost."
    with sqlite3.connect(folder / "project.db") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
