"""Whether this machine can draw without a screen, and what to install where it cannot."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

_PROBE = """
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
window = vtkRenderWindow()
window.SetOffScreenRendering(1)
window.SetSize(8, 8)
window.AddRenderer(vtkRenderer())
window.Render()
print("drawn by", window.GetClassName(), flush=True)
"""

_WAY_OUT = {
    "linux": (
        "Install a software OpenGL: on Debian or Ubuntu 'apt install libegl1 libgl1-mesa-dri' (or 'libosmesa6'), "
        "on Fedora 'dnf install mesa-libEGL mesa-dri-drivers' (or 'mesa-libOSMesa')."
    ),
    "darwin": "Log in at the machine's screen once: macOS draws only for a user who is logged in.",
    "win32": "Update the graphics driver, or start from a desktop session that has OpenGL 3.2.",
}


class NoDrawingError(RuntimeError):
    """Nothing can be drawn off-screen on this machine, with the name of what is missing."""


@functools.cache
def drawing_window() -> str:
    """The VTK window class that draws off-screen here, such as ``vtkEGLRenderWindow``.

    VTK ends the whole process where it finds no OpenGL (measured, VTK 9.6), so a child process tries first.

    Raises
    ------
    NoDrawingError
        With the system package to install.
    """
    environment = dict(os.environ)
    if sys.platform.startswith("linux") and not environment.get("DISPLAY"):
        # Without an X server only these two are left; VTK takes OSMesa where EGL does not start.
        environment.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    first = _drawn_by(environment)
    if not first and environment.get("VTK_DEFAULT_OPENGL_WINDOW") == "vtkEGLRenderWindow":
        environment["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkOSOpenGLRenderWindow"
        first = _drawn_by(environment)
    if not first:
        platform = "linux" if sys.platform.startswith("linux") else sys.platform
        raise NoDrawingError(
            "Pictures cannot be drawn on this machine: no OpenGL for off-screen drawing (EGL or OSMesa) starts. "
            + _WAY_OUT.get(platform, _WAY_OUT["linux"])
        )
    return first


def _drawn_by(environment: dict[str, str]) -> str:
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _PROBE], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    lines = [line for line in tried.stdout.splitlines() if line.startswith("drawn by ")]
    return lines[-1].removeprefix("drawn by ") if tried.returncode == 0 and lines else ""
