"""Findings over a radiograph: the nodes that show what one author says, and the findings read back from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingError, FindingObject, ImageLabel, Landmark, Mask, Polygon, new_id
from XRayAILib.findings.schema import LabelSchema, Tool
from XRayAILib.scene import markups, segmentation
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import (
    PREFIX,
    author_of,
    author_record,
    decoded,
    encoded,
    identity_of,
    read_attributes,
    record_of,
    write_attributes,
)
from XRayAILib.scene.volume import image_shape, radiograph_uid

_MODULE = "XRayAIFindings"
_VOLUME, _SEGMENTATION, _LANDMARKS, _SHAPES = "volume", "segmentation", "landmarks", "shapes"
_FOLDER = PREFIX + "layer"
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
        ROI and closed curve nodes, in the order in which they were made.
    """

    root: Any
    volume: Any
    segmentation: Any
    landmarks: Any
    shapes: tuple[Any, ...]

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
    def nodes(self) -> list[Any]:
        """All nodes with something to see."""
        return [self.segmentation, self.landmarks, *self.shapes]


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
    markups.show_landmarks(nodes.landmarks, volume_node, findings.of(Landmark), schema)
    nodes = _show_shapes(host, nodes, findings, schema)
    set_editable(nodes, editable)
    if present is None:
        set_opacity(nodes, opacity)
        _group(host, nodes)
    return nodes


def set_image_labels(nodes: FindingsNodes, labels: Iterable[ImageLabel]) -> None:
    """Give a layer other image labels: they are not drawn, so this is how a panel changes them."""
    _write_json(nodes.root, "imageLabels", [{**record_of(item), "value": item.value} for item in labels])


def offer_landmarks(nodes: FindingsNodes, schema: LabelSchema) -> None:
    """Add an unplaced point for every landmark of the schema that is not there yet, so that a click places each."""
    there = markups.read_landmarks(nodes.landmarks, nodes.volume, schema, nodes.author)
    missing = [label for label in schema.of(Tool.LANDMARK) if not any(mark.label == label.name for mark in there)]
    markups.show_landmarks(nodes.landmarks, nodes.volume, there, schema, missing)


def adopt(host: Host, nodes: FindingsNodes, shape_node: Any, schema: LabelSchema, label: str) -> FindingsNodes:
    """Take a ROI or closed curve node that a person placed into the layer, as this label."""
    markups.dress(shape_node, schema, label)
    if not any(shape.GetID() == shape_node.GetID() for shape in nodes.shapes):
        nodes.root.AddNodeReferenceID(_SHAPES, shape_node.GetID())
    nodes = _nodes(nodes.root)
    _group(host, nodes)
    return nodes


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
        objects += markups.read_landmarks(nodes.landmarks, nodes.volume, schema, author)
    taken = {item.id for item in objects}
    for shape in _members(host, nodes):
        if markups.object_id(shape) in taken:
            write_attributes(shape, {"derivedFrom": markups.object_id(shape), "id": new_id()})
        read = markups.read_box if shape.IsA(markups.ROI) else markups.read_polygon
        item = read(shape, nodes.volume, schema, author)
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
    folder = _folder(host, nodes)
    for node in (*_members(host, nodes), nodes.segmentation, nodes.landmarks, nodes.root):
        if node is not None:
            _remove_node(host, node)
    tree = host.subject_hierarchy
    if folder and not tree.GetNumberOfItemChildren(folder):
        tree.RemoveItem(folder)


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
    for node in (nodes.landmarks, *nodes.shapes):
        if node is not None:
            markups.set_editable(node, editable)


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
    root.SetNodeReferenceID(_LANDMARKS, markups.new_landmarks(host, f"{name} landmarks").GetID())
    return _nodes(root)


def _nodes(root: Any) -> FindingsNodes:
    shapes = (root.GetNthNodeReference(_SHAPES, i) for i in range(root.GetNumberOfNodeReferences(_SHAPES)))
    return FindingsNodes(
        root,
        root.GetNodeReference(_VOLUME),
        root.GetNodeReference(_SEGMENTATION),
        root.GetNodeReference(_LANDMARKS),
        tuple(shape for shape in shapes if shape is not None),
    )


def _show_shapes(host: Host, nodes: FindingsNodes, findings: Findings, schema: LabelSchema) -> FindingsNodes:
    present: dict[str, Any] = {}
    wanted = {item.id for item in findings}
    for shape in _members(host, nodes):
        object_id = markups.object_id(shape)
        if object_id in wanted and object_id not in present:
            present[object_id] = shape
        else:
            _remove_node(host, shape)
    nodes.root.RemoveNodeReferenceIDs(_SHAPES)
    for item in findings:
        if isinstance(item, Box):
            shape = present.get(item.id) or markups.new_box(host, schema, item.label)
            markups.dress(shape, schema, item.label)
            markups.show_box(shape, nodes.volume, item)
        elif isinstance(item, Polygon):
            shape = present.get(item.id) or markups.new_polygon(host, schema, item.label)
            markups.dress(shape, schema, item.label)
            markups.show_polygon(shape, nodes.volume, item)
        else:
            continue
        nodes.root.AddNodeReferenceID(_SHAPES, shape.GetID())
    nodes = _nodes(nodes.root)
    _group(host, nodes)
    return nodes


def _members(host: Host, nodes: FindingsNodes) -> list[Any]:
    """The shapes of a layer, and those that a person put into its folder (a copy made in the Data module)."""
    members = {shape.GetID(): shape for shape in nodes.shapes}
    folder, tree = _folder(host, nodes), host.subject_hierarchy
    if folder:
        from vtkmodules.vtkCommonCore import vtkIdList

        children = vtkIdList()
        tree.GetItemChildren(folder, children)
        for index in range(children.GetNumberOfIds()):
            node = tree.GetItemDataNode(children.GetId(index))
            # Without the desktop the tree keeps nodes that were removed from the scene.
            in_scene = node is not None and node.GetScene() is not None
            if in_scene and (node.IsA(markups.ROI) or node.IsA(markups.CURVE)):
                members.setdefault(node.GetID(), node)
    return list(members.values())


def _folder(host: Host, nodes: FindingsNodes) -> int:
    """The layer's folder in the subject hierarchy; 0 where it has none."""
    tree = host.subject_hierarchy
    if tree is None or nodes.segmentation is None:
        return 0
    item = tree.GetItemByDataNode(nodes.segmentation)
    parent = tree.GetItemParent(item) if item else 0
    # A person may have moved the segmentation under a study: that is not ours to empty.
    return int(parent) if parent and tree.GetItemAttribute(parent, _FOLDER) else 0


def _group(host: Host, nodes: FindingsNodes) -> None:
    """Put the nodes of a layer into one folder of the Data module."""
    tree = host.subject_hierarchy
    if tree is None:
        return
    folder = _folder(host, nodes)
    if not folder:
        folder = tree.CreateFolderItem(tree.GetSceneItemID(), nodes.name)
        tree.SetItemAttribute(folder, _FOLDER, nodes.name)
    for node in nodes.nodes:
        if node is not None:
            item = tree.GetItemByDataNode(node) or tree.CreateItem(folder, node)
            tree.SetItemParent(item, folder)


def _remove_node(host: Host, node: Any) -> None:
    """Take a node out of the scene and out of the Data module's tree, which only the desktop cleans by itself."""
    host.scene.RemoveNode(node)
    tree = host.subject_hierarchy
    item = tree.GetItemByDataNode(node) if tree is not None else 0
    if item:
        tree.RemoveItem(item, False, False)


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
