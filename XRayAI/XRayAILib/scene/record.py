"""How the scene keeps :mod:`XRayAILib.findings.record` in segment tags and node attributes, and what a person sees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from XRayAILib.findings.record import FIELDS
from XRayAILib.findings.schema import Label, LabelSchema, Tool

_SAFE = " -_.,()/+@=#[]"
_PLAIN = re.compile(f"[A-Za-z0-9~{re.escape(_SAFE)}]*")

PREFIX = "XRayAI."
"""Every tag and attribute that we write begins with this."""


def encoded(text: str) -> str:
    """``text`` without the characters that mean something in tags of .seg.nrrd (``|``, ``:``) or in MRML (``;``)."""
    # Most texts are ids, names and numbers: nothing to be quoted in those, and quoting is slow.
    return text if _PLAIN.fullmatch(text) else quote(text, safe=_SAFE)


def decoded(text: str) -> str:
    """The text that was :func:`encoded`."""
    return unquote(text)


def write_attributes(node: object, record: Mapping[str, str]) -> None:
    """Put a record into the attributes of a MRML node, beside those of others; empty values are left out."""
    for name, value in record.items():
        node.SetAttribute(PREFIX + name, encoded(value) if value else None)  # type: ignore[attr-defined]


def read_attributes(node: object, names: Iterable[str] = FIELDS) -> dict[str, str]:
    """The attributes of a MRML node that we wrote, by the names without our prefix."""
    found = ((name, node.GetAttribute(PREFIX + name)) for name in names)  # type: ignore[attr-defined]
    return {name: decoded(value) for name, value in found if value}


def label_for(schema: LabelSchema, tools: tuple[Tool, ...], shown: str, recorded: str = "", code: str = "") -> str:
    """The label of an object whose name in the scene is ``shown``.

    A person may have renamed it, or chosen a term in the Segment Editor. So the recorded label counts while its title
    still stands there; else a label of that title or name; else one with the code (``scheme^value``). A name that is
    none of these becomes a label itself (``Segment_1``): what was drawn is never dropped, and whoever checks
    the findings against the schema will say so.

    Parameters
    ----------
    schema
        The labels of the project.
    tools
        What the object can be; labels drawn with other tools do not count.
    shown
        The name a person sees.
    recorded
        The label that the object had when it was put into the scene, or empty.
    code
        Coded term of a segment, or empty.
    """
    if recorded and shown in ("", title_of(schema, recorded)):
        return recorded
    wanted = shown.strip().casefold()
    labels: list[Label] = [label for label in schema if label.tool in tools]
    for label in labels:
        if wanted in (label.title.casefold(), label.name.casefold()):
            return label.name
    for label in labels:
        if code and label.code and code == f"{label.code.scheme}^{label.code.value}":
            return label.name
    if recorded and wanted == recorded.casefold():
        return recorded
    kept = "".join(c if c.isalnum() or c in "_-" else "_" for c in shown.strip()).strip("_")
    return kept or recorded or "unlabelled"


def title_of(schema: LabelSchema, label: str) -> str:
    """What a person sees of a label; a label that is not in the schema is shown as it is."""
    return schema[label].title if label in schema else label


def color_of(schema: LabelSchema, label: str) -> tuple[float, float, float]:
    """The label's colour, 0..1; grey for one that is not in the schema."""
    return schema[label].rgb if label in schema else (0.75, 0.75, 0.75)
