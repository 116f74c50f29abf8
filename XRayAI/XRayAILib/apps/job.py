"""The job process: ``python -m XRayAILib.apps.job FOLDER``, started by :class:`XRayAILib.workflow.job.Job`."""

from __future__ import annotations

import importlib
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event
from XRayAILib.learning.cache import Cancelled
from XRayAILib.project.lock import lock
from XRayAILib.workflow.job import CANCEL, EVENTS, REQUEST

LOCK = "lock"
KINDS = (
    "scan",
    "train",
    "pretrain",
    "search",
    "predict",
    "evaluate",
    "export",
    "query",
    "retrieve",
    "duplicates",
    "thumbnails",
    "check",
    "enhance",
    "histogram",
    "deidentify",
    "find_text",
    "agreement",
    "import_labels",
    "snapshot",
    "next_cases",
)
"""Each has a module in :mod:`XRayAILib.apps.jobs` with a function ``run``."""


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
            with job_alone(folder, emit, orders):
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
            emit({"event": "error", "message": words_for(error)})
            return 1
    return 0


@contextmanager
def job_alone(folder: Path, emit: Emit, cancelled: Callable[[], bool]) -> Iterator[None]:
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
        emit(progress_event("prepare", 0, 0, "Waiting for an earlier start of this job to end", None))
        time.sleep(0.5)


def _run(request: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]) -> None:
    kind = request["kind"]
    if kind not in KINDS:
        raise ValueError(f"There is no job of the kind '{kind}'; there are {', '.join(KINDS)}.")
    # By name from a fixed list: a job loads what its kind needs and nothing else.
    module = importlib.import_module(f"XRayAILib.apps.jobs.{kind}")
    result = module.run(Path(request["project"]), request["options"], folder, emit, cancelled)
    emit({"event": "result", **result})


def words_for(error: Exception) -> str:
    """What to tell the person of an error."""
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
