"""Label schemas: YAML that people edit, messages that name the slip, templates that hold together."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.rule import CHECKS, Count, Inside, Measure, Severity, Size, Unit
from XRayAILib.findings.rule_text import in_words
from XRayAILib.findings.schema import Attribute, AttributeKind, Code, Label, LabelSchema, SchemaError, Skeleton, Tool
from XRayAILib.findings.schema_draft import SchemaDraft
from XRayAILib.findings.schema_file import parse
from XRayAILib.findings.template import template, template_about, template_names

WRIST = """
name: wrist
labels:
- name: radius
  title: Radius
  tool: mask
  color: "#4fc3f7"
  code: {scheme: SCT, value: "62413002", meaning: Radius}
  hotkey: 1
- name: fracture
  tool: box
  color: "#ef5350"
  attributes:
  - {name: displaced, title: Displaced, options: [no, slightly, clearly], required: yes}
  - {name: gap, kind: number, minimum: 0, maximum: 20.5, unit: mm}
  - {name: remark}
- {name: styloid, tool: landmark}
- {name: ulnar_corner, tool: landmark}
- {name: cast, tool: image, options: [yes, no], required: true}
skeletons:
- {name: joint, points: [styloid, ulnar_corner], lines: [[styloid, ulnar_corner]]}
rules:
- {check: size, labels: [fracture], measure: width, minimum: 3, unit: px, severity: refuse, reason: Smaller is noise.}
- {check: inside, labels: [fracture], others: [radius], tolerance: 0.2, when: {cast: [no]}}
"""


def told(text: str) -> str:
    """What a person reads about a schema that cannot be used."""
    with pytest.raises(SchemaError) as caught:
        parse(text, "schema.yaml")
    return str(caught.value)


def test_a_schema_by_hand_has_everything_that_stands_there():
    schema = parse(WRIST, "schema.yaml")
    assert schema["radius"].code == Code("SCT", "62413002", "Radius") and schema["radius"].hotkey == "1"
    displaced, gap, remark = schema["fracture"].attributes
    # To YAML 'no' and 'yes' are truth values; to the person who wrote them they are answers.
    assert displaced.options == ("no", "slightly", "clearly") and displaced.required
    assert displaced.kind is AttributeKind.CHOICE and remark == Attribute("remark", "remark")
    assert (gap.minimum, gap.maximum, gap.unit) == (0, 20.5, "mm")
    assert schema["cast"].options == ("yes", "no") and schema["cast"].required
    assert schema.skeletons == (
        Skeleton("joint", "joint", ("styloid", "ulnar_corner"), (("styloid", "ulnar_corner"),)),
    )
    size, inside = schema.rules
    assert isinstance(size, Size) and size.measure is Measure.WIDTH and size.unit is Unit.PX
    assert size.severity is Severity.REFUSE and size.reason == "Smaller is noise."
    assert isinstance(inside, Inside) and inside.when == (("cast", ("no",)),) and inside.tolerance == 0.2


@pytest.mark.parametrize("name", ["wrist", *template_names()])
def test_what_is_written_is_read_again_the_same(name, folder):
    schema = parse(WRIST, "schema.yaml") if name == "wrist" else template(name)
    path = folder / "schema.yaml"
    schema.write(path)
    assert LabelSchema.read(path) == schema
    assert list(folder.iterdir()) == [path]


def test_a_typo_in_a_field_is_told_with_its_line_and_the_field_that_was_meant():
    message = told(WRIST.replace('  color: "#ef5350"', '  colour: "#ef5350"'))
    assert message.startswith("schema.yaml: line 12, label 'fracture', field 'colour': there is no such field")
    assert "(did you mean 'color'?)" in message
    assert "(did you mean 'minimum'?)" in told(WRIST.replace("measure: width, minimum", "measure: width, minimun"))
    assert "(did you mean 'required'?)" in told(WRIST.replace("required: true}", "requird: true}"))
    assert "(did you mean 'skeletons'?)" in told(WRIST.replace("skeletons:", "skeleton:"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: styloid,", "name: radius,", "label 'radius', field 'name': stands there 2 times"),
        ("hotkey: 1", "hotkey: 1\n  hotkey: 2", "field 'hotkey': stands there twice, first in line 9"),
        (
            "{name: styloid, tool",
            "{name: styloid, hotkey: '1', tool",
            "field 'hotkey': '1' is the key of 'radius' already",
        ),
        ("hotkey: 1", "hotkey: Ctrl+Z", "'Ctrl+Z' belongs to Slicer or to the panel"),
        ("hotkey: 1", "hotkey: Esc", "'Esc' is no key for a label"),
        ("tool: mask", "tool: masks", "field 'tool': 'masks' is none of mask, polygon"),
        ('"#4fc3f7"', "red", "field 'color': 'red' is not of the form #rrggbb"),
        (
            "[no, slightly, clearly]",
            "[no, slightly, no]",
            "attribute 'displaced', field 'options': 'no' stands there 2",
        ),
        ("minimum: 0, maximum: 20.5", "minimum: 30, maximum: 20.5", "30 is more than the maximum, 20.5"),
        ("minimum: 0, max", "minimum: none, max", "field 'minimum': 'none' is no number"),
        ("points: [styloid,", "points: [styloids,", "there is no label 'styloids' (did you mean 'styloid'?)"),
        ("others: [radius]", "others: [ulna]", "rule 2 (inside), field 'others': there is no label 'ulna'"),
        ("others: [radius]", "others: [styloid]", "nothing can lie inside 'styloid', which is drawn as landmark"),
        ("when: {cast: [no]}", "when: {cast: [maybe]}", "'maybe' is no option of 'cast' (yes, no)"),
        ("when: {cast: [no]}", "unless: {plaster: [no]}", "field 'unless': 'plaster' is no question about the image"),
        ("measure: width", "measure: value", "'value' cannot be measured of 'fracture', which is drawn as box"),
        ("check: size", "check: sise", "rule 1, field 'check': 'sise' is no check (did you mean 'size'?)"),
        ("title: Radius", "mirror: fracture", "'fracture' mirrors to nothing; a pair names each other"),
        ("meaning: Radius}", "meaning: }", "label 'radius', code, field 'meaning': is missing"),
        ("- {name: styloid, tool: landmark}", "- styloid", "label 3: a label is a mapping with name, title, tool"),
        ("name: fracture", "name: a fracture", "'a fracture' is no name: use letters a to z"),
        (
            "options: [yes, no], required: true",
            "options: [[yes], no]",
            "field 'options': has a list or a mapping in it",
        ),
    ],
)
def test_each_slip_is_told(old, new, message):
    assert old in WRIST
    found = told(WRIST.replace(old, new))
    assert message in found and "line " in found


def test_all_slips_are_told_at_once_in_their_order():
    message = told(WRIST.replace("hotkey: 1", "hotkey: Alt+N").replace("others: [radius]", "others: [ulna]"))
    first, second = message.splitlines()[1:]
    assert message.startswith("schema.yaml has 2 problems:") and "line 9" in first and "'ulna'" in second


@pytest.mark.parametrize("text", ["", "[", "- a\n- b", "labels: {a: b}", "name: x", "labels: 3", "\ta: b", "[" * 5000])
def test_what_is_no_schema_at_all_is_told(text):
    assert told(text).startswith("schema.yaml")


def test_a_file_that_is_not_there_and_one_that_is_no_text(folder):
    with pytest.raises(SchemaError, match="cannot be read"):
        LabelSchema.read(folder / "schema.yaml")
    (folder / "schema.yaml").write_bytes(b"\xff\xfe\x00labels")
    with pytest.raises(SchemaError, match="cannot be read"):
        LabelSchema.read(folder / "schema.yaml")


def test_a_schema_in_memory_is_held_to_the_same():
    twice = (Label("a", "A", Tool.BOX, "#ffffff"), Label("a", "B", Tool.BOX, "#ffffff"))
    with pytest.raises(SchemaError, match=r"label 'a', field 'name': stands there 2 times\. Rename one"):
        LabelSchema("test", twice)
    with pytest.raises(SchemaError, match=r"rule 1 \(count\), field 'labels': there is no label 'b'"):
        LabelSchema("test", twice[:1], rules=(Count(labels=("b",), minimum=1),))


def test_a_new_project_begins_with_the_chest(project):
    assert project.schema == chest_schema() == template("chest_anatomy")
    assert [label.name for label in chest_schema()][:4] == ["right_lung", "left_lung", "heart", "cardiomediastinum"]


@pytest.mark.parametrize("name", template_names())
def test_every_code_of_a_template_is_one_of_dicoms_dictionary(name):
    from pydicom.sr._concepts_dict import concepts

    meanings: dict[tuple[str, str], set[str]] = {}
    for scheme in ("SCT", "RADLEX"):
        for codes in concepts[scheme].values():
            for value, (meaning, _groups) in codes.items():
                meanings.setdefault((scheme, value), set()).add(meaning.lower())
    # Right and left lung are concepts of SNOMED CT that no context group of DICOM names.
    sides = {Code("SCT", "3341006", "Right lung"), Code("SCT", "44029006", "Left lung")}
    for label in template(name):
        if label.code and label.code not in sides:
            assert label.code.meaning.lower() in meanings[label.code.scheme, label.code.value], label.name


@pytest.mark.parametrize("name", template_names())
def test_a_template_asks_for_the_quality_or_the_view_and_says_why_its_rules_are(name):
    schema = template(name)
    assert {label.name for label in schema.of(Tool.IMAGE)} & {"view", "quality"}
    assert template_about(name).endswith(".") and len(schema.rules) >= 5
    assert all(rule.reason for rule in schema.rules)
    titles = {label.name: label.title for label in schema}
    assert all(in_words(rule, titles) for rule in schema.rules)


def test_the_landmarks_of_real_cephalograms_have_labels_in_the_template(test_data):
    lines = (test_data / "cephalometric-landmarks" / "landmarks.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(lines)
    number = len({row["landmark"] for row in rows})
    schema = template("cephalometry")
    assert len(schema.of(Tool.LANDMARK)) >= 2 * number - 1
    (planes,) = schema.skeletons
    assert len(planes.points) >= number


def test_an_unknown_template_is_told_with_those_there_are():
    with pytest.raises(
        SchemaError, match=r"no template 'chest_finding' \(did you mean 'chest_findings'\?\); there are"
    ):
        template("chest_finding")


def test_templates_can_be_put_together():
    both = SchemaDraft.of(template("chest_anatomy")).with_more(SchemaDraft.of(template("fracture"))).schema()
    assert {"heart", "fracture"} <= {label.name for label in both} and both["view"].options == ("PA", "AP", "LL")
    keys = [label.hotkey for label in both if label.hotkey]
    assert len(keys) == len(set(keys)) > 7


def test_every_kind_of_rule_is_in_a_template():
    assert {rule.check for name in template_names() for rule in template(name).rules} == set(CHECKS)


def test_a_rename_reaches_mirrors_skeletons_conditions_and_rules():
    draft = SchemaDraft.of(parse(WRIST, "schema.yaml")).renamed("styloid", "tip").renamed("cast", "plaster")
    schema = draft.schema()
    assert schema.skeletons[0].points == ("tip", "ulnar_corner") and schema.skeletons[0].lines[0][0] == "tip"
    assert schema.rules[1].when == (("plaster", ("no",)),)
    chest = SchemaDraft.of(chest_schema()).renamed("right_lung", "lung_r").schema()
    assert chest["left_lung"].mirror == "lung_r" and chest.rules[1] == replace(
        chest_schema().rules[1], labels=("lung_r",)
    )
