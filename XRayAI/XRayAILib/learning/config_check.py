"""What is wrong with a training's configuration, a sentence for every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.settings import settings_problems, type_problem
from XRayAILib.learning.start.place import problem_of_start

if TYPE_CHECKING:
    from XRayAILib.learning.config import TrainingConfig

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("seed", 0, 2**31 - 1),
    ("folds", 0, 100),
    ("epochs", 1, 100_000),
    ("minutes", 0, 100_000),
    ("size", 32, 2048),
    ("images_per_epoch", 0, 1_000_000),
    ("batch_size", 0, 4096),
    ("learning_rate", 1e-7, 1),
    ("warm_up", 0, 0.5),
    ("weight_decay", 0, 1),
    ("gradient_limit", 1e-3, 1e6),
    ("ema", 0, 0.9999),
    ("patience", 0, 100_000),
    ("freeze", 0, 100_000),
    ("layer_decay", 0.1, 1),
    ("pictures", 0, 100_000),
    ("threads", 0, 1024),
)
_DEEPEST = 32


def problems_of(config: TrainingConfig) -> list[str]:
    """A sentence for every field that makes no sense."""
    from XRayAILib.learning.config import DEVICES, LOGS, MISSING
    from XRayAILib.learning.networks import problem_of
    from XRayAILib.learning.task import task_class

    found = []
    name = config.name
    if not name or not all(c.isalnum() or c in "_-." for c in name) or name.startswith("."):
        found.append(f"name: '{name}' is no model name; use letters, digits, '_', '-' and '.'.")
    for field, allowed in (("device", DEVICES), ("missing", MISSING)):
        if getattr(config, field) not in allowed:
            found.append(f"{field}: '{getattr(config, field)}' is none of {', '.join(allowed)}.")
    if len(set(config.labels)) != len(config.labels):
        found.append("labels: a label is named twice.")
    found += [f"logs: '{kind}' is none of {', '.join(LOGS)}." for kind in config.logs if kind not in LOGS]
    for field, low, high in _RANGES:
        value = getattr(config, field)
        if not low <= value <= high:
            found.append(f"{field}: {value} must lie in {low:g} to {high:g}.")
    if config.folds in (1, 2):
        found.append(f"folds: {config.folds} are too few; test, validation and training need one each, so at least 3.")
    if not 0 <= config.fold < max(config.folds, 1):
        found.append(f"fold: there is none of number {config.fold}; with {config.folds} folds they count from 0.")
    if config.size % _DEEPEST:
        found.append(
            f"size: {config.size} must be a multiple of {_DEEPEST}, because the network halves it up to five times."
        )
    for field, strength in config.augmentation.document().items():
        largest = 180 if field == "rotation" else 1
        if not 0 <= strength <= largest:
            found.append(f"augmentation.{field}: {strength} must lie in 0 to {largest}.")
    try:
        task = task_class(config.task)
    except TrainingError as error:
        return [*found, f"task: {error}"]
    found += settings_problems(task.Options, config.options, "options")
    reason = problem_of(config.task, config.network, config.network_arguments)
    if problem := problem_of_start(config.start):
        found.append(f"start: {problem}")
    if config.freeze and not config.start:
        found.append("freeze: random weights are not worth keeping; name a start, or freeze 0 epochs.")
    return [*found, f"network: {reason}"] if reason else found


def wrong_types(values: Mapping[str, object]) -> list[str]:
    """A sentence for every value that is of another type than its field."""
    from XRayAILib.learning.config import TrainingConfig

    problems = []
    for item in fields(TrainingConfig):
        if item.name not in values:
            continue
        value = values[item.name]
        if str(item.type) == "Augmentation":
            problems += _wrong_strengths(value)
        elif problem := type_problem(str(item.type), value):
            problems.append(f"{item.name}: {problem}")
    return problems


def _wrong_strengths(value: object) -> list[str]:
    if not isinstance(value, Augmentation):
        return [f"augmentation: {value!r} is no mapping of strengths."]
    return [
        f"augmentation.{name}: {problem}"
        for name, strength in value.document().items()
        if (problem := type_problem("float", strength))
    ]


def upgraded(document: Mapping[str, object]) -> Mapping[str, object]:
    """A document of an earlier version as it would be written today."""
    if "components" not in document:
        return document
    # The pieces that are kept of a structure became a setting of segmentation.
    rest = {name: value for name, value in document.items() if name != "components"}
    options = rest.get("options", {})
    if isinstance(options, Mapping):
        rest["options"] = {"components": document["components"], **options}
    return rest
