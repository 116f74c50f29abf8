"""Colours to write in: what says "wrong" or "saved" is read on a light panel and on a dark one."""

from __future__ import annotations

import qt

LIGHTER = 165
"""Percent by which a colour is lighter on a dark panel."""
MIDDLE = 128


def is_dark() -> bool:
    """Whether Slicer's windows have light text on a dark ground."""
    # Of a label, not of the main window: Slicer tests every module without one.
    return bool(qt.QLabel().palette.text().color().lightness() > MIDDLE)


def ink(color: str) -> str:
    """``#rrggbb`` as it can be read here; the colour itself on a light panel."""
    return str(qt.QColor(color).lighter(LIGHTER).name()) if is_dark() else color
