"""A file-set with a DICOMDIR (PS3.10 8, PS3.3 F) out of de-identified files."""

from __future__ import annotations

import secrets
import shutil
import warnings
from pathlib import Path

FILE_SET = "fileset"

# What a directory record must have and a de-identified file need not (PS3.3 F.5): attribute -> stand-in.
_REQUIRED = {"StudyID": "1", "StudyDate": "19000101", "StudyTime": "000000", "SeriesNumber": "1", "InstanceNumber": "1"}


class FileSetError(ValueError):
    """A file that no directory record can be made of."""


def write_file_set(folder: Path) -> Path:
    """Copy the de-identified files below ``folder`` to a file-set in it, and write its DICOMDIR; gives the latter.

    The files keep their content but for attributes that a directory must have and that are empty.
    """
    import pydicom
    from pydicom.fileset import FileSet

    place = folder / FILE_SET
    temporary = folder / f".{FILE_SET}.{secrets.token_hex(4)}.part"
    files = FileSet()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for path in sorted(folder.glob("patient-*/**/*.dcm")):
                dataset = pydicom.dcmread(path)
                for keyword, value in _REQUIRED.items():
                    if dataset.get(keyword) in (None, ""):
                        setattr(dataset, keyword, value)
                try:
                    files.add(dataset)
                except ValueError as error:
                    raise FileSetError(f"{path} cannot be in a file-set: {error}") from error
            temporary.mkdir()
            files.write(temporary)
        if place.exists():
            shutil.rmtree(place)
        temporary.rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # still there only after an error
    return place / "DICOMDIR"
