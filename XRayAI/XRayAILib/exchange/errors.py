"""What goes wrong when findings are exchanged, in words for the person at the screen."""

from __future__ import annotations


class ExportError(RuntimeError):
    """An export that was not released, with the object or file that is the reason."""


class LabelFileError(ValueError):
    """A file or folder of labels that cannot be imported at all, with the way out."""


class AnnotationError(ValueError):
    """An annotation that cannot be taken, and why."""
