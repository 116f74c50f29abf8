"""The house of DESIGN.md: rooms import downward only, and the library knows neither Qt nor the desktop application."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
LIBRARY = HOME / "XRayAI" / "XRayAILib"

# A room may import from every room on a lower floor; rooms on one floor do not know each other.
FLOORS = [
    {"dicom"},
    {"pixels"},
    {"findings"},
    {"project"},
    {"exchange"},
    {"phantom"},
    {"learning"},
    {"reading"},
    {"scene", "workflow"},
    {"apps"},
]
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(LIBRARY.rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import of a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def test_every_room_has_a_floor() -> None:
    rooms = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(HEIGHT)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_imports_run_downward(path: Path) -> None:
    room = path.relative_to(LIBRARY).parts[0]
    for line, name in imported(path):
        parts = name.split(".")
        if parts[0] != "XRayAILib" or len(parts) < 2 or parts[1] == room or room == "__init__.py":
            continue
        assert parts[1] in HEIGHT or parts[1] == "__version__", f"{path}:{line}: {name} is no room"
        if parts[1] in HEIGHT:
            assert HEIGHT[parts[1]] < HEIGHT[room], f"{path}:{line}: {room} must not import {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_the_library_knows_no_window(path: Path) -> None:
    text = path.read_text("utf-8")
    for line, name in imported(path):
        assert name.split(".")[0] not in {"qt", "ctk", "PySide6", "PythonQt"}, f"{path}:{line}"
    for node in ast.walk(ast.parse(text)):
        is_app = isinstance(node, ast.Attribute) and node.attr == "app" and isinstance(node.value, ast.Name)
        assert not (is_app and node.value.id == "slicer"), f"{path}:{node.lineno}: slicer.app is the panel's"  # type: ignore[union-attr, attr-defined]


HEAVY = {
    "torch",
    "torchvision",
    "monai",
    "ignite",
    "vtk",
    "slicer",
    "matplotlib",
    "skimage",
    "SimpleITK",
    "trame_slicer",
}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] not in HEAVY, f"{path}:{node.lineno}: import {name} inside the function"


@pytest.mark.parametrize(
    "path",
    sorted([*FILES, *(HOME / "Testing").rglob("*.py"), *(HOME / "XRayAIAnnotate").rglob("*.py")]),
    ids=lambda p: p.relative_to(HOME).as_posix(),
)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 500, f"{path} is too long: split it"
    assert not any(word in path.stem for word in ("utils", "helper", "manager")), f"{path} has not found its room"
