"""How fast a training is, against the same network fed from memory and against a loop as in MONAI's tutorials.

    python Testing/Benchmarks/training_speed.py [--task segmentation] [--preset quick] [--device auto] [--rounds 2]
                                                [--data FOLDER] [--images 48] [--epochs 4]

Prints a table. The targets: with the preset's random changes on, at least 90 % of the images per second that the same
network reaches with ready tensors (its own ceiling on this device); not slower than MONAI's loop (CacheDataset,
ThreadDataLoader) with the like changes, and with less memory; first epoch at most twice as long as the second; first
step at most 8 s after the worker starts; memory flat over epochs.

Each loop runs in a process of its own, one after the other, and the best of the rounds counts: others at work on the
machine can only make a loop slower. Without ``--data`` the images are phantoms; with it, the folder has the sets of
``quality.py``. Memory is what a process has for itself (USS): pages of the cache's files belong to the system.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOME / "XRayAI"), str(HOME / "Testing" / "Benchmarks")]

LOOPS = ("worker", "ceiling", "monai")
TITLES = {
    "worker": "X-Ray AI, random changes on",
    "ceiling": "the same network, ready tensors",
    "monai": "MONAI CacheDataset, ThreadDataLoader",
}
KEPT_BATCHES = 4
LONGEST = 400
"""Seconds for one loop."""


def make_project(task: str, data: Path | None, images: int, folder: Path) -> None:
    """A project with labels for the task, from the data sets or computed."""
    from XRayAILib.findings.chest import chest_schema
    from XRayAILib.phantom.collection import IMAGES, make_phantoms
    from XRayAILib.project.intake import take_in
    from XRayAILib.project.project import Project

    if data is not None:
        import quality_data

        quality_data.make_project(task, data, folder).close()
        return
    truth = {p.uid: p.findings for p in make_phantoms(folder.parent / "phantoms", images, seed=1, size=(640, 520))}
    with Project.create(folder, schema=chest_schema()) as project:
        take_in(project, [folder.parent / "phantoms" / IMAGES])
        for image in project.images():
            known = tuple(item for item in truth[image.uid] if item.label in project.schema)
            project.save(truth[image.uid].with_objects(known))


def config_of(chosen: argparse.Namespace) -> Any:
    from XRayAILib.learning.config import TrainingConfig

    changes: dict[str, Any] = {"labels": ["nodule"]} if chosen.task == "detection" and not chosen.data else {}
    if chosen.batch_size is not None:
        changes["batch_size"] = chosen.batch_size
    return TrainingConfig.from_preset(
        chosen.preset, chosen.task, minutes=0.0, epochs=chosen.epochs + 1, patience=0, device=chosen.device, **changes
    )


def own_memory() -> float:
    """MiB that only this process has."""
    import psutil

    return float(psutil.Process().memory_full_info().uss) / 2**20


def gpu_memory() -> float:
    """MiB of tensors at most."""
    import torch

    return torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else 0.0


def run_worker(chosen: argparse.Namespace) -> dict[str, Any]:
    """The worker itself, until the epochs are through."""
    from XRayAILib.learning import training, worker
    from XRayAILib.learning.cache import Cancelled

    epochs: list[dict[str, float]] = []
    first: list[float] = []
    batch: list[int] = []

    class Watched(training.Training):
        """Notes when epochs begin and when their last step is done; validation is between them."""

        def _epoch_begun(self, trainer: Any) -> None:
            super()._epoch_begun(trainer)
            self.watch = Stopwatch()

        def _step_done(self, trainer: Any, plan: Any) -> None:
            if not first:
                first.append(time.time() - float(os.environ["SPEED_BEGUN"]))
                batch.append(plan.batch_size)
            super()._step_done(trainer, plan)
            if trainer.state.iteration % plan.steps == 0:
                epochs.append(self.watch.read(plan.steps * plan.batch_size))

    worker.Training = Watched  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as job, suppress(Cancelled):
        worker.run_training(
            chosen.project, config_of(chosen), Path(job), lambda event: None, lambda: len(epochs) >= chosen.epochs
        )
    return {"epochs": epochs, "first_step": first[0], "gpu": gpu_memory(), "batch": batch[0]}


class Stopwatch:
    """Runs from its making."""

    def __init__(self) -> None:
        self._begun, self._used = time.perf_counter(), time.process_time()

    def read(self, images: int) -> dict[str, float]:
        """Of an epoch of so many images: seconds by the clock and of the CPU, and the memory now."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds, used = time.perf_counter() - self._begun, time.process_time() - self._used
        return {"seconds": seconds, "cpu": used, "images": images, "memory": own_memory()}


