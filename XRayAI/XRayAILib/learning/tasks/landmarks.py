"""Landmarks: named points between pixels, each with its uncertainty, or said not to be in the image."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, Landmark
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.augment import exposed
from XRayAILib.learning.displacement import displacement
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.evaluation.comparable import Statistics, point_statistics
from XRayAILib.learning.landmarks.figures import (
    METRICS,
    SCORE,
    in_image,
    landmark_badness,
    landmark_case,
    landmark_figures,
)
from XRayAILib.learning.landmarks.fitting import THRESHOLD, fitted_to
from XRayAILib.learning.landmarks.heatmaps import divergence
from XRayAILib.learning.landmarks.meter import RadialErrorMeter
from XRayAILib.learning.landmarks.network import halving, heatmap_network
from XRayAILib.learning.landmarks.peaks import Peak, peak
from XRayAILib.learning.networks import U_NETS, build, whole_arguments
from XRayAILib.learning.normalisation import over_batch
from XRayAILib.learning.task import NOTHING, Figures, Output, Task
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.draws import Draws
    from XRayAILib.learning.legend import Legend

PRESENT, OUTSIDE, UNKNOWN = 1.0, 0.0, -1.0
"""What is known of a point: where it is, that the image does not have it, or nothing."""
UNCERTAINTY = "uncertainty_px"
"""Attribute of a landmark that a model set: the radius around it, in pixels of the radiograph, in which the true point
lies in the part of cases that ``options.coverage`` says."""


@dataclass(frozen=True)
class Options:
    """Settings of landmarks.

    Attributes
    ----------
    sigma
        Standard deviation of the Gaussian that is taught around a point, in pixels of the network's square.
    stride
        Pixels of the square per cell of a heatmap, along each axis: 1, 2 or 4.
    presence
        Weight of the loss by which it is learnt whether a point is in the image, beside that of its place.
    coverage
        Part of the true points that lie within the uncertainty.
    """

    sigma: float = 2.5
    stride: int = 2
    presence: float = 0.5
    coverage: float = 0.9

    def problems(self) -> list[str]:
        found = []
        if self.stride not in (1, 2, 4):
            found.append(f"stride: {self.stride} is none of 1, 2, 4.")
        elif not 0.5 * self.stride <= self.sigma <= 50:
            found.append(f"sigma: {self.sigma:g} must lie in {0.5 * self.stride:g} (half a stride) to 50.")
        if not 0 <= self.presence <= 100:
            found.append(f"presence: {self.presence:g} must lie in 0 to 100.")
        if not 0.5 <= self.coverage <= 0.99:
            found.append(f"coverage: {self.coverage:g} must lie in 0.5 to 0.99.")
        return found


class Landmarks(Task):
    """Points from softmax heatmaps, and whether they are there from a logit each.

    A cached target is (points, 3): x and y in pixels of the square, and :data:`PRESENT`, :data:`OUTSIDE` or
    :data:`UNKNOWN`. A point that is covered, so that its place is guessed, is taught like one that is seen.
    """

    name = "landmarks"
    title = "Landmarks"
    tools = frozenset({Tool.LANDMARK})
    score = SCORE
    metrics = METRICS
    networks = U_NETS
    Options = Options
    target_type = "float32"

    def __init__(self, legend: Legend, config: TrainingConfig, fitted: Mapping[str, Any] = NOTHING) -> None:
        super().__init__(legend, config, fitted)
        arguments = whole_arguments(self.name, config.network, config.network_arguments)
        divisor = halving(config.network, arguments) * self.options.stride
        if config.size % divisor:
            raise TrainingError(
                f"size: {config.size} must be a multiple of {divisor}, because {config.network} works at 1/"
                f"{self.options.stride} of it (options.stride) and halves that {divisor // self.options.stride}-fold."
            )

    @classmethod
    def said(cls, reference: Findings, labels: Collection[str]) -> frozenset[str]:
        """The points that are in the image."""
        return frozenset(o.label for o in reference.of(Landmark) if o.label in labels and not o.outside)

    @classmethod
    def teaches(cls, reference: Findings, labels: Collection[str], missing: str) -> bool:
        """Also an image of which it is said that points are outside."""
        return any(o.label in labels for o in reference.of(Landmark))

    @property
    def outputs(self) -> int:
        """A heatmap and a map of presence for each point."""
        return 2 * len(self.labels)

    def target_shape(self, size: int) -> tuple[int, ...]:
        return len(self.labels), 3

    def target(self, findings: Findings, letterbox: Letterbox) -> np.ndarray:
        target = np.zeros(self.target_shape(letterbox.size), np.float32)
        target[:, 2] = UNKNOWN if self.config.missing == "unknown" else OUTSIDE
        for row, label in zip(target, self.labels, strict=True):
            points = findings.of(Landmark, label)
            if len(points) > 1:
                raise TrainingError(
                    f"The landmark '{label}' is set {len(points)} times in {findings.radiograph_uid}; it is one point "
                    "of an image. Delete the others, or give them labels of their own."
                )
            for point in points:
                place = letterbox.points_forward(np.array([[point.x, point.y]]))[0]
                row[:] = (*place, _state(point, letterbox))
        return target

    def tensors(self, targets: np.ndarray) -> torch.Tensor:
        import torch

        return torch.from_numpy(np.array(targets, np.float32))

    def objects(self, target: np.ndarray, author: Author) -> tuple[FindingObject, ...]:
        return tuple(
            Landmark(label=label, author=author, x=float(x), y=float(y))
            for label, (x, y, state) in zip(self.labels, target, strict=True)
            if state == PRESENT
        )

    def augmented(self, images: torch.Tensor, targets: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        """The points go where the pixels under them go; one that leaves the square is outside.

        Of a point where the collimator was drawn over it, nobody knows whether a person would set it: unknown.
        """
        import torch
        import torch.nn.functional as F

        strengths, size = self.config.augmentation, images.shape[-1]
        moving = displacement(strengths, draws, size)
        grid = moving.grid(images.device)
        images = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        places, state = moving.points(targets[..., :2]), targets[..., 2]
        if bool(moving.flipped.any()):
            mirrored, order = moving.flipped.to(targets.device), list(self.mirrors)
            places = torch.where(mirrored[:, None, None], places[:, order], places)
            state = torch.where(mirrored[:, None], state[:, order], state)
        there = state == PRESENT
        left = ((places < -0.5) | (places > size - 0.5)).any(dim=-1)
        images = exposed(strengths, images, draws)
        state = torch.where(there & left, torch.full_like(state, OUTSIDE), state)
        state = torch.where(there & ~left & _covered(images, places), torch.full_like(state, UNKNOWN), state)
        return images, torch.cat([places, state[..., None]], dim=-1)

    def network(self) -> torch.nn.Module:
        stride, config = self.options.stride, self.config
        body = build(self.name, config.network, stride**2, self.outputs, config.network_arguments)
        return heatmap_network(body, len(self.labels), stride)

    def loss(self, output: Mapping[str, torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        """Mean divergence of the heatmaps from the points that are there, and cross-entropy of the presence."""
        import torch.nn.functional as F

        options, state = self.options, target[..., 2]
        there, known = (state == PRESENT).float(), (state != UNKNOWN).float()
        place = divergence(output["heatmaps"], target[..., :2], options.stride, options.sigma)
        presence = F.binary_cross_entropy_with_logits(output["presence"].float(), there, reduction="none")
        placed = (place * there).sum() / over_batch(there.sum()).clamp(min=1.0)
        return placed + options.presence * (presence * known).sum() / over_batch(known.sum()).clamp(min=1.0)

    def meter(self) -> RadialErrorMeter:
        return RadialErrorMeter(self.classes, self.options.stride, self.options.sigma)

    def fit(
        self, outputs: Mapping[str, torch.Tensor], targets: torch.Tensor, patients: Sequence[str]
    ) -> dict[str, Any]:
        options = self.options
        return fitted_to(outputs, targets, self.classes, options.stride, options.sigma, options.coverage)

    def decode(self, output: Output, letterbox: Letterbox, uid: str, author: Author) -> Findings:
        """A landmark for each point, with the probability that it is there and where it is said to be as score.

        One that is not there is a landmark outside the image, at the place where it would most likely be; where the
        training took what was not drawn for absent, it is left out.
        """
        assert isinstance(output, dict)
        objects = []
        for label, logits, presence in zip(self.labels, output["heatmaps"], output["presence"], strict=True):
            found = peak(logits, self.options.stride, self.options.sigma)
            there = float(1 / (1 + np.exp(-np.clip(float(presence), -30, 30))))
            if there >= self.fitted.get("thresholds", {}).get(label, THRESHOLD):
                objects.append(self._landmark(label, found, there, letterbox, author))
            elif self.config.missing != "absent":
                x, y = _placed(found, letterbox)
                score = round(1 - there, 4)
                objects.append(Landmark(label=label, author=author, x=x, y=y, visible=False, outside=True, score=score))
        return Findings(uid, (letterbox.rows, letterbox.columns), author, tuple(objects))

    def _landmark(self, label: str, found: Peak, there: float, letterbox: Letterbox, author: Author) -> Landmark:
        x, y = _placed(found, letterbox)
        radius = found.radius * float(self.fitted.get("radius_factor", 1.0)) / letterbox.scale
        score = round(there * found.mass, 4)
        return Landmark(label=label, author=author, x=x, y=y, score=score, attributes=((UNCERTAINTY, f"{radius:.1f}"),))

    def uncertainty(self, views: Sequence[Output]) -> dict[str, float]:
        """Of each point how wide its heatmap is and how far it moves, and whether it is there at all."""
        from XRayAILib.learning.selection.uncertainty import entropy, saturated, sigmoid

        maps = [view for view in views if isinstance(view, dict)]
        there = sigmoid(np.mean([view["presence"] for view in maps], axis=0))
        result = {}
        for number, label in enumerate(self.labels):
            peaks = [peak(view["heatmaps"][number], self.options.stride, self.options.sigma) for view in maps]
            moved = np.hypot(np.std([one.x for one in peaks]), np.std([one.y for one in peaks]))
            # In units of a twentieth of the image: so far off is of no use to anybody.
            spread = (np.mean([one.radius for one in peaks]) + moved) / (self.config.size / 20)
            chance = float(there[number])
            result[label] = chance * saturated(float(spread)) + (1 - chance) * float(entropy(chance))
        return result

    def case(self, prediction: Findings, reference: Findings, spacing: Spacing) -> dict[str, Any]:
        return landmark_case(prediction, reference, self.labels, spacing, self.config.missing == "absent", UNCERTAINTY)

    def figures(self, cases: Sequence[Mapping[str, Any]], patients: Sequence[str], seed: int = 0) -> Figures:
        return landmark_figures(cases, patients, self.labels, seed)

    def statistics(self, cases: Sequence[Mapping[str, Any]]) -> Statistics:
        return point_statistics(cases, self.labels)

    def badness(self, case: Mapping[str, Any]) -> float:
        return landmark_badness(case)


def _state(point: Landmark, letterbox: Letterbox) -> float:
    """What is taught of a landmark; nothing of one that lies in the image, but not in what the network sees of it."""
    left, top, right, bottom = letterbox.cut
    if point.outside or not in_image(point, (letterbox.rows, letterbox.columns)):
        return OUTSIDE
    shown = left - 0.5 <= point.x <= right - 0.5 and top - 0.5 <= point.y <= bottom - 0.5
    return PRESENT if shown else UNKNOWN


def _placed(found: Peak, letterbox: Letterbox) -> tuple[float, float]:
    """A peak in pixels of the radiograph; one in the black around it goes to the border."""
    x, y = letterbox.points_back(np.array([[found.x, found.y]]))[0]
    left, top, right, bottom = letterbox.cut
    return (
        round(float(np.clip(x, left - 0.5, right - 0.5)), 2),
        round(float(np.clip(y, top - 0.5, bottom - 0.5)), 2),
    )


def _covered(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """(B, N) bool: whether a point lies in a row or a column that is black from edge to edge."""
    shown = images[:, 0] > 0
    rows, columns = shown.any(dim=2), shown.any(dim=1)
    at = places.round().long().clamp(0, images.shape[-1] - 1)
    return ~(rows.gather(1, at[..., 1]) & columns.gather(1, at[..., 0]))


TASK = Landmarks
