"""Masks as segments: nothing lost, whatever was done to them in the Segment Editor."""

import numpy as np
import pytest

from scene_cases import ANNA, MODEL, disc, radiograph
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.objects import Mask
from XRayAILib.pixels.fill import fill_polygon
from XRayAILib.scene import view
from XRayAILib.scene.host import Host
from XRayAILib.scene.segmentation import (
    new_segment,
    new_segmentation,
    read_masks,
    segment_array,
    set_segment_array,
    show_masks,
)
from XRayAILib.scene.volume import show_radiograph

SCHEMA = chest_schema()


@pytest.fixture
def volume(host: Host):
    return show_radiograph(host, radiograph())


@pytest.fixture
def segments(host: Host, volume):
    return new_segmentation(host, volume, "Drawn")


def masks() -> list[Mask]:
    """Two overlapping discs, one cut off by the border of the image, an empty one and a single pixel in the corner."""
    corner = np.zeros((120, 90), bool)
    corner[119, 89] = True
    return [
        Mask.from_array(disc(30, 60, 20), label="right_lung", author=MODEL, score=0.5),
        Mask.from_array(disc(45, 60, 20), label="heart", author=ANNA),
        Mask.from_array(disc(-3, 5, 20), label="left_lung", author=MODEL),
        Mask.from_array(np.zeros((120, 90)), label="cardiomediastinum", author=MODEL),
        Mask.from_array(corner, label="not in the schema", author=MODEL),
    ]


def test_masks_come_back_as_they_were(segments, volume) -> None:
    drawn = masks()
    show_masks(segments, volume, drawn, SCHEMA)
    assert read_masks(segments, volume, SCHEMA, ANNA) == drawn


def test_a_segment_shows_title_colour_and_code_of_its_label(segments, volume) -> None:
    heart = masks()[1]
    show_masks(segments, volume, [heart], SCHEMA)
    segment = segments.GetSegmentation().GetSegment(heart.id)
    assert segment.GetName() == "Heart"
    assert segment.GetColor() == pytest.approx(SCHEMA["heart"].rgb)
    import slicer

    entry = slicer.vtkSlicerTerminologyEntry()
    logic = slicer.vtkSlicerTerminologiesModuleLogic()
    assert logic.DeserializeTerminologyEntry(segment.GetTerminology(), entry)
    code = entry.GetTypeObject()
    assert (code.GetCodingSchemeDesignator(), code.GetCodeValue(), code.GetCodeMeaning()) == (
        "SCT",
        "80891009",
        "Heart",
    )


def test_only_labelmaps_no_surface_on_the_radiographs_grid(segments, volume) -> None:
    show_masks(segments, volume, masks(), SCHEMA)
    assert not segments.GetSegmentation().ContainsRepresentation("Closed surface")
    role = segments.GetReferenceImageGeometryReferenceRole()
    assert segments.GetNodeReference(role).GetID() == volume.GetID()


def test_other_pixels_keep_the_object_and_leave_the_others_alone(segments, volume) -> None:
    drawn = masks()
    show_masks(segments, volume, drawn, SCHEMA)
    edited = disc(60, 80, 15)
    set_segment_array(segments, volume, drawn[0].id, edited)
    assert read_masks(segments, volume, SCHEMA, ANNA) == [drawn[0].with_array(edited), *drawn[1:]]


def test_erased_to_nothing_stays_as_an_empty_mask_and_removed_is_gone(segments, volume) -> None:
    drawn = masks()
    show_masks(segments, volume, drawn, SCHEMA)
    nothing = np.zeros((120, 90), bool)
    set_segment_array(segments, volume, drawn[0].id, nothing)
    segments.GetSegmentation().RemoveSegment(drawn[1].id)
    assert read_masks(segments, volume, SCHEMA, ANNA) == [drawn[0].with_array(nothing), *drawn[2:]]


def test_layers_that_an_editor_merged_come_apart_again(segments, volume) -> None:
    drawn = masks()
    show_masks(segments, volume, drawn, SCHEMA)
    segmentation = segments.GetSegmentation()
    separate = segmentation.GetNumberOfLayers()
    segmentation.CollapseBinaryLabelmaps(False)
    assert segmentation.GetNumberOfLayers() < separate
    assert read_masks(segments, volume, SCHEMA, ANNA) == drawn
    edited = disc(45, 60, 30)
    set_segment_array(segments, volume, drawn[2].id, edited)
    assert read_masks(segments, volume, SCHEMA, ANNA) == [*drawn[:2], drawn[2].with_array(edited), *drawn[3:]]


def test_showing_again_changes_segments_in_place(segments, volume) -> None:
    first = masks()
    show_masks(segments, volume, first, SCHEMA)
    segment = segments.GetSegmentation().GetSegment(first[1].id)
    second = [first[4], first[1].with_array(disc(10, 10, 5)).changed(label="left_lung"), masks()[0]]
    show_masks(segments, volume, second, SCHEMA)
    assert segments.GetSegmentation().GetSegment(first[1].id) is segment
    assert read_masks(segments, volume, SCHEMA, ANNA) == second


