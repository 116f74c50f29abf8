"""What a model made elsewhere takes and gives, in the words of whoever imports it: a YAML or JSON document.

:data:`EXAMPLE` shows one. It is read as data: nothing in it is evaluated, and no other file is named by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from XRayAILib.learning.errors import ModelError, TrainingError
from XRayAILib.learning.settings import read_settings, settings_problems
from XRayAILib.pixels.resample import PixelPreset

EXAMPLE = """\
name: chest-findings
task: classification            # or segmentation, landmarks, detection
labels: [pneumonia, null, view=PA]   # the outputs in their order; null for one that is not wanted
input:
  size: 224                     # edge of the square, in pixels
  channels: 1                   # or 3: the same picture three times
  range: [-1024, 1024]          # values of black and of white, as torchxrayvision has them; 0 and 1 without it
  # mean: [0.485, 0.456, 0.406] # taken from that, and
  # std: [0.229, 0.224, 0.225]  # divided by
  contrast: extremes            # or percentiles (1 and 99), or display: the picture as it is shown
  fit: crop                     # its central square, or pad: all of it with black around
output:
  kind: logits                  # or probabilities; landmarks: heatmaps, logits, pixels or fractions;
                                # detection: corners or centres
  activation: sigmoid           # or softmax over all outputs
  # thresholds: [0.4, 0.5, 0.5] # from which probability on something is said; 0.5 without it
network:                        # only for weights; an ONNX file has its network in it
  name: torchvision.densenet121 # or one of MONAI: DenseNet121, UNet, ...
  arguments: {}
licence: Apache-2.0
source: https://example.org/model
training_data: what it was trained on, and under which terms
"""
"""A description to start from."""
LARGEST = 1 << 20
"""Bytes of a description."""
KINDS: Mapping[str, tuple[str, ...]] = {
    "segmentation": ("logits", "probabilities"),
    "classification": ("logits", "probabilities"),
    "landmarks": ("heatmaps", "logits", "pixels", "fractions"),
    "detection": ("corners", "centres"),
}
"""Task -> what an output may be.

Of landmarks: ``heatmaps`` of values that rise to the point, ``logits`` of a softmax over the map, or coordinates x, y:
in ``pixels`` of the square with centres at integers, or in ``fractions`` of its edge, 0 and 1 at its outer edges. Of
detection: boxes that the network has chosen, as ``corners`` x0, y0, x1, y1 or as ``centres`` x, y, width, height; in
pixels of the square, or in fractions of its edge where none lies above 1.5; 0 at its upper left corner."""
TEXTS = ("name", "task", "licence", "source", "training_data", "notes")


@dataclass(frozen=True)
class InputDescription:
    """What the network is shown.

    Attributes
    ----------
    size
        Edge of the square, in pixels.
    channels
        1, or 3 for the same picture three times.
    range
        Values of black and of white; descending where the network was taught on inverted pictures.
    mean, std
        Taken from that and divided by, one for all channels or one for each; empty for neither.
    contrast
        ``display``: the picture as it is shown, from black to white. ``percentiles``: stretched between the 1st and
        the 99th, as our own models see it. ``extremes``: stretched between its darkest and its brightest value.
    fit
        ``pad``: the whole picture, black around it. ``crop``: its central square.
    layout
        ``channels_first`` (B, C, H, W) or ``channels_last`` (B, H, W, C), as converters from TensorFlow write it.
    """

    size: int
    channels: int = 1
    range: tuple[float, ...] = (0.0, 1.0)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    contrast: str = "display"
    fit: str = "pad"
    layout: str = "channels_first"

    def problems(self) -> list[str]:
        found = []
        if not 16 <= self.size <= 4096:
            found.append(f"size: {self.size} must lie in 16 to 4096.")
        if self.channels not in (1, 3):
            found.append(f"channels: {self.channels} is neither 1 nor 3.")
        if len(self.range) != 2 or not _finite(self.range) or self.range[0] == self.range[-1]:
            found.append("range: it must be two numbers, the values of black and of white.")
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) not in (0, 1, self.channels) or not _finite(values):
                found.append(f"{name}: it must be one number, or one for each of the {self.channels} channels.")
        if any(value <= 0 for value in self.std):
            found.append("std: it must be greater than 0.")
        found += _unknown(self, "contrast", ("display", "percentiles", "extremes"))
        found += _unknown(self, "fit", ("pad", "crop"))
        return found + _unknown(self, "layout", ("channels_first", "channels_last"))

    @property
    def preset(self) -> PixelPreset:
        """The way from a radiograph to 0..1 on the square."""
        low, high = {"percentiles": (1.0, 99.0), "extremes": (0.0, 100.0)}.get(self.contrast, (1.0, 99.0))
        return PixelPreset(self.size, low, high, stretched=self.contrast != "display", cropped=self.fit == "crop")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of a batch of one."""
        if self.layout == "channels_last":
            return 1, self.size, self.size, self.channels
        return 1, self.channels, self.size, self.size


