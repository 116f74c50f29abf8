"""Finding an installed 3D Slicer and starting it with both modules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HOW_TO_GET_IT = (
    "No 3D Slicer was found. Download it from https://download.slicer.org, install or unpack it, and say\n"
    "    xrayai launch --slicer /path/to/Slicer\n"
    "or set the environment variable SLICER_HOME to its folder."
)


class NoSlicerError(RuntimeError):
    """There is no 3D Slicer to start, with the way to get one."""


def module_folders() -> list[Path]:
    """The folders of both modules in this checkout."""
    home = Path(__file__).resolve().parents[3]
    folders = [home / "XRayAI", home / "XRayAIAnnotate"]
    missing = [folder for folder in folders if not (folder / f"{folder.name}.py").exists()]
    if missing:
        raise NoSlicerError(
            f"{missing[0]} is missing: an installed package holds the library only. Start from a checkout of the "
            "project, or install the extension X-Ray AI in Slicer's extension manager."
        )
    return folders


def find_slicer(chosen: Path | None = None) -> Path:
    """The program to start: the one given, of ``SLICER_HOME``, on the path, or the newest of the usual places."""
    if chosen is not None:
        program = _program_in(chosen) if chosen.is_dir() else chosen
        if program is None or not program.is_file():
            raise NoSlicerError(f"{chosen} is no 3D Slicer: give its program file, or the folder that holds it.")
        return program
    home = os.environ.get("SLICER_HOME")
    candidates = [Path(home)] if home else []
    on_path = shutil.which("Slicer")
    if on_path:
        return Path(on_path)
    candidates += sorted(_usual_places(), key=_version, reverse=True)
    for candidate in candidates:
        program = _program_in(candidate)
        if program is not None:
            return program
    raise NoSlicerError(HOW_TO_GET_IT)


def launch(slicer: Path | None = None, arguments: list[str] | None = None) -> subprocess.Popen[bytes]:
    """Start Slicer with both modules and X-Ray AI in front; it goes on when this process ends."""
    program = find_slicer(slicer)
    paths = [str(folder) for folder in module_folders()]
    opening = "import slicer; slicer.util.selectModule('XRayAI')"
    command = [str(program), "--additional-module-paths", *paths, "--python-code", opening, *(arguments or [])]
    # Slicer brings its own Python and must not find this one's packages.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    return subprocess.Popen(command, env=environment, start_new_session=os.name == "posix")


def _usual_places() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        roots = [os.environ.get("LOCALAPPDATA", ""), os.environ.get("PROGRAMFILES", "")]
        parents = [Path(root) / sub for root in roots if root for sub in ("slicer.org", "NA-MIC", "")]
    elif sys.platform == "darwin":
        parents = [Path("/Applications"), home / "Applications"]
    else:
        parents = [home, home / "Downloads", home / "Applications", home / "opt", Path("/opt"), Path("/usr/local")]
    found: list[Path] = []
    for parent in parents:
        if parent.is_dir():
            found += [path for path in parent.glob("[Ss]licer*") if path.is_dir()]
    return found


def _program_in(folder: Path) -> Path | None:
    for name in ("Slicer", "Slicer.exe", "Contents/MacOS/Slicer"):
        if (folder / name).is_file():
            return folder / name
    return None


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", folder.name))
