"""Findings over a radiograph, read back unchanged; two layers side by side; what a person does to them."""

import pytest

from scene_cases import ANNA, UID, disc, every_kind_of_finding, radiograph
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingError, ImageLabel, Mask, Polygon
from XRayAILib.findings.schema import Tool
from XRayAILib.scene import layers, segmentation, shapes
from XRayAILib.scene.host import Host
from XRayAILib.scene.volume import pixels_to_ras, show_radiograph

SCHEMA = chest_schema()
CLASSES = (
    "vtkMRMLSegmentationNode",
    "vtkMRMLMarkupsROINode",
    "vtkMRMLMarkupsClosedCurveNode",
    "vtkMRMLMarkupsFiducialNode",
    "vtkMRMLScriptedModuleNode",
)


@pytest.fixture
def volume(host: Host):
    return show_radiograph(host, radiograph())


def counts(host: Host) -> list[int]:
    return [host.scene.GetNumberOfNodesByClass(name) for name in CLASSES]


@pytest.mark.parametrize("editable", [True, False])
def test_findings_come_back_as_they_were(host: Host, volume, editable: bool) -> None:
    findings = every_kind_of_finding()
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Prediction", editable)
    assert layers.read_findings(host, nodes, SCHEMA) == findings
    assert layers.read_findings(host, nodes, SCHEMA) == findings


def test_no_findings_are_findings_too(host: Host, volume) -> None:
    empty = Findings(UID, (120, 90), ANNA)
    assert layers.read_findings(host, layers.show_findings(host, volume, empty, SCHEMA, "Mine"), SCHEMA) == empty


def test_a_layer_of_the_same_name_is_brought_up_to_date(host: Host, volume) -> None:
    findings = every_kind_of_finding()
    layers.show_findings(host, volume, findings, SCHEMA, "Prediction")
    before = counts(host)
    fewer = findings.without(item.id for item in findings.of(Polygon))
    changed = fewer.each(lambda item: item.changed(x0=12.0) if isinstance(item, Box) and item.x0 > 0 else item)
    nodes = layers.show_findings(host, volume, changed, SCHEMA, "Prediction")
    assert layers.read_findings(host, nodes, SCHEMA) == changed
    assert counts(host) == [
        n - (name == "vtkMRMLMarkupsClosedCurveNode") for n, name in zip(before, CLASSES, strict=True)
    ]


def test_two_authors_stay_apart(host: Host, volume) -> None:
    theirs = every_kind_of_finding()
    mine = Findings(UID, (120, 90), ANNA, tuple(item.derived(ANNA) for item in theirs))
    before = counts(host)  # parameter nodes of panels outlive a cleared scene
    first = layers.show_findings(host, volume, theirs, SCHEMA, "Prediction")
    second = layers.show_findings(host, volume, mine, SCHEMA, "Mine")
    assert [nodes.name for nodes in layers.layers(host, volume)] == ["Prediction", "Mine"]
    layers.remove(host, first)
    assert layers.read_findings(host, second, SCHEMA) == mine
    layers.remove(host, second)
    assert counts(host) == before
    assert volume.GetImageData() is not None
    assert host.subject_hierarchy.GetItemChildWithName(host.subject_hierarchy.GetSceneItemID(), "Mine") == 0


def test_what_a_person_draws_is_added_and_what_they_delete_is_gone(host: Host, volume) -> None:
    findings = every_kind_of_finding()
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    segment_id = segmentation.new_segment(nodes.segmentation, SCHEMA["cardiomediastinum"])
    segmentation.set_segment_array(nodes.segmentation, volume, segment_id, disc(40, 40, 9))
    drawn = shapes.new_shape(host, SCHEMA, "opacity", Tool.POLYGON)
    for x, y in ((1, 1), (9, 1), (5, 9)):
        drawn.AddControlPointWorld(*pixels_to_ras(volume, [[x, y]])[0])
    nodes = layers.adopt(host, nodes, drawn, SCHEMA, "opacity")
    deleted = next(shape for shape in nodes.shapes if shapes.object_id(shape) == findings.of(Box)[0].id)
    host.scene.RemoveNode(deleted)

    read = layers.read_findings(host, nodes, SCHEMA)
    kept = [item for item in findings if item.id != findings.of(Box)[0].id]
    assert list(read)[: len(kept)] == kept
    added = list(read)[len(kept) :]
    assert [(type(item), item.label, item.author) for item in added] == [
        (Mask, "cardiomediastinum", findings.author),
        (Polygon, "opacity", findings.author),
    ]
    assert layers.read_findings(host, nodes, SCHEMA) == read


