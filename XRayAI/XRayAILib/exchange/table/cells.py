"""Texts in the cells of a table that a person may open in a spreadsheet.

A spreadsheet takes what begins with ``=``, ``+``, ``-`` or ``@`` for a formula and computes it, whoever wrote it there
(OWASP, "CSV Injection"). An apostrophe before it makes it a text; the spreadsheet's own sign for that.
"""

from __future__ import annotations

import re

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How a text begins that needs the apostrophe; with apostrophes of its own it gets one more, so none is lost."""


def cell(text: str) -> str:
    """A text for a cell, which no spreadsheet computes; numbers stay as they are."""
    return f"'{text}" if FORMULA.match(text) and not _is_number(text) else text


def text_of(cell: str) -> str:
    """The text that :func:`cell` was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isprintable()
