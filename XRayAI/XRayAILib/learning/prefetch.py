"""Prefetch: the next batches are made in a thread while the network learns from the present one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 2
"""Batches that lie ready; more would only take memory."""


class Prefetch(Generic[T]):
    """What an iterable gives, made ahead in one thread, in the same order.

    ::

        with Prefetch(batches.stream(first=120)) as ahead:
            for batch in ahead:
                ...

    Whatever the iterable raises is raised here, at the item where it happened. Leaving the block ends the thread.
    """

    def __init__(self, source: Iterable[T], ahead: int = AHEAD) -> None:
        self._source = source
        self._ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(ahead)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._make, name="batches", daemon=True)

    def __enter__(self) -> Prefetch[T]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread; the item that it is at is thrown away."""
        self._ended.set()
        while self._thread.is_alive():
            self._empty()
            self._thread.join(0.05)
        self._empty()

    def __iter__(self) -> Iterator[T]:
        while not self._ended.is_set():
            item, error = self._ready.get()
            if error is not None:
                self._ended.set()
                if isinstance(error, StopIteration):
                    return
                raise error
            assert item is not None
            yield item

    def _make(self) -> None:
        try:
            for item in self._source:
                if not self._put(item, None):
                    return
            self._put(None, StopIteration())
        except BaseException as error:  # noqa: BLE001 - it is raised where the batches are used
            self._put(None, error)

    def _put(self, item: T | None, error: BaseException | None) -> bool:
        while not self._ended.is_set():
            try:
                self._ready.put((item, error), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def _empty(self) -> None:
        while True:
            try:
                self._ready.get_nowait()
            except queue.Empty:
                return
