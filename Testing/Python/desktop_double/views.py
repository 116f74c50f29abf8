"""The layout manager and the views, on the host's real slice logic and render window."""

from __future__ import annotations

from typing import Any

from desktop_double import names


class Strict:
    """An object of the application: refuses what the real one does not have."""

    _like = ""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in names.of_object(self._like):
            raise AttributeError(f"{self._like}.{name} exists in 3D Slicer, but desktop_double does not offer it")
        raise AttributeError(f"{self._like} of 3D Slicer has no '{name}'")


class SliceView(Strict):
    """``sliceWidget(...).sliceView()``."""

    _like = "sliceView"

    def __init__(self, host: Any) -> None:
        import vtk

        self._host = host
        self._corner_annotation = vtk.vtkCornerAnnotation()
        self._renders = 0

    def renderWindow(self) -> Any:
        return self._host.render_window() if self._host.render_window else None

    def interactor(self) -> Any:
        return self.renderWindow().GetInteractor()

    def cornerAnnotation(self) -> Any:
        return self._corner_annotation

    def mrmlSliceNode(self) -> Any:
        return self._host.slice_node

    def forceRender(self) -> None:
        self._renders += 1

    def scheduleRender(self) -> None:
        self._renders += 1


class SliceController(Strict):
    """``sliceWidget(...).sliceController()``."""

    _like = "sliceController"

    def __init__(self, host: Any) -> None:
        self._host = host

    def fitSliceToBackground(self) -> None:
        self._host.slice_logic.FitSliceToBackground()

    def setSliceVisible(self, visible: bool) -> None:
        self._host.slice_node.SetSliceVisible(visible)

    def mrmlSliceNode(self) -> Any:
        return self._host.slice_node


class SliceWidget(Strict):
    """``layoutManager().sliceWidget("Red")``."""

    _like = "sliceWidget"

    def __init__(self, host: Any) -> None:
        self._host = host
        self._view = SliceView(host)
        self._controller = SliceController(host)

    def sliceView(self) -> SliceView:
        return self._view

    def sliceController(self) -> SliceController:
        return self._controller

    def sliceLogic(self) -> Any:
        return self._host.slice_logic

    def mrmlSliceNode(self) -> Any:
        return self._host.slice_node

    def mrmlSliceCompositeNode(self) -> Any:
        return self._host.slice_logic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        self._host.slice_logic.FitSliceToBackground()


class LayoutManager(Strict):
    """``slicer.app.layoutManager()``: one Red slice view, plot views of the scene, and the layout node."""

    _like = "layoutManager"

    def __init__(self, host: Any) -> None:
        self._host = host
        self._red = SliceWidget(host)
        self._plots: list[Any] = []

    @property
    def layout(self) -> int:
        return self._host.layout_node.GetViewArrangement()

    def setLayout(self, arrangement: int) -> None:
        self._host.layout_node.SetViewArrangement(arrangement)

    def sliceViewNames(self) -> list[str]:
        return ["Red"]

    def sliceWidget(self, name: str) -> SliceWidget | None:
        return self._red if name == "Red" else None

    def resetSliceViews(self) -> None:
        self._host.slice_logic.FitSliceToBackground()

    @property
    def threeDViewCount(self) -> int:
        return 0

    @property
    def plotViewCount(self) -> int:
        return self._host.scene.GetNumberOfNodesByClass("vtkMRMLPlotViewNode")

    def plotWidget(self, index: int) -> Any:
        from desktop_double.plot_widget import qMRMLPlotWidget

        node = self._host.scene.GetNthNodeByClass(index, "vtkMRMLPlotViewNode")
        if node is None:
            return None
        while len(self._plots) <= index:
            self._plots.append(qMRMLPlotWidget())
        self._plots[index].setMRMLScene(self._host.scene)
        self._plots[index].setMRMLPlotViewNode(node)
        return self._plots[index]

    def mrmlScene(self) -> Any:
        return self._host.scene

    def setRenderPaused(self, paused: bool) -> None:
        """Nothing is drawn unless somebody looks, so there is nothing to pause."""

    def pauseRender(self) -> None:
        """As setRenderPaused."""

    def resumeRender(self) -> None:
        """As setRenderPaused."""
