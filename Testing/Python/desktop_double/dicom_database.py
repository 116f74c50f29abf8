"""``slicer.dicomDatabase`` over files given by a test, and the base classes of DICOM plugins (``DICOMLib``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from desktop_double import names


class DicomDatabase:
    """The read side of ``ctkDICOMDatabase``; values come out as the database gives them: text, "" where absent.

    Lists are tuples, as PythonQt gives them.
    """

    def __init__(self) -> None:
        self._files: dict[str, Any] = {}
        self._elsewhere: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in names.of_object("dicomDatabase"):
            raise AttributeError(f"dicomDatabase.{name} exists in 3D Slicer, but desktop_double does not offer it")
        raise AttributeError(f"dicomDatabase of 3D Slicer has no '{name}'")

    def _add(self, path: str | Path, fetched: bool) -> None:
        import pydicom

        self._files[str(path)] = pydicom.dcmread(path, stop_before_pixels=True)
        if not fetched:
            self._elsewhere.add(str(path))

    @property
    def isOpen(self) -> bool:
        return True

    def fileValue(self, path: str, tag: str) -> str:
        dataset = self._files.get(str(path))
        key = tuple(int(part, 16) for part in tag.split(","))
        if dataset is None or key not in dataset:
            return ""
        value = dataset[key].value
        return "\\".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value or "")

    def fileValueExists(self, path: str, tag: str) -> bool:
        if tag.lower() == "7fe0,0010":
            return str(path) in self._files
        return self.fileValue(path, tag) != ""

    def instanceValue(self, uid: str, tag: str) -> str:
        return self.fileValue(self.fileForInstance(uid), tag)

    def fileForInstance(self, uid: str) -> str:
        return next((path for path, dataset in self._files.items() if dataset.SOPInstanceUID == uid), "")

    def instanceForFile(self, path: str) -> str:
        return str(self._files[str(path)].SOPInstanceUID) if str(path) in self._files else ""

    def seriesForFile(self, path: str) -> str:
        return self.fileValue(path, "0020,000e")

    def allFiles(self) -> tuple[str, ...]:
        return tuple(self._file(path) for path in self._files)

    def filesForSeries(self, uid: str, hits: int = -1) -> tuple[str, ...]:
        """The files; "" for an image that a server was asked about and that has not come."""
        found = tuple(self._file(path) for path in self._files if self.seriesForFile(path) == uid)
        return found[:hits] if hits > 0 else found

    def patients(self) -> tuple[str, ...]:
        """The database's own keys of patients; here the Patient ID."""
        return tuple(dict.fromkeys(self.fileValue(path, "0010,0020") for path in self._files))

    def studiesForPatient(self, patient: str) -> tuple[str, ...]:
        return self._below("0010,0020", patient, "0020,000d")

    def seriesForStudy(self, uid: str) -> tuple[str, ...]:
        return self._below("0020,000d", uid, "0020,000e")

    def fieldForSeries(self, field: str, uid: str) -> str:
        """A column of the database's table of series, by the attribute's keyword."""
        return next(
            (str(dataset.get(field, "")) for dataset in self._files.values() if dataset.SeriesInstanceUID == uid), ""
        )

    def _file(self, path: str) -> str:
        return "" if path in self._elsewhere else path

    def _below(self, tag: str, value: str, wanted: str) -> tuple[str, ...]:
        files = (path for path in self._files if self.fileValue(path, tag) == value)
        return tuple(dict.fromkeys(self.fileValue(path, wanted) for path in files))


class DICOMLoadable:
    """Something that a plugin can load."""

    def __init__(self, qLoadable: Any = None) -> None:
        self.files: list[str] = list(qLoadable.files) if qLoadable else []
        self.name = qLoadable.name if qLoadable else "Unknown"
        self.tooltip = qLoadable.tooltip if qLoadable else "No further information available"
        self.warning = qLoadable.warning if qLoadable else ""
        self.selected = qLoadable.selected if qLoadable else False
        self.confidence = qLoadable.confidence if qLoadable else 0.5


class DICOMPlugin:
    """Base class of the plugins that the DICOM module asks about files."""

    def __init__(self) -> None:
        self.loadType = "Generic DICOM"
        self.loadableCache: dict[tuple[str, ...], list[DICOMLoadable]] = {}
        self.tags = {
            "seriesDescription": "0008,103E",
            "seriesNumber": "0020,0011",
            "frameOfReferenceUID": "0020,0052",
            "seriesInstanceUID": "0020,000E",
            "modality": "0008,0060",
            "instanceUID": "0008,0018",
            "sopClassUID": "0008,0016",
        }

    def getCachedLoadables(self, files: list[str]) -> list[DICOMLoadable] | None:
        return self.loadableCache.get(tuple(files))

    def cacheLoadables(self, files: list[str], loadables: list[DICOMLoadable]) -> None:
        self.loadableCache[tuple(files)] = loadables

    def examineForImport(self, fileList: list[list[str]]) -> list[DICOMLoadable]:
        loadables = []
        for files in fileList:
            known = self.getCachedLoadables(files)
            if known is None:
                known = self.examineFiles(files)
                self.cacheLoadables(files, known)
            loadables += known
        return loadables

    def examineFiles(self, files: list[str]) -> list[DICOMLoadable]:
        return []

    def examine(self, fileList: list[list[str]]) -> list[DICOMLoadable]:
        return self.examineForImport(fileList)

    def load(self, loadable: DICOMLoadable) -> Any:
        return True

    def examineForExport(self, subjectHierarchyItemID: int) -> list[Any]:
        return []

    def export(self, exportable: Any) -> str:
        return ""

    def cleanup(self) -> None:
        """For derived classes."""

    def defaultSeriesNodeName(self, seriesUID: str) -> str:
        import slicer

        first = slicer.dicomDatabase.filesForSeries(seriesUID, 1)
        if not first:
            return "Unnamed Series"
        name = slicer.dicomDatabase.fileValue(first[0], self.tags["seriesDescription"]) or "Unnamed Series"
        number = slicer.dicomDatabase.fileValue(first[0], self.tags["seriesNumber"])
        return f"{number}: {name}" if number else name

    def addSeriesInSubjectHierarchy(self, loadable: DICOMLoadable, dataNode: Any) -> None:
        """The item of the node, with the series' UID, below its study and patient."""
        import slicer

        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), dataNode)
        value = slicer.dicomDatabase.fileValue
        uid_name = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMUIDName()
        series = value(loadable.files[0], self.tags["seriesInstanceUID"])
        study = value(loadable.files[0], "0020,000D")
        hierarchy.SetItemUID(item, uid_name, series)
        instances = " ".join(value(path, self.tags["instanceUID"]) or "Unknown" for path in loadable.files)
        hierarchy.SetItemUID(item, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMInstanceUIDName(), instances)
        patient = value(loadable.files[0], "0010,0020") or "Patient-" + study
        slicer.vtkSlicerSubjectHierarchyModuleLogic.InsertDicomSeriesInHierarchy(hierarchy, patient, study, series)
