"""The command line as a process of its own: other encodings, files instead of terminals, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from XRayAILib.dicom.child import library_environment
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.project.project import Project
from XRayAILib.project.rules import RULES

CLI = (sys.executable, "-m", "XRayAILib.apps.cli")
NAME = "Röntgenaufnahme des Brustkorbs mit sehr langem Namen 胸部 01.dcm"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one image whose name not every terminal can write, and of a file that was left out."""
    folder = tmp_path_factory.mktemp("terminal") / "project"
    with Project.create(folder) as project:
        spacing = Spacing(0.1, 0.1, SpacingSource.DETECTOR)
        project.add([Header(uid="1.2", path=f"/archive/{NAME}", rows=40, columns=50, spacing=spacing, patient_id="P1")])
        project.note_unreadable("/archive/notes\n.txt", "not a DICOM file")
    return folder


def xrayai(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    inherited = {name: value for name, value in library_environment().items() if name != "COLUMNS"}
    return subprocess.run(
        [*CLI, *map(str, arguments)], env={**inherited, **environment}, capture_output=True, check=False
    )


def test_letters_that_the_output_lacks_end_no_command(folder: Path) -> None:
    """As in a file that the output of a Windows console goes to, or under LANG=C."""
    table = xrayai("list", "--project", folder, PYTHONIOENCODING="ascii")
    assert table.returncode == 0 and b"R?ntgenaufnahme" in table.stdout
    document = xrayai("list", "--project", folder, "--json", PYTHONIOENCODING="cp1252")
    assert json.loads(document.stdout)["images"][0]["path"] == f"/archive/{NAME}"


def test_nothing_is_cut_short_in_a_file(folder: Path) -> None:
    assert NAME in xrayai("list", "--project", folder, PYTHONIOENCODING="utf-8").stdout.decode()


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_a_narrow_terminal_leaves_columns_out_and_breaks_none(folder: Path, columns: int) -> None:
    out = xrayai("list", "--project", folder, PYTHONIOENCODING="utf-8", COLUMNS=str(columns)).stdout.decode()
    title, row = out.splitlines()[1:3]
    assert len(title) <= columns and title.startswith("Patient") and row.startswith("P1") and "Rönt" in row
    assert "…" not in title and ("Size" in title) == (columns >= 80 + 11)


@pytest.mark.parametrize(("columns", "last"), [(40, "Action"), (60, "Action"), (80, "Section"), (140, "What")])
def test_so_does_the_table_of_a_check(folder: Path, columns: int, last: str) -> None:
    out = xrayai("check", "--project", folder, PYTHONIOENCODING="utf-8", COLUMNS=str(columns)).stdout.decode()
    table = out[out.index("Rule ") :].splitlines()
    assert table[0].rstrip().endswith(last) and len(table) == 1 + len(RULES)
    assert "…" not in out and all(len(line) <= columns for line in table)


def test_what_scans_left_out_is_listed(folder: Path) -> None:
    (left_out,) = json.loads(xrayai("list", "--project", folder, "--left-out", "--json").stdout)
    assert left_out == {"path": "/archive/notes\n.txt", "reason": "not a DICOM file"}
    lines = xrayai("list", "--project", folder, "--left-out").stdout.decode().splitlines()
    assert lines == ["1 file", "/archive/notes\\n.txt: not a DICOM file"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
def test_ctrl_c_is_answered(tmp_path: Path) -> None:
    """A pipe as a folder to read keeps the command busy until it is stopped."""
    pipe = tmp_path / "table.csv"
    os.mkfifo(pipe)
    arguments = (*CLI, "scan", str(tmp_path), "--csv", str(pipe), "--project", str(tmp_path / "project"))
    command = subprocess.Popen(arguments, env=library_environment(), stderr=subprocess.PIPE)
    try:
        with pipe.open("w"):  # from here on the command reads its table
            command.send_signal(signal.SIGINT)
            _, said = command.communicate(timeout=60)
    finally:
        command.kill()
    assert (command.returncode, said.decode().strip()) == (130, "Stopped; what was done so far is kept.")


def test_a_file_is_no_project(folder: Path) -> None:
    said = xrayai("list", "--project", folder / "project.toml").stderr.decode()
    assert "is a file; a project is a folder" in said


def test_an_empty_name_makes_no_project_of_the_current_folder(tmp_path: Path) -> None:
    """As where a script's variable is not set."""
    arguments = [*CLI, "scan", str(tmp_path), "--project", ""]
    done = subprocess.run(arguments, cwd=tmp_path, env=library_environment(), capture_output=True, check=False)
    assert done.returncode == 2 and b"the name is empty" in done.stderr and not list(tmp_path.iterdir())


def test_what_is_no_training_is_not_gone_on_with(folder: Path, tmp_path: Path) -> None:
    said = xrayai("train", "--project", folder, "--resume", tmp_path).stderr.decode()
    assert "is no folder of a training" in said and "Traceback" not in said
