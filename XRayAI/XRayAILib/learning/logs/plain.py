"""Settings of a configuration by dotted names."""

from __future__ import annotations

import json
from collections.abc import Mapping


def plain_settings(document: Mapping[str, object]) -> dict[str, str]:
    """Every setting of a configuration's document as text, ``augmentation.flip`` for one inside another."""
    found: dict[str, str] = {}

    def add(name: str, value: object) -> None:
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                add(f"{name}.{key}", inner)
        else:
            found[name] = value if isinstance(value, str) else json.dumps(value)

    for key, value in document.items():
        add(str(key), value)
    return found
