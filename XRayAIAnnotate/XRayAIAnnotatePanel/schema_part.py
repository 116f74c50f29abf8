"""The button "Labels...": opens the editor of the project's label schema."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.part import AnnotatePanel, Part
from XRayAIPanel.telling import telling


class SchemaPart(Part):
    """Lets the schema be edited, and shows the new labels at once."""

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        self._editor: Any = None
        self.ui.schemaButton.clicked.connect(self.on_edit)

    def show(self) -> None:
        project = self.panel.desk.project
        wanted = project is not None and not project.read_only
        if self.ui.schemaButton.enabled != wanted:
            self.ui.schemaButton.enabled = wanted

    def leave(self) -> None:
        if self._editor is not None:
            self._editor.close()
            self._editor = None

    def on_edit(self, _checked: bool = False) -> None:
        """Open the editor in a window of its own."""
        from XRayAIAnnotatePanel.schema_editor import SchemaEditor
        from XRayAILib.workflow.schema_edit import SchemaEdit

        with telling(_("The labels cannot be edited.")):
            edit = SchemaEdit(self.panel.desk.project)
            self.leave()
            self._editor = SchemaEditor(edit, self.panel.changeSchema)
            self._editor.open(slicer.util.mainWindow())
