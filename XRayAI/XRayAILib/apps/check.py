"""The command ``check``: which images are fit for research, of a project or of single files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.apps.console import as_json as json_text
from XRayAILib.dicom.source import exists
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project, user
from XRayAILib.project.rules import RULES, Action, HygieneError, Rule

EXCLUDED = 3
"""Exit status where an image is to be kept out."""
WIDTHS = {"Rule": 0, "Severity": 46, "Images": 0, "Action": 0, "Section": 78, "What": 128}
"""Column of the table -> the least width of a terminal that has room for it."""
COLORS = {"error": "red", "warning": "yellow", "note": "dim"}


class CheckError(ValueError):
    """A wish that cannot be fulfilled, and why."""


def check_project(
    folder: Path, rules: Sequence[str], listed: str, image: str, settings: Sequence[str], keep: str, as_json: bool
) -> None:
    """Check a project and print what was found; the exit status is :data:`EXCLUDED` where images are kept out.

    Parameters
    ----------
    rules
        Show only these.
    listed
        Show the images with a mark of this rule.
    image
        Show the marks of this image only, by its path or UID.
    settings
        ``rule=action``, stored in ``hygiene.yaml`` first.
    keep
        Path or UID of an image that stays in spite of its marks.
    """
    wanted = [known(name) for name in rules] or list(RULES.values())
    changes = [_setting(text) for text in settings]
    rule = known(listed) if listed else None
    with Project.open(folder) as project:
        # Before the images are gone through, which can take hours, what was asked for must be there.
        kept, shown = (project_image(project, named) if named else None for named in (keep, image))
        for changed, action in changes:
            project.marks.set_action(changed.name, action, user())
        if as_json:
            project.hygiene.check(project.schema)
        else:
            _examine(project)
        if kept:
            fresh = project.marks.keep(kept.uid, user())
            if not as_json:
                said = f"kept in spite of {', '.join(fresh)}" if fresh else "no rule keeps it out"
                console.print(f"{plain(kept.header.path)}: {said}", soft_wrap=True)
        if shown:
            _show_image(project, project.image(shown.uid), as_json)
        elif rule:
            _show_listed(project, rule, as_json)
        else:
            _show_table(project, wanted, as_json)
        status = _status(project, wanted)
    if status:
        raise typer.Exit(status)


def check_files(files: Sequence[Path], rules: Sequence[str], as_json: bool) -> None:
    """Check single files, and whether they are copies of each other; the actions are the rules' own."""
    from XRayAILib.project.hygiene import check_paths

    wanted = [known(name) for name in rules] or list(RULES.values())
    for path in files:
        if path.is_dir():
            raise CheckError(f"{path} is a folder: take it into a project with 'xrayai scan', then check that.")
        if not exists(path):
            raise CheckError(f"{path}: there is no such file.")
    if as_json:
        found = check_paths(files)
    else:
        step = Step(1, "Check")
        with running(step) as bar:
            found = check_paths(files, lambda done, total: bar.show(done, total, files[done - 1].name))
            step.result = f"{len(files)} file{'s' if len(files) != 1 else ''}"
    shown = [(path, [(rule, marks[rule.name]) for rule in wanted if rule.name in marks]) for path, marks in found]
    if as_json:
        _write([{"path": str(path), "marks": [_mark(rule, detail) for rule, detail in marks]} for path, marks in shown])
    else:
        for path, marks in shown:
            console.print(f"[bold]{plain(str(path))}[/]" + ("" if marks else "  nothing found"), soft_wrap=True)
            _print_marks(marks)
    if any(rule.action is Action.EXCLUDE for _, marks in shown for rule, _ in marks):
        raise typer.Exit(EXCLUDED)


def known(name: str) -> Rule:
    """The rule of this name; :class:`CheckError` says which there are."""
    if name not in RULES:
        raise CheckError(f"There is no rule '{name}'; there are {', '.join(RULES)}.")
    return RULES[name]


def project_image(project: Project, named: str) -> Image:
    """The image with this UID, at this path, or of this file name where there is only one."""
    from XRayAILib.project.errors import ProjectError

    try:
        return project.image(named)
    except ProjectError:
        path = str(Path(named).resolve())
        found = [image for image in project.images(path) if image.header.path == path]
        found = found or [image for image in project.images(named) if Path(image.header.path).name == named]
        if not found:
            raise CheckError(f"{named}: the project has no image with this UID, path or file name.") from None
        if len(found) > 1:
            raise CheckError(
                f"{named}: {len(found)} images have this file name: write the path, such as {found[0].header.path}."
            ) from None
        return found[0]


