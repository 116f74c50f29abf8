"""The job ``agreement``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Compare the readers of a project and write the report; with ``consensus`` also make and save that.

    Options: ``wishes`` (:meth:`Wishes.document`), ``out`` (folder of the report), ``consensus`` (``majority`` or
    ``staple``), ``points`` (``mean`` or ``median``).
    """
    from XRayAILib.findings.consensus import Regions
    from XRayAILib.findings.consensus_points import Centre
    from XRayAILib.project.project import Project
    from XRayAILib.workflow.agreement.agreement import compare_readers
    from XRayAILib.workflow.agreement.consensus import make_consensus
    from XRayAILib.workflow.agreement.figures import figures_of
    from XRayAILib.workflow.agreement.report import notes_of, write_agreement
    from XRayAILib.workflow.agreement.wishes import Wishes

    shown = 0.0

    def progress(done: int, total: int, text: str, left: float | None = None) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.2 or done == total:
            shown = time.monotonic()
            emit(progress_event("agreement", done, total, text, left))

    wishes = Wishes.from_document(options.get("wishes", {}))
    result: dict[str, Any] = {}
    with Project.open(project_folder) as project:
        study = compare_readers(project, wishes, progress, cancelled)
        figures = figures_of(study)
        out = Path(options["out"]) if options.get("out") else project.exports_folder / "agreement"
        page = write_agreement(project, study, figures, out, progress)
        result.update(page=str(page), images=len(study.images), figures=len(figures), notes=notes_of(study, figures))
        if options.get("consensus"):
            rule, centre = Regions(options["consensus"]), Centre(options.get("points", "mean"))
            made = make_consensus(project, wishes, rule, centre, True, progress, cancelled)
            result.update(consensus=made.images, left_open=[list(note) for note in made.notes], track=made.track)
    return result