@dataclass(frozen=True)
class OutputDescription:
    """What the network gives.

    Attributes
    ----------
    kind
        One of :data:`KINDS` for the task.
    activation
        ``sigmoid`` or ``softmax``: what makes probabilities of logits.
    name
        Of the output, where there are several.
    thresholds
        From which probability on something is there: one for all, or one for each output; 0.5 without it.
    sigma
        Of the Gaussian that a heatmap of landmarks was taught with, in pixels of the square.
    layout
        As of the input.
    boxes, scores, classes
        Of a detector: the names of its outputs (N, 4), (N,) and (N,), as torchvision has them.
    first
        Of a detector: the number of the first of the labels; 1 where 0 is the background.
    """

    kind: str
    activation: str = "sigmoid"
    name: str = ""
    thresholds: tuple[float, ...] = ()
    sigma: float = 3.0
    layout: str = "channels_first"
    boxes: str = "boxes"
    scores: str = "scores"
    classes: str = "labels"
    first: int = 0

    def problems(self) -> list[str]:
        found = _unknown(self, "activation", ("sigmoid", "softmax"))
        if not all(0 < value < 1 for value in self.thresholds):
            found.append("thresholds: each must lie between 0 and 1.")
        if not 0.5 <= self.sigma <= 50:
            found.append(f"sigma: {self.sigma:g} must lie in 0.5 to 50.")
        return found + _unknown(self, "layout", ("channels_first", "channels_last"))


