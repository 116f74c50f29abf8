"""The command ``schema``: templates, the schema of a project, its labels and rules."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import console, plain
from XRayAILib.exchange.contents import counted
from XRayAILib.findings.rule_text import in_words
from XRayAILib.findings.schema import LabelSchema, SchemaError, Tool
from XRayAILib.findings.schema_draft import SchemaDraft
from XRayAILib.findings.template import template, template_about, template_names
from XRayAILib.project.project import Project
from XRayAILib.workflow.guidelines import schema_notice


def list_templates() -> None:
    """The schemas that come with X-Ray AI."""
    table = _table("Template", "Labels", "Rules", "For")
    for name in template_names():
        schema = template(name)
        table.add_row(name, str(len(schema.labels)), str(len(schema.rules)), plain(template_about(name)))
    console.print(table)


def show_schema(source: str, project: Path | None, as_yaml: bool) -> None:
    """Labels and rules of a template, a file or a project; or the whole of it as YAML."""
    if project is not None and not source:
        with Project.open(project) as opened:
            schema, notice = opened.schema, schema_notice(opened)
    else:
        schema, notice = schema_of(source), ""
    if as_yaml:
        sys.stdout.write(schema.text())
        return
    _show(schema)
    if notice:
        console.print(f"[yellow]{plain(notice)}[/]", soft_wrap=True)


def schema_of(source: str) -> LabelSchema:
    """The template of this name, or the schema in this file."""
    path = Path(source)
    if source in template_names() or not (path.suffix or path.exists()):
        return template(source)
    return LabelSchema.read(path)


def use_schema(project: Path, source: str, add: bool) -> None:
    """Make a template or a file the schema of a project, or add its labels to those that are there.

    Raises
    ------
    SchemaError
        Findings use labels that would vanish.
    """
    schema = schema_of(source)
    with Project.open(project) as opened:
        before = {label.name for label in opened.schema}
        if add:
            schema = SchemaDraft.of(opened.schema).with_more(SchemaDraft.of(schema)).schema()
        uses = opened.schemas.uses(before - {label.name for label in schema})
        if uses:
            words = ", ".join(
                f"'{use.label}' ({counted(use.objects, 'object')} of {counted(len(use.images), 'image')})"
                for use in uses
            )
            raise SchemaError(
                f"{source} lacks labels that findings of the project use: {words}. Use --add to keep them beside the "
                "new ones, or give them names of the new schema first: xrayai schema rename OLD NEW."
            )
        opened.set_schema(schema)
    fresh = len({label.name for label in schema} - before)
    console.print(f"{plain(schema.name)}: {len(schema.labels)} labels ({fresh} new), {len(schema.rules)} rules")


def check_file(file: Path) -> None:
    """Whether a file can be a schema; ``SchemaError`` has all its problems."""
    schema = LabelSchema.read(file)
    console.print(f"{plain(str(file))} is a schema of {len(schema.labels)} labels and {len(schema.rules)} rules.")


def rename_label(project: Path, old: str, new: str) -> None:
    """Another name for a label and for all its objects."""
    with Project.open(project) as opened:
        count = opened.rename_label(old, new)
    console.print(f"'{plain(old)}' is '{plain(new)}' now, in the schema and in {counted(count, 'object')}.")


def put_back(project: Path, name: str) -> None:
    """Add a label again that vanished from the schema."""
    with Project.open(project) as opened:
        opened.put_label_back(name)
        label = opened.schema[name]
    console.print(f"'{plain(name)}' is in the schema again: {plain(label.title)}, drawn as {label.tool.value}.")


def _show(schema: LabelSchema) -> None:
    console.print(f"[bold]{plain(schema.name)}[/]")
    table = _table("Key", "Name", "Title", "Tool", "Code", "Asked")
    for label in schema:
        code = f"{label.code.scheme} {label.code.value}" if label.code else ""
        asked = ", ".join(a.title + " *" * a.required for a in label.attributes)
        if label.tool is Tool.IMAGE:
            asked = " | ".join(label.options) + " *" * label.required
        cells = (label.hotkey, label.name, label.title, label.tool.value, code, asked)
        swatch = f"[{label.color}]\u25a0[/] "
        table.add_row(*(plain(cell) for cell in cells[:2]), swatch + plain(cells[2]), *map(plain, cells[3:]))
    console.print(table)
    for skeleton in schema.skeletons:
        console.print(f"Skeleton {plain(skeleton.title)}: {len(skeleton.points)} points, {len(skeleton.lines)} lines")
    titles = {label.name: label.title for label in schema}
    for rule in schema.rules:
        color = {"warn": "yellow", "refuse": "red"}[rule.severity.value]
        why = f" [dim]{plain(rule.reason)}[/]" if rule.reason else ""
        console.print(f"[{color}]{rule.severity.value:6}[/] {plain(in_words(rule, titles))}.{why}", soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for column in columns:
        table.add_column(column)
    return table
