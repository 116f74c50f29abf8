"""Reading headers of files from outside in child processes.

A parser can be made to hang, to ask for all the memory or to crash. The child takes the blow: the file gets a row with
the reason, and the next one a fresh child. Plain ``subprocess`` and pipes, because ``multiprocessing`` hangs inside
Slicer (Slicer#7445).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from XRayAILib.dicom.child import end_child, forget_child, start_child

HEADER_CHILD = "XRayAILib.dicom.header_child"
FILE_SECONDS = 30.0
"""For one file; an ordinary header takes a thousandth of a second, a table of 250,000 members ten."""
BATCH = 64
"""Files a question; more of them waits longer for nothing where one hangs, fewer wakes processes more often."""
MOST_PROCESSES = 8
"""More of them read headers faster than one writer stores."""
READY = b"ready\n"
"""What the child says first. One that does not is broken itself, and no file is to blame."""


class ReaderError(RuntimeError):
    """Headers cannot be read at all on this machine."""


class HeaderReader:
    """A child process that reads headers; it starts with the first question and again after a crash.

    Parameters
    ----------
    time_limit
        Seconds for one file.
    module
        The child: it answers as :mod:`XRayAILib.dicom.header_child` does.
    """

    def __init__(
        self, interpreter: str = sys.executable, time_limit: float = FILE_SECONDS, module: str = HEADER_CHILD
    ) -> None:
        self._module = module
        self._interpreter = interpreter
        self._time_limit = time_limit
        self._child: subprocess.Popen[bytes] | None = None
        self._since = 0.0
        """When the child was last heard of; 0 while it has nothing to do."""
        self._expired = False
        self._closed = False

    def ask(self, task: str, items: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """The answer to each item, in their order.

        An item that ends the child, or that it does not answer in time, has the answer ``{"reason": ...}``.
        """
        if self._closed:
            return
        answered = 0
        try:
            for answer in self._answers(self._running(), task, items):
                answered += 1
                yield answer
        except (OSError, EOFError, ValueError):
            self._end()
        except GeneratorExit:
            self._end()  # the rest of its answers would be taken for those to the next question
            raise
        finally:
            self._since = 0.0
        left = items[answered:]
        if len(items) == 1 and left:
            yield {"reason": self._blame()}
        else:
            # Some answers may have been lost with the child: one by one it shows which file it was.
            for item in left:
                yield from self.ask(task, [item])

    def close(self) -> None:
        """End the child; one that is at work is not waited for, and what it was asked gets no answer."""
        self._closed = True
        self._end()

    def _answers(self, child: subprocess.Popen[bytes], task: str, items: Sequence[Any]) -> Iterator[dict[str, Any]]:
        assert child.stdin is not None and child.stdout is not None
        self._expired = False
        self._since = time.monotonic()
        child.stdin.write(json.dumps({"task": task, "items": items}).encode() + b"\n")
        child.stdin.flush()
        for _ in items:
            line = child.stdout.readline()
            if not line.endswith(b"\n"):
                raise EOFError("the reader ended early")
            answer = json.loads(line)
            self._since = 0.0  # whoever asks may take its time with the answer
            yield answer
            self._since = time.monotonic()

    def _running(self) -> subprocess.Popen[bytes]:
        child = self._child
        if child is None or child.poll() is not None:
            self._end()
            child = self._child = start_child(self._module, self._interpreter)
            assert child.stdout is not None
            started = child.stdout.readline() == READY
            if self._closed:  # from another thread, meanwhile
                self._end()
                raise EOFError("closed while it started")
            if not started:
                self._end()
                raise ReaderError(
                    "The process that reads files does not start. Run it by hand, and it says why: "
                    f"{self._interpreter} -m {self._module}"
                )
            threading.Thread(target=self._watch, args=(child,), daemon=True).start()
        return child

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        """End a child that has not been heard of for too long."""
        while child.poll() is None:
            since = self._since
            if since and time.monotonic() - since > self._time_limit:
                self._expired = True
                end_child(child)
                return
            time.sleep(min(0.5, self._time_limit / 4))

    def _blame(self) -> str:
        if self._expired:
            return f"reading it took longer than {self._time_limit:.0f} s and was stopped"
        return "reading it ended the process that read it: the file is damaged, or made to do harm"

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            forget_child(child)


def ask_several(
    task: str,
    items: Sequence[Any],
    processes: int = 0,
    batch: int = BATCH,
    time_limit: float = FILE_SECONDS,
    interpreter: str = sys.executable,
    module: str = HEADER_CHILD,
) -> Generator[dict[str, Any], None, None]:
    """The answer to each item in their order, from several processes; closing the generator ends them.

    Parameters
    ----------
    processes
        How many; 0 for as many as there are cores.
    batch
        Items a question.
    """
    readers: list[HeaderReader] = []
    own = threading.local()

    def enter() -> None:
        own.reader = HeaderReader(interpreter, time_limit, module)
        readers.append(own.reader)

    def ask(start: int) -> list[dict[str, Any]]:
        return list(own.reader.ask(task, items[start : start + batch]))

    count = processes or min(usable_cores(), MOST_PROCESSES)
    pool = ThreadPoolExecutor(count, "headers", enter)
    try:
        waiting: deque[Future[list[dict[str, Any]]]] = deque()
        for start in range(0, len(items), batch):
            waiting.append(pool.submit(ask, start))
            if len(waiting) > 3 * count:  # enough to keep all at work, and little in memory
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for reader in readers:
            reader.close()
        pool.shutdown(wait=True, cancel_futures=True)


def usable_cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
