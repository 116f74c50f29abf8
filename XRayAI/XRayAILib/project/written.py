"""Objects as the database has them: JSON, each written once however often the findings around it are saved.

Most of what a reader draws does not change from one save to the next. The JSON of an object that equals the one saved
last is used again, so that its mask is not compressed again and its hundred points are not turned into text again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject
from XRayAILib.project import json_text

TRACKS = 3
"""Tracks whose objects are kept: that of the image at hand, and those that were worked on just before."""


@dataclass(frozen=True)
class Entry:
    """One object as it is stored.

    Attributes
    ----------
    text
        Its document as JSON.
    blobs
        The pixels that the document names.
    item
        The object itself; ``None`` where only the text was read.
    """

    id: str
    status: str
    text: str
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    item: FindingObject | None = None


@dataclass(frozen=True)
class Written:
    """What the database has of a track after a revision."""

    revision: int
    shape: tuple[int, int]
    entries: tuple[Entry, ...]


class Cache:
    """The tracks that this process saved last."""

    def __init__(self) -> None:
        self._tracks: OrderedDict[tuple[str, str], Written] = OrderedDict()

    def entries(self, findings: Findings) -> tuple[Entry, ...]:
        """The objects of findings as they will be stored."""
        last = self.get(findings.radiograph_uid, findings.author.key)
        known = {entry.id: entry for entry in last.entries} if last else {}
        return tuple(_entry(item, known.get(item.id)) for item in findings)

    def get(self, uid: str, track: str) -> Written | None:
        return self._tracks.get((uid, track))

    def put(self, uid: str, track: str, written: Written) -> None:
        """Remember what is stored now; to be called after the transaction."""
        self._tracks[uid, track] = written
        self._tracks.move_to_end((uid, track))
        while len(self._tracks) > TRACKS:
            self._tracks.popitem(last=False)


def fresh_entries(findings: Findings) -> tuple[Entry, ...]:
    """The objects as they will be stored, but without themselves: masks need much more memory than their text."""
    return tuple([_entry(item, None, keeps_item=False) for item in findings])


def read_entries(document: str) -> tuple[tuple[int, int], tuple[Entry, ...]]:
    """Shape and objects of a document of the table ``current``."""
    state = json_text.load(document)
    rows, columns = state["shape"]
    return (rows, columns), tuple(Entry(d["id"], d["status"], json_text.dump(d)) for d in state["objects"])


def track_document(findings: Findings, entries: Sequence[Entry]) -> str:
    """The document of the table ``current``: author, shape and all objects."""
    return _with_lists(head(findings), objects=_list(entries))


def change_document(findings: Findings, before: Sequence[Entry], after: Sequence[Entry]) -> str:
    """The document of the table ``revisions``: what was put, what was dropped, and the order of what is there."""
    old = {entry.id: entry.text for entry in before}
    kept = {entry.id for entry in after}
    rest = {
        "drop": [i for i in old if i not in kept],
        "order": [entry.id for entry in after],
        "head": head(findings),
    }
    return _with_lists(rest, put=_list([entry for entry in after if old.get(entry.id) != entry.text]))


def head(findings: Findings) -> dict[str, Any]:
    """Whose findings they are, and of how many pixels."""
    return {"author": _author(findings.author), "shape": list(findings.shape)}


def statuses(entries: Sequence[Entry]) -> str:
    """The different statuses of objects, as the column ``current.statuses`` has them."""
    return ",".join(sorted({entry.status for entry in entries}))


def _entry(item: FindingObject, known: Entry | None, keeps_item: bool = True) -> Entry:
    if known is not None and (known.item is item or known.item == item):
        return known
    blobs: dict[str, bytes] = {}
    text = json_text.dump_object(item, blobs.__setitem__)
    return Entry(item.id, item.status.value, text, blobs, item if keeps_item else None)


def _list(entries: Sequence[Entry]) -> str:
    return "[" + ",".join([entry.text for entry in entries]) + "]"


def _with_lists(values: dict[str, Any], **lists: str) -> str:
    """JSON of ``values`` with lists that are JSON already."""
    text = json_text.dump(values)
    return text[:-1] + "".join(f',"{name}":{part}' for name, part in lists.items()) + "}"


def _author(author: Author) -> dict[str, str]:
    return {"kind": author.kind.value, "name": author.name, "digest": author.digest}
