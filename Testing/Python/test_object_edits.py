"""Several objects at once: another label, and answers to attributes."""

from __future__ import annotations

from XRayAILib.findings.author import Author
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, Landmark
from XRayAILib.findings.schema import Attribute, Label, LabelSchema, Tool
from XRayAILib.workflow.object_edits import answered, other_labels, relabelled

ANNA = Author.person("anna")
SIDE, DEPTH = Attribute("side", "Side"), Attribute("depth", "Depth")
MASS = Label("mass", "Mass", Tool.BOX, "#aa00ff", attributes=(SIDE,))
NODULE = Label("nodule", "Nodule", Tool.BOX, "#ffd54f", attributes=(SIDE, DEPTH))
SCHEMA = LabelSchema("boxes", (NODULE, MASS, *chest_schema().of(Tool.LANDMARK)))


def findings(*objects: FindingObject) -> Findings:
    return Findings("1.2.3", (100, 100), ANNA, objects)


def box(label: str = "nodule", **values: object) -> Box:
    return Box(label=label, author=ANNA, x0=1, y0=1, x1=9, y1=9, **values)


def point(label: str) -> Landmark:
    return Landmark(label=label, author=ANNA, x=1, y=2)


def names(*objects: FindingObject, of: tuple[FindingObject, ...]) -> list[str]:
    return [label.name for label in other_labels(findings(*objects), {item.id for item in of}, SCHEMA)]


def test_labels_are_offered_whose_tool_draws_what_is_chosen():
    one, other, mark = box(), box("mass"), point("carina")
    assert names(one, other, of=(one,)) == ["mass"]
    assert names(one, other, of=(one, other)) == ["nodule", "mass"]
    assert names(one, mark, of=(one, mark)) == [] and names(one, of=()) == []


def test_a_landmark_that_is_there_is_not_set_twice():
    first, second = point("carina"), point("left_apex")
    offered = names(first, second, of=(first,))
    assert "right_apex" in offered and not {"carina", "left_apex"} & set(offered)
    assert names(first, second, of=(first, second)) == []


def test_answers_that_the_new_label_asks_for_are_kept():
    one = box(attributes=(("side", "left"), ("depth", "3")))
    (changed,) = relabelled(findings(one), {one.id}, MASS)
    assert (changed.id, changed.label, changed.attributes) == (one.id, "mass", (("side", "left"),))


def test_answers_stand_in_the_order_of_the_label_and_are_taken_back():
    one, other = box(attributes=(("old", "kept"), ("depth", "3"))), box()
    state = answered(findings(one, other), {one.id}, NODULE, "side", "left")
    assert [item.attributes for item in state] == [(("side", "left"), ("depth", "3"), ("old", "kept")), ()]
    state = answered(state, {one.id}, NODULE, "depth", "")
    assert state.objects[0].attributes == (("side", "left"), ("old", "kept"))
