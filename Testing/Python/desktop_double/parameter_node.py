"""``slicer.parameterNodeWrapper``, a working part of it: typed attributes kept in a ``vtkMRMLScriptedModuleNode``.

Offered are bool, int, float, str, Path, Enum, lists of them, and nodes; bounds, choices and defaults; and the binding
to a ``.ui`` by the dynamic property ``SlicerParameterName``, with those pairs of type and widget that Slicer binds.
"""

from __future__ import annotations

import dataclasses
import enum
import pathlib
import typing
from collections.abc import Callable
from typing import Any

SlicerParameterNamePropertyName = "SlicerParameterName"


class Validator:
    """A rule for a value."""

    def validate(self, value: Any) -> None:
        raise NotImplementedError


@dataclasses.dataclass
class WithinRange(Validator):
    """Between two bounds, both included."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclasses.dataclass
class Minimum(Validator):
    """At least a bound."""

    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be greater than {self.minimum}, is {value}")


@dataclasses.dataclass
class Maximum(Validator):
    """At most a bound."""

    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must be less than {self.maximum}, is {value}")


@dataclasses.dataclass
class Choice(Validator):
    """One of the given values."""

    choices: list[Any]

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value must be in {self.choices}, is {value}")


@dataclasses.dataclass
class Default:
    """The value of a new parameter node."""

    value: Any = None


@dataclasses.dataclass
class Decimals:
    """Decimals shown by the bound widget."""

    value: int


@dataclasses.dataclass
class SingleStep:
    """Step of the bound widget."""

    value: float


class _Parameter:
    """One typed attribute."""

    def __init__(self, name: str, hint: Any, given: Any) -> None:
        kind, *annotations = typing.get_args(typing.Annotated[hint, None])[:-1]
        self.name, self.kind, self.annotations = name, kind, annotations
        self.element = typing.get_args(kind)[0] if typing.get_origin(kind) is list else None
        default = self.first(Default)
        self.default = given if given is not None else default.value if default else self._empty()
        self._plain(self.element or kind)

    def first(self, kind: type) -> Any:
        return next((item for item in self.annotations if isinstance(item, kind)), None)

    @property
    def is_node(self) -> bool:
        import slicer

        return isinstance(self.kind, type) and issubclass(self.kind, slicer.vtkMRMLNode)

    def _plain(self, kind: Any) -> None:
        offered = kind in (bool, int, float, str, pathlib.Path) or self.is_node
        if not offered and not (isinstance(kind, type) and issubclass(kind, enum.Enum)):
            raise TypeError(f"Parameter '{self.name}': desktop_double's parameterNodeWrapper does not offer {kind}")

    def _empty(self) -> Any:
        if self.is_node:
            return None
        if self.element is not None:
            return []
        return next(iter(self.kind)) if issubclass(self.kind, enum.Enum) else self.kind()

    def validate(self, value: Any) -> None:
        kind = list if self.element is not None else (int, float) if self.kind is float else self.kind
        if not (value is None and self.is_node) and not isinstance(value, kind):
            raise TypeError(f"Value must be of type '{self.kind}', is type '{type(value)}' value '{value}'")
        for rule in self.annotations:
            if isinstance(rule, Validator):
                rule.validate(value)

    def write(self, node: Any, value: Any) -> None:
        self.validate(value)
        if self.is_node:
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        elif self.element is not None:
            for index, item in enumerate(value):
                node.SetParameter(f"{self.name}.{index}", _text(item))
            node.SetParameter(f"{self.name}.len", str(len(value)))
        else:
            node.SetParameter(self.name, _text(value))

    def read(self, node: Any) -> Any:
        if self.is_node:
            return node.GetNodeReference(self.name)
        if self.element is not None:
            length = int(node.GetParameter(f"{self.name}.len") or 0)
            return [_value(self.element, node.GetParameter(f"{self.name}.{index}")) for index in range(length)]
        return _value(self.kind, node.GetParameter(self.name))

    def is_in(self, node: Any) -> bool:
        return bool(node.HasParameter(self.name if self.element is None else f"{self.name}.len"))


def _text(value: Any) -> str:
    return value.name if isinstance(value, enum.Enum) else str(value)


def _value(kind: Any, text: str) -> Any:
    if kind is bool:
        return text == "True"
    return kind[text] if issubclass(kind, enum.Enum) else kind(text)


def parameterNodeWrapper(classtype: type | None = None) -> Any:
    """Class decorator: the annotated attributes become parameters of the node given to the constructor."""
    if classtype is None:
        return parameterNodeWrapper
    hints = typing.get_type_hints(classtype, include_extras=True)
    parameters = {name: _Parameter(name, hint, classtype.__dict__.get(name)) for name, hint in hints.items()}
    for name, parameter in parameters.items():
        setattr(classtype, name, _attribute(parameter))
    for name, value in vars(_Wrapper).items():
        if name == "__init__" or not name.startswith("__"):
            setattr(classtype, name, value)
    classtype.allParameters = parameters  # type: ignore[attr-defined]
    return classtype


def _attribute(parameter: _Parameter) -> property:
    return property(
        lambda self: parameter.read(self.parameterNode), lambda self, value: parameter.write(self.parameterNode, value)
    )


class _Wrapper:
    """The methods that a wrapped class gets."""

    allParameters: dict[str, _Parameter]

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._bound: dict[int, tuple[list[_Binding], int]] = {}
        self._next = 0
        self._showing = False
        for parameter in self.allParameters.values():
            if not parameter.is_in(parameterNode):
                parameter.write(parameterNode, parameter.default)

    def getValue(self, name: str) -> Any:
        return self.allParameters[name].read(self.parameterNode)

    def setValue(self, name: str, value: Any) -> None:
        self.allParameters[name].write(self.parameterNode, value)

    def dataType(self, name: str) -> Any:
        return self.allParameters[name].kind

    def default(self, name: str) -> Any:
        return Default(self.allParameters[name].default)

    def connectGui(self, gui: Any) -> int:
        import qt

        widgets = gui.findChildren(qt.QWidget) if hasattr(gui, "isWidgetType") else list(vars(gui).values())
        named = {widget.property(SlicerParameterNamePropertyName): widget for widget in widgets}
        return self.connectParametersToGui({name: widget for name, widget in named.items() if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        for name in mapping:
            if name not in self.allParameters:
                raise ValueError(f"Cannot find a param with the given name: {name}")
        bindings = [_Binding(self.allParameters[name], widget) for name, widget in mapping.items()]
        for binding in bindings:
            binding.show(self.getValue(binding.parameter.name))
            binding.connect(lambda *_value, b=binding: self._taken(b))
        self._next += 1
        import vtk

        tag = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_event: self._show())
        self._bound[self._next] = (bindings, tag)
        return self._next

    def disconnectGui(self, guiTag: int) -> None:
        if guiTag in self._bound:
            bindings, tag = self._bound.pop(guiTag)
            self.parameterNode.RemoveObserver(tag)
            for binding in bindings:
                binding.disconnect()

    def _taken(self, binding: _Binding) -> None:
        if not self._showing:
            self.setValue(binding.parameter.name, binding.read())

    def _show(self) -> None:
        if self._showing:
            return
        self._showing = True
        try:
            for bindings, _tag in self._bound.values():
                for binding in bindings:
                    binding.show(self.getValue(binding.parameter.name))
        finally:
            self._showing = False

    def StartModify(self) -> Any:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: Any) -> Any:
        return self.parameterNode.EndModify(wasModified)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def AddObserver(self, event: Any, callback: Callable, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)


class _Binding:
    """A widget that shows a parameter; which widget goes with which type is Slicer's ``guiConnectors.py``."""

    def __init__(self, parameter: _Parameter, widget: Any) -> None:
        self.parameter, self.widget = parameter, widget
        widget_name, kind = type(widget).__name__, parameter.kind
        self._callback: Callable | None = None
        number = kind in (int, float)
        if kind is bool and widget_name in ("QCheckBox", "ctkCheckBox", "QPushButton"):
            self.signal, self.attribute = "toggled", "checked"
        elif (kind is int and widget_name in ("QSlider", "QSpinBox")) or (
            number and widget_name in ("QDoubleSpinBox", "ctkSliderWidget", "qMRMLSliderWidget", "ctkDoubleSpinBox")
        ):
            self.signal, self.attribute = "valueChanged", "value"
        elif kind is str and widget_name in ("QLineEdit", "QLabel"):
            self.signal, self.attribute = ("textChanged" if widget_name == "QLineEdit" else ""), "text"
        elif kind is str and widget_name == "QTextEdit":
            self.signal, self.attribute = "textChanged", "plainText"
        elif kind is pathlib.Path and widget_name == "ctkPathLineEdit":
            self.signal, self.attribute = "currentPathChanged", "currentPath"
        elif kind is pathlib.Path and widget_name == "ctkDirectoryButton":
            self.signal, self.attribute = "directoryChanged", "directory"
        elif parameter.is_node and widget_name == "qMRMLNodeComboBox":
            self.signal, self.attribute = "currentNodeChanged", ""
        elif widget_name in ("QComboBox", "ctkComboBox") and parameter.element is None and not parameter.is_node:
            self.signal, self.attribute = "currentIndexChanged", "currentIndex"
            self._fill()
        else:
            raise RuntimeError(f"Unable to create GUI connector from datatype '{kind}' to widget type '{widget_name}'")
        if self.attribute == "value":
            self._bounds(widget_name)
        if kind is bool and widget_name == "QPushButton":
            widget.checkable = True

    def _fill(self) -> None:
        choice = self.parameter.first(Choice)
        if choice is None and not issubclass(self.parameter.kind, enum.Enum):
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        self.choices = list(choice.choices) if choice else list(self.parameter.kind)
        label = str if choice else getattr(self.parameter.kind, "label", lambda item: item.name)
        self.widget.clear()
        for item in self.choices:
            self.widget.addItem(label(item))

    def _bounds(self, widget_name: str) -> None:
        within, low, high = (self.parameter.first(kind) for kind in (WithinRange, Minimum, Maximum))
        lowest = within.minimum if within else low.minimum if low else None
        highest = within.maximum if within else high.maximum if high else None
        if widget_name.endswith(("SliderWidget", "QSlider")) and (lowest is None or highest is None):
            raise RuntimeError(f"Cannot have a connection to {widget_name} where the type is unbounded.")
        limit = 2**31 - 1
        self.widget.minimum = lowest if lowest is not None else -limit
        self.widget.maximum = highest if highest is not None else limit
        for annotation, attribute in ((Decimals, "decimals"), (SingleStep, "singleStep")):
            found = self.parameter.first(annotation)
            if found is not None:
                setattr(self.widget, attribute, found.value)

    def connect(self, callback: Callable) -> None:
        self._callback = callback
        if self.signal:
            getattr(self.widget, self.signal).connect(callback)

    def disconnect(self) -> None:
        if self.signal and self._callback is not None:
            getattr(self.widget, self.signal).disconnect(self._callback)
        self._callback = None

    def read(self) -> Any:
        if self.parameter.is_node:
            return self.widget.currentNode()
        value = getattr(self.widget, self.attribute)
        if self.attribute == "currentIndex":
            return self.choices[value]
        return self.parameter.kind(value)

    def show(self, value: Any) -> None:
        if self.parameter.is_node:
            self.widget.setCurrentNode(value)
        elif self.attribute == "currentIndex":
            self.widget.currentIndex = self.choices.index(value)
        else:
            setattr(self.widget, self.attribute, str(value) if isinstance(value, pathlib.Path) else value)
