"""JSON as the database has it: compact, and quickly read and written, also where others wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from XRayAILib.findings.document import to_document
from XRayAILib.findings.objects import FindingObject


def load(text: str) -> Any:
    """What a text of the database says."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)  # halves of characters, which text from outside can have


def dump(value: Any) -> str:
    """A document as text; the same document always gives the same one."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"))  # halves of characters, numbers of more than 64 bits


def dump_object(item: FindingObject, keep_blob: Callable[[str, bytes], None]) -> str:
    """An object as text; the pixels of a mask go to ``keep_blob(name, data)``."""
    try:
        # The document without making it first: the fields of all objects but masks are plain.
        return f'{{"kind":"{item.kind}",{orjson.dumps(item)[1:].decode()}'
    except TypeError:
        return dump(to_document(item, keep_blob))
