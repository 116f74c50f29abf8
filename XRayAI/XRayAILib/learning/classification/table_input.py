"""What is known beside the image (age, sex, view, lab values), as numbers, and how a network takes them in.

An image has one number per column: a quantity as it is, a word as its code, NaN where nothing is known. The training
part teaches what is usual: mean and deviation of a quantity, the words of a category. The network's first layer turns a
quantity into standard deviations from the mean and a category into one input per word, both 0 where nothing is known,
with one more input that says whether something is. All of that goes with the model, in its manifest and its weights.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.header import Header

if TYPE_CHECKING:
    import torch

ATTRIBUTES = ("age", "sex", "view", "laterality", "body_part", "manufacturer", "station", "modality", "intent")
"""What a header says that may go in beside the image."""
_FIELDS = {"sex": "patient_sex"}
NOTHING = ("", "na", "n/a", "nan", "none", "null", "unknown", "-")
"""Cells that say nothing."""
MOST_WORDS = 16
LEAST_SEEN = 2
"""A word that the training part has once teaches the network that one image."""
LARGEST = 5.0
"""Standard deviations; what lies farther out is a slip of the pen more often than not."""
_AGE = re.compile(r"(\d{1,3}(?:\.\d+)?)([YMWD]?)")
_YEARS = {"": 1.0, "Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def attribute(header: Header, name: str) -> float:
    """One of :data:`ATTRIBUTES` as a number: age in years, a word as its code; NaN where the header has none."""
    if name == "age":
        return age_in_years(header)
    return code_of(str(getattr(header, _FIELDS.get(name, name))))


def age_in_years(header: Header) -> float:
    """From the age as DICOM (``034Y``) or a table (``34``) writes it, else from the dates; NaN without either."""
    match = _AGE.fullmatch(header.patient_age.strip().upper())
    if match:
        return float(match[1]) * _YEARS[match[2]]
    try:
        born, studied = (date.fromisoformat(text) for text in (header.patient_birth_date, header.study_date))
    except ValueError:
        return math.nan
    return (studied - born).days / 365.25 if studied >= born else math.nan


def code_of(word: str) -> float:
    """A number for a word, the same everywhere, exact in float32; NaN for one that says nothing."""
    plain = word.strip().lower()
    return math.nan if plain in NOTHING else float(zlib.crc32(plain.encode()) & 0xFFFFFF)


def learnt_columns(names: Sequence[str], quantities: Sequence[bool], numbers: np.ndarray) -> list[dict[str, Any]]:
    """What is usual in the training part, a plain mapping per column.

    Parameters
    ----------
    quantities
        Which columns are quantities; the others are categories.
    numbers
        (N, columns) of the training part, NaN where nothing is known.

    Returns
    -------
    ``name``, and ``mean`` and ``deviation`` of a quantity or ``codes`` of a category's words, the most frequent first.
    """
    found: list[dict[str, Any]] = []
    for name, quantity, column in zip(names, quantities, numbers.T, strict=True):
        known = column[np.isfinite(column)].astype(float)
        if quantity:
            spread = float(known.std()) if len(known) else 0.0
            mean = float(known.mean()) if len(known) else 0.0
            found.append({"name": name, "mean": round(mean, 6), "deviation": round(spread, 6) or 1.0})
        else:
            seen = sorted(Counter(known.tolist()).items(), key=lambda item: (-item[1], item[0]))
            codes = [int(code) for code, times in seen if times >= LEAST_SEEN][:MOST_WORDS]
            found.append({"name": name, "codes": codes})
    return found


def embedding(columns: Sequence[Mapping[str, Any]], size: int) -> torch.nn.Module:
    """A module from numbers (B, columns), NaN where nothing is known, to features (B, size).

    Parameters
    ----------
    columns
        As :func:`learnt_columns` gave them.
    """
    import torch

    class TableInput(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inputs = sum(1 + len(column.get("codes", ("one",))) for column in columns)
            self.layers = torch.nn.Sequential(torch.nn.Linear(inputs, size), torch.nn.ReLU())

        def forward(self, numbers: torch.Tensor) -> torch.Tensor:
            parts = []
            for number, column in zip(numbers.float().unbind(dim=1), columns, strict=True):
                missing = torch.isnan(number)
                if "codes" in column:
                    words = [(number == code).to(numbers.dtype) for code in column["codes"]]
                    parts += [*words, missing.to(numbers.dtype)]
                else:
                    value = ((number - column["mean"]) / column["deviation"]).clamp(-LARGEST, LARGEST)
                    parts += [torch.where(missing, torch.zeros_like(value), value), missing.to(numbers.dtype)]
            features: torch.Tensor = self.layers(torch.stack(parts, dim=1))
            return features

    return TableInput()
