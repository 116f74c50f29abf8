"""The section Project: make one, open one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from XRayAIPanel.section import Panel, Section

LAST_PROJECT = "XRayAI/Project"
"""The setting that keeps the folder of the last project."""


class ProjectSection(Section):
    """Name and folder of the project, New and Open.

    Parameters
    ----------
    refuse
        Raises where the project cannot be left now.
    """

    def __init__(self, panel: Panel, refuse: Callable[[], None]) -> None:
        super().__init__(panel)
        self._refuse = refuse
        self.ui.newProjectButton.clicked.connect(self.on_new)
        self.ui.openProjectButton.clicked.connect(self.on_open)

    def show(self) -> None:
        if self.browse.is_open:
            project = self.browse.project
            self.ui.projectLabel.text = f"<b>{project.name}</b><br>{project.folder}"

    def on_new(self, _checked: bool = False) -> None:
        self._change(_("Choose an empty folder for the new project"), self.browse.create)

    def on_open(self, _checked: bool = False) -> None:
        self._change(_("Choose the folder of a project"), self.browse.open)

    def open_last(self) -> None:
        """Open the project of the last session, if that takes no question to anybody."""
        from XRayAILib.project.errors import ProjectError
        from XRayAIPanel.installation import library_is_there

        folder = slicer.util.settingsValue(LAST_PROJECT, "")
        if not folder or not Path(folder, "project.toml").exists() or not library_is_there():
            return
        try:
            self.browse.open(Path(folder))
        except ProjectError as error:
            # Nobody asked for it now, so no dialog: the reason stands where the project's name would.
            self.ui.projectLabel.text = str(error)

    def _change(self, title: str, change: Callable[[Path], None]) -> None:
        from XRayAIPanel.installation import need_library

        start = slicer.util.settingsValue(LAST_PROJECT, "")
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, start)
        if not folder:
            return
        with slicer.util.tryWithErrorDisplay(_("The project was not opened.")):
            self._refuse()
            need_library()
            change(Path(folder))
            qt.QSettings().setValue(LAST_PROJECT, str(self.browse.project.folder))
        self.ui.filterSearchBox.text = ""
        self.panel.refresh()
