"""A MONAI datalist: the decathlon's ``dataset.json`` with a section for each part.

::

    dataset.json                      training, validation, test: one entry an image
    images/image-1.png
    labels/right_lung/image-1.png     a black-and-white picture for each label that has masks, in the order of "labels"

``image`` and ``label`` are what MONAI's loaders know; ``label`` is a list, and LoadImage makes a channel of each file,
so that labels may overlap. ``box`` and ``box_label`` are as RetinaNet's transforms want them, ``landmarks`` has
x, y and visibility, ``answers`` what is said of the whole image. Coordinates begin at the outer corner of the first
pixel.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.area_join import AREAS, JOINED, joined
from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import Format, LabelledImage, Plan, facts
from XRayAILib.exchange.grey_picture import write_values
from XRayAILib.exchange.masks.format import INSIDE, area_labels
from XRayAILib.exchange.said import Said, digest
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask
from XRayAILib.findings.schema import LabelSchema

FILE, LABELS = "dataset.json", "labels"
SECTIONS = {"train": "training", "": "training", "validation": "validation", "test": "test"}
OFFSET = 0.5


class MonaiDatalist(Format):
    """MONAI's datalist."""

    name = "monai"
    title = "MONAI datalist"
    becomes = {**AREAS, "box": "box", "rotated box": "box", "landmark": "landmark", "image label": "image label"}
    forms = ("png8", "png16", "dicom")
    reader = "MONAI"
    needs = "monai"

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        """As of every format, and that all images have all masks."""
        more = [JOINED]
        if any(contents.labels[name] for name in area_labels(plan.schema)):
            more.append("Every image gets a mask of every label that is an area; it is black where none was drawn.")
        return [*super().losses(contents, plan), *more]

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        """Masks that have pixels; all others."""
        return [o for o in super().hold(item, shape) if not isinstance(o, Mask) or o.area]

    def join(self, objects: list[FindingObject], schema: LabelSchema) -> list[FindingObject]:
        """One mask of each label."""
        return joined(objects)

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """The list and the masks. Which labels have masks is known at the end, so the black ones are written then."""
        entries: dict[str, list[dict[str, Any]]] = {"training": [], "validation": [], "test": []}
        shapes: dict[str, tuple[int, int]] = {}
        used: set[str] = set()
        for image in images:
            for mask in image.findings.of(Mask):
                used.add(mask.label)
                write_values(_black_and_white(mask.array()), folder / _mask_file(mask.label, image.name))
            shapes[image.name] = image.shape
            entries[SECTIONS[image.part]].append(_entry(image))
        labels = [name for name in area_labels(plan.schema) if name in used]
        labels += sorted(used - set(labels))
        for entry in (entry for section in entries.values() for entry in section):
            files = [_mask_file(label, entry["name"]) for label in labels]
            for file in files:
                if not (folder / file).exists():
                    write_values(_black_and_white(np.zeros(shapes[entry["name"]], bool)), folder / file)
            if files:
                entry["label"] = files
        document = {
            "name": plan.title,
            "labels": {str(number): label for number, label in enumerate(labels)},
            "box_labels": {str(number): label for number, label in enumerate(_box_labels(plan))},
            "tensorImageSize": "2D",
            "modality": {"0": "X-ray"},
            "numTraining": len(entries["training"]),
            "numTest": len(entries["test"]),
            **entries,
        }
        for section in entries.values():
            for entry in section:
                entry["box_label"] = [_box_labels(plan).index(label) for label in entry["box_label"]]
        (folder / FILE).write_text(json.dumps(document, indent=1, ensure_ascii=False), "utf-8")

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """By MONAI's ``load_decathlon_datalist`` and LoadImage, section by section."""
        try:
            from monai.data import PILReader, load_decathlon_datalist
        except ImportError as error:
            raise ExportError(
                "A MONAI datalist is read again by MONAI, which is not installed here: install what training needs."
            ) from error
        document = json.loads((folder / FILE).read_text("utf-8"))
        # Not LoadImage, which makes a reader of every kind and warns of each that lacks something.
        reader = PILReader()
        for section in ("training", "validation", "test"):
            if not document[section]:
                continue
            for entry in load_decathlon_datalist(str(folder / FILE), True, section, base_dir=str(folder)):
                if not Path(entry["image"]).is_file():
                    raise ExportError(f"{self.title}: the picture {entry['image']} is missing.")
                yield entry["name"], list(_said(entry, document, reader))


def _entry(image: LabelledImage) -> dict[str, Any]:
    found = image.findings
    boxes = found.of(Box)
    return {
        "name": image.name,
        "image": image.picture,
        "patient": image.patient,
        "box": [[x + OFFSET for x in (b.x0, b.y0, b.x1, b.y1)] for b in boxes],
        "box_label": [b.label for b in boxes],
        "landmarks": [_landmark(item) for item in found.of(Landmark)],
        "answers": _answers(found),
        **facts(image),
    }


def _landmark(item: Landmark) -> dict[str, Any]:
    """A landmark outside the image has no place."""
    state = "visible" if item.visible else "outside" if item.outside else "covered"
    place = {} if item.outside else {"x": item.x + OFFSET, "y": item.y + OFFSET}
    return {"name": item.label, **place, "state": state}


def _answers(found: Findings) -> dict[str, list[str]]:
    answers: dict[str, list[str]] = {}
    for item in found.of(ImageLabel):
        answers.setdefault(item.label, []).append(item.value)
    return answers


def _box_labels(plan: Plan) -> list[str]:
    return [label.name for label in plan.schema]


def _mask_file(label: str, name: str) -> str:
    return f"{LABELS}/{label}/{name}.png"


def _black_and_white(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8) * np.uint8(INSIDE)


def _said(entry: dict[str, Any], document: dict[str, Any], reader: Any) -> Iterator[Said]:
    for number, file in enumerate(entry.get("label", ())):
        # MONAI's axes are x, y.
        pixels = np.asarray(reader.get_data(reader.read(file))[0]).T == INSIDE
        if pixels.any():
            yield Said(Mask.kind, document["labels"][str(number)], pixels=digest(pixels))
    for corners, number in zip(entry["box"], entry["box_label"], strict=True):
        yield Said(Box.kind, document["box_labels"][str(number)], tuple(c - OFFSET for c in corners))
    for landmark in entry["landmarks"]:
        state = landmark["state"]
        record = {"visible": state == "visible", "outside": state == "outside"}
        place = () if state == "outside" else (landmark["x"] - OFFSET, landmark["y"] - OFFSET)
        yield Said(Landmark.kind, landmark["name"], place, record=record)
    for label, values in entry["answers"].items():
        for value in values:
            yield Said(ImageLabel.kind, label, record={"value": value})
