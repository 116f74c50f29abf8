"""The command ``guidelines``: all findings of a project against the rules of its schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.apps.console import as_json as json_text
from XRayAILib.findings.guidelines import Violation
from XRayAILib.findings.rule import Severity
from XRayAILib.project.project import Project
from XRayAILib.workflow.guidelines import Checked, check_project, schema_notice

REFUSED = 3
"""Exit status where a rule is broken that findings must not break."""
COLORS = {Severity.REFUSE: "red", Severity.WARN: "yellow", Severity.NOTE: "dim"}
LINES = 200
"""In the table; JSON has all."""


def check_guidelines(folder: Path, reader: str, as_json: bool) -> None:
    """Print what findings break; the exit status is :data:`REFUSED` where one of these rules refuses."""
    with Project.open(folder) as project:
        if as_json:
            checked = list(check_project(project, reader))
        else:
            step = Step(1, "Guidelines")
            with running(step) as bar:
                checked = list(check_project(project, reader, lambda done, total: bar.show(done, total)))
                step.result = _summary(checked)
            if not project.schema.rules:
                console.print("The schema has no rules; only answers and labels were looked at.")
        notice = schema_notice(project)
    if as_json:
        sys.stdout.write(json_text([_document(one) for one in checked if one.violations]) + "\n")
    else:
        _show(checked)
        if notice:
            console.print(f"[yellow]{plain(notice)}[/]", soft_wrap=True)
    if any(v.severity is Severity.REFUSE for one in checked for v in one.violations):
        raise typer.Exit(REFUSED)


def _summary(checked: list[Checked]) -> str:
    broken = [one for one in checked if any(v.severity is not Severity.NOTE for v in one.violations)]
    refused = [one for one in broken if any(v.severity is Severity.REFUSE for v in one.violations)]
    images = len({one.image.uid for one in checked})
    return f"{images} images, {len(checked)} readings: {len(broken)} break a rule, {len(refused)} must be mended"


def _show(checked: list[Checked]) -> None:
    rows = [(one, violation) for one in checked for violation in one.violations]
    if not rows:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for column in ("Image", "Reader", "Object", "What is wrong"):
        table.add_column(column, overflow="fold")
    for one, violation in rows[:LINES]:
        name = Path(one.image.header.path).name
        message = f"[{COLORS[violation.severity]}]{plain(violation.message)}[/]"
        table.add_row(plain(name), plain(one.findings.author.name), plain(violation.label), message)
    console.print(table)
    if len(rows) > LINES:
        console.print(f"... and {len(rows) - LINES} more; --json shows all of them.")


def _document(one: Checked) -> dict[str, Any]:
    return {
        "uid": one.image.uid,
        "path": one.image.header.path,
        "reader": one.findings.author.key,
        "violations": [_violation(violation) for violation in one.violations],
    }


def _violation(violation: Violation) -> dict[str, Any]:
    return {
        "severity": violation.severity.value,
        "check": violation.rule.check if violation.rule else "answers",
        "label": violation.label,
        "objects": list(violation.objects),
        "message": violation.message,
    }
