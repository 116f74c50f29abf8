"""Guidelines that run: rules over every kind of object, with messages that a reader understands."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from typer.testing import CliRunner

from sheet import pictures
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.forms import as_polygons
from XRayAILib.findings.guidelines import Checker, Violation, check
from XRayAILib.findings.measurements import Angle, CobbAngle, Line
from XRayAILib.findings.measures import extent, length, measured
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.region import Region, share_crossed, share_inside
from XRayAILib.findings.rule import Measure, Severity
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.schema_file import parse
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.findings.template import template
from XRayAILib.project.intake import take_in

ANNA = Author.person("anna")
FINE = Spacing(0.5, 0.5, SpacingSource.DETECTOR)
LABELS = """
name: test
labels:
- {name: lung, title: Lung, tool: mask}
- {name: nodule, title: Nodule, tool: box}
- {name: outline, title: Outline, tool: polygon}
- {name: ring, title: Ring, tool: ellipse}
- {name: slanted, title: Slanted, tool: rotated box}
- {name: line, title: Line, tool: polyline}
- {name: ruler, title: Ruler, tool: line}
- {name: bend, title: Bend, tool: angle}
- {name: cobb, title: Cobb, tool: cobb angle}
- {name: upper, title: Upper, tool: landmark}
- {name: lower, title: Lower, tool: landmark}
- {name: right_eye, title: Right eye, tool: box, mirror: left_eye}
- {name: left_eye, title: Left eye, tool: box, mirror: right_eye}
- {name: fracture, title: Fracture, tool: box, attributes: [
    {name: side, title: Side, options: [right, left]},
    {name: gap, title: Gap, kind: number, minimum: 0, maximum: 20, unit: mm},
    {name: kind, title: Kind, options: [open, closed], required: true}]}
