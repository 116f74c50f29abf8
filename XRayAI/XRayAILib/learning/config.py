"""What a training is asked to do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.config_check import upgraded, wrong_types
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.presets import NAMES, preset_of
from XRayAILib.learning.settings import read_yaml
from XRayAILib.pixels.enhance import PRESETS as ENHANCEMENTS
from XRayAILib.pixels.enhance import Enhancement, EnhancementError
from XRayAILib.pixels.resample import PixelPreset

DEVICES = ("auto", "cpu", "cuda", "mps")
MISSING = ("unknown", "absent")
LOGS = ("tensorboard", "mlflow")


@dataclass(frozen=True)
class TrainingConfig:
    """One training, as it stands in its YAML file and in the model that came of it.

    Attributes
    ----------
    name
        Name of the model: letters, digits, ``_``, ``-`` and ``.``.
    task, preset
        What kind of learning, and which of its presets the other values started from.
    labels
        Labels to learn; empty for every label of the task's kind that the project's findings use.
    missing
        What a label means that somebody who labelled the image did not draw: ``unknown`` (not taught there) or
        ``absent`` (taught as empty).
    folds, fold
        Where there are folds, the test part is the fold of this number (from 0), and the next one is the validation
        part; 0 folds for 70/15/15.
    outside
        Images that are never learnt from and are a test part of their own: attribute of the header to its values, such
        as ``manufacturer: [ACME]``.
    epochs
        Passes over the training part. The learning rate falls to zero over exactly these.
    minutes
        Longest time for the training, 0 for none. Where the measured speed says that the epochs do not fit, fewer
        are planned before it starts, and that is said.
    size
        Edge of the network's square input, in pixels.
    images_per_epoch
        At least so many images make an epoch: a small training part is gone through several times.
    batch_size
        Images in a step; 0 for as many as the memory holds.
    warm_up
        Part of the steps in which the learning rate rises to its value; it falls as a cosine after that.
    mixed_precision
        Half precision where the device is fast with it.
    network_arguments
        Plain arguments for the network; what is not named keeps its preset's value.
    ema
        Decay of the moving average of the weights, which is what is validated and kept; 0 for none.
    patience
        Validations without a better score after which training stops; 0 for never.
    start
        Where the weights come from: empty for random ones, a model of the project by name, a folder or a file.
    freeze
        Epochs in which the encoder keeps the weights it started with.
    layer_decay
        Factor of the learning rate from one layer to the one before it, for weights that did not start at random.
    options
        Settings of the task, see its ``Options``.
    logs
        ``tensorboard`` and ``mlflow``: what is also written for these programs, into the job's folder.
    pictures
        Least seconds between two sample pictures of the validation part; 0 for none.
    enhancement
        What is done to the greys of every image first, here and wherever the model reads; ``None`` for nothing. In a
        document: its own document, or the name of one that comes with X-Ray AI.
    snapshot
        Hash or name of the project's snapshot to learn from; empty for what counts as true when it starts, of which a
        snapshot is made then.
    device
        ``auto`` takes CUDA, then Apple's MPS, then the CPU.
    threads
        CPU threads; 0 for all cores that this process may use.
    """

    name: str = "model"
    task: str = "segmentation"
    preset: str = "quick"
    labels: tuple[str, ...] = ()
    missing: str = "unknown"
    seed: int = 0
    folds: int = 0
    fold: int = 0
    outside: Mapping[str, object] = field(default_factory=dict)
    epochs: int = 60
    minutes: float = 20.0
    size: int = 192
    images_per_epoch: int = 160
    batch_size: int = 8
    learning_rate: float = 2e-3
    warm_up: float = 0.05
    weight_decay: float = 1e-2
    gradient_limit: float = 5.0
    mixed_precision: bool = True
    network: str = "UNet"
    network_arguments: Mapping[str, object] = field(default_factory=dict)
    augmentation: Augmentation = field(default_factory=Augmentation)
    ema: float = 0.99
    patience: int = 0
    start: str = ""
    freeze: int = 0
    layer_decay: float = 1.0
    options: Mapping[str, object] = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    pictures: float = 20.0
    enhancement: Enhancement | None = None
    snapshot: str = ""
    device: str = "auto"
    threads: int = 0

    @classmethod
    def from_preset(cls, preset: str, task: str = "segmentation", **changes: object) -> TrainingConfig:
        """A preset's values for a task, with some of them changed; see :mod:`XRayAILib.learning.presets`."""
        if preset not in NAMES:
            raise TrainingError(f"There is no preset '{preset}'; there are {', '.join(NAMES)}.")
        start = preset_of(task, preset)
        # Of what has settings inside, those that are not named keep the preset's values.
        inside: dict[str, object] = {
            name: {**start[name], **changes[name]}  # type: ignore[dict-item]
            for name in ("options", "augmentation")
            if isinstance(start.get(name), Mapping) and isinstance(changes.get(name), Mapping)
        }
        if changes.get("network", start.get("network", cls.network)) != start.get("network", cls.network):
            # The preset's arguments are for its own network; another one starts with what is usual for it.
            start = {name: value for name, value in start.items() if name != "network_arguments"}
        return cls.from_document({"task": task, "preset": preset, **start, **changes, **inside})

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> TrainingConfig:
        """The configuration in plain mappings and lists; :class:`TrainingError` says every field that is wrong."""
        known = {f.name for f in fields(cls)}
        problems = []
        document = upgraded(document)
        for key in document:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, 1)
                problems.append(f"'{key}' is no setting" + (f"; did you mean '{close[0]}'?" if close else "."))
        values: dict[str, object] = {k: v for k, v in document.items() if k in known}
        for name in ("labels", "logs"):
            if isinstance(values.get(name), (list, tuple)):
                values[name] = tuple(str(v) for v in values[name])  # type: ignore[attr-defined]
        strengths = values.get("augmentation")
        if isinstance(strengths, Mapping):
            strange = set(strengths) - {f.name for f in fields(Augmentation)}
            problems += [f"'augmentation.{name}' is no setting." for name in sorted(strange)]
            values["augmentation"] = Augmentation(**{k: v for k, v in strengths.items() if k not in strange})
        try:
            values["enhancement"] = _enhancement(values.get("enhancement"))
        except EnhancementError as error:
            problems.append(f"enhancement: {error}")
        problems += wrong_types(values)
        if problems:
            raise TrainingError(" ".join(problems))
        config = cls(**values)  # type: ignore[arg-type]
        config.check()
        return config

    def document(self) -> dict[str, object]:
        """The configuration as plain mappings and lists."""
        return {
            **asdict(self),
            "labels": list(self.labels),
            "outside": dict(self.outside),
            "network_arguments": dict(self.network_arguments),
            "options": {k: list(v) if isinstance(v, tuple) else v for k, v in self.options.items()},
            "logs": list(self.logs),
            "enhancement": None if self.enhancement is None else self.enhancement.document(),
        }

    @property
    def pixel_preset(self) -> PixelPreset:
        """How the images of this training, and those that its model reads, become the network's input."""
        return PixelPreset(self.size, enhancement=self.enhancement)

    def changed(self, **values: object) -> TrainingConfig:
        """The same with other values, checked."""
        config = replace(self, **values)  # type: ignore[arg-type]
        config.check()
        return config

    def check(self) -> None:
        """Raise :class:`TrainingError` with a sentence for every field that makes no sense."""
        problems = self.problems()
        if problems:
            raise TrainingError(" ".join(problems))

    def problems(self) -> list[str]:
        """A sentence for every field that makes no sense."""
        from XRayAILib.learning.config_check import problems_of

        return problems_of(self)

    def valid(self) -> tuple[bool, str]:
        """Whether it can be used and, if not, why."""
        problems = self.problems()
        return not problems, " ".join(problems)

    @classmethod
    def read(cls, path: Path) -> TrainingConfig:
        """Read YAML (JSON is YAML too); the error names the file."""
        import yaml

        try:
            document = read_yaml(path.read_text("utf-8"))
        except OSError as error:
            raise TrainingError(
                f"{path}: the training configuration cannot be read ({error.strerror or error})."
            ) from error
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise TrainingError(f"{path}: the training configuration cannot be read ({error}).") from error
        if not isinstance(document, dict):
            raise TrainingError(f"{path}: a training configuration is a mapping of settings.")
        try:
            preset, task = str(document.get("preset", "quick")), str(document.get("task", "segmentation"))
            given = {str(k): v for k, v in document.items() if k not in ("preset", "task")}
            return cls.from_preset(preset, task, **given)
        except TrainingError as error:
            raise TrainingError(f"{path}: {error}") from error

    def write(self, path: Path) -> None:
        """Write YAML, or JSON where the name ends in ``.json``; whole or not at all."""
        import yaml

        if path.suffix.lower() == ".json":
            text = json.dumps(self.document(), indent=2)
        else:
            text = yaml.safe_dump(self.document(), sort_keys=False)
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(text, "utf-8")
        temporary.replace(path)

    def arguments(self) -> list[str]:
        """What differs from the preset, as ``--setting value`` pairs for a command line; values are JSON or text."""
        start = TrainingConfig.from_preset(self.preset, self.task).document()
        given = ["--task", self.task, "--preset", self.preset]
        for name, value in self.document().items():
            if name not in ("preset", "task") and value != start[name]:
                given += ["--" + name.replace("_", "-"), value if isinstance(value, str) else json.dumps(value)]
        return given


def _enhancement(value: object) -> Enhancement | None:
    if value is None or isinstance(value, Enhancement):
        return value
    if isinstance(value, str):
        if value not in ENHANCEMENTS:
            raise EnhancementError(f"there is no '{value}'; there are {', '.join(ENHANCEMENTS)}.")
        value = ENHANCEMENTS[value].document()
    made = Enhancement.from_document(value)
    return made if made.steps else None
