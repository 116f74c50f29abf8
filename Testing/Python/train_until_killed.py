"""A training that writes its checkpoint at every step, for ``train_until_killed.py PROJECT JOB EPOCHS``."""

import sys
from pathlib import Path

from learning_cases import tiny
from XRayAILib.learning import training
from XRayAILib.learning.worker import run_training

if __name__ == "__main__":
    training.CHECKPOINT_SECONDS = 0.0
    run_training(Path(sys.argv[1]), tiny(epochs=int(sys.argv[3])), Path(sys.argv[2]), lambda event: None)
