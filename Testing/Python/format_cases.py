"""Findings of every kind on real and made images, for tests of formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dicom_cases import image, save, wedge
from XRayAILib.dicom.header import Header
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import Angle, CardiothoracicRatio, CobbAngle, Line
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.project.project import Project

ANNA = Author.person("anna")
LUNGS = Author.model("lungs", "5e" * 32)
EXTRA = {
    "catheter_line": Tool.POLYLINE,
    "tilted": Tool.ROTATED_BOX,
    "oval": Tool.ELLIPSE,
    "length": Tool.LINE,
    "corner": Tool.ANGLE,
    "cobb": Tool.COBB_ANGLE,
    "ctr": Tool.CARDIOTHORACIC_RATIO,
    "remark": Tool.IMAGE,
}


def full_schema() -> LabelSchema:
    """The chest's labels, and one for each tool that it does not use."""
    chest = chest_schema()
    extra = tuple(Label(name, name.replace("_", " "), tool, "#808080") for name, tool in EXTRA.items())
    return replace(chest, labels=(*chest.labels, *extra))


def disc(shape: tuple[int, int], x: float, y: float, radius: float) -> np.ndarray:
    """Pixels within a radius."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


def everything(uid: str, shape: tuple[int, int], author: Author = ANNA) -> Findings:
    """An object of every kind, with every field in use somewhere; the two lungs overlap the heart."""
    rows, columns = shape
    cx, cy, r = columns / 2, rows / 2, min(shape) / 5
    plain = {"author": author, "created": "2026-01-02T03:04:05+00:00"}
    by_model = {"author": LUNGS, "score": 0.8125, "created": "2026-01-02T03:04:06+00:00", "status": Status.SUBMITTED}
    objects: list[FindingObject] = [
        Mask.from_array(disc(shape, cx - r, cy, r), label="right_lung", **by_model),
        Mask.from_array(disc(shape, cx + r, cy, r), label="left_lung", status=Status.APPROVED, **plain),
        Mask.from_array(disc(shape, cx, cy + r / 2, r), label="heart", derived_from="earlier", **plain),
        Mask.from_array(np.zeros(shape, bool), label="cardiomediastinum", **plain),
        Polygon(label="opacity", points=((cx, cy), (cx + r, cy + 0.25), (cx + 1.5, cy + r)), **plain),
        Box(label="nodule", x0=-0.5, y0=2.25, x1=cx, y1=cy + 0.125, attributes=(("Größe", "klein|中: 1"),), **plain),
        RotatedBox(label="tilted", x=cx, y=cy, width=r, height=r / 3, angle=33.3, **plain),
        Ellipse(label="oval", x=cx, y=cy, radius_x=r / 3, radius_y=r / 2, angle=-20.0, **plain),
        Landmark(label="carina", x=cx + 0.3, y=cy - 0.7, **plain),
        Landmark(label="left_apex", x=cx + r, y=cy - r, visible=False, **plain),
        Landmark(label="right_apex", x=cx - r, y=-3.0, visible=False, outside=True, **plain),
        ImageLabel(label="view", value="PA", **plain),
        ImageLabel(label="remark", value="größer als 2", **plain),
        Polyline(label="catheter_line", points=((1.0, 2.0), (cx, cy), (cx, rows - 2.5)), **plain),
        Line(label="length", points=((cx, cy), (cx + r, cy + r)), **plain),
        Angle(label="corner", points=((cx, cy), (cx + r, cy), (cx + r, cy + r)), **plain),
        CobbAngle(label="cobb", points=((cx, cy), (cx + r, cy + 2), (cx, cy + r), (cx + r, cy + r - 3)), **plain),
        CardiothoracicRatio(
            label="ctr", points=((cx - r / 2, cy), (cx + r / 2, cy + 1), (cx - r, cy), (cx + r, cy)), **plain
        ),
    ]
    return Findings(uid, shape, author, tuple(objects))


def made_project(folder: Path, count: int = 3, **attributes: object) -> Project:
    """A project of DICOM images of different patients, with an object of every kind on each."""
    from XRayAILib.dicom.radiograph import read_header

    files = folder / "files"
    files.mkdir(parents=True)
    project = Project.create(folder / "project", full_schema())
    headers: list[Header] = []
    for number in range(1, count + 1):
        data = image(wedge(rows=96 + number, columns=128), PatientID=f"P{number}", **attributes)
        headers += read_header(save(data, files / f"chest{number}.dcm"))
    project.add(headers)
    for header in headers:
        project.save(everything(header.uid, header.shape))
    return project
