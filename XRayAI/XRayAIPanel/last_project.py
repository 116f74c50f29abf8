"""The project of the last session, and the dialog that asks for another one; for both panels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from XRayAILib.workflow.browse import Browse

LAST_PROJECT = "XRayAI/Project"
"""The setting that keeps the folder of the last project."""


def open_last(browse: Browse) -> str:
    """Open the project of the last session, if that takes no question to anybody; what went wrong, or empty."""
    from XRayAILib.findings.schema import SchemaError
    from XRayAILib.project.errors import ProjectError
    from XRayAIPanel.installation import library_is_there

    folder = slicer.util.settingsValue(LAST_PROJECT, "")
    if not folder or not Path(folder, "project.toml").exists() or not library_is_there():
        return ""
    try:
        browse.open(Path(folder))
    except (ProjectError, SchemaError) as error:
        return str(error)
    return ""


def ask(browse: Browse, title: str, change: Callable[[Path], None], before: Callable[[], None]) -> bool:
    """Let a person choose a folder, and make or open the project in it.

    Parameters
    ----------
    title
        Of the dialog.
    change
        Makes or opens the project in the folder chosen.
    before
        Called first; raises where the project that is open cannot be left.

    Returns
    -------
    bool
        Whether another project is open now; where it failed, the person has been told.
    """
    from XRayAIPanel.installation import need_library
    from XRayAIPanel.telling import telling

    start = slicer.util.settingsValue(LAST_PROJECT, "")
    folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, start)
    if not folder:
        return False
    with telling(_("The project was not opened.")):
        need_library()
        before()
        change(Path(folder))
        qt.QSettings().setValue(LAST_PROJECT, str(browse.project.folder))
        return True
    return False
