"""The job ``import_labels``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_of


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Import labels into a project, all or none; stopped, nothing is imported.

    Options: ``source`` (file or folder), ``extend``, ``leave_out_faulty`` and ``dry_run`` as
    :func:`XRayAILib.exchange.labels.import_labels` has them.
    """
    from XRayAILib.exchange.labels import import_labels
    from XRayAILib.project.project import Project

    with Project.open(project_folder) as project:
        report = import_labels(
            project,
            Path(options["source"]),
            extend_schema=bool(options.get("extend")),
            leave_out_faulty=bool(options.get("leave_out_faulty")),
            dry_run=bool(options.get("dry_run")),
            progress=progress_of("import", emit, cancelled),
        )
    return {
        "summary": report.summary,
        "refused": report.refused,
        "dry_run": report.dry_run,
        "faulty": [reason for skipped in report.faulty for reason in skipped.reasons],
        "unmatched": [reason for skipped in report.unmatched for reason in skipped.reasons],
        "notes": list(report.notes),
    }
