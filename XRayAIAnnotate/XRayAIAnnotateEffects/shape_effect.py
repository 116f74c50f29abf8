"""What the effects for all that is no mask have in common: a label to choose, and a tool in the view."""

from pathlib import Path

import qt
import slicer
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect
from slicer.i18n import tr as _


class ShapeEffect(AbstractScriptedSegmentEditorEffect):
    """Makes markups over the source volume, by the same functions as the panel of X-Ray AI Annotate.

    While it is active, Slicer's place mode sets the points; the effect itself sees no mouse.

    Attributes
    ----------
    name, source, tools
        For derived classes: name of the effect, its file, and the tools of the labels that it offers.
    """

    name = ""
    source = ""
    tools: tuple[str, ...] = ()

    def __init__(self, scriptedEffect) -> None:
        scriptedEffect.name = self.name  # not translated: modules find effects by it
        scriptedEffect.title = _(self.name)
        scriptedEffect.requireSegments = False
        AbstractScriptedSegmentEditorEffect.__init__(self, scriptedEffect)

    def place(self, host, volume, schema, label):
        """Make a markup for a label and let the next click begin it."""
        from XRayAIAnnotatePanel import placing

        return placing.place(host, volume, schema, label)

    # What the Segment Editor asks for -----------------------------------------------------------------------------

    def clone(self):
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        clone = effects.qSlicerSegmentEditorScriptedEffect(None)
        clone.setPythonSource(Path(self.source).as_posix())
        return clone

    def icon(self):
        path = Path(self.source).parent / "Resources" / "Icons" / f"{self.name}.png"
        return qt.QIcon(str(path)) if path.exists() else qt.QIcon()

    def createCursor(self, widget):
        return qt.QCursor(qt.Qt.CrossCursor)

    def setupOptionsFrame(self) -> None:
        self.labelComboBox = qt.QComboBox()
        self.labelComboBox.objectName = f"{self.name}Label"
        self.labelComboBox.setToolTip(_("What is drawn next."))
        self.labelComboBox.textActivated.connect(self.onLabel)
        self.scriptedEffect.addLabeledOptionsWidget(_("Label:"), self.labelComboBox)
        self.placeButton = qt.QPushButton(_("Place"))
        self.placeButton.objectName = f"{self.name}Place"
        self.placeButton.clicked.connect(self.onPlace)
        self.scriptedEffect.addOptionsWidget(self.placeButton)

    def cleanup(self) -> None:
        # Left connected, they keep the effect alive (Slicer#7392).
        if hasattr(self, "placeButton"):
            self.labelComboBox.textActivated.disconnect(self.onLabel)
            self.placeButton.clicked.disconnect(self.onPlace)

    def activate(self) -> None:
        self._fill()
        self.onPlace()

    def deactivate(self) -> None:
        from XRayAIAnnotatePanel import layer, placing

        host = self.host()
        placing.stop(host)
        nodes = layer.find(host, self.volume())
        if nodes is not None:
            placing.drop_unfinished(host, nodes)

    def updateGUIFromMRML(self) -> None:
        self._fill()

    def updateMRMLFromGUI(self) -> None:
        self.scriptedEffect.setParameter("Label", self.label())

    def interactionNodeModified(self, interactionNode) -> None:
        """Slicer leaves an effect when a point is to be placed; this one is there for it."""

    # What a person does -------------------------------------------------------------------------------------------

    def onLabel(self, text) -> None:
        self.updateMRMLFromGUI()
        self.onPlace()

    def onPlace(self, checked=False) -> None:
        from XRayAIAnnotatePanel import layer

        with slicer.util.tryWithErrorDisplay(_("The tool cannot be used.")):
            if self.volume() is None:
                raise RuntimeError(_("Choose a source volume first: the radiograph to draw on."))
            if self.label():
                schema = layer.offered_labels()
                self.place(self.host(), self.volume(), schema, schema[self.label()])

    # Within -------------------------------------------------------------------------------------------------------

    def host(self):
        """The scene and its logics."""
        from XRayAIPanel.viewer import desktop_host

        return desktop_host()

    def volume(self):
        """The radiograph that is drawn on."""
        node = self.scriptedEffect.parameterSetNode()
        return node.GetSourceVolumeNode() if node is not None else None

    def label(self) -> str:
        """Name of the label chosen, or empty."""
        return self.labelComboBox.currentData or ""

    def _fill(self) -> None:
        from XRayAIAnnotatePanel import layer

        labels = [label for label in layer.offered_labels() if label.tool.value in self.tools]
        box = self.labelComboBox
        offered = [box.itemData(index) for index in range(box.count)]
        if offered != [label.name for label in labels]:
            box.clear()
            for label in labels:
                several = len({label.tool for label in labels}) > 1
                box.addItem(f"{label.title} ({label.tool.value})" if several else label.title, label.name)
        chosen = self.scriptedEffect.parameter("Label") if self.scriptedEffect.parameterDefined("Label") else ""
        wanted = box.findData(chosen)
        if wanted >= 0 and wanted != box.currentIndex:
            box.setCurrentIndex(wanted)
        self.placeButton.enabled = bool(labels)
