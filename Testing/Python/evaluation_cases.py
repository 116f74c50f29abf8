"""A labelled project with patients of either sex, two views and two rooms, and an untrained model made in it."""

from dataclasses import replace
from pathlib import Path

from PIL import Image as Picture

from learning_cases import LABELS, TEACHER, thorax, tiny
from XRayAILib.dicom.header import Header
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.evaluation.choice import SEEN
from XRayAILib.learning.examples import gather
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import Model, write_model
from XRayAILib.learning.splits import split
from XRayAILib.learning.task import make_task
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

HISTORY = [
    {"epoch": n, "loss/train": 1 / n, "loss/validation": 1.2 / n, "dice/validation": 1 - 1 / (n + 1)} for n in (1, 2, 3)
]


def add_images(project: Project, pictures: Path, names: list[str]) -> None:
    """Labelled pictures, named by patient and number: ``07-0``."""
    pictures.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name in names:
        patient, number = (int(part) for part in name.split("-"))
        picture, masks = thorax(100 * patient + number)
        Picture.fromarray(picture).save(pictures / f"{name}.png")
        drawn[f"{name}.png"] = masks

    def describe(header: Header) -> Header:
        patient = int(Path(header.path).name[:2])
        return replace(
            header,
            patient_id=f"SECRET{patient:02d}",
            patient_sex="FM"[patient % 2],
            view=("AP", "PA")[patient % 4 // 2],
            station="CITY ROOM" if patient % 5 < 2 else "MERCY ROOM",
        )

    take_in(project, [pictures], describe=describe)
    for image in project.images():
        masks = drawn.get(Path(image.header.path).name)
        if masks is not None:
            objects = tuple(Mask.from_array(masks[label], label=label, author=TEACHER) for label in LABELS)
            project.save(Findings(image.uid, image.header.shape, TEACHER, objects))


def make_model(project: Project, **changes: object) -> Model:
    """A model with random weights, as a training on the present labels would leave it."""
    config = tiny(name="made", **changes)
    labels, examples = gather(project, config)
    divided = split(project, examples, config).examples
    task = make_task(config, legend_of(labels, project.schema))
    parts = {part: sum(e.part == part for e in divided) for part in (*SEEN, "test")}
    versions = dict.fromkeys(("torch", "monai", "numpy", "safetensors"), "1.0")
    training = {
        "created": "2026-01-01T00:00:00+00:00",
        "images": parts,
        "patients": parts,
        "snapshot": project.snapshots.create().digest,
        "left_out": 0,
        "epochs": 3,
        "best_epoch": 3,
        "stopped": "finished",
        "device": "CPU",
        "seconds": 1.0,
        "versions": versions,
    }
    metrics: dict[str, object] = {"labels": {}, "overall": {}}
    return write_model(project.models_folder, config, task, task.network().state_dict(), HISTORY, metrics, training)
