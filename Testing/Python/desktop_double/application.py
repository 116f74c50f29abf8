"""``slicer.app``, ``slicer.modules`` and the main window."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from desktop_double import names
from desktop_double.dialogs import Dialogs
from desktop_double.views import LayoutManager


class Application:
    """``slicer.app``: the part of ``qSlicerApplication`` that a panel uses.

    What Qt's own application offers (``processEvents``, ``clipboard``, ``topLevelWidgets``, ...) comes from there.
    """

    applicationName = "Slicer"
    majorVersion = 5
    minorVersion = 13
    applicationVersion = "5.13.0"

    def __init__(self, host: Any, folder: Path, dialogs: Dialogs) -> None:
        from PySide6.QtWidgets import QApplication

        self._host, self._folder, self._dialogs = host, folder, dialogs
        self._qt = QApplication.instance()
        self._layout_manager = LayoutManager(host)
        self._module_manager = ModuleManager()
        self.temporaryPath = str(folder)
        self.slicerHome = str(folder)
        self.startupWorkingPath = str(Path.cwd())
        self.startupCompleted = Startup()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in names.of_module("app"):
            raise AttributeError(f"slicer.app of 3D Slicer has no '{name}'")
        if hasattr(self._qt, name):
            return getattr(self._qt, name)
        raise AttributeError(f"slicer.app.{name} exists in 3D Slicer, but desktop_double does not offer it")

    def connect(self, signal: str, listener: Any) -> None:
        """PythonQt's string form, as it was measured for this one signal of the application."""
        if signal != "startupCompleted()":
            raise TypeError(f"slicer.app.connect: desktop_double knows 'startupCompleted()', not '{signal}'")
        self.startupCompleted.connect(listener)

    def applicationLogic(self) -> Any:
        return self._host.application_logic

    def mrmlScene(self) -> Any:
        return self._host.scene

    def layoutManager(self) -> LayoutManager:
        return self._layout_manager

    def moduleManager(self) -> ModuleManager:
        return self._module_manager

    def moduleLogic(self, name: str) -> Any:
        return self._host.application_logic.GetModuleLogic(name)

    def testingEnabled(self) -> bool:
        return False

    def userSettings(self) -> Any:
        import qt

        return qt.QSettings()

    settings = userSettings

    def startupEnvironment(self) -> Any:
        from PySide6.QtCore import QProcessEnvironment

        return QProcessEnvironment.systemEnvironment()

    def launcherExecutableFilePath(self) -> str:
        return sys.executable

    def topLevelWidgets(self) -> list[Any]:
        """Qt's list, made while Python deletes nothing: PySide6 crashes where a widget in it is collected meanwhile."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._qt.topLevelWidgets()
        finally:
            if collecting:
                gc.enable()

    def translate(self, context: str, text: str) -> str:
        return text

    def pauseRender(self) -> None:
        """Nothing is drawn unless somebody looks."""

    def resumeRender(self) -> None:
        """As pauseRender."""

    def openUrl(self, url: str) -> None:
        self._dialogs.record("url", url)

    @property
    def os(self) -> str:
        return {"win32": "win", "darwin": "macosx"}.get(sys.platform, "linux")


class Startup:
    """The signal ``slicer.app.startupCompleted``: here it comes after each module is loaded, once for each listener."""

    def __init__(self) -> None:
        self._listeners: list[Any] = []

    def connect(self, listener: Any) -> None:
        self._listeners.append(listener)

    def disconnect(self, listener: Any) -> None:
        self._listeners.remove(listener)

    def emit(self) -> None:
        waiting, self._listeners = self._listeners, []
        for listener in waiting:
            listener()


class ModuleManager:
    """``slicer.app.moduleManager()``."""

    def __init__(self) -> None:
        self._modules: dict[str, Any] = {}

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def factoryManager(self) -> Any:
        return SimpleNamespace(loadedModuleNames=self.modulesNames)


class LoadedModule:
    """A loadable module of Slicer itself: its logic, and for some their panel."""

    def __init__(self, name: str, logic: Any) -> None:
        self.name = name
        self._logic = logic

    def logic(self) -> Any:
        return self._logic


class Modules:
    """``slicer.modules``: modules by their lower-case names, and what modules leave there.

    The logics are the host's own; a name that is neither a module of Slicer nor one opened here is refused.
    """

    def __init__(self, host: Any) -> None:
        logics = {
            "segmentations": host.segmentations_logic,
            "volumes": host.volumes_logic,
            "markups": host.markups_logic,
            "colors": host.application_logic.GetColorLogic(),
        }
        for name, logic in logics.items():
            self.__dict__[name] = LoadedModule(name, logic)
        for name in ("terminologies", "subjecthierarchy", "plots", "tables", "data", "dicom", "segmenteditor"):
            self.__dict__[name] = LoadedModule(name, None)
        self.__dict__["dicomPlugins"] = {}
        annotations = SimpleNamespace(sliceViewAnnotationsEnabled=True, updateSliceViewFromGUI=lambda: None)
        self.__dict__["DataProbeInstance"] = SimpleNamespace(infoWidget=SimpleNamespace(sliceAnnotations=annotations))

    def __getattr__(self, name: str) -> Any:
        if name in names.of_module("modules"):
            raise AttributeError(f"slicer.modules.{name} exists in 3D Slicer, but desktop_double does not offer it")
        raise AttributeError(f"3D Slicer has no module '{name}'")
