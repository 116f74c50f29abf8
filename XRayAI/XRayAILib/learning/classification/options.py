"""The settings of classification beyond those that all tasks have."""

from __future__ import annotations

from dataclasses import dataclass

from XRayAILib.learning.classification.question import NEGATIVE, UNKNOWN
from XRayAILib.learning.classification.table_input import ATTRIBUTES
from XRayAILib.learning.classification.threshold import RULES

BALANCES = ("effective", "none")


@dataclass(frozen=True)
class ClassificationOptions:
    """Settings of classification.

    Attributes
    ----------
    unknown
        Values that say that it cannot be said; they are not learnt, and not held against the model.
    negative
        Values that say that there is nothing; one of them is meant where ``missing`` is ``absent`` and nobody answered.
    balance
        ``effective``: rare answers count more in the loss, see :mod:`.imbalance`; ``none``: all alike.
    smoothing
        Part of the truth that is spread over all answers, for labels that are partly wrong.
    dropout
        Part of the features that is hidden from the last layer at each step.
    temperature
        Whether probabilities are calibrated on the validation part, see :mod:`.temperature`.
    threshold, wanted
        How the threshold of a class is chosen on the validation part, see :mod:`.threshold`: ``youden``, or
        ``sensitivity`` or ``specificity`` of at least ``wanted``, or ``half`` for 0.5.
    attributes
        What of the header goes in beside the image: age, sex, view, laterality, body_part, manufacturer, station,
        modality, intent.
    table, table_key, table_columns
        A CSV file of more to go in beside the image, such as lab values: its path, the column that says whose a row is
        (where it is not called ``patient_id``, ``filename`` or ``uid``), and the columns to use (all where empty).
    """

    unknown: tuple[str, ...] = UNKNOWN
    negative: tuple[str, ...] = NEGATIVE
    balance: str = "effective"
    smoothing: float = 0.0
    dropout: float = 0.2
    temperature: bool = True
    threshold: str = "youden"
    wanted: float = 0.9
    attributes: tuple[str, ...] = ()
    table: str = ""
    table_key: str = ""
    table_columns: tuple[str, ...] = ()

    def problems(self) -> list[str]:
        """A sentence for every field that makes no sense."""
        found = []
        for name, allowed in (("balance", BALANCES), ("threshold", RULES)):
            if getattr(self, name) not in allowed:
                found.append(f"{name}: '{getattr(self, name)}' is none of {', '.join(allowed)}.")
        for name, high in (("smoothing", 0.5), ("dropout", 0.9), ("wanted", 1.0)):
            if not 0 <= getattr(self, name) <= high:
                found.append(f"{name}: {getattr(self, name)} must lie in 0 to {high:g}.")
        for name in self.attributes:
            if name not in ATTRIBUTES:
                found.append(f"attributes: '{name}' is none of {', '.join(ATTRIBUTES)}.")
        for name in ("attributes", "table_columns"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                found.append(f"{name}: one is named twice.")
        if self.table_columns and not self.table:
            found.append("table_columns: there is no table; name its file in options.table.")
        return found
