"""Every format: findings out and in again, and what of them it cannot hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exchange_cases import SHAPE, everything, new_project, uid_of
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.conversion import converted
from XRayAILib.exchange.export import export_project, losses
from XRayAILib.exchange.format import Format
from XRayAILib.exchange.formats import format_named
from XRayAILib.exchange.labels import import_labels
from XRayAILib.exchange.said import COMMON, Said, said
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import BY_TOOL, KINDS
from XRayAILib.findings.objects import FindingObject, Polygon
from XRayAILib.findings.schema import Tool
from XRayAILib.findings.shapes import Polyline, RotatedBox
from XRayAILib.project.project import Project

FORMATS = ("coco", "yolo-detect", "yolo-segment", "yolo-pose", "yolo-obb", "voc", "cvat", "label-studio", "labelme")
TITLE = "What of findings each format cannot hold (out and in again)"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with new_project(tmp_path) as project:
        yield project


def _round_trip(project: Project, name: str, **choice: Any) -> Findings:
    """What comes back of everything that is said of ``one.png``."""
    uid = uid_of(project, "one")
    project.save(everything(uid))
    export = export_project(project, name, Choice(**choice))
    report = import_labels(project, export.folder)
    assert report.skipped == () and not report.refused and report.objects == export.objects
    back = project.findings(uid, Author.imported(export.folder.name).key)
    assert back is not None
    return back


@pytest.mark.parametrize("name", FORMATS)
def test_only_what_a_format_says_is_lost(project: Project, name: str, table_of: Any) -> None:
    form = format_named(name)
    back = _round_trip(project, name)
    before = everything(uid_of(project, "one"))

    # Each object comes back as the format said that it would hold it, and nothing else comes back.
    held = [
        (item, _taken(other, project))
        for item in before
        for other in form.join(form.hold(item, before.shape), project.schema)
    ]
    left = [said(item) for item in back]
    for _, wanted in held:
        match = next((other for other in left if _same(said(wanted), other)), None)
        assert match is not None, f"{name}: {said(wanted)} did not come back; there are {left}"
        left.remove(match)
    assert not left

    # What became of each kind is what its class says; a kind without a word there is gone.
    became = {kind: {other.kind for item, other in held if item.kind == kind} for kind in KINDS}
    for kind, others in became.items():
        stated = {form.becomes[kind]} if form.becomes.get(kind) else set()
        assert bool(others) == bool(stated), (kind, others)

    # Of the fields that all objects have, those that the format carries are as they were.
    kept = {item.id: item for item in back} if "id" in form.carries else {}
    for item in before:
        if item.id in kept:
            for field in form.carries:
                assert getattr(kept[item.id], field) == getattr(item, field), (name, item.kind, field)
    if "attributes" in form.carries:
        assert Counter(o.attributes for o in back if o.attributes) == Counter(
            o.attributes for o in before if o.attributes
        )
    else:
        assert not any(item.attributes for item in back)

    table_of(TITLE).append(_line(form, before, held))


def _taken(item: FindingObject, project: Project) -> FindingObject:
    """As an import takes it, which looks at the tool that the schema has for the label."""
    tool = project.schema[item.label].tool
    upright = isinstance(item, RotatedBox) and item.angle == 0 and tool is not Tool.ROTATED_BOX
    rectangle = isinstance(item, Polygon) and len(item.points) == 4 and tool is Tool.ROTATED_BOX
    outlined = isinstance(item, Polygon) and tool is Tool.MASK
    if isinstance(item, Polyline) and tool in (Tool.LINE, Tool.ANGLE):
        return BY_TOOL[tool](points=item.points, **{n: getattr(item, n) for n in COMMON}, label=item.label)  # type: ignore[call-arg]
    kind = "box" if upright else "rotated box" if rectangle else "mask" if outlined else item.kind
    (item,) = converted(item, kind, SHAPE)
    return item


def _same(one: Said, other: Said) -> bool:
    if (one.kind, one.label, one.pixels, one.record) != (other.kind, other.label, other.pixels, other.record):
        return False
    if len(one.numbers) != len(other.numbers):
        return False
    # A rotated box may begin at another corner.
    turns = range(0, 8, 2) if one.kind == "rotated box" else (0,)
    return any(np.allclose(np.roll(one.numbers, turn), other.numbers, rtol=0, atol=1e-6) for turn in turns)


def _line(form: Format, before: Findings, held: list[tuple[FindingObject, FindingObject]]) -> str:
    """What became of each kind: how many are as they were, what the others are now, and how many are gone."""
    whole: list[str] = []
    texts: list[str] = []
    for kind in KINDS:
        items = [item for item in before if item.kind == kind]
        came = {item.id: [other for one, other in held if one is item] for item in items}
        same = [item for item in items if [_same(said(item), said(other)) for other in came[item.id]] == [True]]
        if len(same) == len(items):
            whole.append(kind)
            continue
        changed = {other.kind for item in items if item not in same for other in came[item.id]}
        gone = sum(not came[item.id] for item in items)
        parts = [f"{len(same)} whole"] if same else []
        parts += [f"{len(items) - len(same) - gone} changed to {', '.join(sorted(changed))}"] if changed else []
        parts += [f"{gone} gone"] if gone else []
        texts.append(f"{kind} ({', '.join(parts)})")
    texts.append(f"fields gone: {', '.join(field for field in COMMON if field not in form.carries) or 'none'}")
    return f"{form.title:20} whole: {', '.join(whole) or 'nothing'}; " + ", ".join(texts)


@pytest.mark.parametrize("name", FORMATS)
def test_losses_are_said_before_the_start(project: Project, name: str) -> None:
    project.save(everything(uid_of(project, "one")))
    form, text = format_named(name), " ".join(losses(project, name))
    contents = Contents.of([everything(uid_of(project, "one"))])
    for kind, count in contents.kinds.items():
        if form.becomes.get(kind) != kind:
            assert f"{count} {kind}" in text, f"{name} says nothing of {kind}: {text}"
    if "attributes" not in form.carries:
        assert "attributes of 1 object" in text


def test_nothing_is_said_where_nothing_is_lost(project: Project) -> None:
    """A schema of boxes only, exported as boxes: there is nothing to warn of but what no file of YOLO has."""
    uid = uid_of(project, "one")
    boxes = [item for item in everything(uid) if item.kind == "box" and not item.attributes]
    project.save(Findings(uid, everything(uid).shape, boxes[0].author, tuple(boxes)))
    assert losses(project, "coco") == []
    (sentence,) = losses(project, "yolo-detect")
    assert sentence.startswith("Not kept of any object")
