"""Metric and Meter: what a model is judged by, and what gathers it while a validation runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Metric:
    """A figure by name.

    Attributes
    ----------
    name
        Key in results: ``dice``.
    title
        What a person reads: ``Dice``.
    better
        ``higher`` or ``lower``.
    unit
        Where it has the same one everywhere.
    """

    name: str
    title: str
    better: str = "higher"
    digits: int = 3
    unit: str = ""

    def improves(self, value: float, on: float | None) -> bool:
        """Whether a value is better than another one; anything is better than ``None``, nothing that is no number."""
        if value != value:
            return False
        if on is None or on != on:
            return True
        return value > on if self.better == "higher" else value < on

    def text(self, value: float) -> str:
        """The value as a person reads it."""
        return f"{value:.{self.digits}f}" + (f" {self.unit}" if self.unit else "")


class Meter(Protocol):
    """Gathers the outputs of a validation."""

    def add(self, output: Any, target: Any) -> None:
        """Take in a batch: what the network gave, and what is true, as the loss takes them."""

    def scores(self) -> dict[str, float]:
        """The score of each class that occurs; a class that occurs nowhere has none."""
