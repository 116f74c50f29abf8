"""Starting the MRML core, and what a person is told where it cannot draw."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scene_cases import radiograph
from XRayAILib.scene import drawing, view
from XRayAILib.scene.host import Host, headless
from XRayAILib.scene.volume import show_radiograph


def test_a_machine_that_cannot_draw_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    # VTK without OpenGL ends the process; the child does what VTK would do.
    monkeypatch.setattr(drawing, "_PROBE", "import os; os.abort()")
    drawing.drawing_window.cache_clear()
    try:
        with pytest.raises(drawing.NoDrawingError, match="Pictures cannot be drawn"):
            headless()
    finally:
        drawing.drawing_window.cache_clear()


def test_linux_is_told_the_names_of_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_PROBE", "raise SystemExit(1)")
    monkeypatch.setattr(drawing.sys, "platform", "linux")
    drawing.drawing_window.cache_clear()
    try:
        with pytest.raises(drawing.NoDrawingError, match=r"apt install libegl1.*dnf install mesa-libEGL"):
            drawing.drawing_window()
    finally:
        drawing.drawing_window.cache_clear()


def test_without_drawing_a_scene_can_still_be_filled(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the desktop has its own views")
    blind = headless(drawing=False)
    node = show_radiograph(blind, radiograph())
    view.show(blind, node)
    assert blind.slice_logic.GetSliceCompositeNode().GetBackgroundVolumeID() == node.GetID()
    with pytest.raises(drawing.NoDrawingError, match="no view to draw"):
        view.render(blind)


def test_clearing_leaves_views_and_greys(host: Host) -> None:
    show_radiograph(host, radiograph())
    host.clear()
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert host.slice_node.GetLayoutName() == "Red"
    assert host.scene.GetNodeByID("vtkMRMLColorTableNodeInvertedGrey") is not None


def test_a_model_can_be_loaded_after_a_picture_was_drawn(host: Host) -> None:
    """PyTorch's compiler and Mesa bring an LLVM each; loaded in the wrong order they end the process."""
    if not host.offscreen:
        pytest.skip("the desktop has its own views")
    code = (
        "from XRayAILib.scene import view\n"
        "from XRayAILib.scene.host import headless\n"
        "host = headless()\n"
        "view.render(host, size=(64, 64))\n"
        "import torch._dynamo\n"
        "print('both are there')\n"
    )
    library = Path(view.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(library)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert "both are there" in done.stdout, done.stderr[-2000:]
