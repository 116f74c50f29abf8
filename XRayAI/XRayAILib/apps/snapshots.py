"""Snapshots of the labelled data set from the terminal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.project.project import Project
from XRayAILib.project.snapshot import Snapshot

LINES = 10
"""Images that a difference names, of each kind."""


def create_snapshot(folder: Path, name: str) -> None:
    """Make a snapshot and print its hash."""
    step = Step(1, "Snapshot")
    with Project.open(folder) as project, running(step) as bar:
        before = {snapshot.digest for snapshot in project.snapshots.all()}
        made = project.snapshots.create(name, progress=bar.show)
        there = "; this state had one already" if made.digest in before else ""
        step.result = f"{len(made.images)} labelled images{there}"
    console.print(made.digest, soft_wrap=True)


def list_snapshots(folder: Path) -> None:
    """A line for each."""
    with Project.open(folder) as project:
        snapshots, damaged = project.snapshots.all(), project.snapshots.damaged()
    table = Table(box=None, pad_edge=False)
    for column in ("Hash", "Name", "Made", "By", "Images"):
        table.add_column(column, justify="right" if column == "Images" else "left")
    for each in snapshots:
        table.add_row(each.short, plain(each.name), each.created, plain(each.made_by), f"{len(each.images):,}")
    if snapshots:
        console.print(table)
    elif not damaged:
        console.print("There are no snapshots yet. Make one with: xrayai snapshot create --project ...")
    for reason in damaged:
        console.print(f"[bold red]damaged[/]  {plain(reason)}", soft_wrap=True)


def show_snapshot(folder: Path, text: str) -> None:
    """What a snapshot holds."""
    with Project.open(folder) as project:
        found = project.snapshots.find(text)
    parts = Counter(image.split or "no part" for image in found.images)
    tracks = Counter(key for image in found.images for key in image.tracks)
    references = Counter(image.reference or "nobody" for image in found.images)
    rows = [
        ("Hash", found.digest),
        ("Name", found.name or "-"),
        ("Made", f"{found.created} by {found.made_by}"),
        ("Images", f"{len(found.images):,} ({_counts(parts)})"),
        ("Labels", f"{found.schema.name}: {', '.join(label.name for label in found.schema)}"),
        ("Says", _counts(tracks)),
        ("Counts as true", _counts(references)),
        ("Readers", ", ".join(f"{r['name']} ({r['roles']})" for r in found.readers) or "nobody registered"),
    ]
    for name, value in rows:
        console.print(f"[bold]{name:<15}[/] {plain(value)}", soft_wrap=True)


def compare_snapshots(folder: Path, first: str, second: str) -> bool:
    """Print what is different, in ``second`` or in the project as it is now; whether nothing is."""
    with Project.open(folder) as project:
        one = project.snapshots.find(first)
        other = project.snapshots.find(second) if second else project.snapshots.now()
        found = project.snapshots.diff(one, other)
    for words, names in (
        ("images are new", found.added),
        ("images are gone", found.removed),
        ("tracks say something else", tuple(f"{uid} {key}" for uid, key in found.tracks)),
        ("images have another part", found.splits),
        ("images count another track as true", found.references),
        ("images have other pixels, or a file of another time", found.pixels),
    ):
        if names:
            console.print(f"[bold]{len(names):,}[/] {words}", soft_wrap=True)
            for name in names[:LINES]:
                console.print(f"  {plain(name)}", soft_wrap=True)
            if len(names) > LINES:
                console.print(f"  and {len(names) - LINES:,} more")
    for words, is_different in (("The labels", found.schema), ("The readers", found.readers)):
        if is_different:
            console.print(f"{words} are different.")
    if found.none:
        console.print(f"Nothing is different: both are {one.short}.")
    return found.none


def verify_snapshots(folder: Path, text: str) -> bool:
    """Print what is wrong with one snapshot or with any; whether nothing is."""
    is_whole = True
    with Project.open(folder) as project:
        if not text:
            for reason in project.snapshots.damaged():
                console.print(f"[bold red]damaged[/]  {plain(reason)}", soft_wrap=True)
                is_whole = False
        for number, each in enumerate([project.snapshots.find(text)] if text else project.snapshots.all(), start=1):
            step = Step(number, each.short)
            with running(step) as bar:
                step.notes = project.snapshots.verify(each, bar.show)
                step.result = _verdict(each, step.notes)
            is_whole = is_whole and not step.notes
    return is_whole


def _verdict(snapshot: Snapshot, problems: list[str]) -> str:
    if problems:
        return f"{len(problems):,} problems"
    return f"whole: {len(snapshot.images):,} images with all that was said of them"


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in sorted(found.items()))
