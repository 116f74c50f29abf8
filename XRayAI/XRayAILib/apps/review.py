"""The commands ``review``: readings that were submitted are approved or given back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.check import project_image
from XRayAILib.apps.console import as_json as json_text
from XRayAILib.apps.console import console, one_line, plain
from XRayAILib.findings.author import ADJUDICATED, Author
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.project import Project, user
from XRayAILib.project.reviews import ReadingState
from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.reader_study import ReaderStudy


def list_readings(project_folder: Path, state: str, reader: str, as_json: bool) -> None:
    """The readings in a state, the one that came to it first at the top."""
    known = [one.value for one in ReadingState if one is not ReadingState.DRAFT]
    if state not in (*known, "all"):
        raise ProjectError(f"--state {state}: give one of {', '.join(known)} or all.")
    states = [ReadingState(one) for one in (known if state == "all" else [state])]
    with Project.open(project_folder) as project:
        steps = [step for step in project.reviews.in_state(*states) if step.track != ADJUDICATED.key]
        steps = [step for step in steps if reader in ("", _name(step.track))]
        paths = {step.uid: project.header(step.uid).path for step in steps}
    if as_json:
        document = [
            {
                "uid": step.uid,
                "path": paths[step.uid],
                "reader": _name(step.track),
                "state": step.state.value,
                "by": _name(step.who),
                "reason": step.reason,
                "time": step.time,
            }
            for step in steps
        ]
        print(json_text(document))
        return
    console.print(counted(len(steps), "reading", "readings"))
    table = Table(box=None, pad_edge=False)
    for column in ("Reader", "State", "By", "When", "Image", "Reason"):
        table.add_column(column, overflow="fold")
    for step in steps:
        when = step.time[:16].replace("T", " ")
        file = one_line(Path(paths[step.uid]).name)
        table.add_row(
            plain(_name(step.track)), step.state.value, plain(_name(step.who)), when, file, plain(step.reason)
        )
    if steps:
        console.print(table)


def approve(project_folder: Path, images: Sequence[str], reader: str, who: str) -> None:
    """Approve a reader's readings."""
    _each(project_folder, images, reader, who, "approved", lambda study, uid, track: study.approve(uid, track))


def reject(project_folder: Path, images: Sequence[str], reader: str, reason: str, who: str) -> None:
    """Give a reader's readings back."""
    _each(project_folder, images, reader, who, "rejected", lambda study, uid, track: study.reject(uid, track, reason))


def reopen(project_folder: Path, images: Sequence[str], reader: str, reason: str, who: str) -> None:
    """Let a reader go on with readings."""
    _each(project_folder, images, reader, who, "reopened", lambda study, uid, track: study.reopen(uid, track, reason))


def _each(
    project_folder: Path,
    images: Sequence[str],
    reader: str,
    who: str,
    done: str,
    act: Callable[[ReaderStudy, str, str], None],
) -> None:
    with Project.open(project_folder) as project:
        study = ReaderStudy(project, Author.person(who or user()))
        track = Author.person(reader).key
        # All are looked up first: one that is misspelt must not be found after half of the others.
        for image in [project_image(project, named) for named in images]:
            act(study, image.uid, track)
            console.print(f"{plain(reader)}: {done}  {one_line(image.header.path)}", soft_wrap=True)


def _name(key: str) -> str:
    return key.partition(":")[2]
