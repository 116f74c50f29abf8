"""What a model can learn from: the labelled images of a project."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.source import stamp
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.objects import Box, FindingObject, Mask, Polygon
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.problem import Problem, refuse
from XRayAILib.learning.task import task_class, task_names
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project


@dataclass(frozen=True)
class Example:
    """One labelled image, without its pixels.

    Attributes
    ----------
    patient
        What keeps images of one person on one side of the split.
    labels
        What it says of the labels to learn: those that were drawn here, or answers as ``label=value``.
    part
        ``train``, ``validation``, ``test`` or empty.
    image_key, findings_key
        Digests of what the image's file and its reference findings hold; they change with the content.
    strata
        What is to be spread over the parts alike: the labels, and for boxes also their rough number.
    """

    uid: str
    patient: str
    labels: frozenset[str]
    part: str
    image_key: str
    findings_key: str
    strata: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Survey:
    """What there is to learn from.

    Attributes
    ----------
    labels
        Those that occur, in the schema's order.
    examples
        The images that teach at least one of them.
    problems
        Everything that is in the way.
    """

    labels: tuple[str, ...]
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]


def gather(project: Project, config: TrainingConfig) -> tuple[tuple[str, ...], list[Example]]:
    """The labels to learn, in the schema's order, and the images that teach at least one of them.

    Raises
    ------
    TrainingError
        With all that is in the way: a label that is not in the schema, is of another kind or on no image; findings of
        another size than their image; nothing to learn from.
    """
    found = survey(project, config)
    refuse(found.problems)
    return found.labels, list(found.examples)


def survey(project: Project, config: TrainingConfig) -> Survey:
    """As :func:`gather`, with all problems as data."""
    task = task_class(config.task)
    problems = label_problems(project, config)
    wanted = [name for name in _drawable(project, config) if not config.labels or name in config.labels]
    found: list[Example] = []
    used: Counter[str] = Counter()
    misfits: list[tuple[Image, Findings]] = []
    for image in project.images():
        reference = None if image.excluded else project.reference(image.uid)
        if reference is None:
            continue
        if reference.shape != image.header.shape:
            misfits.append((image, reference))
            continue
        if not task.teaches(reference, wanted, config.missing):
            continue
        said = task.said(reference, wanted)
        used.update({name.partition("=")[0] for name in said})
        keys = image_key(image), findings_key(reference, wanted)
        strata = said | _numbers(reference, wanted) if Tool.BOX in task.tools else said
        found.append(Example(image.uid, image.header.patient_key, said, image.split, *keys, strata))
    problems += _misfit_problems(misfits)
    if not any(used.values()):
        # Where none of the labels asked for exists, that is said already.
        if wanted or not config.labels:
            problems.append(_nothing(project, config.task, wanted))
    else:
        never = [name for name in config.labels if name in wanted and not used[name]]
        if never:
            text = f"No image has the label {', '.join(never)}. Draw it, or train without it."
            problems.append(Problem("labels", text))
    return Survey(tuple(name for name in wanted if used[name]), tuple(found), tuple(problems))


def wanted_labels(project: Project, config: TrainingConfig) -> list[str]:
    """The labels of the schema that a configuration is about, in the schema's order; :class:`TrainingError`."""
    refuse(label_problems(project, config))
    return [name for name in _drawable(project, config) if not config.labels or name in config.labels]


def label_problems(project: Project, config: TrainingConfig) -> list[Problem]:
    """The labels of a configuration that the schema does not have, or that are drawn with other tools."""
    task = task_class(config.task)
    found = []
    for name in config.labels:
        if name not in project.schema:
            names = ", ".join(label.name for label in project.schema)
            found.append(Problem("labels", f"The label '{name}' is not in the project's schema; it has {names}."))
        elif project.schema[name].tool not in task.tools:
            kinds = " and ".join(sorted(tool.value for tool in task.tools))
            tool = project.schema[name].tool.value
            found.append(Problem("labels", f"The label '{name}' is drawn as {tool}; {config.task} learns {kinds}."))
    return found


def _drawable(project: Project, config: TrainingConfig) -> list[str]:
    tools = task_class(config.task).tools
    return [label.name for label in project.schema if label.tool in tools]


