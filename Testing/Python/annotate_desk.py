"""Fixtures: Slicer with both modules and a project on the desk, for the tests of the annotation panel and its effects.

A test file takes them with ``pytest_plugins = ["annotate_desk"]``.
"""

from __future__ import annotations

import pytest

from annotate_clicks import ANNOTATE, XRAYAI
from mouse import Mouse
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

MODEL = Author.model("lungs", "0" * 64)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 3, seed=5, size=(256, 224))


@pytest.fixture
def project_folder(phantoms, tmp_path):
    """A project of three radiographs, the first of them with a prediction."""
    with Project.create(tmp_path / "project") as project:
        take_in(project, [phantoms[0].path.parent])
        uid = project.images()[0].uid
        heart = next(p for p in phantoms if p.uid == uid).findings.of(Mask, "heart")[0]
        project.save(Findings(uid, heart.shape, MODEL, (heart.derived(MODEL, score=0.9),)))
        return project.folder


@pytest.fixture
def slicer_with_modules(desktop):
    """Slicer with both modules, nothing opened."""
    desktop.load_module(XRAYAI)
    from XRayAIPanel.desk import leave_desk

    yield desktop
    for container in list(desktop._opened):
        desktop.close(container.self())
    leave_desk()


@pytest.fixture
def panel(slicer_with_modules, project_folder):
    """The panel, entered by anna, who worked on the project before."""
    import qt

    from XRayAIPanel.desk import READER
    from XRayAIPanel.last_project import LAST_PROJECT

    qt.QSettings().setValue(LAST_PROJECT, str(project_folder))
    qt.QSettings().setValue(READER, "anna")
    return slicer_with_modules.open_module(ANNOTATE)


@pytest.fixture
def mouse(panel, desktop_host):
    return Mouse(desktop_host, panel.desk.viewer.volume_node)
