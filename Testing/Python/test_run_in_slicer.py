"""The script that runs the suite inside 3D Slicer."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="a Slicer is doubled here on PySide6, which 3D Slicer itself does not have")

HERE = Path(__file__).parent

SLICER = """
import runpy, sys
import desktop_double
desktop = desktop_double.install()
import slicer
codes = []
slicer.util.exit = codes.append
sys.argv = [{script!r}, *{arguments!r}]
runpy.run_path({script!r}, run_name="__main__")
print("pip:", [message.text for message in desktop.messages if message.kind == "pip"])
print("exit:", codes)
"""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("import slicer\n\ndef test_scene(host):\n    assert host.scene is slicer.mrmlScene\n", 0),
        ("def test_wrong():\n    assert 1 == 2\n", 1),
    ],
)
def test_slicer_ends_with_the_code_of_pytest(tmp_path: Path, body: str, code: int) -> None:
    # The fixtures of conftest.py are taken from beside the test, so it stands there for a moment in a copy.
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    test = tmp_path / "test_small.py"
    test.write_text(body, encoding="utf-8")
    arguments = ["--install", str(test)]
    program = SLICER.format(script=str(HERE / "run_in_slicer.py"), arguments=arguments)
    paths = [str(HERE), str(HERE.parents[1] / "XRayAI")]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{program}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert f"exit: [{code}]" in run.stdout, run.stdout + run.stderr
    assert "pip: []" in run.stdout, "everything is there already, so nothing is installed"
