"""``xrayai test``: lint, type check and the whole suite, in a checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from XRayAILib.apps.console import console


def run_checks(pytest_arguments: list[str]) -> int:
    """Run every check and give the first exit status that is not 0; the tests come last and run in any case."""
    home = Path(__file__).resolve().parents[3]
    if not (home / "Testing" / "Python").is_dir():
        console.print("The tests lie in a checkout of the project; this package was installed without them.")
        return 2
    sources = ["XRayAI", "XRayAIAnnotate", "Testing", "xray"]
    checks = [
        ("ruff format", ["ruff", "format", "--check", *sources]),
        ("ruff", ["ruff", "check", *sources]),
        ("mypy", ["mypy"]),
        # Two processes; a file stays in one, so that what its tests share is made once.
        ("pytest", ["pytest", "-n", "2", "--dist", "loadfile", *pytest_arguments]),
    ]
    first = 0
    for name, command in checks:
        console.rule(name)
        code = subprocess.call([sys.executable, "-m", *command], cwd=home)
        first = first or code
    return first
