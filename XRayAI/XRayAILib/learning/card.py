"""The model card: what a model is for, what it was made from, how good it is, and for whom it is worse.

After Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019. It travels with the model, so it names no image, no
patient and no hospital.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from XRayAILib.learning.device import duration_text
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.task import Task, task_class
from XRayAILib.project.groups import GROUPS

ACROSS = 3
"""Metrics beside each other in a table; more stand in the next one."""
LISTED = 12
"""Groups and associations that are listed; the manifest has all."""
INTENDED = (
    "Research only; not a medical device. Its findings are drafts for a person to judge, on radiographs like those "
    "that it was trained on."
)
OUT_OF_SCOPE = (
    "diagnosis, triage or any decision about a patient",
    "other modalities, body parts or views than those that it was trained on",
    "devices, sites and patients that differ from those of its training, until it is measured on them "
    "(`xrayai evaluate`)",
)


def model_card(manifest: Mapping[str, Any], history: Sequence[Mapping[str, float]] = ()) -> str:
    """Markdown from a model's manifest and the curves of its training."""
    training, metrics = manifest["training"], manifest["metrics"]
    titles = {label["name"]: label["title"] for label in manifest["legend"]}
    outside = metrics.get("outside")
    where = (
        "It has been measured on images like those it was trained on, and on images from elsewhere."
        if outside
        else "It has been measured on images like those it was trained on, and on no others."
    )
    counts, patients = training["images"], training["patients"]
    lines = [
        f"# {manifest['name']}",
        "",
        f"Task: {manifest['task']} of {', '.join(titles.values())} in radiographs.",
        f"Made {manifest['created']}. Weights: SHA-256 `{manifest['digest']}`.",
        "",
        "## Intended use",
        "",
        INTENDED,
        where,
        "",
        "Out of scope:",
        "",
        *(f"- {text}" for text in OUT_OF_SCOPE),
        "",
        *_warnings(metrics),
        "## How good it is",
        "",
        f"On the test part, which nothing was chosen by: {counts['test']} images of {patients['test']} patients, at "
        "the radiographs' own resolution. 95 % intervals by bootstrap over patients.",
        "",
        *metric_table(manifest),
        "",
        *_confusions(manifest),
    ]
    if outside:
        lines += [
            "### On images from elsewhere",
            "",
            f"{counts.get('outside', 0)} images of {patients.get('outside', 0)} patients that nothing was learnt from.",
            "",
            *metric_table(manifest, outside),
            "",
        ]
    return "\n".join([*lines, *_subgroups(manifest), *_confounding(manifest), *_made(manifest, history)])


def _made(manifest: Mapping[str, Any], history: Sequence[Mapping[str, float]]) -> list[str]:
    config, training = manifest["config"], manifest["training"]
    counts = training["images"]
    return [
        "## What it was made from",
        "",
        "| part | images | patients |",
        "|---|---|---|",
        *(f"| {part} | {counts[part]} | {training['patients'][part]} |" for part in counts),
        "",
        f"Labelled data set: snapshot `{training.get('snapshot', 'not recorded')}`.",
        *_parent(training.get("parent", {})),
        f"Parts are split by patient (seed {config['seed']}). Left out as unreadable: {training['left_out']}.",
        # Models of earlier versions do not say.
        f"Left out because excluded: {counts_text(training.get('excluded', {})) or 'none'}.",
        "",
        "## How it was made",
        "",
        f"- network: {config['network']}, input {config['size']} x {config['size']} pixels",
        f"- greys: {_greys(manifest['preset'])}",
        f"- preset: {config['preset']}, {training['epochs']} epochs ({training['stopped']}), "
        # The configuration may leave it to the memory at hand.
        f"best at epoch {training['best_epoch']}, batch size {training.get('batch_size') or config['batch_size']}",
        *_start(training.get("start") or {}),
        *curve_lines(history, training["best_epoch"]),
        f"- device: {training['device']}, {duration_text(training['seconds'])}",
        "- versions: " + ", ".join(f"{name} {version}" for name, version in training["versions"].items()),
        "",
    ]


def _start(start: Mapping[str, Any]) -> list[str]:
    """Whose weights it began with, and on what terms they are."""
    if not start:
        return ["- weights at the start: random"]
    own = str(start["origin"]).startswith("model ")
    # A model that was trained here from random weights is on nobody else's terms.
    terms = "" if own and not start.get("licence") else f"; licence: {start.get('licence') or 'not recorded'}"
    return [f"- weights at the start: {start['origin']} (SHA-256 `{start['sha256']}`{terms})"]


