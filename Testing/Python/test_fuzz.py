"""Real files, damaged in a thousand ways: each gives pixels or a reason, and none ends the process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CASES = 1000


@pytest.mark.skipif(os.name != "posix", reason="the memory of a process is asked for in the way of POSIX")
def test_a_thousand_damaged_files(test_data: Path, real_crs: list[Path], table_of: Callable[[str], list[str]]) -> None:
    from XRayAILib.dicom.child import library_environment

    paths = [*sorted((test_data / "dicom").glob("*.dcm")), *real_crs]
    command = [sys.executable, str(Path(__file__).parent / "damage_files.py"), str(CASES), *map(str, paths)]
    # A process of its own: what ends it would end the tests as well. The limit is for what would never end.
    done = subprocess.run(command, env=library_environment(), capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    lines = table_of(f"{found['cases']} damaged files")
    lines += [f"{number:5} {name}" for name, number in sorted(found["outcomes"].items())]
    lines.append(f"{found['grown']:5.0f} MB more memory at the end than before the first")
    assert not found["wrong"], "\n".join(found["wrong"])
    assert sum(found["outcomes"].values()) == CASES
    # Most damage must be seen, or the files were not damaged where it matters; some does not matter.
    assert found["outcomes"]["read"] < CASES / 2
    assert found["grown"] < 300
