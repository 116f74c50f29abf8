"""Masks as the segments of one segmentation node, and back without a pixel lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from XRayAILib.exchange.slicer.terms import terminology
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Mask, new_id
from XRayAILib.findings.record import identity_of, record_of
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.scene.host import Host
from XRayAILib.scene.mask_cache import mask_of, shows
from XRayAILib.scene.record import (
    FIELDS,
    PREFIX,
    color_of,
    decoded,
    encoded,
    label_for,
    title_of,
)
from XRayAILib.scene.volume import image_shape

BINARY_LABELMAP = "Binary labelmap"


def new_segmentation(host: Host, volume_node: Any, name: str) -> Any:
    """An empty segmentation on the pixel grid of a radiograph: labelmaps only, no surface, thin outlines.

    Returns
    -------
    vtkMRMLSegmentationNode
    """
    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.GetSegmentation().SetSourceRepresentationName(BINARY_LABELMAP)
    display = node.GetDisplayNode()
    # A closed surface of one slice costs seconds and shows nothing.
    display.SetVisibility3D(False)
    display.SetPreferredDisplayRepresentationName2D(BINARY_LABELMAP)
    display.SetSliceIntersectionThickness(2)
    return node


def show_masks(node: Any, volume_node: Any, masks: Iterable[Mask], schema: LabelSchema) -> None:
    """Make the segments of ``node`` exactly these masks, in this order, each in a layer of its own: they may overlap.

    A new segment takes the id of its object; one that is there already is changed in its place, so an editor that has
    it selected keeps it selected.
    """
    import slicer

    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    segmentation = node.GetSegmentation()
    masks = list(masks)
    wanted = {mask.id for mask in masks}
    present: dict[str, str] = {}
    grid = _grid_key(volume_node)
    for segment_id in segmentation.GetSegmentIDs():
        object_id = _tags(segmentation.GetSegment(segment_id)).get("id", "")
        if object_id in wanted and object_id not in present:
            present[object_id] = segment_id
        else:
            segmentation.RemoveSegment(segment_id)
    for index, mask in enumerate(masks):
        segment_id = present.get(mask.id, mask.id)
        segment = segmentation.GetSegment(segment_id)
        if segment is None:
            segment = _described(slicer.vtkSegment(), mask, schema)
            segment.AddRepresentation(BINARY_LABELMAP, _labelmap(mask, volume_node, segment.GetLabelValue()))
            segmentation.AddSegment(segment, segment_id)
        else:
            labelmap = segment.GetRepresentation(BINARY_LABELMAP)
            _described(segment, mask, schema)
            if labelmap is None or not shows(labelmap, segment.GetLabelValue(), grid, mask):
                _replace_pixels(node, volume_node, segment_id, mask)
        segmentation.SetSegmentIndex(segment_id, index)


def read_masks(node: Any, volume_node: Any, schema: LabelSchema, author: Author) -> list[Mask]:
    """The segments as masks, in their order.

    A segment that came from a mask keeps its id, author and whatever else it had, with the pixels it has now. A segment
    that somebody drew becomes a new object of ``author``, and the scene remembers its id, so reading twice gives the
    same object. A copy of a segment is an object of its own, derived from the first. Segments without a pixel that
    nobody put there as masks are left out: the editor makes one whenever a label is chosen.

    Raises
    ------
    FindingError
        Where the scene's record of an object is damaged.
    """
    segmentation = node.GetSegmentation()
    masks: list[Mask] = []
    seen: set[str] = set()
    grid = _grid_key(volume_node)
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        record = _tags(segment)
        labelmap = segment.GetRepresentation(BINARY_LABELMAP)
        if not record.get("id") and not _has_pixels(node, volume_node, segment_id):
            continue
        known = dict(record)
        record["label"] = label_for(
            schema,
            (Tool.MASK, Tool.POLYGON),
            segment.GetName() or "",
            record.get("label", ""),
            _code(segment.GetTerminology()),
        )
        if record.get("id") in seen:
            record["derivedFrom"], record["id"] = record["id"], new_id()
        identity = identity_of(record, author)
        read = _reader(node, volume_node, segment_id, identity)
        mask = mask_of(labelmap, segment.GetLabelValue(), grid, identity, read) if labelmap is not None else read()
        if any(known.get(name, "") != value for name, value in record_of(mask).items()):
            _tag(segment, record_of(mask))
        seen.add(mask.id)
        masks.append(mask)
    return masks


def segment_of(node: Any, object_id: str) -> str:
    """The id of the segment of a mask, or empty."""
    segmentation = node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        if _tags(segmentation.GetSegment(segment_id)).get("id", "") == object_id:
            return str(segment_id)
    return ""


def object_of(node: Any, segment_id: str) -> str:
    """The id of the object of a segment; empty for a segment that was never read as one, or is not there."""
    segment = node.GetSegmentation().GetSegment(segment_id)
    return _tags(segment).get("id", "") if segment is not None else ""


def segment_array(node: Any, volume_node: Any, segment_id: str) -> np.ndarray:
    """The pixels of one segment on the radiograph's grid, boolean (rows, columns), however its labelmap is cropped."""
    pixels = np.zeros(image_shape(volume_node), bool)
    (top, left), inside = _segment_crop(node, volume_node, segment_id)
    pixels[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return pixels


def _segment_crop(node: Any, volume_node: Any, segment_id: str) -> tuple[tuple[int, int], np.ndarray]:
    """(row, column) of the first pixel, and the pixels of the part of the image that a segment's labelmap covers."""
    import slicer
    from vtkmodules.util.numpy_support import vtk_to_numpy

    image = slicer.vtkOrientedImageData()
    if not node.GetBinaryLabelmapRepresentation(segment_id, image) or image.IsEmpty():
        return (0, 0), np.zeros((0, 0), bool)
    grid = _grid(volume_node)
    if not slicer.vtkOrientedImageDataResample.DoGeometriesMatchIgnoreOrigin(image, grid) or not _whole_offset(
        image, grid
    ):
        resampled = slicer.vtkOrientedImageData()
        slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, grid, resampled)
        image = resampled
    column, row, _slice = (round(v) for v in _offset(image, grid))
    first_x, last_x, first_y, last_y, first_z, last_z = image.GetExtent()
    values = vtk_to_numpy(image.GetPointData().GetScalars())
    values = values.reshape(last_z - first_z + 1, last_y - first_y + 1, last_x - first_x + 1)
    # An editor may have left an empty margin around the one slice, or around the image.
    left, top = first_x + column, first_y + row
    rows, columns = image_shape(volume_node)
    flat = values[0] != 0 if len(values) == 1 else values.any(axis=0)
    inside = flat[max(0, -top) : max(0, rows - top), max(0, -left) : max(0, columns - left)]
    return (max(top, 0), max(left, 0)), inside