@dataclass(frozen=True)
class NetworkDescription:
    """The network that the weights are of: a name of the allow-list, and plain arguments."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class OutputLabel:
    """What one output of the network stands for.

    Attributes
    ----------
    value
        Of an image label: ``yes`` in ``pneumonia = yes``.
    title, color, mirror, options, multiple
        As in a schema, for where the project's schema does not say.
    """

    label: str
    value: str = ""
    title: str = ""
    color: str = ""
    mirror: str = ""
    options: tuple[str, ...] = ()
    multiple: bool = False

    @property
    def answer(self) -> str:
        """Of an image label."""
        return self.value or "yes"

    def problems(self) -> list[str]:
        found = []
        if not self.label or not all(c.isalnum() or c in "_-" for c in self.label):
            found.append(f"label: '{self.label}' is no label's name; use letters, digits, '_' and '-'.")
        if self.color and not (len(self.color) == 7 and self.color.startswith("#") and self.color[1:].isalnum()):
            found.append(f"color: '{self.color}' is not like #4fc3f7.")
        return found


@dataclass(frozen=True)
class Description:
    """The whole of it.

    Attributes
    ----------
    labels
        One for each output of the network, ``None`` for one that is not wanted.
    """

    task: str
    labels: tuple[OutputLabel | None, ...]
    input: InputDescription
    output: OutputDescription
    network: NetworkDescription | None = None
    name: str = ""
    licence: str = ""
    source: str = ""
    training_data: str = ""
    notes: str = ""

    @property
    def wanted(self) -> tuple[OutputLabel, ...]:
        """The labels of the outputs that are used."""
        return tuple(label for label in self.labels if label is not None)

    def document(self) -> dict[str, Any]:
        """As plain mappings and lists."""
        plain = asdict(self)
        plain["labels"] = [None if label is None else _short(label) for label in self.labels]
        loaded: dict[str, Any] = json.loads(json.dumps({k: v for k, v in plain.items() if v not in ("", None)}))
        return loaded

    @classmethod
    def from_document(cls, document: object, network: Mapping[str, object] | None = None) -> Description:
        """What :meth:`document` gave, or a person wrote; :class:`ModelError` says every field that is wrong.

        Parameters
        ----------
        network
            Name and arguments, where the document has none.
        """
        if not isinstance(document, Mapping):
            raise ModelError("A description is a mapping with task, labels, input and output.")
        values = {str(key): value for key, value in document.items()}
        known = {f.name for f in fields(cls)}
        problems = [f"'{key}' is no field of a description." for key in values if key not in known]
        problems += [
            f"{name}: {values[name]!r} is no text." for name in TEXTS if not isinstance(values.get(name, ""), str)
        ]
        task = str(values.get("task"))
        if task not in KINDS:
            problems.append(f"task: {task!r} is none of {', '.join(KINDS)}.")
        made: dict[str, Any] = {}
        parts: dict[str, type] = {"input": InputDescription, "output": OutputDescription}
        if values.get("network") is None and network is not None:
            values["network"] = network
        if values.get("network") is not None:
            parts["network"] = NetworkDescription
        for name, kind in parts.items():
            part = values.get(name)
            if not isinstance(part, Mapping):
                problems.append(f"{name}: it must be a mapping.")
                continue
            wrong = settings_problems(kind, part, name)
            problems += wrong
            if not wrong:
                made[name] = read_settings(kind, part, name)
        if task in KINDS and "output" in made and made["output"].kind not in KINDS[task]:
            problems.append(f"output.kind: '{made['output'].kind}' is none of {', '.join(KINDS[task])}.")
        labels, wrong = _labels(values.get("labels"))
        problems += wrong
        if "output" in made and len(made["output"].thresholds) not in (0, 1, len(labels)):
            problems.append(f"output.thresholds: it must be one number, or one for each of the {len(labels)} outputs.")
        if problems:
            raise ModelError(" ".join(problems))
        texts = {name: values[name].strip() for name in TEXTS if name in values and name != "task"}
        return cls(str(task), labels, made["input"], made["output"], made.get("network"), **texts)

    @classmethod
    def read(cls, path: Path, network: Mapping[str, object] | None = None) -> Description:
        """Read YAML (JSON is YAML too); the error names the file."""
        try:
            return cls.from_document(read_plain(path), network)
        except TrainingError as error:
            raise ModelError(f"{path}: {error}") from error


def read_plain(path: Path) -> Any:
    """A YAML or JSON file as plain mappings, lists, texts and numbers; :class:`ModelError` where it is none.

    Tags that would make objects (``!!python/object``) are an error of the safe loader.
    """
    import yaml

    try:
        if path.stat().st_size > LARGEST:
            raise ModelError(f"it has more than {LARGEST >> 10} KiB.")
        text = path.read_text("utf-8")
        if "&" in text and any(event.anchor for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent)):
            raise ModelError("it has YAML aliases (*name), which can unfold to fill the memory: write the values out.")
        return yaml.safe_load(text)
    except OSError as error:
        raise ModelError(f"it cannot be read ({error.strerror or error}).") from error
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ModelError(f"it is neither YAML nor JSON ({error}).") from error


def _labels(value: object) -> tuple[tuple[OutputLabel | None, ...], list[str]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= 1000:
        return (), ["labels: it must be a list with an entry for each output of the network, null for unwanted ones."]
    found: list[OutputLabel | None] = []
    problems: list[str] = []
    for number, entry in enumerate(value, start=1):
        where = f"labels, entry {number}"
        if entry is None:
            found.append(None)
            continue
        if isinstance(entry, str):
            name, _, answer = entry.partition("=")
            entry = {"label": name.strip(), "value": answer.strip()}
        if not isinstance(entry, Mapping):
            problems.append(f"{where}: {entry!r} is neither a label's name nor null.")
            continue
        wrong = settings_problems(OutputLabel, entry, where)
        problems += wrong
        if not wrong:
            found.append(read_settings(OutputLabel, entry, where))
    keys = [(label.label, label.value) for label in found if label is not None]
    problems += [f"labels: '{key[0]}' stands there twice." for key in dict.fromkeys(keys) if keys.count(key) > 1]
    if not keys and not problems:
        problems.append("labels: no output is wanted.")
    return tuple(found), problems


def _short(label: OutputLabel) -> dict[str, Any]:
    return {name: value for name, value in asdict(label).items() if value}


def _finite(values: Sequence[float]) -> bool:
    return all(abs(value) < 1e9 for value in values)


def _unknown(part: object, name: str, allowed: tuple[str, ...]) -> list[str]:
    value = getattr(part, name)
    return [] if value in allowed else [f"{name}: '{value}' is none of {', '.join(allowed)}."]
