"""Detection: a box around each object, with a score; an image without any teaches that there is nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject
from XRayAILib.learning.augment import exposed
from XRayAILib.learning.detection.candidates import Boxes, Selection, boxes_of
from XRayAILib.learning.detection.edges import KINDS, TOOLS, drawn, edges_array, object_of, without_low
from XRayAILib.learning.detection.figures import AP, METRICS, Gathered, box_figures, facts
from XRayAILib.learning.detection.loss import AnchorLoss
from XRayAILib.learning.detection.network import NETWORKS, Anchors, anchors_of, box_network
from XRayAILib.learning.detection.targets import known_labels, moved, target_rows
from XRayAILib.learning.detection.thresholds import USUAL, best_threshold
from XRayAILib.learning.displacement import displacement
from XRayAILib.learning.evaluation.comparable import Statistics, box_statistics
from XRayAILib.learning.networks import whole_arguments
from XRayAILib.learning.task import Figures, Output, Task
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.draws import Draws

FUSIONS = ("weighted", "best")


@dataclass(frozen=True)
class Options:
    """Settings of detection.

    Attributes
    ----------
    max_boxes
        Boxes in one image: so many can be learnt, and no more are found.
    fusion
        What becomes of boxes of one label that overlap: ``weighted`` for their mean by score (weighted boxes fusion),
        ``best`` for the one with the highest score (non-maximum suppression).
    overlap
        IoU above which two boxes are taken for the same one by ``best``.
    score_floor
        Lowest score of a box that is kept at all. The test looks at all of these; a person is shown those above the
        threshold that the validation part gave, unless ``threshold`` says otherwise.
    threshold
        Lowest score of a box that a person is shown; 0 for the one with the best F1 on the validation part.
    visible
        A box of which less than this part is left in a shifted or turned image is not taught there.
    """

    max_boxes: int = 100
    fusion: str = "weighted"
    overlap: float = 0.5
    score_floor: float = 0.02
    threshold: float = 0.0
    visible: float = 0.35

    def problems(self) -> list[str]:
        found = []
        if not 1 <= self.max_boxes <= 1000:
            found.append(f"max_boxes: {self.max_boxes} must lie in 1 to 1000.")
        if self.fusion not in FUSIONS:
            found.append(f"fusion: '{self.fusion}' is none of {', '.join(FUSIONS)}.")
        for name in ("overlap", "score_floor", "threshold", "visible"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                found.append(f"{name}: {value} must lie in 0 to 1.")
        return found


class Detection(Task):
    """Boxes from ``class_logits`` (B, A, labels) and ``box_regression`` (B, A, 4) of A anchors.

    A cached target is (rows, 5) as :mod:`XRayAILib.learning.detection.targets` describes it.
    """

    name = "detection"
    title = "Detection"
    tools = TOOLS
    score = AP
    metrics = METRICS
    networks = NETWORKS
    Options = Options
    target_type = "float32"

    @classmethod
    def said(cls, reference: Findings, labels: Collection[str]) -> frozenset[str]:
        return frozenset(item.label for item in reference if isinstance(item, KINDS) and item.label in labels)

    @classmethod
    def teaches(cls, reference: Findings, labels: Collection[str], missing: str) -> bool:
        """Also an image in which somebody decided that there is nothing, or drew other things only."""
        return any(known_labels(reference, tuple(labels), missing))

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Of the network, with those that nobody set."""
        return whole_arguments(self.name, self.config.network, self.config.network_arguments)

    @property
    def anchors(self) -> Anchors:
        return anchors_of(self.config.size, self.arguments)

    def target_shape(self, size: int) -> tuple[int, ...]:
        return self.options.max_boxes + len(self.labels), 5

    def target(self, findings: Findings, letterbox: Letterbox) -> np.ndarray:
        return target_rows(findings, self.labels, self.config.missing, letterbox, self.options.max_boxes)

    def tensors(self, targets: np.ndarray) -> torch.Tensor:
        import torch

        return torch.from_numpy(np.array(targets, np.float32))

    def objects(self, target: np.ndarray, author: Author) -> tuple[FindingObject, ...]:
        boxes = target[~np.isnan(target[:, 0])]
        return tuple(
            object_of(self.legend[int(row[4])].tool, self.labels[int(row[4])], row[:4], 1.0, author) for row in boxes
        )

    def augmented(self, images: torch.Tensor, targets: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        import torch.nn.functional as F

        strengths = self.config.augmentation
        moving = displacement(strengths, draws, images.shape[-1])
        grid = moving.grid(images.device)
        images = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return exposed(strengths, images, draws), moved(targets, moving, self.mirrors, self.options.visible)

    def network(self) -> torch.nn.Module:
        return box_network(self.config.network, len(self.labels), self.arguments)

    def loss(self, output: Any, target: torch.Tensor) -> torch.Tensor:
        if not hasattr(self, "_loss"):
            self._loss = AnchorLoss(self.anchors)
        return self._loss(output, target)

    def meter(self) -> BoxMeter:
        return BoxMeter(self)

    def fit(self, outputs: Any, targets: torch.Tensor, patients: Sequence[str]) -> dict[str, Any]:
        """For each label, the threshold on the score with the best F1, and what that F1 is."""
        meter = BoxMeter(self)
        meter.add(outputs, targets)
        thresholds, f1 = {}, {}
        for label, one in meter.gathered().items():
            value, reached = best_threshold(one.scores, one.hits[:, 0], int(one.sums[:, 0].sum()))
            thresholds[label] = value
            f1[label] = round(reached, 4) if np.isfinite(reached) else None
        return {"thresholds": thresholds, "f1": f1}

    @property
    def thresholds(self) -> dict[str, float]:
        """Lowest score of each label that a person is shown."""
        if self.options.threshold:
            return dict.fromkeys(self.labels, self.options.threshold)
        return {label: float(self.fitted.get("thresholds", {}).get(label, USUAL)) for label in self.labels}

    def boxes(self, output: Mapping[str, np.ndarray]) -> Boxes:
        """What the output for one image says, in pixels of the network's square."""
        options = self.options
        selection = Selection(options.score_floor, options.fusion, options.overlap, options.max_boxes)
        size = self.config.size
        return boxes_of(output["class_logits"], output["box_regression"], self.anchors, size, selection)

    def decode(self, output: Output, letterbox: Letterbox, uid: str, author: Author) -> Findings:
        """Boxes within the radiograph, those of low scores too; :meth:`shown` leaves these out."""
        assert isinstance(output, dict)
        found = self.boxes(output)
        edges = letterbox.points_back(found.edges.reshape(-1, 2)).reshape(-1, 4)
        found = Boxes(edges, found.scores, found.labels).within(letterbox.columns, letterbox.rows)
        objects = tuple(
            object_of(self.legend[label].tool, self.labels[label], edges, round(float(score), 6), author)
            for edges, score, label in zip(found.edges, found.scores, found.labels, strict=True)
        )
        return Findings(uid, (letterbox.rows, letterbox.columns), author, objects)

    def shown(self, findings: Findings) -> Findings:
        """What a person is shown of a prediction: boxes from the threshold of their label on."""
        return without_low(findings, self.thresholds)

    def uncertainty(self, views: Sequence[Output]) -> dict[str, float]:
        """Of each label, how many boxes are nearly shown or nearly not, and how much their number differs."""
        from XRayAILib.learning.selection.uncertainty import indecision, saturated

        found = [self.boxes(view) for view in views if isinstance(view, dict)]
        result = {}
        for position, label in enumerate(self.labels):
            scores, threshold = [boxes.of(position)[1] for boxes in found], self.thresholds[label]
            # A low score says that there is nothing; only what comes near the threshold is a question.
            open_ = np.mean([np.square(indecision(one, threshold)).sum() for one in scores])
            numbers = np.std([(one >= threshold).sum() for one in scores])
            result[label] = saturated(float(open_ + numbers))
        return result

    def case(self, prediction: Findings, reference: Findings, spacing: Spacing) -> dict[str, Any]:
        """Of each label that the reference speaks of; turned boxes and ellipses count as the boxes around them."""
        found = {}
        for label, known in zip(self.labels, known_labels(reference, self.labels, self.config.missing), strict=True):
            if known:
                items = drawn(prediction, label)
                scores = np.array([1.0 if item.score is None else item.score for item in items])
                truth = edges_array(drawn(reference, label))
                found[label] = facts(edges_array(items), scores, truth, self.thresholds[label])
        return found

    def figures(self, cases: Sequence[Mapping[str, Any]], patients: Sequence[str], seed: int = 0) -> Figures:
        return box_figures(cases, patients, self.labels, seed)

    def statistics(self, cases: Sequence[Mapping[str, Any]]) -> Statistics:
        return box_statistics(cases, self.labels)

    def badness(self, case: Mapping[str, Any]) -> float:
        """Boxes that are missed and boxes that are wrong among those shown; then, how badly the others fit."""
        wrong = sum(one["targets"] - one["found"] + one["false"] for one in case.values())
        ious = [iou for one in case.values() for iou in one["ious"]]
        return float(wrong + (1 - np.mean(ious) if ious else 0.0))


class BoxMeter:
    """COCO's AP over the images of a validation, in the network's square."""

    def __init__(self, task: Detection) -> None:
        self._task = task
        self._cases: list[dict[str, Any]] = []

    def add(self, output: Mapping[str, torch.Tensor], target: torch.Tensor) -> None:
        """Outputs (B, ...) and targets (B, rows, 5)."""
        arrays = {name: value.detach().float().cpu().numpy() for name, value in output.items()}
        thresholds = self._task.thresholds
        for number, rows in enumerate(target.detach().cpu().numpy()):
            found = self._task.boxes({name: value[number] for name, value in arrays.items()})
            boxed = ~np.isnan(rows[:, 0])
            unknown = set(rows[~boxed & ~np.isnan(rows[:, 4]), 4].astype(int))
            case = {}
            for position, label in enumerate(self._task.labels):
                if position not in unknown:
                    truth = rows[boxed & (rows[:, 4] == position), :4].astype(float)
                    case[label] = facts(*found.of(position), truth, thresholds[label])
            self._cases.append(case)

    def gathered(self) -> dict[str, Gathered]:
        """Everything that was seen, by label."""
        owners = [0] * len(self._cases)
        return {
            label: Gathered.of([[case[label]] if label in case else [] for case in self._cases], owners, 1)
            for label in self._task.labels
        }

    def scores(self) -> dict[str, float]:
        means = {label: float(one.precisions().mean()) for label, one in self.gathered().items()}
        return {label: value for label, value in means.items() if np.isfinite(value)}


TASK = Detection
