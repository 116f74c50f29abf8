"""One annotation of a COCO file to finding objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayAILib.exchange.coco.outlines import Points
from XRayAILib.exchange.coco.write import PLACE
from XRayAILib.exchange.errors import AnnotationError
from XRayAILib.exchange.foreign_objects import ForeignObjects, carried, numbers
from XRayAILib.exchange.rle import decode
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.objects import FindingError, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Tool


def annotated(
    annotation: dict[str, Any], category: dict[str, Any], makes: ForeignObjects, outline: Points | None = None
) -> list[FindingObject]:
    """The objects of an annotation; :class:`AnnotationError` says what is wrong with it.

    Parameters
    ----------
    outline
        The points of its only outline, where that was looked at before and nothing is wrong with it.
    """
    own = annotation.get("xrayai")
    own = own if isinstance(own, dict) else {}
    found: list[FindingObject] = []
    if annotation.get("keypoints"):
        found += _landmarks(annotation, category, own, makes)
    segmentation = annotation.get("segmentation")
    if segmentation or not annotation.get("keypoints"):
        label = makes.label(category["name"])
        common = carried(own) if own else makes.fresh(f"{annotation['id']}/{label.name}")
        if annotation.get("iscrowd"):
            common["attributes"] = (*common["attributes"], ("crowd", "yes"))
        kind = str(own.get("kind", ""))
        if not segmentation:
            x, y, width, height = numbers(annotation.get("bbox"), "bbox", 4)
            if width <= 0 or height <= 0:
                raise AnnotationError(f"its box has the size {width:g} x {height:g}")
            found.append(makes.box(label, (x, y, x + width, y + height), common))
        elif kind in PLACE:
            found.append(KINDS[kind](label=label.name, **common, **_place(own, kind)))
        elif isinstance(segmentation, dict):
            found.append(makes.mask(label, _runs(segmentation, makes.shape), common))
        elif outline is not None and kind != Mask.kind and label.tool not in (Tool.MASK, Tool.ROTATED_BOX):
            found.append(Polygon(label=label.name, points=outline, **common))
        elif isinstance(segmentation, list):
            found += makes.region(label, [_outline(part) for part in segmentation], common, kind)
        else:
            raise AnnotationError("its 'segmentation' is neither polygons nor run lengths")
    return found


def said_of_image(image: dict[str, Any], makes: ForeignObjects) -> list[FindingObject]:
    """What is said of the whole image: ``attributes`` that are image labels of the schema, and our own extras."""
    own = image.get("xrayai")
    entries = own.get("objects", []) if isinstance(own, dict) else []
    try:
        found = [_beside(entry, makes) for entry in entries]
        attributes = image.get("attributes")
        for name, value in attributes.items() if isinstance(attributes, dict) else ():
            known = makes.labels.get(str(name))
            if known and known.tool is Tool.IMAGE and all(o.label != known.name for o in found):
                found.append(makes.image_label(known, value, makes.fresh(known.name)))
        return found
    except (FindingError, AnnotationError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnnotationError(f"what is said of the whole image cannot be read ({error})") from error


def _beside(entry: dict[str, Any], makes: ForeignObjects) -> FindingObject:
    label, common, kind = makes.label(entry["label"]).name, carried(entry), entry["kind"]
    if kind == Mask.kind:
        return Mask.from_array(np.zeros(makes.shape, bool), label=label, **common)
    if kind == ImageLabel.kind:
        return ImageLabel(label=label, value=str(entry["value"]), **common)
    if kind == Landmark.kind:
        return Landmark(label=label, x=0.0, y=0.0, visible=False, outside=True, **common)
    points = tuple(tuple(numbers(point, "point", 2)) for point in entry["points"])
    return KINDS[kind](label=label, points=points, **common)  # type: ignore[call-arg]


def _place(own: dict[str, Any], kind: str) -> dict[str, Any]:
    names = PLACE[kind]
    return dict(zip(names, numbers([own.get(name) for name in names], kind, len(names)), strict=True))


def _outline(part: object) -> np.ndarray:
    values = numbers(part, "polygon")
    if len(values) % 2 or len(values) < 6:
        raise AnnotationError(f"a polygon has {len(values)} numbers; it needs x and y of at least 3 points")
    return np.reshape(values, (-1, 2))


def _runs(segmentation: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    size = segmentation.get("size")
    if not isinstance(size, list) or tuple(size) != shape:
        raise AnnotationError(f"its run lengths are of an image of {size} (rows, columns), the image has {list(shape)}")
    try:
        return decode(segmentation.get("counts"), shape)
    except ValueError as error:
        raise AnnotationError(str(error)) from error


def _landmarks(
    annotation: dict[str, Any], category: dict[str, Any], own: dict[str, Any], makes: ForeignObjects
) -> list[Landmark]:
    names = category.get("keypoints")
    if not isinstance(names, list):
        raise AnnotationError(f"its category '{category['name']}' names no keypoints")
    values = numbers(annotation["keypoints"], "keypoints", 3 * len(names))
    entries = {str(e["label"]): e for e in own.get("objects", ()) if isinstance(e, dict) and "label" in e}
    found = []
    for place, name in enumerate(map(str, names)):
        x, y, visibility = values[3 * place : 3 * place + 3]
        if visibility not in (0, 1, 2):
            raise AnnotationError(f"the visibility of its keypoint '{name}' is {visibility:g}, not 0, 1 or 2")
        if visibility:
            label = makes.label(name)
            common = carried(entries[name]) if name in entries else makes.fresh(f"{annotation['id']}/{label.name}")
            found.append(makes.landmark(label, x, y, visibility == 2, common))
    return found
