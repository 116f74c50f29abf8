"""Which packages the logs need, and how they are installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

NEEDED: dict[str, tuple[str, ...]] = {"tensorboard": ("tensorboard",), "mlflow": ("mlflow", "sqlalchemy", "alembic")}
"""Kind of log -> modules that have to be there."""


def missing_text(logs: Iterable[str]) -> str:
    """Why these logs cannot be written here and what to do, in a sentence; empty where they can."""
    lacking = {kind: [name for name in NEEDED[kind] if find_spec(name) is None] for kind in logs if kind in NEEDED}
    wanted = [kind for kind, modules in lacking.items() if modules]
    if not wanted:
        return ""
    modules = ", ".join(sorted({name for names in lacking.values() for name in names}))
    return (
        f"logs: {' and '.join(wanted)} cannot be written because {modules} is not installed. Install what belongs to "
        "it with  ./xray install logs  (or: pip install 'xrayai[logs]'), or train without it."
    )
