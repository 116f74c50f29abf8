"""nnU-Net v2, two-dimensional, in an environment of its own.

    python -m venv NNUNET
    NNUNET/bin/pip install "nnunetv2>=2.6"
    python Testing/Benchmarks/quality.py --data FOLDER --task segmentation --peers --nnunet NNUNET/bin/python

Structures overlap, and nnU-Net's label maps cannot: so each structure is a bit of the label (right lung 1, left lung 2,
cardiomediastinum 4, what belongs to two of them their sum), and each *region* of its region-based training is the set
of values with that bit. nnU-Net then has a sigmoid for each region and learns with Dice and binary cross-entropy, and
its probabilities are read, because the label map that it writes would lose the overlaps again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from quality_peer_material import Case, Clock, Material, Trained
from quality_peer_segmentation import as_findings, masks

TRAINER = Path(__file__).with_name("quality_nnunet_trainer.py")
CLASS = "nnUNetTrainerClock"
NUMBER = "901"
DEADLINE = "XRAYAI_NNUNET_DEADLINE"
"""As in the trainer, which cannot import this file."""


class NotThere(Exception):
    """nnU-Net cannot be run, and why."""


def command_of(python: str, name: str) -> str:
    """nnU-Net's command beside its Python; :class:`NotThere` says what to install."""
    if not python:
        raise NotThere("no Python that has it was named: --nnunet PYTHON, see quality_peer_nnunet.py")
    found = shutil.which(name, path=str(Path(python).absolute().parent))
    if found is None:
        raise NotThere(f'there is no {name} beside {python}: {python} -m pip install "nnunetv2>=2.6"')
    return found


def nnunet(material: Material, clock: Clock, python: str) -> Trained:
    """Plan, preprocess and train within the clock, on the training and the validation part together (fold ``all``).

    The last weights count, as is usual with nnU-Net; no test-time mirroring, because it was not learnt from.
    """
    names = ("nnUNetv2_plan_and_preprocess", "nnUNetv2_train", "nnUNetv2_predict")
    plan, train, predict = (command_of(python, name) for name in names)
    labels = material.task.labels
    with tempfile.TemporaryDirectory(prefix="nnunet-") as folder:
        home = Path(folder)
        data = home / "raw" / f"Dataset{NUMBER}_Peer"
        _write(data / "imagesTr", data / "labelsTr", material.part("train", "validation"))
        _write(data / "imagesTs", None, material.part("test"))
        _describe(data, labels, len(material.part("train", "validation")))
        (home / "trainer").mkdir()
        shutil.copy(TRAINER, home / "trainer")
        deadline = time.time() + 60 * clock.minutes * (1 - clock.spent)
        environment = {
            **os.environ,
            "nnUNet_raw": str(home / "raw"),
            "nnUNet_preprocessed": str(home / "preprocessed"),
            "nnUNet_results": str(home / "results"),
            "nnUNet_extTrainer": str(home / "trainer"),
            # A helper process for each core that there is.
            "nnUNet_n_proc_DA": str(material.cores),
            DEADLINE: str(deadline),
        }
        # The library is not its business, and its own packages are.
        environment.pop("PYTHONPATH", None)
        cores = str(material.cores)
        _run([plan, "-d", NUMBER, "-c", "2d", "-np", cores, "-npfp", cores], environment)
        of = ["-tr", CLASS, "-device", "cpu"]
        said = _run([train, NUMBER, "2d", "all", *of], environment)
        found, more = home / "found", ["--save_probabilities", "-npp", "1", "-nps", "1", "--disable_progress_bar"]
        _run(
            [
                predict,
                "-i",
                str(data / "imagesTs"),
                "-o",
                str(found),
                "-d",
                NUMBER,
                "-c",
                "2d",
                "-f",
                "all",
                *of,
                *more,
            ],
            environment,
        )
        read = {}
        for number, case in enumerate(material.part("test")):
            with np.load(found / f"{_name(number)}.npz") as stored:
                read[case.uid] = as_findings(case, stored["probabilities"][:, 0].astype(np.float32), labels)
    steps = next((line[6:] for line in said.splitlines() if line.startswith("CLOCK ")), "")
    return Trained(lambda case: read[case.uid], f"{steps} of {len(material.part('train', 'validation'))} images")


def _name(number: int) -> str:
    return f"case_{number:04d}"


def _write(images: Path, maps: Path | None, cases: Sequence[Case]) -> None:
    from PIL import Image

    for folder in (images, maps):
        if folder is not None:
            folder.mkdir(parents=True)
    for number, case in enumerate(cases):
        grey = np.rint(np.clip(case.image, 0, 1) * 255).astype(np.uint8)
        Image.fromarray(grey).save(images / f"{_name(number)}_0000.png")
        if maps is not None:
            drawn = masks(case).astype(np.uint8)
            bits = sum((mask << place for place, mask in enumerate(drawn)), np.zeros_like(drawn[0]))
            Image.fromarray(bits).save(maps / f"{_name(number)}.png")


def _describe(data: Path, labels: Sequence[str], count: int) -> None:
    values = range(1, 1 << len(labels))
    regions = {label: [v for v in values if v >> place & 1] for place, label in enumerate(labels)}
    document = {
        "channel_names": {"0": "radiograph"},
        "labels": {"background": 0, **regions},
        "regions_class_order": list(range(1, len(labels) + 1)),
        "numTraining": count,
        "file_ending": ".png",
    }
    (data / "dataset.json").write_text(json.dumps(document), "utf-8")


def _run(command: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        end = "\n".join([*done.stdout.splitlines()[-5:], *done.stderr.splitlines()[-15:]])
        raise RuntimeError(f"{Path(command[0]).name} failed with {done.returncode}:\n{end}")
    return done.stdout
