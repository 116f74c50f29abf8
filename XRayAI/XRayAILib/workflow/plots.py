"""Curves of a training as drawings that sit well in a page, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#2a7de1", "#e8743b", "#19a979", "#a05fc9", "#d0487a", "#8c8f2a", "#5f7f95")
"""Told apart on white and on black, and by most who see red and green alike."""

INK = "#7f7f01"
"""Stands for the colour of the page's text until the drawing is in the page; nothing else is drawn in it."""

Curve = Sequence[tuple[float, float]]


def training_figures(curves: Mapping[str, Curve]) -> list[tuple[str, Figure]]:
    """A figure with its title for the loss, and one for every other metric.

    Parameters
    ----------
    curves
        By name the (epoch, value) pairs. ``loss/train`` and ``loss/validation`` share a figure; so do
        ``dice/validation`` and ``dice/validation/heart``. The learning rate is not drawn.
    """
    groups: dict[str, dict[str, Curve]] = {}
    for name, points in curves.items():
        metric, _, rest = name.partition("/")
        if points and metric != "learning_rate":
            groups.setdefault(metric, {})[rest] = points
    ordered = sorted(groups.items(), key=lambda item: (item[0] != "loss", item[0]))
    return [(_title(metric), _figure(metric, lines)) for metric, lines in ordered]


def inline_svg(figure: Figure, prefix: str) -> str:
    """The figure as an ``<svg>`` element in the page's own font and text colour.

    Parameters
    ----------
    prefix
        Makes the ids of this drawing differ from those of others in the page.
    """
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r'^<svg [^>]*?viewBox="([^"]*)"[^>]*>', rf'<svg role="img" viewBox="\1" id="{prefix}">', svg, count=1)
    return svg.replace(INK, "currentColor").replace("'DejaVu Sans'", "inherit").replace("DejaVu Sans", "inherit")


def empty_figure(height: float) -> tuple[Figure, Axes]:
    """A figure of this height in inches and its axes, in the look of all reports."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, height), layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(colors=INK, labelsize=9, length=3)
    axes.grid(True, axis="y", color=INK, alpha=0.18, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)
        spine.set_alpha(0.5)
    return figure, axes


def _figure(metric: str, lines: Mapping[str, Curve]) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure, axes = empty_figure(3.1)
    for i, (name, points) in enumerate(lines.items()):
        steps, values = zip(*points, strict=True)
        # The mean over all structures stands out from the structures.
        strong = metric == "loss" or "/" not in name
        axes.plot(
            steps,
            values,
            color=COLORS[i % len(COLORS)],
            linewidth=2.0 if strong else 1.3,
            marker="o" if len(points) < 3 else None,
            label=_label(name, lines, metric),
        )
    axes.set_xlabel("Epoch", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if all(0 <= value <= 1 for points in lines.values() for _, value in points) and metric != "loss":
        axes.set_ylim(top=1.0)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    return figure


def _label(name: str, lines: Mapping[str, Curve], metric: str) -> str:
    if any(other.startswith(f"{name}/") for other in lines):
        return "Mean"  # of the structures, which stand beside it
    return _title(name.rpartition("/")[2] or metric).replace("$", r"\$")


def _title(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