def test_a_drawn_segment_becomes_a_mask_of_the_person_and_keeps_its_id(segments, volume) -> None:
    segment_id = new_segment(segments, SCHEMA["left_lung"])
    assert read_masks(segments, volume, SCHEMA, ANNA) == []  # chosen, nothing drawn yet
    pixels = fill_polygon(np.array([(10.2, 10.0), (60.0, 20.0), (30.0, 80.0)]), (120, 90))
    set_segment_array(segments, volume, segment_id, pixels)
    (mask,) = read_masks(segments, volume, SCHEMA, ANNA)
    assert (mask.label, mask.author) == ("left_lung", ANNA)
    np.testing.assert_array_equal(mask.array(), pixels)
    assert read_masks(segments, volume, SCHEMA, ANNA) == [mask]
    show_masks(segments, volume, [mask], SCHEMA)
    assert segments.GetSegmentation().GetSegmentIDs() == (segment_id,)


@pytest.mark.parametrize(
    ("name", "label"),
    [("HEART", "heart"), ("right_lung", "right_lung"), ("Segment 1", "Segment_1"), ("::", "unlabelled")],
)
def test_the_label_of_a_segment_added_by_hand_is_its_name(segments, volume, name: str, label: str) -> None:
    segment_id = segments.GetSegmentation().AddEmptySegment("", name)
    set_segment_array(segments, volume, segment_id, disc(30, 30, 5))
    assert [mask.label for mask in read_masks(segments, volume, SCHEMA, ANNA)] == [label]


def test_another_name_or_another_term_is_another_label(segments, volume) -> None:
    drawn = masks()[:2]
    show_masks(segments, volume, drawn, SCHEMA)
    segmentation = segments.GetSegmentation()
    segmentation.GetSegment(drawn[0].id).SetName("Left lung")
    # The Segment Editor's term selector gives the name of the term.
    segmentation.GetSegment(drawn[1].id).SetName("mediastinum")
    segmentation.GetSegment(drawn[1].id).SetTerminology(
        "List~SCT^123037004^Anatomical Structure~SCT^72410000^Mediastinum~^^~~^^~^^"
    )
    assert [mask.label for mask in read_masks(segments, volume, SCHEMA, ANNA)] == ["left_lung", "cardiomediastinum"]


def test_a_copied_segment_is_an_object_of_its_own(segments, volume) -> None:
    (heart,) = drawn = masks()[1:2]
    show_masks(segments, volume, drawn, SCHEMA)
    segmentation = segments.GetSegmentation()
    import slicer

    copy = slicer.vtkSegment()
    copy.DeepCopy(segmentation.GetSegment(heart.id))
    segmentation.AddSegment(copy, "copy")
    first, second = read_masks(segments, volume, SCHEMA, ANNA)
    assert first == heart
    assert second.id != heart.id
    assert second.derived_from == heart.id
    assert read_masks(segments, volume, SCHEMA, ANNA) == [first, second]


def test_a_labelmap_on_another_grid_is_brought_to_the_radiographs(host: Host, segments, volume) -> None:
    import slicer

    half = radiograph(np.zeros((60, 45), np.uint16))
    coarse = show_radiograph(host, half)
    coarse.SetSpacing(0.3, 0.4, 1.0)
    coarse.SetOrigin(-0.075, -0.1, 0.0)
    other = new_segmentation(host, coarse, "coarse")
    pixels = disc(20, 30, 8, (60, 45))
    mask = Mask.from_array(pixels, label="heart", author=ANNA)
    show_masks(other, coarse, [mask], SCHEMA)
    segment = slicer.vtkSegment()
    segment.DeepCopy(other.GetSegmentation().GetSegment(mask.id))
    segments.GetSegmentation().AddSegment(segment, mask.id)
    np.testing.assert_array_equal(segment_array(segments, volume, mask.id), np.kron(pixels, np.ones((2, 2), bool)))


def test_pixels_of_another_size_or_an_unknown_segment_are_refused(segments, volume) -> None:
    segment_id = new_segment(segments, SCHEMA["heart"])
    with pytest.raises(ValueError, match=r"\(90, 120\)"):
        set_segment_array(segments, volume, segment_id, np.zeros((90, 120), bool))
    with pytest.raises(ValueError, match="no segment nowhere"):
        set_segment_array(segments, volume, "nowhere", np.zeros((120, 90), bool))


def test_segments_are_drawn_where_they_are(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    from XRayAILib.dicom.spacing import Spacing

    volume = show_radiograph(host, radiograph(np.zeros((120, 90), np.uint16), spacing=Spacing.unknown()))
    view.show(host, volume)
    segments = new_segmentation(host, volume, "Drawn")
    pixels = disc(30, 80, 15)
    show_masks(segments, volume, [Mask.from_array(pixels, label="heart", author=ANNA)], SCHEMA)
    scale = 4
    shown = view.render(host, size=(90 * scale, 120 * scale)).any(axis=2)
    expected = np.kron(pixels, np.ones((scale, scale), bool))
    # The outline is 2 screen pixels wide, half of it outside.
    rim = np.zeros_like(expected)
    rim[1:-1, 1:-1] = expected[2:, 1:-1] | expected[:-2, 1:-1] | expected[1:-1, 2:] | expected[1:-1, :-2]
    assert np.count_nonzero(shown & ~(expected | rim)) <= 0.02 * expected.sum()
    assert np.count_nonzero(expected & ~shown) <= 0.02 * expected.sum()
