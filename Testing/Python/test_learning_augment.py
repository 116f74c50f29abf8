"""An image and its masks are changed together, and the same way for the same seed."""

import torch

from learning_cases import thorax, tiny
from XRayAILib.findings.chest import chest_schema
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.draws import Draws
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.task import make_task
from XRayAILib.pixels.resample import Letterbox

LABELS = ("right_lung", "left_lung", "heart")


def batch(count: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    images, targets = [], []
    for seed in range(count):
        picture, masks = thorax(seed)
        letterbox = Letterbox(*picture.shape, 64)
        images.append(torch.from_numpy(letterbox.forward(picture / 255))[None])
        targets.append(torch.stack([torch.from_numpy(letterbox.forward(masks[label])) for label in LABELS]))
    return torch.stack(images), torch.stack(targets)


def changed(strengths: Augmentation, seed: int = 1, targets: torch.Tensor | None = None):
    images, truth = batch()
    task = make_task(tiny(augmentation=strengths), legend_of(LABELS, chest_schema()))
    truth = truth if targets is None else targets
    return images, truth, *task.augmented(images, truth, Draws([seed * 100 + i for i in range(len(truth))]))


def test_the_same_seed_gives_the_same_batch():
    *_, first, first_masks = changed(Augmentation())
    *_, second, second_masks = changed(Augmentation())
    *_, third, _ = changed(Augmentation(), seed=2)
    assert torch.equal(first, second) and torch.equal(first_masks, second_masks)
    assert not torch.equal(first, third)


def test_without_strengths_nothing_changes():
    images, truth, after, masks = changed(Augmentation.none())
    assert torch.allclose(images, after, atol=1e-4) and torch.allclose(truth, masks, atol=1e-4)


def test_image_and_masks_move_together():
    moving = Augmentation(**{**Augmentation.none().document(), "rotation": 15.0, "scale": 0.2, "shift": 0.1})
    _, truth, after, masks = changed(moving)
    assert not torch.allclose(truth, masks, atol=0.1)
    lungs = masks[:, :2].amax(dim=1) > 0.9
    not_heart = masks[:, 2] < 0.01
    outside = (masks.amax(dim=1) < 0.01) & (after[:, 0] > 0.3)
    # Lungs were drawn dark on a brighter body, so they still are where the mask says.
    assert after[:, 0][lungs & not_heart].mean() < 0.35 < after[:, 0][outside].mean()


def test_greys_stay_in_range_and_the_border_stays_black():
    images, _, after, _ = changed(Augmentation(rotation=0, scale=0, shift=0, stretch=0, elastic=0))
    assert after.min() >= 0 and after.max() <= 1
    assert not after[images == 0].any()
    assert not torch.allclose(images, after, atol=0.02)


def test_a_mirrored_image_swaps_left_and_right():
    flipping = Augmentation(**{**Augmentation.none().document(), "flip": 1.0})
    images, truth, after, masks = changed(flipping)
    assert torch.allclose(after, images.flip(-1), atol=1e-3)
    assert torch.allclose(masks[:, 0], truth[:, 1].flip(-1), atol=1e-3)
    assert torch.allclose(masks[:, 2], truth[:, 2].flip(-1), atol=1e-3)


def test_an_unknown_structure_stays_unknown_and_teaches_nothing():
    _, truth = batch()
    truth[:, 2] = -1
    task = make_task(tiny(), legend_of(LABELS, chest_schema()))
    *_, masks = changed(Augmentation(), targets=truth)
    assert (masks[:, 2] == -1).all() and (masks[:, :2] >= 0).all()
    output = torch.zeros(8, 3, 64, 64, requires_grad=True)
    task.loss(output, masks).backward()
    assert not output.grad[:, 2].any() and output.grad[:, 0].any()
