"""What goes wrong with a file from outside, in words for the person at the screen."""

from __future__ import annotations


class UnreadableError(ValueError):
    """A file that is not, or not wholly, a radiograph that can be read.

    Attributes
    ----------
    path
        The file.
    reason
        What is wrong with it and, where there is one, the way out.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