def _parent(parent: Mapping[str, Any]) -> list[str]:
    """Which model it goes on from, and what was labelled and corrected since."""
    if not parent:
        return []
    new, corrected = (", ".join(f"{n} in {part}" for part, n in parent[of].items()) for of in ("new", "corrected"))
    changed = ", ".join(f"{name} in {count} images" for name, count in parent["labels"].items())
    return [
        f"Trained again from `{parent['name']}` (SHA-256 `{parent['digest']}`) with what was labelled since: new "
        f"images: {new or 'none'}; corrected: {corrected or 'none'}{f' ({changed})' if changed else ''}; taken back: "
        f"{parent['removed']}.",
    ]


def curve_lines(history: Sequence[Mapping[str, float]], best_epoch: int) -> list[str]:
    """How a training went, in a line or two: losses at the first, best and last epoch, and a warning in words."""
    rows = [entry for entry in history if "loss/validation" in entry and "loss/train" in entry]
    if len(rows) < 2:
        return []
    best = min(rows, key=lambda entry: abs(entry["epoch"] - best_epoch))
    shown = {int(entry["epoch"]): entry for entry in (rows[0], best, rows[-1])}
    told = "; ".join(
        f"epoch {epoch}: {entry['loss/train']:.3g} and {entry['loss/validation']:.3g}" for epoch, entry in shown.items()
    )
    lines = [f"- curves (loss in training and validation): {told}"]
    least = min(entry["loss/validation"] for entry in rows)
    if rows[-1]["loss/validation"] > 1.25 * least and rows[-1]["loss/train"] <= best["loss/train"]:
        lines.append(
            "- the validation loss rose again while the training loss fell: it began to learn its images by heart; the "
            "weights of the best epoch are kept"
        )
    return lines


def _warnings(metrics: Mapping[str, Any]) -> list[str]:
    warnings = metrics.get("warnings", ())
    if not warnings:
        return []
    return ["## Warnings", "", *(f"- **{text}**" for text in warnings), ""]


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


def metric_table(manifest: Mapping[str, Any], metrics: Mapping[str, Any] | None = None) -> list[str]:
    """Markdown tables of the figures, a line per class and one for all together; what has no value is left out."""
    task = task_class(manifest["task"])
    metrics = manifest["metrics"] if metrics is None else metrics
    rows = [(_title(manifest, name), figures) for name, figures in metrics.get("labels", {}).items()]
    if len(rows) > 1:
        rows.append(("All together", metrics["overall"]))
    given = [metric for metric in task.metrics if any(_value(of, metric) is not None for _, of in rows)]
    lines: list[str] = []
    for start in range(0, len(given), ACROSS):
        shown = given[start : start + ACROSS]
        heads = "".join(f" {metric.title}{_unit(rows, metric)} | 95 % interval |" for metric in shown)
        lines += ["", f"| | images |{heads}", "|---|---|" + "---|---|" * len(shown)]
        for title, figures in rows:
            count = max((figure["count"] for figure in figures.values()), default=0)
            cells = "".join(f" {cell} |" for metric in shown for cell in _cells(metric, figures.get(metric.name)))
            lines.append(f"| {title} | {count} |{cells}")
    return lines[1:]


def _confusions(manifest: Mapping[str, Any]) -> list[str]:
    """Of each question with one answer, how often the model says what the reference says."""
    titles = {label["name"]: label["title"] for label in manifest["legend"]}
    lines = []
    for name, question in manifest["metrics"].get("questions", {}).items():
        values = [str(value) for value in question["values"]]
        lines += [f"{titles.get(name, name)}, number of images: rows are the reference, columns the model.", ""]
        lines += ["| | " + " | ".join(values) + " |", "|---" * (len(values) + 1) + "|"]
        rows = zip(values, question["confusion"], strict=True)
        lines += [*(f"| {value} | " + " | ".join(map(str, row)) + " |" for value, row in rows), ""]
    return lines


def _title(manifest: Mapping[str, Any], name: str) -> str:
    titles = {label["name"]: label["title"] for label in manifest["legend"]}
    label, _, value = name.partition("=")
    return f"{titles.get(label, label)}: {value}" if value and value != "yes" else str(titles.get(label, label))


def _unit(rows: Iterable[tuple[str, Mapping[str, Any]]], metric: Metric) -> str:
    units = {figures[metric.name].get("unit", "") for _, figures in rows if _value(figures, metric) is not None}
    unit = units.pop() if len(units) == 1 else ""
    return f", {unit or metric.unit}" if unit or metric.unit else ""


def _value(figures: Mapping[str, Any], metric: Metric) -> float | None:
    figure = figures.get(metric.name)
    return None if figure is None else figure["value"]


