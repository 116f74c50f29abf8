"""The command ``agreement``: how far the readers of a project agree, and what they say together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.apps.console import as_json as json_text
from XRayAILib.exchange.contents import counted
from XRayAILib.findings.consensus import Regions
from XRayAILib.findings.consensus_points import Centre
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query, QueryError
from XRayAILib.workflow.agreement.agreement import Study, compare_readers
from XRayAILib.workflow.agreement.consensus import make_consensus
from XRayAILib.workflow.agreement.figures import Figure, figures_of
from XRayAILib.workflow.agreement.report import document_of, notes_of, write_agreement
from XRayAILib.workflow.agreement.tables import MAIN, title_of
from XRayAILib.workflow.agreement.wishes import AgreementError, Wishes

SHOWN = 20
"""Notes of a consensus that are printed."""


def wishes_of(
    readers: Sequence[str],
    reference: str,
    labels: Sequence[str],
    text: str,
    where: Sequence[str],
    by: Sequence[str],
    ordered: Sequence[str],
    iou: float,
) -> Wishes:
    """The options of the command line; lists may be repeated, or have commas.

    Raises
    ------
    AgreementError
        A filter is no ``column=value``, or there is no such column.
    """
    filters: dict[str, list[str]] = {}
    for entry in where:
        column, sign, value = entry.partition("=")
        if not sign:
            raise AgreementError(f"'{entry}' must be COLUMN=VALUE, such as view=PA.")
        filters.setdefault(column.strip(), []).append(value.strip())
    try:
        query = Query(text, filters)
    except QueryError as error:
        raise AgreementError(str(error)) from error
    lists = (_several(values) for values in (readers, labels, by, ordered))
    names, wanted, columns, graded = lists
    return Wishes(names, reference, wanted, query, columns, graded, iou)


def compare_project(
    folder: Path, wishes: Wishes, out: Path | None, as_json: bool, rule: str, points: str, save: bool
) -> None:
    """Compare the readers, write the report and print the main figures; then the consensus, where a rule is given.

    Parameters
    ----------
    out
        Folder of the report; ``exports/agreement`` of the project without. With ``as_json`` a report is written only
        where it is given.
    """
    if save and not rule:
        raise AgreementError("What is to be saved is a consensus: say by which rule, --consensus majority or staple.")
    with Project.open(folder) as project:
        if as_json:
            study = compare_readers(project, wishes)
            figures = figures_of(study)
            if out is not None:
                write_agreement(project, study, figures, out)
            sys.stdout.write(json_text(document_of(study, figures)) + "\n")
            if rule:
                make_consensus(project, wishes, Regions(rule), Centre(points), save)
            return
        _report(project, wishes, out)
        if rule:
            _consensus(project, wishes, Regions(rule), Centre(points), save)


def _report(project: Project, wishes: Wishes, out: Path | None) -> None:
    step = Step(1, "Compare")
    with running(step) as bar:
        study = compare_readers(project, wishes, lambda done, total, text, _: bar.show(done, total, text))
        images = counted(len(study.images), "image")
        known = sum(len(compared) for compared in study.pairs.values()) - study.computed
        step.result = f"{images}, {counted(study.computed, 'comparison')} computed, {known} known before"
    step = Step(2, "Report")
    with running(step) as bar:
        figures = figures_of(study)
        page = write_agreement(project, study, figures, out or project.exports_folder / "agreement", bar.show)
        step.result = f"{len(figures)} figures in {page}"
        step.notes = notes_of(study, figures)
    _print(project, study, figures)


def _print(project: Project, study: Study, figures: Sequence[Figure]) -> None:
    """The main figure of each label and pair."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for column in ("Label", "Readers", "Figure", "Value", "95 % interval", "n", "Patients"):
        right = column in ("Value", "n", "Patients")
        table.add_column(column, justify="right" if right else "left", no_wrap=column == "95 % interval")
    last = ""
    for f in sorted(figures, key=lambda f: list(study.users).index(f.label) if f.label in study.users else 10**6):
        names = (MAIN[f.what], "alpha", "Fleiss' kappa")
        if f.column or not f.measure.name.startswith(names) or ("–" in f.who and len(f.pair) == 1):
            continue
        e = f.measure.estimate
        label = title_of(f.label, project.schema)
        value = f"[dim]{plain(e.reason)}[/]" if e.value is None else f"{e.value:.3f} {f.measure.unit}"
        interval = "" if e.low is None or e.high is None else f"{e.low:.3f} to {e.high:.3f}"
        cells = (plain(f.who), plain(f.measure.name), value.strip(), interval, str(e.n), str(f.patients))
        table.add_row(plain(label) if label != last else "", *cells)
        last = label
    console.print(table)


def _consensus(project: Project, wishes: Wishes, rule: Regions, centre: Centre, save: bool) -> None:
    step = Step(3, "Consensus")
    with running(step) as bar:
        made = make_consensus(
            project, wishes, rule, centre, save, lambda done, total, text, _: bar.show(done, total, text)
        )
        kept = f"saved as {made.track}" if save else "nothing was saved (--save keeps it)"
        step.result = f"{counted(made.objects, 'object')} on {counted(made.images, 'image')}, {kept}"
        paths = {uid: Path(project.header(uid).path).name for uid, _ in made.notes[:SHOWN]}
        step.notes = [f"{paths[uid]}: {note}" for uid, note in made.notes[:SHOWN]]
        if len(made.notes) > SHOWN:
            step.notes.append(f"... and {len(made.notes) - SHOWN} more")


def _several(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())
