"""What the report of the main job tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.findings.objects import now
from XRayAILib.learning.task import task_class
from XRayAILib.project.image import Image
from XRayAILib.project.intake import left_out
from XRayAILib.project.project import Project
from XRayAILib.workflow import provenance
from XRayAILib.workflow.report import PictureFile, ReportData, Score, Step

if TYPE_CHECKING:
    from XRayAILib.apps.main_outcome import Outcome
    from XRayAILib.apps.main_wishes import Wishes


TINY = 64
"""Longest side, in pixels, below which a picture shows nothing; the CRs of the pydicom package have 16."""


def report_data(project: Project, wishes: Wishes, outcome: Outcome) -> ReportData:
    """Everything of the run, as the page shows it."""
    images = project.images()
    training = outcome.training
    return ReportData(
        title="X-Ray AI: main job",
        project=project.folder,
        created=now(),
        summary=_summary(wishes, images),
        highlights=_highlights(project, training),
        options=_options(wishes, outcome),
        versions=provenance.software_versions(),
        steps=[Step(step.name, step.result, step.seconds) for step in outcome.steps if step.result],
        counts=provenance.collection_counts(images),
        left_out=_left_out(project, images, outcome),
        curves=_curves(training.get("history", [])),
        scores=_tables(project, training),
        splits=provenance.split_sizes(images),
        pictures=_pictures(project, outcome),
        warnings=outcome.warnings,
        places=_places(project, outcome),
        files=[(image.header.path, _became(image, outcome)) for image in images],
    )


def _summary(wishes: Wishes, images: list[Image]) -> str:
    patients = len({image.header.patient_key for image in images})
    what = f"{len(images)} radiographs of {patients} patients"
    if wishes.folder is None:
        return f"{what}: a computed thorax with the exact truth, and the real CRs that the pydicom package carries."
    if wishes.labels is None:
        return (
            f"{what}: your folder, and a computed thorax that supplied the labels. The model has never learnt from a "
            "real radiograph; what it finds on yours shows the way, nothing more."
        )
    return f"{what} from your folder, with your labels."


def _options(wishes: Wishes, outcome: Outcome) -> dict[str, str]:
    options = {
        "Radiographs": str(wishes.folder or "computed thorax"),
        "Labels": str(wishes.labels or "the truth of the computed thorax"),
        "Seed": str(wishes.seed),
    }
    training = outcome.training
    if training:
        ends = {"finished": "after the planned epochs", "early": "early: no better for long"}
        options |= {
            "Device": outcome.device,
            "Preset": "quick",
            "Epochs": f"{training['epochs']}, the best was {training['best_epoch']}",
            "Training ended": ends.get(training["stopped"], "at the time limit"),
            "Model": f"{training['name']}, SHA-256 {training['digest']}",
        }
    return options


def _left_out(project: Project, images: list[Image], outcome: Outcome) -> list[tuple[str, str]]:
    found = left_out(project, outcome.intake)
    found += [(image.header.path, image.excluded) for image in images if image.excluded]
    if outcome.imported is not None:
        found += [(skipped.file, " ".join(skipped.reasons)) for skipped in outcome.imported.skipped]
    return found


def _became(image: Image, outcome: Outcome) -> str:
    parts = [f"{image.header.modality or 'radiograph'}, {image.header.columns} x {image.header.rows}"]
    if image.split:
        parts.append(f"{image.split} part")
    if image.uid in set(outcome.predicted):
        parts.append("predicted")
    if image.excluded:
        parts.append(f"excluded: {image.excluded}")
    return "; ".join([*parts, *image.header.notes])


def _curves(history: list[dict[str, float]]) -> dict[str, list[tuple[float, float]]]:
    curves: dict[str, list[tuple[float, float]]] = {}
    for entry in history:
        for name, value in entry.items():
            if name not in ("epoch", "learning_rate"):
                curves.setdefault(name, []).append((entry["epoch"], value))
    return curves


def _highlights(project: Project, training: dict[str, Any]) -> list[tuple[str, str]]:
    """The first figure of every class."""
    if not training:
        return []
    metric = task_class(training["task"]).metrics[0]
    return [
        (f"{metric.title}, {_title(project, row['label'])}", metric.text(row[metric.name]))
        for row in training["test"]
        if row.get(metric.name) is not None
    ]


def _tables(project: Project, training: dict[str, Any]) -> dict[str, list[Score]]:
    """Of the first two metrics, those that have a value for every image and so a spread."""
    if not training:
        return {}
    found = {}
    for metric in task_class(training["task"]).metrics[:2]:
        rows = [row for row in training["test"] if row.get(f"{metric.name}_std") is not None]
        rows = [row for row in rows if None not in (row[f"{metric.name}_low"], row.get(f"{metric.name}_min"))]
        if rows:
            found[metric.title] = _scores(project, rows, metric.name)
    return found


def _scores(project: Project, rows: list[dict[str, Any]], metric: str) -> list[Score]:
    return [
        Score(
            label=_title(project, row["label"]),
            n=row["images"],
            mean=row[metric],
            sd=row[f"{metric}_std"],
            low=row[f"{metric}_low"],
            high=row[f"{metric}_high"],
            minimum=row[f"{metric}_min"],
            color=project.schema[row["label"].partition("=")[0]].color,
        )
        for row in rows
    ]


def _pictures(project: Project, outcome: Outcome) -> list[PictureFile]:
    pictures = []
    for case in outcome.cases:
        header = project.header(case.uid)
        unit = f"spacing {header.spacing.source.value}" if header.spacing.known else "lengths in pixels"
        for name, path in case.pictures:
            words = [w for w in (header.modality, header.view, f"{header.columns} x {header.rows}", unit) if w]
            if max(header.shape) < TINY:
                words.append("too small to find anything in")
            pictures.append(PictureFile(path, f"{case.title}: {name.lower()} ({', '.join(words)})"))
    return pictures


def _places(project: Project, outcome: Outcome) -> list[tuple[str, Path]]:
    places = [("Project", project.folder)]
    if outcome.training:
        places.append(("Model", Path(outcome.training["model"])))
    places += [(f"Scene: {case.title}", case.scene) for case in outcome.cases]
    if outcome.export is not None:
        places.append(("COCO export", outcome.export.folder))
    return places


def _title(project: Project, label: str) -> str:
    name, equals, value = label.partition("=")
    title = project.schema[name].title
    return f"{title}: {value.replace('_', ' ')}" if equals else title
