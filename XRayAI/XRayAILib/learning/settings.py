"""Settings from a document: a typed data class whose every wrong field is told in a sentence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from XRayAILib.learning.errors import TrainingError

T = TypeVar("T")


def read_yaml(text: str) -> Any:
    """What a YAML document says, with ``1e-3`` as the number that it is for everybody but YAML 1.1.

    Raises
    ------
    yaml.YAMLError
        It is no YAML, or names Python objects.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Its own class, so that nobody else's loader is changed."""

    number = re.compile(r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    # It is a SafeLoader: it makes no Python objects.
    return yaml.load(text, Loader)


def read_settings(kind: type[T], document: Mapping[str, object], where: str) -> T:
    """An instance of a frozen data class; :class:`TrainingError` says everything that is wrong.

    Fields are ``int``, ``float``, ``bool``, ``str``, ``tuple[str, ...]``, ``tuple[float, ...]`` or a mapping, with
    defaults. The class may have a method ``problems() -> list[str]`` for what types do not say.
    """
    problems = settings_problems(kind, document, where)
    if problems:
        raise TrainingError(" ".join(problems))
    return kind(**_values(document))


def settings_problems(kind: type, document: Mapping[str, object], where: str) -> list[str]:
    """A sentence for each field that is wrong."""
    known = {field.name: field for field in fields(kind)}
    problems = []
    for key in document:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"; did you mean '{close[0]}'?" if close else (f"; there are {', '.join(known)}." if known else ".")
            problems.append(f"'{where}.{key}' is no setting{hint}")
    for name, field in known.items():
        if name in document:
            problem = type_problem(str(field.type), document[name])
            if problem:
                problems.append(f"{where}.{name}: {problem}")
        elif field.default is MISSING and field.default_factory is MISSING:
            problems.append(f"{where}.{name} is missing.")
    if not problems:
        made = kind(**_values(document))
        problems += [f"{where}.{text}" for text in getattr(made, "problems", list)()]
    return problems


def type_problem(kind: str, value: object) -> str:
    """Why a value is not of a kind, as it is written in the data class; empty where it is."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind == "int" and not whole:
        return f"{value!r} is no whole number."
    if kind == "float" and not (whole or isinstance(value, float)):
        return f"{value!r} is no number."
    if kind == "bool" and not isinstance(value, bool):
        return f"{value!r} is neither true nor false."
    if kind == "str" and not isinstance(value, str):
        return f"{value!r} is no text."
    if kind.startswith("tuple"):
        if not isinstance(value, (tuple, list)):
            return f"{value!r} is no list; write [{value}]."
        inner = kind[len("tuple[") :].partition(",")[0]
        return next((f"{found}" for item in value if (found := type_problem(inner, item))), "")
    if kind.startswith(("Mapping", "dict")) and not isinstance(value, Mapping):
        return f"{value!r} is no mapping."
    return ""


def _values(document: Mapping[str, object]) -> dict[str, Any]:
    return {str(key): tuple(value) if isinstance(value, list) else value for key, value in document.items()}
