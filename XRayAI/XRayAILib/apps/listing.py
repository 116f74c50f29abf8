"""The command ``list``: the images of a project, filtered, sorted and counted by the query that the panel asks too."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.console import console, plain
from XRayAILib.dicom.header import PICTURE
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project
from XRayAILib.project.query import COLUMNS, Query
from XRayAILib.workflow.table import value_text

LINES = 200
"""Images in the table for the terminal where no limit was given."""


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
        print(json.dumps({"query": query.document(), "column": column, "values": values}, ensure_ascii=False, indent=1))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column(COLUMNS[column])
    table.add_column("Images", justify="right")
    for value, number in found:
        table.add_row(plain(value_text(column, value)), f"{number:,}")
    console.print(table)


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
    write('{\n "query": ' + json.dumps(query.document(), ensure_ascii=False))
    write(f',\n "total": {project.count(query)},\n "offset": {query.offset},\n "images": [')
    for number, image in enumerate(project.stream(query)):
        write((",\n  " if number else "\n  ") + json.dumps(_document(image), ensure_ascii=False))
    write("\n ]\n}\n")


def _show(project: Project, query: Query) -> None:
    page = project.page(replace(query, limit=query.limit or LINES))
    count = f"{page.total:,} image{'' if page.total == 1 else 's'}"
    table = Table(title=count, title_justify="left", box=None, pad_edge=False, padding=(0, 1))
    # On a narrow terminal the names of patients and files are cut short, never the short columns.
    longest = max(8, (console.width - 68) // 2)
    for column in ("Patient", "Study date", "Kind", "Size", "Spacing", "Status", "File"):
        limit = longest if column in ("Patient", "File") else None
        table.add_column(column, no_wrap=True, overflow="ellipsis", max_width=limit)
    for image in page.images:
        header = image.header
        source = header.spacing.source.value.removesuffix(" plane")
        spacing = f"{header.spacing.column:.3f} {source}" if header.spacing.known else "px"
        kind = "" if header.modality == PICTURE else header.modality
        status = "excluded" if image.excluded else image.status.value
        values = (
            header.study_date,
            f"{kind} {header.view}".strip(),
            f"{header.columns}x{header.rows}",
            spacing,
            status,
        )
        table.add_row(*map(plain, (header.patient_id, *values, Path(header.path).name)))
    console.print(table)
    if not page.total and query.is_narrowed:
        _tell_what_there_is(project, query)
    elif query.offset + len(page.images) < page.total or query.offset:
        first, last = query.offset + 1, query.offset + len(page.images)
        console.print(f"Shown: {first:,} to {last:,}; --offset and --limit show others, --json all of them.")


def _tell_what_there_is(project: Project, query: Query) -> None:
    for column in query.filters:
        found = project.values(column, query)
        there = ", ".join(f"{value_text(column, value)} ({number:,})" for value, number in found[:12])
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
