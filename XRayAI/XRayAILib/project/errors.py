"""What goes wrong with a project, in words for the person at the screen."""

from __future__ import annotations


class ProjectError(RuntimeError):
    """A project that cannot be opened, read or written: which, why, and what to do."""


class ConflictError(ProjectError):
    """Findings that were made from an older revision than the one that is saved now: both versions are kept."""
