"""Names of other packages' networks in the words of MONAI's, where the architectures agree."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class KeyMap:
    """How one package names a family of networks.

    Attributes
    ----------
    title
        For people.
    name
        A name in MONAI's words, or ``None`` for what MONAI's network does not have. Gets all names of the file, because
        some number their blocks anew in every stage.
    note
        What is not the same in MONAI's network, for the report.
    """

    title: str
    name: Callable[[str, Collection[str]], str | None]
    note: str = ""


def _same(name: str, _: Collection[str]) -> str | None:
    return name


def _densenet(name: str, _: Collection[str]) -> str | None:
    """torchvision and timm: ``denselayer1.norm1``; before torchvision 0.3 ``denselayer1.norm.1``."""
    name = re.sub(r"(denselayer\d+)\.(norm|relu|conv)\.?(\d)\.", r"\1.layers.\2\3.", name)
    return re.sub(r"^classifier\.", "class_layers.out.", name)


def _efficientnet_timm(name: str, names: Collection[str]) -> str | None:
    whole = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
    first, _, rest = name.partition(".")
    if first in whole:
        return f"{whole[first]}.{rest}"
    found = re.match(r"blocks\.(\d+)\.(\d+)\.(.+)\.(\w+)$", name)
    if not found:
        return None
    stage, block, part, kind = found.groups()
    separable = f"blocks.{stage}.{block}.conv_pwl.weight" not in names
    parts = {"se.conv_reduce": "_se_reduce", "se.conv_expand": "_se_expand", "conv_dw": "_depthwise_conv"}
    parts |= (
        {"bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
        if separable
        else {"conv_pw": "_expand_conv", "bn1": "_bn0", "bn2": "_bn1", "conv_pwl": "_project_conv", "bn3": "_bn2"}
    )
    if part not in parts:
        return None
    # MONAI numbers the blocks through all stages.
    earlier = {m.groups() for m in map(re.compile(r"blocks\.(\d+)\.(\d+)\.").match, names) if m}
    number = sum(int(s) < int(stage) for s, _ in earlier) + int(block)
    return f"_blocks.{stage}.{number}.{parts[part]}.{kind}"


def _efficientnet_torchvision(name: str, names: Collection[str]) -> str | None:
    found = re.match(r"features\.(\d+)\.(\d)\.(\w+)$", name)
    stages = max((int(m.group(1)) for m in map(re.compile(r"features\.(\d+)\.").match, names) if m), default=0)
    if found:
        if int(found.group(1)) not in (0, stages):
            return None
        own = ("_conv_stem", "_bn0") if found.group(1) == "0" else ("_conv_head", "_bn1")
        return f"{own[int(found.group(2))]}.{found.group(3)}"
    found = re.match(r"features\.(\d+)\.(\d+)\.block\.(\d)\.(\d|fc1|fc2)\.(\w+)$", name)
    if not found:
        return name.replace("classifier.1.", "_fc.") if name.startswith("classifier.1.") else None
    stage, block, position, piece, kind = found.groups()
    # The first stage does not widen its channels: what is second elsewhere is first there.
    widens = f"features.{stage}.{block}.block.3.0.weight" in names
    part = _PARTS[int(position) + (not widens)].get(piece)
    if part is None:
        return None
    earlier = {m.groups() for m in map(re.compile(r"features\.(\d+)\.(\d+)\.block\.").match, names) if m}
    number = sum(int(s) < int(stage) for s, _ in earlier) + int(block)
    return f"_blocks.{int(stage) - 1}.{number}.{part}.{kind}"


_PARTS: tuple[dict[str, str], ...] = (
    {"0": "_expand_conv", "1": "_bn0"},
    {"0": "_depthwise_conv", "1": "_bn1"},
    {"fc1": "_se_reduce", "fc2": "_se_expand"},
    {"0": "_project_conv", "1": "_bn2"},
    {},
)


def _seresnet(name: str, _: Collection[str]) -> str | None:
    """Cadene's names, which timm keeps as ``legacy_seresnet50``."""
    found = re.match(r"(layer[1-4]\.\d+)\.(.+)$", name)
    if not found:
        return name
    rest = found.group(2)
    for pattern, new in (
        (r"conv(\d)\.", r"conv\1.conv."),
        (r"bn(\d)\.", r"conv\1.adn.N."),
        (r"se_module\.fc1\.", "se_layer.fc.0."),
        (r"se_module\.fc2\.", "se_layer.fc.2."),
        (r"downsample\.0\.", "project.conv."),
        (r"downsample\.1\.", "project.adn.N."),
    ):
        rest = re.sub("^" + pattern, new, rest)
    return f"{found.group(1)}.{rest}"


_PADDING = (
    "MONAI's EfficientNet pads at the right and below, as TensorFlow's and timm's tf_efficientnet do; weights that "
    "were trained with even padding give features there that are alike, not the same"
)

KEY_MAPS = (
    KeyMap("the network's own (of a ResNet, torchvision's)", _same),
    KeyMap("DenseNet of torchvision, timm or torchxrayvision", _densenet),
    KeyMap("EfficientNet of timm", _efficientnet_timm, _PADDING),
    KeyMap("EfficientNet of torchvision", _efficientnet_torchvision, _PADDING),
    KeyMap("SE-ResNet of timm (legacy_seresnet)", _seresnet),
)
