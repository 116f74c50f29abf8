"""The names that a running 3D Slicer has, as seen by introspection (``names.json``).

They were seen in a running 3D Slicer 5.13 (VTK 9.6.2) and are kept as data, filtered to the classes and modules that
this extension touches. PythonQt shows properties, methods, signals and enumeration values alike as plain names, and a
class of ``base`` "QWidget" or "QObject" has the names of that base too.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

#: PythonQt maps ``name`` to ``objectName`` on every QObject, and ``exec_`` and ``raise_`` to the keywords without "_".
ALIASES = frozenset({"name", "exec_", "raise_", "print_", "del_"})


@lru_cache(maxsize=1)
def seen() -> dict[str, Any]:
    """Everything in ``names.json``."""
    return json.loads((Path(__file__).parent / "names.json").read_text(encoding="utf-8"))


def of_module(module: str) -> frozenset[str]:
    """The names in a module: "qt", "Qt" (the namespace), "ctk", "slicer", "util", "app", "modules", ..."""
    return frozenset(seen()["modules_of"][module])


@cache
def of_class(name: str) -> frozenset[str] | None:
    """The names that an instance of a Qt, ctk, qMRML or qSlicer class has; None for a class that was not looked at."""
    for room in ("qt", "ctk", "slicer"):
        entry = seen()[room].get(name)
        if entry is not None:
            return _with_base(entry["names"], entry.get("base"))
    return None


def of_object(name: str) -> frozenset[str]:
    """The names of an object of the running application: "layoutManager", "sliceWidget", "dicomDatabase", ...

    The list was stored without the names that every QWidget has, so those belong to it.
    """
    return _with_base(seen()["objects"][name]["names"], "QWidget")


def _with_base(own: list[str], base: str | None) -> frozenset[str]:
    names = set(own) | ALIASES
    if base:
        names |= set(seen()["qt"][base]["names"])
    return frozenset(names)
