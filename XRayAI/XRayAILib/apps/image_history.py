"""The commands ``history`` and ``comments``: what became of an image, how long it took, what people say about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.check import project_image
from XRayAILib.apps.console import as_json as json_text
from XRayAILib.apps.console import console, one_line, plain
from XRayAILib.project.changes import in_words
from XRayAILib.project.comments import Said, Thread
from XRayAILib.project.history import clock
from XRayAILib.project.past import Revision
from XRayAILib.project.project import Project
from XRayAILib.project.reviews import Step


def show_history(project_folder: Path, image: str, as_json: bool) -> None:
    """Every saved change and step of the review of an image, the newest first, and the working time of each reader."""
    with Project.open(project_folder) as project:
        uid = project_image(project, image).uid
        schema = project.schema
        revisions = list(reversed(project.revisions(uid)))
        seconds = project.times.of_image(uid)
        steps = project.reviews.log(uid)

        def words(revision: Revision) -> str:
            # A step of the review says it already: each of the objects is so now.
            told = [change for change in revision.changes if not (revision.note and change.is_status)]
            return in_words(told, lambda name: schema[name].title if name in schema else name)

        rows = [
            {
                "revision": revision.id,
                "time": revision.time,
                "track": revision.track,
                "saved_by": revision.saved_by,
                "note": revision.note,
                "change": words(revision),
            }
            for revision in revisions
        ]
        # Of one second, a step comes after the change that it is about, and the last step first.
        rows = [*(_row(step) for step in reversed(steps) if not _is_told(step, revisions)), *rows]
        rows.sort(key=lambda row: (str(row["time"]), int(str(row["revision"]))), reverse=True)
    if as_json:
        print(json_text({"uid": uid, "seconds": seconds, "revisions": rows}))
        return
    times = ", ".join(f"{plain(_name(who))} {_minutes(found)}" for who, found in seconds.items())
    console.print(f"Working time: {times or 'none yet'}")
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for title in ("No", "When", "Who", "Change"):
        table.add_column(title, overflow="fold")
    for row in rows:
        who = _name(str(row["track"])) + (
            f" - {_name(str(row['saved_by']))}" if row["saved_by"] != row["track"] else ""
        )
        change = "; ".join(str(part) for part in (row["note"], row["change"]) if part)
        table.add_row(str(row["revision"]), clock(str(row["time"])), plain(who), plain(change))
    console.print(table)


def _is_told(step: Step, revisions: Sequence[Revision]) -> bool:
    """Whether a step of the review stands at a saved change; where nothing is drawn it changes nothing."""
    later = [one for one in revisions if one.track == step.track and one.id > step.revision]
    return bool(later) and min(later, key=lambda one: one.id).note == step.words


def _row(step: Step) -> dict[str, Any]:
    told = {"note": step.words, "change": ""}
    return {"revision": step.revision, "time": step.time, "track": step.track, "saved_by": step.who, **told}


def show_comments(project_folder: Path, image: str, only_open: bool, as_json: bool) -> None:
    """What people say about an image and its objects, or about all images of the project."""
    with Project.open(project_folder) as project:
        uid = project_image(project, image).uid if image else ""
        threads = [thread for thread in project.comments.threads(uid) if not (only_open and thread.resolved)]
    if as_json:
        print(json_text([_document(thread) for thread in threads]))
        return
    console.print(f"{len(threads):,} comment{'' if len(threads) == 1 else 's'}", style="italic")
    for thread in threads:
        about = f", object {thread.object_id}" if thread.object_id else ""
        console.print(f"{one_line(thread.uid)}{about}{' (resolved)' if thread.resolved else ''}", soft_wrap=True)
        for entry in thread.entries:
            text = plain(entry.text) if entry.what is Said.COMMENT else f"({entry.what.value})"
            console.print(f"  {plain(entry.name)}, {clock(entry.time)}: {text}", soft_wrap=True)


def _document(thread: Thread) -> dict[str, Any]:
    entries = [{"what": e.what.value, "who": e.who, "time": e.time, "text": e.text} for e in thread.entries]
    return {
        "thread": thread.id,
        "uid": thread.uid,
        "object": thread.object_id,
        "resolved": thread.resolved,
        "entries": entries,
    }


def _name(key: str) -> str:
    return key.partition(":")[2]


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
