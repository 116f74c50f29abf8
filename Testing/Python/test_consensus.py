"""What several readers together say: votes, STAPLE, fused boxes, mean landmarks, most frequent answers."""

import numpy as np
import pytest

from agreement_cases import SCHEMA, SHAPE, blob, perturbed, reading
from XRayAILib.findings.agreement.overlap import overlap
from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.consensus import Regions, consensus
from XRayAILib.findings.consensus_answers import most_said
from XRayAILib.findings.consensus_boxes import fuse
from XRayAILib.findings.consensus_points import Centre, measurement_points
from XRayAILib.findings.consensus_regions import majority, staple
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.label import Label, Tool
from XRayAILib.findings.measurements import Angle, Line
from XRayAILib.findings.objects import Box, FindingError, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.shapes import Ellipse, Polyline

READERS = ("anna", "ben", "carla")
ANNA = Author.person("anna")


def said(reader: str, *objects) -> Findings:
    author = Author.person(reader)
    return Findings("1.2.3", SHAPE, author, tuple(item.changed(author=author) for item in objects))


def drawings(count: int = 5) -> list[Mask]:
    return [Mask.from_array(perturbed(blob(1), seed, 4.0), label="heart", author=ANNA) for seed in range(count)]


def square(left: int, width: int) -> Mask:
    array = np.zeros(SHAPE, bool)
    array[100 : 100 + width, left : left + width] = True
    return Mask.from_array(array, label="heart", author=ANNA)


def test_a_majority_is_that_of_simpleitk():
    import SimpleITK as sitk

    masks = drawings()
    voted = sitk.LabelVoting([sitk.GetImageFromArray(mask.array().astype(np.uint8)) for mask in masks], 9)
    found = majority(masks)
    assert (found.region == (sitk.GetArrayFromImage(voted) == 1)).all() and found.region.any()
    assert found.tied == 0


def test_a_pixel_of_half_of_the_readers_is_a_tie_and_left_out():
    found = majority([square(100, 20), square(110, 20)])
    assert found.region.sum() == 10 * 20
    assert found.tied == 2 * 10 * 20


def expectation_maximisation(votes: np.ndarray) -> np.ndarray:
    """STAPLE after Warfield, Zou and Wells (2004), equations 14 to 19, over the pixels of (readers, pixels) votes."""
    sensitivity = specificity = np.full(len(votes), 0.99999)
    prior = votes.mean()
    for _ in range(200):
        yes = prior * np.prod(np.where(votes, sensitivity[:, None], 1 - sensitivity[:, None]), axis=0)
        no = (1 - prior) * np.prod(np.where(votes, 1 - specificity[:, None], specificity[:, None]), axis=0)
        weight = yes / (yes + no)
        sensitivity = (votes * weight).sum(axis=1) / weight.sum()
        specificity = (~votes * (1 - weight)).sum(axis=1) / (1 - weight).sum()
    return weight


def test_staple_is_that_of_the_paper():
    careless = Mask.from_array(perturbed(blob(1), 77, 25.0), label="heart", author=ANNA)
    masks = [*drawings(3), careless]
    found = staple(masks)
    weight = expectation_maximisation(np.stack([mask.array().ravel() for mask in masks]))
    assert (found.region.ravel() == (weight >= 0.5)).mean() > 0.9999
    # It knows who drew carelessly.
    assert min(found.sensitivity[:3]) > found.sensitivity[3]
    again = staple(masks)
    assert (again.region == found.region).all() and again.sensitivity == found.sensitivity


def test_staple_of_nothing_is_nothing():
    empty = Mask.from_array(np.zeros(SHAPE, bool), label="heart", author=ANNA)
    assert not staple([empty, empty, empty]).region.any()


def box(x: float, y: float, size: float = 20.0, score: float | None = None) -> Box:
    return Box(label="nodule", author=ANNA, x0=x, y0=y, x1=x + size, y1=y + size, score=score)


