"""A page on which trainings are compared: what differs, what they reached, and their curves over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib import __version__
from XRayAILib.findings.objects import now
from XRayAILib.workflow.page import page_environment
from XRayAILib.workflow.plots import COLORS, INK, empty_figure, inline_svg
from XRayAILib.workflow.report import moment
from XRayAILib.workflow.runs import Run, differing, run_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from XRayAILib.project.project import Project

PAGE = "runs.html"


def write_comparison(project: Project, runs: Sequence[Run], path: Path) -> Path:
    """Write the page; whole or not at all."""
    from markupsafe import Markup

    environment = page_environment()
    environment.filters["moment"] = moment
    settings = differing(runs)
    columns, rows = run_table(runs, settings)
    # Markup only here: matplotlib has escaped the texts in its own drawing.
    drawings = [
        (title, Markup(inline_svg(figure, f"runs{i}"))) for i, (title, figure) in enumerate(curve_figures(runs))
    ]
    text = environment.get_template(PAGE).render(
        title=f"{len(runs)} training{'' if len(runs) == 1 else 's'} compared",
        created=now(),
        project=project.folder,
        # A column that is the same for all, or empty, says nothing in a wide table.
        columns=_told(columns, rows, len(columns) - len(settings)),
        rows=rows,
        drawings=drawings,
        failed=[(run.key, run.why) for run in runs if run.why],
        version=__version__,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, "utf-8", newline="")
    part.replace(path)
    return path


def curve_figures(runs: Sequence[Run]) -> list[tuple[str, Figure]]:
    """A figure with its title for the losses and the score on the validation part, a line for each run."""
    score = runs[0].score
    titles = {"loss/train": "Loss, training part", "loss/validation": "Loss, validation part"}
    if score is not None:
        titles = {f"{score.name}/validation": f"{score.title}, validation part", **titles}
    found = []
    for name, title in titles.items():
        lines = {run.key: run.curves[name] for run in runs if run.curves.get(name)}
        if lines:
            found.append((title, _figure(lines, {run.key: i for i, run in enumerate(runs)})))
    return found


def _figure(lines: Mapping[str, Sequence[tuple[float, float]]], positions: Mapping[str, int]) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure, axes = empty_figure(3.4)
    for key, points in lines.items():
        steps, values = zip(*points, strict=True)
        position = positions[key]
        axes.plot(
            steps,
            values,
            color=COLORS[position % len(COLORS)],
            # More runs than colours differ by their strokes.
            linestyle=("-", "--", ":", "-.")[position // len(COLORS) % 4],
            linewidth=1.7,
            marker="o" if len(points) < 3 else None,
            label=key.replace("$", r"\$"),
        )
    axes.set_xlabel("Epoch", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)
    return figure


def _told(columns: Sequence[str], rows: Sequence[Sequence[str]], fixed: int) -> list[tuple[int, str]]:
    """(position, title) of the columns that tell something."""
    return [
        (i, title)
        for i, title in enumerate(columns)
        if i == 0 or i >= fixed or (any(row[i] for row in rows) and len({row[i] for row in rows} | {""}) > 1)
    ]
