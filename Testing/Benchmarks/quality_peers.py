"""Peers of the quality benchmark: others' ways to learn the same, from the same images, in the same wall-clock.

Each peer gets the images and labels of the parts that our training with the same seed deals, decoded and resized by
the library; that takes none of its time, everything after it does (nnU-Net's planning and preprocessing too), up to its
last training step. What it finds in the test part is then measured on the radiographs' own grid by the library's code.
Whoever chooses weights by a validation part gets ours for that; who does not (nnU-Net, the plain U-Net) learns from it
too.

nnU-Net lives in an environment of its own, see :mod:`quality_peer_nnunet`; without it, it is left out and says so.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from quality_peer_classification import densenet
from quality_peer_detection import retinanet
from quality_peer_landmarks import heatmaps
from quality_peer_material import Clock, Material, Trained, prepare
from quality_peer_nnunet import NotThere, nnunet
from quality_peer_segmentation import monai_label, plain_unet

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.project.project import Project

Peer = Callable[[Material, Clock], Trained]
NNUNET = "XRAYAI_NNUNET"
"""Environment variable: the Python that has nnU-Net, where ``--nnunet`` does not say."""


def peers_of(task: str, python: str = "") -> dict[str, tuple[int, Peer]]:
    """Name of each peer of a task, with the edge of its input in pixels and how it is trained."""
    python = python or os.environ.get(NNUNET, "")
    found: dict[str, dict[str, tuple[int, Peer]]] = {
        "segmentation": {
            "plain U-Net loop": (256, plain_unet),
            "MONAI Label's basic trainer": (256, monai_label),
            "nnU-Net v2, 2D": (256, lambda material, clock: nnunet(material, clock, python)),
        },
        "detection": {"plain MONAI RetinaNet": (256, retinanet)},
        "landmarks": {"plain MONAI heatmaps": (256, heatmaps)},
        # A small input gives the large network more epochs, a large one shows more: both are fair.
        "classification": {
            "plain MONAI DenseNet121, 224": (224, densenet),
            "plain MONAI DenseNet121, 128": (128, densenet),
        },
    }
    return found[task]


def peers(
    task: str, project: Project, split: int, minutes: float, python: str = "", only: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Train every peer of a task on a split and measure it: the fields of ``quality.Run``.

    Parameters
    ----------
    split
        The seed by which the images are dealt, where the project has not dealt them yet.
    minutes
        Wall-clock of each; 0 for what the preset `quick` has.
    python
        Of the environment with nnU-Net.
    only
        Parts of the names of those that are wanted; all without it.
    """
    minutes = minutes or TrainingConfig.from_preset("quick", task).minutes
    for who, (size, train) in peers_of(task, python).items():
        if only and not any(part.lower() in who.lower() for part in only):
            continue
        print(f"    {who}, {minutes:g} min", file=sys.stderr, flush=True)
        material = prepare(task, project, split, size)
        begun, used = time.monotonic(), _cpu()
        try:
            trained = train(material, Clock(minutes))
        except NotThere as reason:
            print(f"    {who} is left out: {reason}", file=sys.stderr, flush=True)
            continue
        tested = material.part("test")
        figures = material.figures(tested, trained.read, trained.task)
        yield {
            "who": who,
            "split": split,
            "figures": figures,
            "images": len(tested),
            "patients": len({case.patient for case in tested}),
            "wall": time.monotonic() - begun,
            "cpu": _cpu() - used,
            "note": trained.note,
        }


def _cpu() -> float:
    """Seconds of CPU time of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
