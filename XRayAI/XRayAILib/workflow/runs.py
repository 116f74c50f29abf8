"""Runs: the trainings of a project side by side, also those that were stopped or failed.

::

    runs = project_runs(project)
    table = run_table(runs)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.workflow.job import EVENTS, REQUEST

if TYPE_CHECKING:
    from XRayAILib.learning.metric import Metric
    from XRayAILib.project.project import Project

Curve = list[tuple[float, float]]
NOT_COMPARED = ("name", "task", "preset", "network", "device", "threads", "logs", "pictures", "snapshot", "labels")
"""Settings that are no columns of their own: they stand elsewhere, or change nothing of what is learnt."""
LOCK = "lock"


class NoRunError(RuntimeError):
    """There is no such run, and which there are."""


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes
    ----------
    key
        By which a person names it: the model it made, or its job.
    state
        ``finished``, ``running``, ``stopped``, ``failed``, or ``interrupted`` where it ended without a word.
    why
        Of one that failed.
    epochs, planned
        Done, and asked for.
    best_score
        Of the validation part.
    figure
        The score on the test part: ``value``, ``low``, ``high``; empty before there is one.
    seconds
        ``None`` where nobody knows.
    curves
        Name -> (epoch, value).
    """

    key: str
    name: str
    state: str
    created: str
    config: Mapping[str, Any]
    why: str = ""
    epochs: int = 0
    planned: int = 0
    best_score: float | None = None
    figure: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    device: str = ""
    snapshot: str = ""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    model: str = ""
    digest: str = ""
    job: str = ""

    @property
    def task(self) -> str:
        return str(self.config.get("task", "segmentation"))

    @property
    def score(self) -> Metric | None:
        """What it is judged by; ``None`` for a task that this version does not have."""
        from XRayAILib.learning.errors import TrainingError
        from XRayAILib.learning.task import task_class

        try:
            return task_class(self.task).score
        except TrainingError:
            return None


def project_runs(project: Project) -> list[Run]:
    """All trainings of which something is left, the newest first."""
    models = dict(_models(project.models_folder))
    found = []
    for folder in sorted(path.parent for path in project.jobs_folder.glob(f"*/{REQUEST}")):
        run = _job_run(folder)
        if run is None:
            continue
        made = models.get(run.model)
        # Another training may have made a model of this name since.
        if made is not None and made.digest == run.digest:
            del models[run.model]
            run = Run(**{**vars(made), "planned": run.planned or made.planned, "job": run.job})
        found.append(run)
    # Those whose job is gone.
    return sorted([*found, *models.values()], key=lambda run: run.created, reverse=True)


def chosen_runs(runs: Sequence[Run], names: Sequence[str]) -> list[Run]:
    """The runs of these names, in this order; without names, all of the newest run's task.

    Raises
    ------
    NoRunError
        A name fits none, or the runs are of different tasks.
    """
    if not runs:
        raise NoRunError("The project has no trainings yet.")
    if not names:
        return [run for run in runs if run.task == runs[0].task]
    chosen = []
    for name in names:
        fitting = [run for run in runs if Path(name).name in (run.key, run.job, run.model)]
        if not fitting:
            raise NoRunError(f"There is no training '{name}'; there are {', '.join(run.key for run in runs)}.")
        chosen.append(fitting[0])
    tasks = {run.task: run.key for run in chosen}
    if len(tasks) > 1:
        listed = ", ".join(f"{key} does {task}" for task, key in tasks.items())
        raise NoRunError(f"Trainings of different tasks cannot be compared: {listed}.")
    return chosen


def differing(runs: Sequence[Run]) -> list[str]:
    """The settings by dotted names that are not the same in all of these runs."""
    from XRayAILib.learning.logs.plain import plain_settings

    plain = [plain_settings(run.config) for run in runs]
    names = dict.fromkeys(name for settings in plain for name in settings)
    return [
        name
        for name in names
        if name.partition(".")[0] not in NOT_COMPARED and len({settings.get(name) for settings in plain}) > 1
    ]


COLUMNS = (
    *("Name", "State", "Task", "Preset", "Network", "Epochs", "Validation", "Test", "Minutes", "Device"),
    *("Date", "Snapshot"),
)


def run_table(runs: Sequence[Run], settings: Sequence[str] = ()) -> tuple[list[str], list[list[str]]]:
    """Column titles and a row of texts for each run; ``settings`` become columns too."""
    from XRayAILib.learning.logs.plain import plain_settings

    rows = []
    for run in runs:
        plain = plain_settings(run.config)
        rows.append([*_cells(run), *(plain.get(name, "") for name in settings)])
    return [*COLUMNS, *settings], rows


def run_document(run: Run) -> dict[str, Any]:
    """As plain mappings and lists."""
    return {**vars(run), "task": run.task, "curves": {name: list(points) for name, points in run.curves.items()}}


def _cells(run: Run) -> list[str]:
    score, figure = run.score, run.figure
    test = validation = ""
    if score is not None:
        if run.best_score is not None:
            validation = f"{score.title} {score.text(run.best_score)}"
        if figure.get("value") is not None:
            test = f"{score.title} {score.text(float(figure['value']))}"
            if figure.get("low") is not None and figure.get("high") is not None:
                test += f" ({figure['low']:.{score.digits}f} to {figure['high']:.{score.digits}f})"
    epochs = f"{run.epochs} of {run.planned}" if run.planned > run.epochs else str(run.epochs)
    minutes = "" if run.seconds is None else f"{run.seconds / 60:.1f}"
    network = str(run.config.get("network", ""))
    date = run.created[:16].replace("T", " ")
    preset = str(run.config.get("preset", ""))
    cells = [run.key, run.state, run.task, preset, network, epochs, validation, test, minutes, run.device, date]
    return [*cells, run.snapshot[:8]]


