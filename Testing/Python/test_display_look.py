"""Looking at an image by another window, table or presentation state, with what its file draws over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from dicom_cases import add_overlay, image, presentation_state, save, table, wedge
from light_table import LightTable
from XRayAILib.dicom.presentation_state import read_presentation_state
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.browse import Browse
from XRayAILib.workflow.display import Display

MODULE = Path(__file__).resolve().parents[2] / "XRayAI" / "XRayAI.py"
CORNER = np.zeros((96, 128), bool)
CORNER[5:20, 7:40] = True


def item(**attributes: object) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An image with two windows, a table and an overlay, a presentation state about it, and another image."""
    folder = tmp_path / "files"
    folder.mkdir()
    source = image(WindowCenter=[2048, 1000], WindowWidth=[4096, 300])
    source.WindowCenterWidthExplanation = ["WIDE", "NARROW"]
    source.VOILUTSequence = Sequence([table(np.linspace(0, 1, 4096) ** 1.5 * 65535, name="SENSOR")])
    add_overlay(source, CORNER)
    line = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=3,
        GraphicData=[20.0, 60.0, 60.0, 60.0, 60.0, 85.0],
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )
    words = item(AnchorPointAnnotationUnits="PIXEL", AnchorPoint=[30.0, 40.0], UnformattedTextValue="nodule?")
    annotation = item(
        GraphicLayer="READER", GraphicObjectSequence=Sequence([line]), TextObjectSequence=Sequence([words])
    )
    state = presentation_state(
        [source],
        SoftcopyVOILUTSequence=Sequence([item(WindowCenter=2048, WindowWidth=4096)]),
        PresentationLUTShape="INVERSE",
        GraphicAnnotationSequence=Sequence([annotation]),
        ShutterShape="RECTANGULAR",
        ShutterLeftVerticalEdge=1,
        ShutterRightVerticalEdge=100,
        ShutterUpperHorizontalEdge=1,
        ShutterLowerHorizontalEdge=96,
        ShutterPresentationValue=0,
        ImageRotation=90,
    )
    save(source, folder / "image.dcm")
    save(state, folder / "state.dcm")
    save(image(wedge() // 2), folder / "other.dcm")
    return folder


@pytest.fixture
def browse(folder: Path, tmp_path: Path) -> Browse:
    with Project.create(tmp_path / "project") as project:
        took = take_in(project, [folder])
        assert took.added == 2 and [reason[:23] for _, reason in took.unreadable] == ["presentation state for "]
    browse = Browse(LightTable())
    browse.open(tmp_path / "project")
    return browse


def uid(folder: Path, name: str) -> str:
    return read_radiograph(folder / name).uid


def test_an_image_offers_its_windows_its_tables_and_the_states_about_it(browse: Browse, folder: Path) -> None:
    display = Display(browse)
    browse.select(uid(folder, "image.dcm"))
    assert display.follow() and not display.follow()
    assert display.choices == ("SENSOR", "WIDE", "NARROW", "TEST: a wedge (Reader One, 2024-01-02)")
    table_of_viewer = browse.viewer
    display.choose(2)
    assert table_of_viewer.radiograph.grayscale.window.center == 1000
    assert display.describe() == "Overlay 6000"
    display.choose(3)
    shown = table_of_viewer.radiograph
    assert shown.grayscale.inverted and shown.presentation.graphics and shown.overlays == ()
    assert "2 annotations, a shutter, meant to be seen turned by 90°, shown as stored" in display.describe().lower()
    display.show_drawings(False)
    assert not table_of_viewer.drawings
    browse.select(uid(folder, "other.dcm"))
    assert display.follow() and len(display.choices) == 1


def test_a_state_whose_file_is_gone_is_said(browse: Browse, folder: Path) -> None:
    (folder / "state.dcm").unlink()
    display = Display(browse)
    browse.select(uid(folder, "image.dcm"))
    display.follow()
    assert display.choices == ("SENSOR", "WIDE", "NARROW")
    assert "state.dcm" in display.notice and "gone" in display.notice


def red_view(host, node, scale: int = 1) -> np.ndarray:
    from XRayAILib.scene import drawings, view

    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    view.show(host, node)
    drawings.attach(host, node)
    return view.render(host, size=(128 * scale, 96 * scale))


def test_overlays_shutters_and_annotations_are_seen_and_go_again(host, folder: Path) -> None:
    from XRayAILib.scene.drawings import DRAWN_COLOR, remove_drawings, show_drawings
    from XRayAILib.scene.volume import show_radiograph

    radiograph = read_radiograph(folder / "image.dcm")
    node = show_radiograph(host, radiograph)
    show_drawings(host, node, radiograph)
    seen = red_view(host, node)
    color = np.rint(np.array(DRAWN_COLOR) * 255)
    np.testing.assert_allclose(seen[CORNER].mean(axis=0), color, atol=2)
    np.testing.assert_allclose(seen[~CORNER][:, 0], radiograph.display()[~CORNER] * 255, atol=4)
    shown = radiograph.with_presentation(read_presentation_state(folder / "state.dcm"))
    show_radiograph(host, shown, node)
    show_drawings(host, node, shown)
    seen = red_view(host, node, 4).astype(float)
    assert seen[:, 4 * 100 :].max() == 0  # the shutter
    yellow = np.abs(seen - color).max(axis=2) < 60
    # The line's ends, and its corner, as pixels of the picture, four to one of the image.
    across, down = yellow[4 * 60 - 3 : 4 * 60 + 3, 4 * 20 : 4 * 60], yellow[4 * 60 : 4 * 85, 4 * 60 - 3 : 4 * 60 + 3]
    assert across.any(axis=0).mean() > 0.9 and down.any(axis=1).mean() > 0.9
    assert not yellow[4 * 5 : 4 * 20, 4 * 7 : 4 * 40].any()  # the state does not ask for the image's overlay
    show_drawings(host, node, shown, visible=False)
    seen = red_view(host, node).astype(float)
    assert seen[:, 100:].max() == 0 and not (np.abs(seen - color).max(axis=2) < 60).any()
    nodes = host.scene.GetNumberOfNodes()
    show_drawings(host, node, shown)
    remove_drawings(host, node)
    show_drawings(host, node, shown, visible=False)
    assert host.scene.GetNumberOfNodes() == nodes


def test_a_colour_image_is_seen_in_its_colours(host, tmp_path: Path) -> None:
    from XRayAILib.scene.drawings import remove_drawings, show_drawings
    from XRayAILib.scene.volume import show_radiograph

    colours = np.zeros((96, 128, 3), np.uint8)
    colours[:48, :64], colours[48:, 64:], colours[:48, 64:] = (250, 20, 10), (10, 40, 240), (90, 90, 90)
    radiograph = read_radiograph(save(image(colours, 8), tmp_path / "colour.dcm"))
    node = show_radiograph(host, radiograph)
    nodes = host.scene.GetNumberOfNodes()
    show_drawings(host, node, radiograph, visible=False)
    np.testing.assert_allclose(red_view(host, node), colours, atol=2)
    remove_drawings(host, node)
    assert host.scene.GetNumberOfNodes() == nodes and node.GetImageData().GetNumberOfScalarComponents() == 1
    grey = red_view(host, node).astype(int)
    assert np.abs(grey - grey[..., :1]).max() == 0, "the volume itself has the brightness"


def test_what_a_file_hides_by_itself_is_hidden(host, tmp_path: Path) -> None:
    from XRayAILib.scene.drawings import show_drawings
    from XRayAILib.scene.volume import show_radiograph

    circle = {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [48, 64], "RadiusOfCircularShutter": 30}
    radiograph = read_radiograph(save(image(np.full((96, 128), 4000, np.uint16), **circle), tmp_path / "round.dcm"))
    node = show_radiograph(host, radiograph)
    show_drawings(host, node, radiograph)
    seen = red_view(host, node)
    assert seen[~radiograph.shutter.hidden].min() > 200 and seen[radiograph.shutter.hidden].max() == 0
    show_drawings(host, node, radiograph, visible=False)
    assert red_view(host, node).min() > 200, "what is hidden can be looked at: there may be text"


def test_the_panel_shows_an_image_as_chosen(desktop, browse: Browse, folder: Path) -> None:
    browse.close()
    panel = desktop.open_module(MODULE)
    desktop.answer(path=folder.parent / "project")
    panel.ui.openProjectButton.click()
    section = panel.display
    assert not section.own.lookComboBox.enabled
    panel.desk.browse.select(uid(folder, "image.dcm"))
    panel.refresh()
    combo = section.own.lookComboBox
    assert [combo.itemText(n) for n in range(combo.count)] == list(section.display.choices) and combo.enabled
    combo.setCurrentIndex(3)
    assert "shutter" in section.own.lookLabel.text
    volume = panel.desk.viewer.volume_node
    assert volume.GetDisplayNode().GetColorNode().GetName() == "InvertedGrey"
    assert panel.desk.viewer.host.slice_logic.GetSliceCompositeNode().GetLabelVolumeID()
    assert desktop.host.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 1
    section.own.drawingsCheckBox.checked = False
    assert desktop.host.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 0
    panel.desk.browse.select(uid(folder, "other.dcm"))
    panel.refresh()
    assert combo.count == 1 and not section.own.lookLabel.visible
    assert not desktop.host.slice_logic.GetSliceCompositeNode().GetLabelVolumeID()
    assert [message.text for message in desktop.messages if message.kind == "error"] == []