def _has_pixels(node: Any, volume_node: Any, segment_id: str) -> bool:
    return bool(_segment_crop(node, volume_node, segment_id)[1].any())


def _reader(node: Any, volume_node: Any, segment_id: str, identity: dict[str, object]) -> Callable[[], Mask]:
    """What reads the pixels of a segment as a mask."""

    def read() -> Mask:
        (top, left), inside = _segment_crop(node, volume_node, segment_id)
        part = Mask.from_array(inside, **identity)  # type: ignore[arg-type]
        row, column = part.origin
        origin = (row + top, column + left) if part.crop.size else (0, 0)
        return replace(part, shape=image_shape(volume_node), origin=origin)

    return read


def set_segment_array(node: Any, volume_node: Any, segment_id: str, pixels: np.ndarray) -> None:
    """Give a segment other pixels, boolean (rows, columns); it gets a layer of its own, so no other segment changes."""
    if node.GetSegmentation().GetSegment(segment_id) is None:
        raise ValueError(f"The segmentation '{node.GetName()}' has no segment {segment_id}.")
    if pixels.shape != image_shape(volume_node):
        raise ValueError(f"The pixels have the shape {pixels.shape}, the radiograph has {image_shape(volume_node)}.")
    mask = Mask.from_array(pixels, label="pixels", author=Author.person("nobody"))
    _replace_pixels(node, volume_node, segment_id, mask)


