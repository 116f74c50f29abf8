"""Slicer's DICOM database as a list of files."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.dicom.file_header import RADIOGRAPH_MODALITIES

SHOWN_EVERY = 200
"""Studies between two looks at the progress; the database is asked two or three times for each series."""


def radiograph_files() -> list[str] | None:
    """The files of every series in Slicer's DICOM database whose modality is one of projection radiography.

    Images that the DICOM browser has only found on a server have no file yet and are left out. A dialog shows how far
    it is where that takes longer than a second; ``None`` where the person stopped it.
    """
    # Slicer's module DICOM puts it there, and can be switched off.
    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen:
        return []
    studies = [study for patient in database.patients() for study in database.studiesForPatient(patient)]
    dialog = slicer.util.createProgressDialog(
        maximum=len(studies),
        labelText=_("Looking through the DICOM database"),
        minimumDuration=1000,
        windowModality=qt.Qt.WindowModal,
    )
    files: list[str] = []
    try:
        for number, study in enumerate(studies):
            if number % SHOWN_EVERY == 0:
                dialog.value = number
                slicer.app.processEvents()
                if dialog.wasCanceled:
                    return None
            for series in database.seriesForStudy(study):
                if database.fieldForSeries("Modality", series) in RADIOGRAPH_MODALITIES:
                    files += [file for file in database.filesForSeries(series) if file]
    finally:
        dialog.close()
    return files
