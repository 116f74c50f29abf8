"""``qMRMLPlotWidget``: draws the chart of a plot view node with its series, enough for a picture of a panel."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from desktop_double.mrml_widgets import qMRMLWidget


def _column(series: Any, name: str | None) -> list[float]:
    table = series.GetTableNode()
    array = table.GetTable().GetColumnByName(name) if table is not None and name else None
    return [array.GetVariantValue(row).ToDouble() for row in range(array.GetNumberOfTuples())] if array else []


class qMRMLPlotView(QtWidgets.QWidget):
    """The drawing area."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.minimumHeight = 120
        self._view_node: Any = None

    def setMRMLScene(self, scene: Any) -> None:
        self.__dict__["_scene"] = scene

    def setMRMLPlotViewNode(self, node: Any) -> None:
        self._view_node = node
        self.update()

    def fitToContent(self) -> None:
        self.update()

    def _chart(self) -> Any:
        return self._view_node.GetPlotChartNode() if self._view_node is not None else None

    def _lines(self) -> list[tuple[str, QtGui.QColor, list[tuple[float, float]]]]:
        chart = self._chart()
        if chart is None:
            return []
        lines = []
        for index in range(chart.GetNumberOfPlotSeriesNodes()):
            series = chart.GetNthPlotSeriesNode(index)
            if series is None:
                continue
            y = _column(series, series.GetYColumnName())
            x = _column(series, series.GetXColumnName()) or [float(i) for i in range(len(y))]
            lines.append((series.GetName(), QtGui.QColor.fromRgbF(*series.GetColor()), list(zip(x, y, strict=False))))
        return lines

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect, QtCore.Qt.GlobalColor.white)
        area = QtCore.QRectF(self.rect).adjusted(46, 22, -12, -28)
        painter.setPen(QtCore.Qt.GlobalColor.black)
        painter.drawRect(area)
        chart = self._chart()
        if chart is not None:
            top = QtCore.QRectF(0, 2, self.width, 18)
            painter.drawText(top, QtCore.Qt.AlignmentFlag.AlignCenter, chart.GetTitle() or "")
            bottom = QtCore.QRectF(area.left(), area.bottom() + 10, area.width(), 18)
            painter.drawText(bottom, QtCore.Qt.AlignmentFlag.AlignCenter, chart.GetXAxisTitle() or "")
        lines = self._lines()
        points = [point for line in lines for point in line[2]]
        if not points:
            return
        x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
        y0, y1 = min(p[1] for p in points), max(p[1] for p in points)
        x1, y1 = (x1 if x1 > x0 else x0 + 1), (y1 if y1 > y0 else y0 + 1)
        for value, y in ((y0, area.bottom()), (y1, area.top() + 10)):
            painter.drawText(QtCore.QPointF(4, y), f"{value:.3g}")
        for value, x in ((x0, area.left()), (x1, area.right() - 14)):
            painter.drawText(QtCore.QPointF(x, area.bottom() + 14), f"{value:.3g}")
        for row, (name, colour, line) in enumerate(lines):
            painter.setPen(QtGui.QPen(colour, 2))
            scaled = [
                QtCore.QPointF(
                    area.left() + (x - x0) / (x1 - x0) * area.width(),
                    area.bottom() - (y - y0) / (y1 - y0) * area.height(),
                )
                for x, y in line
            ]
            painter.drawPolyline(scaled)
            painter.drawText(QtCore.QPointF(area.right() - 110, area.top() + 14 + 14 * row), name)


class qMRMLPlotWidget(qMRMLWidget):
    """A plot view node's view."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = qMRMLPlotView(self)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self._node: Any = None

    def plotView(self) -> qMRMLPlotView:
        return self._view

    def mrmlPlotViewNode(self) -> Any:
        return self._node

    def setMRMLPlotViewNode(self, node: Any) -> None:
        self._node = node
        self._view.setMRMLPlotViewNode(node)
        self._view.setMRMLScene(self.mrmlScene())
