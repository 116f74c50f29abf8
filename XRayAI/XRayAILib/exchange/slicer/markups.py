"""Shapes as 3D Slicer's markups (``.mrk.json``, markups-schema 1.0.3), written without Slicer.

Positions are LPS, as :mod:`XRayAILib.exchange.masks.nrrd_place` places an image. Slicer knows no ellipse, Cobb angle or
cardiothoracic ratio: the first is written as the box around it, the others as their points. In the member ``xrayai``,
which Slicer passes over, each markup says which object it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.exchange.masks.nrrd_place import to_lps, to_pixels
from XRayAILib.exchange.slicer.segmentation import identity_of
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.measurements import Angle, Line, Measurement
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.record import record_of
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
THICKNESS = 0.01
"""Of a flat box, in mm."""
OWN = "xrayai"
TYPES: dict[type[FindingObject], str] = {Polygon: "ClosedCurve", Polyline: "Curve", Line: "Line", Angle: "Angle"}


def markups_document(objects: Iterable[FindingObject], spacing: Spacing, schema: LabelSchema) -> dict[str, Any]:
    """The file of all shapes and landmarks of one image; the landmarks are the points of one list."""
    objects = [item for item in objects if not isinstance(item, (Mask, ImageLabel))]
    shapes = [_markup(item, spacing, schema) for item in objects if not isinstance(item, Landmark)]
    landmarks = [item for item in objects if isinstance(item, Landmark)]
    if landmarks:
        shapes.append(_landmarks(landmarks, spacing, schema))
    return {"@schema": SCHEMA, "markups": shapes}


def objects_in(document: dict[str, Any], spacing: Spacing) -> Iterator[FindingObject]:
    """The objects of a file of ours; ValueError or KeyError where it is damaged."""
    for markup in document["markups"]:
        own = markup[OWN]
        points = [point["position"] for point in markup.get("controlPoints", ()) if "position" in point]
        if own["kind"] == Landmark.kind:
            yield from _landmarks_in(markup, own["objects"], spacing)
            continue
        kind, common = KINDS[own["kind"]], identity_of(own)
        if kind in (Box, RotatedBox, Ellipse):
            yield _roi_object(kind, markup, common, spacing)
        else:
            yield kind(points=pairs(points, spacing), **common)  # type: ignore[call-arg]  # all others have points


def foreign_objects(
    markup: dict[str, Any], spacing: Spacing, kind: type[FindingObject], common: dict[str, Any]
) -> FindingObject:
    """The object in a markup of somebody else's, as near to ``kind`` as what was drawn allows."""
    drawn = str(markup.get("type", ""))
    if drawn == "ROI":
        return _roi_object(kind if kind in (Box, RotatedBox, Ellipse) else Box, markup, common, spacing)
    points = pairs([p["position"] for p in markup.get("controlPoints", ()) if "position" in p], spacing)
    if issubclass(kind, Measurement) and len(points) == len(kind.parts):
        return kind(points=points, **common)
    found = {name: shape for shape, name in TYPES.items()}.get(drawn)
    if found is None:
        raise ValueError(f"a markup of the type '{drawn}' is no finding")
    return found(points=points, **common)  # type: ignore[call-arg]  # all of TYPES have points


def in_lps(markup: dict[str, Any]) -> dict[str, Any]:
    """The markup with its positions in LPS, which files of older programs have in RAS."""
    if markup.get("coordinateSystem", "LPS") in ("LPS", 0, "0"):
        return markup
    turned = {**markup, "coordinateSystem": "LPS"}
    for point in turned.get("controlPoints", ()):
        if "position" in point:
            x, y, z = point["position"]
            point["position"] = [-x, -y, z]
    if "center" in turned:
        x, y, z = turned["center"]
        turned["center"] = [-x, -y, z]
    return turned


def _markup(item: FindingObject, spacing: Spacing, schema: LabelSchema) -> dict[str, Any]:
    label = next((label for label in schema if label.name == item.label), None)
    color = list(label.rgb) if label else [0.75, 0.75, 0.75]
    common: dict[str, Any] = {
        "name": label.title if label else item.label,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        OWN: {"kind": item.kind, **record_of(item)},
        "display": {
            "color": color,
            "selectedColor": color,
            "opacity": 1.0,
            "propertiesLabelVisibility": False,
            "pointLabelsVisibility": False,
        },
    }
    if isinstance(item, (Box, RotatedBox, Ellipse)):
        return {"type": "ROI", **common, **_roi(item, spacing)}
    assert isinstance(item, (Polygon, Polyline, Measurement))
    names = item.parts if isinstance(item, Measurement) else [""] * len(item.points)
    points = [_point(number, position, name) for number, (position, name) in enumerate(_named(item, names, spacing))]
    return {"type": TYPES.get(type(item), "Fiducial"), **common, "controlPoints": points}


