"""Commands on a collection."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.apps.console import Step, console, one_line, running
from XRayAILib.project.intake import Intake
from XRayAILib.project.project import Project
from XRayAILib.workflow.filling import counted


class NothingThereError(ValueError):
    """A folder that was named does not exist."""


def scan_folders(project_folder: Path, folders: list[Path], table: Path | None = None, extend: bool = False) -> None:
    """Take folders into a project and say what became of each file that is no radiograph.

    Parameters
    ----------
    table
        CSV file of patient, view and label of pictures; without it the ones beside the pictures are used.
    extend
        Add labels of the table that the schema does not have.
    """
    from XRayAILib.exchange.table.picture_labels import take_in_with_tables

    for folder in [*folders, *([table] if table else [])]:
        if not folder.exists():
            raise NothingThereError(f"{folder}: there is no such file or folder.")
    with Project.open_or_create(project_folder) as project:
        step = Step(1, "Scan")
        with running(step) as bar:
            found, tables = take_in_with_tables(
                project, folders, table, extend, progress=lambda p: bar.show(p.done, p.total, p.text)
            )
            step.result = intake_line(found, project.count())
            for report in tables:
                step.notes += [report.line, *(report.notes if report.images else ())]
        tell_unreadable(found)
        console.print(f"Project: {project.folder}", soft_wrap=True, markup=False)


def intake_line(intake: Intake, count: int) -> str:
    """What a scan did, on one line."""
    parts = [counted(intake.added, "radiograph added", "radiographs added")]
    for number, one, many in (
        (intake.refreshed, "read again", "read again"),
        (intake.unchanged, "file unchanged", "files unchanged"),
        (len(intake.duplicates), "duplicate", "duplicates"),
        (
            len(intake.namesakes),
            "with the SOP Instance UID of another file",
            "with the SOP Instance UIDs of other files",
        ),
        (len(intake.masks), "mask left out", "masks left out"),
        (len(intake.refused), "not readable as a radiograph", "not readable as radiographs"),
        (intake.passed_over, "other file passed over", "other files passed over"),
    ):
        if number:
            parts.append(counted(number, one, many))
    return ", ".join(parts) + f"; {count} in the project"


def tell_unreadable(intake: Intake, limit: int = 20) -> None:
    """Print the files that are no radiographs, with the reasons; masks, of which there may be many, in one line."""
    masks = intake.masks
    if masks:
        console.print(
            f"  [yellow]left out[/] {len(masks)} pictures that look like masks of others, such as "
            f"{one_line(masks[0])}: xrayai import takes them as labels",
            soft_wrap=True,
        )
    others = intake.refused
    for path, reason in others[:limit]:
        console.print(f"  [yellow]left out[/] {one_line(path)}: {one_line(reason)}", soft_wrap=True)
    if len(others) > limit:
        console.print(f"  ... and {len(others) - limit} more: xrayai list --left-out shows them all.")
    for path, other in intake.duplicates[:limit]:
        console.print(
            f"  [yellow]duplicate[/] {one_line(path)}: the same file as {one_line(other)}",
            soft_wrap=True,
        )
    for path, other in intake.namesakes[:limit]:
        console.print(
            f"  [yellow]same SOP Instance UID[/] {one_line(path)}: taken beside {one_line(other)}", soft_wrap=True
        )