def test_a_node_copied_in_the_data_module_is_an_object_of_its_own(host: Host, volume) -> None:
    findings = every_kind_of_finding()
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    original = nodes.shapes[0]
    copy = host.scene.AddNewNodeByClass(original.GetClassName())
    copy.Copy(original)
    tree = host.subject_hierarchy
    folder = tree.GetItemParent(tree.GetItemByDataNode(original))
    tree.SetItemParent(tree.GetItemByDataNode(copy) or tree.CreateItem(folder, copy), folder)
    read = layers.read_findings(host, nodes, SCHEMA)
    assert read.objects[: len(findings)] == findings.objects
    assert read.objects[-1].derived_from == shapes.object_id(original)


def test_image_labels_are_changed_by_the_panel(host: Host, volume) -> None:
    findings = every_kind_of_finding()
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    lateral = findings.of(ImageLabel)[0].changed(value="LL")
    layers.set_image_labels(nodes, [lateral])
    assert layers.read_findings(host, nodes, SCHEMA) == findings.with_objects([lateral])


def test_offered_landmarks_wait_without_changing_the_findings(host: Host, volume) -> None:
    findings = every_kind_of_finding()
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    layers.offer_landmarks(nodes, SCHEMA)
    assert nodes.landmarks.GetNumberOfUndefinedControlPoints() == 3
    assert layers.read_findings(host, nodes, SCHEMA) == findings


def test_visibility_and_opacity(host: Host, volume) -> None:
    nodes = layers.show_findings(host, volume, every_kind_of_finding(), SCHEMA, "Prediction", opacity=0.2)
    assert nodes.segmentation.GetDisplayNode().GetOpacity2DFill() == pytest.approx(0.2)
    layers.set_visible(nodes, False)
    assert not any(node.GetDisplayNode().GetVisibility() for node in nodes.nodes)
    layers.set_visible(nodes, True)
    assert all(node.GetDisplayNode().GetVisibility() for node in nodes.nodes)
    with pytest.raises(ValueError, match=r"1\.5"):
        layers.set_opacity(nodes, 1.5)


def test_findings_of_another_radiograph_or_size_are_refused(host: Host, volume) -> None:
    with pytest.raises(FindingError, match=r"belong to the radiograph 1\.2\.3"):
        layers.show_findings(host, volume, Findings("1.2.3", (120, 90), ANNA), SCHEMA, "Mine")
    with pytest.raises(FindingError, match=r"120 x 90 pixels.* 90 x 120"):
        layers.show_findings(host, volume, Findings(UID, (90, 120), ANNA), SCHEMA, "Mine")


def test_a_layer_whose_radiograph_was_removed_says_so(host: Host, volume) -> None:
    nodes = layers.show_findings(host, volume, every_kind_of_finding(), SCHEMA, "Mine")
    host.scene.RemoveNode(volume)
    with pytest.raises(FindingError, match="no longer in the scene"):
        layers.read_findings(host, nodes, SCHEMA)


def test_what_a_person_keeps_in_the_same_study_is_left_alone(host: Host, volume) -> None:
    findings = every_kind_of_finding()
    nodes = layers.show_findings(host, volume, findings, SCHEMA, "Mine")
    tree = host.subject_hierarchy
    study = tree.CreateStudyItem(tree.GetSceneItemID(), "Study")
    tree.SetItemParent(tree.GetItemByDataNode(nodes.segmentation), study)
    foreign = host.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Somebody's region")
    tree.SetItemParent(tree.GetItemByDataNode(foreign) or tree.CreateItem(study, foreign), study)
    assert layers.read_findings(host, nodes, SCHEMA) == findings
    layers.remove(host, nodes)
    assert foreign.GetScene() is not None
    assert tree.GetItemName(study) == "Study"
