"""Attributes of a file from outside: a value that cannot be read counts as missing and does not cost the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from XRayAILib.dicom.plain_header import NotPlainError, PlainHeader

if TYPE_CHECKING:
    from pydicom import Dataset


def value(dataset: Dataset | PlainHeader, keyword: str) -> Any:
    """The value of an attribute; ``None`` where it is missing, empty or of another representation than its VR says."""
    try:
        found = dataset.get(keyword)
    except NotPlainError:
        raise  # then pydicom reads the file
    except Exception:  # noqa: BLE001 - pydicom converts at the first access, and damaged bytes can raise anything
        return None
    return None if found is None or (isinstance(found, str | bytes) and not found) else found


def text(dataset: Dataset | PlainHeader, keyword: str) -> str:
    """The value as one line of text without padding; empty where there is none."""
    found = value(dataset, keyword)
    words = "" if found is None else str(found).replace("\x00", "").strip()
    # A damaged text may hold halves of characters, which neither a database nor a terminal takes.
    return words if words.isascii() else words.encode("utf-8", "replace").decode("utf-8")


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """The values of an attribute that may have several."""
    found = value(dataset, keyword)
    if found is None:
        return []
    return [str(v).strip() for v in ([found] if isinstance(found, str) or not hasattr(found, "__iter__") else found)]


def integer(dataset: Dataset | PlainHeader, keyword: str, default: int) -> int:
    """The value as a whole number; ``default`` where there is none or it is 0."""
    try:
        return int(value(dataset, keyword) or default)
    except (TypeError, ValueError, OverflowError):
        return default


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """All values as numbers; none at all where one of them is no number."""
    found = value(dataset, keyword)
    if found is None or isinstance(found, bytes):
        return []
    several = found if hasattr(found, "__iter__") and not isinstance(found, str) else [found]
    try:
        return [float(v) for v in several]
    except (TypeError, ValueError):
        return []


def number(dataset: Dataset, keyword: str, default: float) -> float:
    """The first value where it is a finite number."""
    import math

    found = numbers(dataset, keyword)
    return found[0] if found and math.isfinite(found[0]) else default


def items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence; none where it is missing, damaged or nested too deeply."""
    found = value(dataset, keyword)
    return found if found is not None and not isinstance(found, str | bytes) and hasattr(found, "__iter__") else ()
