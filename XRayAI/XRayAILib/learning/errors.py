"""What keeps a training from starting or going on."""

from __future__ import annotations


class TrainingError(ValueError):
    """A reason why a model cannot be trained, loaded or used, in words for the person at the screen."""


class ModelError(TrainingError):
    """A model that is not used, and why."""
