"""Put the double in place, open modules in it, drive them and take it away again."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop_double import names
from desktop_double.dialogs import Dialogs, Message


class Desktop:
    """The double while it is in place; made by ``install``."""

    def __init__(self, host: Any) -> None:
        self._saved_modules: dict[str, Any] = {}
        self._saved_slicer: dict[str, Any] = {}
        self._saved_util: dict[str, Any] = {}
        self._opened: list[Any] = []
        self._module_folders: set[Path] = set()
        self._dialogs = Dialogs()
        self._escaped: list[BaseException] = []
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-", ignore_cleanup_errors=True)
        self.host = host
        self._put_in_place()

    # -- what a test uses ---------------------------------------------------------------------------------------

    @property
    def messages(self) -> list[Message]:
        """Every dialog that would have been shown."""
        return self._dialogs.messages

    def answer(self, **answers: Any) -> None:
        """How to answer the dialogs to come: ``yes=True``, ``path=...``, ``paths=[...]``, ``text=...``.

        A value may also be a function of the text that is asked.
        """
        self._dialogs.answers.update(answers)

    def open_module(self, path: str | Path) -> Any:
        """Load a scripted module as Slicer does, build its panel and enter it; the panel's Python object."""
        import qt
        import slicer

        module = self.load_module(path)
        python = sys.modules[module.name]
        container = slicer.qSlicerScriptedLoadableModuleWidget()
        container.name = module.name + "ModuleWidget"
        container.setLayout(qt.QVBoxLayout())
        container.setMRMLScene(slicer.mrmlScene)
        widget = getattr(python, module.name + "Widget")(container)
        container.__dict__["_python_self"] = widget
        module.__dict__["_widget"] = container
        slicer.modules.__dict__[module.name + "Widget"] = widget
        self._opened.append(container)
        widget.setup()
        container.enter()
        self.process_events()
        return widget

    def load_module(self, path: str | Path) -> Any:
        """Load a scripted module without a panel (a hidden one); the object that stands in ``slicer.modules``."""
        import slicer

        from desktop_double.scripted_module import ModuleDescription

        path = Path(path)
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        self._module_folders.add(path.resolve().parent)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(path)
        python = importlib.util.module_from_spec(spec)
        self._saved_modules.setdefault(path.stem, sys.modules.get(path.stem))
        sys.modules[path.stem] = python
        spec.loader.exec_module(python)
        module = ModuleDescription(path)
        slicer.modules.__dict__[path.stem.lower()] = module
        slicer.app.moduleManager()._modules[path.stem] = module
        slicer.modules.__dict__[path.stem + "Instance"] = getattr(python, path.stem)(module)
        slicer.app.startupCompleted.emit()
        return module

    def add_dicom(self, *paths: str | Path, fetched: bool = True) -> None:
        """Put files into ``slicer.dicomDatabase``; ``fetched=False``: as what was found on a server and not fetched."""
        import slicer

        for path in paths:
            slicer.dicomDatabase._add(path, fetched)

    def screenshot(self, widget: Any, path: str | Path, size: tuple[int, int] = (460, 900)) -> Path:
        """A picture of a panel, as PNG. ``widget`` is what ``open_module`` gave, or any Qt widget."""
        shown = widget if hasattr(widget, "grab") else widget.parent
        shown.resize(*size)
        shown.show()
        self.process_events()
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not shown.grab().save(str(path), "PNG"):
            raise OSError(f"The picture cannot be written: {path}")
        return path

    def process_events(self, until: Callable[[], Any] | None = None, timeout: float = 30.0) -> None:
        """Let Qt work; with ``until`` go on until it is true, at most ``timeout`` seconds."""
        from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop

        end = time.monotonic() + timeout
        while True:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            self._raise_escaped()
            if until is None or until():
                return
            if time.monotonic() > end:
                raise TimeoutError(f"It did not come true within {timeout:.0f} seconds")
            time.sleep(0.005)

    def close(self, widget: Any) -> None:
        """Leave a module and take its panel away."""
        container = widget.parent
        if container.isEntered:
            container.exit()
        widget.cleanup()
        container.hide()
        self._opened.remove(container)
        container.deleteLater()
        self.process_events()

    def uninstall(self) -> None:
        """Close the panels and put everything back."""
        try:
            for container in list(self._opened):
                self.close(container.self())
            self._raise_escaped()
        finally:
            self._put_back()

    def _caught(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """An exception left a slot. Slicer prints it; here the test gets it, unless a dialog has shown it already."""
        shown = any(message.kind == "error" and str(error) in message.text for message in self.messages)
        self._saved_hook(kind, error, trace)
        if not shown:
            self._escaped.append(error)

    def _raise_escaped(self) -> None:
        if self._escaped:
            error = self._escaped[0]
            self._escaped.clear()
            raise RuntimeError(f"An exception left a slot of the panel: {type(error).__name__}: {error}") from error

    # -- how it comes into place --------------------------------------------------------------------------------

    def _put_in_place(self) -> None:
        _lend_references()
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        self._saved_hook, sys.excepthook = sys.excepthook, self._caught
        import slicer
        from PySide6 import QtGui, QtWidgets

        self._qt_application: Any = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
        self._qt_application.setStyle("Fusion")
        self._qt_application.setPalette(QtWidgets.QStyleFactory.create("Fusion").standardPalette())
        self._qt_application.setFont(QtGui.QFont("DejaVu Sans", 9))

        from desktop_double import pythonqt

        self._changes = pythonqt.apply()
        for name, module in self._modules().items():
            self._saved_modules.setdefault(name, sys.modules.get(name))
            sys.modules[name] = module
        self._fill_slicer(slicer)
        self._fill_util(slicer.util)
        self._main_window = QtWidgets.QMainWindow()
        self._main_window.setObjectName("qSlicerMainWindow")

    def _modules(self) -> dict[str, types.ModuleType]:
        from desktop_double import parameter_node, scripted_module
        from desktop_double.dicom_database import DICOMLoadable, DICOMPlugin
        from desktop_double.effects import AbstractScriptedSegmentEditorEffect, Effect
        from desktop_double.processes import Packaging
        from desktop_double.qt_module import StrictModule, make_ctk, make_qt

        i18n = types.ModuleType("slicer.i18n")
        i18n.__dict__.update(tr=lambda text: text, translate=lambda context, text: text)
        wrapped = names.of_module("parameterNodeWrapper")
        wrapper = {name: value for name, value in vars(parameter_node).items() if name in wrapped}
        scripted = {name: getattr(scripted_module, name) for name in names.seen()["ScriptedLoadableModule"]}
        module = types.ModuleType("slicer.ScriptedLoadableModule")
        module.__dict__.update(scripted, __all__=list(scripted))
        installer = Packaging(self._dialogs)
        offered = {name: getattr(installer, name) for name in dir(installer) if not name.startswith("_")}
        packaging = StrictModule("slicer.packaging", names.of_module("packaging"), offered)
        dicom = types.ModuleType("DICOMLib")
        dicom.__dict__.update(DICOMPlugin=DICOMPlugin, DICOMLoadable=DICOMLoadable)
        effects = types.ModuleType("qSlicerSegmentationsEditorEffectsPythonQt")
        effects.__dict__["qSlicerSegmentEditorScriptedEffect"] = Effect
        editor_effects = types.ModuleType("SegmentEditorEffects")
        editor_effects.__dict__["AbstractScriptedSegmentEditorEffect"] = AbstractScriptedSegmentEditorEffect
        editor_effects.__dict__["__all__"] = ["AbstractScriptedSegmentEditorEffect"]
        return {
            "qt": make_qt(self._dialogs, str(Path(self._folder.name) / "Slicer.ini")),
            "ctk": make_ctk(),
            "slicer.i18n": i18n,
            "slicer.parameterNodeWrapper": StrictModule("parameterNodeWrapper", wrapped, wrapper),
            "slicer.ScriptedLoadableModule": module,
            "qSlicerSegmentationsEditorEffectsPythonQt": effects,
            "SegmentEditorEffects": editor_effects,
            "slicer.packaging": packaging,
            "DICOMLib": dicom,
        }

    def _fill_slicer(self, slicer: Any) -> None:
        from desktop_double.application import Application, Modules
        from desktop_double.dicom_database import DicomDatabase
        from desktop_double.effects import EffectFactory
        from desktop_double.ui_files import custom_widgets

        self._saved_slicer = dict(vars(slicer))
        allowed = names.of_module("slicer")
        for name in list(vars(slicer)):
            # The wheel exports slicer.util's functions on slicer itself; the desktop does not.
            if not name.startswith(("_", "vtk")) and name not in allowed:
                delattr(slicer, name)
        slicer.mrmlScene = self.host.scene
        slicer.app = Application(self.host, Path(self._folder.name), self._dialogs)
        slicer.modules = Modules(self.host)
        slicer.selfTests = {}
        slicer.dicomDatabase = DicomDatabase()
        slicer.packaging = sys.modules["slicer.packaging"]
        slicer.qSlicerSegmentEditorEffectFactory = EffectFactory
        EffectFactory._forget()
        for name in ("i18n", "parameterNodeWrapper", "ScriptedLoadableModule"):
            setattr(slicer, name, sys.modules["slicer." + name])
        for name, cls in custom_widgets().items():
            if not name.startswith("ctk"):
                setattr(slicer, name, cls)

    def _fill_util(self, util: Any) -> None:
        """``slicer.util`` of the wheel is Slicer's own file; only what would open a window is replaced."""
        from desktop_double.processes import launchConsoleProcess

        self._saved_util = dict(vars(util))
        util.messageBox = self._dialogs.message_box
        util.delayDisplay = self._dialogs.delay_display
        util.showStatusMessage = lambda message, duration=0: self._dialogs.record("status", message)
        util.launchConsoleProcess = launchConsoleProcess
        util.selectModule = lambda module: self._dialogs.record("module", module)

    def _put_back(self) -> None:
        import slicer

        sys.excepthook = self._saved_hook
        self._main_window.deleteLater()
        self._escaped.clear()
        self.process_events()
        for room, saved in ((slicer.util, self._saved_util), (slicer, self._saved_slicer)):
            vars(room).clear()
            vars(room).update(saved)
        for name, module in self._saved_modules.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        self._forget_packages_beside_modules()
        self._changes.undo()
        self._folder.cleanup()

    def _forget_packages_beside_modules(self) -> None:
        """The Qt side of a panel keeps this double's ``qt``; the next double has another one."""
        for name, module in list(sys.modules.items()):
            package = name.partition(".")[0]
            file = getattr(module, "__file__", None)
            if file and package != "XRayAILib" and self._module_folders & set(Path(file).resolve().parents):
                del sys.modules[name]


def _lend_references() -> None:
    """Keep Python alive: PySide6 6.12 takes a reference of None away whenever a Qt function gives nothing back, and one
    of True or False whenever an event filter written in Python says whether it has dealt with an event.

    Only from Python 3.12 on are they immortal; before, "deallocating None" ends the process sooner or later.
    """
    if sys.version_info < (3, 12):
        import ctypes

        for lent in (None, True, False):
            # The reference count is the first field of an object of CPython.
            ctypes.c_ssize_t.from_address(id(lent)).value += 1 << 40


def install(host: Any = None) -> Desktop:
    """Put the double in place.

    Parameters
    ----------
    host
        ``XRayAILib.scene.host.Host`` with scene, logics and the Red view; without one a headless one is started.
    """
    if host is None:
        from XRayAILib.scene.host import headless

        host = headless()
    return Desktop(host)
