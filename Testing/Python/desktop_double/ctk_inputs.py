"""The ctk widgets for searching, files, folders and colours."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from desktop_double.ctk_widgets import stored


class ctkSearchBox(QtWidgets.QLineEdit):
    """A line edit with a magnifying glass and a cross to clear it."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.placeholderText = "Search..."
        self.setClearButtonEnabled(True)
        self.setTextMargins(18, 0, 0, 0)

    showSearchIcon = stored(bool, "showSearchIcon", True)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(QtGui.QColor(120, 120, 120), 1.6))
        middle = self.height / 2
        painter.drawEllipse(QtCore.QPointF(11, middle - 1), 4, 4)
        painter.drawLine(QtCore.QPointF(14, middle + 2), QtCore.QPointF(17, middle + 5))


class _Path(QtWidgets.QWidget):
    """What the two path widgets have in common: a path and a button that asks for one."""

    def _ask(self) -> None:
        import qt

        path = qt.QFileDialog.getExistingDirectory(self, "Select directory", self._path())
        if path:
            self._set_path(path)

    def _path(self) -> str:
        raise NotImplementedError

    def _set_path(self, path: str) -> None:
        raise NotImplementedError


class ctkPathLineEdit(_Path):
    """A path to type, to choose or to take from a history."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._combo_box = QtWidgets.QComboBox(self)
        self._combo_box.setEditable(True)
        self._combo_box.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
        button = QtWidgets.QToolButton(self)
        button.text = "..."
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._combo_box)
        layout.addWidget(button)
        button.clicked.connect(self.browse)
        self._combo_box.editTextChanged.connect(self.currentPathChanged)

    def _path(self) -> str:
        return self._combo_box.currentText

    def _set_path(self, path: str) -> None:
        self._combo_box.setEditText(path)

    currentPath = Property(str, _path, _set_path)
    settingKey = stored(str, "settingKey", "")
    nameFilters = stored("QStringList", "nameFilters", [])
    filters = stored("QVariant", "filters", None)
    showHistoryButton = stored(bool, "showHistoryButton", True)

    def setCurrentPath(self, path: str) -> None:
        self._set_path(path)

    def addCurrentPathToHistory(self) -> None:
        if self._combo_box.findText(self._path()) < 0:
            self._combo_box.addItem(self._path())

    def browse(self) -> None:
        self._ask()


class ctkDirectoryButton(_Path):
    """A button that shows a folder and asks for another."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._button = QtWidgets.QPushButton(self)
        self._button.setIcon(self.style().standardIcon(QtWidgets.QStyle.StandardPixmap.SP_DirIcon))
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._button)
        self._button.clicked.connect(self.browse)

    def _path(self) -> str:
        return self.__dict__.get("_directory", "")

    def _set_path(self, path: str) -> None:
        if path != self._path():
            self.__dict__["_directory"] = path
            self._button.text = path
            self.directoryChanged.emit(path)

    directory = Property(str, _path, _set_path)
    caption = stored(str, "caption", "")
    text = Property(str, lambda self: self._button.text, lambda self, text: self._button.setText(text))

    def browse(self) -> None:
        self._ask()
        self.directorySelected.emit(self._path())


class ctkColorPickerButton(QtWidgets.QPushButton):
    """A button that shows a colour."""

    colorChanged = Signal(QtGui.QColor)

    def _color_value(self) -> QtGui.QColor:
        return self.__dict__.get("_color", QtGui.QColor())

    def setColor(self, color: QtGui.QColor) -> None:
        if color != self._color_value():
            self.__dict__["_color"] = color
            swatch = QtGui.QPixmap(16, 16)
            swatch.fill(color)
            self.setIcon(QtGui.QIcon(swatch))
            self.colorChanged.emit(color)

    color = Property(QtGui.QColor, _color_value, setColor)
    displayColorName = stored(bool, "displayColorName", True)
