"""Classification: what is said of a whole image, one answer or several to each question of the schema.

An exclusive question is multi-class, a softmax over its options; a question with several answers is multi-label, a
sigmoid for each option; several questions are heads side by side. See :mod:`XRayAILib.learning.classification`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, ImageLabel
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.classification.decision import Decision, case_of
from XRayAILib.learning.classification.figures import class_curves, class_figures, question_figures
from XRayAILib.learning.classification.imbalance import correction, counted
from XRayAILib.learning.classification.losses import answers_loss
from XRayAILib.learning.classification.meter import RankingMeter
from XRayAILib.learning.classification.network import NETWORKS, make_classifier
from XRayAILib.learning.classification.options import ClassificationOptions
from XRayAILib.learning.classification.preflight import notes_of, problems_of
from XRayAILib.learning.classification.probability import probabilities, uncertainties
from XRayAILib.learning.classification.question import mirrored, questions_of, said_of, targets_of
from XRayAILib.learning.classification.table_input import attribute, learnt_columns
from XRayAILib.learning.classification.temperature import fit_temperature
from XRayAILib.learning.classification.threshold import choose_threshold
from XRayAILib.learning.classification.value_table import read_value_table
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.evaluation.comparable import Statistics, class_statistics
from XRayAILib.learning.legend import Legend
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.task import NOTHING, Figures, Output, Task
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.draws import Draws
    from XRayAILib.learning.examples import Example

UNKNOWN = 255


class Classification(Task):
    """Answers from logits (B, columns), a column for each value of each question.

    A cached target has 1 where a value holds, 0 where it does not, and 255 where nobody said; as a tensor 1, 0 and -1.

    Attributes
    ----------
    questions
        In the order of the columns.
    """

    name = "classification"
    title = "Classification"
    tools = frozenset({Tool.IMAGE})
    score = Metric("auroc", "AUROC")
    metrics = (
        score,
        Metric("auprc", "AUPRC"),
        Metric("sensitivity", "Sensitivity"),
        Metric("specificity", "Specificity"),
        Metric("balanced_accuracy", "Balanced accuracy"),
        Metric("f1", "F1"),
        Metric("ece", "ECE", better="lower"),
        Metric("ece_before", "ECE before temperature", better="lower"),
    )
    networks = NETWORKS
    Options = ClassificationOptions

    def __init__(self, legend: Legend, config: TrainingConfig, fitted: Mapping[str, Any] = NOTHING) -> None:
        super().__init__(legend, config, fitted)
        self.questions = questions_of(self.legend, config.missing, self.options.unknown, self.options.negative)
        self._order = mirrored(self.questions, self.mirrors)

    # What is learnt from ----------------------------------------------------------------------------------------------

    @classmethod
    def said(cls, reference: Findings, labels: Collection[str]) -> frozenset[str]:
        return said_of(reference, labels)

    @classmethod
    def teaches(cls, reference: Findings, labels: Collection[str], missing: str) -> bool:
        # Where no answer means that there is nothing, an image without an answer teaches that.
        return missing == "absent" or bool(cls.said(reference, labels))

    def problems(self, examples: Sequence[Example]) -> list[str]:
        """Why training with these examples, in their parts, makes no sense; a sentence each, for the pre-flight.

        A question of which the training part has one answer only, a table of values that cannot be read.
        """
        found = problems_of(self.questions, examples)
        try:
            self.table_columns  # noqa: B018
        except TrainingError as error:
            found.append(str(error))
        return found

    def notes(self, examples: Sequence[Example]) -> list[str]:
        """What is to be borne in mind, without being a reason not to start; a sentence each."""
        return notes_of(self.questions, examples)

    # Targets ----------------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> tuple[str, ...]:
        """The classes in the order of the network's output: ``label=value``."""
        return tuple(name for question in self.questions for name in question.names)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(question.names[i] for question in self.questions for i in question.scored)

    @property
    def outputs(self) -> int:
        return len(self.columns)

    def target_shape(self, size: int) -> tuple[int, ...]:
        return (self.outputs,)

    def target(self, findings: Findings, letterbox: Letterbox) -> np.ndarray:
        known = targets_of(findings, self.questions)
        return np.where(known < 0, UNKNOWN, known).astype(np.uint8)

    def tensors(self, targets: np.ndarray) -> torch.Tensor:
        import torch

        return torch.from_numpy(_plain(targets).astype(np.float32))

    def objects(self, target: np.ndarray, author: Author) -> tuple[FindingObject, ...]:
        said = (name.partition("=") for name, known in zip(self.columns, target, strict=True) if known > 0.5)
        return tuple(ImageLabel(label=label, author=author, value=value) for label, _, value in said)

    def augmented(self, images: torch.Tensor, targets: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        import torch
        import torch.nn.functional as F

        from XRayAILib.learning.augment import exposed
        from XRayAILib.learning.displacement import displacement

        strengths = self.config.augmentation
        moving = displacement(strengths, draws, images.shape[-1])
        images = F.grid_sample(
            images, moving.grid(images.device), mode="bilinear", padding_mode="zeros", align_corners=False
        )
        flipped = moving.flipped.to(targets.device)
        targets = torch.where(flipped[:, None], targets[:, self._order], targets)
        return exposed(strengths, images, draws), targets

    # Beside the image -------------------------------------------------------------------------------------------------

    @property
    def table_columns(self) -> tuple[tuple[str, bool], ...]:
        """Names of the numbers beside the image, and which of them are quantities."""
        learnt = self.fitted.get("table")
        if learnt is not None:
            return tuple((str(column["name"]), "codes" not in column) for column in learnt)
        found = [(name, name == "age") for name in self.options.attributes]
        if self.options.table:
            values = read_value_table(self.options.table, self.options.table_key, self.options.table_columns)
            found += list(zip(values.columns, values.quantities, strict=True))
        return tuple(found)

    @property
    def table_size(self) -> int:
        if not (self.options.attributes or self.options.table):
            return 0
        return len(self.table_columns)

    def table(self, header: Header) -> np.ndarray:
        if not self.table_size:
            return np.zeros(0, np.float32)
        numbers = [attribute(header, name) for name in self.options.attributes]
        columns = self.table_columns[len(numbers) :]
        if columns:
            names, quantities = zip(*columns, strict=True)
            values = read_value_table(self.options.table, self.options.table_key, names)
            numbers += values.numbers(header, quantities)
        return np.array(numbers, np.float32)

    def learn(self, targets: np.ndarray, table: np.ndarray) -> dict[str, Any]:
        found = counted(self.questions, _plain(targets), self.options.balance == "effective")
        if self.table_size:
            names, quantities = zip(*self.table_columns, strict=True)
            own = len(self.options.attributes)
            if self.options.table and not np.isfinite(table[:, own:]).any():
                raise TrainingError(
                    f"options.table: {self.options.table} has no value for any image of the training part. Its rows "
                    "are found by the image's uid, its file's name or the patient's id; name that column in "
                    "options.table_key."
                )
            found["table"] = learnt_columns(names, quantities, table)
        return found

    # The network ------------------------------------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        config = self.config
        table = self.fitted.get("table", ())
        if self.table_size and not table:
            # Before anything is learnt; only the shapes of the image's part are right then.
            table = [{"name": name, "mean": 0.0, "deviation": 1.0} for name, _ in self.table_columns]
        return make_classifier(config.network, self.outputs, config.network_arguments, self.options.dropout, table)

    def loss(self, output: Any, target: torch.Tensor) -> torch.Tensor:
        return answers_loss(self.questions, output, target, self.fitted, self.options.smoothing)

    # What it found ----------------------------------------------------------------------------------------------------

    def meter(self) -> RankingMeter:
        return RankingMeter(self.questions, self._correction)

    def fit(self, outputs: Any, targets: torch.Tensor, patients: Sequence[str]) -> dict[str, Any]:
        """A temperature for each question, and a threshold for each class on what that makes of the probabilities."""
        logits, truth = np.asarray(outputs, float) - self._correction, np.asarray(targets)
        temperatures: dict[str, Any] = {}
        for question in self.questions if self.options.temperature else ():
            found = fit_temperature(question, logits[:, question.columns], truth[:, question.columns])
            if found is not None:
                temperatures[question.name] = {name: round(float(v), 6) for name, v in vars(found).items()}
        values = {name: entry["value"] for name, entry in temperatures.items()}
        probable = probabilities(self.questions, logits, values)
        thresholds: dict[str, float] = {}
        for question in self.questions:
            for i in (question.positive,) if question.is_pair else range(len(question.values)):
                column = question.start + i
                known = truth[:, column] >= 0
                chosen = choose_threshold(
                    truth[known, column], probable[known, column], self.options.threshold, self.options.wanted
                )
                thresholds[question.names[i]] = round(chosen, 6)
        return {"temperatures": temperatures, "thresholds": thresholds}

    @property
    def _correction(self) -> np.ndarray:
        return correction(self.questions, self.fitted.get("weights", {}))

    def decode(self, output: Output, letterbox: Letterbox, uid: str, author: Author) -> Findings:
        """What is said, with its probability as score, and all probabilities: :class:`ProbableFindings`."""
        logits = np.asarray(output, float)[None] - self._correction
        decision = Decision(self.questions, self.fitted)
        return decision.findings(logits, uid, (letterbox.rows, letterbox.columns), author)

    def uncertainty(self, views: Sequence[Output]) -> dict[str, float]:
        """Of each question the entropy of its calibrated answers, 1 where all are as likely."""
        logits = np.stack([np.asarray(view, float) for view in views]) - self._correction
        temperatures = {name: float(one["value"]) for name, one in self.fitted.get("temperatures", {}).items()}
        return uncertainties(self.questions, logits, temperatures)

    def case(self, prediction: Findings, reference: Findings, spacing: Spacing) -> dict[str, Any]:
        return case_of(self.questions, prediction, reference)

    def figures(self, cases: Sequence[Mapping[str, Any]], patients: Sequence[str], seed: int = 0) -> Figures:
        """Beside ``labels`` and ``overall``: ``questions``, the confusion and accuracy of each exclusive question."""
        found = class_figures(cases, patients, self.classes, seed)
        return {**found, "questions": question_figures(cases, patients, self.questions, seed)}

    def curves(self, cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What a report draws of each class: ROC, precision and recall, reliability before and after temperature."""
        return class_curves(cases, self.classes)

    def statistics(self, cases: Sequence[Mapping[str, Any]]) -> Statistics:
        return class_statistics(cases, self.classes)

    def truths(self, reference: Findings) -> dict[str, bool]:
        known = dict(zip(self.columns, targets_of(reference, self.questions), strict=True))
        return {name: bool(known[name]) for name in self.classes if known[name] >= 0}

    def badness(self, case: Mapping[str, Any]) -> float:
        """The largest distance of a probability from the truth."""
        return max((abs(facts["truth"] - facts["probability"]) for facts in case.values()), default=0.0)


def _plain(targets: np.ndarray) -> np.ndarray:
    return np.where(targets == UNKNOWN, -1, targets.astype(np.int8))


TASK = Classification
