"""``./xray``: the launcher, with what it does before anything is installed."""

import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

XRAY = Path(__file__).resolve().parents[2] / "xray"


@pytest.fixture
def xray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The launcher as a module, in a folder of its own."""
    specification = importlib.util.spec_from_loader("xray", SourceFileLoader("xray", str(XRAY)))
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    specification.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'nothing'\n")
    for name, path in (("HOME", tmp_path), ("VENV", tmp_path / ".venv"), ("STAMP", tmp_path / ".venv/xray-setup.json")):
        monkeypatch.setattr(module, name, path)
    return module


def test_only_the_standard_library_is_imported() -> None:
    import ast

    names = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(XRAY.read_text("utf-8")))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert names <= sys.stdlib_module_names


def test_what_was_set_up_for_other_dependencies_is_not_ready(xray: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xray, "PYTHON", Path(sys.executable))
    xray.VENV.mkdir()
    xray.STAMP.write_text(f'{{"project": "{xray.fingerprint()}", "extras": []}}')
    assert xray.ready() and not xray.ready("test")
    (xray.HOME / "pyproject.toml").write_text("[project]\nname = 'something else'\n")
    assert not xray.ready()


def test_a_set_up_that_was_cut_off_is_not_ready(xray: ModuleType) -> None:
    xray.VENV.mkdir()
    xray.STAMP.write_text('{"project": "')
    assert not xray.ready()


def test_what_only_some_need_is_installed_by_name(xray: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    extras = "[project.optional-dependencies]\nlogs = ['a']\nsearch = [\n  'b',\n]\n"
    (xray.HOME / "pyproject.toml").write_text(f"[project]\nname = 'nothing'\n\n{extras}\n[tool]\nx = 1\n")
    assert xray.asked_extras(["search", "logs"]) == ["search", "logs"]
    with pytest.raises(xray.SetUpError, match="nothing called serach to install; there are logs, search"):
        xray.asked_extras(["logs", "serach"])
    with pytest.raises(xray.SetUpError, match="say what to install"):
        xray.asked_extras([])
    asked: list[str] = []
    monkeypatch.setattr(xray, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(xray, "install", lambda arguments, what: asked.append(arguments[-1]))
    monkeypatch.setattr(sys, "argv", ["xray", "install", "search"])
    xray.VENV.mkdir()
    assert xray.main() == 0 and asked[-1] == f"{xray.HOME}[search]" and xray.ready("search")
    monkeypatch.setattr(sys, "argv", ["xray", "install", "logs"])
    assert xray.main() == 0 and asked[-1] == f"{xray.HOME}[logs,search]", "what was there is lost"


def test_failures_come_with_advice(xray: ModuleType) -> None:
    assert "Free" in xray.advice(["OSError: [Errno 28] No space left on device"]) or "free" in xray.advice(
        ["No space left"]
    )
    assert "network" in xray.advice(["ConnectionError: name resolution failed"])


def test_pip_speaks_in_short(xray: ModuleType) -> None:
    assert xray.shown("Downloading torch-2.15.0-cp311-manylinux.whl (530.0 MB)") == "downloading torch (530.0 MB)"
    assert xray.shown("Requirement already satisfied: numpy") == ""


def test_a_python_of_another_time_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """The launcher as an unsupported Python would run it, with no other Python to be found."""
    code = (
        "import sys, runpy, collections\n"
        "V = collections.namedtuple('V', 'major minor micro releaselevel serial')\n"
        "sys.version_info = V(3, 8, 0, 'final', 0)\n"
        f"sys.argv = [{str(XRAY)!r}, '--version']\n"
        f"runpy.run_path({str(XRAY)!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": str(tmp_path)})
    assert done.returncode == 1 and "3.10 to 3.13" in done.stderr
