"""What a training is asked to do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.errors import TrainingError
from XRayAILib.pixels.enhance import PRESETS as ENHANCEMENTS
from XRayAILib.pixels.enhance import Enhancement, EnhancementError
from XRayAILib.pixels.resample import PixelPreset

DEVICES = ("auto", "cpu", "cuda", "mps")
TASKS = ("segmentation",)
MISSING = ("unknown", "absent")


@dataclass(frozen=True)
class TrainingConfig:
    """One training, as it stands in its YAML file and in the model that came of it.

    Attributes
    ----------
    name
        Name of the model: letters, digits, ``_``, ``-`` and ``.``.
    labels
        Labels to learn; empty for every label of the task's kind that the project's findings use.
    missing
        What a label means that somebody who labelled the image did not draw: ``unknown`` (not taught there) or
        ``absent`` (taught as empty).
    epochs
        Passes over the training part. The learning rate falls to zero over exactly these.
    minutes
        Longest time for the training, 0 for none. Where the measured speed says that the epochs do not fit, fewer
        are planned before it starts, and that is said.
    size
        Edge of the network's square input, in pixels.
    images_per_epoch
        At least so many images make an epoch: a small training part is gone through several times.
    network_arguments
        Plain arguments for the network; what is not named keeps its preset's value.
    ema
        Decay of the moving average of the weights, which is what is validated and kept; 0 for none.
    patience
        Validations without a better Dice after which training stops; 0 for never.
    components
        Largest connected pieces kept of each structure in a prediction; 0 for all.
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
    epochs: int = 60
    minutes: float = 20.0
    size: int = 192
    images_per_epoch: int = 160
    batch_size: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    gradient_limit: float = 5.0
    network: str = "UNet"
    network_arguments: Mapping[str, object] = field(default_factory=dict)
    augmentation: Augmentation = field(default_factory=Augmentation)
    ema: float = 0.99
    patience: int = 0
    components: int = 1
    enhancement: Enhancement | None = None
    snapshot: str = ""
    device: str = "auto"
    threads: int = 0

    @classmethod
    def from_preset(cls, preset: str, **changes: object) -> TrainingConfig:
        """A preset's values with some of them changed.

        ``quick`` is for two cores and minutes, ``standard`` for a workstation and an hour, ``best`` for one large GPU.
        """
        if preset not in PRESETS:
            raise TrainingError(f"There is no preset '{preset}'; there are {', '.join(PRESETS)}.")
        return cls.from_document({"preset": preset, **PRESETS[preset], **changes})

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> TrainingConfig:
        """The configuration in plain mappings and lists; :class:`TrainingError` says every field that is wrong."""
        known = {f.name for f in fields(cls)}
        problems = []
        for key in document:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, 1)
                problems.append(f"'{key}' is no setting" + (f"; did you mean '{close[0]}'?" if close else "."))
        values: dict[str, object] = {k: v for k, v in document.items() if k in known}
        if isinstance(values.get("labels"), (list, tuple)):
            values["labels"] = tuple(str(v) for v in values["labels"])  # type: ignore[attr-defined]
        strengths = values.get("augmentation")
        if isinstance(strengths, Mapping):
            strange = set(strengths) - {f.name for f in fields(Augmentation)}
            problems += [f"'augmentation.{name}' is no setting." for name in sorted(strange)]
            values["augmentation"] = Augmentation(**{k: v for k, v in strengths.items() if k not in strange})
        try:
            values["enhancement"] = _enhancement(values.get("enhancement"))
        except EnhancementError as error:
            problems.append(f"enhancement: {error}")
        problems += _wrong_types(values)
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
            "network_arguments": dict(self.network_arguments),
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
        from XRayAILib.learning.networks import problem_of

        found = []
        if not self.name or not all(c.isalnum() or c in "_-." for c in self.name) or self.name.startswith("."):
            found.append(f"name: '{self.name}' is no model name; use letters, digits, '_', '-' and '.'.")
        for name, allowed in (("task", TASKS), ("device", DEVICES), ("missing", MISSING)):
            if getattr(self, name) not in allowed:
                found.append(f"{name}: '{getattr(self, name)}' is none of {', '.join(allowed)}.")
        if len(set(self.labels)) != len(self.labels):
            found.append("labels: a label is named twice.")
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                found.append(f"{name}: {value} must lie in {low:g} to {high:g}.")
        if self.size % 32:
            found.append(f"size: {self.size} must be a multiple of 32, because the network halves it up to five times.")
        for name, value in self.augmentation.document().items():
            largest = 180 if name == "rotation" else 1
            if not 0 <= value <= largest:
                found.append(f"augmentation.{name}: {value} must lie in 0 to {largest}.")
        reason = problem_of(self.network, self.network_arguments)
        if reason:
            found.append(f"network: {reason}")
        return found

    def valid(self) -> tuple[bool, str]:
        """Whether it can be used and, if not, why."""
        problems = self.problems()
        return not problems, " ".join(problems)

    @classmethod
    def read(cls, path: Path) -> TrainingConfig:
        """Read YAML (JSON is YAML too); the error names the file."""
        import yaml

        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except OSError as error:
            raise TrainingError(
                f"{path}: the training configuration cannot be read ({error.strerror or error})."
            ) from error
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise TrainingError(f"{path}: the training configuration cannot be read ({error}).") from error
        if not isinstance(document, dict):
            raise TrainingError(f"{path}: a training configuration is a mapping of settings.")
        try:
            preset = str(document.get("preset", "quick"))
            return cls.from_preset(preset, **{str(k): v for k, v in document.items() if k != "preset"})
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
        start = TrainingConfig.from_preset(self.preset).document()
        given = ["--preset", self.preset]
        for name, value in self.document().items():
            if name != "preset" and value != start[name]:
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


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("seed", 0, 2**31 - 1),
    ("epochs", 1, 100_000),
    ("minutes", 0, 100_000),
    ("size", 32, 2048),
    ("images_per_epoch", 0, 1_000_000),
    ("batch_size", 1, 4096),
    ("learning_rate", 1e-7, 1),
    ("weight_decay", 0, 1),
    ("gradient_limit", 1e-3, 1e6),
    ("ema", 0, 0.9999),
    ("patience", 0, 100_000),
    ("components", 0, 100),
    ("threads", 0, 1024),
)


