"""The section Snapshots: the labelled data set as it is now, kept under a hash."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.snapshot_making import SnapshotMaking
from XRayAIPanel.desk import reader
from XRayAIPanel.installation import interpreter
from XRayAIPanel.section import Panel, Section


class SnapshotSection(Section):
    """A name, a button, and the snapshots that there are."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        own = self.load("Snapshots", panel.ui.snapshotsCollapsibleButton)
        self.making = SnapshotMaking(interpreter())
        self.add_strip("snapshot", self.making.work)
        panel.ui.snapshotsCollapsibleButton.contentsCollapsed.connect(self.on_folded)
        own.snapshotButton.clicked.connect(self.on_make)

    def on_folded(self, _folded: bool) -> None:
        self.show()

    def on_make(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("No snapshot was made.")):
            self.making.start(self.browse.project, self.own.snapshotNameLineEdit.text, reader().name)
        self.panel.watch()

    def ended(self) -> str:
        self.own.snapshotNameLineEdit.text = ""
        self.show()
        return self.making.outcome()

    def show(self) -> None:
        # To list them reads a file of each, so only where somebody looks.
        there = self.browse.is_open and not self.ui.snapshotsCollapsibleButton.collapsed
        self.own.snapshotsLabel.text = text = self.making.listed(self.browse.project) if there else ""
        self.own.snapshotsLabel.visible = bool(text)

    def show_buttons(self) -> None:
        self.own.snapshotButton.enabled = self.browse.has_images and not self.running
