"""The child process that looks for what is in the way of a training: a JSON object comes in, one goes out."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Read ``project`` and ``config``; write the problems, and the images and patients of each part."""
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.readiness import check_training
    from XRayAILib.project.project import Project

    asked = json.load(sys.stdin)
    with Project.open(Path(asked["project"])) as project:
        # What needs PyTorch is looked at when the job starts; here an answer in a second or two is worth more.
        found = check_training(project, TrainingConfig.from_document(asked["config"]), deep=False).document()
    problems = [{"text": problem["text"], "error": problem["error"]} for problem in found["problems"]]
    print(json.dumps({"problems": problems, "images": found.get("images"), "patients": found.get("patients")}))


if __name__ == "__main__":
    main()
