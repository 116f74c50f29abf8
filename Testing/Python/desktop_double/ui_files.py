"""Loading ``.ui`` files: custom widgets by their names in 3D Slicer, and the connections between them.

Connections that carry a MRML type (``mrmlSceneChanged(vtkMRMLScene*)``) cannot pass through PySide6's string form, so
the loader takes the connections out of the file and makes them in Python.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

from desktop_double import names


def custom_widgets() -> dict[str, type]:
    """The ctk, qMRML and qSlicer widgets that a ``.ui`` file can name here."""
    from desktop_double import ctk_inputs, ctk_widgets, mrml_widgets, plot_widget, segment_editor

    found: dict[str, type] = {}
    for module in (ctk_inputs, ctk_widgets, mrml_widgets, plot_widget, segment_editor):
        for name, value in vars(module).items():
            if (
                isinstance(value, type)
                and issubclass(value, QtWidgets.QWidget)
                and re.match(r"ctk|qMRML|qSlicer", name)
            ):
                found[name] = value
    return found


class UiLoader:
    """In place of ``qt.QUiLoader``."""

    def load(self, device: Any, parent: Any = None) -> QtWidgets.QWidget:
        text = bytes(device.readAll().data())
        root = ElementTree.fromstring(text)
        known = custom_widgets()
        self._check_classes(root, known)
        connections = root.find("connections")
        wires = list(connections) if connections is not None else []
        if connections is not None:
            root.remove(connections)
        loader = QtUiTools.QUiLoader()
        for cls in known.values():
            loader.registerCustomWidget(cls)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = loader.load(buffer, parent)
        if widget is None:
            raise RuntimeError(f"The .ui file cannot be loaded: {loader.errorString()}")
        for wire in wires:
            self._connect(widget, wire)
        return widget

    @staticmethod
    def _check_classes(root: ElementTree.Element, known: dict[str, type]) -> None:
        for element in root.iter("widget"):
            cls = element.get("class", "")
            if cls not in known and not hasattr(QtWidgets, cls):
                seen = (
                    "exists in 3D Slicer, but desktop_double does not draw it" if names.of_class(cls) else "is unknown"
                )
                raise AttributeError(f"Widget class {cls} of '{element.get('name')}' {seen}")
            allowed = names.of_class(cls)
            # Names are of methods, too; Qt makes a dynamic property of what is none, and nothing happens.
            meta = (known.get(cls) or getattr(QtWidgets, cls)).staticMetaObject
            for prop in element.findall("property"):
                name = prop.get("name", "")
                if prop.get("stdset") == "0" or name == "buddy":  # the buddy is found when all widgets are there
                    continue
                if (allowed is not None and name not in allowed) or meta.indexOfProperty(name) < 0:
                    raise AttributeError(f"Widget '{element.get('name')}': {cls} of 3D Slicer has no property '{name}'")

    @staticmethod
    def _connect(widget: QtWidgets.QWidget, wire: ElementTree.Element) -> None:
        def end(tag: str, part: str) -> tuple[Any, str]:
            name = wire.findtext(tag, "")
            target = widget if widget.objectName == name else widget.findChild(QtCore.QObject, name)
            if target is None:
                raise AttributeError(f"A connection of the .ui file names '{name}', and there is no such widget")
            member = wire.findtext(part, "").partition("(")[0]
            allowed = names.of_class(type(target).__name__)
            if allowed is not None and member not in allowed:
                raise AttributeError(f"{type(target).__name__} of 3D Slicer has no signal or slot '{member}'")
            return target, member

        sender, signal = end("sender", "signal")
        receiver, slot = end("receiver", "slot")
        getattr(sender, signal).connect(getattr(receiver, slot))
