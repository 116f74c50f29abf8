"""Prediction: a model of the project says what it finds, in one image or in all."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.findings.objects import Landmark
    from XRayAILib.project.project import Project


class NoModelError(RuntimeError):
    """There is no model to predict with, and where one comes from."""


@dataclass(frozen=True)
class ModelEntry:
    """A model of the project, as a person chooses it."""

    folder: Path
    name: str
    summary: str
    """Its score on the untouched test part and the number of its labels."""
    task: str = ""
    """The title of its task."""


class Prediction:
    """Predictions of one project, one run at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("predict", interpreter)

    def models(self, project: Project) -> list[ModelEntry]:
        """The models in the project's folder, the newest first."""
        return find_models(project.models_folder)

    def start(self, project: Project, model: Path, uids: list[str] | None = None) -> None:
        """Predict on these images, or on all that are not excluded where ``uids`` is ``None``."""
        if not (Path(model) / "manifest.json").exists():
            raise NoModelError(f"{model} holds no model: train one first, or choose another.")
        self.work.begin(project.folder, {"model": str(model), "uids": uids})

    def outcome(self) -> str:
        """What the last run did, in a sentence."""
        result = self.work.result or {}
        done, failed = result.get("predicted", 0), result.get("failed", [])
        text = f"Predicted on {done} image{'s' if done != 1 else ''}"
        if not failed:
            return f"{text}."
        more = f" And {len(failed) - 1} more." if len(failed) > 1 else ""
        return f"{text}; {len(failed)} could not be read. {failed[0][1]}{more}"


def find_models(folder: Path) -> list[ModelEntry]:
    """The models below ``folder``: folders with a ``manifest.json``, the newest first.

    Behind them stand those that were trained again and are worse than the model they came from.
    """
    from XRayAILib.learning.corrections.verdict import is_set_aside

    # A folder that is being written is hidden.
    places = [path for path in folder.glob("*/manifest.json") if not path.parent.name.startswith(".")]
    manifests = sorted(places, key=lambda path: path.stat().st_mtime, reverse=True)
    folders = sorted((path.parent for path in manifests), key=is_set_aside)
    return [ModelEntry(place, place.name, *_summary(place)) for place in folders]


def card_of(model: Path) -> Path:
    """The model card; :class:`NoModelError` where it is not there."""
    from XRayAILib.learning.models.manifest import CARD

    if not (model / CARD).is_file():
        raise NoModelError(f"{model} has no model card: its {CARD} is gone.")
    return model / CARD


def predicted_answers(project: Project, uid: str) -> str:
    """What a model says that is not drawn: answers with their probability, and how sure it is of landmarks.

    ``View: PA (0.93)``; ``Unsure of landmarks, in px: Porion 12.4, Orbitale 3.6``, in millimetres where they are known.
    """
    from XRayAILib.findings.objects import ImageLabel, Landmark
    from XRayAILib.workflow.review import open_prediction

    found = open_prediction(project, uid)
    if found is None:
        return ""

    def title(label: str) -> str:
        return project.schema[label].title if label in project.schema else label

    told = []
    for item in found.of(ImageLabel):
        score = "" if item.score is None else f" ({item.score:.2f})"
        told.append(f"{title(item.label)}: {item.value}{score}")
    radii = _radii(found.of(Landmark))
    if radii:
        spacing = project.header(uid).spacing
        unit = f"mm ({spacing.source.value})" if spacing.known else "px"
        lengths = ((label, spacing.length((0.0, 0.0), (radius, 0.0)).value) for label, radius in radii)
        told.append(f"Unsure of landmarks, in {unit}: " + ", ".join(f"{title(k)} {value:.1f}" for k, value in lengths))
    return "; ".join(told)


def _radii(landmarks: list[Landmark]) -> list[tuple[str, float]]:
    """Label and radius of uncertainty in pixels, of landmarks that have one; the least sure first."""
    from XRayAILib.learning.tasks.landmarks import UNCERTAINTY

    given = [(item.label, dict(item.attributes).get(UNCERTAINTY, "")) for item in landmarks if not item.outside]
    # What a reader imported under this name need not be a number.
    known = [(label, float(text)) for label, text in given if text.replace(".", "", 1).isdigit()]
    return sorted(known, key=lambda entry: -entry[1])


def _summary(folder: Path) -> tuple[str, str]:
    """``Dice 0.962, 3 labels`` and ``Segmentation``. Whether its sums match is looked at where it is used."""
    from XRayAILib.learning.errors import TrainingError
    from XRayAILib.learning.models.manifest import MANIFEST, read_document, upgraded
    from XRayAILib.learning.task import task_class

    try:
        manifest = read_document(folder / MANIFEST)
        if manifest.get("format") == 1:
            manifest = upgraded(manifest)
        task = task_class(str(manifest.get("task", "segmentation")))
        score = task.score
        labels = len(manifest.get("labels") or [])
        overall: Any = manifest.get("metrics", {}).get("overall", {})
        value = overall.get(score.name, {}).get("value")
        measured = "" if value is None else f"{score.title} {score.text(float(value))}"
    except TrainingError as error:
        return f"its {MANIFEST} {error}", ""
    except (TypeError, ValueError, AttributeError) as error:
        return f"its {MANIFEST} is not complete ({error})", ""
    told = measured or ("made elsewhere, not measured" if "foreign" in manifest else "")
    summary = ", ".join(part for part in (told, f"{labels} label" + ("s" if labels != 1 else "")) if part)
    return summary, task.title
