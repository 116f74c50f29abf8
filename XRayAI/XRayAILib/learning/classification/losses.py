"""The loss of questions about a whole image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.classification.question import Question

if TYPE_CHECKING:
    import torch


def answers_loss(
    questions: Sequence[Question],
    logits: torch.Tensor,
    targets: torch.Tensor,
    learnt: Mapping[str, Any],
    smoothing: float = 0.0,
) -> torch.Tensor:
    """Weighted cross-entropy of the answers that are known, the mean over questions and images.

    It is divided by the number of images and by the part of the training images in which a question is answered, not by
    how many of this batch happen to be: so the mean over two halves of a batch is that of the whole batch, and a
    question that is seldom answered counts as much as the others over an epoch.

    Parameters
    ----------
    logits, targets
        (B, columns); 1 holds, 0 does not, -1 is not known.
    learnt
        As :func:`~XRayAILib.learning.classification.imbalance.counted` has it; empty for weights of 1.
    smoothing
        Part of the truth that is spread over all states (label smoothing: Szegedy et al., CVPR 2016, section 7).
    """
    import torch

    logits, targets = logits.float(), targets.float()
    total = torch.zeros((), device=logits.device)
    for question in questions:
        own, truth = logits[:, question.columns], targets[:, question.columns]
        if question.exclusive:
            if question.open:
                own = torch.cat([own, torch.zeros_like(own[:, :1])], dim=1)
                truth = torch.cat([truth, torch.where(truth[:, :1] < 0, -1.0, 1.0 - truth.sum(dim=1, keepdim=True))], 1)
            own, truth = own[:, None], truth[:, None]
        else:
            own = torch.stack([torch.zeros_like(own), own], dim=2)
            truth = torch.stack([torch.where(truth < 0, truth, 1 - truth), truth], dim=2)
        # Both are (B, heads, states) now.
        known = (truth >= 0).all(dim=2)
        states = truth.shape[2]
        truth = truth.clamp(min=0) * (1 - smoothing) + smoothing / states
        weights = _numbers(learnt, "weights", question, own).reshape(-1, states)
        answered = _numbers(learnt, "answered", question, own).reshape(-1).clamp(min=1e-3)
        lost = -(truth * weights * torch.log_softmax(own, dim=2)).sum(dim=2)
        total = total + (torch.where(known, lost, torch.zeros_like(lost)) / answered).mean()
    return total / len(questions)


def _numbers(learnt: Mapping[str, Any], kind: str, question: Question, like: torch.Tensor) -> torch.Tensor:
    import torch

    found = learnt.get(kind, {}).get(question.name)
    if found is None:
        return torch.ones(like.shape[1:] if kind == "weights" else like.shape[1:2], device=like.device)
    return torch.tensor(found, dtype=torch.float32, device=like.device)
