"""The command ``list``: the images of a project, filtered, sorted and counted by the query that the panel asks too."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.console import as_json as json_text
from XRayAILib.apps.console import console, one_line, plain
from XRayAILib.dicom.header import PICTURE
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project
from XRayAILib.project.query import COLUMNS, Query
from XRayAILib.workflow.table import value_text

LINES = 200
"""Images in the table for the terminal where no limit was given."""

WIDTHS = {"Study date": 12, "Kind": 8, "Size": 11, "Spacing": 18, "Status": 13}
"""What each column between patient and file takes of the terminal."""
FIRST_LEFT_OUT = ("Size", "Spacing", "Kind", "Status", "Study date")
LEAST_NAME = 13


def list_images(project_folder: Path, query: Query, as_json: bool) -> None:
    """The images of a query as a table, or as one JSON document: query, total and images."""
    with Project.open(project_folder) as project:
        query = as_written(project, query)
        if as_json:
            _write(project, query)
        else:
            _show(project, query)


def count_values(project_folder: Path, column: str, query: Query, as_json: bool) -> None:
    """How many images have each value of a column, under the other filters of a query."""
    with Project.open(project_folder) as project:
        query = as_written(project, query)
        found = project.values(column, query)
    if as_json:
        values = [{"value": value, "count": number} for value, number in found]
        print(json_text({"query": query.document(), "column": column, "values": values}))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column(COLUMNS[column])
    table.add_column("Images", justify="right")
    for value, number in found:
        table.add_row(plain(_as_typed(column, value)), f"{number:,}")
    console.print(table)


def list_left_out(project_folder: Path, as_json: bool) -> None:
    """The files that scans found and that are no radiographs, each with the reason."""
    with Project.open(project_folder) as project:
        rows = project.unreadable()
    if as_json:
        print(json_text([{"path": path, "reason": reason} for path, reason in rows]))
        return
    console.print(f"{len(rows):,} file{'' if len(rows) == 1 else 's'}")
    for path, reason in rows:
        console.print(f"{one_line(path)}: {one_line(reason)}", soft_wrap=True)


def as_written(project: Project, query: Query) -> Query:
    """The query with values as the project writes them: ``pa`` is found where it has ``PA``."""

    def written(column: str, values: Sequence[str]) -> tuple[str, ...]:
        known = {value.casefold(): value for value, _ in project.values(column)}
        return tuple(known.get(value.casefold(), value) for value in values)

    filters: Mapping[str, Sequence[str]] = {name: written(name, values) for name, values in query.filters.items()}
    return replace(query, filters=filters)


def _write(project: Project, query: Query) -> None:
    """One image at a time: a project of 100,000 needs no more memory than a small one."""
    write = sys.stdout.write
    write('{\n "query": ' + json_text(query.document(), None))
    write(f',\n "total": {project.count(query)},\n "offset": {query.offset},\n "images": [')
    for number, image in enumerate(project.stream(query)):
        write((",\n  " if number else "\n  ") + json_text(_document(image), None))
    write("\n ]\n}\n")


def _show(project: Project, query: Query) -> None:
    page = project.page(replace(query, limit=query.limit or LINES))
    console.print(f"{page.total:,} image{'' if page.total == 1 else 's'}", style="italic")
    if page.images:
        console.print(_table(page.images))
    if not page.total and query.is_narrowed:
        _tell_what_there_is(project, query)
    elif page.total and not page.images:
        console.print(f"--offset {query.offset:,} is behind the last one.")
    elif query.offset + len(page.images) < page.total or query.offset:
        first, last = query.offset + 1, query.offset + len(page.images)
        console.print(f"Shown: {first:,} to {last:,}; --offset and --limit show others, --json all of them.")


def _table(images: Sequence[Image]) -> Table:
    """A line for each image; a narrow terminal leaves columns out, and cuts long names of patients and files short."""
    widths = dict(WIDTHS)
    while (room := (console.width - sum(widths.values())) // 2) < LEAST_NAME and widths:
        widths.pop(next(name for name in FIRST_LEFT_OUT if name in widths))
    shown = ["Patient", *widths, "File"]
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for name in shown:
        longest = None if name in widths else max(room - 2, 8)
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=longest)
    for image in images:
        header = image.header
        source = header.spacing.source.value.removesuffix(" plane")
        cells = {
            "Patient": header.patient_id,
            "Study date": header.study_date,
            "Kind": f"{'' if header.modality == PICTURE else header.modality} {header.view}".strip(),
            "Size": f"{header.columns}x{header.rows}",
            "Spacing": f"{header.spacing.column:.3f} {source}" if header.spacing.known else "px",
            "Status": "excluded" if image.excluded else image.status.value,
            "File": Path(header.path).name,
        }
        table.add_row(*(one_line(cells[name]) for name in shown))
    return table


def _as_typed(column: str, value: str) -> str:
    """A value as the options take it: the name of a rule, and not its title."""
    return value or value_text(column, value)


def _tell_what_there_is(project: Project, query: Query) -> None:
    for column in query.filters:
        found = project.values(column, query)
        there = ", ".join(f"{_as_typed(column, value)} ({number:,})" for value, number in found[:12])
        console.print(plain(f"{COLUMNS[column]}: {there or 'nothing is left by the other filters'}"), soft_wrap=True)


def _document(image: Image) -> dict[str, Any]:
    header = image.header
    return {
        "uid": header.uid,
        "path": header.path,
        "frame": header.frame,
        "patient_id": header.patient_id,
        "study_date": header.study_date,
        "view": header.view,
        "laterality": header.laterality,
        "body_part": header.body_part,
        "modality": header.modality,
        "manufacturer": header.manufacturer,
        "station": header.station,
        "rows": header.rows,
        "columns": header.columns,
        "spacing_mm": [header.spacing.row, header.spacing.column] if header.spacing.known else None,
        "spacing_source": header.spacing.source.value,
        "status": image.status.value,
        "excluded": image.excluded,
        "split": image.split,
        "marks": [{"rule": mark.rule, "severity": mark.severity, "detail": mark.detail} for mark in image.marks],
        "notes": list(header.notes),
    }
