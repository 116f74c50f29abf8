"""What a child process of this library needs, whoever starts it."""

from __future__ import annotations

import os
from pathlib import Path


def library_environment() -> dict[str, str]:
    """The environment of this process, in which another Python finds this library, installed or not."""
    library = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(path for path in (library, os.environ.get("PYTHONPATH", "")) if path)
    return {**os.environ, "PYTHONPATH": paths}
