"""One of several processes of a training, for ``train_in_two.py PROJECT CONFIG JOB STEP``: stopped after this step, and
gone on with."""

import sys
from pathlib import Path

from XRayAILib.learning import plan, training
from XRayAILib.learning.cache import Cancelled
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.worker import run_training

if __name__ == "__main__":
    project, file, job = (Path(name) for name in sys.argv[1:4])
    config, step = TrainingConfig.read(file), int(sys.argv[4])
    training.EVENT_SECONDS = 0.0
    # Validated once, so that it is the last epoch whose weights are kept.
    plan.VALIDATIONS = 1
    seen: list[int] = []

    def watch(event: dict) -> None:
        if event["event"] == "metric" and event["name"] == "loss/step":
            seen.append(event["step"])

    try:
        run_training(project, config, job, watch, lambda: bool(seen) and seen[-1] >= step)
    except Cancelled:
        run_training(project, config, job, watch)
    else:
        sys.exit("Nobody stopped it.")
