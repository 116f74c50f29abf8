"""The project that is annotated, where X-Ray AI has not opened one yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from XRayAILib.workflow.browse import Browse


def open_last(browse: Browse) -> str:
    """Open the project of the last session, if that takes no question to anybody; what went wrong, or empty."""
    from XRayAILib.project.errors import ProjectError
    from XRayAIPanel.installation import library_is_there
    from XRayAIPanel.project_section import LAST_PROJECT

    folder = slicer.util.settingsValue(LAST_PROJECT, "")
    if not folder or not Path(folder, "project.toml").exists() or not library_is_there():
        return ""
    try:
        browse.open(Path(folder))
    except ProjectError as error:
        return str(error)
    return ""


def ask(browse: Browse, leave: Callable[[], None]) -> bool:
    """Let a person choose the project; ``leave`` is called before the one that is open goes. Whether one was opened."""
    from XRayAIPanel.installation import need_library
    from XRayAIPanel.project_section import LAST_PROJECT

    start = slicer.util.settingsValue(LAST_PROJECT, "")
    title = _("Choose the folder of a project")
    folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, start)
    if not folder:
        return False
    with slicer.util.tryWithErrorDisplay(_("The project was not opened.")):
        need_library()
        leave()
        browse.open(Path(folder))
        qt.QSettings().setValue(LAST_PROJECT, str(browse.project.folder))
        return True
    return False
