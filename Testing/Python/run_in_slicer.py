"""Run the tests inside desktop 3D Slicer, with its own scene, logics and Python.

    Slicer --python-script Testing/Python/run_in_slicer.py [--install] [tests and options of pytest]

Without tests all are run. ``--install`` is the consent to install what is missing into Slicer's Python: pytest and the
packages of ``XRayAI/Resources/Requirements`` (PyTorch comes from Slicer's PyTorch extension). Slicer ends with pytest's
exit code.
"""

import sys
from pathlib import Path

CONSENT = "--install"
SKIPPED = 77
"""Exit code where pytest is not there; CTest counts the test as skipped then, as CMakeLists.txt says."""


def main(arguments: list[str]) -> int:
    """Run pytest; its exit code."""
    here = Path(globals().get("__file__") or sys.argv[0]).resolve().parent
    root = here.parents[1]
    if CONSENT in arguments:
        arguments = [argument for argument in arguments if argument != CONSENT]
        _install(root)
    try:
        import pytest
    except ImportError:
        print(f"pytest is not in Slicer's Python. Say {CONSENT} to have it installed.")
        return SKIPPED
    for folder in (root / "XRayAI", root / "XRayAIAnnotate", here):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    tests = [str(here / argument) if (here / argument).is_file() else argument for argument in arguments]
    if all(argument.startswith("-") for argument in tests):
        tests.append(str(here))
    # No cache: the folder may be read-only. No xdist: its children would be started with Slicer's launcher. No
    # faulthandler: on Windows, Slicer has no standard error for it to write to.
    left_out = ("cacheprovider", "xdist", "faulthandler")
    options = ["-c", str(root / "pyproject.toml"), "--rootdir", str(root)]
    options += [part for plugin in left_out for part in ("-p", f"no:{plugin}")]
    return int(pytest.main([*options, *tests]))


def _install(root: Path) -> None:
    import slicer.packaging

    wanted = ["pytest"]
    for path in sorted((root / "XRayAI" / "Resources" / "Requirements").glob("*.txt")):
        wanted += [str(requirement) for requirement in slicer.packaging.load_requirements(path)]
    missing = [requirement for requirement in wanted if not slicer.packaging.pip_check(requirement)]
    if missing:
        slicer.packaging.pip_install(missing)


def exit_slicer(arguments: list[str]) -> None:
    """Run, and end Slicer with the result whatever happens."""
    import traceback

    import slicer

    code = 1
    try:
        code = main(arguments)
    except Exception:  # noqa: BLE001 - Slicer would stay open with a failed run behind it
        traceback.print_exc()
    finally:
        slicer.util.exit(code)


if __name__ == "__main__":
    exit_slicer(sys.argv[1:])
