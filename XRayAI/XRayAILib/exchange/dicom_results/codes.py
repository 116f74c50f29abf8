"""The labels of a schema as coded concepts, and back.

A label without a code has one of our own: coding scheme :data:`SCHEME`, its name as the value. Coding schemes that no
registry knows begin with ``99`` (PS3.16 8.2).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from XRayAILib.exchange.label_names import LabelNames
from XRayAILib.findings.schema import Code, Label, LabelSchema

if TYPE_CHECKING:
    from pydicom.sr.coding import Code as Concept

SCHEME = "99XRAYAI"
UNCODED = "text"
"""Code Value of what only the meaning tells."""
LONGEST_MEANING = 64
"""Characters of a Code Meaning, whose value representation is LO (PS3.5 6.2)."""

ANATOMY = ("cid7192", "cid4", "cid4031", "cid6113", "cid7304", "cid7602")
"""Context groups of PS3.16 whose members are parts of a body."""
DEVICES = ("cid7157",)
DEVICE_WORDS = frozenset(
    ("device", "implant", "catheter", "tube", "pacemaker", "prosthesis", "screw", "plate", "marker")
)
SIDES = frozenset(("right", "left"))


def concept(value: str, scheme: str, meaning: str) -> Concept:
    """A code with a meaning that is neither empty nor too long."""
    from pydicom.sr.coding import Code as Concept

    return Concept(value, scheme, " ".join(meaning.split())[:LONGEST_MEANING].strip() or value[:LONGEST_MEANING])


def own_concept(value: str, meaning: str) -> Concept:
    """A concept of our own coding scheme."""
    return concept(value, SCHEME, meaning)


def text_concept(text: str, scheme: str = SCHEME, meaning: str = "") -> Concept:
    """A concept for a text that somebody chose; :func:`text_in` gives the text back.

    A code has characters of the default repertoire only (PS3.3 8.1); other texts stand in the meaning.
    """
    plain = text.isascii() and text.isprintable() and "\\" not in text and text == text.strip()
    return concept(text if plain and text else UNCODED, scheme, meaning or text)


def text_in(code: Code) -> str:
    """The text of :func:`text_concept`."""
    return code.meaning if code.value == UNCODED else code.value


def label_concept(schema: LabelSchema, name: str) -> Concept:
    """The code of a label; of one that the schema does not have any more its name."""
    if name not in schema:
        return text_concept(name)
    label = schema[name]
    if label.code is None:
        return text_concept(name, meaning=label.title)
    return concept(label.code.value, label.code.scheme, label.code.meaning)


def category_of(code: Concept) -> Concept:
    """The Segmented Property Category of a concept (PS3.16 CID 7150).

    Anatomy and devices are told by their context groups, or by their words, since these groups know no sides ("Right
    lung" is a lung). Another concept of SNOMED CT counts as abnormal, and one of another scheme as a region of which no
    more is known.
    """
    from pydicom.sr.codedict import codes

    words = [word for word in code.meaning.lower().split() if word not in SIDES]
    if _is_member(code, " ".join(words), ANATOMY):
        found: Concept = codes.SCT.AnatomicalStructure
    elif _is_member(code, " ".join(words), DEVICES) or DEVICE_WORDS & {word.strip(",") for word in words}:
        found = codes.SCT.PhysicalObject
    elif code.scheme_designator == "SCT":
        found = codes.SCT.MorphologicallyAbnormalStructure
    else:
        found = codes.cid7150.SpatialAndRelationalConcept
    return found


def _is_member(code: Concept, words: str, groups: tuple[str, ...]) -> bool:
    return any({(code.scheme_designator, code.value), ("", words)} & _members(group) for group in groups)


@cache
def _members(group: str) -> frozenset[tuple[str, str]]:
    """Scheme and value of the members of a context group, and their meanings under no scheme."""
    from pydicom.sr.codedict import codes

    concepts = [getattr(getattr(codes, group), name) for name in getattr(codes, group).dir()]
    values = {(c.scheme_designator, c.value) for c in concepts}
    return frozenset(values | {("", c.meaning.lower()) for c in concepts})


class CodedLabels:
    """Finds the labels of a schema by codes or names of a file; the name counts first, since codes may be shared."""

    def __init__(self, schema: LabelSchema) -> None:
        self.schema = schema
        self.names = LabelNames(schema)
        self._codes: dict[tuple[str, str], list[Label]] = {}
        for label in schema:
            if label.code is not None:
                self._codes.setdefault(_key(label.code), []).append(label)

    def find(self, name: str, code: Code | None) -> Label | None:
        """The label called ``name``, else the only one with ``code``, else the one named like its meaning."""
        label = self.names.get(name) if name else None
        if label is None and code is not None:
            if code.scheme == SCHEME:
                return self.names.get(text_in(code))
            coded = self._codes.get(_key(code), [])
            label = coded[0] if len(coded) == 1 else self.names.get(code.meaning)
        return label


def _key(code: Code) -> tuple[str, str]:
    # SNOMED CT has had three designators (PS3.16 8.1); only their numbers are the same.
    scheme = "SCT" if code.scheme in ("SNM", "SCT") else code.scheme
    return scheme, code.value
