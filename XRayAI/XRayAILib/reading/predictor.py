"""A model at work: from radiographs to findings that a person can judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.findings import Findings
from XRayAILib.learning.cache import Emit
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.inference import Inference
from XRayAILib.learning.model import Model
from XRayAILib.project.project import Project

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph


@dataclass(frozen=True)
class ReadingReport:
    """What became of a batch.

    Attributes
    ----------
    done
        uids that have the model's findings now.
    failed
        (uid, reason) of the others.
    cancelled
        Somebody asked to stop; what was done is saved.
    """

    done: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    cancelled: bool


class Predictor:
    """Reads radiographs with one model.

    ::

        predictor = Predictor(Model.load(folder))
        findings = predictor.predict(project.radiograph(uid))

    The findings are drafts signed by the model, at the radiograph's own resolution, each with the mean probability
    inside it as score.
    """

    def __init__(self, model: Model, device: str = "auto", threads: int = 0) -> None:
        self.model = model
        self.device = choose_device(device, threads)
        self._inference = Inference(model.task, model.network(), model.preset, self.device)

    def predict(self, radiograph: Radiograph) -> Findings:
        """What the model finds in one radiograph."""
        return self._inference.task.shown(self._inference.findings(radiograph, self.model.author))

    def predict_many(
        self,
        project: Project,
        uids: Iterable[str],
        emit: Emit,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ReadingReport:
        """Read images of a project and save what is found, each as soon as it is read.

        An image that cannot be read is reported and passed over.

        Raises
        ------
        ModelError
            The model finds a label that the project's schema lacks; nothing is read then.
        """
        self.model.check_schema(project.schema)
        wanted = list(uids)
        done: list[str] = []
        failed: list[tuple[str, str]] = []
        stopped = False
        for number, uid in enumerate(wanted):
            stopped = cancelled()
            if stopped:
                break
            message = f"Reading image {number + 1} of {len(wanted)}"
            emit({"event": "progress", "step": "predict", "done": number, "total": len(wanted), "message": message})
            try:
                project.save(self.predict(project.radiograph(uid)))
                done.append(uid)
            except UnreadableError as error:
                failed.append((uid, str(error)))
                emit({"event": "note", "uid": uid, "message": str(error)})
        total = len(wanted)
        message = f"{len(done)} of {total} images read"
        emit({"event": "progress", "step": "predict", "done": len(done), "total": total, "message": message})
        return ReadingReport(tuple(done), tuple(failed), stopped)
