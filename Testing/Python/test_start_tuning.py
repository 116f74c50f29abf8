"""Learning rates by depth and a frozen encoder, for every network that may be built."""

from itertools import pairwise

import pytest
import torch

from start_cases import make
from XRayAILib.learning.networks import allowed
from XRayAILib.learning.start.layers import layers_of
from XRayAILib.learning.start.tuning import frozen, parameter_groups
from XRayAILib.learning.task import task_names

# Those of pretraining are those of segmentation.
EVERY = [(task, network) for task in task_names() if task != "pretraining" for network in allowed(task)]


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda value: str(value))
def test_every_weight_of_every_network_has_a_depth(kind, name):
    task = make(kind, name)
    network = task.network().train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    layers = layers_of(network, task.table_size)
    assert set(network.state_dict()) <= set(layers.stages)
    assert set(layers.stages.values()) == set(range(layers.last + 1))
    assert 3 <= layers.last <= 8
    # Looking leaves nothing behind.
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    # The output is behind the encoder, and it is what has as many rows as there are labels.
    assert layers.output and not layers.output & layers.encoder


WAYS = {
    ("segmentation", "UNet"): "model.0. model.1.submodule.0. model.1.submodule.1.submodule.0. model.2.1.",
    ("segmentation", "BasicUNet"): "conv_0. down_1. down_2. down_3. down_4. upcat_4. final_conv.",
    ("segmentation", "SegResNet"): "convInit. down_layers.1. down_layers.3. up_samples.0. conv_final.",
    ("segmentation", "DynUNet"): "input_block. downsamples.0. bottleneck. upsamples.0. output_block.",
    ("segmentation", "FlexibleUNet"): "encoder._conv_stem. encoder._blocks.6. decoder. segmentation_head.",
    ("segmentation", "MedNeXt"): "stem. enc_stages.1. enc_stages.3. bottleneck. up_blocks.0. out_0.",
    ("classification", "resnet18"): "encoder.conv1. encoder.layer1. encoder.layer4. head.",
    ("classification", "SEResNet50"): "encoder.layer0. encoder.layer4.2.se_layer. head.",
    ("classification", "DenseNet121"): "encoder.features.conv0. encoder.features.norm5. head.",
    ("classification", "EfficientNetBN"): "encoder._conv_stem. encoder._conv_head. head.",
    ("detection", "RetinaNet-ResNet18"): "body.conv1. body.layer2. body.layer4. fpn.",
}
"""Beginnings of names, in the order in which an image meets these layers."""


@pytest.mark.parametrize(("kind", "name"), WAYS)
def test_depth_follows_the_way_of_the_image(kind, name):
    layers = layers_of(make(kind, name).network())
    own = {key.removeprefix("retinanet.feature_extractor."): stage for key, stage in layers.stages.items()}
    depths = [[stage for key, stage in own.items() if key.startswith(part)] for part in WAYS[kind, name].split()]
    assert all(depths)
    for earlier, later in pairwise(depths):
        assert max(earlier) <= min(later)
    assert max(depths[0]) < min(depths[-1]) == layers.last


def test_of_a_detector_both_heads_give_the_output_and_the_pyramid_is_no_encoder():
    layers = layers_of(make("detection", "RetinaNet-ResNet10").network())
    assert {name.split(".")[-2] for name in layers.output} == {"cls_logits", "bbox_reg"}
    assert not any(".fpn." in name for name in layers.encoder)


def test_each_stage_learns_slower_than_the_next():
    task = make("classification", "resnet18", layer_decay=0.5, learning_rate=0.01)
    network = task.network()
    groups = parameter_groups(network, task.config)
    assert [group["lr"] for group in groups] == [0.01 * 0.5**power for power in (5, 4, 3, 2, 1, 0)]
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))
    assert groups[0]["params"][0] is network.get_parameter("encoder.conv1.weight")
    assert groups[-1]["params"][-1] is network.get_parameter("head.bias")


def test_without_decay_there_is_one_rate():
    task = make("segmentation", "UNet")
    (group,) = parameter_groups(task.network(), task.config)
    assert group["lr"] == task.config.learning_rate


@pytest.mark.parametrize(("kind", "name"), [("segmentation", "BasicUNet"), ("classification", "resnet18")])
def test_a_frozen_encoder_keeps_weights_and_statistics_until_it_is_released(kind, name):
    task = make(kind, name, freeze=2, start="model:any")
    network = task.network()
    layers = layers_of(network)
    optimizer = torch.optim.AdamW(parameter_groups(network, task.config), weight_decay=0.1)

    def epoch(number: int) -> set[str]:
        """What changes in it."""
        before = {key: value.clone() for key, value in network.state_dict().items()}
        held = frozen(network, task.config, number)
        assert held == (number <= 2)
        # The engine does so before every step.
        network.train()
        network(torch.rand(4, 1, 64, 64)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        return {key for key, value in network.state_dict().items() if not torch.equal(before[key], value)}

    for number in (1, 2):
        changed = epoch(number)
        assert changed and not changed & layers.encoder
    changed = epoch(3)
    kernels = {key for key, value in network.state_dict().items() if value.ndim == 4}
    assert layers.encoder & kernels <= changed


def test_going_on_behind_the_frozen_epochs_freezes_nothing():
    task = make("segmentation", "UNet", freeze=2, start="model:any")
    network = task.network()
    assert not frozen(network, task.config, 3)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_no_network_is_fetched_when_it_is_built(monkeypatch):
    """Some of MONAI's networks load weights from the internet unless they are told not to."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("reached for the internet")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr("monai.networks.nets.efficientnet.model_zoo.load_url", refuse)
    for kind, name in (("classification", "EfficientNetBN"), ("segmentation", "FlexibleUNet")):
        make(kind, name).network()
