"""Labels of whole pictures out of a CSV table, as findings; and a scan that takes such tables along."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from XRayAILib.dicom.header import Header
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.file_names import FileNames, UnmatchedError
from XRayAILib.exchange.import_report import ImportReport, Skipped
from XRayAILib.exchange.label_names import LabelNames, extended, normalised
from XRayAILib.exchange.table.landmarks import is_landmark_table
from XRayAILib.exchange.table.metadata import PictureTables, described, read_metadata
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.findings.schema import Tool
from XRayAILib.project.intake import Intake, Progress, take_in
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query

LABEL_COLUMNS = ("label", "labels", "finding", "findings", "diagnosis")
"""Columns whose values are names of labels, several of them with ``|`` or ``;`` between; the first one counts."""
NAMED = 4
"""Labels that a note names; a table may have a hundred that the schema has not."""
_LANDMARKS = "it is a table of landmarks, which 'xrayai import' takes"
_SAYS_NOTHING = ("", "na", "n_a", "nan", "none", "todo", "unknown")


def take_in_with_tables(
    project: Project,
    folders: Iterable[Path],
    table: Path | None = None,
    extend: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Intake, list[ImportReport]]:
    """Scan folders, with the tables that say which patient, view and label their pictures have.

    Parameters
    ----------
    table
        The one to use; those beside the pictures without it.
    extend
        Add labels of the tables that the schema does not have.

    Raises
    ------
    LabelFileError
        The table that was given cannot be used.
    """

    def labelling(done: int, total: int, message: str) -> None:
        progress(Progress(done, total, intake.added, message=message))

    tables = PictureTables(table)
    intake = take_in(project, folders, tables.describe, progress, cancelled)
    reports: list[ImportReport] = []
    if intake.cancelled:
        return intake, reports
    if table is not None:
        return intake, [import_table(project, table, extend, progress=labelling)]
    # Also those of an earlier scan that was stopped before it came to the labels, or that were written since.
    # Whoever extends the schema wants what an earlier scan had to leave out.
    wanted = intake.tables if extend else project.arrivals.changed(intake.tables)
    fresh = {Path(file.path): file for file in wanted}
    for path in sorted({*fresh, *tables.used}):
        try:
            reports.append(import_table(project, path, extend, progress=labelling, cancelled=cancelled))
        except LabelFileError as error:
            if path in tables.used or "no column of file names" not in str(error):
                why = _LANDMARKS if is_landmark_table(path) else str(error).removeprefix(f"{path}: ")
                reports.append(ImportReport(path, 0, 0, notes=(why,)))
        if cancelled():
            intake.cancelled = True
            return intake, reports
    project.arrivals.note(fresh.values())
    return intake, [report for report in reports if report.images or report.notes]


def import_table(
    project: Project,
    path: Path,
    extend: bool = False,
    name: str = "",
    progress: Callable[[int, int, str], None] = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
    dry_run: bool = False,
) -> ImportReport:
    """Save what a table says of the project's pictures: patient, sex, age and view where the picture has none, and
    the labels of whole images as findings.

    Doing it again changes nothing; where it is stopped, nothing is saved.

    Parameters
    ----------
    extend
        Add labels that the schema does not have. Without it they are not taken, and the report says so.
    name
        Of the author, ``import:<name>``; the name of the file where it is left out.
    dry_run
        Change nothing; the report says what would be imported.

    Raises
    ------
    LabelFileError
        The table cannot be used.
    """
    table = read_metadata(path)
    column = next((c for c in _columns(table) if normalised(c) in LABEL_COLUMNS), "")
    said = {file: _values(row.get(column, "")) for file, row in table.items()}
    wanted = {value: Tool.IMAGE for values in said.values() for value in values}
    schema = extended(project.schema, wanted) if extend else project.schema
    labels = LabelNames(schema)
    author = Author.imported(name or path.resolve().stem)
    # The same file gives the same time, so importing it again changes nothing.
    created = datetime.fromtimestamp(int(path.stat().st_mtime), timezone.utc).isoformat()
    headers = FileNames(_named(project, table))
    untaken: Counter[str] = Counter()
    missing: list[str] = []
    better: list[Header] = []
    labelled: list[Findings] = []
    for done, (file, row) in enumerate(table.items(), 1):
        if done % 50 == 0 or done == len(table):
            progress(done, len(table), f"labels of {path.name}")
            if cancelled():
                return ImportReport(path, 0, 0)
        try:
            header = headers.find(file)
        except UnmatchedError:
            missing.append(file)
            continue
        told = described(header, {Path(header.path).name: row})
        if told != header:
            better.append(told)
        found: list[ImageLabel] = []
        for value in said[file]:
            label = labels.get(value)
            if label is None or label.tool is not Tool.IMAGE:
                untaken[value] += 1
                continue
            identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{author.key}/{header.uid}/{label.name}"))
            found.append(
                ImageLabel(label=label.name, author=author, id=identity, created=created, status=Status.APPROVED)
            )
        if found:
            labelled.append(Findings(header.uid, header.shape, author, tuple(found)))
    unknown = {value: count for value, count in untaken.items() if labels.get(value) is None}
    others = {value: count for value, count in untaken.items() if value not in unknown}
    notes = []
    if unknown:
        notes.append(f"the schema has no label {_named_labels(unknown)}: xrayai import TABLE --extend adds them")
    if others:
        notes.append(f"in the schema no label of whole images: {_named_labels(others)}")
    if missing and len(missing) < len(table):
        examples = ", ".join(missing[:3])
        notes.append(f"rows whose picture the project does not have, or has twice: {len(missing)} ({examples})")
    objects = sum(map(len, labelled))
    # Where none fits, it is most likely the table of something else; a few that do not are told by the note.
    absent = missing if len(missing) == len(table) else []
    skipped = tuple(Skipped(file, (f"{path.name}: {file} is not in the project.",), unmatched=True) for file in absent)
    report = ImportReport(path, len(labelled), objects, skipped, tuple(notes), dry_run=dry_run)
    if dry_run or absent:
        return report
    if schema != project.schema:
        project.set_schema(schema)
    project.add(better)
    report = replace(report, unchanged=len(labelled) - project.save_many(labelled))
    if objects:
        project.audit("import labels", f"{path}: {report.summary}")
    return report


def _named(project: Project, table: Iterable[str]) -> Iterable[Header]:
    """The images whose file has a name that the table has."""
    names = {Path(file).name for file in table}
    return (image.header for image in project.stream(Query()) if Path(image.header.path).name in names)


def _named_labels(counts: Mapping[str, int]) -> str:
    """The most frequent labels with their number of pictures, such as ``'pneumonia' (200), 'edema' (3)``."""
    several = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"'{name}' ({count})" for name, count in several[:NAMED])
    return f"{shown} and {len(several) - NAMED} more" if len(several) > NAMED else shown


def _columns(table: dict[str, dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(column for row in table.values() for column in row))


def _values(text: str) -> list[str]:
    values = (value.strip() for value in re.split(r"[|;]", text))
    return list(dict.fromkeys(value for value in values if normalised(value) not in _SAYS_NOTHING))
