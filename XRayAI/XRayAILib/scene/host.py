"""Host: the MRML scene and the module logics that the code of this room works on, whoever runs them."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from XRayAILib.scene.drawing import NoDrawingError, drawing_window

SLICE_VIEW = "Red"
"""The slice view that radiographs are shown in."""


_ONE_UP_RED = """<layout type="horizontal"><item><view class="vtkMRMLSliceNode" singletontag="Red"/></item></layout>"""


class NoSceneError(RuntimeError):
    """The MRML core cannot be started, with the way out."""


@dataclass
class Host:
    """Where a scene lives: 3D Slicer's desktop, or the MRML core on its own.

    Attributes
    ----------
    scene
        ``vtkMRMLScene``.
    application_logic
        ``vtkMRMLApplicationLogic``; it knows the slice views.
    segmentations_logic, volumes_logic, markups_logic
        The module logics. They must live as long as the scene: without them an empty segment gets no labelmap and
        markups have no storage.
    render_window
        Gives the ``vtkRenderWindow`` of the Red view; ``None`` where nothing can be drawn.
    offscreen
        The render window is not on a screen, so it may be given any size.
    keep
        What else must live as long as the host.
    """

    scene: Any
    application_logic: Any
    segmentations_logic: Any
    volumes_logic: Any
    markups_logic: Any
    render_window: Callable[[], Any] | None = None
    offscreen: bool = False
    keep: list[Any] = field(default_factory=list, repr=False)

    @classmethod
    def desktop(cls, application_logic: Any, render_window: Callable[[], Any] | None = None) -> Host:
        """The running 3D Slicer. Its panel passes the application logic of Slicer and the Red view's window."""
        import slicer

        return cls(
            scene=slicer.mrmlScene,
            application_logic=application_logic,
            segmentations_logic=slicer.modules.segmentations.logic(),
            volumes_logic=slicer.modules.volumes.logic(),
            markups_logic=slicer.modules.markups.logic(),
            render_window=render_window,
        )

    @property
    def slice_logic(self) -> Any:
        """``vtkMRMLSliceLogic`` of the Red view."""
        logic = self.application_logic.GetSliceLogicByLayoutName(SLICE_VIEW)
        if logic is None:
            raise NoSceneError("There is no Red slice view in this scene: choose a layout that shows it.")
        return logic

    @property
    def slice_node(self) -> Any:
        """``vtkMRMLSliceNode`` of the Red view."""
        return self.slice_logic.GetSliceNode()

    @property
    def layout_node(self) -> Any:
        """``vtkMRMLLayoutNode``; the MRML core on its own has none until it is asked for."""
        node = self.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if node is None:
            import slicer

            node = slicer.vtkMRMLLayoutNode()
            node.SetSingletonTag("vtkMRMLLayoutNode")
            node.AddLayoutDescription(node.SlicerLayoutOneUpRedSliceView, _ONE_UP_RED)
            node = self.scene.AddNode(node)
        return node

    @property
    def subject_hierarchy(self) -> Any:
        """``vtkMRMLSubjectHierarchyNode``: the tree of the Data module."""
        import slicer

        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)

    def clear(self) -> None:
        """Empty the scene; views, colours and other singletons stay."""
        self.scene.Clear(False)


def headless(drawing: bool = True) -> Host:
    """Start the MRML core of 3D Slicer without its desktop, from the packages trame-slicer and slicer-core.

    Parameters
    ----------
    drawing
        Also make an off-screen slice view. Without it no system library for drawing is needed; scenes can still be
        filled, saved and read.

    Raises
    ------
    NoSceneError
        Where the packages are missing; the message says how to get them.
    NoDrawingError
        Where nothing can be drawn; the message names the system packages to install.
    """
    window = drawing_window() if drawing else ""
    try:
        from trame_slicer.core import SlicerApp
    except ImportError as error:
        raise NoSceneError(
            f"The MRML core of 3D Slicer cannot be loaded ({error}). "
            "Install it with: pip install 'trame-slicer[standalone]'"
        ) from error
    if window:
        _compiler_before_drawing()
    if window and sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        # VTK would try the X server first and complain that there is none.
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", window)

    app = SlicerApp()
    host = Host(
        scene=app.scene,
        application_logic=app.app_logic,
        segmentations_logic=app.segmentations_logic,
        volumes_logic=app.volumes_logic,
        markups_logic=app.markups_logic,
        offscreen=True,
        keep=[app],
    )
    weakref.finalize(host, app.io_manager.cache_dir.cleanup)
    if drawing:
        host.render_window = _offscreen_view(app)
    else:
        host.keep.append(_slice_logic_without_view(host))
    node = host.slice_node
    node.SetLayoutLabel("R")
    node.SetLayoutColor(node.GetRedColor())
    node.SetMappedInLayout(True)
    return host


def _compiler_before_drawing() -> None:
    """Load PyTorch's compiler, where it is installed, before Mesa loads its own LLVM.

    Both bring one; the other way round, triton ends the process with a segmentation fault as soon as PyTorch imports it
    (measured, triton 3.x after Mesa 22.3). It takes 0.4 s.
    """
    if sys.platform.startswith("linux") and importlib.util.find_spec("triton") is not None:
        importlib.import_module("triton")


def _offscreen_view(app: Any) -> Callable[[], Any]:
    """trame-slicer's slice view: Slicer's slice logic and displayable managers in a window that is on no screen."""
    from trame_slicer.views import DirectViewFactory, ViewLayoutDefinition
    from vtkmodules.vtkCommonCore import vtkObject

    app.view_manager.register_factory(DirectViewFactory(do_render_offscreen=True))
    # VTK 9.6 warns that the resize event which trame-slicer 2.0 listens to never comes; sizes are set in view.py.
    warnings = vtkObject.GetGlobalWarningDisplay()
    vtkObject.SetGlobalWarningDisplay(0)
    try:
        view = app.view_manager.create_view(ViewLayoutDefinition.axial_view(SLICE_VIEW))
    finally:
        vtkObject.SetGlobalWarningDisplay(warnings)
    if view is None:
        raise NoDrawingError("trame-slicer made no slice view; is its version at least 2.0?")
    app.view_manager.set_current_view_ids([SLICE_VIEW])
    # Every change would draw the whole view again; view.render draws when somebody looks.
    view.set_scheduled_render(_no_scheduled_rendering())
    window = view.render_window
    return lambda: window()


def _no_scheduled_rendering() -> Any:
    from trame_slicer.views.render_scheduler import NoScheduleRendering

    return NoScheduleRendering()


def _slice_logic_without_view(host: Host) -> Any:
    import slicer

    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(host.application_logic)
    host.application_logic.GetSliceLogics().AddItem(logic)
    logic.SetMRMLScene(host.scene)
    logic.AddSliceNode(SLICE_VIEW)
    return logic
