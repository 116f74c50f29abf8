"""Images are mirrored only where every label with a side has its other side beside it."""

from learning_cases import tiny
from XRayAILib.findings.chest import chest_schema
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.sides import has_side
from XRayAILib.learning.task import make_task

FLIPS = tiny(augmentation=Augmentation(flip=0.5))


def test_both_lungs_are_mirrored_into_each_other():
    task = make_task(FLIPS, legend_of(("right_lung", "left_lung", "heart"), chest_schema()))
    assert not task.unmirrored and task.config.augmentation.flip == 0.5


def test_one_lung_alone_is_not_mirrored():
    task = make_task(FLIPS, legend_of(("right_lung", "heart"), chest_schema()))
    assert "Right lung" in task.unmirrored and task.config.augmentation.flip == 0


def test_sides_are_words_and_not_letters_within_words():
    assert has_side("femur_r") and has_side("x", "Left kidney") and not has_side("heart", "Bright spot")