def _nothing(project: Project, task: str, wanted: list[str]) -> Problem:
    """Why there is nothing to learn from, and what there is instead."""
    tools = task_class(task).tools
    if not tools:
        return Problem("labels", f"task: {task} learns from no label; it is started with  xrayai pretrain.")
    named = " or ".join(sorted("image label" if tool is Tool.IMAGE else tool.value for tool in tools))
    names = ", ".join(wanted) or f"no label of the schema is drawn as {named}"
    text = f"There is nothing to learn from: no image of {project.folder} has {_article(named)} ({names})."
    fits, others = _learnable(project, True), _learnable(project, False)
    hidden = fits.pop(task, [])
    if hidden:
        return Problem(
            "labels",
            f"{text} {', '.join(hidden)}: said of some, but the image is excluded, or they are not in the findings "
            "that count as true of it, which are those of one reader or import.",
        )
    if fits:
        return Problem("labels", f"{text} What is there is for  {_tasks(fits)}")
    if others:
        # Boxes of a label that the schema draws as a mask: an import brings such.
        more = "what is there is drawn otherwise than the schema says, and would be for"
        way = "Give these labels their right tool in the schema:  xrayai schema use FILE"
        return Problem("labels", f"{text[:-1]}; {more}  {_tasks(others)}. {way}")
    return Problem("labels", f"{text} Draw some, or import labels.")


def _learnable(project: Project, as_said: bool) -> dict[str, list[str]]:
    """The tasks with the labels that they could learn; ``as_said``: drawn as the schema says, or else otherwise."""
    found = {}
    for name in task_names():
        tools = task_class(name).tools
        drawn = project.label_counts(*{BY_TOOL[tool] for tool in tools}) if tools else {}
        labels = [label.name for label in project.schema if drawn.get(label.name) and (label.tool in tools) is as_said]
        if labels:
            found[name] = labels
    return found


def _tasks(labels: dict[str, list[str]]) -> str:
    return "; ".join(f"--task {task} ({', '.join(names)})" for task, names in labels.items())


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _numbers(reference: Findings, labels: list[str]) -> frozenset[str]:
    """How many boxes there are, roughly: images without any and crowded ones are to be spread evenly, too."""
    count = sum(isinstance(item, Box) and item.label in labels for item in reference)
    rough = "no" if not count else "1" if count == 1 else "2 or 3" if count < 4 else "4 or more"
    return frozenset({f"{rough} boxes"})


def _misfit_problems(misfits: list[tuple[Image, Findings]]) -> list[Problem]:
    if not misfits:
        return []
    image, reference = misfits[0]
    more = f" So it is with {len(misfits) - 1} more." if len(misfits) > 1 else ""
    text = (
        f"The findings of {image.header.path} are for {reference.shape[1]} x {reference.shape[0]} pixels, the "
        f"image has {image.header.columns} x {image.header.rows}.{more} Import the labels again, or exclude the image."
    )
    return [Problem("size", text, uids=tuple(image.uid for image, _ in misfits))]


def image_key(image: Image) -> str:
    header = image.header
    try:
        size, modified = stamp(Path(header.path))
        state = f"{size}:{modified}"
    except UnreadableError:
        # The cache says of a missing file what is to be said; it may hold the pixels still.
        state = "gone"
    return _digest(header.uid, header.path, str(header.frame), f"{header.rows}x{header.columns}", state)


def findings_key(findings: Findings, labels: list[str]) -> str:
    """A digest of what the objects of these labels say, whoever said it and when."""
    parts: list[str | bytes] = [str(findings.shape)]
    for item in findings:
        if item.label not in labels:
            continue
        if isinstance(item, Mask):
            parts += [item.label, str((item.origin, item.crop.shape)), np.packbits(item.crop).tobytes()]
        elif isinstance(item, Polygon):
            parts += [item.label, np.asarray(item.points, np.float64).tobytes()]
        else:
            own = {f.name for f in fields(FindingObject)} - {"label", "attributes"}
            said = [(f.name, getattr(item, f.name)) for f in fields(item) if f.name not in own]
            parts += [type(item).__name__, repr(said)]
    return _digest(*parts)


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()
