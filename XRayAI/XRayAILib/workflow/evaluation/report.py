"""The report of an evaluation: one page that holds everything it shows, and the figures as JSON beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib import __version__
from XRayAILib.findings.agreement.bootstrap import RESAMPLES
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.card import INTENDED, OUT_OF_SCOPE, counts_text, curve_lines
from XRayAILib.learning.device import duration_text
from XRayAILib.learning.evaluation.run import class_titles
from XRayAILib.learning.splits import OUTSIDE
from XRayAILib.project.groups import GROUPS
from XRayAILib.workflow.agreement.tables import Confusion
from XRayAILib.workflow.evaluation.evaluation import PREDICTION, REFERENCE, Evaluated
from XRayAILib.workflow.evaluation.plots import forest_figure, task_drawings
from XRayAILib.workflow.evaluation.run import page_path
from XRayAILib.workflow.evaluation.tables import attribute_rows, figure_tables, group_rows
from XRayAILib.workflow.page import page_environment
from XRayAILib.workflow.plots import inline_svg, training_figures
from XRayAILib.workflow.provenance import software_versions
from XRayAILib.workflow.report import moment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from XRayAILib.learning.task import Task
    from XRayAILib.project.project import Project

PAGE = "evaluation.html"
PARTS = {"test": "test part", "validation": "validation part", "outside": "images from elsewhere", "all": "all images"}


def report_path(project: Project, evaluated: Evaluated) -> Path:
    """Where the report goes unless somebody says otherwise."""
    return page_path(project, evaluated.model.folder, evaluated.part)


def write_evaluation(project: Project, evaluated: Evaluated, path: Path) -> Path:
    """Write the page, and beside it the figures as JSON with the same name; whole or not at all.

    Raises
    ------
    OSError
        With the file's name, where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {
        path.with_suffix(".json"): json.dumps(document_of(evaluated), ensure_ascii=False, indent=1),
        path: _page(project, evaluated),
    }
    parts = {target: target.with_name(f"{target.name}.part") for target in texts}
    for target, part in parts.items():
        part.write_text(texts[target], "utf-8", newline="")
    for target, part in parts.items():
        part.replace(target)
    return path


def document_of(evaluated: Evaluated) -> dict[str, Any]:
    """The evaluation as plain JSON, image by image."""
    model = evaluated.model
    return {
        "model": model.name,
        "digest": model.digest,
        "task": model.config.task,
        "part": evaluated.part,
        "created": evaluated.created,
        "seed": evaluated.seed,
        "device": evaluated.device,
        "versions": software_versions(),
        **{name: value for name, value in evaluated.found.items() if name != "warnings"},
        "warnings": list(evaluated.warnings),
    }


def _page(project: Project, evaluated: Evaluated) -> str:
    from markupsafe import Markup

    environment = page_environment(Path(__file__).parent)
    environment.filters["moment"] = moment
    model, found = evaluated.model, evaluated.found
    task, titles = model.task, class_titles(model.task)

    def drawn(prefix: str, drawings: list[tuple[str, Figure]]) -> list[tuple[str, Markup]]:
        # Markup only here: matplotlib has escaped the texts in its own drawing.
        return [(title, Markup(inline_svg(one, f"{prefix}{i}"))) for i, (title, one) in enumerate(drawings)]

    forest = forest_figure(found["subgroups"], task)
    metric, groups = group_rows(task, found["subgroups"])
    return environment.get_template(PAGE).render(
        title=f"{model.name}: {PARTS[evaluated.part]}",
        summary=_summary(evaluated, titles),
        created=evaluated.created,
        project=project.folder,
        highlights=_highlights(evaluated),
        warnings=evaluated.warnings,
        is_test=evaluated.part in ("test", "outside"),
        tables=figure_tables(task, _parts(evaluated), titles),
        drawings=drawn("task", task_drawings(task, [image["case"] for image in found["images"]], titles)),
        confusions=_confusions(found, {label.name: label.title for label in task.legend}),
        curves=drawn("curve", training_figures(_curves(model.history, task))),
        curve_lines=[line.removeprefix("- ") for line in _curve_lines(evaluated)],
        forest=None if forest is None else Markup(inline_svg(forest[1], "forest")),
        metric=metric,
        groups=groups,
        comparisons=found["subgroups"]["comparisons"],
        method=found["subgroups"]["method"],
        small=[f"{name} ({patients})" for name, patients in found["subgroups"]["small"]],
        unknown=[f"{GROUPS[name]} ({count})" for name, count in found["subgroups"]["unknown"].items()],
        codes=[
            f"{GROUPS[attribute]} {number} is {value}"
            for attribute, values in found["codes"].items()
            for number, value in values.items()
        ],
        attributes=attribute_rows(found["confounding"], titles),
        pairs=len(found["confounding"]),
        cases=_cases(project, evaluated),
        # What is said of a whole image cannot be drawn on it.
        colors=[] if task.tools <= {Tool.IMAGE} else [("reference", REFERENCE), ("model", PREDICTION)],
        unreadable=found["unreadable"],
        made=_made(evaluated),
        split=_split(evaluated),
        intended=INTENDED,
        out_of_scope=OUT_OF_SCOPE,
        options=_options(evaluated),
        versions=software_versions(),
        json_file=f"{model.folder.name}",
        version=__version__,
    )


