"""The corner annotations of slice views: out of place over a radiograph, which has no axial or sagittal."""

from __future__ import annotations

from typing import Any


class CornerAnnotations:
    """Hides them while a panel is entered, and gives them back as they were."""

    def __init__(self) -> None:
        self._hidden = False

    def hide(self) -> None:
        """Hide them, where they are on."""
        import slicer

        annotations = _annotations()
        if annotations is None or not annotations.sliceViewAnnotationsEnabled:
            return
        self._hidden = True
        annotations.sliceViewAnnotationsEnabled = False
        annotations.updateSliceViewFromGUI()
        # The Data Probe stops writing then, but leaves what is written.
        manager = slicer.app.layoutManager()
        for name in manager.sliceViewNames():
            view = manager.sliceWidget(name).sliceView()
            view.cornerAnnotation().ClearAllTexts()
            view.scheduleRender()

    def restore(self) -> None:
        """Show them again, where :meth:`hide` hid them."""
        annotations = _annotations()
        if not self._hidden or annotations is None:
            return
        self._hidden = False
        annotations.sliceViewAnnotationsEnabled = True
        # It observes only views that it does not know, and hiding took its observers away.
        annotations.sliceViewNames = []
        annotations.updateSliceViewFromGUI()


def _annotations() -> Any:
    """``DataProbeLib.SliceAnnotations``; ``None`` where Slicer runs without a main window."""
    import slicer

    probe = getattr(slicer.modules, "DataProbeInstance", None)
    return probe.infoWidget.sliceAnnotations if probe is not None and probe.infoWidget is not None else None
