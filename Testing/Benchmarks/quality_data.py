"""The real sets of the data folder as projects, each with its labels as what counts as true."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from XRayAILib.dicom.header import Header
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.label import Label, Tool
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

TEACHER = Author.imported("data set")
COLORS = ("#d9822b", "#2b83d9", "#3aa655", "#b455c8", "#c8b455")
STRUCTURES = ("right_lung", "left_lung", "cardiomediastinum")
MIRRORS = {"right_lung": "left_lung", "left_lung": "right_lung"}
FOLDERS = {
    "segmentation": "chest-segmentation",
    "detection": "chest-boxes",
    "landmarks": "cephalometric-landmarks",
    "classification": "chest-classification",
}

Said = dict[str, list[FindingObject]]


def make_project(task: str, data: Path, folder: Path) -> Project:
    """A new project with the images and labels that a task is measured on, open."""
    source = data / FOLDERS[task]
    facts, said, schema = READERS[task](source)

    def describe(header: Header) -> Header:
        row = facts.get(Path(header.path).name, {})
        # A picture of nobody in particular is a patient of its own.
        patient = row.get("patient_id") or row.get("patient") or ""
        age = row.get("age") or ""
        return replace(
            header,
            patient_id=patient,
            patient_sex=row.get("sex") or "",
            patient_age=f"{int(float(age)):03d}Y" if age.replace(".", "").isdigit() else "",
            view=row.get("view") or "",
        )

    project = Project.create(folder, schema=schema)
    take_in(project, [source / "images"], describe=describe)
    for image in project.images():
        objects = said.get(Path(image.header.path).name)
        if objects is not None:
            project.save(Findings(image.uid, image.header.shape, TEACHER, tuple(objects)))
    return project


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _segmentation(source: Path) -> tuple[dict[str, dict[str, str]], Said, LabelSchema]:
    from PIL import Image

    facts = {row["filename"]: row for row in _rows(source / "metadata.csv")}
    said: Said = {}
    for name in facts:
        said[name] = []
        for structure in STRUCTURES:
            with Image.open(source / "masks" / structure / name) as picture:
                mask = np.asarray(picture.convert("L")) > 127
            said[name].append(Mask.from_array(mask, label=structure, author=TEACHER))
    labels = tuple(
        Label(name, name.replace("_", " ").capitalize(), Tool.MASK, color, mirror=MIRRORS.get(name, ""))
        for name, color in zip(STRUCTURES, COLORS, strict=False)
    )
    return facts, said, LabelSchema("chest", labels)


def _detection(source: Path) -> tuple[dict[str, dict[str, str]], Said, LabelSchema]:
    facts = {row["filename"]: row for row in _rows(source / "metadata.csv")}
    document = json.loads((source / "annotations.json").read_text("utf-8"))
    names = {image["id"]: image["file_name"] for image in document["images"]}
    kinds = {one["id"]: one["name"].lower().replace(" ", "_") for one in document["categories"]}
    said: Said = {name: [] for name in names.values()}
    for one in document["annotations"]:
        x, y, width, height = one["bbox"]
        # COCO counts from the outer corner of the first pixel, the library from its centre.
        left, top = x - 0.5, y - 0.5
        label = kinds[one["category_id"]]
        box = Box(label=label, author=TEACHER, x0=left, y0=top, x1=left + width, y1=top + height)
        said[names[one["image_id"]]].append(box)
    labels = tuple(
        Label(name, name.replace("_", " ").capitalize(), Tool.BOX, color, mirror=MIRRORS.get(name, ""))
        for name, color in zip(sorted(kinds.values(), reverse=True), COLORS, strict=False)
    )
    return facts, said, LabelSchema("lung boxes", labels)


def _landmarks(source: Path) -> tuple[dict[str, dict[str, str]], Said, LabelSchema]:
    said: Said = defaultdict(list)
    names = set()
    for row in _rows(source / "landmarks.csv"):
        names.add(row["landmark"])
        x, y = float(row["x"]), float(row["y"])
        said[row["filename"]].append(Landmark(label=row["landmark"], author=TEACHER, x=x, y=y))
    labels = tuple(
        Label(name, name, Tool.LANDMARK, COLORS[number % len(COLORS)]) for number, name in enumerate(sorted(names))
    )
    return {}, dict(said), LabelSchema("cephalometric", labels)


def _classification(source: Path) -> tuple[dict[str, dict[str, str]], Said, LabelSchema]:
    facts = {row["filename"]: row for row in _rows(source / "labels.csv")}
    said: Said = {
        name: [ImageLabel(label="finding", author=TEACHER, value=row["label"])] for name, row in facts.items()
    }
    options = tuple(sorted({row["label"] for row in facts.values()}))
    labels = (Label("finding", "Finding", Tool.IMAGE, COLORS[0], options=options),)
    return facts, said, LabelSchema("pneumonia", labels)


READERS: dict[str, Callable[[Path], tuple[dict[str, dict[str, str]], Said, LabelSchema]]] = {
    "segmentation": _segmentation,
    "detection": _detection,
    "landmarks": _landmarks,
    "classification": _classification,
}
