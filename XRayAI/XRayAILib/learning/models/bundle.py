"""The network of a model as its ``configs/inference.json`` names it: MONAI's form, and nothing but plain values.

MONAI's ConfigParser evaluates ``$`` expressions, follows ``@`` and ``%`` references and instantiates whatever
``_target_`` names (https://docs.monai.io/en/latest/config_syntax.html). A configuration from elsewhere is therefore
never given to it; what is read here is compared with the allow-list. Ours has no expressions, so that MONAI reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.legend import LearntLabel
from XRayAILib.learning.networks import problem_of, whole_arguments
from XRayAILib.learning.task import Task, make_task

if TYPE_CHECKING:
    import torch

MONAI = "monai.networks.nets."
OWN = "XRayAILib.learning.models.bundle.task_network"
FIXED = ("_target_", "spatial_dims", "in_channels", "out_channels")
"""What stands in a network's definition beside the arguments that may be chosen."""


def network_definition(task: Task) -> dict[str, Any]:
    """What MONAI builds the network of a task from.

    A network of MONAI as it is stands there under MONAI's name; one that the task puts together, such as landmarks
    with their heatmaps, is built by :func:`task_network`.
    """
    config = task.config
    arguments = whole_arguments(task.name, config.network, config.network_arguments)
    if type(task).network is Task.network:
        shape = {"spatial_dims": 2, "in_channels": 1, "out_channels": task.outputs}
        return {"_target_": MONAI + config.network, **shape, **arguments}
    described = {
        "size": config.size,
        "missing": config.missing,
        "options": {name: list(v) if isinstance(v, tuple) else v for name, v in config.options.items()},
        "legend": [label.document() for label in task.legend],
        "fitted": dict(task.fitted),
    }
    text = json.dumps(described)
    # One text, because an option such as "$100" would be an expression for MONAI. These three mean something there.
    for letter in "$@%":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    definition = {"task": task.name, "network": config.network, "arguments": arguments, "described": text}
    return {"_target_": OWN, **definition}


def task_network(task: str, network: str, arguments: Mapping[str, Any], described: str) -> torch.nn.Module:
    """The network of a task with random weights, for MONAI's ConfigParser.

    Parameters
    ----------
    described
        JSON of what else its shape comes from: labels, options, what was found on the validation part.
    """
    facts = json.loads(described)
    legend = tuple(LearntLabel.from_document(label) for label in facts.pop("legend"))
    fitted = facts.pop("fitted")
    config = TrainingConfig.from_preset(
        "quick", task, network=network, network_arguments=dict(arguments), labels=[x.name for x in legend], **facts
    )
    return make_task(config, legend, fitted).network()


def read_definition(task: str, document: object) -> tuple[str, dict[str, object]]:
    """Name and arguments of the network that a definition means, both from the task's allow-list.

    Raises
    ------
    ModelError
        It asks for something else.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("_target_"), str):
        raise ModelError("its configuration names no network.")
    target = str(document["_target_"])
    if target == OWN:
        name, arguments = document.get("network"), document.get("arguments", {})
        target = MONAI + str(name)
    else:
        name = target.rpartition(".")[2]
        arguments = {key: value for key, value in document.items() if key not in FIXED}
    reason = problem_of(task, name, arguments)
    if reason or target != f"{MONAI}{name}":
        raise ModelError(reason or f"{target} is no network of MONAI.")
    assert isinstance(arguments, Mapping)
    return str(name), dict(arguments)
