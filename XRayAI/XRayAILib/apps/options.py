"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def project_folder(text: str) -> Path:
    """An empty name, from a variable that is not set in a script, must not make the current folder a project."""
    if not text.strip():
        raise typer.BadParameter("the name is empty; the current folder is '.'")
    return Path(text)


ProjectOption = Annotated[
    Path, typer.Option("--project", "-p", parser=project_folder, metavar="<path>", help="Folder of the project.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document for other programs.")]
WhoOption = Annotated[str, typer.Option("--as", metavar="NAME", help="Who does it; your user name without it.")]
