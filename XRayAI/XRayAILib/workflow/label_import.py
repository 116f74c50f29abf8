"""Import: labels that were made elsewhere, taken into the project all or none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

SHOWN = 3
"""Sentences that the outcome names; the report has all."""
KINDS = (("faulty", "Faults"), ("unmatched", "Not in this project"), ("notes", "Notes"))


class ImportRefused(RuntimeError):
    """An import that cannot start, and what to do."""


class LabelImport:
    """Imports into one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("import_labels", interpreter)

    def start(
        self,
        project: Project,
        source: Path,
        extend: bool = False,
        leave_out_faulty: bool = False,
        dry_run: bool = False,
    ) -> None:
        """Begin.

        Parameters
        ----------
        source
            File or folder of labels; what it is, is found out by its content.
        extend, leave_out_faulty, dry_run
            See :func:`XRayAILib.exchange.labels.import_labels`.
        """
        if not project.count():
            raise ImportRefused("The project has no radiographs yet: add those that the labels are of first.")
        options = {"extend": extend, "leave_out_faulty": leave_out_faulty, "dry_run": dry_run}
        self.work.begin(project.folder, {"source": str(Path(source).resolve()), **options})

    @property
    def refused(self) -> bool:
        """Whether the last import took nothing, because of faults."""
        return bool((self.work.result or {}).get("refused"))

    def outcome(self) -> str:
        """What the last import did, in a line, and the first of what it has to say."""
        result = self.work.result or {}
        said = [str(sentence) for key, _ in KINDS for sentence in result.get(key, ())]
        rest = [f"... and {len(said) - SHOWN} more."] if len(said) > SHOWN else []
        summary = str(result.get("summary", ""))
        return "\n".join([summary[:1].upper() + summary[1:], *said[:SHOWN], *rest])

    def report(self) -> str:
        """Everything that the last import has to say; empty where there is nothing."""
        result = self.work.result or {}
        lines: list[str] = []
        for key, title in KINDS:
            if result.get(key):
                lines += [f"{title}:", *(str(sentence) for sentence in result[key]), ""]
        return "\n".join(lines).strip()