def _cells(metric: Metric, figure: Mapping[str, Any] | None) -> tuple[str, str]:
    if figure is None or figure["value"] is None:
        return "", ""
    spread = f" ± {figure['std']:.{metric.digits}f}" if figure.get("std") is not None else ""
    low, high = figure["low"], figure["high"]
    interval = "" if low is None or high is None else f"{low:.{metric.digits}f} to {high:.{metric.digits}f}"
    return f"{figure['value']:.{metric.digits}f}{spread}", interval


def _subgroups(manifest: Mapping[str, Any]) -> list[str]:
    subgroups = manifest["metrics"].get("subgroups")
    if subgroups is None:
        return []
    lines = ["## Subgroups", ""]
    unknown = ", ".join(f"{GROUPS[name].lower()} ({count})" for name, count in subgroups["unknown"].items())
    if unknown:
        lines += [f"Not known of every image: {unknown}.", ""]
    if not subgroups["groups"]:
        return [*lines, "No group has enough patients for figures of its own: nothing is known of subgroups.", ""]
    metric = compared_metric(task_class(manifest["task"]), subgroups)
    lines += [f"{subgroups['method']} {subgroups['comparisons']} comparisons.", ""]
    lines += [f"| group | images | patients | {metric.title} | 95 % interval | gap | corrected interval | p |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for group in sorted(subgroups["groups"], key=_smallest_p)[:LISTED]:
        value, interval = _cells(metric, {**group["figures"]["overall"].get(metric.name, {"value": None}), "std": None})
        gap = gap_of(group, metric.name)
        told = ("", "", "") if gap is None else _gap_cells(gap, metric)
        lines.append(
            f"| {group['name']} | {group['images']} | {group['patients']} | {value} | {interval} | "
            + " | ".join(told)
            + " |"
        )
    if len(subgroups["groups"]) > LISTED:
        lines.append(f"\n... and {len(subgroups['groups']) - LISTED} more in the manifest.")
    return [*lines, ""]


def compared_metric(task: type[Task], subgroups: Mapping[str, Any]) -> Metric:
    """The metric that stands for the gaps: the one the task is judged by, else the first that is compared."""
    names = [gap["metric"] for group in subgroups["groups"] for gap in group["gaps"]]
    if not names or task.score.name in names:
        return task.score
    return next((metric for metric in task.metrics if metric.name in names), task.score)


def gap_of(group: Mapping[str, Any], metric: str) -> Mapping[str, Any] | None:
    """The gap of a group over all classes, or of the only one."""
    own = [gap for gap in group["gaps"] if gap["metric"] == metric]
    whole = [gap for gap in own if not gap["class"]]
    return whole[0] if whole else own[0] if len(own) == 1 else None


def _smallest_p(group: Mapping[str, Any]) -> tuple[float, str]:
    return min((gap["corrected_p"] for gap in group["gaps"]), default=2.0), group["name"]


def _gap_cells(gap: Mapping[str, Any], metric: Metric) -> tuple[str, str, str]:
    digits = metric.digits
    p = "< 0.001" if gap["corrected_p"] < 0.001 else f"{gap['corrected_p']:.3f}"
    return (
        f"{gap['value']:+.{digits}f}",
        f"{gap['corrected_low']:+.{digits}f} to {gap['corrected_high']:+.{digits}f}",
        f"**{p}**" if gap["significant"] else p,
    )


def _confounding(manifest: Mapping[str, Any]) -> list[str]:
    found = manifest["metrics"].get("confounding")
    if not found:
        return []
    shown = [one for one in found if one["confounded"]] or found[:3]
    lines = [
        "## What an attribute alone tells",
        "",
        f"Whether sex, age, view, device or site alone already tell what is to be found: {len(found)} pairs were "
        "looked at. V is Cramér's, 0 for no association and 1 for a complete one; the AUROC is that of a model that "
        "knows nothing but the attribute. Bold: confounded.",
        "",
        "| part | attribute | class | V | AUROC of the attribute | 95 % interval | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in shown[:LISTED]:
        p = "< 0.001" if one["corrected_p"] < 0.001 else f"{one['corrected_p']:.3f}"
        interval = "" if one["low"] is None else f"{one['low']:.2f} to {one['high']:.2f}"
        lines.append(
            f"| {one['part']} | {GROUPS[one['attribute']]} | {_title(manifest, one['class'])} | {one['v']:.2f} | "
            f"{one['auroc']:.2f} | {interval} | {f'**{p}**' if one['confounded'] else p} |"
        )
    return [*lines, ""]