def _replace_pixels(node: Any, volume_node: Any, segment_id: str, mask: Mask) -> None:
    import slicer

    segmentation = node.GetSegmentation()
    if mask.crop.size:
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        logic.SetBinaryLabelmapToSegment(_labelmap(mask, volume_node, 1), node, segment_id, logic.MODE_REPLACE)
    else:
        segmentation.ClearSegment(segment_id)


def new_segment(node: Any, label: Label) -> str:
    """Add an empty segment for a label, ready to be drawn; its id."""
    segmentation = node.GetSegmentation()
    segment_id = segmentation.AddEmptySegment(segmentation.GenerateUniqueSegmentID(label.name), label.title, label.rgb)
    segment = segmentation.GetSegment(segment_id)
    segment.SetTag(PREFIX + "label", encoded(label.name))
    if label.code:
        segment.SetTerminology(terminology(label))
    return str(segment_id)


def _code(term: str) -> str:
    """``scheme^value`` of a serialised term."""
    parts = (term or "").split("~")
    return "^".join(parts[2].split("^")[:2]) if len(parts) > 2 else ""


def _described(segment: Any, mask: Mask, schema: LabelSchema) -> Any:
    """The segment with a mask's name, colour, term and record."""
    segment.SetName(title_of(schema, mask.label))
    segment.SetNameAutoGenerated(False)
    segment.SetColor(*color_of(schema, mask.label))
    segment.SetColorAutoGenerated(False)
    if mask.label in schema and schema[mask.label].code:
        segment.SetTerminology(terminology(schema[mask.label]))
    _tag(segment, record_of(mask))
    return segment


def _labelmap(mask: Mask, volume_node: Any, value: int) -> Any:
    """The bounding box of a mask as a labelmap in the radiograph's grid."""
    import slicer
    from vtkmodules.util.numpy_support import numpy_to_vtk

    image = slicer.vtkOrientedImageData()
    rows, columns = mask.crop.shape
    row, column = mask.origin
    if mask.crop.size:
        image.SetExtent(column, column + columns - 1, row, row + rows - 1, 0, 0)
    else:
        image.SetExtent(0, -1, 0, -1, 0, -1)
    values = mask.crop.astype(np.uint8) * np.uint8(value)
    image.GetPointData().SetScalars(numpy_to_vtk(values.ravel(), deep=True))
    image.SetImageToWorldMatrix(_ijk_to_ras(volume_node))
    return image


def _grid(volume_node: Any) -> Any:
    import slicer

    grid = slicer.vtkOrientedImageData()
    grid.SetExtent(volume_node.GetImageData().GetExtent())
    grid.SetImageToWorldMatrix(_ijk_to_ras(volume_node))
    return grid


def _ijk_to_ras(volume_node: Any) -> Any:
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return matrix


def _offset(image: Any, grid: Any) -> tuple[float, float, float]:
    """Where the index (0, 0, 0) of ``image`` lies in the indices of ``grid``."""
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    to_grid, to_world = vtkMatrix4x4(), vtkMatrix4x4()
    grid.GetWorldToImageMatrix(to_grid)
    image.GetImageToWorldMatrix(to_world)
    x, y, z, _one = to_grid.MultiplyPoint(to_world.MultiplyPoint((0.0, 0.0, 0.0, 1.0)))
    return x, y, z


def _grid_key(volume_node: Any) -> tuple[object, ...]:
    """What tells the pixel grid of a radiograph from every other."""
    matrix = _ijk_to_ras(volume_node)
    return image_shape(volume_node), tuple(matrix.GetElement(row, column) for row in range(4) for column in range(4))


def _whole_offset(image: Any, grid: Any) -> bool:
    return all(abs(v - round(v)) < 1e-3 for v in _offset(image, grid))


def _tag(segment: Any, record: dict[str, str]) -> None:
    for name, value in record.items():
        segment.SetTag(PREFIX + name, encoded(value))


def _tags(segment: Any) -> dict[str, str]:
    from vtkmodules.vtkCommonCore import reference

    record: dict[str, str] = {}
    for name in FIELDS:
        value = reference("")
        if segment.GetTag(PREFIX + name, value) and str(value):
            record[name] = decoded(str(value))
    return record
