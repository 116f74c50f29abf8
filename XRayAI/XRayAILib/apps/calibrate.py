"""``xrayai calibrate``: the millimetres of an image, by a line of known length on it."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.apps.console import console, plain
from XRayAILib.project.project import Project


class LineError(ValueError):
    """Ends of a line that cannot be understood."""


def calibrate_image(
    project_folder: Path, uid: str, start: str, end: str, millimetres: float, what: str, take_back: bool
) -> None:
    """Calibrate an image, take its calibration back, or only say what its millimetres are worth."""
    with Project.open(project_folder) as project:
        if take_back:
            project.take_calibration_back(uid)
        elif start or end or millimetres:
            project.calibrate(uid, _point(start, "--from"), _point(end, "--to"), millimetres, what)
        header = project.header(uid)
        spacing = header.spacing
        width, height = spacing.length((0, 0), (header.columns, 0)), spacing.length((0, 0), (0, header.rows))
        console.print(f"{plain(header.path)}\n  {width} wide, {height} high", soft_wrap=True)
        if width.in_patient:
            console.print(f"  {width.in_patient}, {height.in_patient}", soft_wrap=True)
        for entry in project.calibrations.of(uid):
            console.print(f"  [dim]{plain(str(entry))}[/]", soft_wrap=True)


def _point(text: str, option: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        raise LineError(f"{option} {text or '(missing)'}: give x,y in pixels, such as 412.5,300.") from error
    return x, y
