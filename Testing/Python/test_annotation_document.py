"""Documentation/annotation.md says what is: its example is read, its tables are those of the code."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from XRayAILib.exchange.formats import FORMATS, format_named
from XRayAILib.exchange.said import COMMON
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.label import Attribute, AttributeKind, Label, Skeleton, Tool
from XRayAILib.findings.rule import CHECKS, Axis, Measure, Severity, Unit
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.schema_file import parse

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Documentation" / "annotation.md").read_text("utf-8")
NOTHING = "-"


@pytest.fixture(scope="module")
def example() -> LabelSchema:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return parse(text, "annotation.md")


def _rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading: first cell -> the others."""
    found = {}
    for line in TEXT[TEXT.index(heading) :].splitlines()[2:]:
        if not line.startswith("|"):
            break
        first, *others = (cell.strip() for cell in line.strip("|").split("|"))
        found[first.strip("`")] = others
    return found


def test_the_example_has_every_check_and_every_kind_of_attribute(example: LabelSchema) -> None:
    assert {rule.check for rule in example.rules} == set(CHECKS)
    asked = [attribute.kind for label in example.labels for attribute in label.attributes]
    assert set(asked) == set(AttributeKind) and example.skeletons
    assert {rule.severity for rule in example.rules} == {Severity.WARN, Severity.REFUSE}


def test_every_field_and_word_of_a_schema_is_told() -> None:
    schema = TEXT[: TEXT.index("## Formats")]
    for kind in (Label, Attribute, Skeleton):
        for field in fields(kind):
            assert f"`{field.name}`" in schema, field.name
    for words in (Tool, AttributeKind, Measure, Unit, Axis):
        for word in words:
            assert re.search(rf"\b{word.value}\b", schema), word


def test_every_rule_is_told_with_its_own_fields() -> None:
    common = {"labels", "reason", "severity", "when", "unless"}
    rows = _rows("| `check` |")
    assert set(rows) == set(CHECKS)
    for check, (_, own) in rows.items():
        wanted = {field.name for field in fields(CHECKS[check])} - common
        assert set(re.findall(r"`(\w+)`", own)) == wanted, check


def test_what_each_format_cannot_hold_is_told() -> None:
    rows = _rows("| Format |")
    assert list(rows) == list(FORMATS)
    for name, (becomes, gone, lost, pictures) in rows.items():
        form = format_named(name)
        changed = {
            before: after
            for after, kinds in (part.split(": ") for part in becomes.split("; ") if part != NOTHING)
            for before in kinds.split(", ")
        }
        assert changed == {before: after for before, after in form.becomes.items() if before != after}, name
        missing = set() if gone == NOTHING else set(gone.split(", "))
        assert missing == set(KINDS) - set(form.becomes), name
        kept = (
            set(COMMON) if lost == NOTHING else set(lost.removeprefix("all").removeprefix(" but ").split(", ")) - {""}
        )
        assert kept == form.carries, name
        assert tuple(pictures.split(", ")) == form.forms, name


def test_the_readme_leads_to_it() -> None:
    assert "(Documentation/annotation.md)" in (ROOT / "README.md").read_text("utf-8")
