"""Whether pretraining on unlabelled images helps where few are labelled.

    python Testing/Benchmarks/pretraining.py --data FOLDER [--labelled 3 6 12] [--seeds 3] [--steps 300]

FOLDER holds `chest-segmentation` and `chest-classification`. A fixed third of the first is the test part, whose
patients the pretraining never sees. It sees all other images of both sets, without labels. Then the structures are
learnt from a few labelled images, which differ from seed to seed, from random weights and from the pretrained ones, in
the same number of steps. The mean Dice over the structures of the test part is told, and its difference to the random
start of the same seed.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

HOME = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOME / "XRayAI"), str(HOME / "Testing" / "Benchmarks")]

VALIDATION = 5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--labelled", type=int, nargs="+", default=[3, 6])
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--pretraining-steps", type=int, default=1500)
    options.add_argument("--size", type=int, default=128)
    given = options.parse_args()
    place = Path(tempfile.mkdtemp(prefix="pretraining-"))
    try:
        Comparison(place, given).run()
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Comparison:
    """The data and what is done with them."""

    def __init__(self, place: Path, given: argparse.Namespace) -> None:
        from quality_data import READERS

        self.place, self.given = place, given
        self.source = given.data / "chest-segmentation"
        self.facts, self.said, self.schema = READERS["segmentation"](self.source)
        names = sorted(self.said)
        np.random.default_rng(0).shuffle(names)
        patients = sorted({self.patient(name) for name in names})
        np.random.default_rng(0).shuffle(patients)
        tested = set(patients[: len(patients) // 3])
        self.test = [name for name in names if self.patient(name) in tested]
        self.rest = [name for name in names if self.patient(name) not in tested]

    def patient(self, name: str) -> str:
        return self.facts[name].get("patient_id") or name

    def described(self, header: Any) -> Any:
        return replace(header, patient_id=self.patient(Path(header.path).name))

    def run(self) -> None:
        started = time.process_time()
        found = self.pretrained()
        print(
            f"pretrained on {found['images']['train']} images ({found['kept_out']}), {found['epochs']} epochs, error "
            f"of hidden pixels {found['history'][0]['error/validation']:.4f} -> {found['score']:.4f}, "
            f"{time.process_time() - started:.0f} s of CPU",
            flush=True,
        )
        print(
            f"test part: {len(self.test)} images; {self.given.steps} steps of 4 images; mean Dice of the structures\n"
        )
        print(f"{'labelled':>8} {'start':>20} {'mean':>7} {'per seed':>28} {'difference, per seed':>30}")
        for count in self.given.labelled:
            scores: dict[str, list[float]] = {}
            for seed in range(self.given.seeds):
                for start, settings in self.starts(found["model"]).items():
                    scores.setdefault(start, []).append(self.score(count, seed, settings))
                    print(f"    {count} labelled, seed {seed}, {start}: {scores[start][-1]:.4f}", file=sys.stderr)
            for start, values in scores.items():
                steps = [value - base for value, base in zip(values, scores["random"], strict=True)]
                each, change = (" ".join(f"{v:{f}}" for v in vs) for vs, f in ((values, ".3f"), (steps, "+.3f")))
                mean = statistics.mean(values)
                print(f"{count:>8} {start:>20} {mean:>7.3f} {each:>28} {change:>30}", flush=True)

    def starts(self, model: str) -> dict[str, dict[str, Any]]:
        return {
            "random": {},
            "pretrained": {"start": model},
            "pretrained, frozen": {"start": model, "freeze": 3},
        }

    def pretrained(self) -> dict[str, Any]:
        """Pretrain on everything but the test part's patients."""
        from XRayAILib.learning.pretraining.worker import run_pretraining

        folder = self.project("all", dict.fromkeys(self.rest, "") | dict.fromkeys(self.test, "test"), labels=False)
        each = 160
        epochs = max(1, self.given.pretraining_steps * 8 // each)
        config = self.config("pretraining", epochs=epochs, images_per_epoch=each, batch_size=8, name="pretrained")
        return run_pretraining(folder, config, self.place / "job-all", _silent)

    def score(self, count: int, seed: int, settings: dict[str, Any]) -> float:
        """Mean Dice on the test part after learning from ``count`` labelled images."""
        from XRayAILib.learning.worker import run_training

        # One image of a patient: nobody is in two parts.
        chosen = sorted({self.patient(picture): picture for picture in self.rest}.values())
        np.random.default_rng(100 + seed).shuffle(chosen)
        parts = dict.fromkeys(chosen[:count], "train") | dict.fromkeys(chosen[count : count + VALIDATION], "validation")
        name = f"{count}-{seed}"
        folder = self.place / name / "project"
        if not folder.is_dir():
            folder = self.project(name, parts | dict.fromkeys(self.test, "test"), labels=True)
        each = 40
        epochs = max(1, self.given.steps * 4 // each)
        config = self.config("segmentation", epochs=epochs, images_per_epoch=each, batch_size=4, seed=seed, **settings)
        job = Path(tempfile.mkdtemp(dir=self.place))
        return float(run_training(folder, config, job, _silent)["score"])

    def config(self, task: str, **changes: Any) -> Any:
        from XRayAILib.learning.config import TrainingConfig

        network = {"channels": [16, 32, 64, 128], "strides": [2, 2, 2]}
        common = {"size": self.given.size, "minutes": 0.0, "patience": 0, "network_arguments": network, "device": "cpu"}
        return TrainingConfig.from_preset("quick", task, **{**common, **changes})

    def project(self, name: str, parts: dict[str, str], labels: bool) -> Path:
        """A project with these pictures in these parts, with labels or with unlabelled pictures of the other set."""
        from quality_data import TEACHER

        from XRayAILib.findings.findings import Findings
        from XRayAILib.project.intake import take_in
        from XRayAILib.project.project import Project

        folder = self.place / name / "project"
        with Project.create(folder, schema=self.schema) as project:
            take_in(project, [self.source / "images" / picture for picture in parts], describe=self.described)
            pictures = {image.uid: Path(image.header.path).name for image in project.images()}
            project.assign_split({uid: parts[picture] for uid, picture in pictures.items()})
            for uid, picture in pictures.items() if labels else ():
                shape = project.header(uid).shape
                project.save(Findings(uid, shape, TEACHER, tuple(self.said[picture])))
            if not labels:
                take_in(project, [self.given.data / "chest-classification" / "images"])
        return folder


def _silent(event: Any) -> None:
    """Nothing is said."""


if __name__ == "__main__":
    main()
