"""The ctk widgets for sections, numbers and choices, drawn as 3D Slicer draws them."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

HEADER_HEIGHT = 24


def stored(kind: Any, name: str, default: Any, changed: str = "") -> Property:
    """A Qt property kept in the Python object; ``changed`` names the signal or method called with a new value."""

    def read(self: Any) -> Any:
        return self.__dict__.get("_" + name, default)

    def write(self: Any, value: Any) -> None:
        if value != read(self):
            self.__dict__["_" + name] = value
            if changed:
                after = getattr(self, changed)
                (after.emit if hasattr(after, "emit") else after)(value)

    return Property(kind, read, write)


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A section with a header; a click on the header folds it."""

    contentsCollapsed = Signal(bool)

    def __init__(self, text: Any = None, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(text if isinstance(text, QtWidgets.QWidget) else parent)
        if isinstance(text, str):
            self.text = text
        self._hidden_by_us: list[QtWidgets.QWidget] = []
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, HEADER_HEIGHT, 0, 0)
        self.setSizePolicy(QtWidgets.QSizePolicy.Preferred, QtWidgets.QSizePolicy.Preferred)
        self.toggled.connect(self._fold)

    def _is_collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, _is_collapsed, _set_collapsed)
    collapsedHeight = stored(int, "collapsedHeight", 0)

    def _fold(self, opened: bool) -> None:
        children = self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly)
        if opened:
            for child in self._hidden_by_us:
                child.setVisible(True)
            self._hidden_by_us = []
            self.setMaximumHeight(16777215)
        else:
            self._hide(children)
            self.setMaximumHeight(HEADER_HEIGHT)
        self.contentsCollapsed.emit(not opened)
        self.updateGeometry()

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        # A child that is only being added has no class yet; looking at it would fix its Python type as QWidget.
        super().childEvent(event)
        if event.polished() and not self.isChecked() and isinstance(event.child(), QtWidgets.QWidget):
            self._hide([event.child()])

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        if not self.isChecked():
            self._fold(False)

    def _hide(self, children: list[QtWidgets.QWidget]) -> None:
        for child in children:
            if not child.isHidden():
                self._hidden_by_us.append(child)
                child.setVisible(False)

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() < HEADER_HEIGHT

    def minimumSizeHint(self) -> QtCore.QSize:
        text = self.fontMetrics().horizontalAdvance(self.text) + 60
        if not self.isChecked() or self.layout() is None:
            return QtCore.QSize(text, HEADER_HEIGHT)
        inner = self.layout().totalMinimumSize()
        return QtCore.QSize(max(text, inner.width()), inner.height())

    def sizeHint(self) -> QtCore.QSize:
        if not self.isChecked() or self.layout() is None:
            return self.minimumSizeHint()
        return self.layout().totalSizeHint().expandedTo(self.minimumSizeHint())

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width, HEADER_HEIGHT)
        option.text = ""
        option.state |= QtWidgets.QStyle.StateFlag.State_Raised
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(8, 8, 8, 8)
        style = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(style.PE_IndicatorArrowDown if self.isChecked() else style.PE_IndicatorArrowRight, arrow)
        painter.drawText(QtCore.QRect(24, 0, self.width - 30, HEADER_HEIGHT), QtCore.Qt.AlignVCenter, self.text)


