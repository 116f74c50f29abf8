"""The terminal: a line of result per step, and a bar with the time left while it runs."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from XRayAILib.workflow.report import duration

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

LINE_SECONDS = 15.0
"""Between two lines of progress where there is no terminal, in a log for example."""


def prepare_streams() -> None:
    """Let what a terminal or a file cannot write become "?" there, instead of the end of the command.

    Output that is no terminal has the encoding of the system, which on Windows lacks most of the world's letters. It
    has no width either, so that nothing in it is cut short.
    """
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 10_000
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def as_json(document: object, indent: int | None = 1) -> str:
    """JSON for other programs; with escapes where the standard output cannot write all letters."""
    letters = (sys.stdout.encoding or "").lower().startswith("utf")
    return json.dumps(document, ensure_ascii=not letters, indent=indent)


def plain(text: str) -> str:
    """Text from outside, such as a file's name, for the terminal: shown as it is, without markup or control codes."""
    return escape("".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text))


def one_line(text: str) -> str:
    """As :func:`plain`, and a line break in a file's name does not look like the end of the message."""
    return plain(text.replace("\n", "\\n"))


@dataclass
class Step:
    """One step of a longer job: what came of it, and how long it took.

    Attributes
    ----------
    result
        One line for the person.
    notes
        More lines, for what went another way than expected.
    """

    number: int
    name: str
    result: str = ""
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Bar:
    """The progress of a running step: a bar on a terminal, and elsewhere a line now and then."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._told = time.monotonic()

    def show(self, done: float, total: float, message: str = "") -> None:
        """Say that ``done`` of ``total`` parts are done; a total of 0 is one that nobody knows yet."""
        self._progress.update(self._task, completed=done, total=total or None, message=plain(message))
        if not console.is_terminal and time.monotonic() - self._told > LINE_SECONDS:
            self._told = time.monotonic()
            share = f"{done / total:4.0%}  " if total else ""
            console.print(f"{'':14} {share}{message}", soft_wrap=True, markup=False)


@contextmanager
def running(step: Step) -> Iterator[Bar]:
    """Show ``step`` while the body runs, and its result line afterwards."""
    begun = time.monotonic()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]{task.fields[message]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"{step.number} {step.name:<12}", total=None, message="")
        yield Bar(progress, task)
    step.seconds = time.monotonic() - begun
    console.print(
        f"[bold]{step.number} {step.name:<12}[/] {plain(step.result)}  [dim]{duration(step.seconds)}[/]",
        soft_wrap=True,
    )
    for note in step.notes:
        console.print(f"{'':14} [yellow]{plain(note)}[/]", soft_wrap=True)
