"""The modules ``qt`` and ``ctk`` of the double: only what PythonQt shows in 3D Slicer is reachable."""

from __future__ import annotations

import types
from typing import Any

from desktop_double import names
from desktop_double.dialogs import Dialogs


class StrictModule(types.ModuleType):
    """A module of given values that refuses what 3D Slicer's module of that name does not have."""

    def __init__(
        self, name: str, allowed: frozenset[str], values: dict[str, Any], sources: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(name, f"3D Slicer's module {name}, as a double for tests")
        self.__dict__.update(values)
        self.__dict__["_allowed"], self.__dict__["_sources"] = allowed, sources

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._allowed:
            raise AttributeError(f"3D Slicer's {self.__name__} has no '{name}'")
        for source in self._sources:
            if hasattr(source, name):
                return getattr(source, name)
        raise AttributeError(f"{self.__name__}.{name} exists in 3D Slicer, but desktop_double does not offer it")


def make_qt(dialogs: Dialogs, settings_file: str) -> types.ModuleType:
    """``qt``: PySide6's classes, modal dialogs that are recorded instead of shown, settings in a file of their own."""
    from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

    from desktop_double.ui_files import UiLoader

    def settings(*_arguments: Any) -> QtCore.QSettings:
        return QtCore.QSettings(settings_file, QtCore.QSettings.Format.IniFormat)

    values = {
        "Qt": StrictModule("qt.Qt", names.of_module("Qt"), {}, (QtCore.Qt,)),
        "QSettings": settings,
        "QUiLoader": UiLoader,
        "QMessageBox": dialogs.message_box_class(),
        "QFileDialog": dialogs.file_dialog_class(),
        "QInputDialog": dialogs.input_dialog_class(),
        "QDesktopServices": dialogs.desktop_services(),
    }
    return StrictModule("qt", names.of_module("qt"), values, (QtWidgets, QtGui, QtCore, QtNetwork))


def make_ctk() -> types.ModuleType:
    """``ctk``: the few widgets drawn here."""
    from desktop_double.ui_files import custom_widgets

    values = {name: value for name, value in custom_widgets().items() if name.startswith("ctk")}
    return StrictModule("ctk", names.of_module("ctk"), values)
