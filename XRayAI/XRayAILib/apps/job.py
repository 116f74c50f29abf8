"""The job process: ``python -m XRayAILib.apps.job FOLDER``, started by :class:`XRayAILib.workflow.job.Job`."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from XRayAILib.learning.cache import Cancelled
from XRayAILib.project.lock import lock
from XRayAILib.workflow.job import CANCEL, EVENTS, REQUEST

LOCK = "lock"
Emit = Callable[[dict[str, Any]], None]


class Orders:
    """Whether the job is to go on: the starter has not asked it to end, and is still there."""

    def __init__(self, folder: Path, parent: int) -> None:
        self._cancel = folder / CANCEL
        self._parent = parent
        self._asked = 0.0
        self._gone = False

    def __call__(self) -> bool:
        """True when the job has to end. Cheap enough for every iteration."""
        if self._cancel.exists():
            return True
        if time.monotonic() - self._asked > 2.0:
            import psutil

            self._asked = time.monotonic()
            self._gone = not psutil.pid_exists(self._parent)
        return self._gone


def main(arguments: list[str] | None = None) -> int:
    """Run the job whose request lies in the folder given; its exit status is 0 unless it failed."""
    (folder_name,) = arguments if arguments is not None else sys.argv[1:]
    folder = Path(folder_name)
    request = json.loads((folder / REQUEST).read_text("utf-8"))
    with (folder / EVENTS).open("a", encoding="utf-8") as events:

        def emit(event: dict[str, Any]) -> None:
            events.write(json.dumps(event, ensure_ascii=False) + "\n")
            events.flush()

        try:
            orders = Orders(folder, request["parent"])
            with _alone(folder, emit, orders):
                _run(request, folder, emit, orders)
        except Cancelled:
            emit({"event": "cancelled"})
        except MemoryError:
            traceback.print_exc()
            emit(
                {
                    "event": "error",
                    "message": "There is not enough memory for this. Close other programs or choose less.",
                }
            )
            return 1
        except Exception as error:  # noqa: BLE001 - the starter must hear of it, whatever it is; the log has it whole
            traceback.print_exc()
            emit({"event": "error", "message": _for_a_person(error)})
            return 1
    return 0


@contextmanager
def _alone(folder: Path, emit: Emit, cancelled: Callable[[], bool]) -> Iterator[None]:
    """Wait for an earlier start in this folder to end: one whose starter was killed works on for some seconds, and two
    would write the same checkpoint.
    """
    while True:
        with lock(folder / LOCK) as alone:
            if alone:
                yield
                return
        if cancelled():
            raise Cancelled
        emit(_progress("prepare", 0, 0, "Waiting for an earlier start of this job to end", None))
        time.sleep(0.5)


def _run(request: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]) -> None:
    kinds = {"scan": _scan, "train": _train, "predict": _predict, "export": _export}
    kind = kinds.get(request["kind"])
    if kind is None:
        raise ValueError(f"There is no job of the kind '{request['kind']}'; there are {', '.join(kinds)}.")
    result = kind(Path(request["project"]), request["options"], folder, emit, cancelled)
    emit({"event": "result", **result})


def _scan(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    from XRayAILib.project.intake import Progress, take_in
    from XRayAILib.project.project import Project

    begun = time.monotonic()
    shown = 0.0

    def progress(state: Progress) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.2 or state.done == state.total:
            shown = time.monotonic()
            left = (shown - begun) / state.done * (state.total - state.done)
            message = f"{state.found} radiographs"
            emit(_progress("scan", state.done, state.total, message, left))

    with Project.open(project_folder) as project:
        intake = take_in(project, [Path(f) for f in options["folders"]], progress=progress, cancelled=cancelled)
    if intake.cancelled:
        raise Cancelled
    return vars(intake)


def _train(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.worker import run_training

    emit(_progress("prepare", 0, 0, "Loading PyTorch", None))
    config = TrainingConfig.from_document(options["config"])
    return run_training(project_folder, config, folder, emit, cancelled)


def _predict(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    from XRayAILib.learning.model import Model
    from XRayAILib.project.project import Project
    from XRayAILib.reading.predictor import Predictor

    emit(_progress("prepare", 0, 0, "Loading the model", None))
    predictor = Predictor(Model.load(Path(options["model"])), options.get("device", "auto"))
    emit({"event": "device", "device": predictor.device.description})
    with Project.open(project_folder) as project:
        uids = options.get("uids")
        if uids is None:
            uids = [image.uid for image in project.images() if not image.excluded]
        report = predictor.predict_many(project, uids, emit, cancelled)
        project.audit("predict", f"{len(report.done)} images with {options['model']}")
    if report.cancelled:
        raise Cancelled
    return {"predicted": len(report.done), "failed": [list(failure) for failure in report.failed]}


def _export(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    from XRayAILib.exchange.coco_export import export_coco
    from XRayAILib.findings.author import Status
    from XRayAILib.findings.findings import Findings
    from XRayAILib.project.project import Project

    begun = time.monotonic()

    def progress(done: int, total: int, message: str) -> None:
        # Between two images is the place to stop: nothing counts as exported before the end.
        if cancelled():
            raise Cancelled
        left = (time.monotonic() - begun) / max(done, 1) * (total - done)
        emit(_progress("export", done, total, message, left))

    with Project.open(project_folder) as project:

        def approved(uid: str) -> Findings | None:
            findings = project.reference(uid)
            if findings is None:
                return None
            kept = findings.without(o.id for o in findings if o.status is not Status.APPROVED)
            return kept if kept.objects else None

        chosen = approved if options.get("only_approved") else project.reference
        export = export_coco(project, options.get("name", "coco"), findings=chosen, progress=progress)
    return {
        "folder": str(export.folder),
        "images": export.images,
        "objects": export.objects,
        "without_labels": export.without_labels,
        "warnings": list(export.warnings),
    }


def _progress(step: str, done: int, total: int, message: str, seconds_left: float | None) -> dict[str, Any]:
    progress: dict[str, Any] = {"event": "progress", "step": step, "done": done, "total": total, "message": message}
    if seconds_left is not None:
        progress["seconds_left"] = round(seconds_left, 1)
    return progress


def _for_a_person(error: Exception) -> str:
    import errno

    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The disk is full: {error.filename or 'a file'} could not be written. Free some space and do it again."
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'}: {error.strerror or error}."
    # Errors of the library are written for a person; anything else is at least named.
    ours = type(error).__module__.startswith("XRayAILib")
    return str(error) if ours else f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
