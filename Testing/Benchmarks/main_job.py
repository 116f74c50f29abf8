"""The main job on the phantom, measured: time, memory of the whole process tree, Dice, and whether a seed decides all.

    python Testing/Benchmarks/main_job.py [--runs 2] [--seed 7]

Prints a table. The targets: at most 6 minutes on 2 cores, less than 4 GB, Dice 0.95 for lungs and 0.90 for the heart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from tree_memory import tree_memory

HOME = Path(__file__).resolve().parents[2]


def run(folder: Path, arguments: list[str]) -> dict[str, Any]:
    """One main job: seconds, peak memory in GB, the test table and the digest of the model."""
    command = [sys.executable, "-m", "XRayAILib.apps.cli", "demo", "--project", str(folder), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(HOME / "XRayAI")}
    begun, peak = time.monotonic(), 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as program:
        tree = psutil.Process(program.pid)
        while program.poll() is None:
            peak = max(peak, tree_memory(tree, shared_once=True))
            time.sleep(0.25)
        output = program.stdout.read() if program.stdout else ""
    seconds = time.monotonic() - begun
    if program.returncode:
        raise SystemExit(f"The main job failed:\n{output}")
    manifest = json.loads(next((folder / "models").glob("*/manifest.json")).read_text("utf-8"))
    dice = {label: metrics["dice"] for label, metrics in manifest["metrics"]["labels"].items()}
    steps = [line for line in output.splitlines() if line[:1].isdigit()]
    return {"seconds": seconds, "peak": peak / 2**30, "dice": dice, "digest": manifest["digest"], "steps": steps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    results = []
    for number in range(chosen.runs):
        with tempfile.TemporaryDirectory() as folder:
            results.append(run(Path(folder) / "project", ["--seed", str(chosen.seed)]))
        print(f"run {number + 1}:", *results[-1]["steps"], sep="\n  ", flush=True)
    labels = list(results[0]["dice"])
    print("\n" + "  ".join(["run", "seconds", "peak GB", *(f"{label:>10}" for label in labels), "model"]))
    for number, result in enumerate(results, 1):
        dice = [f"{result['dice'][label]['mean']:10.4f}" for label in labels]
        row = [f"{number:3}", f"{result['seconds']:7.0f}", f"{result['peak']:7.2f}", *dice, result["digest"][:12]]
        print("  ".join(row))
    if len(results) > 1:
        same = len({result["digest"] for result in results}) == 1
        print(f"\nThe same seed gave {'the same model, bit for bit' if same else 'DIFFERENT models'}.")


if __name__ == "__main__":
    main()
