"""Commands that bring findings out of a project and into it."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.apps.console import Step, console, one_line, running
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.contents import counted
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query

SHOWN = 20
"""Faults of an import that are named; a file can have ten thousand of the same."""


class OptionError(ValueError):
    """An option that makes no sense, and what to write."""


def choice_of(
    images: str,
    reader: str,
    only_approved: bool,
    split: str,
    filters: list[str],
    own_names: bool,
    options: list[str],
) -> Choice:
    """What the command line says is to be exported.

    Raises
    ------
    OptionError
        A filter or an option is not of the form that it must have.
    """
    words = [text for text in filters if "=" not in text]
    columns: dict[str, list[str]] = {}
    for column, value in _pairs([text for text in filters if "=" in text]):
        columns.setdefault(column, []).append(value)
    return Choice(
        reader=reader,
        only_approved=only_approved,
        query=Query(" ".join(words), columns),
        images=images,
        split=split,
        own_names=own_names,
        options=dict(_pairs(options)),
    )


def _pairs(texts: list[str]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts]
    for key, sign, value in pairs:
        if not (key and sign):
            raise OptionError(f"'{key}{sign}{value}' is not of the form KEY=VALUE.")
    return [(key, value) for key, _, value in pairs]


def export_labels(project_folder: Path, format_name: str, choice: Choice, name: str, only_say: bool) -> None:
    """Say what the format cannot hold, then export.

    Parameters
    ----------
    only_say
        Do not export.
    """
    from XRayAILib.exchange.export import export_project, losses

    with Project.open(project_folder) as project:
        for sentence in losses(project, format_name, choice):
            console.print(f"[yellow]note[/] {one_line(sentence)}", soft_wrap=True)
        if only_say:
            return
        step = Step(1, "Export")
        with running(step) as bar:
            export = export_project(project, format_name, choice, name=name, progress=bar.show)
            objects, images = counted(export.objects, "object"), counted(export.images, "image")
            step.result = f"{objects} of {images}, read again: {export.folder}"
            step.notes = list(export.warnings)


def list_formats() -> None:
    """Print the formats, the forms of pictures that go with each, and who reads it again."""
    from XRayAILib.exchange.formats import FORMATS, format_named

    for name in FORMATS:
        form = format_named(name)
        console.print(f"[bold]{name}[/]  {form.title}")
        console.print(f"    pictures: {', '.join(form.forms)}\n    read again by {form.reader}", soft_wrap=True)
        for option, values in form.options.items():
            console.print(f"    --option {option}={'|'.join(values)}", soft_wrap=True, markup=False)


def import_into(
    project_folder: Path, source: Path, format_name: str, extend: bool, leave_out_faulty: bool, dry_run: bool
) -> bool:
    """Import labels into a project; ``False`` where faults kept everything out, or none of the images is there."""
    from XRayAILib.exchange.labels import import_labels

    with Project.open(project_folder) as project:
        step = Step(1, "Labels")
        with running(step) as bar:
            report = import_labels(
                project,
                source,
                format=format_name,
                extend_schema=extend,
                leave_out_faulty=leave_out_faulty,
                dry_run=dry_run,
                progress=bar.show,
            )
            step.result = report.summary
            # Faults first: they are what must be put right.
            reasons = [reason for skipped in (*report.faulty, *report.unmatched) for reason in skipped.reasons]
            step.notes = reasons[:SHOWN]
            if len(reasons) > SHOWN:
                step.notes.append(f"... and {len(reasons) - SHOWN} more.")
            step.notes += report.notes
            if report.refused:
                step.notes.append("Put that right, or import with --leave-out-faulty to take the other images.")
    return not (report.refused or report.nothing_fits)
