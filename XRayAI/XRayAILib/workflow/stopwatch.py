"""How long a reader really works on an image: time in which nothing happens for long does not count."""

from __future__ import annotations

PAUSE = 60.0
"""Seconds without any sign of the reader that do not count any more: the telephone rang."""


class Stopwatch:
    """Adds up working time; times are seconds of any clock that only runs forward (``time.monotonic``)."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._counted = 0.0

    def sign(self, now: float) -> None:
        """The reader did something: moved the mouse, drew, typed."""
        if self._last is not None and 0 <= now - self._last <= PAUSE:
            self._counted += now - self._last
        self._last = now

    @property
    def counted(self) -> float:
        """Seconds since the last :meth:`take`."""
        return self._counted

    def take(self) -> float:
        """What was counted, to be stored; counting goes on from nought."""
        counted, self._counted = self._counted, 0.0
        return counted

    def give_back(self, seconds: float) -> None:
        """They could not be stored."""
        self._counted += seconds

    def stop(self) -> None:
        """Another image comes, or none: the time until the next sign belongs to nobody."""
        self._last = None
