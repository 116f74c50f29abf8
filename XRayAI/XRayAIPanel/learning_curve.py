"""The learning curve: losses and score over epochs, in a plot view beneath the radiograph."""

from __future__ import annotations

from typing import Any

import slicer

from XRayAILib.workflow.training import curve_title, falls

LAYOUT = 7871
"""Number of our layout among Slicer's; any that nobody else uses."""

_VIEW = "PlotView1"
_DESCRIPTION = f"""
<layout type="vertical" split="true">
 <item splitSize="640">
  <view class="vtkMRMLSliceNode" singletontag="Red">
   <property name="orientation" action="default">Axial</property>
   <property name="viewlabel" action="default">R</property>
   <property name="viewcolor" action="default">#F34A33</property>
  </view>
 </item>
 <item splitSize="360">
  <view class="vtkMRMLPlotViewNode" singletontag="{_VIEW}">
   <property name="viewlabel" action="default">P</property>
  </view>
 </item>
</layout>
"""
_COLORS = ((0.12, 0.47, 0.71), (1.0, 0.50, 0.05), (0.17, 0.63, 0.17), (0.58, 0.40, 0.74))


class LearningCurve:
    """A chart whose series grow while a training runs.

    ::

        curve = LearningCurve()
        curve.update({"loss/train": [(1, 0.9), (2, 0.5)]})
        viewer.set_layout(curve.layout(viewer.host.layout_node))
        curve.attach()
    """

    def __init__(self) -> None:
        self._chart: Any = None
        self._series: dict[str, Any] = {}

    @property
    def chart_node(self) -> Any:
        """``vtkMRMLPlotChartNode``, made when it is first asked for."""
        if self._chart is None or not slicer.mrmlScene.IsNodePresent(self._chart):
            self._series = {}
            self._chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", "Learning curve")
            self._chart.SetTitle("Learning curve")
            self._chart.SetXAxisTitle("Epoch")
            self._chart.SetYAxisTitle("Loss, score")
        return self._chart

    def layout(self, layout_node: Any) -> int:
        """The layout that shows the Red view with the chart beneath; described to Slicer where it was not yet."""
        if not layout_node.IsLayoutDescription(LAYOUT):
            layout_node.AddLayoutDescription(LAYOUT, _DESCRIPTION)
        return LAYOUT

    def attach(self) -> None:
        """Put the chart into the plot view; to be called when the layout shows one."""
        view = slicer.mrmlScene.GetSingletonNode(_VIEW, "vtkMRMLPlotViewNode")
        if view is not None:
            view.SetPlotChartNodeID(self.chart_node.GetID())

    def update(self, curves: dict[str, list[tuple[float, float]]]) -> None:
        """Show these curves: name -> points (epoch, value)."""
        chart = self.chart_node
        # An error in pixels would press the losses flat on a plain axis.
        chart.SetYAxisLogScale(any(falls(name) for name in curves))
        for name in [n for n in self._series if n not in curves]:
            self._drop(name)
        changed = False
        for name, points in curves.items():
            series = self._series.get(name) or self._new_series(name)
            changed = _fill(series.GetTableNode(), points) or changed
        if changed:
            chart.Modified()

    def clear(self) -> None:
        """Take the chart and its series out of the scene."""
        for name in list(self._series):
            self._drop(name)
        if self._chart is not None and slicer.mrmlScene.IsNodePresent(self._chart):
            slicer.mrmlScene.RemoveNode(self._chart)
        self._chart = None

    def forget(self) -> None:
        """The scene was closed, and our nodes with it."""
        self._chart, self._series = None, {}

    def _new_series(self, name: str) -> Any:
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"Learning curve {name}")
        series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", curve_title(name))
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName("Epoch")
        series.SetYColumnName("Value")
        series.SetPlotType(series.PlotTypeScatter)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetColor(*_COLORS[len(self._series) % len(_COLORS)])
        self.chart_node.AddAndObservePlotSeriesNodeID(series.GetID())
        self._series[name] = series
        return series

    def _drop(self, name: str) -> None:
        series = self._series.pop(name)
        if slicer.mrmlScene.IsNodePresent(series):
            table = series.GetTableNode()
            if self._chart is not None:
                self._chart.RemovePlotSeriesNodeID(series.GetID())
            slicer.mrmlScene.RemoveNode(series)
            if table is not None:
                slicer.mrmlScene.RemoveNode(table)


def _fill(table_node: Any, points: list[tuple[float, float]]) -> bool:
    """Write points into a table; ``False`` where they are in it already."""
    import vtk

    table = table_node.GetTable()
    if table.GetNumberOfColumns() and table.GetNumberOfRows() == len(points):
        return False
    table.Initialize()
    for index, column in enumerate(("Epoch", "Value")):
        array = vtk.vtkDoubleArray()
        array.SetName(column)
        for point in points:
            array.InsertNextValue(point[index])
        table.AddColumn(array)
    table.Modified()
    table_node.Modified()
    return True
