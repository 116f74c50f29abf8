"""The classifier: an encoder of MONAI, numbers about the patient where there are any, and one linear layer.

The encoder is MONAI's network without its own last layer, under the name ``encoder``; so weights that were learnt for
other classes, or by another library under MONAI's or torchvision's names, have a place to go, and everything else
starts anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.errors import TrainingError

if TYPE_CHECKING:
    import torch

RESNET = {"layers": [1, 1, 1, 1], "block_inplanes": [24, 48, 96, 192], "block": "basic", "conv1_t_size": 7}
DENSENET = {"init_features": 32, "growth_rate": 16, "block_config": [4, 4, 4, 4], "bn_size": 4, "dropout_prob": 0.0}

NETWORKS: dict[str, dict[str, object]] = {
    "ResNet": {**RESNET},
    "DenseNet": {**DENSENET},
    "DenseNet121": {"dropout_prob": 0.0},
    "EfficientNetBN": {"model_name": "efficientnet-b0"},
    "resnet18": {},
    "resnet34": {},
    "resnet50": {},
    "SEResNet50": {"reduction": 16},
}
"""Networks of MONAI from an image to logits, with the arguments that may be set."""
LAST = {"DenseNet": "class_layers.out", "DenseNet121": "class_layers.out", "EfficientNetBN": "_fc"}
LAST |= {"SEResNet50": "last_linear"}
"""Where a network has its last layer; those that are not named have it as ``fc``."""
EMBEDDED = 16
"""Numbers that each two columns of the table become, at most 64."""


def make_encoder(name: str, inputs: int, arguments: Mapping[str, object]) -> tuple[torch.nn.Module, int]:
    """MONAI's network of this name without its last layer, with random weights, and how many features it gives.

    Raises
    ------
    TrainingError
        It does not take these arguments.
    """
    import monai.networks.nets
    import torch

    whole: dict[str, Any] = {**NETWORKS[name], **arguments, "spatial_dims": 2}
    if name.lower().startswith("resnet"):
        # As in two dimensions everywhere else: MONAI's own values are for small volumes.
        whole |= {"n_input_channels": inputs, "conv1_t_stride": 2, "bias_downsample": False, "shortcut_type": "B"}
        whole["num_classes"] = 1
    elif name.startswith("DenseNet"):
        whole |= {"in_channels": inputs, "out_channels": 1}
    else:
        whole |= {"in_channels": inputs, "num_classes": 1}
    if name == "EfficientNetBN":
        # It would fetch weights from the network; where they come from is a setting of its own.
        whole["pretrained"] = False
    try:
        encoder: torch.nn.Module = getattr(monai.networks.nets, name)(**whole)
    except (TypeError, ValueError, AssertionError, KeyError, IndexError) as error:
        raise TrainingError(f"{name} does not take these arguments together: {error}") from error
    parent, _, last = LAST.get(name, "fc").rpartition(".")
    owner = encoder.get_submodule(parent)
    features = int(getattr(owner, last).in_features)
    setattr(owner, last, torch.nn.Identity())
    return encoder, features


def make_classifier(
    name: str,
    outputs: int,
    arguments: Mapping[str, object],
    dropout: float = 0.0,
    table: Sequence[Mapping[str, Any]] = (),
) -> torch.nn.Module:
    """A classifier from images (B, 1, S, S) in 0..1, and numbers (B, columns), to logits (B, outputs).

    Parameters
    ----------
    table
        What the numbers are, see :class:`~XRayAILib.learning.classification.table_input.TableInput`; empty for an image
        alone.
    """
    import torch

    from XRayAILib.learning.classification.table_input import embedding

    encoder, features = make_encoder(name, 1, arguments)

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder
            self.table = embedding(table, min(64, EMBEDDED * len(table))) if table else None
            self.dropout = torch.nn.Dropout(dropout)
            self.head = torch.nn.Linear(features + (min(64, EMBEDDED * len(table)) if table else 0), outputs)
            torch.nn.init.zeros_(self.head.bias)

        def forward(self, images: torch.Tensor, numbers: torch.Tensor | None = None) -> torch.Tensor:
            found = self.encoder((images - 0.5) * 4)
            if self.table is not None:
                if numbers is None:
                    raise TrainingError("This model wants numbers beside the image, and got none.")
                found = torch.cat([found, self.table(numbers)], dim=1)
            logits: torch.Tensor = self.head(self.dropout(found))
            return logits

    return Classifier()
