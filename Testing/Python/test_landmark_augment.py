"""Points move with what is under them, and a mirrored image swaps left and right."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Landmark
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.draws import Draws
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import LearntLabel
from XRayAILib.learning.tasks.landmarks import OUTSIDE, PRESENT, UNKNOWN, Landmarks
from XRayAILib.pixels.resample import Letterbox

NAMES = ("right", "left", "middle")
MIRRORS = (1, 0, 2)
SIZE = 128
READER = Author.imported("reader")


def task(strengths: Augmentation | None = None, **changes: object) -> Landmarks:
    legend = tuple(
        LearntLabel(name, name, Tool.LANDMARK, "#ffffff", at) for name, at in zip(NAMES, MIRRORS, strict=True)
    )
    strengths = strengths or Augmentation.none()
    return Landmarks(
        legend,
        TrainingConfig.from_preset(
            "quick", "landmarks", **{"size": SIZE, "network_arguments": {}, "augmentation": strengths, **changes}
        ),
    )


def dots(points: torch.Tensor) -> torch.Tensor:
    """Images (B, 1, S, S) of a dark grey with a small dot at each point (B, N, 2), each one brighter."""
    place = torch.arange(SIZE).float()
    y, x = torch.meshgrid(place, place, indexing="ij")
    images = torch.full((len(points), 1, SIZE, SIZE), 0.2)
    for number in range(points.shape[1]):
        distance = (x - points[:, number, 0, None, None]) ** 2 + (y - points[:, number, 1, None, None]) ** 2
        images[:, 0] += 0.2 * (number + 1) * torch.exp(-distance / 2)
    return images


def scene(batch: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    points = torch.from_numpy(np.random.default_rng(0).uniform(-4, 4, (batch, 3, 2))).float()
    points += torch.tensor([[42.0, 50.0], [86.0, 50.0], [64.0, 90.0]])
    return dots(points), torch.cat([points, torch.full((batch, 3, 1), PRESENT)], dim=-1)


def seen(image: torch.Tensor, near: torch.Tensor) -> tuple[float, float, float]:
    """The middle (x, y) and the height of the dot around a place."""
    left, top = (int(v.round()) - 7 for v in near)
    patch = (image[top : top + 15, left : left + 15] - 0.2).clamp(min=0.01) - 0.01
    y, x = torch.meshgrid(torch.arange(15.0), torch.arange(15.0), indexing="ij")
    whole = patch.sum()
    return float((patch * x).sum() / whole) + left, float((patch * y).sum() / whole) + top, float(patch.max())


@pytest.mark.parametrize(
    "strengths",
    [{"rotation": 25.0}, {"scale": 0.2}, {"shift": 0.08}, {"stretch": 0.2}, {"elastic": 0.015}, {"flip": 1.0},
     {"rotation": 10.0, "scale": 0.1, "shift": 0.05, "stretch": 0.05, "elastic": 0.01, "flip": 0.5}],
    ids=lambda strengths: "+".join(strengths),
)  # fmt: skip
def test_a_dot_stays_under_its_point(strengths: dict[str, float]) -> None:
    images, targets = scene()
    changing = task(dataclasses.replace(Augmentation.none(), **strengths))
    after, moved = changing.augmented(images, targets, Draws(range(len(images))))
    assert (moved[..., 2] == PRESENT).all()
    assert (moved[..., :2] - targets[..., :2]).norm(dim=-1).mean() > 1
    for image, points in zip(after[:, 0], moved, strict=True):
        for point in points:
            x, y, _ = seen(image, point[:2])
            assert np.hypot(x - float(point[0]), y - float(point[1])) < 0.25


def test_a_mirrored_image_swaps_left_and_right() -> None:
    images, targets = scene()
    flipping = task(dataclasses.replace(Augmentation.none(), flip=1.0))
    after, moved = flipping.augmented(images, targets, Draws(range(len(images))))
    assert torch.allclose(moved[:, 0, 0], SIZE - 1 - targets[:, 1, 0], atol=1e-3)
    assert torch.allclose(moved[:, 2, 0], SIZE - 1 - targets[:, 2, 0], atol=1e-3)
    # The dot under "right" is the one that was drawn, brighter, for "left".
    assert seen(after[0, 0], moved[0, 0, :2])[2] > seen(after[0, 0], moved[0, 1, :2])[2] + 0.1


def test_what_is_unknown_of_one_side_is_unknown_of_the_other_in_the_mirror() -> None:
    images, targets = scene()
    targets[:, 0, 2], targets[:, 1, 2] = UNKNOWN, OUTSIDE
    flipping = task(dataclasses.replace(Augmentation.none(), flip=1.0))
    _, moved = flipping.augmented(images, targets, Draws(range(len(images))))
    assert (moved[:, 0, 2] == OUTSIDE).all() and (moved[:, 1, 2] == UNKNOWN).all()


def test_a_point_that_leaves_the_square_is_outside() -> None:
    images, targets = scene(40)
    _, moved = task(dataclasses.replace(Augmentation.none(), shift=0.5)).augmented(images, targets, Draws(range(40)))
    state, gone = moved[..., 2], ((moved[..., :2] < -0.5) | (moved[..., :2] > SIZE - 0.5)).any(dim=-1)
    assert gone.any() and not gone.all()
    assert (state[gone] == OUTSIDE).all() and (state[~gone] == PRESENT).all()


def test_under_a_drawn_collimator_nothing_is_taught() -> None:
    images, targets = scene(40)
    targets[:, 0, :2] = torch.tensor([2.0, 60.0])
    collimated = task(dataclasses.replace(Augmentation.none(), collimation=1.0))
    after, moved = collimated.augmented(images, targets, Draws(range(40)))
    hidden = after[:, 0, 60, 2] == 0
    assert hidden.any() and not hidden.all()
    assert (moved[hidden, 0, 2] == UNKNOWN).all() and (moved[~hidden, 0, 2] == PRESENT).all()
    assert (moved[:, 2, 2] == PRESENT).all()


def test_the_target_says_where_a_point_is_and_what_is_known_of_it() -> None:
    letterbox = Letterbox(80, 40, SIZE)
    findings = Findings(
        "1",
        (80, 40),
        READER,
        (
            Landmark(label="right", author=READER, x=10.25, y=20.5, visible=False),
            Landmark(label="left", author=READER, x=3, y=3, visible=False, outside=True),
        ),
    )
    target = task().target(findings, letterbox)
    # 128 / 80 = 1.6 pixels of the square per pixel, and 32 black columns on each side.
    assert target[0] == pytest.approx([(10.25 + 0.5) * 1.6 - 0.5 + 32, 21.0 * 1.6 - 0.5, PRESENT])
    assert target[1, 2] == OUTSIDE and target[2, 2] == UNKNOWN
    assert task(missing="absent").target(findings, letterbox)[2, 2] == OUTSIDE
    beyond = findings.with_objects([Landmark(label="middle", author=READER, x=41.0, y=20)])
    assert task().target(beyond, letterbox)[2, 2] == OUTSIDE
    part = Letterbox(80, 40, SIZE, (0, 40, 40, 80))
    assert task().target(findings, part)[0, 2] == UNKNOWN


def test_a_landmark_that_is_set_twice_is_refused() -> None:
    twice = [Landmark(label="left", author=READER, x=1, y=at) for at in (1, 2)]
    with pytest.raises(TrainingError, match=r"'left' is set 2 times in 1\.2\.3"):
        task().target(Findings("1.2.3", (80, 40), READER, tuple(twice)), Letterbox(80, 40, SIZE))


def test_what_is_unknown_teaches_nothing() -> None:
    made = task()
    _, targets = scene(2)
    targets[:, 0, 2], targets[:, 1, 2] = UNKNOWN, OUTSIDE
    output = {
        "heatmaps": torch.zeros(2, 3, 64, 64, requires_grad=True),
        "presence": torch.zeros(2, 3, requires_grad=True),
    }
    made.loss(output, targets).backward()
    heat, presence = output["heatmaps"].grad, output["presence"].grad
    assert heat is not None and presence is not None
    assert not heat[:, :2].any() and heat[:, 2].any()
    assert not presence[:, 0].any() and (presence[:, 1] > 0).all() and (presence[:, 2] < 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": {"stride": 3}}, "options.stride: 3 is none of 1, 2, 4"),
        ({"options": {"sigma": 0.2}}, "options.sigma: 0.2 must lie in 1 "),
        ({"options": {"sigm": 2.0}}, "did you mean 'sigma'"),
        ({"options": {"coverage": 1.0}}, "options.coverage: 1 must lie in 0.5 to 0.99"),
        ({"size": 96, "options": {"stride": 4}}, "size: 96 must be a multiple of 64"),
    ],
)
def test_settings_that_do_not_fit_are_told(changes: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        task(**changes)
