"""3D Slicer's own files, written without Slicer and opened by the real MRML core."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from format_cases import ANNA, LUNGS, made_project
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.labels import import_labels
from XRayAILib.exchange.slicer.segmentation import read_segmentation, write_segmentation
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import Line
from XRayAILib.findings.objects import Box, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, RotatedBox
from XRayAILib.project.project import Project
from XRayAILib.scene.volume import pixels_to_ras, show_radiograph


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with made_project(tmp_path, 1, ImagerPixelSpacing=[0.2, 0.2]) as project:
        yield project


@pytest.fixture
def files(project: Project) -> tuple[Path, Path]:
    folder = export_project(project, "slicer").folder
    (segmentation,) = (folder / "segmentations").iterdir()
    (markups,) = (folder / "markups").iterdir()
    return segmentation, markups


def _findings(project: Project) -> Findings:
    found = project.findings(project.images()[0].uid, ANNA.key)
    assert found is not None
    return found


def _loaded_segmentation(host: Any, path: Path) -> Any:
    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = host.scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    return node


def _loaded_markups(host: Any, path: Path) -> list[Any]:
    nodes = []
    for place, markup in enumerate(json.loads(path.read_text("utf-8"))["markups"]):
        kind = "ROI" if markup["type"] == "ROI" else ""
        storage = host.scene.AddNewNodeByClass(f"vtkMRMLMarkups{kind}JsonStorageNode")
        nodes.append(storage.AddNewMarkupsNodeFromFile(str(path), None, place))
    return nodes


def test_slicer_opens_the_segments_where_the_image_is(host: Any, project: Project, files: tuple[Path, Path]) -> None:
    """Overlapping segments, with names, colours and pixels; read by our scene they are the same objects."""
    from XRayAILib.scene.segmentation import read_masks, segment_array

    radiograph = project.radiograph(project.images()[0].uid)
    volume = show_radiograph(host, radiograph)
    node = _loaded_segmentation(host, files[0])
    segmentation = node.GetSegmentation()
    masks = _findings(project).of(Mask)
    assert segmentation.GetNumberOfSegments() == len(masks)
    for number, mask in enumerate(masks):
        segment = segmentation.GetNthSegment(number)
        label = project.schema[mask.label]
        assert segment.GetName() == label.title
        np.testing.assert_allclose(segment.GetColor(), label.rgb, atol=1e-5)
        pixels = segment_array(node, volume, segmentation.GetNthSegmentID(number))
        np.testing.assert_array_equal(pixels, mask.array())
    back = [mask for mask in read_masks(node, volume, project.schema, Author.person("ben")) if mask.area]
    assert back == [mask for mask in masks if mask.area]
    assert any(mask.author == LUNGS for mask in back)


def test_slicer_opens_the_markups_where_they_were_drawn(host: Any, project: Project, files: tuple[Path, Path]) -> None:
    volume = show_radiograph(host, project.radiograph(project.images()[0].uid))
    findings = _findings(project)
    nodes = {node.GetName(): node for node in _loaded_markups(host, files[1])}

    (polygon,) = findings.of(Polygon)
    node = nodes[project.schema["opacity"].title]
    assert node.IsA("vtkMRMLMarkupsClosedCurveNode")
    points = [node.GetNthControlPointPosition(i) for i in range(node.GetNumberOfControlPoints())]
    np.testing.assert_allclose(points, pixels_to_ras(volume, np.array(polygon.points)), atol=1e-9)

    (box,) = findings.of(Box)
    node = nodes[project.schema["nodule"].title]
    center = pixels_to_ras(volume, np.array([[(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]]))[0]
    np.testing.assert_allclose(node.GetCenter(), center, atol=1e-9)
    np.testing.assert_allclose(node.GetSize()[:2], (box.width * 0.2, box.height * 0.2), atol=1e-9)

    (turned,) = findings.of(RotatedBox)
    node = nodes["tilted"]
    axis = [0.0, 0.0, 0.0]
    node.GetXAxisWorld(axis)
    corners = pixels_to_ras(volume, np.array(turned.corners[:2]))
    along = (corners[1] - corners[0]) / np.linalg.norm(corners[1] - corners[0])
    np.testing.assert_allclose(abs(np.dot(axis, along)), 1.0, atol=1e-9)

    (line,) = findings.of(Line)
    node = nodes["length"]
    points = [node.GetNthControlPointPosition(i) for i in range(2)]
    np.testing.assert_allclose(points, pixels_to_ras(volume, np.array(line.points)), atol=1e-9)

    node = nodes["Landmarks"]
    landmarks = findings.of(Landmark)
    assert node.GetNumberOfControlPoints() == len(landmarks)
    assert [node.GetNthControlPointLabel(i) for i in range(3)] == [project.schema[p.label].title for p in landmarks]
    place = pixels_to_ras(volume, np.array([(landmarks[0].x, landmarks[0].y)]))[0]
    np.testing.assert_allclose(node.GetNthControlPointPosition(0), place, atol=1e-9)
    assert node.GetNthControlPointPositionStatus(2) == node.PositionMissing


def test_what_slicer_saves_itself_comes_in(host: Any, project: Project, tmp_path: Path) -> None:
    """Segments and markups of somebody who knows nothing of us, named like the labels."""
    from XRayAILib.scene.segmentation import new_segmentation, show_masks

    image = project.images()[0]
    volume = show_radiograph(host, project.radiograph(image.uid))
    stem = Path(image.header.path).stem
    node = new_segmentation(host, volume, "drawn")
    (heart,) = _findings(project).of(Mask, "heart")
    show_masks(node, volume, [heart], project.schema)
    segment = node.GetSegmentation().GetNthSegment(0)
    for tag in ("id", "label", "authorKind"):
        segment.RemoveTag(f"XRayAI.{tag}")
    place = tmp_path / "saved"
    (place / stem).mkdir(parents=True)
    storage = host.scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(place / f"{stem}.seg.nrrd"))
    assert storage.WriteData(node)

    curve = host.scene.AddNewNodeByClass("vtkMRMLMarkupsClosedCurveNode", "Opacity")
    outline = np.array([(10.0, 12.0), (50.5, 14.0), (40.0, 60.25)])
    for point in pixels_to_ras(volume, outline):
        curve.AddControlPoint(point)
    storage = host.scene.AddNewNodeByClass("vtkMRMLMarkupsJsonStorageNode")
    storage.SetFileName(str(place / stem / "Opacity.mrk.json"))
    assert storage.WriteData(curve)

    report = import_labels(project, place, name="slicer")
    assert (report.images, report.objects) == (1, 2), report.skipped
    found = project.findings(image.uid, Author.imported("slicer").key)
    assert found is not None
    np.testing.assert_array_equal(found.of(Mask, "heart")[0].array(), heart.array())
    np.testing.assert_allclose(found.of(Polygon, "opacity")[0].points, outline, atol=1e-6)
    import_labels(project, place, name="slicer")
    assert len(project.revisions(image.uid, Author.imported("slicer").key)) == 1


def test_masks_that_share_no_pixel_share_a_layer(project: Project, tmp_path: Path) -> None:
    import nrrd

    shape = (20, 30)

    def mask(label: str, columns: slice) -> Mask:
        pixels = np.zeros(shape, bool)
        pixels[5:10, columns] = True
        return Mask.from_array(pixels, label=label, author=ANNA)

    apart = [mask("right_lung", slice(0, 5)), mask("left_lung", slice(20, 25))]
    path = tmp_path / "a.seg.nrrd"
    write_segmentation(apart, project.images()[0].header.spacing, project.schema, path)
    assert nrrd.read_header(str(path))["sizes"].tolist() == [30, 20, 1]
    write_segmentation([*apart, mask("heart", slice(3, 22))], project.images()[0].header.spacing, project.schema, path)
    assert nrrd.read_header(str(path))["sizes"].tolist() == [2, 30, 20, 1]
    assert [segment.pixels.sum() for segment in read_segmentation(path)] == [25, 25, 95]


def test_an_ellipse_keeps_its_axes_where_pixels_are_not_square(tmp_path: Path) -> None:
    with made_project(tmp_path, 1, ImagerPixelSpacing=[0.3, 0.1]) as project:
        before = _findings(project)
        export = export_project(project, "slicer")
        import_labels(project, export.folder)
        back = project.findings(before.radiograph_uid, Author.imported("slicer").key)
        assert back is not None
    for kind in (Ellipse, RotatedBox):
        (one,), (other,) = before.of(kind), back.of(kind)
        assert one.angle == pytest.approx(other.angle, abs=1e-9)
        assert (one.x, one.y) == pytest.approx((other.x, other.y))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("{stem}.seg.nrrd", b"NRRD0004\ntype: nothing\n\n", "cannot be read"),
        ("{stem}.mrk.json", b'{"markups": [{"type": "ROI", "name": "nodule", "size": [1]}]}', "cannot be read"),
        ("{stem}.mrk.json", b'{"markups": [{"type": "Plane", "name": "opacity"}]}', "'Plane' is no finding"),
        ("{stem}.mrk.json", b'{"markups": [{"type": "ClosedCurve", "name": "strange"}]}', "'strange'"),
        ("{stem}.mrk.json", b'{"markups": [{"type": "ROI", "name": "nodule", "xrayai": "own"}]}', "cannot be read"),
        ("{stem}.mrk.json", b'{"markups": [{"type": "Fiducial", "controlPoints": [1]}]}', "cannot be read"),
        ("spacing.json", b'{"chest1": [1, 0, "pixel spacing"]}', "spacing"),
        ("spacing.json", b'{"chest1": [1, 1]}', "spacing"),
    ],
)
def test_damaged_files_are_refused_with_their_reason(
    project: Project, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    from XRayAILib.exchange.errors import LabelFileError

    folder = tmp_path / "bad"
    folder.mkdir()
    stem = Path(project.images()[0].header.path).stem
    (folder / f"{stem}.mrk.json").write_bytes(b'{"markups": []}')
    (folder / name.format(stem=stem)).write_bytes(content)
    revision = project.last_revision()
    try:
        report = import_labels(project, folder)
    except LabelFileError as error:
        assert reason in str(error)
    else:
        assert report.refused and reason in " ".join(report.skipped[0].reasons)
    assert project.last_revision() == revision
