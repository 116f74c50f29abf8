"""The formats that there are, by name."""

from __future__ import annotations

import importlib

from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import Format

FORMATS = {
    "coco": "coco_format:Coco",
    "yolo-detect": "yolo:YoloDetect",
    "yolo-segment": "yolo:YoloSegment",
    "yolo-pose": "yolo_pose:YoloPose",
    "yolo-obb": "yolo:YoloObb",
    "voc": "voc:Voc",
    "cvat": "cvat:Cvat",
    "label-studio": "label_studio:LabelStudio",
    "labelme": "labelme:LabelMe",
    "nnunet": "nnunet:NnUNet",
    "monai": "monai_datalist:MonaiDatalist",
    "csv": "csv_table:CsvTable",
    "masks": "png_masks:PngMasks",
    "labelmap": "png_masks:LabelMaps",
    "slicer": "slicer_files:SlicerFiles",
    "dicom-seg": "dicom_formats:DicomSeg",
    "dicom-sr": "dicom_formats:DicomSr",
}
"""Name -> module of this room and class; loaded when it is asked for."""


def format_named(name: str) -> Format:
    """A format; :class:`ExportError` names those that there are."""
    if name not in FORMATS:
        raise ExportError(f"There is no export '{name}'; there are {', '.join(FORMATS)}.")
    module, kind = FORMATS[name].split(":")
    return getattr(importlib.import_module(f"XRayAILib.exchange.{module}"), kind)()  # type: ignore[no-any-return]