def prepared(chosen: argparse.Namespace) -> tuple[Any, ...]:
    """Task, configuration, device, cache and batches of the project, as the worker has them."""
    from XRayAILib.learning.batches import TrainingBatches
    from XRayAILib.learning.cache import build_cache
    from XRayAILib.learning.device import choose_device
    from XRayAILib.learning.examples import gather
    from XRayAILib.learning.fitting import learnt_before
    from XRayAILib.learning.legend import legend_of
    from XRayAILib.learning.splits import split
    from XRayAILib.learning.task import make_task
    from XRayAILib.project.project import Project

    config = config_of(chosen)
    device = choose_device(config.device, config.threads)
    with Project.open(chosen.project) as project:
        labels, examples = gather(project, config)
        examples = list(split(project, examples, config).examples)
        legend = legend_of(labels, project.schema)
        task = make_task(config, legend)
        cache = build_cache(project, examples, task, config.pixel_preset, lambda event: None)
    task = make_task(config, legend, learnt_before(task, cache, examples))
    batches = TrainingBatches(cache, cache.part(examples, "train"), task, config, device)
    batches.resize(chosen.batch or config.batch_size or 8)
    return task, config, device, cache, batches


def run_ceiling(chosen: argparse.Namespace) -> dict[str, Any]:
    """A bare loop over a few batches that lie ready where the network is."""
    task, config, device, _, batches = prepared(chosen)
    ready = []
    for _, batch in zip(range(KEPT_BATCHES), batches.stream(), strict=False):
        ready.append({name: value.to(device.kind) for name, value in batch.items() if name != "seed"})

    return {"epochs": bare_loop(chosen, task, config, device, cycle(ready), batches), "gpu": gpu_memory()}


def bare_loop(
    chosen: argparse.Namespace, task: Any, config: Any, device: Any, stream: Iterator[dict[str, Any]], batches: Any
) -> list[dict[str, float]]:
    """Forward, loss, backward, limit of the gradients, AdamW: what every training step has to do."""
    import torch

    from XRayAILib.learning.exactness import exactness
    from XRayAILib.learning.trial import placed

    if device.threads:
        torch.set_num_threads(device.threads)
    network = task.network().to(device.kind).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate)
    epochs = []
    with exactness(device):
        for _ in range(chosen.epochs):
            watch = Stopwatch()
            for _ in range(batches.per_epoch):
                batch = next(stream)
                image, more = placed(batch, device)
                optimizer.zero_grad(set_to_none=True)
                with device.precision(config.mixed_precision):
                    loss = task.loss(network(image, *more), batch["label"].to(device.kind, non_blocking=True))
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), config.gradient_limit)
                optimizer.step()
            epochs.append(watch.read(batches.per_epoch * batches.batch_size))
    return epochs


def run_monai(chosen: argparse.Namespace) -> dict[str, Any]:
    """As MONAI's 2D tutorials do it: everything decoded and resized in memory, changed image by image in a thread."""
    import numpy as np
    import torch
    from monai import transforms as mt
    from monai.data import CacheDataset, ThreadDataLoader
    from monai.utils import set_determinism

    task, config, device, cache, batches = prepared(chosen)
    set_determinism(0)
    folder = chosen.project / "monai"
    folder.mkdir(exist_ok=True)
    items = []
    for row in batches._rows:
        paths = {"image": folder / f"image{row}.npy", "label": folder / f"label{row}.npy"}
        np.save(paths["image"], np.asarray(cache.images[int(row)], np.float32))
        np.save(paths["label"], task.tensors(cache.targets[[int(row)]])[0].numpy())
        items.append({name: str(path) for name, path in paths.items()})
    maps = ["image", "label"] if chosen.task == "segmentation" else ["image"]
    size, much = config.size, config.augmentation
    angle, shift = float(np.radians(much.rotation)), much.shift * size
    loading = [mt.LoadImaged(["image", "label"]), mt.EnsureChannelFirstd(["image"], channel_dim="no_channel")]
    loading += [mt.EnsureChannelFirstd(["label"], channel_dim=0)] if "label" in maps else []
    near, grey = {"mode": ["bilinear"] * len(maps), "padding_mode": "zeros", "prob": 1.0}, ["image"]
    changing = [
        mt.RandAffined(maps, rotate_range=angle, scale_range=much.scale, translate_range=shift, **near),
        mt.Rand2DElasticd(maps, (size / 4, size / 4), (0, much.elastic * size), **near),
        mt.RandAdjustContrastd(grey, prob=1.0, gamma=(0.6, 1.6)),
        mt.RandScaleIntensityd(grey, factors=much.exposure, prob=1.0),
        mt.RandShiftIntensityd(grey, offsets=much.exposure, prob=1.0),
        mt.RandGaussianNoised(grey, prob=1.0, std=much.noise),
        mt.RandGaussianSmoothd(grey, prob=much.blur),
        mt.RandCoarseDropoutd(grey, holes=1, spatial_size=size // 10, prob=much.collimation),
    ]
    whole = mt.Compose([*loading, *changing, mt.ToTensord(["image", "label"], track_meta=False)])
    dataset = CacheDataset(items, whole, cache_rate=1.0, num_workers=2, progress=False)
    loader = ThreadDataLoader(dataset, batch_size=batches.batch_size, shuffle=True, num_workers=0, drop_last=True)

    def stream() -> Iterator[dict[str, Any]]:
        while True:
            for batch in loader:
                yield {name: torch.as_tensor(batch[name]) for name in ("image", "label")}

    return {"epochs": bare_loop(chosen, task, config, device, stream(), batches), "gpu": gpu_memory()}


def run_child(loop: str, arguments: list[str], environment: dict[str, str]) -> dict[str, Any] | None:
    """One loop in a process of its own; ``None`` where it failed, after its error."""
    command = [sys.executable, str(Path(__file__).resolve()), "--loop", loop, *arguments]
    environment = {**environment, "SPEED_BEGUN": str(time.time())}
    try:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=LONGEST)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{TITLES[loop]}: {error}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed(result: dict[str, Any]) -> float:
    """Images per second of the fastest epoch from the second on."""
    return max(epoch["images"] / epoch["seconds"] for epoch in result["epochs"][1:])


