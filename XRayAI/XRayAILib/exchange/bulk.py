"""Work that makes millions of objects, hardly any of them in a cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (1_000_000, 20, 50)
"""New objects until Python looks for cycles among them, and how often it then looks at older ones too."""


@contextmanager
def rare_collection() -> Iterator[None]:
    """Let Python look for cycles less often meanwhile: as usual it takes a third of the time of a large import."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
