"""The section Project: make one, open one."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

from slicer.i18n import tr as _

from XRayAILib.workflow.guidelines import schema_notice
from XRayAIPanel import last_project
from XRayAIPanel.ink import ink
from XRayAIPanel.section import Panel, Section

HINT = "#ef6c00"


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
        self._schema: object = None
        self._notice = ""
        self.ui.newProjectButton.clicked.connect(self.on_new)
        self.ui.openProjectButton.clicked.connect(self.on_open)

    def show(self) -> None:
        if self.browse.is_open:
            project = self.browse.project
            self.ui.projectLabel.toolTip = str(project.folder)
            text = f"<b>{escape(project.name)}</b><br>{escape(str(project.folder))}"
            if project.schema is not self._schema:
                self._schema, self._notice = project.schema, schema_notice(project)
            if self._notice:
                text += f'<br><span style="color:{ink(HINT)}">{escape(self._notice)}</span>'
            self.ui.projectLabel.text = text

    def on_new(self, _checked: bool = False) -> None:
        self._change(_("Choose an empty folder for the new project"), self.browse.create)

    def on_open(self, _checked: bool = False) -> None:
        self._change(_("Choose the folder of a project"), self.browse.open)

    def open_last(self) -> None:
        """Open the project of the last session, if that takes no question to anybody."""
        problem = last_project.open_last(self.browse)
        if problem:
            # Nobody asked for it now, so no dialog: the reason stands where the project's name would.
            self.ui.projectLabel.text = escape(problem)

    def _change(self, title: str, change: Callable[[Path], None]) -> None:
        if last_project.ask(self.browse, title, change, self._refuse):
            self.ui.filterSearchBox.text = ""
            self.panel.refresh()
