"""The formats that there are, by name."""

from __future__ import annotations

import importlib

from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import Format

FORMATS = {
    "coco": "coco.format:Coco",
    "yolo-detect": "yolo.format:YoloDetect",
    "yolo-segment": "yolo.format:YoloSegment",
    "yolo-pose": "yolo.pose:YoloPose",
    "yolo-obb": "yolo.format:YoloObb",
    "voc": "voc.format:Voc",
    "cvat": "cvat.format:Cvat",
    "label-studio": "label_studio.format:LabelStudio",
    "labelme": "labelme.format:LabelMe",
    "nnunet": "masks.nnunet:NnUNet",
    "monai": "masks.monai_datalist:MonaiDatalist",
    "csv": "table.format:CsvTable",
    "masks": "masks.format:PngMasks",
    "labelmap": "masks.format:LabelMaps",
    "slicer": "slicer.format:SlicerFiles",
    "dicom-seg": "dicom_results.format:DicomSeg",
    "dicom-sr": "dicom_results.format:DicomSr",
}
"""Name -> module of this room and class; loaded when it is asked for."""


def format_named(name: str) -> Format:
    """A format; :class:`ExportError` names those that there are."""
    if name not in FORMATS:
        raise ExportError(f"There is no export '{name}'; there are {', '.join(FORMATS)}.")
    module, kind = FORMATS[name].split(":")
    return getattr(importlib.import_module(f"XRayAILib.exchange.{module}"), kind)()  # type: ignore[no-any-return]
