"""The report of a run: one HTML page that holds everything it shows, for reading, printing and archiving."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from XRayAILib import __version__
from XRayAILib.workflow.page import page_environment
from XRayAILib.workflow.plots import inline_svg, training_figures

LISTED = 200
"""Files that are listed one by one; of more the number is told."""


@dataclass(frozen=True)
class Step:
    """A step of the run: what it was, what came of it in one line, and how long it took."""

    name: str
    result: str
    seconds: float


@dataclass(frozen=True)
class Score:
    """A metric of one structure over the images of the test part.

    Attributes
    ----------
    n
        Number of images.
    mean, sd, low, high, minimum
        Mean, standard deviation, bounds of the 95 % confidence interval of the mean, and the worst image.
    color
        ``#rrggbb`` of the structure in the pictures, or empty.
    """

    label: str
    n: int
    mean: float
    sd: float
    low: float
    high: float
    minimum: float
    color: str = ""


@dataclass(frozen=True)
class PictureFile:
    """A PNG or JPEG file to show, with a sentence about it."""

    path: Path
    caption: str


@dataclass(frozen=True)
class ReportData:
    """Everything that the report tells. What is empty is left out of the page.

    Attributes
    ----------
    created
        ISO 8601.
    summary
        A sentence or two under the title.
    highlights
        The few results to be seen first: (what, value).
    options, versions
        What the run was started with (seed, device, ...), and on what software and platform.
    counts
        The collection: by criterion (``Modality``) the number of images by value.
    left_out
        (file, reason) of all that was unreadable or excluded.
    curves
        By name (``loss/train``, ``dice/validation/heart``) the (epoch, value) pairs of the training.
    scores
        By metric (``Dice``) a row per structure.
    splits
        By part (``train``) the number of (images, patients).
    places
        (what, path) of the files that the run left behind.
    files
        (file, what was done with it) of every file met.
    """

    title: str
    project: Path
    created: str
    summary: str = ""
    highlights: Sequence[tuple[str, str]] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Step] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    left_out: Sequence[tuple[str, str]] = ()
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    scores: Mapping[str, Sequence[Score]] = field(default_factory=dict)
    splits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    pictures: Sequence[PictureFile] = ()
    warnings: Sequence[str] = ()
    places: Sequence[tuple[str, Path]] = ()
    files: Sequence[tuple[str, str]] = ()


def write_report(data: ReportData, path: Path) -> Path:
    """Write the page, whole or not at all, and give its path.

    The page is self-contained: no script, and nothing is loaded from elsewhere. Text is escaped wherever it comes from.

    Raises
    ------
    OSError
        The page cannot be written, or a picture cannot be read.
    """
    from markupsafe import Markup

    environment = page_environment()
    environment.filters["duration"] = duration
    environment.filters["moment"] = moment
    environment.filters["datauri"] = _data_uri
    figures = training_figures(data.curves)
    page = environment.get_template("report.html").render(
        data=data,
        version=__version__,
        longest=max((step.seconds for step in data.steps), default=0.0),
        # Markup only here: matplotlib has escaped the texts in its own drawing.
        figures=[(title, Markup(inline_svg(figure, f"curve{i}"))) for i, (title, figure) in enumerate(figures)],
        tables=[_table(metric, rows) for metric, rows in data.scores.items()],
        limit=LISTED,
    )
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(page, "utf-8")
    temporary.replace(path)
    return path


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 05 s`` or ``2 h 07 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(created: str) -> str:
    """``2026-03-01 14:05 UTC`` of an ISO 8601 time."""
    when = datetime.fromisoformat(created)
    zone = when.tzname()
    return f"{when:%Y-%m-%d %H:%M}" + (f" {zone}" if zone else "")


def _table(metric: str, rows: Sequence[Score]) -> dict[str, Any]:
    """A table of scores and, for a metric between 0 and 1, where its drawing begins (it ends at 1)."""
    bounded = all(0 <= value <= 1 for value in _values(rows)) and not metric.endswith(("mm", "px"))
    lowest = min((row.minimum for row in rows), default=0.0)
    start = min(0.9, int(lowest * 10) / 10)
    return {
        "metric": metric,
        "rows": rows,
        "format": "%.3f" if bounded else "%.2f",
        "start": start if bounded else None,
        "places": {v: 100 * max(0.0, min(1.0, (v - start) / (1 - start))) for v in _values(rows)} if bounded else {},
    }


def _values(rows: Sequence[Score]) -> list[float]:
    return [value for row in rows for value in (row.mean, row.low, row.high, row.minimum)]


def _data_uri(path: Path) -> str:
    content = Path(path).read_bytes()
    kind = "jpeg" if content.startswith(b"\xff\xd8\xff") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
