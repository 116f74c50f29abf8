"""The model card: what a model is for, what it was made from, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from XRayAILib.learning.device import duration_text
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.task import task_class


def model_card(manifest: Mapping[str, Any]) -> str:
    """Markdown from a model's manifest."""
    config, training = manifest["config"], manifest["training"]
    titles = {label["name"]: label["title"] for label in manifest["legend"]}
    counts = training["images"]
    lines = [
        f"# {manifest['name']}",
        "",
        f"Task: {manifest['task']} of {', '.join(titles.values())} in radiographs.",
        f"Made {manifest['created']}. Weights: SHA-256 `{manifest['digest']}`.",
        "",
        "## Intended use",
        "",
        "Research only; not a medical device. Its findings are drafts for a person to judge.",
        "It has been measured on images like those it was trained on, and on no others.",
        "",
        "## How good it is",
        "",
        f"On the test part, which nothing was chosen by: {counts['test']} images of {training['patients']['test']} "
        "patients, at the radiographs' own resolution. 95 % intervals by bootstrap over patients.",
        "",
        *metric_table(manifest),
        "",
        "## What it was made from",
        "",
        "| part | images | patients |",
        "|---|---|---|",
        *(f"| {part} | {counts[part]} | {training['patients'][part]} |" for part in counts),
        "",
        f"Labelled data set: snapshot `{training.get('snapshot', 'not recorded')}`.",
        f"Parts are split by patient (seed {config['seed']}). Left out as unreadable: {training['left_out']}.",
        # Models of earlier versions do not say.
        f"Left out because excluded: {counts_text(training.get('excluded', {})) or 'none'}.",
        "",
        "## How it was made",
        "",
        f"- network: {config['network']}, input {config['size']} x {config['size']} pixels",
        f"- greys: {_greys(manifest['preset'])}",
        f"- preset: {config['preset']}, {training['epochs']} epochs ({training['stopped']}), "
        f"best at epoch {training['best_epoch']}, batch size {config['batch_size']}",
        f"- device: {training['device']}, {duration_text(training['seconds'])}",
        "- versions: " + ", ".join(f"{name} {version}" for name, version in training["versions"].items()),
        "",
    ]
    return "\n".join(lines)


def _greys(preset: Mapping[str, Any]) -> str:
    stretched = f"percentiles {preset['low']:g} and {preset['high']:g} stretched to black and white"
    enhancement = preset.get("enhancement")
    if not enhancement:
        return stretched
    steps = ", ".join(str(step["step"]) for step in enhancement["steps"])
    return f"enhancement '{enhancement['name']}' ({steps}), then {stretched}"


def counts_text(counts: Mapping[str, int]) -> str:
    """Reasons with the number of their images, such as ``rule polarity (3 images), other reasons (1 image)``."""
    return ", ".join(f"{reason} ({count} image{'s' if count != 1 else ''})" for reason, count in counts.items())


def metric_table(manifest: Mapping[str, Any]) -> list[str]:
    """A Markdown table of the figures, a line per class."""
    task = task_class(manifest["task"])
    titles = {label["name"]: label["title"] for label in manifest["legend"]}
    heads = "".join(f" {metric.title} | 95 % interval |" for metric in task.metrics)
    lines = [f"| | images |{heads}", "|---|---|" + "---|---|" * len(task.metrics)]
    for label, values in manifest["metrics"].get("labels", {}).items():
        count = max((figure["count"] for figure in values.values()), default=0)
        cells = "".join(f" {cell} |" for metric in task.metrics for cell in _cells(metric, values.get(metric.name)))
        lines.append(f"| {titles.get(label, label)} | {count} |{cells}")
    return lines


def _cells(metric: Metric, figure: Mapping[str, Any] | None) -> tuple[str, str]:
    if figure is None or figure["value"] is None:
        return "", ""
    spread = f" ± {figure['std']:.{metric.digits}f}" if figure.get("std") is not None else ""
    low, high = figure["low"], figure["high"]
    interval = "" if low is None or high is None else f"{low:.{metric.digits}f} to {high:.{metric.digits}f}"
    return f"{figure['value']:.{metric.digits}f}{spread}", interval
