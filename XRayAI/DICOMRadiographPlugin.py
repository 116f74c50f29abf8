"""DICOM plugin: Slicer's DICOM browser reads radiographs by X-Ray AI's reader, one loadable per SOP instance."""

from typing import Any

import slicer
from DICOMLib import DICOMLoadable, DICOMPlugin
from slicer.i18n import tr as _

MODALITIES = ("CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA")
"""Projection radiography (PS3.3 C.7.3.1.1.1)."""

CONFIDENCE = 0.9
"""Above Slicer's scalar volume (0.5) and image sequence (0.7), which ignore polarity and spacing at the detector."""


class DICOMRadiographPluginClass(DICOMPlugin):
    """Offers every single-frame radiograph of a series on its own; films of several frames stay with other plugins."""

    def __init__(self) -> None:
        super().__init__()
        self.loadType = _("Radiograph")
        self.tags["seriesDescription"] = "0008,103E"
        self.tags["seriesInstanceUID"] = "0020,000E"
        self.tags["modality"] = "0008,0060"
        self.tags["instanceNumber"] = "0020,0013"
        self.tags["viewPosition"] = "0018,5101"
        self.tags["laterality"] = "0020,0062"
        self.tags["numberOfFrames"] = "0028,0008"
        self.tags["rows"] = "0028,0010"

    def examineFiles(self, files: list[str]) -> list:
        """The loadables of one series."""
        loadables = [self._loadable(file) for file in files if self._isRadiograph(file)]
        for loadable in loadables:
            if len(loadables) > 1:
                loadable.name += (
                    f" ({self._value(loadable.files[0], 'instanceNumber') or loadables.index(loadable) + 1})"
                )
        return loadables

    def load(self, loadable: DICOMLoadable) -> Any:
        """Put a radiograph into the scene and show it, the right way up and in the right window.

        Returns
        -------
        vtkMRMLScalarVolumeNode

        Raises
        ------
        XRayAILib.dicom.radiograph.UnreadableError
            With the file and the reason; the DICOM browser tells the person.
        """
        from XRayAILib.scene.view import show
        from XRayAILib.scene.volume import show_radiograph
        from XRayAIPanel.viewer import desktop_host

        host = desktop_host()
        radiograph = self._read(loadable.files[0])
        volumeNode = show_radiograph(host, radiograph, name=loadable.name)
        self.addSeriesInSubjectHierarchy(loadable, volumeNode)
        volumeNode.SetAttribute("DICOM.instanceUIDs", self._value(loadable.files[0], "instanceUID"))
        if slicer.app.layoutManager() is not None:
            show(host, volumeNode)
        return volumeNode

    def _read(self, file: str) -> Any:
        """Read a file; asks whether to install the decoders, where it is compressed and Slicer has none for it."""
        from XRayAILib.dicom.decoding import shared_decoder
        from XRayAILib.dicom.radiograph import UnreadableError, is_compressed, read_radiograph
        from XRayAIPanel.installation import library_is_there, need_library

        try:
            return read_radiograph(file)
        except UnreadableError:
            if library_is_there() or not is_compressed(file):
                raise
        need_library()
        # Its process knows only the decoders that were there when it started.
        shared_decoder().close()
        return read_radiograph(file)

    def _isRadiograph(self, file: str) -> bool:
        modality = self._value(file, "modality")
        frames = self._value(file, "numberOfFrames")
        # Presentation states and reports of these modalities have no rows.
        return modality in MODALITIES and frames in ("", "0", "1") and self._value(file, "rows") not in ("", "0")

    def _loadable(self, file: str) -> DICOMLoadable:
        words = [self._value(file, tag) for tag in ("modality", "laterality", "viewPosition", "seriesDescription")]
        loadable = DICOMLoadable()
        loadable.files = [file]
        loadable.name = " ".join(word for word in words if word)
        loadable.tooltip = _("Radiograph, read by X-Ray AI: {file}").format(file=file)
        loadable.selected = True
        loadable.confidence = CONFIDENCE
        return loadable

    def _value(self, file: str, tag: str) -> str:
        return slicer.dicomDatabase.fileValue(file, self.tags[tag]).strip()


class DICOMRadiographPlugin:
    """The hidden module by which Slicer's DICOM module finds the plugin."""

    def __init__(self, parent: Any) -> None:
        parent.title = "DICOM Radiograph Plugin"
        parent.categories = ["Developer Tools.DICOM Plugins"]
        parent.contributors = ["X-Ray AI contributors"]
        parent.helpText = _("Loads radiographs from Slicer's DICOM browser through X-Ray AI's reader.")
        parent.acknowledgementText = ""
        parent.hidden = True
        # This module may be found before the DICOM module that owns the list.
        if not hasattr(slicer.modules, "dicomPlugins"):
            slicer.modules.dicomPlugins = {}
        slicer.modules.dicomPlugins["DICOMRadiographPlugin"] = DICOMRadiographPluginClass
