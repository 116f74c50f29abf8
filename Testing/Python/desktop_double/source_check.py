"""Names in a panel's source that 3D Slicer does not have, found without running it.

Looked at are ``qt.``, ``ctk.``, ``slicer.``, ``slicer.util.``, ``slicer.app.`` and ``slicer.modules.``, the widgets of
the module's ``.ui`` file through ``self.ui``, and variables and attributes made by calling a Qt, ctk or qMRML class.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from desktop_double import names

#: Sub-modules of slicer, which are imported by name.
_SUBMODULES = frozenset(
    {"packaging", "i18n", "testing", "ScriptedLoadableModule", "parameterNodeWrapper", "util", "cli"}
)


def check_names(source: str | Path, ui: str | Path | None = None) -> list[str]:
    """Every use of a name that 3D Slicer does not have, as "file:line: what".

    Parameters
    ----------
    source
        A Python file of a scripted module.
    ui
        Its ``.ui`` file; without it ``Resources/UI/<module>.ui`` beside the source, where there is one.
    """
    path = Path(source)
    ui_path = Path(ui) if ui else path.parent / "Resources" / "UI" / f"{path.stem}.ui"
    widgets = _widgets(ui_path) if ui_path.is_file() else {}
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    classes = _made_objects(tree)
    own_modules = {path.stem.lower(), path.stem + "Widget", path.stem + "Instance"} | _set_on_modules(tree)
    asked = _asked_for(tree)
    found = []
    for node in ast.walk(tree):
        for line, problem in _problems(node, widgets, classes, own_modules):
            if not any(problem.endswith(f"'{name}'") for name in asked):
                found.append(f"{path.name}:{line}: {problem}")
    return found


def _asked_for(tree: ast.Module) -> set[str]:
    """Names that the source asks for by ``hasattr`` before it uses them: another build of Slicer may have them."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _dotted(node.func) == "hasattr"]
    return {str(call.args[1].value) for call in calls if isinstance(call.args[1], ast.Constant)}


def _set_on_modules(tree: ast.Module) -> set[str]:
    """``slicer.modules.x = ...`` makes the name."""
    targets = [target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets]
    return {name.split(".")[2] for name in map(_dotted, targets) if name.startswith("slicer.modules.")}


def _widgets(path: Path) -> dict[str, str]:
    root = ElementTree.parse(path).getroot()
    named = {element.get("name", ""): element.get("class", "") for element in root.iter("widget")}
    named |= {
        element.get("name", ""): element.get("class", "") for element in root.iter("layout") if element.get("name")
    }
    return named | {element.get("name", ""): "QAction" for element in root.iter("action")}


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def _class_of_call(value: ast.AST | None) -> str | None:
    if not isinstance(value, ast.Call):
        return None
    room, _, cls = _dotted(value.func).partition(".")
    return cls if room in ("qt", "ctk", "slicer") and names.of_class(cls) else None


def _made_objects(tree: ast.Module) -> dict[tuple[str, str], str]:
    """(function or class, dotted name) -> class, where one name is made by one class only."""
    made: dict[tuple[str, str], set[str | None]] = {}
    for owner in ast.walk(tree):
        if not isinstance(owner, ast.ClassDef | ast.FunctionDef):
            continue
        for node in ast.walk(owner):
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            for target in targets:
                name = _dotted(target)
                value = node.value  # type: ignore[attr-defined]
                if not name or isinstance(value, ast.Constant):
                    continue
                if name.startswith("self.") == isinstance(owner, ast.ClassDef):
                    made.setdefault((owner.name, name), set()).add(_class_of_call(value))
    return {key: next(iter(kinds)) for key, kinds in made.items() if len(kinds) == 1 and None not in kinds}  # type: ignore[misc]


