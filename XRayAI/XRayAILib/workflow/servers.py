"""Servers of radiographs as a person uses them: choose one, check it, search it, retrieve what it found."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.dicom.archive import Query, Study
from XRayAILib.dicom.servers import Servers
from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.project.project import Project


class RetrievalRefused(RuntimeError):
    """A retrieval that cannot start, and what to do."""


class ServerAccess:
    """Asking servers and retrieving from them, each in a process of its own.

    Attributes
    ----------
    servers
        The person's list.
    asking, retrieving
        The two kinds of work.
    studies
        What the last search found.
    """

    def __init__(self, interpreter: str = sys.executable, servers: Servers | None = None) -> None:
        self.servers = Servers() if servers is None else servers
        self.asking = Work("query", interpreter)
        self.retrieving = Work("retrieve", interpreter)
        self.studies: list[Study] = []
        # Questions and answers name patients who are in no project: they lie where only this person can read, and go.
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def remove(self, name: str) -> None:
        """Take a server out of the list, and its password out of the keyring."""
        from XRayAILib.dicom.credentials import forget

        server = next((server for server in self.servers if server.name == name), None)
        self.servers.remove(name)
        if server is not None:
            forget(server)

    def remember(self, name: str, secret: str) -> None:
        """Put a server's password or token into the keyring."""
        from XRayAILib.dicom.credentials import remember

        remember(self.servers[name], secret)

    def check(self, name: str) -> None:
        """Ask a server whether it is there and lets us in; :meth:`answered` tells."""
        self._ask({"server": self.servers[name].name})

    def search(self, name: str, query: Query) -> None:
        """Search a server; :attr:`studies` and :meth:`answered` tell, once it is over."""
        self.studies = []
        self._ask({"server": self.servers[name].name, "query": asdict(query)})

    def answered(self) -> str:
        """What the server answered, in a sentence."""
        result = self.asking.result or {}
        if "answer" in result:
            return str(result["answer"])
        rows = [{**row, "modalities": tuple(row["modalities"])} for row in result.get("studies", ())]
        self.studies = [Study(**row) for row in rows]
        count = len(self.studies)
        if result.get("cut"):
            return f"The first {count} studies; there are more: search for less."
        return f"{counted(count, 'study', 'studies')} found."

    def retrieve(self, project: Project, name: str, study_uids: Sequence[str]) -> None:
        """Begin to fetch studies into a project.

        Raises
        ------
        RetrievalRefused
            No study is chosen.
        """
        if not study_uids:
            raise RetrievalRefused("No study is chosen: search, then select some in the table.")
        options = {"server": self.servers[name].name, "studies": list(study_uids)}
        self.retrieving.begin(project.folder, options)

    def retrieved(self) -> str:
        """What the last retrieval did, in a sentence."""
        result = self.retrieving.result or {}
        return f"{result.get('text', '')}; {result.get('added', 0)} new in the project."

    def left_out(self) -> list[tuple[str, str]]:
        """(path or source, reason) of all that did not come or was not taken in by the last retrieval."""
        result = self.retrieving.result or {}
        rows = [*result.get("failed", ()), *result.get("unreadable", ())]
        return [(str(path), str(reason)) for path, reason in rows] + [
            ("not asked for", str(reason)) for reason in result.get("refused", ())
        ]

    def close(self) -> None:
        """Stop asking, and forget the answers. A retrieval goes on until whoever shows it stops it."""
        self.asking.stop()
        self.asking.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _ask(self, options: dict[str, object]) -> None:
        if not self.asking.running:
            self.close()
            self._folder = tempfile.TemporaryDirectory(prefix="xrayai-", ignore_cleanup_errors=True)
        assert self._folder is not None
        place = Path(self._folder.name)
        self.asking.begin(place, options, place)
