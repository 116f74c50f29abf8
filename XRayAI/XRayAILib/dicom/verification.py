"""The proof that a de-identified file says nothing of whom it was made from, by its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.dicom.confidentiality import Actions
from XRayAILib.dicom.file_bytes import outside_pixels, read_parts
from XRayAILib.dicom.file_header import reading
from XRayAILib.dicom.identity import ADDRESSES, Identity
from XRayAILib.dicom.vocabulary import without_plain_words

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset
    from pydicom.dataelem import RawDataElement

NUMERIC = frozenset(("AT", "DS", "FD", "FL", "IS", "OD", "OF", "OL", "OV", "SL", "SS", "SV", "UL", "US", "UV"))
_NUMBER = re.compile(rb"[\d.eE+\-\\ ]*")
MARKERS = frozenset((0x00120062, 0x00120063, 0x00120064, 0x00280303))
MANUFACTURERS = frozenset((0x00080070, 0x00081090))
LEFT_IN = "is still in"
SHORTEST_IN_BINARY = 6
"""Bytes; what is shorter turns up in any table of numbers."""


@dataclass(frozen=True)
class Leak:
    """A value that was to be taken away and is still there.

    Attributes
    ----------
    source
        The attribute that it was the value of.
    place
        The attribute in the output that holds it, or where else it stands.
    """

    source: str
    place: str

    def __str__(self) -> str:
        return f"the value of {self.source} {LEFT_IN} {self.place}"


def leaks(
    path: Path, start: bytes, identity: Identity, made: frozenset[bytes], actions: Actions, nested: Actions
) -> list[Leak]:
    """What is left of an identity in the file at ``path``, read again from its bytes.

    Parameters
    ----------
    start
        Preamble and File Meta as they must be: what they hold was put in by the program.
    made
        Values that were put in the place of others; chance may repeat digits of the identity in them.
    actions, nested
        The rules by which the file was made, at the top and within sequences: what they keep is no leak.

    Raises
    ------
    UnreadableError
        The file cannot even be read.
    """
    with reading(path) as stream:
        parts = read_parts(stream)
        dataset, outside = parts.dataset, list(outside_pixels(stream, parts))
    own = [_Element("File Meta", 0x00020003, "", start, True)] if outside[0].startswith(start) else []
    found = [Leak(_shown(tag), "its own place") for tag in list(dataset.keys()) if actions[tag] == "X"]
    # Usually there is nothing: one look at all parts together shows it.
    for part in outside if any(identity.found_in(b"\n".join(outside))) else ():
        hits = list(identity.found_in(part))
        if hits:
            elements = own + list(_elements(dataset, actions, nested)) if part is outside[0] else []
            explained = _Explained(elements, made)
            found += [leak for hit in hits for leak in explained.leaks(part, *hit)]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class _Element:
    name: str
    tag: int
    vr: str
    data: bytes
    kept: bool


def _elements(dataset: Dataset, actions: Actions, nested: Actions) -> Iterator[_Element]:
    for element in list(dataset.values()):
        tag = element.tag
        if tag in MARKERS:
            yield _Element(_shown(tag), tag, "", _written(element), True)
            continue
        if element.VR == "SQ" or (element.VR in (None, "UN") and dataset[tag].VR == "SQ"):
            for item in dataset[tag].value or ():
                yield from _elements(item, nested, nested)
            continue
        vr = element.VR or dataset[tag].VR
        yield _Element(_shown(tag), tag, vr, _written(element), actions[tag] == "K")


def _written(element: RawDataElement | DataElement) -> bytes:
    value = element.value
    return value if isinstance(value, bytes) else str(value).encode("utf-8")


class _Explained:
    """Tells a leak from digits that happen to be the same."""

    def __init__(self, elements: list[_Element], made: frozenset[bytes]) -> None:
        self._elements = elements
        self._made = made

    def leaks(self, part: bytes, value: str, needle: bytes, tag: int) -> Iterator[Leak]:
        total = part.lower().count(needle)
        for element in self._elements:
            count = element.data.lower().count(needle)
            if not count:
                continue
            total -= count
            if not self._harmless(element, value, needle, tag):
                yield Leak(_shown(tag), element.name)
        if total > 0:
            yield Leak(_shown(tag), "bytes outside of any attribute")

    def _harmless(self, element: _Element, value: str, needle: bytes, tag: int) -> bool:
        data = element.data.rstrip(b" \0")
        if element.kept or data in self._made:
            return True
        if element.vr in NUMERIC:
            return element.vr not in ("DS", "IS") or _NUMBER.fullmatch(data) is not None
        if element.vr == "UI" and data.startswith(b"1.2.840.10008."):
            return True
        if element.vr in ("OB", "OW", "UN") and len(needle) < SHORTEST_IN_BINARY:
            return True
        if tag in ADDRESSES and element.tag in MANUFACTURERS:
            return True
        if value.isdigit() and len(value) < SHORTEST_IN_BINARY:
            # A year in the number of a version is not a patient's number.
            return re.search(rb"(?<![\w.])" + re.escape(needle) + rb"(?![\w.])", data.lower()) is None
        in_ascii = value.isascii() and needle == value.encode("ascii")
        return in_ascii and value not in without_plain_words(data.decode("latin-1")).lower()


def _shown(tag: int) -> str:
    from pydicom.datadict import keyword_for_tag

    return f"{keyword_for_tag(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})".strip()