def _problems(
    node: ast.AST, widgets: dict[str, str], classes: dict[tuple[str, str], str], own_modules: set[str]
) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Attribute):
        yield from ((node.lineno, problem) for problem in _attribute(_dotted(node), widgets, own_modules))
    elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slicer"):
        yield from ((node.lineno, problem) for problem in _import(node))
    elif isinstance(node, ast.Call):
        yield from ((node.lineno, problem) for problem in _call(node))
    elif isinstance(node, ast.ClassDef | ast.FunctionDef):
        own = {name: cls for (owner, name), cls in classes.items() if owner == node.name}
        for inner in ast.walk(node) if own else ():
            if isinstance(inner, ast.Attribute) and _dotted(inner.value) in own:
                cls = own[_dotted(inner.value)]
                if inner.attr not in (names.of_class(cls) or ()):
                    yield inner.lineno, f"{cls} has no '{inner.attr}'"


def _attribute(dotted: str, widgets: dict[str, str], own_modules: set[str]) -> Iterator[str]:
    parts = dotted.split(".")
    if parts[-1].startswith("__"):
        return
    if parts[0] == "qt" and len(parts) == 2 and parts[1] not in names.of_module("qt"):
        yield f"qt has no '{parts[1]}'"
    elif parts[:2] == ["qt", "Qt"] and len(parts) == 3 and parts[2] not in names.of_module("Qt"):
        yield f"qt.Qt has no '{parts[2]}'"
    elif parts[0] == "ctk" and len(parts) == 2 and parts[1] not in names.of_module("ctk"):
        yield f"ctk has no '{parts[1]}'"
    elif parts[0] in ("qt", "ctk", "slicer") and len(parts) == 3 and names.of_class(parts[1]):
        if parts[2] not in (names.of_class(parts[1]) or ()) and parts[2] != "staticMetaObject":
            yield f"{parts[1]} has no '{parts[2]}'"
    elif parts[0] == "slicer" and len(parts) == 2 and parts[1] not in names.of_module("slicer") | _SUBMODULES:
        yield f"slicer has no '{parts[1]}'"
    elif parts[0] == "slicer" and len(parts) == 3 and parts[1] in ("util", "app", "packaging"):
        if parts[2] not in names.of_module(parts[1]):
            yield f"slicer.{parts[1]} has no '{parts[2]}'"
    elif parts[:2] == ["slicer", "modules"] and len(parts) == 3:
        if parts[2] not in names.of_module("modules") | own_modules:
            yield f"slicer.modules has no '{parts[2]}'"
    elif parts[:2] == ["self", "ui"] and widgets and len(parts) in (3, 4):
        if len(parts) == 3 and parts[2] not in widgets:
            yield f"the .ui file has no widget '{parts[2]}'"
        elif len(parts) == 4 and parts[2] in widgets:
            allowed = names.of_class(widgets[parts[2]])
            if allowed is not None and parts[3] not in allowed:
                yield f"{widgets[parts[2]]} '{parts[2]}' has no '{parts[3]}'"


def _import(node: ast.ImportFrom) -> Iterator[str]:
    room = (node.module or "").partition(".")[2] or "slicer"
    if room in names.seen()["modules_of"]:
        allowed = names.of_module(room) | (_SUBMODULES if room == "slicer" else frozenset())
    elif room == "ScriptedLoadableModule":
        allowed = frozenset(names.seen()["ScriptedLoadableModule"])
    else:
        return
    for alias in node.names:
        if alias.name != "*" and alias.name not in allowed:
            yield f"{node.module} has no '{alias.name}'"


def _call(node: ast.Call) -> Iterator[str]:
    first = node.args[0] if node.args else None
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("connect", "disconnect"):
        # The application itself is connected to as Slicer's own modules do it; its double takes that form.
        by_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
        if by_text and _dotted(node.func.value) != "slicer.app":
            yield f"connect by signal: '{_dotted(node.func.value)}.{first.value.partition('(')[0]}.connect(f)'"
    elif isinstance(node.func, ast.Name) and node.func.id == "_" and isinstance(first, ast.JoinedStr):
        yield "a translated text must not be an f-string: _('{n} images').format(n=n)"
