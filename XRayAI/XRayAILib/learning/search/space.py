"""Space: which settings of a training a search varies, and over what. As YAML::

learning_rate: {low: 0.0003, high: 0.01, log: true}     # a range; whole: true for whole numbers
augmentation.rotation: {low: 0, high: 15}
batch_size: [4, 8, 16]                                   # one of these
network size:                                            # several settings at once, by a name
  small: {network_arguments: {channels: [16, 32, 64, 128], strides: [2, 2, 2]}}
  large: {network_arguments: {channels: [32, 64, 128, 256], strides: [2, 2, 2]}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError

Value = bool | int | float | str


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both of them too; with ``log``, every factor is as likely as the next."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def suggested(self, name: str, trial: Any) -> Value:
        if self.whole:
            number: int = trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
            return number
        found: float = trial.suggest_float(name, self.low, self.high, log=self.log)
        return found

    def changes(self, name: str, value: Value) -> dict[str, Any]:
        return {name: value if self.whole else rounded(value)}

    @property
    def ends(self) -> tuple[Value, ...]:
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)

    def document(self) -> Any:
        return {key: value for key, value in vars(self).items() if value is not False}


@dataclass(frozen=True)
class Choice:
    """One of several: a name, and the settings that it stands for."""

    options: Mapping[str, Mapping[str, Any]]
    plain: tuple[Any, ...] = ()

    def suggested(self, name: str, trial: Any) -> Value:
        chosen: str = trial.suggest_categorical(name, list(self.options))
        return chosen

    def changes(self, name: str, value: Value) -> dict[str, Any]:
        return dict(self.options[str(value)])

    @property
    def ends(self) -> tuple[Value, ...]:
        return tuple(self.options)

    def document(self) -> Any:
        return list(self.plain) if self.plain else {key: dict(value) for key, value in self.options.items()}


@dataclass(frozen=True)
class Space:
    """What is varied, by the name of the setting (``augmentation.rotation`` for one inside another)."""

    parts: Mapping[str, Range | Choice]

    def suggested(self, trial: Any) -> dict[str, Value]:
        """A value for each part, by an Optuna trial."""
        return {name: part.suggested(name, trial) for name, part in self.parts.items()}

    def config(self, base: TrainingConfig, values: Mapping[str, Value], **more: object) -> TrainingConfig:
        """The configuration with these values; :class:`TrainingError` says what is wrong with it."""
        document = base.document()
        for name, value in values.items():
            for setting, one in self.parts[name].changes(name, value).items():
                _put(document, setting, one)
        return TrainingConfig.from_document({**document, **more})

    def check(self, base: TrainingConfig) -> None:
        """Raise :class:`TrainingError` with everything that a trial would be refused for, each part at its ends."""
        problems = []
        for name, part in self.parts.items():
            for value in part.ends:
                try:
                    self.config(base, {name: value})
                except TrainingError as error:
                    text = f"The search space: {name} = {value}: {error}"
                    problems += [text] if text not in problems else []
        if problems:
            raise TrainingError(" ".join(problems))

    def document(self) -> dict[str, Any]:
        """As plain mappings and lists; :meth:`from_document` takes it."""
        return {name: part.document() for name, part in self.parts.items()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Space:
        """The space of a document; :class:`TrainingError` names every part that makes no sense."""
        parts: dict[str, Range | Choice] = {}
        problems = []
        for name, value in document.items():
            try:
                parts[str(name)] = _part(str(name), value)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if not document:
            problems.append("it varies nothing.")
        if problems:
            raise TrainingError("The search space: " + " ".join(problems))
        return cls(parts)

    @classmethod
    def read(cls, path: Path) -> Space:
        """Read YAML; the error names the file."""
        import yaml

        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise TrainingError(f"{path}: the search space cannot be read ({error}).") from error
        if not isinstance(document, dict):
            raise TrainingError(f"{path}: a search space is a mapping of settings to ranges or lists.")
        try:
            return cls.from_document(document)
        except TrainingError as error:
            raise TrainingError(f"{path}: {error}") from error


def rounded(value: Value) -> Value:
    """A number with the digits that matter."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _part(name: str, value: Any) -> Range | Choice:
    if isinstance(value, (list, tuple)):
        texts = [item if isinstance(item, str) else json.dumps(item) for item in value]
        if len(set(texts)) < 2:
            raise ValueError("a list needs at least two values that differ.")
        return Choice({text: {name: item} for text, item in zip(texts, value, strict=True)}, tuple(value))
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is neither a list nor a range such as {{low: 0.1, high: 1}}.")
    if "low" in value or "high" in value:
        return _range(value)
    if len(value) < 2 or not all(isinstance(settings, Mapping) and settings for settings in value.values()):
        raise ValueError("write {low: ..., high: ...}, a list, or at least two names with their settings.")
    return Choice({str(key): dict(settings) for key, settings in value.items()})


def _range(value: Mapping[str, Any]) -> Range:
    if strange := [str(key) for key in value if key not in ("low", "high", "log", "whole")]:
        raise ValueError(f"'{strange[0]}' is none of low, high, log, whole.")
    if not all(_is_number(value.get(end)) for end in ("low", "high")):
        raise ValueError("low and high must be numbers (in YAML, write 1.0e-4 or 0.0001).")
    found = Range(value["low"], value["high"], log=bool(value.get("log")), whole=bool(value.get("whole")))
    if not found.low < found.high:
        raise ValueError(f"low ({found.low:g}) must lie below high ({found.high:g}).")
    if found.log and found.low <= 0:
        raise ValueError("with log, low must be above 0.")
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _put(document: dict[str, Any], setting: str, value: Any) -> None:
    *outer, last = setting.split(".")
    place = document
    for name in outer:
        inner = place.get(name)
        if not isinstance(inner, Mapping):
            raise TrainingError(f"'{setting}' is no setting: '{name}' has none inside.")
        place[name] = dict(inner)
        place = place[name]
    place[last] = value