def _models(folder: Path) -> Iterator[tuple[str, Run]]:
    """The trainings that made the models which are there; one that cannot be read is not told of here."""
    from XRayAILib.learning.errors import TrainingError
    from XRayAILib.learning.models.manifest import HISTORY, MANIFEST, read_manifest

    for path in sorted(folder.glob(f"*/{MANIFEST}")):
        place = path.parent
        if place.name.startswith("."):
            continue
        try:
            manifest = read_manifest(place)
            if manifest.get("foreign") is not None:
                continue
            history = json.loads((place / HISTORY).read_text("utf-8")) if (place / HISTORY).is_file() else []
            yield place.name, _model_run(place.name, manifest, history)
        except (TrainingError, OSError, ValueError, TypeError, AttributeError):
            # ``models list`` says which models are refused, and why.
            continue


def _model_run(key: str, manifest: Mapping[str, Any], history: Sequence[Mapping[str, float]]) -> Run:
    config, made = dict(manifest["config"]), dict(manifest.get("training", {}))
    run = Run(
        key=key,
        name=str(manifest["name"]),
        state="finished",
        created=str(manifest.get("created", "")),
        config=config,
        epochs=int(made.get("epochs", len(history))),
        planned=int(config.get("epochs", 0)),
        best_score=made.get("best_score"),
        seconds=made.get("seconds"),
        device=str(made.get("device", "")),
        snapshot=str(made.get("snapshot", "")),
        curves=_curves(history),
        model=key,
        digest=str(manifest.get("digest", "")),
    )
    overall = manifest.get("metrics", {}).get("overall", {})
    return Run(**{**vars(run), "figure": overall.get(run.score.name, {}) if run.score else {}})


def _curves(history: Sequence[Mapping[str, float]]) -> dict[str, Curve]:
    found: dict[str, Curve] = {}
    for entry in history:
        for name, value in entry.items():
            if name != "epoch":
                found.setdefault(name, []).append((float(entry["epoch"]), float(value)))
    return found


def _job_run(folder: Path) -> Run | None:
    """The training of a job's folder; ``None`` where it is another kind of job, or its request is damaged."""
    try:
        request = json.loads((folder / REQUEST).read_text("utf-8"))
        config = dict(request["options"]["config"])
        if request["kind"] != "train":
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    state, told = "interrupted", dict[str, Any]()
    points: dict[str, dict[float, float]] = {}
    for event in _events(folder / EVENTS):
        kind = event.get("event")
        if kind == "metric" and event["name"] != "loss/step":
            points.setdefault(event["name"], {})[float(event["step"])] = float(event["value"])
        elif kind in ("plan", "device", "result", "error"):
            told[kind] = event
        elif kind == "cancelled":
            state = "stopped"
    if "error" in told:
        state = "failed"
    elif "result" in told:
        state = "finished"
    elif state == "interrupted" and _held(folder / LOCK):
        state = "running"
    result = told.get("result", {})
    curves = _curves(result["history"]) if "history" in result else {n: sorted(p.items()) for n, p in points.items()}
    begun = _begun(folder)
    run = Run(
        key=folder.name,
        name=str(config.get("name", "")),
        state=state,
        created=begun.isoformat(timespec="seconds"),
        config=config,
        why=str(told.get("error", {}).get("message", "")),
        epochs=int(max((points[-1][0] for points in curves.values()), default=0)),
        planned=int(told.get("plan", {}).get("epochs", config.get("epochs", 0))),
        figure=result.get("metrics", {}).get("overall", {}).get(result.get("score_name"), {}),
        seconds=result.get("seconds", _lasted(folder)),
        device=str(told.get("device", {}).get("device", config.get("device", ""))),
        snapshot=str(config.get("snapshot", "")),
        curves=curves,
        model=Path(str(result["model"])).name if result.get("model") else "",
        digest=str(result.get("digest", "")),
        job=folder.name,
    )
    return Run(**{**vars(run), "best_score": _best(run)})


def _events(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            # The last line of a job that was killed, or that writes at this moment.
            continue
        if isinstance(event, dict):
            yield event


def _best(run: Run) -> float | None:
    best: float | None = None
    for _, value in run.curves.get(f"{run.score.name}/validation", ()) if run.score else ():
        if run.score is not None and run.score.improves(value, best):
            best = value
    return best


def _begun(folder: Path) -> datetime:
    """When the job was made, in UTC: its folder says so; of one with another name, when it last began."""
    try:
        moment = datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").astimezone()
    except ValueError:
        moment = datetime.fromtimestamp((folder / REQUEST).stat().st_mtime).astimezone()
    return moment.astimezone(timezone.utc)


def _lasted(folder: Path) -> float | None:
    """Seconds from its last start to its last word."""
    try:
        return max(0.0, (folder / EVENTS).stat().st_mtime - (folder / REQUEST).stat().st_mtime)
    except OSError:
        return None


def _held(path: Path) -> bool:
    """Whether a process works in the job's folder."""
    from XRayAILib.project.lock import lock

    if not path.exists():
        return False
    try:
        with lock(path) as free:
            return not free
    except OSError:
        # In a project that is only read nobody trains.
        return False
