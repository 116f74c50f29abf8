"""The weights that a training's ``start`` names, as they lie in their file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.model import MANIFEST, WEIGHTS, file_digest
from XRayAILib.learning.start.catalogue import entry_of
from XRayAILib.learning.start.download import fetch
from XRayAILib.learning.start.pickled import how_to_convert, refuse_pickled
from XRayAILib.learning.start.place import problem_of_start, scale_of
from XRayAILib.project.project import Project

if TYPE_CHECKING:
    import torch

PRETRAINED = "pretrained"
"""Folder of a project with what was pretrained there; such a model finds nothing, so it is not among the models."""


@dataclass(frozen=True)
class StartWeights:
    """Weights from elsewhere.

    Attributes
    ----------
    origin
        Where they come from, for people and for the model's manifest; without the folders of this computer.
    digest
        SHA-256 of their file.
    licence
        As far as it is known.
    scale
        How the values of the images were scaled, see :mod:`.grey`; empty where nobody knows.
    task, classes
        Of a model of X-Ray AI; empty for others.
    manifest
        Of a model of X-Ray AI, as it stands there.
    """

    tensors: Mapping[str, torch.Tensor]
    origin: str
    digest: str
    licence: str = ""
    scale: str = ""
    task: str = ""
    classes: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)


def weights_of(
    start: str,
    project: Project,
    consent: bool = False,
    emit: Callable[[dict[str, Any]], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> StartWeights:
    """Read the weights that ``start`` names.

    Raises
    ------
    TrainingError
        They are not there, are a pickle, were changed, or would have to be downloaded and nobody agreed.
    """
    problem = problem_of_start(start)
    if problem:
        raise TrainingError(f"start: {problem}")
    kind, _, rest = start.partition(":")
    if kind == "download":
        entry = entry_of(rest)
        path = fetch(entry, project.cache_folder / "weights", consent, emit, cancelled)
        return StartWeights(_read(path), entry.url, entry.sha256, entry.licence, entry.scale)
    if kind == "model":
        return _model(_model_folder(project, rest))
    place, scale = scale_of(rest if kind == "file" else start)
    path = Path(place).expanduser()
    if path.is_dir():
        return _model(path) if (path / MANIFEST).is_file() else _bundle(path, scale)
    if not path.exists():
        raise TrainingError(f"start: there is no {path}.")
    return _file(path, scale)


def _model_folder(project: Project, name: str) -> Path:
    places = [project.models_folder / name, project.folder / PRETRAINED / name]
    for place in places:
        # A name, and no way out of these folders.
        if place.is_dir() and Path(name).name == name and name != "..":
            return place
    known = [p.name for place in places if place.parent.is_dir() for p in sorted(place.parent.iterdir()) if p.is_dir()]
    known = [name for name in known if not name.endswith(".part")]
    raise TrainingError(
        f"start: the project has no model '{name}'; it has {', '.join(known) or 'none yet'}. "
        "A model elsewhere is given by its folder."
    )


def _model(folder: Path) -> StartWeights:
    """A model of X-Ray AI. What its manifest says of the weights must hold; what it finds does not matter here."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if WEIGHTS not in manifest["sums"]:
            raise TrainingError(f"start: the model {folder} has no {WEIGHTS}; a training can only start from those.")
        expected, task = str(manifest["sums"][WEIGHTS]), str(manifest["task"])
        classes = tuple(str(name) for name in manifest.get("classes", manifest["labels"]))
        name = str(manifest["name"])
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise TrainingError(f"start: {folder} is no model of X-Ray AI: its {MANIFEST} cannot be read.") from error
    path = folder / WEIGHTS
    if not path.is_file():
        raise TrainingError(f"start: the model {folder} has no {WEIGHTS}. Copy the whole folder again.")
    digest = file_digest(path)
    if digest != expected:
        raise TrainingError(
            f"start: the weights of the model {folder} were changed after it was made (their SHA-256 does not match "
            "the manifest). Take the model from where it came from again."
        )
    licence = _licence(manifest)
    if manifest.get("foreign"):
        # Made elsewhere: nobody knows what its network made of an image before its first layer.
        return StartWeights(_read(path), f"model {name}", digest, licence)
    return StartWeights(_read(path), f"model {name}", digest, licence, "", task, classes, manifest)


def _licence(manifest: Mapping[str, Any]) -> str:
    """The terms of what a model was made from: they hold for what is made from the model, too."""
    foreign, training = manifest.get("foreign"), manifest.get("training")
    if isinstance(foreign, dict):
        return str(foreign.get("licence") or "not stated")
    start = training.get("start") if isinstance(training, dict) else None
    return str(start.get("licence") or "") if isinstance(start, dict) else ""


def _bundle(folder: Path, scale: str) -> StartWeights:
    """A MONAI bundle: its weights only. Its configuration is code for MONAI's parser, so nobody looks at it."""
    found = sorted(p for p in folder.rglob("*.safetensors") if p.is_file())
    if not found:
        others = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".pt", ".pth", ".ts", ".bin"))
        more = f" It has {others[0].name}, which may hold a pickle. {how_to_convert(others[0])}" if others else ""
        raise TrainingError(f"start: {folder} has no weights in safetensors.{more}")
    named = [p for p in found if p.name == "model.safetensors"]
    if len(found) > 1 and len(named) != 1:
        names = ", ".join(str(p.relative_to(folder)) for p in found)
        raise TrainingError(f"start: {folder} has several weights ({names}). Give one as file:PATH.")
    return _file(named[0] if named else found[0], scale, f"bundle {folder.name}", "unit")


def _file(path: Path, scale: str, origin: str = "", usual: str = "") -> StartWeights:
    refuse_pickled(path)
    if path.suffix.lower() != ".safetensors":
        raise TrainingError(f"start: {path} is no safetensors file; X-Ray AI starts from those only.")
    return StartWeights(_read(path), origin or f"file {path.name}", file_digest(path), "", scale or usual)


def _read(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"start: {path} cannot be read as safetensors ({error}).") from error