def test_weighted_boxes_fusion_is_that_of_the_paper():
    # Solovyev et al. (2021), equations 1 to 6: coordinates weighted by scores, the score by how many models agree.
    models = [[box(10, 10, score=0.9), box(100, 100, score=0.4)], [box(12, 10, score=0.6)], [box(10, 13, score=0.3)]]
    first, second = fuse(models)
    assert first.edges[0] == pytest.approx((0.9 * 10 + 0.6 * 12 + 0.3 * 10) / 1.8)
    assert first.edges[1] == pytest.approx((0.9 * 10 + 0.6 * 10 + 0.3 * 13) / 1.8)
    assert first.score == pytest.approx((0.9 + 0.6 + 0.3) / 3 * 3 / 3)
    assert second.score == pytest.approx(0.4 * 1 / 3) and second.edges == (100, 100, 120, 120)


def test_a_reader_counts_once_in_a_box_and_most_readers_must_have_it():
    tracks = [
        said("anna", box(10, 10), box(11, 10), box(150, 150)),
        said("ben", box(12, 10), box(100, 30)),
        said("carla", box(11, 13), box(102, 30)),
    ]
    found = consensus(tracks, SCHEMA).findings.of(Box)
    assert len(found) == 2
    assert {round(b.score, 2) for b in found} == {1.0, 0.67}


def test_landmarks_by_mean_and_median_and_a_majority_for_outside():
    points = [
        Landmark(label="apex", author=ANNA, x=x, y=10.0, visible=v)
        for x, v in ((1.0, True), (2.0, True), (30.0, False))
    ]
    tracks = [said(reader, point) for reader, point in zip(READERS, points, strict=True)]
    (mean,) = consensus(tracks, SCHEMA).findings.of(Landmark)
    (median,) = consensus(tracks, SCHEMA, centre=Centre.MEDIAN).findings.of(Landmark)
    assert (mean.x, median.x) == (pytest.approx(11.0), 2.0) and mean.visible
    assert mean.derived_from == tracks[1].objects[0].id  # the nearest of the three
    gone = Landmark(label="apex", author=ANNA, x=0.0, y=0.0, visible=False, outside=True)
    (outside,) = consensus([said("anna", points[0]), said("ben", gone), said("carla", gone)], SCHEMA).findings
    assert outside.outside and not outside.visible


def test_what_half_of_the_readers_have_is_left_out_and_told():
    agreed = consensus([said("anna", Landmark(label="apex", author=ANNA, x=1.0, y=1.0)), said("ben")], SCHEMA)
    assert not agreed.findings.objects
    assert agreed.notes == ("apex: 1 of 2 readers have it: left out",)


def test_lines_drawn_from_either_end_are_the_same_line():
    one = Line(label="width", author=ANNA, points=((0.0, 0.0), (100.0, 0.0)))
    other = Line(label="width", author=ANNA, points=((102.0, 4.0), (2.0, 2.0)))
    assert measurement_points([one, other], Centre.MEAN) == ((1.0, 1.0), (101.0, 2.0))
    angle = Angle(label="a", author=ANNA, points=((0.0, 10.0), (0.0, 0.0), (10.0, 0.0)))
    turned = angle.changed(points=tuple(reversed(angle.points)))
    assert measurement_points([angle, turned], Centre.MEAN) == angle.points


def test_answers_by_majority_and_ties_told():
    assert most_said(["yes", "no", "yes"]) == ("yes", "")
    assert most_said(["yes", "no"]) == (None, "'no' and 'yes' were each said by 1")
    labels = [ImageLabel(label="effusion", author=ANNA, value=value) for value in ("yes", "yes", "no")]
    agreed = consensus([said(r, label) for r, label in zip(READERS, labels, strict=True)], SCHEMA)
    assert [(o.label, o.value) for o in agreed.findings.of(ImageLabel)] == [("effusion", "yes")]
    tied = consensus([said("anna", labels[0]), said("ben", labels[2])], SCHEMA)
    assert not tied.findings.objects and "left open" in tied.notes[0]


