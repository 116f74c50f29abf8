"""What a training is asked to do, and what it is told when that makes no sense."""

import pytest

from XRayAILib.apps.learn import TrainingWish
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.batch_size import BatchSize
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import choose_device, duration_text
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.plan import make_plan
from XRayAILib.learning.presets import NAMES
from XRayAILib.project.project import Project


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
@pytest.mark.parametrize("preset", NAMES)
def test_a_configuration_survives_its_file(tmp_path, preset, suffix):
    config = TrainingConfig.from_preset(preset, labels=["heart"], seed=7, augmentation=Augmentation(flip=0.5))
    path = tmp_path / f"training{suffix}"
    config.write(path)
    assert TrainingConfig.read(path) == config
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"epochs": 0}, "epochs: 0 must lie in 1"),
        ({"epochs": "many"}, "epochs: 'many' is no whole number"),
        ({"size": 200}, "size: 200 must be a multiple of 32"),
        ({"device": "gpu"}, "device: 'gpu' is none of auto, cpu, cuda, mps"),
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"augmentation": {"rotate": 3}}, "'augmentation.rotate' is no setting"),
        ({"augmentation": {"rotation": 300.0}}, "augmentation.rotation: 300.0 must lie in 0 to 180"),
        ({"network": "os.system"}, "none of the networks that may be built"),
        ({"network_arguments": {"channels": "$__import__('os')"}}, "'channels' of UNet"),
        ({"network_arguments": {"spatial_dims": 3}}, "UNet takes no argument 'spatial_dims'"),
        ({"labels": ["heart", "heart"]}, "named twice"),
        ({"labels": "heart"}, "labels: 'heart' is no list"),
        ({"name": "../up"}, "no model name"),
    ],
)
def test_every_wrong_field_is_named(values, words):
    with pytest.raises(TrainingError) as refusal:
        TrainingConfig.from_document(values)
    assert words in str(refusal.value)


def test_all_problems_are_told_at_once():
    ok, reason = TrainingConfig(epochs=0, size=200).valid()
    assert not ok and "epochs" in reason and "size" in reason


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "training.yaml"
    path.write_text("epochs: [1", "utf-8")
    with pytest.raises(TrainingError, match=r"training\.yaml: the training configuration cannot be read"):
        TrainingConfig.read(path)


def test_a_learning_rate_is_written_as_people_write_it(tmp_path):
    path = tmp_path / "training.yaml"
    path.write_text("learning_rate: 1e-3\nname: 1e3x\n", "utf-8")
    config = TrainingConfig.read(path)
    assert config.learning_rate == 0.001 and config.name == "1e3x"


def test_arguments_hold_what_differs_from_the_preset():
    config = TrainingConfig.from_preset("standard", labels=["heart"], epochs=3)
    assert config.arguments() == [
        "--task",
        "segmentation",
        "--preset",
        "standard",
        "--labels",
        '["heart"]',
        "--epochs",
        "3",
    ]


def test_the_time_limit_makes_fewer_epochs_and_says_so():
    config = TrainingConfig.from_preset("quick", epochs=100, minutes=1.0)
    plan = make_plan(config, steps=10, batch=BatchSize(8, 8), validation_images=8, seconds_per_step=0.2)
    assert plan.shortened and plan.epochs < 100 and plan.seconds <= 60
    assert "fewer epochs" in plan.text(choose_device("cpu"))
    whole = make_plan(config, steps=10, batch=BatchSize(8, 8), validation_images=8, seconds_per_step=0.01)
    assert whole.epochs == 100 and not whole.shortened


def test_a_device_that_is_not_there_is_refused_with_the_way_out():
    import torch

    assert choose_device("cpu", 1).description == "CPU, 1 thread"
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="choose the device 'auto' or 'cpu'"):
            choose_device("cuda")


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (80, "80 s"), (200, "3 min"), (7800, "2 h 10 min")])
def test_durations_are_for_people(seconds, text):
    assert duration_text(seconds) == text


def test_what_is_not_named_inside_options_and_augmentation_keeps_the_presets_value():
    config = TrainingConfig.from_preset("quick", "segmentation", augmentation={"rotation": 3.0})
    assert (config.augmentation.rotation, config.augmentation.flip) == (3.0, 0.5)
    other = TrainingConfig.from_preset("quick", "landmarks", options={"coverage": 0.8})
    usual = TrainingConfig.from_preset("quick", "landmarks").options
    assert other.options == {**usual, "coverage": 0.8}


def test_another_network_does_not_get_the_arguments_of_the_presets(tmp_path):
    config = TrainingConfig.from_preset("quick", "classification", network="DenseNet121")
    assert config.network_arguments == {}
    assert TrainingConfig.from_preset("best", network="DynUNet").network_arguments["res_block"] is True
    path = tmp_path / "training.yaml"
    path.write_text("task: landmarks\nnetwork: FlexibleUNet\noptions: {stride: 1}\n", "utf-8")
    assert TrainingConfig.read(path).network_arguments == {}
    # In any order, as on a command line.
    settings = ("network_arguments.backbone=resnet50", "network=FlexibleUNet")
    with Project.create(tmp_path / "project") as project:
        document = TrainingWish(task="segmentation", preset="best", settings=settings).document(project)
        kept = TrainingWish(task="segmentation", preset="best", settings=("network=DynUNet",)).document(project)
    assert document["network_arguments"] == {"backbone": "resnet50"}
    assert kept["network_arguments"]["res_block"] is True


def test_one_epoch_is_no_epochs():
    plan = make_plan(TrainingConfig(epochs=1), 1, BatchSize(2, 2, 1.0), 1, 0.1)
    assert plan.text(choose_device("cpu")).startswith("1 epoch of 1 step with 2 images each")
