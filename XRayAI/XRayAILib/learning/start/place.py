"""What a training's ``start`` may say."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.learning.start.grey import SCALES

FORMS = (
    "'model:NAME' for a model of the project, the path of a folder with a model or a MONAI bundle, "
    "'file:/path/to/weights.safetensors', or 'download:NAME'"
)


def problem_of_start(start: str) -> str:
    """Why a ``start`` cannot be meant, as a sentence; empty where it can. Looks at the text only."""
    kind, _, rest = start.partition(":")
    scale = scale_of(start)[1]
    if scale not in ("", *SCALES):
        return f"there is no scale '{scale}'; there are {', '.join(SCALES)}."
    if kind in ("model", "file", "download"):
        return "" if rest else f"'{start}' names nothing; give {FORMS}."
    if not start or Path(start).is_absolute() or "/" in start or "\\" in start:
        return ""
    return f"'{start}' is no place where weights come from; give {FORMS}."


def scale_of(text: str) -> tuple[str, str]:
    """``path?scale=imagenet`` as path and scale, see :data:`.grey.SCALES`."""
    path, found, scale = text.rpartition("?scale=")
    return (path, scale) if found else (text, "")
