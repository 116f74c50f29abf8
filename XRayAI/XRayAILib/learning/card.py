"""The model card: what a model is for, what it was made from, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from XRayAILib.learning.device import duration_text


def model_card(manifest: Mapping[str, Any]) -> str:
    """Markdown from a model's manifest."""
    config, training, metrics = manifest["config"], manifest["training"], manifest["metrics"]
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
        *metric_table(metrics, titles),
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


def metric_table(metrics: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """A Markdown table with a line per structure."""
    lines = ["| structure | images | Dice | 95 % interval | IoU | 95 % interval |", "|---|---|---|---|---|---|"]
    for label, values in metrics.get("labels", {}).items():
        dice, iou = values["dice"], values["iou"]
        lines.append(
            f"| {titles.get(label, label)} | {dice['count']} "
            f"| {dice['mean']:.3f} ± {dice['std']:.3f} | {dice['low']:.3f} to {dice['high']:.3f} "
            f"| {iou['mean']:.3f} ± {iou['std']:.3f} | {iou['low']:.3f} to {iou['high']:.3f} |"
        )
    return lines