def _parts(evaluated: Evaluated) -> dict[str, Mapping[str, Any]]:
    parts: dict[str, Mapping[str, Any]] = {evaluated.part: evaluated.found}
    if OUTSIDE in evaluated.found:
        parts = {"inside": evaluated.found, OUTSIDE: evaluated.found[OUTSIDE]}
    return parts


def _summary(evaluated: Evaluated, titles: Mapping[str, str]) -> str:
    model, images = evaluated.model, len(evaluated.found["images"])
    names = list(titles.values())
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"{model.task.title} of {shown}, measured on {images} images of {evaluated.patients} patients."


def _highlights(evaluated: Evaluated) -> list[tuple[str, str]]:
    task, found = evaluated.model.task, evaluated.found
    shown = [("Images", str(len(found["images"]))), ("Patients", str(evaluated.patients))]
    score = found["overall"].get(task.score.name, {"value": None})
    if score["value"] is not None:
        digits = task.score.digits
        shown.append((task.score.title, f"{score['value']:.{digits}f}"))
        if score["low"] is not None:
            shown.append(("95 % interval", f"{score['low']:.{digits}f}–{score['high']:.{digits}f}"))
    shown.append(("Warnings", str(len(evaluated.warnings))))
    return shown


def _confusions(found: Mapping[str, Any], titles: Mapping[str, str]) -> list[Confusion]:
    tables = []
    for name, question in found.get("questions", {}).items():
        counts = question["confusion"]
        most = max((n for row in counts for n in row), default=0) or 1
        values = tuple(str(value) for value in question["values"])
        rows = tuple((value, tuple(row)) for value, row in zip(values, counts, strict=True))
        shades = tuple(tuple(round(60 * n / most) for n in row) for row in counts)
        tables.append(Confusion(titles.get(name, name), "reference", "model", values, rows, shades, 0))
    return tables


def _curves(history: list[dict[str, float]], task: Task) -> dict[str, list[tuple[float, float]]]:
    """By name the curves of a training; of a single class there is no line beside the mean."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for entry in history:
        for name, value in entry.items():
            metric, slash, rest = name.partition("/")
            if name != "epoch" and not ("/" in rest and len(task.classes) == 1):
                title = task.score.title if metric == task.score.name else metric
                curves.setdefault(f"{title}{slash}{rest}", []).append((entry["epoch"], value))
    return curves


def _curve_lines(evaluated: Evaluated) -> list[str]:
    training = evaluated.model.manifest["training"]
    return curve_lines(evaluated.model.history, training["best_epoch"]) if "best_epoch" in training else []


def _cases(project: Project, evaluated: Evaluated) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for case in evaluated.pictures:
        image = f"data:image/jpeg;base64,{base64.b64encode(case.image).decode('ascii')}" if case.image else ""
        file = Path(project.header(case.uid).path).name
        found.setdefault(case.kind, []).append({"image": image, "told": case.told, "file": file})
    return found


def _made(evaluated: Evaluated) -> dict[str, str]:
    """How the model was made, as far as its manifest says."""
    config, training = evaluated.model.config, evaluated.model.manifest["training"]
    made = {
        "Network": f"{config.network}, input {config.size} × {config.size} pixels",
        "Preset": f"{config.preset}, seed {config.seed}",
        "Snapshot of the labels": str(training.get("snapshot") or "not recorded"),
    }
    if "epochs" in training:
        made["Epochs"] = f"{training['epochs']} ({training['stopped']}), best: {training['best_epoch']}"
        made["Trained on"] = f"{training['device']}, {duration_text(training['seconds'])}"
    if config.folds:
        made["Folds"] = f"fold {config.fold} of {config.folds} is the test part"
    if training.get("excluded"):
        made["Left out because excluded"] = counts_text(training["excluded"])
    versions = training.get("versions", {})
    made["Made with"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    return made


def _split(evaluated: Evaluated) -> list[tuple[str, int, int]]:
    training = evaluated.model.manifest["training"]
    return [(part, n, training["patients"][part]) for part, n in training.get("images", {}).items()]


def _options(evaluated: Evaluated) -> dict[str, str]:
    model = evaluated.model
    return {
        "Model": model.name,
        "Weights, SHA-256": model.digest,
        "Part": evaluated.part,
        "Computed on": evaluated.device,
        "Intervals": f"95 %, {RESAMPLES} draws of patients, seed {evaluated.seed}",
        "Gaps of groups": "exchange of patients, corrected by Holm",
    }
