"""What each task is trained with where nobody asks for anything else.

``quick`` is for two cores and minutes, ``standard`` for a workstation and an hour or two, ``best`` for one large GPU.
The last two take as many images in a step as the memory holds, within the bounds that
:mod:`XRayAILib.learning.batch_size` has for them.
"""

from __future__ import annotations

from collections.abc import Mapping

NAMES = ("quick", "standard", "best")

_LARGE: dict[str, object] = {
    "network": "DynUNet",
    "network_arguments": {
        "filters": [32, 64, 128, 256, 320, 320, 320],
        "kernel_size": [3, 3, 3, 3, 3, 3, 3],
        "strides": [1, 2, 2, 2, 2, 2, 2],
        "upsample_kernel_size": [2, 2, 2, 2, 2, 2],
        "res_block": True,
    },
}
"""A U-Net for images of 768 pixels and more."""

SEGMENTATION: dict[str, dict[str, object]] = {
    "quick": {
        "epochs": 120,
        "size": 256,
        # Small batches: twice the steps in the same time, and few images are learnt better for it.
        "batch_size": 4,
        "augmentation": {
            "flip": 0.5,
            "rotation": 15.0,
            "scale": 0.25,
            "shift": 0.1,
            "stretch": 0.15,
            "elastic": 0.02,
        },
    },
    "standard": {
        "epochs": 200,
        "minutes": 120.0,
        "size": 384,
        "batch_size": 0,
        "learning_rate": 1e-3,
        "network_arguments": {"channels": [32, 64, 128, 256, 256, 256], "strides": [2, 2, 2, 2, 2]},
        "ema": 0.995,
        "patience": 30,
    },
    "best": {
        "epochs": 400,
        "minutes": 0.0,
        "size": 768,
        "batch_size": 0,
        "learning_rate": 1e-3,
        **_LARGE,
        "ema": 0.999,
        "patience": 40,
    },
}

# Who draws boxes draws all there are, so what is not drawn is not there.
DETECTION: dict[str, dict[str, object]] = {
    "quick": {
        "missing": "absent",
        "epochs": 150,
        "size": 256,
        "learning_rate": 1e-3,
        "network": "RetinaNet-ResNet10",
        "patience": 20,
    },
    "standard": {
        "missing": "absent",
        "epochs": 200,
        "minutes": 120.0,
        "size": 512,
        "batch_size": 0,
        "learning_rate": 5e-4,
        "network": "RetinaNet-ResNet18",
        "ema": 0.995,
        "patience": 30,
    },
    "best": {
        "missing": "absent",
        "epochs": 300,
        "minutes": 0.0,
        "size": 1024,
        "batch_size": 0,
        "learning_rate": 3e-4,
        "network": "RetinaNet-ResNet50",
        "ema": 0.999,
        "patience": 40,
    },
}

CLASSIFICATION: dict[str, dict[str, object]] = {
    "quick": {
        "epochs": 80,
        "size": 224,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "weight_decay": 0.05,
        "network": "ResNet",
        "network_arguments": {"layers": [1, 1, 1, 1], "block_inplanes": [24, 48, 96, 192]},
        "patience": 30,
        "options": {"smoothing": 0.05},
    },
    "standard": {
        "epochs": 120,
        "minutes": 120.0,
        "size": 320,
        "batch_size": 0,
        "learning_rate": 5e-4,
        "weight_decay": 0.05,
        "network": "resnet18",
        "ema": 0.995,
        "patience": 30,
        "options": {"smoothing": 0.05},
    },
    "best": {
        "epochs": 200,
        "minutes": 0.0,
        "size": 512,
        "batch_size": 0,
        "learning_rate": 5e-4,
        "weight_decay": 0.05,
        "network": "DenseNet121",
        "ema": 0.999,
        "patience": 40,
        "options": {"smoothing": 0.05, "dropout": 0.3},
    },
}

LANDMARKS: dict[str, dict[str, object]] = {
    "quick": {
        "epochs": 140,
        "size": 384,
        "batch_size": 8,
        "network_arguments": {"channels": [24, 48, 96, 128, 192, 192], "strides": [2, 2, 2, 2, 2]},
        "patience": 25,
        "options": {"sigma": 2.5, "stride": 2},
    },
    "standard": {
        "epochs": 250,
        "minutes": 120.0,
        "size": 512,
        "batch_size": 0,
        "learning_rate": 1e-3,
        "network_arguments": {"channels": [32, 64, 128, 256, 256, 256], "strides": [2, 2, 2, 2, 2]},
        "ema": 0.995,
        "patience": 40,
        "options": {"sigma": 3.0, "stride": 2},
    },
    "best": {
        "epochs": 400,
        "minutes": 0.0,
        "size": 1024,
        "batch_size": 0,
        "learning_rate": 1e-3,
        **_LARGE,
        "ema": 0.999,
        "patience": 50,
        "options": {"sigma": 4.0, "stride": 2},
    },
}

# The network that segmentation trains, so that it can start from what was pretrained.
_ALIKE = ("size", "network", "network_arguments", "epochs", "minutes", "ema")
PRETRAINING: dict[str, dict[str, object]] = {
    name: {key: value for key, value in values.items() if key in _ALIKE} for name, values in SEGMENTATION.items()
}

PRESETS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "segmentation": SEGMENTATION,
    "detection": DETECTION,
    "classification": CLASSIFICATION,
    "landmarks": LANDMARKS,
    "pretraining": PRETRAINING,
}


def preset_of(task: str, name: str) -> Mapping[str, object]:
    """The preset's values for a task; a task without presets of its own takes what every configuration starts with."""
    return PRESETS.get(task, {}).get(name, {})
