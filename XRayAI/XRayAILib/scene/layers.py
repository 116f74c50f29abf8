"""Findings over a radiograph: the nodes that show what one author says, and the findings read back from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingError, FindingObject, ImageLabel, Landmark, Mask, new_id
from XRayAILib.findings.record import author_of, author_record, identity_of, record_of
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.scene import captions, folder, landmarks, markups, outlines, segmentation, shapes, skeletons
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import PREFIX, decoded, encoded, read_attributes, write_attributes
from XRayAILib.scene.volume import image_shape, radiograph_uid

_MODULE = "XRayAIFindings"
_VOLUME, _SEGMENTATION, _LANDMARKS, _SHAPES = "volume", "segmentation", "landmarks", "shapes"
_CAPTIONS = "captions"
DEFAULT_OPACITY = 0.35


@dataclass(frozen=True)
class FindingsNodes:
    """The nodes of one layer of findings.

    Attributes
    ----------
    root
        ``vtkMRMLScriptedModuleNode`` that holds the layer together: it refers to the other nodes and knows the author,
        the order and the image labels. It is saved with the scene, so a layer is found again after loading.
    volume, segmentation, landmarks
        ``vtkMRMLScalarVolumeNode``, ``vtkMRMLSegmentationNode``, ``vtkMRMLMarkupsFiducialNode``.
    shapes
        A markups node for each object that is one (:mod:`XRayAILib.scene.shapes`), in the order in which they came.
    captions
        The list of names beside boxes and ellipses; ``None`` in scenes of before.
    """

    root: Any
    volume: Any
    segmentation: Any
    landmarks: Any
    shapes: tuple[Any, ...]
    captions: Any

    @property
    def name(self) -> str:
        return str(self.root.GetName())

    @property
    def author(self) -> Author:
        """Whose findings these are; also the author of what is drawn into them."""
        author = author_of(read_attributes(self.root, ("authorKind", "authorName", "authorDigest")))
        if author is None:
            raise FindingError(f"The layer '{self.name}' in the scene has lost its author.")
        return author

    @property
    def listed(self) -> list[Any]:
        """The nodes that the Data module lists."""
        return [self.segmentation, self.landmarks, *self.shapes]

    @property
    def nodes(self) -> list[Any]:
        """All nodes with something to see."""
        drawn = [outlines.of(node) for node in (self.landmarks, *self.shapes) if node is not None]
        return [*self.listed, *(model for model in (*drawn, self.captions) if model is not None)]


def show_findings(
    host: Host,
    volume_node: Any,
    findings: Findings,
    schema: LabelSchema,
    name: str,
    editable: bool = True,
    opacity: float = DEFAULT_OPACITY,
) -> FindingsNodes:
    """Show findings over a radiograph; a layer of this name over the same radiograph is brought up to date instead.

    Parameters
    ----------
    name
        What a person sees, such as ``Prediction``.
    editable
        Markups can be moved; otherwise they are locked and have no handles.
    opacity
        Of the areas of masks, 0..1; their outlines stay solid.

    Raises
    ------
    FindingError
        Where the findings belong to another radiograph or are of another size.
    """
    _check_same_image(volume_node, findings)
    present = find_layer(host, volume_node, name)
    nodes = present or _new_layer(host, volume_node, name)
    write_attributes(nodes.root, author_record(findings.author))
    _write_json(nodes.root, "order", [item.id for item in findings])
    set_image_labels(nodes, findings.of(ImageLabel))
    segmentation.show_masks(nodes.segmentation, volume_node, findings.of(Mask), schema)
    landmarks.show_landmarks(nodes.landmarks, volume_node, findings.of(Landmark), schema)
    skeletons.draw_skeletons(host, nodes.landmarks, volume_node, schema)
    nodes = _show_shapes(host, nodes, findings, schema)
    set_editable(nodes, editable)
    if present is None:
        set_opacity(nodes, opacity)
    return nodes


def set_image_labels(nodes: FindingsNodes, labels: Iterable[ImageLabel]) -> None:
    """Give a layer other image labels: they are not drawn, so this is how a panel changes them."""
    _write_json(nodes.root, "imageLabels", [{**record_of(item), "value": item.value} for item in labels])


def offer_landmarks(nodes: FindingsNodes, schema: LabelSchema) -> None:
    """Add an unplaced point for every landmark of the schema that is not there yet, so that a click places each."""
    landmarks.offer(nodes.landmarks, schema)


def adopt(host: Host, nodes: FindingsNodes, shape_node: Any, schema: LabelSchema, label: str) -> FindingsNodes:
    """Take a markups node that a person placed into the layer, as this label."""
    if markups.label_of(shape_node) != label:
        markups.dress(shape_node, schema, label, markups.tool_of(shape_node))
    if not any(shape.GetID() == shape_node.GetID() for shape in nodes.shapes):
        nodes.root.AddNodeReferenceID(_SHAPES, shape_node.GetID())
    captions.use(shape_node, nodes.captions)
    nodes = _nodes(nodes.root)
    folder.put_into_folder(host, nodes.name, nodes.listed)
    return nodes


def shape_of(host: Host, nodes: FindingsNodes, object_id: str) -> Any:
    """The markups node of an object, or ``None`` where it has none of its own."""
    return next((shape for shape in _members(host, nodes) if shapes.object_id(shape) == object_id), None)


def nodes_of(host: Host, nodes: FindingsNodes, object_id: str) -> list[Any]:
    """The nodes that show an object and nothing else: its markups node and the model with its lines."""
    shape = shape_of(host, nodes, object_id)
    return [node for node in (shape, outlines.of(shape) if shape is not None else None) if node is not None]


def read_findings(host: Host, nodes: FindingsNodes, schema: LabelSchema) -> Findings:
    """What the layer says now: unchanged objects as they were put in, changed ones with the same id, new ones last.

    Objects whose node, segment or point is gone are gone. The scene remembers the ids of new objects, so reading again
    gives the same findings.

    Raises
    ------
    FindingError
        Where the radiograph was removed from the scene or a record is damaged.
    """
    nodes = _nodes(nodes.root)
    if nodes.volume is None or nodes.volume.GetImageData() is None:
        raise FindingError(f"The radiograph under '{nodes.name}' is no longer in the scene.")
    author = nodes.author
    objects: list[FindingObject] = [_image_label(entry, author) for entry in _read_json(nodes.root, "imageLabels")]
    if nodes.segmentation is not None:
        objects += segmentation.read_masks(nodes.segmentation, nodes.volume, schema, author)
    if nodes.landmarks is not None:
        objects += landmarks.read_landmarks(nodes.landmarks, nodes.volume, schema, author)
    taken = {item.id for item in objects}
    for shape in _members(host, nodes):
        if shapes.object_id(shape) in taken:
            write_attributes(shape, {"derivedFrom": shapes.object_id(shape), "id": new_id()})
        item = shapes.read_shape(shape, nodes.volume, schema, author)
        if item is not None:
            objects.append(item)
            taken.add(item.id)
    order = {object_id: place for place, object_id in enumerate(_read_json(nodes.root, "order"))}
    objects.sort(key=lambda item: order.get(item.id, len(order)))
    return Findings(radiograph_uid(nodes.volume), image_shape(nodes.volume), author, tuple(objects))


def layers(host: Host, volume_node: Any = None) -> list[FindingsNodes]:
    """All layers of findings in the scene, or those over one radiograph."""
    found = []
    for index in range(host.scene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode")):
        root = host.scene.GetNthNodeByClass(index, "vtkMRMLScriptedModuleNode")
        if root.GetModuleName() == _MODULE:
            found.append(_nodes(root))
    if volume_node is None:
        return found
    return [nodes for nodes in found if nodes.volume is not None and nodes.volume.GetID() == volume_node.GetID()]


def find_layer(host: Host, volume_node: Any, name: str) -> FindingsNodes | None:
    """The layer of this name over a radiograph, or ``None``."""
    return next((nodes for nodes in layers(host, volume_node) if nodes.name == name), None)


def remove(host: Host, nodes: FindingsNodes) -> None:
    """Take a layer with all its nodes out of the scene; the radiograph stays."""
    nodes = _nodes(nodes.root)
    item = folder.find_folder(host, nodes.segmentation)
    for shape in _members(host, nodes):
        shapes.remove(host, shape)
    for node in (outlines.of(nodes.landmarks), nodes.captions, nodes.segmentation, nodes.landmarks, nodes.root):
        if node is not None:
            folder.remove_node(host, node)
    folder.remove_empty(host, item)


def tidy(host: Host, nodes: FindingsNodes) -> None:
    """Take away the lines and names of objects whose nodes were removed by somebody else."""
    outlines.remove_orphans(host)
    if nodes.captions is not None:
        captions.keep(nodes.captions, (shapes.object_id(shape) for shape in _members(host, _nodes(nodes.root))))


def set_visible(nodes: FindingsNodes, visible: bool) -> None:
    """Show or hide a layer."""
    for node in _nodes(nodes.root).nodes:
        if node is not None and node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetVisibility(visible)


def set_opacity(nodes: FindingsNodes, opacity: float) -> None:
    """Set the opacity, 0..1, of the areas of masks; at 0 only outlines remain."""
    if not 0.0 <= opacity <= 1.0:
        raise ValueError(f"The opacity is {opacity}; it must lie in 0..1.")
    if nodes.segmentation is not None:
        display = nodes.segmentation.GetDisplayNode()
        display.SetOpacity2DFill(opacity)
        display.SetOpacity2DOutline(1.0)


def set_editable(nodes: FindingsNodes, editable: bool) -> None:
    """Let a person move the markups of a layer, or only look at them."""
    if nodes.landmarks is not None:
        markups.set_editable(nodes.landmarks, editable)
    for shape in nodes.shapes:
        shapes.set_editable(shape, editable)


def _check_same_image(volume_node: Any, findings: Findings) -> None:
    uid = radiograph_uid(volume_node)
    if uid != findings.radiograph_uid:
        raise FindingError(
            f"These findings belong to the radiograph {findings.radiograph_uid}; {uid or 'another image'} is shown."
        )
    if image_shape(volume_node) != findings.shape:
        rows, columns = image_shape(volume_node)
        raise FindingError(
            f"The findings are for {findings.shape[1]} x {findings.shape[0]} pixels, "
            f"the radiograph {uid} has {columns} x {rows}."
        )


def _new_layer(host: Host, volume_node: Any, name: str) -> FindingsNodes:
    root = host.scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", name)
    root.SetName(name)
    root.SetModuleName(_MODULE)
    root.SetNodeReferenceID(_VOLUME, volume_node.GetID())
    root.SetNodeReferenceID(_SEGMENTATION, segmentation.new_segmentation(host, volume_node, name).GetID())
    root.SetNodeReferenceID(_LANDMARKS, landmarks.new_landmarks(host, f"{name} landmarks").GetID())
    root.SetNodeReferenceID(_CAPTIONS, captions.new_captions(host, f"{name} captions").GetID())
    return _nodes(root)


def _nodes(root: Any) -> FindingsNodes:
    shapes = (root.GetNthNodeReference(_SHAPES, i) for i in range(root.GetNumberOfNodeReferences(_SHAPES)))
    return FindingsNodes(
        root,
        root.GetNodeReference(_VOLUME),
        root.GetNodeReference(_SEGMENTATION),
        root.GetNodeReference(_LANDMARKS),
        tuple(shape for shape in shapes if shape is not None),
        root.GetNodeReference(_CAPTIONS),
    )


def _show_shapes(host: Host, nodes: FindingsNodes, findings: Findings, schema: LabelSchema) -> FindingsNodes:
    present: dict[str, Any] = {}
    wanted = {item.id: shapes.tool_for(item) for item in findings}
    for shape in _members(host, nodes):
        object_id = shapes.object_id(shape)
        if wanted.get(object_id) is shapes.tool_of(shape) and object_id not in present:
            present[object_id] = shape
        else:
            shapes.remove(host, shape)
    nodes.root.RemoveNodeReferenceIDs(_SHAPES)
    for item in findings:
        tool = shapes.tool_for(item)
        if tool is not None:
            shape = present.get(item.id) or shapes.new_shape(host, schema, item.label, tool)
            captions.use(shape, nodes.captions)
            shapes.show_shape(host, shape, nodes.volume, item, schema)
            nodes.root.AddNodeReferenceID(_SHAPES, shape.GetID())
    nodes = _nodes(nodes.root)
    folder.put_into_folder(host, nodes.name, nodes.listed)
    tidy(host, nodes)
    return nodes


def _members(host: Host, nodes: FindingsNodes) -> list[Any]:
    """The shapes of a layer, and those that a person put into its folder (a copy made in the Data module)."""
    members = {shape.GetID(): shape for shape in nodes.shapes}
    for node in folder.nodes_in_folder(host, folder.find_folder(host, nodes.segmentation)):
        if shapes.is_shape(node):
            members.setdefault(node.GetID(), node)
    return list(members.values())


def _image_label(entry: dict[str, str], author: Author) -> ImageLabel:
    return ImageLabel(value=entry.get("value", "yes"), **identity_of(entry, author))  # type: ignore[arg-type]


def _write_json(root: Any, name: str, value: list[Any]) -> None:
    root.SetAttribute(PREFIX + name, encoded(json.dumps(value)))


def _read_json(root: Any, name: str) -> list[Any]:
    text = root.GetAttribute(PREFIX + name)
    try:
        value = json.loads(decoded(text)) if text else []
    except ValueError as error:
        raise FindingError(
            f"The scene's record '{name}' of the layer '{root.GetName()}' is damaged: {error}."
        ) from error
    if not isinstance(value, list):
        raise FindingError(f"The scene's record '{name}' of the layer '{root.GetName()}' is damaged: it is no list.")
    return value