def _wrong_types(values: dict[str, object]) -> list[str]:
    problems = []
    for item in fields(TrainingConfig):
        if item.name not in values:
            continue
        value = values[item.name]
        kind = str(item.type)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if kind == "int" and not whole:
            problems.append(f"{item.name}: {value!r} is no whole number.")
        elif kind == "float" and not (whole or isinstance(value, float)):
            problems.append(f"{item.name}: {value!r} is no number.")
        elif kind == "str" and not isinstance(value, str):
            problems.append(f"{item.name}: {value!r} is no text.")
        elif kind.startswith("tuple") and not isinstance(value, tuple):
            problems.append(f"{item.name}: {value!r} is no list.")
        elif kind.startswith("Mapping") and not isinstance(value, Mapping):
            problems.append(f"{item.name}: {value!r} is no mapping.")
        elif kind == "Augmentation":
            if not isinstance(value, Augmentation):
                problems.append(f"augmentation: {value!r} is no mapping of strengths.")
            else:
                for name, strength in value.document().items():
                    if not isinstance(strength, (int, float)) or isinstance(strength, bool):
                        problems.append(f"augmentation.{name}: {strength!r} is no number.")
    return problems


PRESETS: dict[str, dict[str, object]] = {
    "quick": {"patience": 15},
    "standard": {
        "epochs": 200,
        "minutes": 120.0,
        "size": 384,
        "batch_size": 8,
        "learning_rate": 1e-3,
        "network_arguments": {"channels": [32, 64, 128, 256, 256, 256], "strides": [2, 2, 2, 2, 2]},
        "ema": 0.995,
        "patience": 30,
    },
    "best": {
        "epochs": 400,
        "minutes": 0.0,
        "size": 768,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "network": "DynUNet",
        "network_arguments": {
            "filters": [32, 64, 128, 256, 320, 320, 320],
            "kernel_size": [3, 3, 3, 3, 3, 3, 3],
            "strides": [1, 2, 2, 2, 2, 2, 2],
            "upsample_kernel_size": [2, 2, 2, 2, 2, 2],
            "res_block": True,
        },
        "ema": 0.999,
        "patience": 40,
    },
}
