"""Findings as a table: one row an object, whatever its kind, and nothing lost.

Beside ``objects.csv`` stands ``columns.csv``, which says what each column means; masks are PNG files that the column
``mask`` names.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.dicom_results.sr import measured
from XRayAILib.exchange.format import EVERYTHING, Format, LabelledImage, Plan
from XRayAILib.exchange.grey_picture import read_values, write_values
from XRayAILib.exchange.said import Said, said
from XRayAILib.exchange.table.cells import cell, text_of
from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

OBJECTS, COLUMNS_FILE, MASKS = "objects.csv", "columns.csv", "masks"

COLUMNS = {
    "image": "Name of the image in this export",
    "picture": "File of the picture",
    "patient": "Name of the patient in this export",
    "part": "train, validation, test, or empty",
    "rows": "Height of the image in pixels",
    "columns": "Width of the image in pixels",
    "spacing_x": "Distance of pixel centres along x in mm; empty where it is unknown",
    "spacing_y": "Distance of pixel centres along y in mm; empty where it is unknown",
    "spacing_source": "What the millimetres are: calibrated, detector plane (not in the patient), or px (unknown)",
    "kind": "Kind of object: " + ", ".join(KINDS),
    "label": "Name of the label in the schema",
    "code": "Code of the label, such as SCT:39607008",
    "value": "Answer of an image label; covered or outside of a landmark that is not visible",
    "points": "x,y pairs in pixels, separated by spaces. x goes right, y down, and 0 is the centre of the first pixel. "
    "Two corners (outer edges) of a box, the centre of a rotated box and an ellipse, all points of other shapes",
    "width": "Of a rotated box; twice the first half axis of an ellipse; in pixels",
    "height": "Of a rotated box; twice the second half axis of an ellipse; in pixels",
    "angle": "Of a rotated box or ellipse in degrees, clockwise as seen on the screen",
    "mask": "File of the mask: 255 inside, 0 outside",
    "area_px": "Number of pixels of a mask",
    "measured": "What a line, polyline, angle or ratio comes to",
    "unit": "Of that: mm, px, ° or nothing for a ratio",
    "id": "Identity of the object, the same in every export",
    "author_kind": ", ".join(kind.value for kind in AuthorKind),
    "author": "Name of who said it first",
    "author_digest": "SHA-256 of a model's weights",
    "created": "When, UTC",
    "status": "draft, submitted, approved or rejected",
    "score": "0 to 1 as a model gave it",
    "derived_from": "id of the object that this one was made from",
    "attributes": "Answers to the label's attributes, as JSON: a list of name and answer",
}
"""Column -> what it means."""

TEXTS = ("any text", "' before = + - or @ is not part of it: it keeps a spreadsheet from computing the text")
_PLACES = ("points", "width", "height", "angle")
"""Columns of numbers that we wrote ourselves."""

COVERED, OUTSIDE = "covered", "outside"


class CsvTable(Format):
    """One row an object."""

    name = "csv"
    title = "CSV table"
    becomes = {kind: kind for kind in KINDS}
    carries = EVERYTHING
    reader = "pandas"
    needs = "pandas"
    tolerance = 0.0
    inside = False

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """The table, its legend and the masks."""
        with (folder / OBJECTS).open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(stream, list(COLUMNS))
            table.writeheader()
            for image in images:
                for item in image.findings:
                    row = row_of(item, image, plan)
                    table.writerow({name: value if name in _PLACES else _cell(value) for name, value in row.items()})
                    if isinstance(item, Mask):
                        pixels = item.array().astype(np.uint8) * np.uint8(255)
                        write_values(pixels, folder / mask_file(image, item))
        with (folder / COLUMNS_FILE).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("column", "meaning"), *COLUMNS.items(), TEXTS])

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """By pandas."""
        import pandas

        table = pandas.read_csv(folder / OBJECTS, dtype=str, keep_default_na=False, encoding="utf-8")
        for name, rows in table.groupby("image", sort=False):
            objects = [
                object_of({column: text_of(value) for column, value in row.items()}, folder)
                for row in rows.to_dict("records")
            ]
            yield text_of(str(name)), [said(item, self.carries) for item in objects]


def mask_file(image: LabelledImage, item: Mask) -> str:
    """The path of an object's mask below the export's folder."""
    number = [mask.id for mask in image.findings.of(Mask)].index(item.id) + 1
    return f"{MASKS}/{image.name}-{number}.png"


def row_of(item: FindingObject, image: LabelledImage, plan: Plan) -> dict[str, Any]:
    """An object as a row: column -> value."""
    spacing = image.image.header.spacing
    code = plan.schema[item.label].code if item.label in plan.schema else None
    row: dict[str, Any] = {
        "image": image.name,
        "picture": image.picture if plan.form != "none" else "",
        "patient": image.patient,
        "part": image.part,
        "rows": image.shape[0],
        "columns": image.shape[1],
        "spacing_x": spacing.column if spacing.known else "",
        "spacing_y": spacing.row if spacing.known else "",
        "spacing_source": spacing.source.value,
        "kind": item.kind,
        "label": item.label,
        "code": f"{code.scheme}:{code.value}" if code else "",
        "id": item.id,
        "author_kind": item.author.kind.value,
        "author": item.author.name,
        "author_digest": item.author.digest,
        "created": item.created,
        "status": item.status.value,
        "score": "" if item.score is None else repr(item.score),
        "derived_from": item.derived_from or "",
        "attributes": json.dumps(item.attributes, ensure_ascii=False) if item.attributes else "",
        **_geometry(item),
    }
    if isinstance(item, Mask):
        row.update(mask=mask_file(image, item), area_px=item.area)
    if isinstance(item, (Measurement, Polyline)):
        quantity, _ = measured(item, spacing)
        row.update(measured=quantity.value, unit=quantity.unit)
    return row


def _geometry(item: FindingObject) -> dict[str, Any]:
    if isinstance(item, ImageLabel):
        return {"value": item.value}
    if isinstance(item, Landmark):
        state = "" if item.visible else OUTSIDE if item.outside else COVERED
        return {"points": _text([(item.x, item.y)]), "value": state}
    if isinstance(item, Box):
        return {"points": _text([(item.x0, item.y0), (item.x1, item.y1)])}
    if isinstance(item, RotatedBox):
        size = {"width": repr(item.width), "height": repr(item.height)}
        return {"points": _text([(item.x, item.y)]), "angle": repr(item.angle), **size}
    if isinstance(item, Ellipse):
        size = {"width": repr(2 * item.radius_x), "height": repr(2 * item.radius_y)}
        return {"points": _text([(item.x, item.y)]), "angle": repr(item.angle), **size}
    if isinstance(item, (Polygon, Polyline, Measurement)):
        return {"points": _text(item.points)}
    return {}


def _cell(value: Any) -> Any:
    return cell(value) if isinstance(value, str) else value


def _text(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{float(x)!r},{float(y)!r}" for x, y in points)


def object_of(row: dict[str, str], folder: Path) -> FindingObject:
    """The object in a row of ours; ValueError or KeyError where it is damaged."""
    kind = KINDS.get(row["kind"])
    if kind is None:
        raise ValueError(f"the kind '{row['kind']}' is none of {', '.join(KINDS)}")
    points = [(float(x), float(y)) for x, y in (pair.split(",") for pair in row["points"].split())]
    common: dict[str, Any] = {
        "label": row["label"],
        "author": Author(AuthorKind(row["author_kind"]), row["author"], row["author_digest"]),
        "id": row["id"],
        "created": row["created"],
        "status": Status(row["status"]),
        "score": float(row["score"]) if row["score"] else None,
        "derived_from": row["derived_from"] or None,
        "attributes": tuple((str(k), str(v)) for k, v in json.loads(row["attributes"] or "[]")),
    }
    if kind is Mask:
        return Mask.from_array(read_values(folder / row["mask"]), **common)
    if kind is ImageLabel:
        return ImageLabel(value=row["value"], **common)
    if kind is Box:
        (x0, y0), (x1, y1) = points
        return Box(x0=x0, y0=y0, x1=x1, y1=y1, **common)
    if kind in (Landmark, RotatedBox, Ellipse):
        ((x, y),) = points
        if kind is Landmark:
            return Landmark(x=x, y=y, visible=not row["value"], outside=row["value"] == OUTSIDE, **common)
        width, height, angle = (float(row[name]) for name in ("width", "height", "angle"))
        if kind is RotatedBox:
            return RotatedBox(x=x, y=y, width=width, height=height, angle=angle, **common)
        return Ellipse(x=x, y=y, radius_x=width / 2, radius_y=height / 2, angle=angle, **common)
    return kind(points=tuple(points), **common)  # type: ignore[call-arg]  # all others have points
