"""Whether cases that are chosen to be labelled next teach more than cases that are taken by lot.

    python Testing/Benchmarks/next_cases.py --data FOLDER [--task segmentation] [--seeds 5] [--first 4] [--each 4]
                                            [--rounds 2] [--steps 250] [--size 64] [--strategies both uncertainty ...]

FOLDER holds `chest-segmentation` or `cephalometric-landmarks`. For each seed a third of the patients is the test part,
and a few of the others, by lot, are labelled first, the same for all strategies. A small network learns from them for a
fixed number of steps from random weights; then each strategy chooses the next images with the network of its own last
round (`XRayAILib.learning.selection`), they are labelled, and it learns anew, with the same seed and steps. The table
has the score on the test part after each round, and its difference to the lot of the same seed and number of labels:
the mean of the seeds with its 95 % interval (Student's t). What was chosen is told too: how unsure the network was of
it, how far it lay from what was learnt from, and how badly it was read, all against the rest of the pool.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

HOME = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOME / "XRayAI"), str(HOME / "Testing" / "Benchmarks")]

NETWORK = {"channels": [12, 24, 48, 96], "strides": [2, 2, 2]}
OPTIONS = {"landmarks": {"stride": 2, "sigma": 2.0}, "segmentation": {"mirror": False}}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--task", choices=("segmentation", "landmarks"), default="segmentation")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--from-seed", type=int, default=0)
    options.add_argument("--first", type=int, default=4)
    options.add_argument("--each", type=int, default=4)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--steps", type=int, default=250)
    options.add_argument("--size", type=int, default=64)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--strategies", nargs="+", default=["both", "uncertainty", "diversity"])
    given = options.parse_args()
    place = Path(tempfile.mkdtemp(prefix="next-cases-"))
    try:
        Comparison(place, given).run()
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Comparison:
    """The images, once prepared, and what is done with them."""

    def __init__(self, place: Path, given: argparse.Namespace) -> None:
        import torch
        from quality_data import make_project

        from XRayAILib.learning.config import TrainingConfig
        from XRayAILib.learning.legend import legend_of
        from XRayAILib.learning.task import make_task

        torch.set_num_threads(given.threads)
        self.given = given
        changes = {"size": given.size, "network_arguments": NETWORK, "options": OPTIONS.get(given.task, {})}
        config = TrainingConfig.from_preset("quick", given.task, device="cpu", threads=given.threads, **changes)
        with make_project(given.task, given.data, place / "project") as project:
            names = [label.name for label in project.schema]
            self.task = make_task(config, legend_of(names, project.schema))
            images = sorted(project.images(), key=lambda image: Path(image.header.path).name)
            self.uids = [image.uid for image in images]
            self.persons = [image.header.patient_id or image.uid for image in images]
            squares, targets, self.references, self.boxes, self.spacings = [], [], [], [], []
            for uid in self.uids:
                radiograph, reference = project.radiograph(uid), project.reference(uid)
                fitted = config.pixel_preset.fit_radiograph(radiograph)
                squares.append(fitted.image.astype(np.float32))
                targets.append(self.task.target(reference, fitted.letterbox))
                self.references.append(reference)
                self.boxes.append(fitted.letterbox)
                self.spacings.append(radiograph.spacing)
        self.squares = np.stack(squares)
        self.targets = self.task.tensors(np.stack(targets))

    def run(self) -> None:
        started = time.process_time()
        names = ["random", *self.given.strategies]
        scores: dict[tuple[str, int], list[float]] = defaultdict(list)
        chosen: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for seed in range(self.given.from_seed, self.given.from_seed + self.given.seeds):
            generator = np.random.default_rng(seed)
            people = sorted(set(self.persons))
            tested = {people[i] for i in generator.permutation(len(people))[: len(people) // 3]}
            pool = [i for i, person in enumerate(self.persons) if person not in tested]
            test = [i for i, person in enumerate(self.persons) if person in tested]
            first = [pool[i] for i in generator.permutation(len(pool))[: self.given.first]]
            begun = self.learn(first, seed)
            score = self.score(begun, test)
            for name in names:
                scores[name, self.given.first].append(score)
                labelled, network = list(first), begun
                for number in range(1, self.given.rounds + 1):
                    fresh, facts = self.choose(name, network, labelled, pool, 1000 * seed + number)
                    chosen[name].append(facts)
                    labelled += fresh
                    network = self.learn(labelled, seed)
                    scores[name, len(labelled)].append(self.score(network, test))
                told = " ".join(f"{scores[name, n][-1]:.4f}" for n in sorted({n for _, n in scores}))
                print(f"    seed {seed}, {name}: {told} ({time.process_time() - started:.0f} s)", file=sys.stderr)
        self.tell(names, scores, chosen)
        print(f"\n{time.process_time() - started:.0f} s of CPU", flush=True)

    def learn(self, labelled: list[int], seed: int) -> Any:
        """A network after the fixed number of steps on these images."""
        import torch

        from XRayAILib.learning.draws import Draws
        from XRayAILib.learning.schedule import rate_factor

        task, steps = self.task, self.given.steps
        torch.manual_seed(seed)
        network = task.network().train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
        generator = np.random.default_rng(seed)
        images = torch.from_numpy(self.squares)[:, None]
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * rate_factor(step, steps, 0.05)
            rows = generator.choice(labelled, 4, replace=len(labelled) < 4)
            draws = Draws([int(n) for n in generator.integers(0, 2**31, len(rows))])
            batch, target = task.augmented(images[rows], self.targets[rows], draws)
            loss = task.loss(network(batch), target)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
        return network.eval().requires_grad_(False)

    def inference(self, network: Any) -> Any:
        from XRayAILib.learning.device import choose_device
        from XRayAILib.learning.inference import Inference

        return Inference(self.task, network, self.task.config.pixel_preset, choose_device("cpu", self.given.threads))

    def values(self, network: Any, rows: list[int]) -> list[float]:
        """The score of each image, over its classes; of masks on the network's grid."""
        from XRayAILib.findings.author import Author

        inference, author = self.inference(network), Author.model("benchmark", "0")
        found = []
        for i in rows:
            output = inference.output(self.squares[i])
            if self.given.task == "segmentation":
                said, true = output > 0, self.targets[i].numpy() > 0.5
                dice = 2 * (said & true).sum((1, 2)) / np.maximum(1, said.sum((1, 2)) + true.sum((1, 2)))
                found.append(float(dice.mean()))
                continue
            decoded = self.task.decode(output, self.boxes[i], self.uids[i], author)
            case = self.task.case(decoded, self.references[i], self.spacings[i])
            found.append(float(np.mean([100 * f["error_part"] for f in case.values() if "error_part" in f])))
        return found

    def score(self, network: Any, rows: list[int]) -> float:
        return float(np.mean(self.values(network, rows)))

    def choose(
        self, name: str, network: Any, labelled: list[int], pool: list[int], seed: int
    ) -> tuple[list[int], tuple[float, float, float]]:
        """The next images; and, as shares of the pool below them, how unsure, how far and how bad they were."""
        from XRayAILib.learning.selection.picking import even_distances, pick
        from XRayAILib.learning.selection.scoring import Scorer

        scorer = Scorer(self.inference(network), network)
        left = [i for i in pool if i not in labelled]
        scored = {i: scorer.score(self.uids[i], self.squares[i]) for i in [*left, *labelled]}
        doubt = np.array([scored[i].uncertainty for i in left])
        features = np.array([scored[i].features for i in left])
        learnt = np.array([scored[i].features for i in labelled])
        places = pick(name, self.given.each, doubt, features, learnt, [self.persons[i] for i in left], seed)
        bad = np.array(self.values(network, left)) * (1 if self.given.task == "landmarks" else -1)
        away = even_distances(features, learnt)
        facts = tuple(float(np.mean([(of < of[p]).mean() for p in places])) for of in (doubt, away, bad))
        self.agreement = float(np.corrcoef(doubt.argsort().argsort(), bad.argsort().argsort())[0, 1])
        self.agreements = [*getattr(self, "agreements", []), self.agreement]
        return [left[p] for p in places], (facts[0], facts[1], facts[2])

    def tell(self, names: list[str], scores: Any, chosen: Any) -> None:
        from scipy.stats import t

        numbers = sorted({number for _, number in scores})
        what = "mean radial error, % of the longer side (lower is better)"
        what = what if self.given.task == "landmarks" else "mean Dice (higher is better)"
        print(f"{what}; {self.given.seeds} seeds, {self.given.steps} steps, {self.given.size} pixels\n")
        digits = 2 if self.given.task == "landmarks" else 4
        print(f"{'labels':>7} {'strategy':>12} {'score':>8} {'difference to the lot':>22} {'95 % interval':>22}")
        everything: dict[str, list[np.ndarray]] = defaultdict(list)
        for number in numbers:
            for name in names:
                values = np.array(scores[name, number])
                gap = values - np.array(scores["random", number])
                line = f"{number:>7} {name:>12} {values.mean():>8.{digits}f}"
                if name != "random" and number > numbers[0]:
                    everything[name].append(gap)
                    line += self.interval(gap, digits, t)
                print(line)
        print()
        for name, gaps in everything.items():
            print(f"{'all':>7} {name:>12} {'':>8}" + self.interval(np.mean(gaps, axis=0), digits, t))
        print(f"\n{'chosen':>20} {'more unsure than':>18} {'farther than':>14} {'read worse than':>17}  of the pool")
        for name in names:
            unsure, far, bad = np.mean(chosen[name], axis=0)
            print(f"{name:>20} {unsure:>17.0%} {far:>14.0%} {bad:>17.0%}")
        print(f"\nrank correlation of uncertainty and error in the pool: {np.mean(self.agreements):.2f}")

    @staticmethod
    def interval(gap: np.ndarray, digits: int, t: Any) -> str:
        if len(gap) < 2:
            return f"{gap.mean():>+22.{digits}f}"
        half = t.ppf(0.975, len(gap) - 1) * gap.std(ddof=1) / np.sqrt(len(gap))
        bounds = f"{gap.mean() - half:+.{digits}f} to {gap.mean() + half:+.{digits}f}"
        return f"{gap.mean():>+22.{digits}f} {bounds:>22}"


if __name__ == "__main__":
    main()
