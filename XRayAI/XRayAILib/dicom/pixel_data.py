"""Stored pixels out of a DICOM file, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.errors import UnreadableError

if TYPE_CHECKING:
    from pydicom import Dataset


def stored_pixels(dataset: Dataset, path: Path, frame: int = 0) -> np.ndarray:
    """One frame as stored, (rows, columns), integers; colour and palette images turned to grey.

    Raises
    ------
    UnreadableError
        The pixel data is missing, cut off, or cannot be decoded.
    """
    import warnings

    from pydicom.pixels import pixel_array
    from pydicom.uid import ImplicitVRLittleEndian

    from XRayAILib.dicom import codecs

    if "PixelData" not in dataset:
        raise UnreadableError(str(path), "PixelData (7FE0,0010) is missing: the file holds no image or was cut off")
    codecs.register()
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) if hasattr(dataset, "file_meta") else ""
    if not syntax:
        dataset.ensure_file_meta()
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    problems = []
    for plugin in (*codecs.PREFERRED.get(syntax, ()), ""):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                array = pixel_array(dataset, index=frame, decoding_plugin=plugin)
            return _grey(dataset, np.asarray(array))
        except Exception as error:  # noqa: BLE001 - a decoder can raise anything on a damaged stream
            # The first line often only says that there are more: what each decoder had to say.
            problems.append(" ".join(str(error).split())[:300] or type(error).__name__)
    raise UnreadableError(str(path), f"its pixels cannot be decoded ({problems[-1]})")


def _grey(dataset: Dataset, array: np.ndarray) -> np.ndarray:
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        array = apply_color_lut(array, dataset)
    if array.ndim == 3:
        # Luma of ITU-R BT.601, what pictures use as well.
        array = np.rint(array[..., :3] @ np.array([0.299, 0.587, 0.114])).astype(array.dtype)
    return np.ascontiguousarray(array)
