"""A project of two pictures, and findings with every kind of object, for the tests of exchange."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from XRayAILib.dicom.radiograph import read_header
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.measurements import Angle, CardiothoracicRatio, CobbAngle, Line
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Attribute, Label, LabelSchema, Skeleton, Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.project.project import Project

ANNA = Author.person("anna")
MODEL = Author.model("lungs", "ab" * 32)
SHAPE = (60, 80)

SCHEMA = LabelSchema(
    "everything",
    (
        Label("lung", "Lung", Tool.MASK, "#2196f3"),
        Label("heart", "Heart", Tool.MASK, "#f44336"),
        Label("opacity", "Opacity", Tool.POLYGON, "#ff9800"),
        Label("nodule", "Nodule", Tool.BOX, "#9c27b0", attributes=(Attribute("margin", "Margin"),)),
        Label("implant", "Implant", Tool.ROTATED_BOX, "#607d8b"),
        Label("cavity", "Cavity", Tool.ELLIPSE, "#795548"),
        Label("catheter", "Catheter", Tool.POLYLINE, "#4caf50"),
        Label("carina", "Carina", Tool.LANDMARK, "#ffeb3b"),
        Label("right_apex", "Right apex", Tool.LANDMARK, "#ffeb3b", mirror="left_apex"),
        Label("left_apex", "Left apex", Tool.LANDMARK, "#ffeb3b", mirror="right_apex"),
        Label("first_rib", "First rib", Tool.LANDMARK, "#ffeb3b"),
        Label("length", "Length", Tool.LINE, "#00bcd4"),
        Label("tilt", "Tilt", Tool.ANGLE, "#00bcd4"),
        Label("curve", "Curve", Tool.COBB_ANGLE, "#00bcd4"),
        Label("ratio", "Ratio", Tool.CARDIOTHORACIC_RATIO, "#00bcd4"),
        Label("view", "View", Tool.IMAGE, "#9e9e9e", options=("PA", "AP")),
        Label("pneumonia", "Pneumonia", Tool.IMAGE, "#9e9e9e"),
    ),
    (
        Skeleton(
            "chest", "Chest", ("right_apex", "carina", "left_apex"), (("right_apex", "carina"), ("carina", "left_apex"))
        ),
    ),
)


def new_project(folder: Path) -> Project:
    """A project of ``one.png`` and ``two.png``, 80 pixels wide and 60 high, with :data:`SCHEMA`."""
    random = np.random.default_rng(1)
    project = Project.create(folder / "project", SCHEMA)
    for name in ("one", "two"):
        path = folder / "pictures" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Picture.fromarray(random.integers(0, 256, SHAPE, dtype=np.uint8)).save(path)
        project.add(read_header(path))
    return project


def uid_of(project: Project, name: str) -> str:
    return next(image.uid for image in project.images() if Path(image.header.path).stem == name)


def everything(uid: str) -> Findings:
    """Objects of every kind, and the awkward ones: noise, a hole, two parts, no pixel, a second landmark of a name."""
    random = np.random.default_rng(2)
    ring = np.zeros(SHAPE, bool)
    ring[10:50, 5:30] = True
    ring[20:30, 10:20] = False
    parts = np.zeros(SHAPE, bool)
    parts[15:40, 45:60] = parts[42:50, 50:70] = True
    by_anna = {"author": ANNA}
    objects: tuple[FindingObject, ...] = (
        Mask.from_array(ring, label="lung", author=ANNA, status=Status.APPROVED),
        Mask.from_array(parts, label="lung", author=MODEL, score=0.75, derived_from="another"),
        Mask.from_array(random.random(SHAPE) < 0.4, label="heart", author=ANNA),
        Mask.from_array(np.zeros(SHAPE, bool), label="heart", author=ANNA),
        Polygon(label="opacity", points=((3.25, 4.5), (30.0, 7.125), (12.0, 33.0)), **by_anna),
        Box(label="nodule", x0=-0.5, y0=-0.5, x1=9.5, y1=4.25, attributes=(("margin", "sharp & <bright>"),), **by_anna),
        Box(label="nodule", x0=20.25, y0=11.125, x1=29.5, y1=14.25, **by_anna),
        RotatedBox(label="implant", x=40.0, y=30.0, width=20.0, height=8.0, angle=30.0, **by_anna),
        RotatedBox(label="implant", x=40.0, y=30.0, width=8.0, height=20.0, angle=-100.5, **by_anna),
        Ellipse(label="cavity", x=25.5, y=20.25, radius_x=10.0, radius_y=5.0, angle=-20.0, **by_anna),
        Ellipse(label="cavity", x=25.5, y=20.25, radius_x=6.5, radius_y=6.5, **by_anna),
        Polyline(label="catheter", points=((1.0, 2.0), (10.5, 20.25), (30.0, 21.0)), **by_anna),
        Landmark(label="carina", x=40.25, y=20.0, **by_anna),
        Landmark(label="right_apex", x=15.0, y=5.0, visible=False, **by_anna),
        Landmark(label="left_apex", x=0.0, y=0.0, visible=False, outside=True, **by_anna),
        Landmark(label="carina", x=41.0, y=21.0, author=MODEL, score=0.5),
        Landmark(label="first_rib", x=12.0, y=9.5, **by_anna),
        Landmark(label="first_rib", x=0.0, y=0.0, visible=False, outside=True, author=MODEL),
        Line(label="length", points=((5.0, 5.0), (25.5, 30.25)), **by_anna),
        Angle(label="tilt", points=((5.0, 5.0), (10.0, 10.0), (20.0, 5.0)), **by_anna),
        CobbAngle(label="curve", points=((5.0, 5.0), (20.0, 7.0), (5.0, 40.0), (20.0, 36.0)), **by_anna),
        CardiothoracicRatio(label="ratio", points=((20.0, 30.0), (50.0, 30.0), (5.0, 40.0), (75.0, 40.0)), **by_anna),
        ImageLabel(label="view", value="PA", **by_anna),
        ImageLabel(label="pneumonia", **by_anna),
    )
    assert {item.kind for item in objects} == set(KINDS)
    return Findings(uid, SHAPE, ANNA, objects)


def approved(findings: Findings) -> Findings:
    """All of it approved: as an import has it that does not bring a status."""
    return replace(findings, objects=tuple(item.changed(status=Status.APPROVED) for item in findings))