def work(result: dict[str, Any]) -> float:
    """CPU milliseconds for an image, of the cheapest epoch from the second on."""
    return min(1000 * epoch["cpu"] / epoch["images"] for epoch in result["epochs"][1:])


def show(chosen: argparse.Namespace, results: dict[str, list[dict[str, Any]]], device: str) -> None:
    """The table, then the targets."""
    print(f"\n{chosen.task}, {chosen.preset}, {device}; best of {chosen.rounds} rounds of {chosen.epochs} epochs")
    print(f"{'loop':38}{'images/s':>10}{'of ceiling':>12}{'CPU ms/image':>14}{'own MiB':>10}{'GPU MiB':>10}")
    best = {loop: max(found, key=speed) for loop, found in results.items() if found}
    for loop, result in best.items():
        part = f"{speed(result) / speed(best['ceiling']):.1%}" if "ceiling" in best else ""
        memory = min(found["epochs"][-1]["memory"] for found in results[loop])
        cpu = min(work(found) for found in results[loop])
        print(f"{TITLES[loop]:38}{speed(result):10.1f}{part:>12}{cpu:14.1f}{memory:10.0f}{result['gpu']:10.0f}")
    if "worker" not in best:
        return
    runs = results["worker"]
    epochs = best["worker"]["epochs"]
    ratio = min(run["epochs"][0]["seconds"] / run["epochs"][1]["seconds"] for run in runs)
    start = min(run["first_step"] for run in runs)
    growth = min(run["epochs"][-1]["memory"] - run["epochs"][1]["memory"] for run in runs)
    print(f"\nfirst epoch / second: {ratio:.2f} (target <= 2)")
    print(f"worker start to first step: {start:.1f} s (target <= 8), cache filled before")
    print(f"memory from epoch 2 to epoch {len(epochs)}: {growth:+.1f} MiB (target: flat)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="segmentation")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch-size", type=int, help="instead of the preset's")
    parser.add_argument("--loops", nargs="+", choices=LOOPS, default=LOOPS)
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--project", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.loop:
        run = {"worker": run_worker, "ceiling": run_ceiling, "monai": run_monai}[chosen.loop]
        print(json.dumps(run(chosen)))
        return
    from XRayAILib.learning.device import choose_device

    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        make_project(chosen.task, chosen.data, chosen.images, project)
        base = ["--project", str(project), "--task", chosen.task, "--preset", chosen.preset, "--device", chosen.device]
        base += ["--epochs", str(chosen.epochs), *(["--data", str(chosen.data)] if chosen.data else [])]
        base += ["--batch-size", str(chosen.batch_size)] if chosen.batch_size is not None else []
        # The cache is filled once, before anything is measured.
        run_child("ceiling", [*base, "--epochs", "1"], environment)
        loops = [loop for loop in chosen.loops if loop != "monai" or chosen.task in ("segmentation", "classification")]
        results: dict[str, list[dict[str, Any]]] = {loop: [] for loop in loops}
        for _ in range(chosen.rounds):
            for loop in loops:
                more = []
                if results.get("worker") and loop != "worker":
                    # The batch that the worker chose.
                    more = ["--batch", str(results["worker"][0]["batch"])]
                found = run_child(loop, [*base, *more], environment)
                if found is not None:
                    results[loop].append(found)
    show(chosen, results, choose_device(chosen.device).description)


if __name__ == "__main__":
    main()