def _setting(text: str) -> tuple[Rule, Action]:
    name, _, value = text.partition("=")
    try:
        return known(name.strip()), Action(value.strip())
    except ValueError as error:
        if isinstance(error, CheckError):
            raise
        allowed = ", ".join(action.value for action in Action)
        raise HygieneError(f"'{text}' must be RULE=ACTION, and the action one of {allowed}.") from error


def _examine(project: Project) -> None:
    step = Step(1, "Check")
    with running(step) as bar:
        done = project.hygiene.check(project.schema, lambda at, total, text, _: bar.show(at, total, text))
        step.result = f"{done.examined} images examined, {done.unchanged} unchanged"
        step.notes = [f"not reached: {path}: {reason}" for path, reason in done.failed[:20]]
        if len(done.failed) > 20:
            step.notes.append(f"... and {len(done.failed) - 20} more")


def _status(project: Project, wanted: Sequence[Rule]) -> int:
    names = {rule.name for rule in wanted}
    counted = (row for row in project.marks.table() if row.rule.name in names)
    return EXCLUDED if any(row.action is Action.EXCLUDE and row.count > row.kept for row in counted) else 0


def _show_table(project: Project, wanted: Sequence[Rule], as_json: bool) -> None:
    names = {rule.name for rule in wanted}
    rows = [row for row in project.marks.table() if row.rule.name in names]
    if as_json:
        _write([{**_rule(row.rule), "action": row.action.value, "count": row.count, "kept": row.kept} for row in rows])
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    columns = [column for column, least in WIDTHS.items() if console.width >= least]
    for column in columns:
        table.add_column(column, justify="right" if column == "Images" else "left")
    for row in rows:
        severity, color = row.rule.severity.value, COLORS[row.rule.severity.value]
        action = row.action.value + (f", {row.kept} kept" if row.kept else "")
        count = f"[bold]{row.count}[/]" if row.count else "[dim]0[/]"
        shown = f"[{color}]{severity}[/]" if row.count else f"[dim]{severity}[/]"
        cells = dict(zip(WIDTHS, (row.rule.name, shown, count, action, row.rule.section, row.rule.title), strict=True))
        table.add_row(*(cells[column] for column in columns))
    console.print(table)


def _show_listed(project: Project, rule: Rule, as_json: bool) -> None:
    found = project.marks.marked(rule.name)
    if as_json:
        _write([{"path": path, "detail": detail} for path, detail in found])
        return
    for path, detail in found:
        console.print(f"{plain(path)}: {plain(detail)}", soft_wrap=True)


def _show_image(project: Project, image: Image, as_json: bool) -> None:
    marks = [(RULES[mark.rule], mark.detail) for mark in project.marks.of_image(image.uid)]
    kept = project.marks.kept(image.uid)
    if as_json:
        _write(
            {
                "uid": image.uid,
                "path": image.header.path,
                "excluded": image.excluded,
                "marks": [_mark(rule, detail) for rule, detail in marks],
                "kept": {rule: {"who": who, "time": time} for rule, (who, time) in kept.items()},
            }
        )
        return
    console.print(f"[bold]{plain(image.header.path)}[/]" + ("" if marks else "  nothing found"), soft_wrap=True)
    _print_marks(marks)
    for rule, (who, time) in kept.items():
        console.print(f"  kept in spite of {rule} by {plain(who)}, {time}")


def _print_marks(marks: Sequence[tuple[Rule, str]]) -> None:
    for rule, detail in marks:
        color = COLORS[rule.severity.value]
        console.print(f"  [{color}]{rule.name}[/]: {plain(detail)}  [dim]{rule.section}[/]", soft_wrap=True)


def _rule(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.name, "title": rule.title, "severity": rule.severity.value, "section": rule.section}


def _mark(rule: Rule, detail: str) -> dict[str, Any]:
    return {**_rule(rule), "detail": detail}


def _write(document: object) -> None:
    sys.stdout.write(json_text(document) + "\n")
