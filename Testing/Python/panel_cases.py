"""What the tests of the panel X-Ray AI share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

MODULE = Path(__file__).resolve().parents[2] / "XRayAI" / "XRayAI.py"


def open_copy(desktop: Any, folder: Path, place: Path, section: str) -> Any:
    """The panel with a copy of the project in ``folder`` opened, and one of its sections unfolded."""
    shutil.copytree(folder, place)
    panel = desktop.open_module(MODULE)
    desktop.answer(path=place)
    panel.ui.openProjectButton.click()
    getattr(panel.ui, f"{section}CollapsibleButton").collapsed = False
    return panel


def errors(desktop: Any) -> list[str]:
    """What the panel told as errors."""
    return [message.text for message in desktop.messages if message.kind == "error"]
