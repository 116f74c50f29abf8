"""Findings into the scene and back: nothing changes, whatever the kind of object and whatever was moved beside it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scene_cases import ANNA, MODEL, UID, radiograph
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Status
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask
from XRayAILib.findings.schema import Tool
from XRayAILib.findings.shapes import Ellipse, RotatedBox
from XRayAILib.scene import bundle, layers, shapes
from XRayAILib.scene.host import Host
from XRayAILib.scene.volume import show_radiograph

SCHEMA = chest_schema()
SHAPE = (217, 180)
SPACINGS = {
    "square pixels": Spacing(0.143, 0.143, SpacingSource.DETECTOR, 1.1),
    "pixels that are not square": Spacing(0.2, 0.15, SpacingSource.CALIBRATED),
    "no spacing": Spacing.unknown(),
}


def made(tool: Tool, random: np.random.Generator) -> FindingObject:
    """An object of a kind with random values, with everything that it can carry."""
    kind = BY_TOOL[tool]
    score = None if random.random() < 0.5 else float(random.random())
    common = {
        "label": str(random.choice(["nodule", "a label of yesterday", "heart"])),
        "author": MODEL if score is not None else ANNA,
        "status": list(Status)[random.integers(len(Status))],
        "score": score,
        "derived_from": str(random.choice(["", "b0b0"])) or None,
        "attributes": (("side:|;", 'a "b"\n\tü %25'), ("empty", ""))[: random.integers(3)],
    }

    def place() -> tuple[float, float]:
        x, y = random.uniform(-20, 1.1 * max(SHAPE), 2)
        return float(x), float(y)

    x, y = place()
    wide, high = (float(v) for v in random.uniform(0.3, 90, 2))
    angle = float(random.uniform(-400, 400))
    if kind is Mask:
        return Mask.from_array(random.random(SHAPE) > 0.9, **common)
    if kind is ImageLabel:
        return ImageLabel(value="AP", **common)
    if kind is Landmark:
        visible, outside = [(True, False), (False, False), (False, True)][random.integers(3)]
        return Landmark(x=x, y=y, visible=visible, outside=outside, **common)
    if kind is Box:
        return Box(x0=x, y0=y, x1=x + wide, y1=y + high, **common)
    if kind is RotatedBox:
        return RotatedBox(x=x, y=y, width=wide, height=high, angle=angle, **common)
    if kind is Ellipse:
        return Ellipse(x=x, y=y, radius_x=wide, radius_y=high, angle=angle, **common)
    count = len(kind.parts) if issubclass(kind, Measurement) else int(random.integers(3, 40))
    return kind(points=tuple(place() for _ in range(count)), **common)


def findings_of(seed: int, each: int = 3) -> Findings:
    random = np.random.default_rng(seed)
    items = [made(tool, random) for tool in Tool for _ in range(each)]
    return Findings(UID, SHAPE, MODEL, tuple(items[index] for index in random.permutation(len(items))))


@pytest.fixture(params=SPACINGS)
def volume(host: Host, request):
    return show_radiograph(host, radiograph(np.zeros(SHAPE, np.uint16), spacing=SPACINGS[request.param]))


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_comes_back_exactly(host: Host, volume, seed: int) -> None:
    findings = findings_of(seed)
    assert {type(item) for item in findings} == set(BY_TOOL.values())
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    assert layers.read_findings(host, nodes, SCHEMA) == findings
    assert layers.read_findings(host, nodes, SCHEMA) == findings
    others = findings_of(seed + 100)
    nodes = layers.show_findings(host, volume, others, SCHEMA, "Mine")
    assert layers.read_findings(host, nodes, SCHEMA) == others


def test_what_is_kept_by_a_bundle(host: Host, volume, tmp_path) -> None:
    findings = findings_of(7, each=2)
    layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    bundle.save(host, tmp_path / "scene.mrb")
    host.clear()
    bundle.load(host, tmp_path / "scene.mrb")
    (nodes,) = layers.layers(host)
    assert layers.read_findings(host, nodes, SCHEMA) == findings
    hidden = any(not mark.visible for mark in findings.of(Landmark))
    # Names; the lines of ellipses, Cobb angles and cardiothoracic ratios; the signs of landmarks that are not seen.
    assert len(nodes.nodes) - len(nodes.listed) == 1 + 6 + hidden


def test_moving_one_object_changes_it_alone_and_only_there(host: Host, volume) -> None:
    findings = findings_of(11)
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    step = volume.GetSpacing()[0] * 7.25
    for tool in shapes.TOOLS:
        before = next(item for item in findings if type(item) is BY_TOOL[tool])
        node = layers.shape_of(host, nodes, before.id)
        x, y, z = node.GetNthControlPointPositionWorld(0)
        node.SetNthControlPointPositionWorld(0, x - step, y, z)
        read = layers.read_findings(host, nodes, SCHEMA)
        after = next(item for item in read if item.id == before.id)
        if hasattr(before, "points"):
            assert after.points[0] == pytest.approx((before.points[0][0] + 7.25, before.points[0][1]), abs=1e-6)
            expected = before.changed(points=(after.points[0], *before.points[1:]))
        elif isinstance(before, Box):
            assert (after.x0, after.x1) == pytest.approx((before.x0 + 7.25, before.x1 + 7.25), abs=1e-4)
            expected = before.changed(x0=after.x0, x1=after.x1)
        else:
            assert after.x == pytest.approx(before.x + 7.25, abs=1e-4)
            expected = before.changed(x=after.x)
        findings = findings.each(lambda item, expected=expected: expected if item.id == expected.id else item)
        assert read == findings


def test_coordinates_are_kept_to_a_millionth_of_a_pixel_without_the_record_of_them(host: Host, volume) -> None:
    findings = findings_of(13)
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    for shape in nodes.shapes:
        shape.SetAttribute("XRayAI.at", None)
    for before, after in zip(findings, layers.read_findings(host, nodes, SCHEMA), strict=True):
        for field in dataclasses.fields(before):
            there, back = getattr(before, field.name), getattr(after, field.name)
            if field.name == "angle":
                assert (there - back + 90) % 180 - 90 == pytest.approx(0, abs=1e-6)
            elif isinstance(there, float) or field.name == "points":
                np.testing.assert_allclose(np.asarray(back, float), np.asarray(there, float), atol=1e-6)
