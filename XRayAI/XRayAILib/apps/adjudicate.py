"""The commands ``adjudicate``: decide over what several readers say of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.check import project_image
from XRayAILib.apps.console import as_json as json_text
from XRayAILib.apps.console import console, one_line, plain
from XRayAILib.findings.author import ADJUDICATED, Author
from XRayAILib.findings.findings import Findings
from XRayAILib.project.project import Project, user
from XRayAILib.workflow.adjudicating import Adjudicating
from XRayAILib.workflow.filling import counted


def list_images(project_folder: Path, who: str, as_json: bool) -> None:
    """The images that wait for a decision, and those on which one was begun or finished."""
    with Project.open(project_folder) as project:
        states = project.adjudications.images()
        uids = list(dict.fromkeys([*Adjudicating(project, _person(who)).waiting(), *states]))
        rows = [
            {
                "uid": uid,
                "path": project.header(uid).path,
                "readers": _readers(project, uid),
                "state": _state(states[uid].value) if uid in states else "not begun",
            }
            for uid in uids
        ]
    if as_json:
        print(json_text(rows))
        return
    console.print(counted(len(rows), "image", "images"))
    table = Table(box=None, pad_edge=False)
    for column in ("State", "Submitted by", "Image"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(str(row["state"]), plain(", ".join(row["readers"])), one_line(str(row["path"])))
    if rows:
        console.print(table)


def show_image(project_folder: Path, image: str, who: str, as_json: bool) -> None:
    """The versions of an image with the ids of their objects, and what was decided."""
    with Project.open(project_folder) as project:
        uid = project_image(project, image).uid
        versions = Adjudicating(project, _person(who)).versions(uid)
        decided = project.adjudications.findings(uid)
        log = project.adjudications.log(uid)
    if as_json:
        document = {
            "uid": uid,
            "versions": [
                {"track": one.track, "ready": one.ready, "objects": _objects(one.findings), "taken": sorted(one.taken)}
                for one in versions
            ],
            "adjudicated": _objects(decided) if decided else [],
            "log": [asdict(decision) for decision in log],
        }
        print(json_text(document))
        return
    for version in versions:
        console.print(f"[bold]{plain(version.name)}[/]" + ("" if version.ready else "  (not submitted)"))
        for entry in _objects(version.findings):
            taken = "  taken" if entry["id"] in version.taken else ""
            console.print(f"  {entry['id']}  {plain(entry['label'])} ({entry['kind']}){taken}", soft_wrap=True)
    console.print("[bold]Decisions[/]" if log else "Nothing is decided yet.")
    for decision in log:
        name = plain(decision.who.partition(":")[2])
        when = decision.time[:16].replace("T", " ")
        console.print(f"  {when}  {name}: {plain(f'{decision.action} {decision.detail}')}", soft_wrap=True)


def take(project_folder: Path, image: str, reader: str, objects: Sequence[str], who: str) -> None:
    """Take a reader's objects over."""
    track = reader if ":" in reader else Author.person(reader).key
    with _at_work(project_folder, image, who) as (work, uid):
        decided = work.take(uid, track, list(objects) or None)
    console.print(f"Adjudicated now: {_said(decided)}", soft_wrap=True)


def merge(project_folder: Path, image: str, label: str, who: str) -> None:
    """Take the consensus of those who submitted."""
    with _at_work(project_folder, image, who) as (work, uid):
        decided, notes = work.merge(uid, label)
    console.print(f"Adjudicated now: {_said(decided)}", soft_wrap=True)
    for note in notes:
        console.print(f"  [yellow]{plain(note)}[/]", soft_wrap=True)


def undo(project_folder: Path, image: str, who: str) -> None:
    """Take the last decision back."""
    with _at_work(project_folder, image, who) as (work, uid):
        decision = work.undo(uid)
    console.print(f"Undone: {plain(f'{decision.action} {decision.detail}')}", soft_wrap=True)


def redo(project_folder: Path, image: str, who: str) -> None:
    """Bring the last undone decision back."""
    with _at_work(project_folder, image, who) as (work, uid):
        decision = work.redo(uid)
    console.print(f"Done again: {plain(f'{decision.action} {decision.detail}')}", soft_wrap=True)


def finish(project_folder: Path, images: Sequence[str], who: str) -> None:
    """Finish adjudications."""
    with Project.open(project_folder) as project:
        work = Adjudicating(project, _person(who))
        for image in [project_image(project, named) for named in images]:
            work.finish(image.uid)
            console.print(f"finished  {one_line(image.header.path)}", soft_wrap=True)


def reopen(project_folder: Path, image: str, reason: str, who: str) -> None:
    """Go on with an adjudication."""
    with _at_work(project_folder, image, who) as (work, uid):
        work.reopen(uid, reason)
    console.print("It is open again; until it is finished, the readings count.")


@contextmanager
def _at_work(project_folder: Path, image: str, who: str) -> Iterator[tuple[Adjudicating, str]]:
    with Project.open(project_folder) as project:
        yield Adjudicating(project, _person(who)), project_image(project, image).uid


def _person(who: str) -> Author:
    return Author.person(who or user())


def _readers(project: Project, uid: str) -> list[str]:
    submitted = [track for track, step in project.reviews.of_image(uid).items() if not step.state.is_open]
    return sorted(track.partition(":")[2] for track in submitted if track != ADJUDICATED.key)


def _state(state: str) -> str:
    return {"approved": "finished", "draft": "begun"}.get(state, state)


def _objects(findings: Findings) -> list[dict[str, Any]]:
    return [
        {"id": item.id, "label": item.label, "kind": item.kind, "derived_from": item.derived_from} for item in findings
    ]


def _said(findings: Findings) -> str:
    if not findings.objects:
        return "nothing"
    return ", ".join(f"{plain(item.label)} of {plain(item.author.name)}" for item in findings)
