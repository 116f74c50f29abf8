"""When to save by itself: soon after a change, not during every stroke, never later than two seconds."""

from __future__ import annotations

from dataclasses import dataclass

PAUSE = 0.5
"""Seconds without a change after which it is time."""
LONGEST = 1.5
"""Seconds after the first unsaved change, whatever goes on; the rest of two is for the timer and the saving itself."""
RETRY = 10.0
"""Seconds before another try where saving failed."""


@dataclass
class Autosave:
    """The clock of unsaved changes; times are seconds of any clock that only runs forward (``time.monotonic``)."""

    first: float | None = None
    last: float | None = None
    not_before: float = 0.0

    def changed(self, now: float) -> None:
        """Something was drawn."""
        if self.first is None:
            self.first = now
        self.last = now

    def is_due(self, now: float) -> bool:
        """Whether to save now."""
        if self.first is None or self.last is None or now < self.not_before:
            return False
        return now - self.last >= PAUSE or now - self.first >= LONGEST

    def saved(self) -> None:
        self.first = self.last = None
        self.not_before = 0.0

    def failed(self, now: float) -> None:
        """Saving did not work: what was drawn is still unsaved, and a full disk is not asked again every moment."""
        self.not_before = now + RETRY
