"""Values that stand in the place of others: valid for their representation, and the same for everybody (PS3.5 6.2)."""

from __future__ import annotations

REMOVED = "REMOVED"
_TEXTS = {
    "AE": REMOVED,
    "AS": "000Y",
    "CS": REMOVED,
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "IS": "0",
    "LO": REMOVED,
    "LT": REMOVED,
    "PN": REMOVED,
    "SH": REMOVED,
    "ST": REMOVED,
    "TM": "000000",
    "UC": REMOVED,
    "UR": "about:blank",
    "UT": REMOVED,
}
_SIZES = {"FD": 8, "OD": 8, "SV": 8, "UV": 8, "OV": 8, "SS": 2, "US": 2, "OW": 2, "OB": 2, "UN": 2}


def dummy(vr: str) -> bytes:
    """The value for a representation, of even length; a UI has none, since UIDs are replaced and not dummied."""
    if vr in _TEXTS:
        return even(_TEXTS[vr].encode("ascii"))
    return b"\0" * _SIZES.get(vr, 4)


def even(value: bytes, padding: bytes = b" ") -> bytes:
    """``value`` with the one byte more that an odd length needs."""
    return value + padding if len(value) & 1 else value
