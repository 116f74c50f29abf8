"""Radiographs with reference and prediction in a MRML scene, saved, and drawn by Slicer's own slice view."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from XRayAILib.findings.findings import Findings
from XRayAILib.project.project import Project
from XRayAILib.scene.drawing import NoDrawingError
from XRayAILib.scene.host import Host, headless

REFERENCE, PREDICTION = "Reference", "Prediction"
MOST_OTHERS = 4


@dataclass(frozen=True)
class Case:
    """One radiograph in the scene, and what was made of it.

    Attributes
    ----------
    scene
        The ``.mrb`` file.
    pictures
        (caption, PNG file); empty where nothing can be drawn on this machine.
    """

    uid: str
    title: str
    scene: Path
    pictures: tuple[tuple[str, Path], ...]


def choose_cases(project: Project, ranked: Sequence[str], predicted: Sequence[str]) -> list[tuple[str, str]]:
    """(uid, title) of images worth a look.

    Parameters
    ----------
    ranked
        The uids of the test part, the worst first.
    predicted
        All images that the model read; of those that nobody labelled some are taken, spread over the patients.
    """
    chosen: dict[str, str] = {}
    worst_first = [uid for uid in ranked if uid in set(predicted)]
    if worst_first:
        chosen[worst_first[-1]] = "Best of the test part"
        chosen.setdefault(worst_first[len(worst_first) // 2], "Middle of the test part")
        chosen.setdefault(worst_first[0], "Worst of the test part")
    others = predicted or project.labelled()
    outside = {project.header(uid).patient_key: project.header(uid) for uid in others if uid not in set(ranked)}
    kind = "Not labelled" if predicted else "Labelled"
    for number, header in enumerate(list(outside.values())[:MOST_OTHERS], 1):
        chosen.setdefault(header.uid, f"{kind} {number} {header.modality} {header.view}".strip())
    return list(chosen.items())


def make_scenes(
    project: Project, cases: Sequence[tuple[str, str]], folder: Path, progress: Callable[[int, int, str], None]
) -> tuple[list[Case], str]:
    """Put each case (uid, title) into a scene of its own, save it and draw it.

    Returns
    -------
    list of Case, str
        The string says why nothing was drawn, and what to install; empty where all was drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    problem = ""
    try:
        host = headless()
    except NoDrawingError as error:
        host, problem = headless(drawing=False), str(error)
    done = []
    for number, (uid, title) in enumerate(cases):
        progress(number, len(cases), title)
        done.append(_make(host, project, uid, title, folder, draw=not problem))
    progress(len(cases), len(cases), "")
    host.clear()
    return done, problem


def _make(host: Host, project: Project, uid: str, title: str, folder: Path, draw: bool) -> Case:
    from XRayAILib.scene import bundle, layers, view, volume

    host.clear()
    node = volume.show_radiograph(host, project.radiograph(uid), name=title)
    view.show(host, node)
    said: dict[str, Findings | None] = {REFERENCE: project.reference(uid), PREDICTION: project.prediction(uid)}
    shown = {
        name: layers.show_findings(host, node, findings, project.schema, name, editable=False)
        for name, findings in said.items()
        if findings is not None
    }
    stem = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-").lower()
    pictures = []
    for name in shown if draw else ():
        for other, nodes in shown.items():
            layers.set_visible(nodes, other == name)
        path = folder / f"{stem}-{name.lower()}.png"
        view.render(host, path)
        pictures.append((name, path))
    if REFERENCE in shown and PREDICTION in shown:
        # The scene opens with the prediction over the image; the reference is one click away.
        layers.set_visible(shown[REFERENCE], False)
        layers.set_visible(shown[PREDICTION], True)
    scene = folder / f"{stem}.mrb"
    bundle.save(host, scene)
    return Case(uid, title, scene, tuple(pictures))
