"""Files that may hold a pickle: never opened, but how to convert them is said."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.learning.errors import TrainingError

SUFFIXES = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin", ".ts", ".tar", ".joblib", ".npy")
"""Endings of files in which torch, Python and numpy write pickles, TorchScript among them."""

_STATE = "state = torch.load('{name}', map_location='cpu', weights_only=True)"
_SAVE = "save_file({{k: v.clone().contiguous() for k, v in state.items()}}, '{stem}.safetensors')"


def how_to_convert(path: Path) -> str:
    """What a person can run, elsewhere, to get safetensors out of a pickled file."""
    name, stem = path.name, path.stem
    command = f"import torch; from safetensors.torch import save_file; {_STATE}; {_SAVE}"
    return (
        "Convert it where nothing is lost if it does harm, such as a container without network, in an environment with "
        f'torch and safetensors: python -c "{command.format(name=name, stem=stem)}" and give the safetensors file. '
        "Where the file holds a mapping with the weights in it, take state = state['state_dict'] first; where "
        "weights_only=True refuses it, it holds a whole network: build that with the package that it comes from and "
        "save its state_dict()."
    )


def refuse_pickled(path: Path) -> None:
    """Raise :class:`TrainingError` where a file is or may be a pickle, by its name or by how it begins."""
    begins = b""
    if path.is_file():
        with path.open("rb") as stream:
            begins = stream.read(4)
    if path.suffix.lower() in SUFFIXES or begins[:2] == b"\x80\x02" or begins == b"PK\x03\x04":
        raise TrainingError(
            f"{path} is refused: it may hold a pickle, which can run any code when it is opened. {how_to_convert(path)}"
        )
