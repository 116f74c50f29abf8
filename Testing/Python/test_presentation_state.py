"""Presentation states: whose they are, what they hide and what they draw."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence

from dicom_cases import add_overlay, image, presentation_state, save, table, wedge
from XRayAILib.dicom.presentation_state import PresentationState, read_presentation_state
from XRayAILib.dicom.radiograph import Radiograph, UnreadableError, read_header, read_radiograph


def item(**attributes: object) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def reference(source: Dataset) -> Sequence:
    return Sequence([item(ReferencedSOPClassUID=source.SOPClassUID, ReferencedSOPInstanceUID=source.SOPInstanceUID)])


def read(source: FileDataset, state: FileDataset, folder: Path) -> tuple[Radiograph, PresentationState]:
    return read_radiograph(save(source, folder / "image.dcm")), read_presentation_state(save(state, folder / "ps.dcm"))


def test_a_shutter_of_the_file_itself_hides_in_the_viewer_only(tmp_path: Path) -> None:
    edges = {"LeftVertical": 21, "RightVertical": 100, "UpperHorizontal": 11, "LowerHorizontal": 80}
    source = image(ShutterShape="RECTANGULAR", **{f"Shutter{edge}Edge": at for edge, at in edges.items()})
    radiograph, state = read(source, presentation_state([source]), tmp_path)
    hidden = np.ones(radiograph.shape, bool)
    hidden[10:80, 20:100] = False
    np.testing.assert_array_equal(radiograph.shutter.hidden, hidden)
    open_field = read_radiograph(save(image(), tmp_path / "open.dcm"))
    assert open_field.shutter is None
    np.testing.assert_array_equal(radiograph.display(), open_field.display())
    assert radiograph.with_presentation(state).shutter is None, "the state has none, and counts in its place"


def test_a_state_knows_its_images_and_itself(tmp_path: Path) -> None:
    source, other = image(), image()
    radiograph, state = read(source, presentation_state([source]), tmp_path)
    assert state.images == (source.SOPInstanceUID,)
    assert (state.name, state.created, state.creator) == ("TEST: a wedge", "2024-01-02", "Reader^One")
    assert state.refers_to(radiograph.header)
    stranger = read_radiograph(save(other, tmp_path / "other.dcm"))
    assert not state.refers_to(stranger.header)
    with pytest.raises(ValueError, match=r"ps\.dcm.*not about"):
        stranger.with_presentation(state)


def test_each_image_has_its_own_greys(tmp_path: Path) -> None:
    first, second = image(WindowCenter=1, WindowWidth=1), image(WindowCenter=1, WindowWidth=1)
    windows = [
        item(WindowCenter=100, WindowWidth=50, ReferencedImageSequence=reference(first)),
        item(WindowCenter=200, WindowWidth=60, ReferencedImageSequence=reference(second)),
    ]
    state = presentation_state([first, second], SoftcopyVOILUTSequence=Sequence(windows))
    for source, center in ((first, 100), (second, 200)):
        radiograph, read_state = read(source, state, tmp_path)
        assert radiograph.with_presentation(read_state).grayscale.window.center == center
        # The image as it was is not changed by being looked at in another way.
        assert radiograph.grayscale.window.center == 1


def test_shutters_hide_what_lies_outside_of_all_of_them(tmp_path: Path) -> None:
    source = image()
    state = presentation_state(
        [source],
        ShutterShape=["RECTANGULAR", "CIRCULAR"],
        ShutterLeftVerticalEdge=11,
        ShutterRightVerticalEdge=100,
        ShutterUpperHorizontalEdge=21,
        ShutterLowerHorizontalEdge=60,
        CenterOfCircularShutter=[41, 51],
        RadiusOfCircularShutter=30,
        ShutterPresentationValue=65535,
    )
    radiograph, read_state = read(source, state, tmp_path)
    shown = radiograph.with_presentation(read_state)
    y, x = np.mgrid[:96, :128]
    seen = (x >= 10) & (x < 100) & (y >= 20) & (y < 60) & (np.hypot(x - 50, y - 40) <= 30)
    np.testing.assert_array_equal(shown.presentation.shutter.hidden, ~seen)
    assert (shown.display()[~seen] == 1.0).all()
    np.testing.assert_array_equal(shown.stored, radiograph.stored)


def test_a_polygonal_shutter_leaves_its_inside(tmp_path: Path) -> None:
    source = image()
    corners = [(10.0, 20.0), (90.0, 30.0), (50.0, 110.0), (40.0, 60.0)]  # row, column, counted from 1; not convex
    state = presentation_state(
        [source], ShutterShape="POLYGONAL", VerticesOfThePolygonalShutter=[int(v) for pair in corners for v in pair]
    )
    radiograph, read_state = read(source, state, tmp_path)
    hidden = radiograph.with_presentation(read_state).presentation.shutter.hidden
    from matplotlib.path import Path as Outline

    y, x = np.mgrid[:96, :128]
    inside = Outline(np.array(corners)[:, ::-1] - 1).contains_points(np.stack([x.ravel(), y.ravel()], 1))
    # Which pixels a line hits in the middle belong to the inside is anybody's choice.
    assert (hidden == inside.reshape(96, 128)).sum() < 40
    assert 0.1 < (~hidden).mean() < 0.4


def test_a_bitmap_shutter_is_an_overlay_of_the_state_and_not_drawn_as_one(tmp_path: Path) -> None:
    source = image()
    add_overlay(source, wedge() > 3000, 0x6004)
    mask = wedge() < 500
    state = presentation_state([source], ShutterShape="BITMAP", ShutterOverlayGroup=0x6000)
    add_overlay(state, mask)
    add_overlay(state, wedge() > 4000, 0x6002)
    radiograph, read_state = read(source, state, tmp_path)
    shown = radiograph.with_presentation(read_state)
    np.testing.assert_array_equal(shown.presentation.shutter.hidden, mask)
    assert [overlay.group for overlay in shown.overlays] == [0x6002]
    # The image's own are drawn where the state asks for them.
    state.add_new((0x6004, 0x1001), "CS", "LAYER")
    _, asking = read(source, state, tmp_path)
    assert [overlay.group for overlay in radiograph.with_presentation(asking).overlays] == [0x6002, 0x6004]


def drawn(radiograph: Radiograph, state: PresentationState) -> list:
    return list(radiograph.with_presentation(state).presentation.graphics)


def line(points: list[float], units: str = "PIXEL", kind: str = "POLYLINE") -> Dataset:
    return item(
        GraphicAnnotationUnits=units,
        GraphicDimensions=2,
        NumberOfGraphicPoints=len(points) // 2,
        GraphicData=points,
        GraphicType=kind,
        GraphicFilled="N",
    )


def test_drawings_are_in_pixels_of_the_image_centres_at_integers(tmp_path: Path) -> None:
    source = image()
    words = item(AnchorPointAnnotationUnits="PIXEL", AnchorPoint=[64.0, 48.0], UnformattedTextValue="nodule?")
    annotation = item(
        GraphicLayer="READER",
        # The outer edge of the first pixel, and of the last one.
        GraphicObjectSequence=Sequence([line([0, 0, 128, 96]), line([30.5, 20.5, 40.5, 20.5], kind="CIRCLE")]),
        TextObjectSequence=Sequence([words]),
    )
    state = presentation_state([source], GraphicAnnotationSequence=Sequence([annotation]))
    stroke, circle, text = drawn(*read(source, state, tmp_path))
    np.testing.assert_allclose(stroke.points, [[-0.5, -0.5], [127.5, 95.5]])
    outline, closed = circle.outline()
    assert closed
    np.testing.assert_allclose(np.hypot(*(outline - [30, 20]).T), 10)
    assert (text.kind, text.text, text.layer) == ("TEXT", "nodule?", "READER")
    np.testing.assert_allclose(text.points, [[63.5, 47.5]])


@pytest.mark.parametrize("mirrored", ["N", "Y"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_drawings_on_the_display_find_their_pixels(rotation: int, mirrored: str, tmp_path: Path) -> None:
    source = image()
    # What a person sees at the quarter of the width and the third of the height of the turned and mirrored area.
    annotation = item(GraphicLayer="A", GraphicObjectSequence=Sequence([line([0.25, 1 / 3], "DISPLAY", "POINT")]))
    state = presentation_state(
        [source],
        GraphicAnnotationSequence=Sequence([annotation]),
        ImageRotation=rotation,
        ImageHorizontalFlip=mirrored,
    )
    area = state.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [11, 21], [70, 80]
    radiograph, read_state = read(source, state, tmp_path)
    (point,) = drawn(radiograph, read_state)
    presentation = radiograph.with_presentation(read_state).presentation
    assert (presentation.rotation, presentation.mirrored) == (rotation, mirrored == "Y")
    # Turn an image of the pixels' places as the state says, and look there.
    y, x = np.mgrid[20:80, 10:70]
    place = np.stack([x, y], axis=-1)
    turned = np.rot90(place, -rotation // 90)
    if mirrored == "Y":
        turned = turned[:, ::-1]
    np.testing.assert_allclose(point.points[0], turned[20 - 1 : 20 + 1, 15 - 1 : 15 + 1].mean(axis=(0, 1)))


def test_a_state_is_no_radiograph_and_a_radiograph_no_state(tmp_path: Path) -> None:
    source = image()
    path = save(source, tmp_path / "image.dcm")
    state = save(presentation_state([source]), tmp_path / "ps.dcm")
    with pytest.raises(UnreadableError, match="Presentation State"):
        read_presentation_state(path)
    with pytest.raises(UnreadableError, match=r"(?i)presentation state"):
        read_header(state)


def test_damaged_states_give_a_reason_or_something_to_look_at(tmp_path: Path) -> None:
    source = image()
    annotation = item(
        GraphicLayer="A", GraphicObjectSequence=Sequence([line([0.25, 1 / 3], "DISPLAY"), line([1, 2, 3, 4, 5, 6])])
    )
    state = presentation_state(
        [source],
        SoftcopyVOILUTSequence=Sequence([item(VOILUTSequence=Sequence([table(np.arange(64))]))]),
        PresentationLUTSequence=Sequence([table(np.arange(256))]),
        GraphicAnnotationSequence=Sequence([annotation]),
        ShutterShape=["RECTANGULAR", "CIRCULAR", "POLYGONAL", "BITMAP"],
        ShutterLeftVerticalEdge=1,
        ShutterRightVerticalEdge=100,
        ShutterUpperHorizontalEdge=1,
        ShutterLowerHorizontalEdge=96,
        CenterOfCircularShutter=[50, 60],
        RadiusOfCircularShutter=40,
        VerticesOfThePolygonalShutter=[10, 20, 90, 30, 50, 110],
        ShutterOverlayGroup=0x6000,
    )
    add_overlay(state, wedge() > 2000)
    radiograph, _ = read(source, state, tmp_path)
    whole, target = (tmp_path / "ps.dcm").read_bytes(), tmp_path / "damaged.dcm"
    outcomes = {"read": 0, "refused": 0, "about others": 0}
    for case in range(400):
        rng = np.random.default_rng(case)
        data = bytearray(whole)
        for place in rng.integers(300, len(data) - 1800, int(rng.integers(1, 8))):
            data[place] = int(rng.integers(256))
        target.write_bytes(data if case % 4 else data[: int(rng.integers(300, len(data)))])
        try:
            damaged = read_presentation_state(target)
        except UnreadableError:
            outcomes["refused"] += 1
            continue
        if not damaged.refers_to(radiograph.header):
            outcomes["about others"] += 1
            continue
        shown = radiograph.with_presentation(damaged)
        assert np.isfinite(shown.display()).all() and shown.grayscale.choices
        assert all(np.isfinite(graphic.outline()[0]).all() for graphic in shown.presentation.graphics)
        outcomes["read"] += 1
    assert outcomes["read"] > 20 and outcomes["refused"] > 20
