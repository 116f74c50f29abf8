"""The choices of a training: task, labels, what it starts from, and the less usual settings, folded away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from XRayAILib.workflow.learnable import LearnableLabel, learnable_labels, learnable_tasks, likely_task
from XRayAIPanel.choice_box import ChoiceBox
from XRayAIPanel.label_choice import LabelChoice

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

SPINS = {
    "minutes": "minutesSpinBox",
    "epochs": "epochsSpinBox",
    "size": "imageSizeSpinBox",
    "batch_size": "batchSizeSpinBox",
    "seed": "seedSpinBox",
}
"""Setting -> its widget."""


class TrainingSettings:
    """Reads and fills the widgets; every change is told.

    Parameters
    ----------
    changed
        Called when a person changed something.
    """

    def __init__(self, ui: Any, changed: Callable[[], None]) -> None:
        self.ui, self._changed = ui, changed
        self.tasks = ChoiceBox(ui.taskComboBox)
        self.starts = ChoiceBox(ui.startComboBox)
        self.networks = ChoiceBox(ui.networkComboBox)
        self.missing = ChoiceBox(ui.missingComboBox)
        self.labels = LabelChoice(ui.labelsListWidget)
        self.preset = ""
        self.offered: list[LearnableLabel] = []
        self._project: Project | None = None
        self._filling = False
        ui.advancedGroupBox.collapsed = True
        ui.taskComboBox.currentIndexChanged.connect(self._on_task)
        ui.labelsListWidget.itemChanged.connect(self._on_change)
        for box in (ui.startComboBox, ui.networkComboBox, ui.missingComboBox, ui.trainingEnhancementComboBox):
            box.currentIndexChanged.connect(self._on_change)
        for name in SPINS.values():
            getattr(ui, name).valueChanged.connect(self._on_change)
        ui.modelNameLineEdit.editingFinished.connect(self._on_change)

    @property
    def task(self) -> str:
        return self.tasks.value

    def show(self, project: Project, preset: str) -> None:
        """Offer what the project has; another project begins with the task that it has labels for."""
        from XRayAILib.workflow.start_choice import start_choices
        from XRayAILib.workflow.training import free_name

        self._filling = True
        fresh = project is not self._project
        chosen = likely_task(project) if fresh else self.task
        self._project = project
        self.tasks.fill([(task.title, task.name) for task in learnable_tasks()], chosen)
        self._offer(project)
        self.starts.fill(
            [(_("Random weights"), ""), *((choice.title, choice.start) for choice in start_choices(project))]
        )
        self.ui.modelNameLineEdit.placeholderText = free_name(project)
        self._filling = False
        if fresh or not self.preset:
            self.use_preset(preset)

    def use_preset(self, preset: str) -> None:
        """Begin with what this preset says for the task."""
        from XRayAILib.workflow.advanced import advanced_settings, network_names

        self.preset = preset
        if not self.task:
            return
        self._filling = True
        settings = advanced_settings(self.task, preset)
        for name, widget in SPINS.items():
            getattr(self.ui, widget).value = settings[name]
        self.networks.fill([(name, name) for name in network_names(self.task)], settings["network"])
        meanings = [(_("is not known there"), "unknown"), (_("is not there"), "absent")]
        self.missing.fill(meanings, settings["missing"])
        self._filling = False

    def changes(self) -> dict[str, Any]:
        """What differs from the preset, with the name and the start."""
        from XRayAILib.workflow.advanced import changes_of

        chosen: dict[str, Any] = {name: getattr(self.ui, widget).value for name, widget in SPINS.items()}
        chosen |= {"network": self.networks.value, "missing": self.missing.value}
        return changes_of(self.task, self.preset, chosen, self.ui.modelNameLineEdit.text, self.starts.value)

    def started(self) -> None:
        """The name is taken now."""
        self.ui.modelNameLineEdit.text = ""

    def _offer(self, project: Project) -> None:
        self.offered = learnable_labels(project, self.task)
        self.labels.show(self.offered)

    def _on_task(self, *_index: object) -> None:
        if self._project is not None and not self._filling:
            self._filling = True
            self._offer(self._project)
            self._filling = False
            self.use_preset(self.preset)
            self._changed()

    def _on_change(self, *_value: object) -> None:
        if not self._filling:
            self._changed()
