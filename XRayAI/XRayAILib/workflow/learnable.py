"""What can be learnt in a project: the tasks there are, and the labels of each with the number of their images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.schema import Tool

if TYPE_CHECKING:
    from XRayAILib.learning.task import Task
    from XRayAILib.project.project import Project

ORDER = ("segmentation", "detection", "classification", "landmarks")
"""How they are offered; others follow by name."""


@dataclass(frozen=True)
class LearnableTask:
    """A kind of learning, as a person chooses it.

    Attributes
    ----------
    draws
        What it learns from, in words: ``masks or polygons``.
    """

    name: str
    title: str
    draws: str


@dataclass(frozen=True)
class LearnableLabel:
    """A label of the schema that a model can learn, with the number of images that have it."""

    name: str
    title: str
    color: str
    images: int


def learnable_tasks() -> list[LearnableTask]:
    """The tasks that learn from labels."""
    from XRayAILib.learning.task import task_class, task_names

    found = [task_class(name) for name in task_names()]
    offered = [
        LearnableTask(task.name, task.title, " or ".join(sorted(_many(tool) for tool in task.tools)))
        for task in found
        if task.tools
    ]
    return sorted(offered, key=lambda task: (ORDER.index(task.name) if task.name in ORDER else len(ORDER), task.name))


def learnable_labels(project: Project, task: str = "segmentation") -> list[LearnableLabel]:
    """The labels that a task learns, in the schema's order."""
    tools = _task(task).tools
    counts = project.label_counts(*{BY_TOOL[tool] for tool in tools})
    return [
        LearnableLabel(label.name, label.title, label.color, counts.get(label.name, 0))
        for label in project.schema
        if label.tool in tools
    ]


def likely_task(project: Project) -> str:
    """The first task of which an image has a label; the first there is where none has any."""
    offered = learnable_tasks()
    counts = project.label_counts()
    drawn = {label.tool for label in project.schema if counts.get(label.name)}
    return next((task.name for task in offered if _task(task.name).tools & drawn), offered[0].name)


def _many(tool: Tool) -> str:
    if tool is Tool.IMAGE:
        return "image labels"
    name = tool.value.replace("_", " ")
    return f"{name}es" if name.endswith("x") else f"{name}s"


def _task(name: str) -> type[Task]:
    from XRayAILib.learning.task import task_class

    return task_class(name)
