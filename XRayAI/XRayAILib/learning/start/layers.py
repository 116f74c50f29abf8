"""The parts of a network in the order in which an image goes through them.

Nothing here knows a network by its names: a small image of one grey is sent through, and what was run when, and at
which resolution, says what the encoder is and where in it a weight lies. So it holds for every network on the
allow-lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SIZE = 128
"""Edge of the image that is sent through; seven levels of a U-Net are left with 2 x 2 of it."""


@dataclass(frozen=True)
class Layers:
    """Where each parameter and running statistic lies, by its name in the ``state_dict``.

    Attributes
    ----------
    stages
        0 for what works at the resolution of the first layer, 1 for what works at the next lower one, and so on through
        the encoder; ``last`` for everything behind it: decoder, neck, heads.
    last
        The number of stages of the encoder.
    output
        Names of the layers that give the network's output: those that belong to the labels.
    stem
        The first convolution, by name.
    norm
        The normalisation behind it that keeps running statistics; empty where there is none, or where the image also
        goes into another layer.
    given
        (factor, offset) of what the network makes of an image from 0 to 1 before its first layer.
    """

    stages: dict[str, int]
    last: int
    output: frozenset[str]
    stem: str = ""
    norm: str = ""
    given: tuple[float, float] = (1.0, 0.0)

    @property
    def encoder(self) -> frozenset[str]:
        """Names of what belongs to the encoder."""
        return frozenset(name for name, stage in self.stages.items() if stage < self.last)


@dataclass
class _Seen:
    """A module when it first ran: its turn, and the edge of what it gave (0 where that is no map)."""

    turn: int
    value: float
    source: int
    edge: int = 0
    stage: int = -1


def layers_of(network: torch.nn.Module, table_size: int = 0) -> Layers:
    """Send an image through a network and see.

    Parameters
    ----------
    network
        Takes (1, 1, S, S) and, where ``table_size`` is not 0, a table (1, table_size). It is left as it was.
    """
    seen, results = _run(network, table_size, 0.0)
    order = sorted(seen.items(), key=lambda item: item[1].turn)
    names = dict(_names(network))
    # The encoder ends where the resolution first rises again, or with the last map where it never does.
    edge, stage, spatial = 0, -1, [found for _, found in order if found.edge > 1]
    end = spatial[-1].turn if spatial else -1
    for module, found in order:
        name = names[id(module)]
        if _is_behind(name) or (found.turn > end and not _squeezes(name)):
            continue
        if found.edge > 1:
            if edge and found.edge > edge:
                end = found.turn - 1
                break
            if found.edge < edge or not edge:
                edge, stage = found.edge, stage + 1
        # Squeeze-and-excitation works on 1 x 1; it belongs to the stage that it weights.
        found.stage = stage
    last = stage + 1
    stages = {
        name: seen[module].stage if module in seen and seen[module].stage >= 0 else last
        for module, name in _owned(network)
    }
    output = frozenset(name for module, name in _owned(network) if module in results)
    stem, norm = _first([module for module, _ in order], seen)
    if stem is None:
        return Layers(stages, last, output)
    dark, bright = seen[stem].value, _run(network, table_size, 1.0)[0][stem].value
    given = (round(bright - dark, 6), round(dark, 6))
    return Layers(stages, last, output, names[id(stem)], names[id(norm)] if norm is not None else "", given)


def _first(order: list[Any], seen: Mapping[Any, _Seen]) -> tuple[Any, Any]:
    """The first convolution of an image, and the batch normalisation of what it alone makes of that image."""
    kernels = [m for m in order if getattr(m, "weight", None) is not None and m.weight.ndim == 4]
    if not kernels:
        return None, None
    stem = kernels[0]
    alone = all(seen[module].source != seen[stem].source for module in kernels[1:])
    behind = [m for m in order if seen[m].turn > seen[stem].turn][:1]
    fits = alone and behind and getattr(behind[0], "running_mean", None) is not None
    return stem, behind[0] if fits and len(behind[0].running_mean) == len(stem.weight) else None


def _run(network: torch.nn.Module, table_size: int, grey: float) -> tuple[dict[Any, _Seen], set[Any]]:
    """What ran when, and the modules whose weights are the last ones on the way to any part of the output."""
    import torch

    owners = {module for module, _ in _owned(network)}
    seen: dict[Any, _Seen] = {}
    kept: list[Any] = []

    def before(module: Any, inputs: Any) -> None:
        first = inputs[0] if inputs and isinstance(inputs[0], torch.Tensor) else torch.zeros(1)
        seen.setdefault(module, _Seen(len(seen), float(first.detach().flatten()[0]), id(first)))
        # Kept alive, so that no other tensor gets its number.
        kept.append(first)

    def after(module: Any, _: Any, result: Any) -> None:
        if isinstance(result, torch.Tensor):
            seen[module].edge = seen[module].edge or (result.shape[-1] if result.ndim == 4 else 0)

    hooks = [module.register_forward_pre_hook(before) for module in owners]
    hooks += [module.register_forward_hook(after) for module in owners]
    training = {module: module.training for module in network.modules()}
    place = next(network.parameters()).device
    try:
        network.eval()
        given = [torch.full((1, 1, SIZE, SIZE), grey, device=place)]
        if table_size:
            given.append(torch.zeros(1, table_size, device=place))
        with torch.enable_grad():
            output = network(*given)
    finally:
        for module, was in training.items():
            module.training = was
        for hook in hooks:
            hook.remove()
    nearest = _nearest([tensor.grad_fn for tensor in _tensors(output)])
    results = {m for m in owners if any(id(p) in nearest for p in m._parameters.values() if p is not None)}
    # Where nothing is to be learnt there is no graph.
    return seen, results or {max(seen, key=lambda module: seen[module].turn)}


def _nearest(nodes: list[Any]) -> set[int]:
    """The parameters that autograd meets first on every way back from these nodes."""
    found: set[int] = set()
    visited: set[Any] = set()
    while nodes:
        node = nodes.pop()
        if node is None or node in visited:
            continue
        visited.add(node)
        before = [parent for parent, _ in node.next_functions if parent is not None]
        own = [parent.variable for parent in before if hasattr(parent, "variable")]
        found.update(id(parameter) for parameter in own)
        if not own:
            nodes += before
    return found


def _tensors(value: Any) -> Iterator[Any]:
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def _owned(network: torch.nn.Module) -> Iterator[tuple[Any, str]]:
    """(module, full name) of every parameter and running statistic; one that has several names comes under each."""
    for prefix, module in network.named_modules(remove_duplicate=False):
        for own in (*module._parameters, *module._buffers):
            if getattr(module, own) is not None:
                yield module, f"{prefix}.{own}" if prefix else own


def _names(network: torch.nn.Module) -> Iterator[tuple[int, str]]:
    for name, module in network.named_modules():
        yield id(module), name


def _squeezes(name: str) -> bool:
    """Squeeze-and-excitation of the last block: it runs after the last map, but weights that map."""
    return any(part in ("se", "se_layer", "se_module") for part in name.split("."))


def _is_behind(name: str) -> bool:
    """Whether it says by its name that it is no encoder, although it works at the encoder's lowest resolution: the
    convolution before an upsampling, the top of a feature pyramid.
    """
    return any(part in ("decoder", "fpn") or part.startswith("up") for part in name.split("."))
