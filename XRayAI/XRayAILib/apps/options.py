"""Options that several commands have."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer


def project_folder(text: str) -> Path:
    """An empty name, from a variable that is not set in a script, must not make the current folder a project."""
    if not text.strip():
        raise typer.BadParameter("the name is empty; the current folder is '.'")
    return Path(text)


def given(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
    """Refuse an empty value that was given: from a variable that is not set in a script, it must not mean "all"."""
    texts = [text for text in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(text, str)]
    source = context.get_parameter_source(parameter.name or "")
    if source is not None and source.name == "COMMANDLINE" and any(not text.strip() for text in texts):
        raise typer.BadParameter("it is empty; is a variable not set? Leave it out altogether where none is meant.")
    return value


Text = partial(typer.Option, callback=given)
"""An option that has a value wherever it is given."""
Word = partial(typer.Argument, callback=given)
"""An argument that has a value wherever it is given."""

ProjectOption = Annotated[
    Path, typer.Option("--project", "-p", parser=project_folder, metavar="<path>", help="Folder of the project.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document for other programs.")]
WhoOption = Annotated[str, Text("--as", metavar="NAME", help="Who does it; your user name without it.")]

StartOption = Annotated[
    str, Text(help="Where the weights come from: model:NAME, a folder, file:PATH or download:NAME.")
]
ConsentOption = Annotated[
    bool, typer.Option("--consent-download", help="Agree that the weights to start from are downloaded.")
]
LabelsOption = Annotated[str, Text(help="Labels to learn, with commas; all of the task's kind without it.")]
DeviceOption = Annotated[str, Text(help="auto, cpu, cuda or mps.")]
PresetOption = Annotated[str, Text(help="quick (two cores, minutes), standard or best (one large GPU).")]
SettingsFileOption = Annotated[
    Path | None, typer.Option(help="YAML file with settings; options given here come on top.")
]
