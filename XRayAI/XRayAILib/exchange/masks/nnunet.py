"""The raw data set of nnU-Net v2 (documentation/dataset_format.md and region_based_training.md there).

::

    Dataset501_XRayAI/dataset.json
    Dataset501_XRayAI/imagesTr/image-1_0000.png    training and validation; test images are in imagesTs
    Dataset501_XRayAI/labelsTr/image-1.png         numbers of labels; of test images in labelsTs
    Dataset501_XRayAI/splits_final.json            the project's split, for nnUNet_preprocessed

Where masks of two labels share pixels the labels are regions: each combination that occurs has a number, and a label
is the list of the numbers that it is part of. So nothing is cut, and one data set holds all labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from XRayAILib.exchange.area_join import AREAS, JOINED, LabelMap, joined
from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import Format, LabelledImage, Plan
from XRayAILib.exchange.grey_picture import write_values
from XRayAILib.exchange.masks.format import NO_EMPTY, area_labels, said_in_map
from XRayAILib.exchange.said import Said
from XRayAILib.findings.objects import FindingObject, Mask
from XRayAILib.findings.schema import LabelSchema

DATASET = "Dataset501_XRayAI"
DESCRIPTION = "dataset.json"
SPLITS = "splits_final.json"


class NnUNet(Format):
    """nnU-Net v2's raw data set."""

    name = "nnunet"
    title = "nnU-Net v2"
    becomes = AREAS
    forms = ("png8", "png16")
    reader = "SimpleITK"

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        """As of every format, and what becomes of areas that overlap."""
        labels = [name for name in area_labels(plan.schema) if contents.labels[name]]
        more = [JOINED]
        if contents.empty_masks:
            more.append(NO_EMPTY)
        if len(labels) > 1:
            more.append(
                f"Where two of the labels {', '.join(labels)} share pixels, the data set is written for region-based "
                "training (each combination has a number), so that neither is cut."
            )
        return [*super().losses(contents, plan), *more]

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        """Masks that have pixels."""
        return [o for o in super().hold(item, shape) if isinstance(o, Mask) and o.area]

    def join(self, objects: list[FindingObject], schema: LabelSchema) -> list[FindingObject]:
        """One mask of each label."""
        return joined(objects)

    def picture(self, name: str, ending: str, part: str) -> str:
        """``_0000`` is the first channel."""
        return f"{DATASET}/images{_end(part)}/{name}_0000{ending}"

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """Label maps, description, and the split."""
        label_map = LabelMap(area_labels(plan.schema))
        if taken := {"background", "ignore"} & set(label_map.labels):
            raise ExportError(f"nnU-Net means something of its own by '{taken.pop()}': give that label another name.")
        parts: dict[str, str] = {}
        (folder / DATASET).mkdir()
        for image in images:
            values = label_map.picture(image.findings.of(Mask), image.shape)
            write_values(values, folder / DATASET / f"labels{_end(image.part)}" / f"{image.name}.png")
            parts[image.name] = image.part
        training = [name for name, part in parts.items() if part != "test"]
        description = {
            "channel_names": {"0": "X-ray"},
            **_labels(label_map),
            "numTraining": len(training),
            "file_ending": ".png",
            "overwrite_image_reader_writer": "NaturalImage2DIO",
            "name": plan.title,
        }
        _write(folder / DATASET / DESCRIPTION, description)
        validation = [name for name in training if parts[name] == "validation"]
        if validation:
            fold = {"train": [name for name in training if name not in set(validation)], "val": validation}
            _write(folder / DATASET / SPLITS, [fold])

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """By SimpleITK, with the labels as ``dataset.json`` says them."""
        import SimpleITK as sitk

        legend = legend_of(json.loads((folder / DATASET / DESCRIPTION).read_text("utf-8")))
        for path in sorted((folder / DATASET).glob("labelsT[rs]/*.png")):
            yield path.stem, said_in_map(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), legend)

    def check(self, folder: Path, plan: Plan) -> None:
        """What nnU-Net's verify_dataset_integrity insists on: one image per label map, as many as it says."""
        place = folder / DATASET
        description = json.loads((place / DESCRIPTION).read_text("utf-8"))
        for end in ("Tr", "Ts"):
            pictures = {path.stem.removesuffix("_0000") for path in (place / f"images{end}").glob("*_0000.png")}
            labels = {path.stem for path in (place / f"labels{end}").glob("*.png")}
            if pictures != labels:
                raise ExportError(f"{self.title}: {sorted(pictures ^ labels)[0]} has a picture or labels, not both.")
            if end == "Tr" and len(labels) != description["numTraining"]:
                raise ExportError(
                    f"{self.title}: numTraining is {description['numTraining']}, there are {len(labels)}."
                )


def _end(part: str) -> str:
    return "Ts" if part == "test" else "Tr"


def _labels(label_map: LabelMap) -> dict[str, Any]:
    if not label_map.overlapping:
        return {"labels": {"background": 0, **{names[0]: value for names, value in label_map.values.items()}}}
    # Predicted regions are painted in this order; the smaller ones last, so that they stay visible.
    regions = label_map.regions()
    order = [label_map.values[label,] for label in label_map.labels]
    return {"labels": {"background": 0, **regions}, "regions_class_order": order}


def legend_of(description: dict[str, Any]) -> dict[str, list[str]]:
    """Value -> labels, from nnU-Net's label -> value or list of values."""
    legend: dict[str, list[str]] = {}
    for label, values in description["labels"].items():
        for value in values if isinstance(values, list) else [values]:
            if value:
                legend.setdefault(str(value), []).append(label)
    return legend


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=1), "utf-8")
