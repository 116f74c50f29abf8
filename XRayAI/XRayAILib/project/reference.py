"""Which of the tracks of an image counts as true: for training, export, and comparison with a prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from XRayAILib.findings.author import AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.project.reviews import ReadingState, Step


def reference_of(tracks: Sequence[Findings], steps: Mapping[str, Step]) -> Findings | None:
    """What counts as true of an image; ``None`` where nobody but a model says anything.

    In this order:

    1. the adjudication, where it is finished;
    2. an approved reading, the one approved last;
    3. a submitted reading, the one submitted last;
    4. a person's draft, the one saved last;
    5. what was imported, the newest.

    Objects that were rejected are left out, and so is a reading that was rejected as a whole. An adjudication or an
    approved reading without objects counts too: somebody has decided that there is nothing. A draft or import without
    objects does not.

    Parameters
    ----------
    tracks
        What was said of the image, the most recently saved first.
    steps
        Track -> newest step of its review.
    """

    said: list[tuple[AuthorKind, ReadingState, int, Findings]] = []
    for findings in tracks:
        step = steps.get(findings.author.key)
        number, state = (step.id, step.state) if step else (0, ReadingState.DRAFT)
        said.append((findings.author.kind, state, number, findings))

    def of(kind: AuthorKind, *states: ReadingState) -> list[Findings]:
        """Those in one of these states, the one that came to it last first."""
        chosen = [(number, one) for who, state, number, one in said if who is kind and state in states]
        if len(chosen) < 2 or not set(states) <= {ReadingState.SUBMITTED, ReadingState.APPROVED}:
            return [one for _, one in chosen]
        return [one for _, one in sorted(chosen, key=lambda pair: -pair[0])]

    decided = of(AuthorKind.ADJUDICATION, ReadingState.APPROVED) + of(AuthorKind.PERSON, ReadingState.APPROVED)
    if decided:
        return _kept(decided[0])
    drafts = of(AuthorKind.PERSON, ReadingState.DRAFT, ReadingState.REOPENED)
    for findings in (*of(AuthorKind.PERSON, ReadingState.SUBMITTED), *drafts, *of(AuthorKind.IMPORT, *ReadingState)):
        if _kept(findings).objects:
            return _kept(findings)
    return None


def _kept(findings: Findings) -> Findings:
    rejected = [item.id for item in findings if item.status is Status.REJECTED]
    return findings.without(rejected) if rejected else findings
