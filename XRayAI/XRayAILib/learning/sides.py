"""Sides: whether an image may be mirrored without teaching left as right."""

from __future__ import annotations

import re

from XRayAILib.learning.legend import Legend

SIDES = frozenset(
    ("left", "right", "l", "r", "links", "rechts", "gauche", "droite", "droit", "izquierdo", "derecho", "sinister")
)
"""Words of a label's name or title by which it has a side."""


def has_side(name: str, title: str = "") -> bool:
    """Whether a label's name or title says left or right."""
    words = re.findall(r"[a-z]+", f"{name} {title}".lower().replace("_", " "))
    return any(word in SIDES for word in words)


def cannot_mirror(legend: Legend) -> str:
    """Why images are not mirrored with these labels, in a sentence; empty where they may be.

    A label with a side needs the label that it becomes in the mirror among those that are learnt.
    """
    names = [
        label.title or label.name
        for position, label in enumerate(legend)
        if label.mirror == position and has_side(label.name, label.title)
    ]
    if not names:
        return ""
    return (
        f"Images are not mirrored in this training: {', '.join(names)} has a side, and no label that is learnt is its "
        "mirror. Give both sides of it a 'mirror' in the schema, and learn both, if mirrored images are wanted."
    )
