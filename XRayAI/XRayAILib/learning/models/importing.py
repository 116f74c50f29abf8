"""A model from a folder, an archive or a file into a folder of models: one of ours, or one made elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from XRayAILib.findings.schema import LabelSchema
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.model import Model
from XRayAILib.learning.models.description import Description, read_plain
from XRayAILib.learning.models.folder import hidden_folder, new_folder
from XRayAILib.learning.models.foreign import import_foreign
from XRayAILib.learning.models.manifest import MANIFEST, check_sums, read_manifest, weights_of
from XRayAILib.learning.models.packing import members, unpack
from XRayAILib.learning.models.weights_file import PICKLED, check_weights, pickled_note, weights_kind

DESCRIPTIONS = ("description.yaml", "description.yml", "description.json")
"""Names under which a description lies beside weights."""
_WEIGHTS = (".safetensors", ".onnx")


def import_model(
    source: Path,
    models_folder: Path,
    description: Path | None = None,
    schema: LabelSchema | None = None,
    name: str = "",
    interpreter: str = sys.executable,
) -> Model:
    """Take a model in; whole or not at all.

    Parameters
    ----------
    source
        A folder or zip archive that was exported; or a ``.safetensors`` or ``.onnx`` file, or a folder or archive with
        one (a MONAI bundle, say), of a model made elsewhere.
    description
        YAML or JSON file for one made elsewhere; found beside the weights without it.
    schema
        Of the project, see :func:`~XRayAILib.learning.models.foreign.import_foreign`.
    name
        For one made elsewhere. One of ours keeps its own, under which it signed its findings.

    Raises
    ------
    ModelError
        Why it is refused.
    """
    source = Path(source)
    if not source.exists():
        raise ModelError(f"{source} does not exist.")
    if source.is_dir():
        return _from_folder(source, models_folder, description, schema, name, interpreter)
    if _is_package(source):
        with hidden_folder(models_folder) as unpacked:
            unpack(source, unpacked)
            return _from_folder(_inner(unpacked), models_folder, description, schema, name, interpreter, str(source))
    weights_kind(source)
    found = description or _beside(source)
    return import_foreign(source, Description.read(found), models_folder, schema, name, interpreter)


def _from_folder(
    folder: Path,
    models_folder: Path,
    description: Path | None,
    schema: LabelSchema | None,
    name: str,
    interpreter: str,
    shown: str = "",
) -> Model:
    if (folder / MANIFEST).exists() and description is None:
        if name:
            raise ModelError(
                f"{shown or folder} is a model of X-Ray AI and keeps its name, under which it signed its findings."
            )
        return import_own(folder, models_folder)
    weights = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _WEIGHTS and path.is_file())
    if len(weights) != 1:
        names = [path.name for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICKLED]
        what = "several files" if weights else "no file"
        raise ModelError(
            f"{shown or folder} is no model that can be taken in: it has no {MANIFEST}, and {what} of weights "
            f"(.safetensors or .onnx).{pickled_note(names)}"
        )
    found = description or next((folder / name for name in DESCRIPTIONS if (folder / name).is_file()), None)
    found = found or _beside(weights[0], shown)
    network = network_of_bundle(folder) if weights[0].suffix.lower() == ".safetensors" else None
    return import_foreign(weights[0], Description.read(found, network), models_folder, schema, name, interpreter)


def import_own(folder: Path, models_folder: Path) -> Model:
    """Copy a model of ours, every file of it checked, and nothing that its manifest does not name."""
    manifest = read_manifest(folder)
    for path in sorted(models_folder.glob("*")):
        if not path.name.startswith(".") and (path / MANIFEST).is_file() and _same(path, manifest):
            raise ModelError(f"The model is there already: {path}.")
    check_sums(folder, manifest)
    Model.load(folder)
    with new_folder(models_folder, str(manifest["name"])) as made:
        for name in (*manifest["sums"], MANIFEST):
            target = made.working / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, target)
        # Once more, on what was copied: only that is used.
        model = Model.load(made.working)
        if model.foreign is None:
            check_weights(made.working / weights_of(manifest), model.task.network)
    return Model.load(made.final)


def _same(folder: Path, manifest: Mapping[str, Any]) -> bool:
    try:
        other = read_manifest(folder)
    except ModelError:
        return False
    return (other.get("name"), other.get("digest")) == (manifest.get("name"), manifest.get("digest"))


def network_of_bundle(folder: Path) -> dict[str, object] | None:
    """The network that a MONAI bundle names, read as data; ``None`` where it names none in plain words.

    Nothing in it is evaluated: what has an expression or a reference is passed over, and the person has to say it.
    """
    for name in ("inference.json", "inference.yaml", "inference.yml", "train.json", "train.yaml", "train.yml"):
        path = folder / "configs" / name
        if not path.is_file():
            continue
        document = read_plain(path)
        definition = document.get("network_def") or document.get("network") if isinstance(document, dict) else None
        if isinstance(definition, dict) and str(definition.get("_target_", "")).strip():
            target = str(definition["_target_"])
            fixed = ("_target_", "spatial_dims", "in_channels", "out_channels", "n_input_channels", "num_classes")
            arguments = {str(key): value for key, value in definition.items() if key not in fixed}
            if _is_plain(target) and all(_is_plain(value) for value in arguments.values()):
                return {"name": target.rpartition(".")[2], "arguments": arguments}
    return None


def _is_plain(value: object) -> bool:
    """Whether MONAI would take it as it stands: no expression, no reference, no macro, nothing to instantiate."""
    if isinstance(value, str):
        return not value.startswith(("$", "@", "%"))
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, (bool, int, float)) or value is None


def _is_package(path: Path) -> bool:
    """Whether an archive holds a model, and not pickled weights: PyTorch's own files are zip archives, too."""
    with path.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            return False
    names = members(path)
    return any(Path(name).name == MANIFEST or Path(name).suffix.lower() in _WEIGHTS for name in names) or (
        path.suffix.lower() == ".zip" and not any(name.endswith("data.pkl") for name in names)
    )


def _inner(folder: Path) -> Path:
    """Where an archive has everything below one folder, that folder."""
    while (inside := [path for path in folder.iterdir() if path.name != "__MACOSX"]) and len(inside) == 1:
        if not inside[0].is_dir():
            break
        folder = inside[0]
    return folder


def _beside(weights: Path, shown: str = "") -> Path:
    places = [weights.with_suffix(ending) for ending in (".yaml", ".yml", ".json")]
    places += [weights.parent / name for name in DESCRIPTIONS]
    for place in places:
        if place.is_file():
            return place
    raise ModelError(
        f"{shown or weights} was made elsewhere, so it has to be said what it takes and gives. Write that into a YAML "
        f"file, {places[0].name} beside it or any other with --description; "
        "'xrayai models import --example' shows one."
    )
