"""Make PySide6's classes behave as PythonQt shows Qt inside 3D Slicer, and give them back unchanged.

* A Qt property is an attribute: ``button.text = "Train"``; its setter stays callable (``button.setText("Train")``), its
  getter of the same name is not (``button.text()`` fails here and there). PySide's own ``true_property`` feature takes
  the setters away and counts by calling module, therefore the classes are changed here instead.
* ``widget.name`` is ``widget.objectName``, ``className()`` exists, and ``exec_``/``raise_`` stand for the keywords.
* A name that Slicer does not have is refused, for reading and for writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from desktop_double import names

_MISSING = object()

#: Names that PySide6's own machinery looks up on every object: its meta side and Qt's virtual methods.
_PYTHON_SIDE = frozenset(
    [
        "staticMetaObject",
        "emit",
        "tr",
        "connectNotify",
        "disconnectNotify",
        "receivers",
        "skipData",
        "clearItemData",
        "multiData",
        "closeEditor",
        "commitData",
        "currentChanged",
        "dataChanged",
        "editorDestroyed",
        "horizontalScrollbarAction",
        "horizontalScrollbarValueChanged",
        "initViewItemOption",
        "itemDelegateForIndex",
        "rowsAboutToBeRemoved",
        "rowsInserted",
        "rowsRemoved",
        "selectionChanged",
        "updateEditorData",
        "updateEditorGeometries",
        "updateGeometries",
        "verticalScrollbarAction",
        "verticalScrollbarValueChanged",
        "initStyleOptionForIndex",
        "itemTextRect",
        "encodeMetricF",
        "painters",
        "resolveInterface",
        "supportedDragActions",
        "readLineInto",
    ]
)


class Property:
    """A Qt property as an attribute; on the class itself the name stays what it was (``QTimer.singleShot``)."""

    def __init__(
        self, name: str, kind: str, original: Any, getter: Callable | None, setter: Callable | None, writable: bool
    ) -> None:
        self.name, self.original, self.getter, self.setter, self.writable = name, original, getter, setter, writable
        self.is_text = kind == "QString"

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            if self.original is _MISSING:
                raise AttributeError(self.name)
            return self.original
        return self.getter(instance) if self.getter else instance.property(self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        if not self.writable:
            raise AttributeError(f"Qt property '{self.name}' is read-only")
        if self.is_text and not isinstance(value, str):
            value = str(value)  # PythonQt shows None as "None"; PySide6 would show nothing
        if self.setter:
            self.setter(instance, value)
        else:
            instance.setProperty(self.name, value)


class Refused:
    """Stands in the place of a name that PySide6 has and Slicer does not."""

    def __init__(self, owner: str, name: str, in_metaobject: bool) -> None:
        self.text = f"{owner}.{name}: 3D Slicer's PythonQt has no such name"
        # For slots and signals PySide6 would find the name again in the meta-object after an AttributeError.
        self.error = NameError if in_metaobject else AttributeError

    def __get__(self, instance: Any, owner: type) -> Any:
        raise self.error(self.text)


class Changes:
    """Class attributes set by us, in order, and what stood there before."""

    def __init__(self) -> None:
        self._before: list[tuple[type, str, Any]] = []

    def set(self, owner: type, name: str, value: Any) -> None:
        self._before.append((owner, name, owner.__dict__.get(name, _MISSING)))
        setattr(owner, name, value)

    def undo(self) -> None:
        while self._before:
            owner, name, value = self._before.pop()
            if value is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


def apply() -> Changes:
    """Change PySide6's QObject classes; ``undo()`` of the result gives them back."""
    from PySide6 import QtCore

    changes = Changes()
    classes = list(_qt_classes())
    for cls in classes:
        _properties(cls, changes)
    changes.set(QtCore.QObject, "name", Property("objectName", "QString", _MISSING, None, None, True))
    # Not by metaObject(): PySide6 lets the class lose its meta-object with the object that was asked for it.
    changes.set(QtCore.QObject, "className", lambda self: type(self).__name__)
    for cls in classes:
        for alias, original in (("exec_", "exec"), ("raise_", "raise_"), ("print_", "print_"), ("del_", "del_")):
            if original in cls.__dict__ and alias not in cls.__dict__:
                changes.set(cls, alias, cls.__dict__[original])
    for cls in [*classes, *_value_classes()]:
        allowed = names.of_class(cls.__name__)
        if allowed is not None:
            _refuse(cls, allowed, changes)
            changes.set(cls, "__setattr__", _strict_setattr)
    _find_only_plain_data(changes)
    return changes


