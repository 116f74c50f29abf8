"""How good a model is on images that nothing was chosen by, at the radiographs' own resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.author import Author
from XRayAILib.learning.cache import Cancelled, Emit
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example
from XRayAILib.learning.inference import Inference
from XRayAILib.project.project import Project


def evaluate(
    inference: Inference,
    project: Project,
    examples: Sequence[Example],
    author: Author,
    emit: Emit,
    cancelled: Callable[[], bool] = lambda: False,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure a model on examples.

    Returns
    -------
    dict
        ``labels`` and ``overall``: figures, see :data:`XRayAILib.learning.task.Figures`; ``images``: what is known of
        every image (``uid``, ``patient``, ``case``), the worst first; ``unreadable``: (uid, reason).
    """
    task = inference.task
    images: list[dict[str, Any]] = []
    unreadable: list[tuple[str, str]] = []
    for done, example in enumerate(examples):
        if cancelled():
            raise Cancelled
        message = f"Testing on image {done + 1} of {len(examples)}"
        emit({"event": "progress", "step": "test", "done": done + 1, "total": len(examples), "message": message})
        reference = project.reference(example.uid)
        try:
            radiograph = project.radiograph(example.uid)
        except UnreadableError as error:
            unreadable.append((example.uid, str(error)))
            continue
        if reference is not None:
            case = task.case(inference.findings(radiograph, author), reference, radiograph.spacing)
            images.append({"uid": example.uid, "patient": example.patient, "case": case})
    if not images:
        raise TrainingError("No image of the test part can be read, so the model cannot be measured.")
    images.sort(key=lambda image: -task.badness(image["case"]))
    figures = task.figures([image["case"] for image in images], [str(image["patient"]) for image in images], seed)
    return {**figures, "images": images, "unreadable": unreadable}