- {name: view, title: View, tool: image, options: [PA, LL], required: true}
- {name: signs, title: Signs, tool: image, options: [a, b], multiple: true}
rules:
"""
VIEW = ImageLabel(label="view", author=ANNA, value="PA")


def schema(*rules: str) -> LabelSchema:
    return parse(LABELS + "".join(f"- {{{rule}}}\n" for rule in rules), "test")


def broken(
    rule: str, *objects: FindingObject, spacing: Spacing = FINE, laterality: str = "", view: str = "PA"
) -> list[Violation]:
    """What objects on an image of 100 x 100 pixels break of one rule."""
    answers = (VIEW.changed(value=view),) if view else ()
    found = check(Findings("uid", (100, 100), ANNA, (*answers, *objects)), schema(rule), spacing, laterality)
    return [violation for violation in found if violation.rule is not None]


def box(label: str, x0: float, y0: float, x1: float, y1: float, **more: Any) -> Box:
    return Box(label=label, author=ANNA, x0=x0, y0=y0, x1=x1, y1=y1, **more)


def disk(label: str, x: float, y: float, radius: float) -> Mask:
    rows, columns = np.mgrid[:100, :100]
    return Mask.from_array((columns - x) ** 2 + (rows - y) ** 2 <= radius**2, label=label, author=ANNA)


def point(label: str, x: float, y: float, **more: Any) -> Landmark:
    return Landmark(label=label, author=ANNA, x=x, y=y, **more)


SQUARE = ((10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0))
SHAPES = {
    "box": box("nodule", 10, 10, 30, 30),
    "rotated box": RotatedBox(label="slanted", author=ANNA, x=20, y=20, width=20, height=20, angle=90),
    "polygon": Polygon(label="outline", author=ANNA, points=SQUARE),
    "ellipse": Ellipse(label="ring", author=ANNA, x=20, y=20, radius_x=10, radius_y=10, angle=30),
    "mask": Mask.from_array(np.pad(np.ones((20, 20)), ((10, 70), (10, 70))), label="lung", author=ANNA),
}
LINES = {
    "polyline": Polyline(label="line", author=ANNA, points=((5, 20), (35, 20))),
    "line": Line(label="ruler", author=ANNA, points=((20, 5), (20, 35))),
    "cobb angle": CobbAngle(label="cobb", author=ANNA, points=((5, 14), (35, 26), (20, 5), (20, 35))),
    "landmark": point("upper", 20, 20),
}

# How large ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "width", "long", "area"), [
    ("box", 20, 20, 400),
    ("rotated box", 20, 20, 400),
    ("polygon", 20, math.hypot(20, 20), 400),
    ("ellipse", 20, 20, 100 * math.pi),
    ("mask", 20, math.hypot(20, 20), 400),
])  # fmt: skip
def test_sizes_are_in_millimetres_of_the_spacing(name, width, long, area):
    found = [measured(SHAPES[name], what, FINE) for what in (Measure.WIDTH, Measure.LENGTH, Measure.AREA)]
    assert [quantity.value for quantity in found] == pytest.approx([width / 2, long / 2, area / 4], rel=1e-3)
    assert [quantity.unit for quantity in found] == ["mm", "mm", "mm²"]
    assert measured(SHAPES[name], Measure.VALUE, FINE) is None


def test_the_greatest_length_of_a_mask_is_that_between_any_two_of_its_corners():
    rng = np.random.default_rng(3)
    for spacing in (FINE, Spacing(0.2, 0.7, SpacingSource.CALIBRATED), Spacing.unknown()):
        blob = disk("lung", *rng.uniform(30, 70, 2), rng.uniform(5, 25)).array() ^ disk("lung", 50, 50, 12).array()
        rows, columns = np.nonzero(blob)
        corners = np.concatenate([np.stack((columns + x, rows + y), 1) for x in (-0.5, 0.5) for y in (-0.5, 0.5)])
        scaled = corners * (spacing.column, spacing.row)
        longest = max(np.sqrt(((scaled - corner) ** 2).sum(1)).max() for corner in scaled)
        found = length(Mask.from_array(blob, label="lung", author=ANNA), spacing)
        assert found is not None and found.value == pytest.approx(longest)


def test_the_extent_of_a_turned_ellipse_touches_its_outline():
    ellipse = Ellipse(label="ring", author=ANNA, x=50, y=40, radius_x=20, radius_y=5, angle=35)
    points = np.array(ellipse.outline(3600))
    assert extent(ellipse) == pytest.approx((*points.min(0), *points.max(0)), abs=1e-3)


def test_an_object_that_is_too_small_or_too_large_says_how_large_it_is_and_why_that_matters():
    rule = "check: size, labels: [nodule], measure: length, minimum: 3, maximum: 30, reason: 'Smaller is noise.'"
    (small,) = broken(rule, box("nodule", 10, 10, 14, 12))
    assert small.message == "Nodule: 2.0 mm (detector plane) long; at least 3 mm is wanted. Smaller is noise."
    assert small.severity is Severity.WARN and small.label == "nodule"
    assert broken(rule, box("nodule", 10, 10, 16, 12)) == []
    (large,) = broken(rule, box("nodule", 10, 10, 80, 12))
    assert "35.0 mm (detector plane) long; at most 30 mm" in large.message


def test_millimetres_on_an_image_without_spacing_are_neither_passed_nor_refused():
    rule = "check: size, labels: [nodule], measure: width, minimum: 3, severity: refuse"
    (note,) = broken(rule, box("nodule", 10, 10, 11, 12), spacing=Spacing.unknown())
    assert note.severity is Severity.NOTE and "could not be judged, because the image has no spacing" in note.message
    assert broken(rule, spacing=Spacing.unknown()) == []
    (pixels,) = broken(rule + ", unit: px", box("nodule", 10, 10, 11, 12), spacing=Spacing.unknown())
    assert pixels.severity is Severity.REFUSE and "1 px wide" in pixels.message


def test_the_value_of_an_angle_needs_no_spacing():
    rule = "check: size, labels: [bend], measure: value, maximum: 60"
    right = Angle(label="bend", author=ANNA, points=((10, 0), (0, 0), (0, 10)))
    (found,) = broken(rule, right, spacing=Spacing.unknown())
    assert found.message == "Bend: 90.0°; at most 60° is wanted."


# Where it lies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", SHAPES)
@pytest.mark.parametrize("inner", [*SHAPES, *LINES])
def test_any_kind_of_shape_can_be_looked_for_in_any_that_has_an_area(inner, around):
    area = Region(SHAPES[around], (100, 100))
    item = {**SHAPES, **LINES}[inner]
    share = share_inside(Region(item, (100, 100)), [area])
    if inner in LINES:
        # The lines reach 5 px beyond the square on both sides: 20 of 30 px lie inside.
        wanted = {"landmark": 1.0}.get(inner, 20 / 30)
        assert share == pytest.approx(wanted, abs=0.06 if around != "ellipse" else 0.12)
    else:
        disk_share = math.pi / 4
        wanted = disk_share if around == "ellipse" and inner != "ellipse" else 1.0
        assert share == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize("one", [*SHAPES, *LINES])
@pytest.mark.parametrize("two", [*SHAPES, *LINES])
def test_any_two_kinds_of_shapes_cross_or_do_not(one, two):
    shapes = {**SHAPES, **LINES}
    region = Region(shapes[one], (100, 100))
    assert share_crossed(region, region) > 0 or one == "landmark"
    if "landmark" not in (one, two) or {one, two} & set(SHAPES):
        assert share_crossed(region, Region(shapes[two], (100, 100))) > 0
    far = {"landmark": point("upper", 90, 90), "line": Line(label="ruler", author=ANNA, points=((80, 90), (99, 90)))}
    for other in (box("nodule", 80, 80, 95, 95), *far.values()):
        assert share_crossed(region, Region(other, (100, 100))) == 0


def test_inside_takes_all_others_together_and_counts_no_pixel_twice():
    left, right = box("nodule", -0.5, -0.5, 49.5, 99.5), box("nodule", 39.5, -0.5, 99.5, 99.5)
    middle = Region(disk("lung", 50, 50, 20), (100, 100))
    both = [Region(left, (100, 100)), Region(right, (100, 100))]
    assert share_inside(middle, both) == 1.0
    alone = share_inside(middle, both[:1])
    pixels = disk("lung", 50, 50, 20).array()
    assert alone == pytest.approx(pixels[:, :50].sum() / pixels.sum())


def test_a_nodule_outside_the_lung_says_how_much_of_it():
    rule = "check: inside, labels: [nodule], others: [lung], tolerance: 0.1"
    lung = disk("lung", 50, 50, 30)
    assert broken(rule, lung, box("nodule", 45, 45, 55, 55)) == []
    (found,) = broken(rule, lung, inside := box("nodule", 45, 45, 55, 55), half := box("nodule", 70, 45, 90, 55))
    assert found.objects == (half.id,) and "50% of it lies outside Lung" in found.message and inside.id != half.id
    assert broken(rule, half) == []  # no lung is drawn: nothing to compare with


def test_objects_that_cross_are_told_once_for_each_pair():
    rule = "check: apart, labels: [nodule], others: [nodule], tolerance: 0.05"
    first, second, third = (box("nodule", x, 10, x + 12, 20) for x in (10, 20, 60))
    (found,) = broken(rule, first, second, third)
    assert set(found.objects) == {first.id, second.id}
    assert found.message == "Nodule crosses Nodule (17% of it)."


def test_a_line_that_crosses_another():
    rule = "check: apart, labels: [line], others: [ruler]"
    catheter = Polyline(label="line", author=ANNA, points=((0, 0), (50, 50), (90, 50)))
    assert len(broken(rule, catheter, Line(label="ruler", author=ANNA, points=((70, 0), (70, 99))))) == 1
    assert broken(rule, catheter, Line(label="ruler", author=ANNA, points=((0, 99), (99, 99)))) == []


@pytest.mark.parametrize(("item", "free"), [
    (box("nodule", -0.5, 10, 20, 20), False),
    (box("nodule", 0.5, 10, 20, 20), True),
    (disk("nodule", 95, 50, 10), False),
    (disk("nodule", 50, 50, 10), True),
    (Polygon(label="nodule", author=ANNA, points=((50, 50), (60, 99.5), (70, 50))), False),
])  # fmt: skip
def test_touching_the_border(item, free):
    found = broken("check: border, labels: [nodule]", item)
    assert [v.message for v in found] == ([] if free else ["Nodule touches the border of the image."])


def test_a_distance_from_the_border():
    rule = "check: border, labels: [nodule], distance: 5"
    (found,) = broken(rule, box("nodule", 2.5, 10, 20, 20))
    assert found.message == "Nodule is 3 px from the border of the image; 5 px stay free."


def test_left_and_right():
    rule = "check: sides, labels: [right_eye]"
    assert broken(rule, box("right_eye", 10, 10, 20, 20), box("left_eye", 60, 10, 70, 20)) == []
    (found,) = broken(rule, box("right_eye", 60, 10, 70, 20), box("left_eye", 10, 10, 20, 20))
    assert found.message.startswith("Right eye lies right of Left eye in the picture") and len(found.objects) == 2
    assert broken(rule, box("right_eye", 60, 10, 70, 20)) == []


def test_the_order_of_landmarks():
    rule = "check: order, labels: [upper, lower]"
    assert broken(rule, point("upper", 50, 10), point("lower", 50, 20)) == []
    (found,) = broken(rule, point("upper", 50, 30), point("lower", 50, 20))
    assert found.message == "Lower must not lie above Upper."
    outside = point("lower", 0, 0, visible=False, outside=True)
    assert broken(rule, point("upper", 50, 30), outside) == []
    assert len(broken(rule + ", axis: x", point("upper", 50, 30), point("lower", 40, 40))) == 1


@pytest.mark.parametrize(("side", "messages"), [
    ("R", []),
    ("L", ["Right eye is right, and the file says left."]),
    ("B", []),
    ("", []),
])  # fmt: skip
def test_a_label_with_a_side_against_that_of_the_file(side, messages):
    found = broken("check: laterality, labels: [right_eye]", box("right_eye", 1, 1, 5, 5), laterality=side)
    assert [v.message for v in found] == messages


def test_an_attribute_with_a_side_against_that_of_the_file():
    rule = "check: laterality, labels: [fracture], attribute: side"
    right = box("fracture", 1, 1, 5, 5, attributes=(("side", "right"), ("kind", "open")))
    assert broken(rule, right, laterality="R") == []
    (found,) = broken(rule, right, laterality="L")
    assert found.objects == (right.id,)


# How many, and what was answered ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limits", "number", "said"), [
    ("minimum: 1", 0, "Nodule: none there, at least 1 wanted."),
    ("minimum: 1", 1, ""),
    ("maximum: 2", 3, "Nodule: 3 there, at most 2 wanted."),
    ("minimum: 2, maximum: 2", 1, "Nodule: 1 there, exactly 2 wanted."),
    ("minimum: 2, maximum: 2", 2, ""),
    ("maximum: 0", 1, "Nodule: 1 there, none wanted."),
])  # fmt: skip
def test_how_many(limits, number, said):
    objects = [box("nodule", 10 * n + 1, 1, 10 * n + 5, 5) for n in range(number)]
    found = broken(f"check: count, labels: [nodule], {limits}", *objects)
    assert [v.message for v in found] == ([said] if said else [])


def test_a_rule_can_hold_only_for_some_answers_or_not_for_some():
    only = "check: count, labels: [nodule], minimum: 1, when: {view: [PA]}"
    assert len(broken(only)) == 1 and broken(only, view="") == [] and broken(only, view="LL") == []
    but = "check: count, labels: [nodule], minimum: 1, unless: {view: [LL]}"
    assert len(broken(but)) == 1 and len(broken(but, view="")) == 1 and broken(but, view="LL") == []


def test_required_attributes_and_answers_of_the_wrong_kind():
    plain = schema("check: attributes, labels: [fracture], attributes: [side, gap], severity: warn")
    answers = (("gap", "31"), ("kind", "ajar"))
    item = box("fracture", 1, 1, 5, 5, attributes=answers)
    found = check(Findings("uid", (100, 100), ANNA, (VIEW, item)), plain, FINE)
    assert [(v.severity.value, v.message) for v in found] == [
        ("refuse", "Fracture: Gap is 31 mm; it is at most 20 mm."),
        ("refuse", "Fracture: Kind is 'ajar', which is none of open, closed."),
        ("warn", "Fracture: Side is not answered."),
    ]
    nothing = box("fracture", 1, 1, 5, 5)
    texts = [v.message for v in check(Findings("uid", (100, 100), ANNA, (VIEW, nothing)), plain, FINE)]
    assert texts == ["Fracture: Kind is not answered.", "Fracture: Side, Gap are not answered."]
    words = box("fracture", 1, 1, 5, 5, attributes=(("gap", "wide"), ("kind", "open"), ("side", "left")))
    (text,) = check(Findings("uid", (100, 100), ANNA, (VIEW, words)), plain, FINE)
    assert text.message == "Fracture: Gap is 'wide', which is no number."


def test_a_polygon_that_crosses_itself_is_told_until_it_does_no_more():
    def outline(*points: tuple[float, float]) -> Polygon:
        return Polygon(label="outline", author=ANNA, points=points, id="outline-1")

    bow, square = outline((10, 10), (40, 40), (40, 10), (10, 40)), outline((10, 10), (40, 10), (40, 40), (10, 40))
    checker = Checker()
    (told,) = checker.check(Findings("uid", (100, 100), ANNA, (VIEW, bow)), schema(), FINE)
    assert told.objects == (bow.id,) and told.severity is Severity.WARN
    assert told.message.startswith("Outline: its line crosses itself.")
    assert checker.check(Findings("uid", (100, 100), ANNA, (VIEW, square)), schema(), FINE) == []
    # A cut to a hole runs there and back along the same line: that is no crossing.
    ring = np.zeros((100, 100), bool)
    ring[20:60, 20:60], ring[30:40, 30:40] = True, False
    (cut,) = as_polygons(Mask.from_array(ring, label="outline", author=ANNA), ANNA, 0)
    assert check(Findings("uid", (100, 100), ANNA, (VIEW, cut)), schema(), FINE) == []


def test_questions_about_the_image():
    def messages(*answers: tuple[str, str]) -> list[str]:
        labels = tuple(ImageLabel(label=label, author=ANNA, value=value) for label, value in answers)
        return [v.message for v in check(Findings("uid", (9, 9), ANNA, labels), schema(), FINE)]

    assert messages() == ["View: not answered."]
    assert messages(("view", "PA"), ("signs", "a"), ("signs", "b")) == []
    assert messages(("view", "AP")) == ["View: 'AP' is none of PA, LL."]
    assert messages(("view", "PA"), ("view", "LL")) == ["View: answered 2 times (PA, LL); one answer is wanted."]


def test_a_label_that_is_not_in_the_schema_any_more_is_told():
    (found,) = check(Findings("uid", (9, 9), ANNA, (VIEW, box("wart", 1, 1, 2, 2))), schema(), FINE)
    assert found.severity is Severity.WARN and "'wart' is no label of the schema any more" in found.message


def test_what_was_rejected_is_no_longer_said():
    small = box("nodule", 10, 10, 11, 11)
    rule = "check: size, labels: [nodule], minimum: 3"
    assert len(broken(rule, small)) == 1 and broken(rule, small.changed(status=Status.REJECTED)) == []


def test_what_refuses_comes_first():
    rules = (
        "check: count, labels: [lung], minimum: 1",
        "check: count, labels: [nodule], minimum: 1, severity: refuse",
    )
    found = check(Findings("uid", (9, 9), ANNA, (VIEW,)), schema(*rules), FINE)
    assert [v.severity for v in found] == [Severity.REFUSE, Severity.WARN]


def test_a_checker_that_sees_the_findings_change_says_what_a_new_one_says():
    rules = (
        "check: inside, labels: [nodule, outline], others: [lung]",
        "check: size, labels: [nodule, outline, ring], measure: area, minimum: 20",
        "check: apart, labels: [ring], others: [outline, lung]",
    )
    rng, checker, whole = np.random.default_rng(0), Checker(), schema(*rules)
    objects: list[FindingObject] = [*SHAPES.values(), *LINES.values()]
    for _ in range(30):
        moved = int(rng.integers(len(objects)))
        item = objects[moved]
        if isinstance(item, Box):
            objects[moved] = item.changed(x1=item.x0 + float(rng.uniform(1, 60)))
        elif isinstance(item, Mask):
            objects[moved] = item.with_array(disk("lung", *rng.uniform(30, 60, 2), 20).array())
        elif isinstance(item, Ellipse):
            objects[moved] = item.changed(x=float(rng.uniform(10, 90)))
        findings = Findings("uid", (100, 100), ANNA, tuple(objects))
        spacing = FINE if rng.random() < 0.5 else Spacing.unknown()
        assert checker.check(findings, whole, spacing) == check(findings, whole, spacing)


# On real images -----------------------------------------------------------------------------------------------------


def test_real_lungs_keep_the_chest_guidelines_and_swapped_ones_do_not(test_data):
    folder = test_data / "chest-segmentation" / "masks"
    chest = template("chest_anatomy")
    names = sorted(path.name for path in (folder / "right_lung").glob("*.png"))[:12]
    for name in names:
        masks = {}
        for label in ("right_lung", "left_lung"):
            pixels = np.asarray(Picture.open(folder / label / name))
            masks[label] = Mask.from_array(pixels, label=label, author=ANNA)
        shape = masks["right_lung"].shape
        findings = Findings(name, shape, ANNA, (*masks.values(), VIEW))
        found = [v.message for v in check(findings, chest, Spacing.unknown())]
        assert not any("lies right of" in message for message in found)
        right, left = masks["right_lung"].array(), masks["left_lung"].array()
        crossing = [message for message in found if "crosses" in message]
        assert bool(crossing) == bool((right & left).any())
        swapped = findings.each(
            lambda item: item.changed(label=chest[item.label].mirror) if isinstance(item, Mask) else item
        )
        assert any("Right lung lies right of Left lung" in v.message for v in check(swapped, chest, Spacing.unknown()))


def test_real_cephalograms_keep_the_order_of_the_profile(test_data):
    names = [label.name for label in template("cephalometry")][:10]
    lines = (test_data / "cephalometric-landmarks" / "landmarks.csv").read_text("utf-8").splitlines()
    images: dict[str, list[Landmark]] = {}
    for row in csv.DictReader(lines):
        label = names[int(row["landmark"][1:]) - 1]
        images.setdefault(row["filename"], []).append(point(label, float(row["x"]), float(row["y"])))
    facing = ImageLabel(label="facing", author=ANNA, value="right")
    quality = ImageLabel(label="quality", author=ANNA, value="diagnostic")
    schema_ = template("cephalometry")
    broken_rules = 0
    for points in images.values():
        findings = Findings("uid", (800, 640), ANNA, (*points, facing, quality))
        broken_rules += len(check(findings, schema_, Spacing.unknown()))
        turned = replace(findings, objects=(*points, facing.changed(value="left"), quality))
        assert any("turned the other way" in v.message for v in check(turned, schema_, Spacing.unknown()))
        missing = replace(findings, objects=(*points[1:], facing, quality))
        (lost,) = [v for v in check(missing, schema_, Spacing.unknown()) if v.severity is Severity.REFUSE]
        assert lost.label == "sella"
    assert broken_rules == 0


# On the command line ------------------------------------------------------------------------------------------------


@pytest.fixture
def xrayai(project, tmp_path):
    """``xrayai(words...)`` runs a command on a project of two images; gives its exit status and output."""
    from XRayAILib.apps.cli import app

    take_in(project, [pictures(tmp_path / "pictures", 2)])

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*words, "-p", str(project.folder)], catch_exceptions=True)
        return result.exit_code, result.output + (str(result.exception) if result.exit_code == 1 else "")

    return run


def test_the_command_lists_what_is_broken_and_its_status_says_whether_it_must_be_mended(xrayai, project):
    (first, second) = (image.uid for image in project.images())
    assert xrayai("guidelines")[0] == 0
    project.save(Findings(first, (40, 50), ANNA, (box("nodule", 1, 1, 9, 8),)))
    lungs = (
        Polygon(label="opacity", author=ANNA, points=SQUARE),
        ImageLabel(label="view", author=ANNA, value="oblique"),
    )
    project.save(Findings(second, (40, 50), ANNA, lungs))
    status, output = xrayai("guidelines")
    assert status == 3 and "View: 'oblique' is none of PA, AP, LL." in output and "anna" in output
    assert "could not be judged, because the image has no spacing" in " ".join(output.split())
    status, output = xrayai("guidelines", "--json")
    documents = json.loads(output)
    assert status == 3 and [d["uid"] for d in documents] == [first, second]
    assert documents[1]["violations"][0]["severity"] == "refuse"
    assert xrayai("guidelines", "--reader", "bert")[0] == 0


def test_schemas_on_the_command_line(xrayai, project, tmp_path):
    assert "cephalometry" in xrayai("schema", "show", "cephalometry")[1]
    status, output = xrayai("schema", "use", "fracture")
    assert status == 0 and "14 labels" in output
    assert xrayai("schema", "use", "hand", "--add")[0] == 0
    uid = project.images()[0].uid
    project.save(Findings(uid, (40, 50), ANNA, (box("implant", 1, 1, 9, 8),)))
    status, output = xrayai("schema", "use", "chest_findings")
    assert status == 1 and "'implant' (1 object of 1 image)" in output
    status, output = xrayai("schema", "rename", "implant", "metal")
    assert status == 0 and "1 object" in output
    assert "metal" in xrayai("schema", "show")[1]
    text = tmp_path / "own.yaml"
    text.write_text("name: own\nlabels:\n- {name: a, tol: box}\n", "utf-8")
    status, output = xrayai("schema", "use", str(text))
    assert status == 1 and "own.yaml: line 3, label 'a', field 'tol': there is no such field" in output
