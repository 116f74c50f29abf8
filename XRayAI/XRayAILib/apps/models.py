"""Models from the terminal: list, show, compare, export, import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from XRayAILib.apps.console import Step, as_json, console, plain, running
from XRayAILib.learning.errors import ModelError
from XRayAILib.project.project import Project
from XRayAILib.workflow.prediction import find_models

if TYPE_CHECKING:
    import numpy as np

    from XRayAILib.learning.model import Model
    from XRayAILib.learning.models.comparison import Compared

POINTS = 12
"""Epochs that the curves show."""
REAL = 4
"""Images of the project with which an ONNX export is checked."""


def find_model(text: str, project_folder: Path | None) -> Model:
    """A model of the project by name, or any by its folder; :class:`ModelError` says which there are."""
    from XRayAILib.learning.model import Model

    names: list[str] = []
    if project_folder is not None:
        with Project.open(project_folder) as project:
            place = project.models_folder
        names = sorted(entry.name for entry in find_models(place))
        if text in names:
            return Model.load(place / text)
    if Path(text).is_dir():
        return Model.load(Path(text))
    there = f"; the project has {', '.join(names)}" if names else ""
    more = "" if project_folder is not None else " Name the project with --project, or the model's folder."
    raise ModelError(f"There is no model '{text}'{there}.{more}")


def list_project_models(folder: Path, as_document: bool) -> None:
    """A line for each model, and one for each that is refused."""
    from XRayAILib.learning.model import list_models

    with Project.open(folder) as project:
        good, refused = list_models(project.models_folder)
    if as_document:
        reasons = [{"folder": path.name, "reason": reason} for path, reason in refused]
        print(as_json({"models": [_document(model) for model in good], "refused": reasons}))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("Name", "Task", "Labels", "On its test part", "Made"):
        table.add_column(column)
    for model in good:
        labels = ", ".join(model.labels[:4]) + (f" and {len(model.labels) - 4} more" if len(model.labels) > 4 else "")
        cells = (model.folder.name, model.config.task, labels, _score(model))
        table.add_row(*map(plain, cells), plain(str(model.manifest.get("created", ""))[:16].replace("T", " ")))
    if good:
        console.print(table)
    elif not refused:
        console.print(f"There are no models yet. Train one with: xrayai train --project {plain(str(folder))}")
    for path, reason in refused:
        console.print(f"[bold red]refused[/]  {plain(path.name)}: {plain(reason)}", soft_wrap=True)


def _score(model: Model) -> str:
    from XRayAILib.learning.models.comparison import figure_of, figure_text

    score = model.task.score
    figure = figure_of(model, "", score.name)
    if figure is None:
        return "made elsewhere, not measured" if model.foreign is not None else "not measured"
    return f"{score.title} {figure_text(figure, score)}"


def _document(model: Model) -> dict[str, Any]:
    return {
        "folder": model.folder.name,
        "name": model.name,
        "digest": model.digest,
        "task": model.config.task,
        "labels": list(model.labels),
        "created": model.manifest.get("created"),
        "made_elsewhere": model.foreign is not None,
        "metrics": dict(model.metrics),
    }


def show_model(model: Model, as_document: bool) -> None:
    """Facts, figures and curves."""
    if as_document:
        print(as_json({**_document(model), "manifest": dict(model.manifest), "history": model.history}))
        return
    for name, value in _facts(model):
        console.print(f"[bold]{name:<15}[/] {plain(value)}", soft_wrap=True)
    for table in (figure_table([model]), _curve_table(model)):
        if table.row_count:
            console.print()
            console.print(table)
    console.print(f"\nModel card: {plain(str(model.folder / 'docs' / 'README.md'))}", soft_wrap=True)


def _facts(model: Model) -> list[tuple[str, str]]:
    made = model.manifest.get("training", {})
    images, patients = made.get("images", {}), made.get("patients", {})
    parts = ", ".join(f"{part}: {count} of {patients.get(part)} patients" for part, count in images.items())
    network = model.network_name
    if model.foreign is not None:
        network = model.foreign.network.name if model.foreign.network else "in its ONNX file"
    facts = [
        ("Name", model.name),
        ("Weights", f"SHA-256 {model.digest}"),
        ("Task", f"{model.task.title} of {', '.join(label.title for label in model.legend)}"),
        ("Network", f"{network}, input {model.preset.size} x {model.preset.size} pixels"),
        ("Made", str(model.manifest.get("created"))),
        ("Images", parts),
        ("Snapshot", str(made.get("snapshot") or "")),
        ("Training", _training(made)),
    ]
    if model.foreign is not None:
        origin = model.manifest.get("origin", {})
        facts += [
            ("Made elsewhere", f"from the file {origin.get('file')}, SHA-256 {origin.get('sha256')}"),
            ("Licence", model.foreign.licence or "not stated"),
            ("Source", model.foreign.source or "not stated"),
        ]
    onnx = model.manifest.get("onnx")
    if isinstance(onnx, dict):
        checked = f"{onnx.get('real')} radiographs and {onnx.get('random')} random images"
        facts.append(("ONNX", f"equal to torch within {onnx.get('largest_difference'):.2g} on {checked}"))
    return [(name, value) for name, value in facts if value]


def _training(made: Mapping[str, Any]) -> str:
    return f"{made['epochs']} epochs ({made.get('stopped')}) on {made.get('device')}" if made.get("epochs") else ""


def figure_table(models: Sequence[Model]) -> Table:
    """Figures on the models' own test parts: a column for each metric of one model, or for each of several models."""
    from XRayAILib.learning.models.comparison import figure_of, figure_text

    task = models[0].task
    classes = list(dict.fromkeys(name for model in models for name in ("", *model.metrics.get("labels", {}))))
    rows = [name for name in (*classes[1:], "") if any(_has(model, name) for model in models)]
    if len(rows) == 2 and rows[1] == "":
        rows = rows[:1]
    table = Table(box=None, pad_edge=False)
    table.add_column("Test part")
    if len(models) == 1:
        metrics = [m for m in task.metrics if any(figure_of(models[0], name, m.name) for name in rows)]
        for metric in metrics:
            table.add_column(metric.title, justify="right")
        for name in rows:
            cells = [figure_text(figure_of(models[0], name, metric.name), metric) for metric in metrics]
            table.add_row(plain(name.replace("_", " ") or "all"), *cells)
        return table
    table.add_column("")
    for model in models:
        table.add_column(plain(model.folder.name), justify="right")
    for name in rows:
        for metric in task.metrics:
            cells = [figure_text(figure_of(model, name, metric.name), metric) for model in models]
            if any(cells):
                table.add_row(plain(name.replace("_", " ") or "all"), metric.title, *cells)
    return table


