"""What a computer begins and a person corrects: paths along edges, grown areas, snapped boxes, copies of objects."""

import math

import numpy as np
import pytest

from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import CobbAngle
from XRayAILib.findings.moving import moved
from XRayAILib.findings.objects import Box, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels.fill import fill_polygon
from XRayAILib.pixels.grow import grow
from XRayAILib.pixels.live_wire import LiveWire
from XRayAILib.pixels.midline import mirror_of
from XRayAILib.pixels.registration import RegistrationError, register
from XRayAILib.pixels.similarity import Similarity
from XRayAILib.pixels.snap import overlap, snap
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.assist import Assist, AssistError

ANNA = Author.person("anna")
SHAPE = (300, 260)


def blob(x: float, y: float, radius_x: float, radius_y: float, noise: float = 0.02, seed: int = 4) -> np.ndarray:
    """A bright ellipse with a soft rim on a darker, sloping, noisy ground."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    inside = 1 / (1 + np.exp((np.hypot((columns - x) / radius_x, (rows - y) / radius_y) - 1) * 25))
    ground = 0.2 + 0.1 * columns / SHAPE[1]
    return ground + 0.4 * inside + np.random.default_rng(seed).normal(0, noise, SHAPE)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


# Paths along edges --------------------------------------------------------------------------------------------------


def test_a_few_clicks_on_a_rim_give_its_whole_outline() -> None:
    display = blob(130, 150, 70, 90)
    turns = np.arange(5) * 2 * math.pi / 5 + 0.3
    clicks = [(130 + 70 * math.cos(turn), 150 + 90 * math.sin(turn)) for turn in turns]
    outline = LiveWire(display).outline(clicks)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    truth = np.hypot((columns - 130) / 70, (rows - 150) / 90) <= 1
    straight = dice(fill_polygon(np.array(clicks), SHAPE), truth)
    along = dice(fill_polygon(np.array(outline), SHAPE), truth)
    assert straight < 0.9 < 0.97 < along
    assert set(clicks) <= set(outline)  # a click of the reader is never moved


def test_an_edge_that_crosses_does_not_lead_the_path_astray() -> None:
    display = np.full(SHAPE, 0.3)
    display[:, 130:] = 0.6  # the edge that is meant
    display[140:144, :] += 0.4  # a stronger one across it
    path = LiveWire(display).path((129.5, 60.0), (129.5, 220.0))
    assert max(abs(x - 129.5) for x, _ in path) < 3


def test_a_path_over_the_border_and_one_without_length_are_lines() -> None:
    wire = LiveWire(blob(130, 150, 70, 90))
    assert wire.path((-20.0, 10.0), (-20.0, 10.0)) == [(-20.0, 10.0), (-20.0, 10.0)]
    assert wire.path((-20.0, 10.0), (30.0, 40.0))[0] == (-20.0, 10.0)
    with pytest.raises(ValueError, match="at least 3"):
        wire.outline([(0.0, 0.0), (5.0, 5.0)])


# Growing and snapping -----------------------------------------------------------------------------------------------


def test_an_area_grows_from_a_click_to_its_rim_and_has_no_holes() -> None:
    display = blob(130, 150, 40, 50)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    truth = np.hypot((columns - 130) / 40, (rows - 150) / 50) <= 1
    display[150:154, 120:124] = 0.0
    grown = grow(display, (140.0, 160.0), 0.15)
    assert dice(grown, truth) > 0.95
    assert grown[151, 121]
    near = grow(display, (140.0, 160.0), 0.15, radius=10.0)
    assert 200 < near.sum() < 330 and grown[near].all()


def test_what_grows_joins_the_mask_of_its_label_or_becomes_a_polygon(phantoms, patients) -> None:
    phantom = phantoms[0]
    assist = Assist(patients.radiograph(phantom.uid), ANNA, patients.schema)
    (lung,) = phantom.findings.of(Mask, "right_lung")
    row, column = (int(value.mean()) for value in np.nonzero(lung.array()))
    nothing = Findings(phantom.uid, lung.shape, ANNA)
    (first,) = assist.grown("right_lung", (column, row), 0.03, nothing)
    (more,) = assist.grown("right_lung", (column, row), 0.12, nothing.with_objects([first]))
    assert isinstance(first, Mask) and isinstance(more, Mask)
    assert more.id == first.id and more.area > first.area and more.array()[first.array()].all()
    (outline,) = assist.grown("opacity", (column, row), 0.03, nothing)
    assert isinstance(outline, Polygon)
    assert dice(fill_polygon(np.array(outline.points), lung.shape), first.array()) > 0.95


def test_a_seed_outside_the_image_is_told() -> None:
    with pytest.raises(ValueError, match=r"\(260, 10\) lies outside the image of 260 x 300 pixels"):
        grow(blob(130, 150, 40, 50), (260.0, 10.0), 0.1)


def test_a_rough_box_snaps_to_what_stands_out_in_it() -> None:
    drawn, truth = (80.0, 92.0, 178.0, 212.0), (90.0, 100.0, 170.0, 200.0)
    snapped = snap(blob(130, 150, 40, 50), drawn)
    assert snapped is not None
    assert overlap(drawn, truth) < 0.75 < 0.93 < overlap(snapped, truth)


def test_a_box_around_nothing_and_one_around_what_goes_on_stay() -> None:
    display = blob(130, 150, 40, 50)
    display[:, 100:140] = 0.9
    assert snap(display, (90.0, 100.0, 150.0, 200.0)) is None
    assert snap(np.full(SHAPE, 0.5), (90.0, 100.0, 150.0, 200.0)) is None
    with pytest.raises(ValueError, match="too small"):
        snap(display, (90.0, 100.0, 94.0, 200.0))


# Moving objects -----------------------------------------------------------------------------------------------------


def every_kind() -> list:
    pixels = np.zeros(SHAPE, bool)
    pixels[40:90, 30:60] = True
    pixels[50:60, 35:45] = False
    own = {"label": "right_lung", "author": ANNA}
    return [
        Box(x0=10, y0=20, x1=50.5, y1=90, **own),
        Polygon(points=((10, 20), (50, 25), (30, 80)), **own),
        Mask.from_array(pixels, **own),
        Landmark(x=12.25, y=40, **own),
        RotatedBox(x=60, y=70, width=30, height=10, angle=20, **own),
        Ellipse(x=60, y=70, radius_x=30, radius_y=10, angle=-35, **own),
        Polyline(points=((1, 2), (3, 40)), **own),
        CobbAngle(points=((1, 2), (30, 4), (2, 60), (30, 80)), **own),
    ]


@pytest.mark.parametrize("item", every_kind(), ids=lambda item: item.kind)
def test_what_is_mirrored_twice_is_what_it_was(item) -> None:
    mirror = Similarity.mirror((SHAPE[1] - 1) / 2)
    once = moved(item, mirror, SHAPE)
    assert once != item
    again = moved(once, mirror, SHAPE)
    if isinstance(item, Mask):
        assert np.array_equal(again.array(), item.array())
        assert np.array_equal(once.array(), item.array()[:, ::-1])
    else:
        for name in ("x0", "y0", "x1", "y1", "x", "y", "width", "height", "radius_x", "radius_y", "angle", "points"):
            assert np.asarray(getattr(again, name, 0)) == pytest.approx(np.asarray(getattr(item, name, 0))), name


def test_a_turned_box_goes_where_its_corners_go() -> None:
    box = RotatedBox(x=60, y=70, width=30, height=10, angle=20, label="nodule", author=ANNA)
    for by in (Similarity(1.5, 30, False, 4, -7), Similarity(0.8, -25, True, 200, 3)):
        corners = moved(box, by, SHAPE).corners  # type: ignore[attr-defined]
        expected = by.points(box.corners)
        for corner in corners:
            assert np.hypot(*(expected - corner).T).min() < 1e-9


def test_a_moved_mask_shows_what_its_outline_holds() -> None:
    square = [(50.0, 60.0), (120.0, 60.0), (120.0, 130.0), (50.0, 130.0)]
    mask = Mask.from_array(fill_polygon(np.array(square), SHAPE), label="heart", author=ANNA)
    by = Similarity(1.3, 17, False, 10, -20)
    there = moved(mask, by, SHAPE)
    assert isinstance(there, Mask)
    assert dice(there.array(), fill_polygon(by.points(square), SHAPE)) > 0.98
    assert moved(mask, Similarity(shift_x=1000), SHAPE).area == 0  # type: ignore[attr-defined]


# One image over another ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 9, seed=5, size=(320, 288))


@pytest.fixture
def patients(phantoms, tmp_path):
    """A project of those phantoms, with their truth as imported labels."""
    with Project.create(tmp_path / "project") as project:
        take_in(project, [phantoms[0].path.parent])
        for phantom in phantoms:
            project.save(phantom.findings)
        yield project


def test_an_image_finds_itself_again_scaled_turned_and_shifted(phantoms, patients) -> None:
    from scipy.ndimage import affine_transform

    display = patients.radiograph(phantoms[0].uid).display()
    truth = Similarity(1.08, 5.0, False, 9.0, -14.0)
    back = np.linalg.inv(truth.matrix[:, :2])
    offset = -(back @ truth.matrix[:, 2])
    other = affine_transform(display, back[::-1, ::-1], offset=offset[::-1], mode="nearest")
    found = register(other, display)
    corners = [(60.0, 60.0), (220.0, 60.0), (220.0, 260.0), (60.0, 260.0)]
    assert np.abs(found.points(corners) - truth.points(corners)).max() < 1.0


def test_images_of_other_things_are_not_laid_over_each_other(phantoms, patients) -> None:
    display = patients.radiograph(phantoms[0].uid).display()
    with pytest.raises(RegistrationError, match="too unlike"):
        register(display, np.random.default_rng(2).random(display.shape))


def test_the_two_lungs_lie_over_each_other_in_the_mirror(phantoms, patients) -> None:
    fits = []
    for phantom in phantoms:
        display = patients.radiograph(phantom.uid).display()
        (right,), (left,) = (phantom.findings.of(Mask, name) for name in ("right_lung", "left_lung"))
        over = moved(right, mirror_of(display), right.shape)
        fits.append(dice(over.array(), left.array()))  # type: ignore[attr-defined]
    assert np.median(fits) > 0.7


def test_labels_change_their_side_in_the_mirror_and_become_the_readers(phantoms, patients) -> None:
    phantom = phantoms[0]
    assist = Assist(patients.radiograph(phantom.uid), ANNA, chest_schema())
    (right,) = phantom.findings.of(Mask, "right_lung")
    present = Findings(phantom.uid, right.shape, ANNA, (right,))
    (left,) = assist.mirrored([right], present)
    assert (left.label, left.author, left.derived_from, left.status) == ("left_lung", ANNA, right.id, Status.DRAFT)
    with pytest.raises(AssistError, match="'Left lung' is there already"):
        assist.mirrored([right], present.with_objects([left]))


def test_the_prior_gives_what_this_image_does_not_have_yet(phantoms, patients) -> None:
    image = next(image for image in patients.images() if len(patients.priors(image.uid)) == 2)
    priors = patients.priors(image.uid)
    radiograph = patients.radiograph(image.uid)
    shape = (image.header.rows, image.header.columns)
    assist = Assist(radiograph, ANNA, patients.schema)
    copied = assist.from_prior(patients, Findings(image.uid, shape, ANNA))
    truth = next(p.findings for p in phantoms if p.uid == image.uid)
    for copy in copied.objects:
        assert (copy.author, copy.score, copy.status) == (ANNA, None, Status.DRAFT)
        assert copy.derived_from in {item.id for prior in priors for item in patients.reference(prior.uid) or ()}
        if isinstance(copy, Mask) and copy.label.endswith("lung"):
            assert dice(copy.array(), truth.of(Mask, copy.label)[0].array()) > 0.75
    everything = Findings(image.uid, shape, ANNA, copied.objects)
    with pytest.raises(AssistError, match="no labels that are missing here"):
        assist.from_prior(patients, everything)


def test_without_a_prior_or_a_prediction_the_reason_is_told(phantoms, patients) -> None:
    alone = next(image for image in patients.images() if not patients.priors(image.uid))
    assist = Assist(patients.radiograph(alone.uid), ANNA, patients.schema)
    nothing = Findings(alone.uid, (alone.header.rows, alone.header.columns), ANNA)
    with pytest.raises(AssistError, match="no earlier image in the project"):
        assist.from_prior(patients, nothing)
    with pytest.raises(AssistError, match="predict first"):
        assist.from_model(patients, nothing)


def test_a_prediction_is_taken_over_but_for_what_is_drawn(phantoms, patients) -> None:
    phantom = phantoms[1]
    model = Author.model("lungs", "0" * 64)
    said = [item.derived(model, score=0.9) for item in phantom.findings.of(Mask)]
    patients.save(Findings(phantom.uid, phantom.findings.shape, model, tuple(said)))
    drawn = Findings(phantom.uid, phantom.findings.shape, ANNA, tuple(phantom.findings.of(Mask, "heart")))
    taken = Assist(patients.radiograph(phantom.uid), ANNA, patients.schema).from_model(patients, drawn)
    assert taken.source == "lungs"
    assert "heart" not in {item.label for item in taken.objects}
    assert {item.derived_from for item in taken.objects} <= {item.id for item in said}