def _named(
    item: Polygon | Polyline | Measurement, names: Iterable[str], spacing: Spacing
) -> Iterator[tuple[list[float], str]]:
    yield from zip(to_lps(np.array(item.points), spacing).tolist(), names, strict=True)


def _point(number: int, position: list[float], name: str, description: str = "") -> dict[str, Any]:
    return {
        "id": str(number + 1),
        "label": name,
        "description": description,
        "position": position,
        "positionStatus": "defined",
        "visibility": True,
        "locked": False,
        "selected": True,
    }


def _landmarks(landmarks: list[Landmark], spacing: Spacing, schema: LabelSchema) -> dict[str, Any]:
    points, own = [], []
    for number, item in enumerate(landmarks):
        state = "" if item.visible else "outside" if item.outside else "covered"
        title = schema[item.label].title if item.label in schema else item.label
        (position,) = to_lps(np.array([(item.x, item.y)]), spacing).tolist()
        point = _point(number, position, title, state)
        if item.outside:
            point["positionStatus"] = "missing"
        points.append(point)
        own.append(record_of(item))
    return {
        "type": "Fiducial",
        "name": "Landmarks",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        OWN: {"kind": Landmark.kind, "objects": own},
        "controlPoints": points,
    }


def _landmarks_in(markup: dict[str, Any], records: list[dict[str, str]], spacing: Spacing) -> Iterator[Landmark]:
    for point, record in zip(markup["controlPoints"], records, strict=True):
        ((x, y),) = pairs([point["position"]], spacing)
        state = point.get("description", "")
        yield Landmark(x=x, y=y, visible=not state, outside=state == "outside", **identity_of(record))


def _roi(item: Box | RotatedBox | Ellipse, spacing: Spacing) -> dict[str, Any]:
    """Centre, size and axes in LPS. Where pixels are not square a turned box is none in millimetres: its first side is
    kept, and the second stands upright on it."""
    if isinstance(item, Box):
        center, size, angle = ((item.x0 + item.x1) / 2, (item.y0 + item.y1) / 2), (item.width, item.height), 0.0
    elif isinstance(item, RotatedBox):
        center, size, angle = (item.x, item.y), (item.width, item.height), item.angle
    else:
        center, size, angle = (item.x, item.y), (2 * item.radius_x, 2 * item.radius_y), item.angle
    along, scale_x, scale_y = _stretched(angle, spacing)
    (place,) = to_lps(np.array([center]), spacing).tolist()
    (cos, sin) = along
    return {
        "roiType": "Box",
        "center": place,
        "orientation": [cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0],
        "size": [size[0] * scale_x, size[1] * scale_y, THICKNESS],
        "insideOut": False,
        "controlPoints": [_point(0, place, "")],
    }


def _stretched(angle: float, spacing: Spacing) -> tuple[tuple[float, float], float, float]:
    """The direction of a shape's first axis in millimetres, and what a pixel along each of its axes is worth."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    scale_x = math.hypot(cos * spacing.column, sin * spacing.row)
    scale_y = math.hypot(sin * spacing.column, cos * spacing.row)
    return (cos * spacing.column / scale_x, sin * spacing.row / scale_x), scale_x, scale_y


def _roi_object(
    kind: type[FindingObject], markup: dict[str, Any], common: dict[str, Any], spacing: Spacing
) -> FindingObject:
    ((x, y),) = pairs([markup["center"]], spacing)
    axes = [float(value) for value in markup.get("orientation", (1, 0, 0, 0, 1, 0, 0, 0, 1))]
    angle = math.degrees(math.atan2(axes[3] / spacing.row, axes[0] / spacing.column))
    _, scale_x, scale_y = _stretched(angle, spacing)
    width, height = float(markup["size"][0]) / scale_x, float(markup["size"][1]) / scale_y
    if kind is Box:
        return Box(x0=x - width / 2, y0=y - height / 2, x1=x + width / 2, y1=y + height / 2, **common)
    if kind is RotatedBox:
        return RotatedBox(x=x, y=y, width=width, height=height, angle=angle, **common)
    return Ellipse(x=x, y=y, radius_x=width / 2, radius_y=height / 2, angle=angle, **common)


def pairs(points: list[Any], spacing: Spacing) -> tuple[tuple[float, float], ...]:
    """Positions in LPS as x, y in pixels."""
    return tuple((float(x), float(y)) for x, y in to_pixels(points, spacing)) if points else ()
