"""How good the models of the preset `quick` are on real radiographs, and peers in the same wall-clock beside them.

    python Testing/Benchmarks/quality.py --data FOLDER [--task segmentation] [--minutes 25] [--splits 3] [--peers]

FOLDER holds `chest-segmentation`, `chest-boxes`, `cephalometric-landmarks` and `chest-classification`. Images are
split by patient with the seeds 0, 1, ...; every figure is of the test part, which nothing was chosen by, with its 95 %
interval by bootstrap over patients, and the mean over the splits below. CPU time is told beside the wall-clock, because
a machine that does other things meanwhile makes the latter longer.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOME / "XRayAI"), str(HOME / "Testing" / "Benchmarks")]

TARGETS = {
    "segmentation": "lungs Dice >= 0.955 and cardiomediastinum >= 0.91, mean over three splits",
    "detection": "AP50 >= 0.95",
    "landmarks": "MRE <= 10 px",
    "classification": "none: 400 small images, without pretrained weights",
}
SPLITS = {"segmentation": 3, "detection": 1, "landmarks": 1, "classification": 1}


@dataclass(frozen=True)
class Run:
    """One training and its figures.

    Attributes
    ----------
    figures
        As :data:`XRayAILib.learning.task.Figures`, and ``groups`` by name for parts of the test part.
    wall, cpu
        Seconds from the project to the figures.
    """

    who: str
    split: int
    figures: Mapping[str, Any]
    images: int
    patients: int
    wall: float
    cpu: float
    note: str = ""


def ours(task: str, project_folder: Path, split: int, minutes: float, changes: Mapping[str, Any]) -> Run:
    """Train with the preset `quick` and measure on the test part."""
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.worker import run_training

    limit = {"minutes": minutes} if minutes else {}
    config = TrainingConfig.from_preset(
        "quick", task, seed=split, name=f"{task}-{split}", device="cpu", **{**limit, **changes}
    )
    started, used = time.monotonic(), time.process_time()
    job = Path(tempfile.mkdtemp(prefix="quality-"))
    said = []

    def emit(event: Mapping[str, Any]) -> None:
        if event["event"] in ("plan", "note"):
            said.append(str(event.get("message", "")))
            print(f"    {said[-1]}", file=sys.stderr, flush=True)
        elif event["event"] == "metric" and event["name"].count("/") == 1 and event["name"].endswith("/validation"):
            print(f"    epoch {event['step']} {event['name']} {event['value']}", file=sys.stderr, flush=True)

    result = run_training(project_folder, config, job, emit)
    shutil.rmtree(job, ignore_errors=True)
    figures = dict(result["metrics"])
    if task == "classification":
        figures["groups"] = _by_view(project_folder, result)
    note = f"{result['epochs']} epochs, best {result['best_epoch']}, {result['stopped']}"
    wall, cpu = time.monotonic() - started, time.process_time() - used
    return Run("X-Ray AI, quick", split, figures, result["test_images"], result["test_patients"], wall, cpu, note)


def _by_view(project_folder: Path, result: Mapping[str, Any]) -> dict[str, Any]:
    """AUROC within each view: what is left where the view tells nothing."""
    from XRayAILib.learning.model import Model
    from XRayAILib.project.project import Project

    task = Model.load(Path(result["model"])).task
    with Project.open(project_folder) as project:
        headers = {image.uid: image.header for image in project.images()}
    groups = {}
    for view in sorted({headers[case["uid"]].view for case in result["test_cases"]}):
        cases = [case for case in result["test_cases"] if headers[case["uid"]].view == view]
        plain = [{key: value for key, value in case.items() if key != "uid"} for case in cases]
        groups[view] = task.figures(plain, [headers[case["uid"]].patient_key for case in cases])
    return groups


def rows_of(run: Run, task: str) -> list[tuple[str, ...]]:
    """Who, split, class, then each metric with its interval."""
    from XRayAILib.learning.task import task_class

    metrics = task_class(task).metrics
    parts = [("all", run.figures["overall"]), *run.figures["labels"].items()]
    for group, figures in run.figures.get("groups", {}).items():
        parts += [(f"within {group}", figures["overall"])]
    rows = []
    for label, values in parts:
        cells = []
        for metric in metrics:
            figure = values.get(metric.name)
            if not figure or figure["value"] is None:
                cells.append("")
            elif figure["low"] is None:
                cells.append(f"{figure['value']:.{metric.digits}f}")
            else:
                low, high = (f"{figure[key]:.{metric.digits}f}" for key in ("low", "high"))
                cells.append(f"{figure['value']:.{metric.digits}f} ({low} to {high})")
        rows.append((run.who, str(run.split), label, *cells))
    return rows


def show(task: str, runs: Sequence[Run]) -> None:
    """Print the table of a task, and the means over the splits."""
    from XRayAILib.learning.task import task_class

    metrics = task_class(task).metrics
    print(f"\n{task}: target {TARGETS[task]}")
    heads = ("who", "split", "", *(f"{metric.title}" for metric in metrics))
    rows = [row for run in runs for row in rows_of(run, task)]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    for row in [heads, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for who in dict.fromkeys(run.who for run in runs):
        mine = [run for run in runs if run.who == who]
        for label in dict.fromkeys(label for run in mine for label in run.figures["labels"]):
            values = [run.figures["labels"][label][metrics[0].name]["value"] for run in mine]
            known = [value for value in values if value is not None]
            if known:
                mean = sum(known) / len(known)
                print(f"{who}: {label}: mean {metrics[0].title} of {len(known)} splits {mean:.{metrics[0].digits}f}")
        for run in mine:
            what = f"{run.images} test images of {run.patients} patients"
            took = f"{run.wall / 60:.1f} min, CPU {run.cpu / 60:.1f} min"
            print(f"{who}: split {run.split}: {what}, {took}; {run.note}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--task", choices=sorted(TARGETS), action="append")
    parser.add_argument("--minutes", type=float, default=0.0, help="for every training; the preset's without it")
    parser.add_argument(
        "--splits", type=int, default=0, help="how many; 3 for segmentation, 1 for the others without it"
    )
    parser.add_argument("--first", type=int, default=0, help="the seed of the first split")
    parser.add_argument("--peers", action="store_true", help="train the peers too, in the same wall-clock")
    parser.add_argument("--only-peers", action="store_true", help="train nothing but the peers")
    parser.add_argument("--peer", action="append", default=[], help="a part of the name of a peer; all without it")
    parser.add_argument(
        "--nnunet", default="", help="Python of the environment with nnU-Net: see quality_peer_nnunet.py"
    )
    parser.add_argument("--set", default="{}", help="other settings of ours, as JSON")
    parser.add_argument("--keep", type=Path, help="folder for the figures as JSON lines")
    arguments = parser.parse_args()
    from quality_data import make_project

    from XRayAILib.learning.splits import reset

    for task in arguments.task or sorted(TARGETS):
        runs: list[Run] = []
        with tempfile.TemporaryDirectory(prefix="quality-") as folder:
            project = make_project(task, arguments.data, Path(folder) / "project")
            for split in range(arguments.first, arguments.first + (arguments.splits or SPLITS[task])):
                reset(project)
                print(f"{task}, split {split}", file=sys.stderr, flush=True)
                minutes = arguments.minutes
                if not arguments.only_peers:
                    runs.append(ours(task, project.folder, split, minutes, json.loads(arguments.set)))
                    minutes = minutes or runs[-1].wall / 60
                if arguments.peers or arguments.only_peers:
                    from quality_peers import peers

                    chosen = arguments.nnunet, arguments.peer
                    runs += [Run(**found) for found in peers(task, project, split, minutes, *chosen)]
            project.close()
        show(task, runs)
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            with (arguments.keep / f"{task}.jsonl").open("a", encoding="utf-8") as stream:
                stream.writelines(json.dumps(vars(run)) + "\n" for run in runs)


if __name__ == "__main__":
    main()
