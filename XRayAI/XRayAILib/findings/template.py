"""The label schemas that come with X-Ray AI, to begin with and to change."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from XRayAILib.findings.rule import meant
from XRayAILib.findings.schema import LabelSchema, SchemaError

FOLDER = Path(__file__).resolve().parent / "templates"


def template_names() -> list[str]:
    """Names for :func:`template`, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def template(name: str) -> LabelSchema:
    """The schema of this name; :class:`SchemaError` says which there are."""
    known = template_names()
    if name not in known:
        raise SchemaError(f"There is no template '{name}'{meant(name, tuple(known))}; there are {', '.join(known)}.")
    return LabelSchema.read(FOLDER / f"{name}.yaml")


def template_about(name: str) -> str:
    """What a template is for: the comment that its file begins with."""
    template(name)
    return (FOLDER / f"{name}.yaml").read_text("utf-8").partition("\n")[0].lstrip("# ")