class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    """A group box that folds: ``checked`` means open."""

    def __init__(self, title: Any = None, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(title if isinstance(title, QtWidgets.QWidget) else parent)
        if isinstance(title, str):
            self.title = title
        self._hidden_by_us: list[QtWidgets.QWidget] = []
        self.setCheckable(True)
        self.setStyleSheet(
            "ctkCollapsibleGroupBox::indicator {width: 0px; height: 0px}"
            "ctkCollapsibleGroupBox::title {padding-left: 12px}"
        )
        self.toggled.connect(self._fold)

    def _is_collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, _is_collapsed, _set_collapsed)
    collapsedHeight = stored(int, "collapsedHeight", 14)

    def _fold(self, opened: bool) -> None:
        children = self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly)
        if not opened:
            self._hidden_by_us = [child for child in children if not child.isHidden()]
        for child in self._hidden_by_us:
            child.setVisible(opened)
        self.setMaximumHeight(16777215 if opened else 18)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QtWidgets.QStylePainter(self)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(3, 4, 8, 8)
        style = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(style.PE_IndicatorArrowDown if self.isChecked() else style.PE_IndicatorArrowRight, arrow)


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box that show one number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)

    _STEPS = 1000

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        self._slider.setMaximum(self._STEPS)
        self._spin_box = QtWidgets.QDoubleSpinBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._spin_box)
        self._slider.valueChanged.connect(self._slid)
        self._spin_box.valueChanged.connect(self._spun)

    def _of_spin_box(kind: Any, name: str) -> Property:  # type: ignore[misc]
        def write(self: Any, value: Any) -> None:
            setattr(self._spin_box, name, value)
            self._show()

        return Property(kind, lambda self: getattr(self._spin_box, name), write)

    decimals = _of_spin_box(int, "decimals")
    maximum = _of_spin_box(float, "maximum")
    minimum = _of_spin_box(float, "minimum")
    prefix = _of_spin_box(str, "prefix")
    singleStep = _of_spin_box(float, "singleStep")
    suffix = _of_spin_box(str, "suffix")
    pageStep = stored(float, "pageStep", 1.0)
    tracking = stored(bool, "tracking", True)
    spinBoxVisible = stored(bool, "spinBoxVisible", True, "setSpinBoxVisible")

    def setValue(self, value: float) -> None:
        self._spin_box.setValue(value)
        self._show()

    def _value(self) -> float:
        """As ``ctkDoubleSlider`` counts in steps, with the small errors that come of it: 0.85 is 0.8500000000000001."""
        value, step = self._spin_box.value, self._spin_box.singleStep
        whole = round(value / step)
        return step * (value / step - whole + whole)

    value = Property(float, _value, setValue)

    def setDecimals(self, decimals: int) -> None:
        self._spin_box.setDecimals(decimals)

    def setSpinBoxVisible(self, visible: bool) -> None:
        self._spin_box.setVisible(visible)

    def _slid(self, step: int) -> None:
        box = self._spin_box
        value = box.minimum + (box.maximum - box.minimum) * step / self._STEPS
        self.valueIsChanging.emit(value)
        box.setValue(value)

    def _spun(self, _value: float) -> None:
        self._show()
        self.valueChanged.emit(self._value())

    def _show(self) -> None:
        box = self._spin_box
        span = box.maximum - box.minimum
        self._slider.blockSignals(True)
        self._slider.setValue(round(self._STEPS * (box.value - box.minimum) / span) if span > 0 else 0)
        self._slider.blockSignals(False)


class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text for "nothing chosen"."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCurrentIndex(-1)

    defaultText = Property(str, lambda self: self.placeholderText, lambda self, text: self.setPlaceholderText(text))


class ctkCheckBox(QtWidgets.QCheckBox):
    """A check box."""


class ctkPushButton(QtWidgets.QPushButton):
    """A push button."""


class ctkMenuButton(QtWidgets.QPushButton):
    """A push button with a menu beside it."""


class ctkDoubleSpinBox(QtWidgets.QWidget):
    """A spin box; in ctk it is a widget around one."""

    valueChanged = Signal(float)
    editingFinished = Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = QtWidgets.QDoubleSpinBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(self.valueChanged)
        self._box.editingFinished.connect(self.editingFinished)

    def _of_box(kind: Any, name: str) -> Property:  # type: ignore[misc]
        return Property(kind, lambda self: getattr(self._box, name), lambda self, v: setattr(self._box, name, v))

    decimals = _of_box(int, "decimals")
    maximum = _of_box(float, "maximum")
    minimum = _of_box(float, "minimum")
    prefix = _of_box(str, "prefix")
    readOnly = _of_box(bool, "readOnly")
    singleStep = _of_box(float, "singleStep")
    suffix = _of_box(str, "suffix")
    value = _of_box(float, "value")

    def setValue(self, value: float) -> None:
        self._box.setValue(value)
