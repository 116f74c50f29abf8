"""The command ``assign``: images are shared out among readers, with hidden controls among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.check import project_image
from XRayAILib.apps.console import as_json as json_text
from XRayAILib.apps.console import console, plain
from XRayAILib.apps.listing import as_written
from XRayAILib.findings.author import AuthorKind
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.project import Project, user
from XRayAILib.project.query import Query, QueryError
from XRayAILib.project.readers import Role
from XRayAILib.project.rounds import Reveal, Round
from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.study_setup import StudySetup


@dataclass(frozen=True)
class Wishes:
    """What was asked for.

    Attributes
    ----------
    readers
        Names with commas between them; empty for all.
    round
        Empty for the newest one, or the first.
    filters
        ``column=value``.
    controls
        A track or a file; empty for none.
    conditions
        Of the round; ``None`` where nothing was said, so that those of a round that there is stay.
    reveal
        As ``conditions``; empty where nothing was said.
    """

    readers: str
    round: str
    filters: Sequence[str]
    text: str
    controls: str
    conditions: Mapping[str, int | bool | None]
    reveal: str


def assign_images(project_folder: Path, wishes: Wishes, as_json: bool) -> None:
    """Share images out, and say who has how many."""
    with Project.open(project_folder) as project:
        wanted = _round(project, wishes)
        names = [name.strip() for name in wishes.readers.split(",") if name.strip()]
        names = names or [reader.name for reader in project.readers.all() if reader.is_a(Role.READER)]
        query = as_written(project, _query(wishes))
        controls = _controls(project, wishes.controls)
        hidden = project.controls.all()
        uids = [uid for uid in project.uids(query) if uid not in hidden]
        if not uids:
            raise ProjectError("No image fits the filters, so there is nothing to assign. See which there are: list.")
        done = project.assignments.assign(wanted, names, uids, controls, by=user())
    if as_json:
        document = {"round": wanted.name, "images": len(uids), "controls": len(controls), "readers": done.images}
        print(json_text({**document, "total": done.total, "short": done.short}))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("Reader", overflow="fold")
    for column in ("New", "In this round"):
        table.add_column(column, justify="right")
    for name in sorted(done.total):
        table.add_row(plain(name), f"{done.images.get(name, 0):,}", f"{done.total[name]:,}")
    each = counted(wanted.per_image, "reader", "readers")
    among = f", {counted(len(controls), 'control', 'controls')} hidden among them" if controls else ""
    console.print(f"{plain(wanted.name)}: {counted(len(uids), 'image', 'images')} with {each} each{among}")
    console.print(table)
    if done.short:
        console.print(
            f"[yellow]{counted(len(done.short), 'image lacks', 'images lack')} readers[/]: the others read them "
            "already. Add readers and assign once more.",
            soft_wrap=True,
        )


def set_closed(project_folder: Path, name: str, closed: bool) -> None:
    """End a round, or go on with it."""
    with Project.open(project_folder) as project:
        name = name or StudySetup(project, user()).round_name()
        if closed:
            project.rounds.close(name, by=user())
        else:
            project.rounds.open_again(name, by=user())
    said = "closed: its readings stay as they are, and may be seen by its readers" if closed else "open again"
    console.print(f"{plain(name)} is {said}.")


def _round(project: Project, wishes: Wishes) -> Round:
    name = wishes.round or StudySetup(project, user()).round_name()
    asked: dict[str, Any] = {key: value for key, value in wishes.conditions.items() if value is not None}
    if wishes.reveal:
        try:
            asked["reveal"] = Reveal(wishes.reveal)
        except ValueError as error:
            raise ProjectError(f"--reveal {wishes.reveal}: give 'closed' or 'submitted'.") from error
    return replace(project.rounds.get(name) or Round(name), **asked)


def _query(wishes: Wishes) -> Query:
    filters: dict[str, list[str]] = {"excluded": ["no"]}
    for text in wishes.filters:
        column, equals, value = text.partition("=")
        if not equals:
            raise QueryError({"--filter": f"'{text}' is not of the form COLUMN=VALUE, such as view=PA."})
        filters.setdefault(column.strip(), []).append(value.strip())
    return Query(wishes.text, filters)


def _controls(project: Project, text: str) -> list[str]:
    """The controls of this assignment, registered with their truth."""
    if not text:
        return []
    if Path(text).is_file():
        lines = [line.strip() for line in Path(text).read_text("utf-8").splitlines()]
        uids = [project_image(project, line).uid for line in lines if line]
    else:
        uids = project.controls.with_track(text)
        if not uids:
            known = ", ".join(StudySetup(project, user()).truths()) or "no imports"
            raise ProjectError(f"--controls {text}: there is no such file, and no such track (there are: {known}).")
    tracks: dict[str, list[str]] = {}
    for uid in uids:
        track = project.controls.truth_of(uid) or (text if not Path(text).is_file() else _truth(project, uid))
        tracks.setdefault(track, []).append(uid)
    for track, members in tracks.items():
        project.controls.add(members, track, by=user())
    return uids


def _truth(project: Project, uid: str) -> str:
    for findings in project.tracks(uid):
        if findings.author.kind is AuthorKind.IMPORT:
            return findings.author.key
    raise ProjectError(f"{project.header(uid).path}: its truth is not known. Import it first: import.")
