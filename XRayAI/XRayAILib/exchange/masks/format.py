"""Masks as pictures: a folder per label, or one label map per image.

::

    masks/right_lung/image-1.png    255 inside, 0 outside; black throughout where somebody looked and found nothing
    labelmaps/image-1.png           numbers; labels.json says which labels each number stands for
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from XRayAILib.exchange.area_join import AREAS, JOINED, LabelMap, joined
from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.format import Format, LabelledImage, Plan
from XRayAILib.exchange.grey_picture import write_values
from XRayAILib.exchange.said import Said, digest
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.objects import FindingObject, Mask
from XRayAILib.findings.schema import LabelSchema

MASKS, MAPS, LEGEND = "masks", "labelmaps", "labels.json"
INSIDE = 255
NO_EMPTY = "A mask without any pixel is not told from a label that nobody looked for."


class PngMasks(Format):
    """A black-and-white picture per label and image."""

    name = "masks"
    title = "PNG masks, a folder per label"
    becomes = AREAS
    reader = "scikit-image"
    needs = "scikit-image"

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        """As of every format, and that areas of one label become one."""
        return [*super().losses(contents, plan), JOINED]

    def join(self, objects: list[FindingObject], schema: LabelSchema) -> list[FindingObject]:
        """One mask of each label."""
        return joined(objects)

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """A picture per mask."""
        for image in images:
            for mask in image.findings.of(Mask):
                pixels = mask.array().astype(np.uint8) * np.uint8(INSIDE)
                write_values(pixels, folder / MASKS / mask.label / f"{image.name}.png")

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """By scikit-image's reader, which is imageio's."""
        from skimage.io import imread

        found: dict[str, list[Said]] = {}
        for path in sorted((folder / MASKS).glob("*/*.png")):
            said = Said(Mask.kind, path.parent.name, pixels=digest(imread(path) == INSIDE))
            found.setdefault(path.stem, []).append(said)
        yield from found.items()


class LabelMaps(Format):
    """One picture per image, in which every combination of labels has a number."""

    name = "labelmap"
    title = "PNG label maps"
    becomes = AREAS
    reader = "scikit-image"
    needs = "scikit-image"

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        """As of every format, and what a picture of numbers does not tell."""
        more = [JOINED]
        if contents.empty_masks:
            more.append(NO_EMPTY)
        return [*super().losses(contents, plan), *more]

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        """Masks that have pixels."""
        return [o for o in super().hold(item, shape) if isinstance(o, Mask) and o.area]

    def join(self, objects: list[FindingObject], schema: LabelSchema) -> list[FindingObject]:
        """One mask of each label."""
        return joined(objects)

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """A label map per image, and the legend."""
        label_map = LabelMap(area_labels(plan.schema))
        for image in images:
            values = label_map.picture(image.findings.of(Mask), image.shape)
            write_values(values, folder / MAPS / f"{image.name}.png")
        legend = {str(value): list(names) for names, value in label_map.values.items()}
        (folder / LEGEND).write_text(json.dumps({"values": legend}, indent=1), "utf-8")

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """By scikit-image's reader, which is imageio's."""
        from skimage.io import imread

        legend = json.loads((folder / LEGEND).read_text("utf-8"))["values"]
        for path in sorted((folder / MAPS).glob("*.png")):
            yield path.stem, said_in_map(imread(path), legend)


def area_labels(schema: LabelSchema) -> list[str]:
    """The labels that are drawn as areas, in the schema's order."""
    return [label.name for label in schema if BY_TOOL[label.tool].kind in AREAS]


def said_in_map(values: np.ndarray, legend: dict[str, list[str]]) -> list[Said]:
    """The masks of a label map."""
    return [Said(Mask.kind, label, pixels=digest(pixels)) for label, pixels in masks_in_map(values, legend).items()]


def masks_in_map(values: np.ndarray, legend: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """Label -> the pixels (rows, columns) that are of it; labels without any are left out."""
    found: dict[str, np.ndarray] = {}
    for value in np.unique(values):
        for label in legend.get(str(int(value)), ()) if value else ():
            found[label] = found.get(label, np.zeros(values.shape, bool)) | (values == value)
    return found