def test_each_answer_of_a_question_with_several_is_a_vote():
    given = {"anna": ("tube", "wires"), "ben": ("tube",), "carla": ("tube", "pacemaker")}
    tracks = [
        said(reader, *(ImageLabel(label="devices", author=ANNA, value=value) for value in values))
        for reader, values in given.items()
    ]
    assert [o.value for o in consensus(tracks, SCHEMA).findings.of(ImageLabel)] == ["tube"]


def test_attributes_are_what_most_say_of_the_same_object():
    sides = ("left", "left", "right")
    tracks = [
        said(r, box(10 + i, 10).changed(attributes=(("side", side), ("size", r))))
        for i, (r, side) in enumerate(zip(READERS, sides, strict=True))
    ]
    agreed = consensus(tracks, SCHEMA)
    assert agreed.findings.objects[0].attributes == (("side", "left"),)
    assert any("size" in note and "left open" in note for note in agreed.notes)


SHAPES = LabelSchema(
    "shapes",
    (
        Label("lung", "Lung", Tool.POLYGON, "#ffffff"),
        Label("mass", "Mass", Tool.ELLIPSE, "#ffffff"),
        Label("tube", "Tube", Tool.POLYLINE, "#ffffff"),
    ),
)


def test_polygons_become_polygons_again():
    def corners(shift: float) -> tuple[tuple[float, float], ...]:
        return ((20.5 + shift, 20.5), (120.5 + shift, 20.5), (120.5 + shift, 90.5), (20.5 + shift, 90.5))

    tracks = [
        said(r, Polygon(label="lung", author=ANNA, points=corners(s))) for r, s in zip(READERS, (0, 4, 40), strict=True)
    ]
    (found,) = consensus(tracks, SHAPES).findings
    assert isinstance(found, Polygon) and set(found.points) == {
        (24.5, 20.5),
        (120.5 + 4, 20.5),
        (124.5, 90.5),
        (24.5, 90.5),
    }


def test_of_ellipses_and_lines_the_one_nearest_to_all_stands_for_them():
    ellipses = [
        Ellipse(label="mass", author=ANNA, x=x, y=80.0, radius_x=20.0, radius_y=10.0) for x in (80.0, 83.0, 95.0)
    ]
    lines = [Polyline(label="tube", author=ANNA, points=((10.0, y), (200.0, y))) for y in (50.0, 52.0, 60.0)]
    tracks = [said(r, e, p) for r, e, p in zip(READERS, ellipses, lines, strict=True)]
    found = consensus(tracks, SHAPES).findings
    assert found.of(Ellipse)[0].x == 83.0 and found.of(Polyline)[0].points[0][1] == 52.0
    assert {o.derived_from for o in found} == {o.id for o in tracks[1]}


@pytest.mark.parametrize("rule", list(Regions))
def test_the_same_findings_give_the_same_consensus_whoever_comes_first(rule):
    tracks = [reading(reader, 4, seed, 1.5) for seed, reader in enumerate(READERS)]
    once, again = consensus(tracks, SCHEMA, rule), consensus(tracks[::-1], SCHEMA, rule)
    assert once == again and once.findings.objects == again.findings.objects
    assert once.findings.author == Author(AuthorKind.CONSENSUS, rule.value)
    ids = {item.id for track in tracks for item in track}
    assert all(item.derived_from in ids and item.id not in ids for item in once.findings)
    assert {o.status for o in once.findings} == {Status.DRAFT}
    heart = once.findings.of(Mask, "heart")[0]
    for track in tracks:
        assert overlap(heart, track.of(Mask, "heart")[0]).dice > 0.9


def test_rejected_objects_have_no_vote_and_one_reader_makes_no_consensus():
    wrong = square(100, 20).changed(status=Status.REJECTED)
    agreed = consensus([said("anna", square(100, 20)), said("ben", wrong), said("carla", wrong)], SCHEMA)
    assert not agreed.findings.objects
    with pytest.raises(FindingError, match="two readers"):
        consensus([said("anna", square(100, 20))], SCHEMA)
    with pytest.raises(FindingError, match="one radiograph"):
        consensus([reading("anna", 1, 1), reading("ben", 2, 1)], SCHEMA)