def _has(model: Model, name: str) -> bool:
    found = model.metrics.get("labels", {}).get(name) if name else model.metrics.get("overall")
    return bool(found)


def _curve_table(model: Model) -> Table:
    """Some epochs of the training, evenly spread, the last one among them."""
    history = [row for row in model.history if isinstance(row, dict)]
    step = max(1, -(-len(history) // POINTS))
    shown = history[::-1][::step][::-1]
    columns = list(dict.fromkeys(key for row in shown for key, value in row.items() if isinstance(value, (int, float))))
    table = Table(box=None, pad_edge=False, title="Training" if shown else None, title_justify="left")
    for column in columns:
        table.add_column(plain(column), justify="right")
    for row in shown:
        table.add_row(*(f"{row[c]:.4g}" if isinstance(row.get(c), (int, float)) else "" for c in columns))
    return table


def compare_models(
    models: Sequence[Model], project_folder: Path | None, on_test: bool, device: str, as_document: bool
) -> None:
    """Side by side; with ``on_test`` on the same images."""
    from XRayAILib.learning.models.comparison import compare_on_test, require_one_task, unlike_test_parts

    require_one_task(models)
    if not on_test:
        warning = unlike_test_parts(models)
        if as_document:
            print(as_json({"models": [_document(model) for model in models], "warning": warning}))
            return
        console.print(figure_table(models))
        if warning:
            console.print(f"[bold yellow]Note[/]  {plain(warning)}", soft_wrap=True)
        return
    if project_folder is None:
        raise ModelError("--on-test needs the project whose images are read: name it with --project.")
    step = Step(1, "Compare")
    with Project.open(project_folder) as project, running(step) as bar:

        def emit(event: dict[str, Any]) -> None:
            if event.get("event") == "progress":
                bar.show(event["done"], event["total"], event["message"])

        found, images, patients = compare_on_test(models, project, device, emit)
        step.result = f"{len(models)} models on {images} images of {patients} patients"
    if as_document:
        others = zip(models[1:], found, strict=True)
        rows = [{"model": model.folder.name, "figures": [vars(one) for one in of]} for model, of in others]
        document = {"reference": models[0].folder.name, "images": images, "patients": patients, "compared": rows}
        print(as_json(document))
        return
    for model, of in zip(models[1:], found, strict=True):
        console.print(_compared_table(models[0], model, of))


def _compared_table(first: Model, other: Model, found: Sequence[Compared]) -> Table:
    metrics = {metric.name: metric for metric in first.task.metrics}
    table = Table(box=None, pad_edge=False)
    for column in ("", "", plain(first.folder.name), plain(other.folder.name), "Difference", "95 % interval", ""):
        table.add_column(column, justify="right" if column else "left")
    for one in found:
        metric = metrics.get(one.metric)
        digits = metric.digits if metric else 3
        interval = "" if one.low is None or one.high is None else f"{one.low:+.{digits}f} to {one.high:+.{digits}f}"
        verdict = ""
        if one.is_clear:
            is_better = (one.difference > 0) == (metric is None or metric.better == "higher")
            verdict = "better" if is_better else "worse"
        values = [f"{value:.{digits}f}" for value in (one.first, one.other)]
        name = one.name.replace("_", " ") or "all"
        title = metric.title if metric else one.metric
        table.add_row(plain(name), title, *values, f"{one.difference:+.{digits}f}", interval, verdict)
    return table


def export_to(model: Model, project_folder: Path | None, out: Path | None, onnx: bool) -> None:
    """Export, checked against the identities of the project."""
    from XRayAILib.learning.models.exporting import export_model

    if out is None and project_folder is None:
        raise ModelError("Say where to: with --out, or with --project for its folder of exports.")
    step = Step(1, "Export")
    with running(step):
        images: list[np.ndarray] = []
        identities: frozenset[str] = frozenset()
        if project_folder is not None:
            with Project.open(project_folder) as project:
                identities = project_identities(project)
                if onnx:
                    images = _squares(model, project)
                out = out or project.exports_folder / f"{model.folder.name}.zip"
        assert out is not None
        made = export_model(model, out, onnx, images, identities)
        step.result = str(made)
        if onnx:
            step.notes = ["models/model.onnx gives what torch gives; the tolerance stands in manifest.json"]


def project_identities(project: Project) -> frozenset[str]:
    """Texts that say who a patient of a project is, or which image is whose.

    Without those that are plain words or short numbers, which stand in any model for other reasons.
    """
    found: set[str] = set()
    for image in project.images():
        header = image.header
        values = (image.uid, header.patient_id, header.patient_name, Path(header.path).name, header.path)
        found.update(value for value in values if len(value) > 4 and any(c.isdigit() or c in "^ /" for c in value))
    return frozenset(found)


def _squares(model: Model, project: Project) -> list[np.ndarray]:
    """What the model's preset makes of some radiographs of the project that can be read."""
    from XRayAILib.dicom.errors import UnreadableError

    found: list[np.ndarray] = []
    for image in project.images():
        if len(found) == REAL:
            break
        if image.excluded:
            continue
        try:
            found.append(model.preset.fit_radiograph(project.radiograph(image.uid)).image)
        except UnreadableError:
            # A check with the next one says as much.
            continue
    return found


def import_into(source: Path, project_folder: Path, description: Path | None, name: str) -> None:
    """Import, and say what is to be done before it can be used."""
    from XRayAILib.learning.models.importing import import_model

    step = Step(1, "Import")
    with running(step):
        with Project.open(project_folder) as project:
            model = import_model(source, project.models_folder, description, project.schema, name)
            project.audit("import model", f"{model.folder.name} {model.digest}")
            schema = project.schema
        step.result = f"{model.folder.name}: {model.config.task} of {', '.join(model.labels[:6])}"
        try:
            model.check_schema(schema)
        except ModelError as error:
            step.notes = [str(error)]


def show_example() -> None:
    """The description in the documentation of :mod:`XRayAILib.learning.models.description`."""
    from XRayAILib.learning.models.description import EXAMPLE

    console.print(plain(EXAMPLE), soft_wrap=True)
