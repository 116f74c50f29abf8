"""Whether a training can start: everything that can be known to be wrong before the hours are spent, all at once.

::

    ready = check_training(project, config)
    for problem in ready.problems:
        print(problem.text)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.source import stamp
from XRayAILib.learning.cache import MOST_LOST, missing_bytes
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example, survey
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.logs.packages import missing_text
from XRayAILib.learning.outside import problems_of as outside_problems
from XRayAILib.learning.problem import Problem, few, refuse
from XRayAILib.learning.space import cache_limit, place_of, room_problem
from XRayAILib.learning.splits import PARTS, Split, label_counts, plan_split, said_in
from XRayAILib.learning.task import Task, make_task
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.pinned import PinnedProject
from XRayAILib.project.project import Project

FEW_TO_LEARN = 10
"""Training images with a label; with fewer, what is learnt of it is chance."""
FEW_TO_TEST = 3
"""Test images with a label; with fewer, its figures are chance."""
SOON = 2000
"""Images whose findings can be looked at once more without making a person wait."""
CHECKPOINT_VALUES = 6
"""Values per weight in a checkpoint: weights, their average, the best, and two moments of the optimiser."""


@dataclass(frozen=True)
class Readiness:
    """What is wrong with a training, and what it would learn from.

    Attributes
    ----------
    problems
        Errors first, then warnings.
    labels
        What would be learnt.
    examples
        What there is to learn from, before it is divided.
    split
        The images with their parts; nothing of it is stored yet.
    bytes
        Of disk that preparing, checkpoints and the model need.
    """

    problems: tuple[Problem, ...]
    labels: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    split: Split = field(default_factory=lambda: Split(()))
    bytes: int = 0

    @property
    def ready(self) -> bool:
        """Whether it can start."""
        return not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.error)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if not problem.error)

    def require(self) -> None:
        """Raise :class:`TrainingError` with all errors, where there are any."""
        refuse(self.problems)

    def document(self) -> dict[str, Any]:
        """As plain mappings and lists."""
        examples = self.split.examples
        names = said_in(examples, self.labels)
        return {
            "ready": self.ready,
            "problems": [problem.document() for problem in self.problems],
            "labels": list(self.labels),
            "images": {part: sum(e.part == part for e in examples) for part in label_counts(examples, ())},
            "patients": {part: len({e.patient for e in examples if e.part == part}) for part in PARTS},
            "counts": label_counts(examples, names),
            "left_out": len(self.split.left_out),
            "bytes": self.bytes,
        }


def check_training(
    project: Project,
    config: TrainingConfig,
    deep: bool = True,
    consent_download: bool = False,
    resumed: bool = False,
) -> Readiness:
    """Look for everything that is in the way of a training; nothing is stored, and no pixels are read.

    Parameters
    ----------
    deep
        Also what needs PyTorch, which takes seconds to load: device, weights to start from, size of the network; and
        of large collections whether attributes already tell what is to be learnt.
    consent_download
        Whether somebody agreed to download the weights to start from.
    resumed
        It has a checkpoint, whose weights count; the ones that it started from need not be there any more.
    """
    if config.snapshot and not isinstance(project, PinnedProject):
        try:
            pinned = PinnedProject.at(project.folder, config.snapshot)
        except ProjectError as error:
            return Readiness((Problem("snapshot", str(error)),))
        with pinned:
            return check_training(pinned, config, deep, consent_download, resumed)
    problems = [Problem("settings", text) for text in config.problems()]
    problems += [Problem("settings", text) for text in outside_problems(config.outside, project.schema)]
    problems += [Problem("logs", text) for text in [missing_text(config.logs)] if text]
    if project.read_only:
        text = f"{project.folder} cannot be written, so there is no place for a model: copy the project elsewhere."
        problems.append(Problem("project", text))
    if any(problem.kind == "settings" for problem in problems):
        # What the settings are about cannot be looked at before they make sense.
        return Readiness(tuple(problems))
    found = survey(project, config)
    problems += found.problems
    if not found.labels:
        return Readiness(_sorted(problems))
    split = plan_split(project, found.examples, config)
    problems += [Problem("split", text) for text in split.problems]
    problems += _left_out(project, split)
    problems += _file_problems(project, found.examples, split)
    problems += _few_cases(split.examples)
    problems += _not_compared(project, found.examples)
    task, wrong = _task(project, config, found.labels)
    problems += wrong
    needed = 0
    if task is not None:
        problems += [Problem("task", text) for text in task.problems(split.examples)]
        problems += [Problem("task", text, error=False) for text in task.notes(split.examples)]
        if task.unmirrored:
            problems.append(Problem("task", task.unmirrored, error=False))
        more = 0
        if deep or len(split.examples) <= SOON:
            problems += _confounded(project, task, split.examples)
        if deep:
            problems += [] if resumed else _start_problems(project, config, consent_download)
            more, wrong = _network_bytes(task, config)
            problems += wrong
        needed, wrong = _space(project, split.examples, task, config, more)
        problems += wrong
    return Readiness(_sorted(problems), found.labels, found.examples, split, needed)


def _sorted(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    unique = {problem.text: problem for problem in problems}
    return tuple(sorted(unique.values(), key=lambda problem: not problem.error))


def _task(project: Project, config: TrainingConfig, labels: Sequence[str]) -> tuple[Task | None, list[Problem]]:
    try:
        return make_task(config, legend_of(labels, project.schema)), []
    except TrainingError as error:
        return None, [Problem("task", str(error))]


def _left_out(project: Project, split: Split) -> list[Problem]:
    by_reason: dict[str, list[str]] = {}
    for uid, reason in split.left_out:
        by_reason.setdefault(reason, []).append(uid)
    return [
        Problem(
            "split",
            f"{_images(len(uids))} left out of this training: {reason} ({few(_paths(project, uids))}).",
            False,
            tuple(uids),
        )
        for reason, uids in by_reason.items()
    ]


def _file_problems(project: Project, examples: Sequence[Example], split: Split) -> list[Problem]:
    """Images whose files are gone, or have changed since a scan saw them."""
    seen = project.known_files()
    gone: list[str] = []
    changed: list[str] = []
    for image in project.images_of([example.uid for example in examples]):
        path = image.header.path
        try:
            now = stamp(Path(path))
        except UnreadableError:
            gone.append(image.uid)
            continue
        if path in seen and seen[path][1] is not None and tuple(seen[path]) != tuple(now):
            changed.append(image.uid)
    found = []
    if changed:
        text = (
            f"The files of {_images(len(changed), 'labelled ')} changed since the last scan "
            f"({few(_paths(project, changed))}): scan again. One that holds another radiograph now is left out."
        )
        found.append(Problem("files", text, False, tuple(changed)))
    if gone:
        text = (
            f"The files of {_images(len(gone), 'labelled ')} are gone ({few(_paths(project, gone))}). "
            "Put them back where they were, scan their new folder, or exclude these images."
        )
        lost = set(gone)
        left = [example for example in split.examples if example.uid not in lost]
        serious = len(gone) > max(1, MOST_LOST * len(examples)) or bool(_needed(split.examples, left))
        found.append(Problem("files", text if serious else f"{text} They are left out.", serious, tuple(gone)))
        found += [Problem("files", text) for text in _needed(split.examples, left)]
    return found


def _needed(before: Sequence[Example], left: Sequence[Example]) -> list[str]:
    """What the loss of images takes away altogether."""
    first, then = label_counts(before, _said(before)), label_counts(left, _said(before))
    parts = Counter(e.part for e in left)
    found = [
        f"Without the files that are gone, the {part} part has no image."
        for part in PARTS
        if not parts[part] and any(e.part == part for e in before)
    ]
    lost = [label for label, count in first["train"].items() if count and not then["train"][label]]
    if lost and parts["train"]:
        found.append(f"Without the files that are gone, no training image has {', '.join(lost)}.")
    return found


def _few_cases(examples: Sequence[Example]) -> list[Problem]:
    """Labels with so few images that the model, or its figures, are chance."""
    counts = label_counts(examples, _said(examples))
    found = []
    rare = {label: count for label, count in counts["train"].items() if 0 < count < FEW_TO_LEARN}
    if rare:
        said = ", ".join(f"{label} in {count}" for label, count in rare.items())
        text = f"Few images to learn from: {said} of the training part. Expect little of what is learnt of them."
        found.append(Problem("few", text, error=False))
    for part, so in (("validation", "the best weights are not chosen by it"), ("test", "it is not measured there")):
        if not any(e.part == part for e in examples):
            continue
        # Which answers to an image label cannot be measured, the task says.
        none = [label for label, count in counts[part].items() if not count and "=" not in label]
        if none:
            text = f"No image of the {part} part has {', '.join(none)}, so {so}."
            found.append(Problem("few", text, error=False))
    scarce = {label: count for label, count in counts["test"].items() if 0 < count < FEW_TO_TEST}
    if scarce:
        said = ", ".join(f"{label} in {count}" for label, count in scarce.items())
        text = f"Few images to test on: {said} of the test part. Their figures will be chance."
        found.append(Problem("few", text, error=False))
    return found


def _not_compared(project: Project, examples: Sequence[Example]) -> list[Problem]:
    unknown = project.kin.never_compared(example.uid for example in examples)
    if not unknown:
        return []
    verb = "was" if len(unknown) == 1 else "were"
    text = (
        f"{_images(len(unknown), 'labelled ')} {verb} never compared with the others, "
        "so a copy of one may be learnt from and tested on. Find copies first:  xrayai check --project ..."
    )
    return [Problem("copies", text, False, tuple(unknown))]


def _confounded(project: Project, task: Task, examples: Sequence[Example]) -> list[Problem]:
    """Attributes, such as the view, that already tell what is to be learnt: better known before the hours are spent."""
    from XRayAILib.learning.evaluation.run import confounded_in

    learnt = [example for example in examples if example.part in ("train", "validation")]
    return [Problem("confounding", text, error=False) for text in confounded_in(project, task, learnt)]


def _start_problems(project: Project, config: TrainingConfig, consent: bool) -> list[Problem]:
    """Why the weights that it starts from cannot be taken."""
    if not config.start:
        return []
    from XRayAILib.learning.start.catalogue import entry_of
    from XRayAILib.learning.start.weights import weights_of

    try:
        if consent and config.start.startswith("download:"):
            entry_of(config.start.partition(":")[2])
        else:
            weights_of(config.start, project)
    except TrainingError as error:
        return [Problem("start", str(error))]
    return []


def _network_bytes(task: Task, config: TrainingConfig) -> tuple[int, list[Problem]]:
    """Bytes of checkpoints and model on the disk; and why the device or the network cannot be had."""
    from XRayAILib.learning.device import choose_device

    problems = []
    try:
        choose_device(config.device, config.threads)
    except (TrainingError, ValueError) as error:
        problems.append(Problem("device", str(error)))
    try:
        size = sum(value.numel() * value.element_size() for value in task.network().state_dict().values())
    except TrainingError as error:
        return 0, [*problems, Problem("network", str(error))]
    # A checkpoint is written beside the one before; then the model.
    return size * (2 * CHECKPOINT_VALUES + 1), problems


def _space(
    project: Project, examples: Sequence[Example], task: Task, config: TrainingConfig, more: int
) -> tuple[int, list[Problem]]:
    try:
        needed = missing_bytes(project, examples, task, config.pixel_preset)
        reason = room_problem(place_of(project), needed, cache_limit(project), more=more)
    except TrainingError as error:
        return 0, [Problem("disk", str(error))]
    return needed + more, [Problem("disk", reason)] if reason else []


def _said(examples: Sequence[Example]) -> list[str]:
    return sorted({label for example in examples for label in example.labels})


def _images(count: int, what: str = "") -> str:
    return f"{count} {what}image" + ("" if count == 1 else "s")


def _paths(project: Project, uids: Sequence[str]) -> list[str]:
    return [image.header.path for image in project.images_of(list(uids)[:4])] + ["..."] * max(0, len(uids) - 4)


Note = Callable[[dict[str, Any]], None]


def require_ready(
    project: Project, config: TrainingConfig, emit: Note, consent_download: bool = False, resumed: bool = False
) -> Readiness:
    """For a job: raise all errors as one :class:`TrainingError`, and say the warnings."""
    found = check_training(project, config, True, consent_download, resumed)
    found.require()
    for problem in found.warnings:
        emit({"event": "note", "kind": problem.kind, "message": problem.text})
    return found