def _qt_classes() -> Iterator[type]:
    from PySide6 import QtCore, QtGui, QtWidgets

    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):  # PySide6 makes its classes at first access, so vars() does not have them all
            value = getattr(module, name)
            if isinstance(value, type) and issubclass(value, QtCore.QObject) and value.__module__.startswith("PySide6"):
                yield value


def _value_classes() -> Iterator[type]:
    """What is no QObject and has names in 3D Slicer, such as ``QPixmap``: methods only, and nothing can be set."""
    from PySide6 import QtCore, QtGui, QtWidgets

    for name in names.seen()["qt"]:
        found = next((getattr(module, name) for module in (QtCore, QtGui, QtWidgets) if hasattr(module, name)), None)
        if isinstance(found, type) and not issubclass(found, QtCore.QObject):
            yield found


def _find_only_plain_data(changes: Changes) -> None:
    """PythonQt carries other Python objects in a QVariant, and Qt 5 takes two such to be different, always."""
    from PySide6.QtWidgets import QComboBox

    original = QComboBox.findData

    def find(self: Any, data: Any, *more: Any) -> int:
        if not (data is None or isinstance(data, str | int | float | bytes)):
            raise TypeError(
                f"findData never finds a {type(data).__name__} in 3D Slicer: give the entries texts or numbers"
            )
        return original(self, data, *more)

    changes.set(QComboBox, "findData", find)


def _properties(cls: type, changes: Changes) -> None:
    meta = cls.staticMetaObject  # type: ignore[attr-defined]
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        qt_property = meta.property(index)
        name, kind = qt_property.name(), qt_property.typeName()
        if name in _PYTHON_SIDE:
            continue
        capital = name[0].upper() + name[1:]
        original = getattr(cls, name, _MISSING)
        getter = _first(cls, "is" + capital, "has" + capital) or (original if callable(original) else None)
        setter = _first(cls, "set" + capital)
        changes.set(cls, name, Property(name, kind, original, getter, setter, qt_property.isWritable()))


def _first(cls: type, *candidates: str) -> Callable | None:
    return next((getattr(cls, name) for name in candidates if callable(getattr(cls, name, None))), None)


def _refuse(cls: type, allowed: frozenset[str], changes: Changes) -> None:
    meta = getattr(cls, "staticMetaObject", None)
    slots = {bytes(meta.method(i).name().data()).decode() for i in range(meta.methodCount())} if meta else set()
    for name in dir(cls):
        if not name.startswith("_") and name not in allowed and name not in _PYTHON_SIDE:
            changes.set(cls, name, Refused(cls.__name__, name, name in slots))


def _strict_setattr(self: Any, name: str, value: Any) -> None:
    """PythonQt refuses new attributes on C++ objects; classes derived in Python may have them."""
    found = next((base.__dict__[name] for base in type(self).__mro__ if name in base.__dict__), None)
    if hasattr(type(found), "__set__"):
        type(found).__set__(found, self, value)
    elif type(found).__name__ == "Property":  # of a widget class derived in Python
        found.fset(self, value)  # type: ignore[union-attr]
    elif type(found).__name__ == "Signal":  # PySide6 keeps the bound signal on the object
        self.__dict__[name] = value
    elif name == getattr(value, "objectName", None):
        return  # PySide6's loader of .ui files names each child on its form; Slicer's does not
    elif type(self).__module__.startswith("PySide6"):
        raise AttributeError(
            f"'{name}' does not exist on {type(self).__name__} and creating new attributes on C++ objects is "
            "not allowed (as in 3D Slicer); only Qt properties can be set"
        )
    else:
        self.__dict__[name] = value
