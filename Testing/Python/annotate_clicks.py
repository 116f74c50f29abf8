"""Who annotates in the tests, and what she clicks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from XRayAILib.findings.author import Author

HOME = Path(__file__).resolve().parents[2]
XRAYAI = HOME / "XRayAI" / "XRayAI.py"
ANNOTATE = HOME / "XRayAIAnnotate" / "XRayAIAnnotate.py"
ANNA = Author.person("anna")


def click_cell(table: Any, row: int) -> None:
    """A click of the mouse into the first cell of a row."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    place = table.visualItemRect(table.item(row, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def click_label(panel: Any, title: str) -> None:
    """A click on a label of the panel."""
    table = panel.ui.labelsTable
    click_cell(table, next(row for row in range(table.rowCount) if table.item(row, 0).text() == title))


def errors(desktop: Any) -> list[str]:
    return [message.text for message in desktop.messages if message.kind == "error"]
