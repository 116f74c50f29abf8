"""Commands on servers: list, add, remove, check, login, query, retrieve."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from rich.table import Table

from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.apps.console import as_json as json_text
from XRayAILib.dicom.archive import Query, QueryError, open_server
from XRayAILib.dicom.credentials import remember
from XRayAILib.dicom.retrieval import Transfer
from XRayAILib.dicom.servers import Server, Servers, ServersError
from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.servers import ServerAccess

if TYPE_CHECKING:
    from XRayAILib.project.fetch import Fetched


class NotRetrievedError(RuntimeError):
    """A retrieval that ended early, and why."""


def list_servers() -> None:
    """The person's servers as a table."""
    servers = Servers()
    console.print(f"{counted(len(servers), 'server', 'servers')} in {plain(str(servers.path))}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for column in ("Name", "Kind", "Address", "Login"):
        table.add_column(column, overflow="fold")
    for server in servers:
        login = "" if server.login == "none" else f"{server.login} {server.user}".strip()
        table.add_row(*map(plain, (server.name, server.kind, server.address, login)))
    if table.row_count:
        console.print(table)


def add_server(server: Server, replace: bool) -> None:
    """Put a server into the list."""
    servers = Servers()
    servers.add(server, replace)
    console.print(f"Server {plain(server.name)} is in {plain(str(servers.path))}.", soft_wrap=True)
    if server.login != "none":
        console.print(f"Its {server.login} goes into the keyring: xrayai servers login {plain(server.name)}")


def remove_server(name: str) -> None:
    """Take a server out of the list, and its password out of the keyring."""
    ServerAccess().remove(name)
    console.print(f"Server {plain(name)} is no longer in the list.")


def log_in(name: str) -> None:
    """Ask for a server's password or token on the terminal, and put it into the keyring."""
    import getpass

    server = Servers()[name]
    if server.login == "none":
        raise ServersError(f"Server '{name}' wants no login as it is configured: add it again with --login.")
    what = f"Password of {server.user}" if server.login == "password" else "Token"
    # Through a pipe, for scripts: nothing of it is shown or kept in a history then either.
    secret = getpass.getpass(f"{what} at {name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise ServersError("Nothing was entered, so nothing was changed.")
    remember(server, secret)
    console.print(f"The {server.login} of {plain(name)} is in the keyring of this machine.")


def check_server(name: str) -> None:
    """Ask a server whether it is there and lets us in."""
    with open_server(Servers()[name]) as archive:
        console.print(f"{plain(name)}: {plain(archive.echo())}", soft_wrap=True)


def query_server(name: str, query: Query, as_json: bool) -> None:
    """Print the studies that a server finds."""
    with open_server(Servers()[name]) as archive:
        found = archive.find(query)
    if as_json:
        sys.stdout.write(json_text([asdict(study) for study in found.studies]) + "\n")
        return
    more = " (the first ones; search for less)" if found.cut else ""
    console.print(f"{counted(len(found.studies), 'study', 'studies')}{more}")
    for study in found.studies:
        name, date, kind, images, description = map(plain, study.cells())
        patient = " ".join(dict.fromkeys((plain(study.patient_id), name))).strip()
        # The UID is there to be copied, so it stands alone and is never broken.
        console.print(f"{date:10}  {kind:6}  {images:>4} images  {patient}  [dim]{description}[/]", soft_wrap=True)
        console.print(f"{'':10}  {plain(study.uid)}", soft_wrap=True)


def retrieve_studies(project_folder: Path, name: str, studies: list[str], series: list[str]) -> None:
    """Fetch studies into a project, which is made where there is none; Ctrl-C stops, and the next run goes on."""
    from XRayAILib.apps.learn import JobStoppedError
    from XRayAILib.project.fetch import fetch
    from XRayAILib.project.project import Project

    if series and len(studies) != 1:
        raise ServersError("--series goes with one study: name the study that they are in.")
    with Project.open_or_create(project_folder) as project, open_server(Servers()[name]) as archive:
        step = Step(1, "Retrieve")
        with running(step) as bar, _stop_on_interrupt() as stop:

            def progress(state: Transfer, which: str) -> None:
                bar.show(state.done, state.total, f"{which}: {state.text}" if which else state.text)

            fetched = fetch(project, archive, studies, series, progress, stop.is_set)
            step.result = f"{fetched.text}; {fetched.intake.added} new in the project"
            step.notes = _notes(fetched)
    if fetched.error:
        raise NotRetrievedError(fetched.error)
    if fetched.cancelled:
        raise JobStoppedError("Stopped; the same command goes on from here.")


def parse_dates(text: str) -> tuple[str, str]:
    """``FROM..TO``, ``FROM..``, ``..TO`` or one day, as two ISO dates; an empty one is open."""
    if not text:
        return "", ""
    first, dots, last = text.partition("..")
    if ".." in last:
        raise QueryError(f"'{text}' is no range of dates: write 2024-01-01..2024-03-31.")
    return (first, last) if dots else (first, first)


def _notes(fetched: Fetched, limit: int = 20) -> list[str]:
    rows = [*fetched.failed, *fetched.intake.unreadable]
    notes = [f"{path}: {reason}" for path, reason in rows[:limit]]
    if len(rows) > limit:
        notes.append(f"... and {len(rows) - limit} more: xrayai list --left-out shows them all.")
    return notes + fetched.refused


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """The first Ctrl-C asks for an end, so that what came is kept; the second one ends at once."""
    stop = threading.Event()

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
