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
from XRayAILib.findings.objects import FindingObject, Mask, Polygon
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.task import task_class
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
    """

    uid: str
    patient: str
    labels: frozenset[str]
    part: str
    image_key: str
    findings_key: str


def gather(project: Project, config: TrainingConfig) -> tuple[tuple[str, ...], list[Example]]:
    """The labels to learn, in the schema's order, and the images that teach at least one of them.

    Raises
    ------
    TrainingError
        A label is not in the schema or is of another kind, or no image has any of them.
    """
    task = task_class(config.task)
    wanted = wanted_labels(project, config)
    found: list[Example] = []
    used: Counter[str] = Counter()
    for image in project.images():
        reference = None if image.excluded else project.reference(image.uid)
        if reference is None:
            continue
        if reference.shape != image.header.shape:
            raise TrainingError(
                f"The findings of {image.header.path} are for {reference.shape[1]} x {reference.shape[0]} pixels, the "
                f"image has {image.header.columns} x {image.header.rows}. Import its labels again, or exclude it."
            )
        if not task.teaches(reference, wanted, config.missing):
            continue
        said = task.said(reference, wanted)
        used.update({name.partition("=")[0] for name in said})
        keys = _image_key(image), findings_key(reference, wanted)
        found.append(Example(image.uid, image.header.patient_key, said, image.split, *keys))
    tools = " or ".join(sorted(tool.value for tool in task.tools))
    if not any(used.values()):
        names = ", ".join(wanted) or f"no label of the schema is drawn as {tools}"
        raise TrainingError(
            f"There is nothing to learn from: no image of {project.folder} has a {tools} ({names}). "
            "Draw some, or import labels."
        )
    never = [name for name in config.labels if not used[name]]
    if never:
        raise TrainingError(f"No image has the label {', '.join(never)}. Draw it, or train without it.")
    return tuple(name for name in wanted if used[name]), found


def wanted_labels(project: Project, config: TrainingConfig) -> list[str]:
    """The labels of the schema that a configuration is about, in the schema's order."""
    task = task_class(config.task)
    for name in config.labels:
        if name not in project.schema:
            raise TrainingError(
                f"The label '{name}' is not in the project's schema; "
                f"it has {', '.join(label.name for label in project.schema)}."
            )
        if project.schema[name].tool not in task.tools:
            kinds = " and ".join(sorted(tool.value for tool in task.tools))
            raise TrainingError(
                f"The label '{name}' is drawn as {project.schema[name].tool.value}; {config.task} learns {kinds}."
            )
    drawable = [label.name for label in project.schema if label.tool in task.tools]
    return [name for name in drawable if not config.labels or name in config.labels]


def _image_key(image: Image) -> str:
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
