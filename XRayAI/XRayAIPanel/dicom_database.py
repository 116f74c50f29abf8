"""Slicer's DICOM database as a list of files."""

from __future__ import annotations

import slicer

from XRayAILib.dicom.file_header import RADIOGRAPH_MODALITIES


def radiograph_files() -> list[str]:
    """The files of every series in Slicer's DICOM database whose modality is one of projection radiography."""
    database = slicer.dicomDatabase
    if database is None or not database.isOpen:
        return []
    return [
        path
        for patient in database.patients()
        for study in database.studiesForPatient(patient)
        for series in database.seriesForStudy(study)
        if database.fieldForSeries("Modality", series) in RADIOGRAPH_MODALITIES
        for path in database.filesForSeries(series)
    ]
