"""What was labelled, corrected or taken back since a model was trained, by comparing its snapshot with the project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from XRayAILib.findings.findings import Findings
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example, findings_key, survey
from XRayAILib.learning.problem import refuse
from XRayAILib.learning.splits import plan_split
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.pinned import PinnedProject
from XRayAILib.project.project import Project

if TYPE_CHECKING:
    from XRayAILib.learning.model import Model

LEARNT_FROM = ("train", "validation")


@dataclass(frozen=True)
class Corrections:
    """What is different from what a model learnt from. Images are told by their uids.

    Attributes
    ----------
    snapshot
        The hash of what the model learnt from.
    new
        Images that were not labelled, or not yet there.
    corrected
        Images of which the labels say something else now.
    removed
        Images that taught something and do not any more: their labels were taken back, or they were excluded.
    labels
        Classes -> number of corrected images in which they are different.
    parts
        The part of every image of now, as the next training will divide them.
    old_test
        The images of the model's own test part that are still there.
    """

    snapshot: str
    new: tuple[str, ...]
    corrected: tuple[str, ...]
    removed: tuple[str, ...]
    labels: Mapping[str, int]
    parts: Mapping[str, str]
    old_test: tuple[str, ...]

    @property
    def to_learn(self) -> tuple[str, ...]:
        """Those of the new and corrected images that lie in the training or the validation part."""
        return tuple(uid for uid in (*self.new, *self.corrected) if self.parts.get(uid) in LEARNT_FROM)

    @property
    def any(self) -> bool:
        """Whether there is anything to learn anew; what is different in the test part alone is not."""
        return bool(self.to_learn or self.removed)

    @property
    def text(self) -> str:
        """What a person is told first."""
        if not (self.new or self.corrected or self.removed):
            return "Nothing was labelled or corrected since."
        counts = ((len(self.new), "new"), (len(self.corrected), "corrected"), (len(self.removed), "taken back"))
        told = ", ".join(f"{count} {what}" for count, what in counts if count)
        parts = Counter(self.parts.get(uid) or "no part" for uid in (*self.new, *self.corrected))
        where = ", ".join(f"{count} in {part}" for part, count in sorted(parts.items()))
        changed = ", ".join(f"{name.replace('_', ' ')} in {count}" for name, count in self.labels.items())
        text = f"Images since then: {told}" + (f" ({where})" if where else "") + "."
        return text + (f" Corrected: {changed}." if changed else "")

    @classmethod
    def from_note(cls, note: Mapping[str, Any]) -> Corrections:
        """From its fields as JSON has them."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in note.items()}
        return cls(**values)

    def document(self) -> dict[str, Any]:
        """For the new model's manifest: numbers only, because a model travels."""
        return {
            "snapshot": self.snapshot,
            "new": _by_part(self.new, self.parts),
            "corrected": _by_part(self.corrected, self.parts),
            "removed": len(self.removed),
            "labels": dict(self.labels),
        }


def corrections_since(project: Project, model: Model, config: TrainingConfig | None = None) -> Corrections:
    """Compare what a model learnt from with what the project says now.

    What counts is what is said, not who said it or when: an image that somebody approved without a change is none.

    Parameters
    ----------
    config
        Of the next training; without it that of the model.

    Raises
    ------
    TrainingError
        The model was made elsewhere or without a snapshot, the snapshot is gone, the project has nothing to learn from
        any more, or its parts were dealt anew since, so that a new model would learn from the old one's test part.
    """
    config = config or model.config.changed(labels=model.labels, snapshot="")
    then, before = _then(project, model)
    model.check_schema(project.schema)
    found = survey(project, config)
    refuse(found.problems)
    divided = plan_split(project, found.examples, config)
    if divided.problems:
        raise TrainingError(" ".join(divided.problems))
    now = {example.uid: example for example in divided.examples}
    was = {example.uid: example for example in then}
    _require_same_parts(project, model, was, divided.examples)
    corrected = tuple(u for u, e in now.items() if u in was and was[u].findings_key != e.findings_key)
    labels: Counter[str] = Counter()
    for uid in corrected:
        first, second = before[uid], project.reference(uid)
        assert second is not None
        labels.update(name for name in model.labels if findings_key(first, [name]) != findings_key(second, [name]))
    return Corrections(
        str(model.manifest["training"]["snapshot"]),
        tuple(uid for uid in now if uid not in was),
        corrected,
        tuple(uid for uid, example in was.items() if uid not in now and example.part in LEARNT_FROM),
        {name: labels[name] for name in model.labels if labels[name]},
        {uid: example.part for uid, example in now.items()},
        tuple(uid for uid, example in was.items() if example.part == "test" and uid in now),
    )


def require_parent(model: Model) -> str:
    """The snapshot of a model that can be trained again; :class:`TrainingError` where it cannot."""
    snapshot = str(model.manifest.get("training", {}).get("snapshot") or "")
    if model.foreign is not None or not snapshot:
        raise TrainingError(
            f"'{model.folder.name}' was not trained in a project of X-Ray AI, so nobody knows what it learnt from and "
            f"what is new since. Train a model that starts from it:  --start model:{model.folder.name}"
        )
    return snapshot


class _Before:
    """What was true of the images then, read where it is needed."""

    def __init__(self, project: Project, snapshot: str) -> None:
        self._project, self._snapshot = project, project.snapshots.find(snapshot)

    def __getitem__(self, uid: str) -> Findings:
        found = self._project.snapshots.findings(self._snapshot, uid)
        assert found is not None
        return found


def _then(project: Project, model: Model) -> tuple[Sequence[Example], _Before]:
    """The images that the model learnt from and was tested on, with their parts then."""
    snapshot = require_parent(model)
    config = model.config.changed(labels=model.labels, snapshot="")
    try:
        with PinnedProject.at(project.folder, snapshot) as pinned:
            examples = plan_split(pinned, survey(pinned, config).examples, config).examples
        return examples, _Before(project, snapshot)
    except ProjectError as error:
        raise TrainingError(
            f"'{model.folder.name}' cannot be trained again here, because what it learnt from is not known: {error} "
            f"A new model can start from it:  --start model:{model.folder.name}"
        ) from error


def _require_same_parts(
    project: Project, model: Model, was: Mapping[str, Example], examples: Sequence[Example]
) -> None:
    moved = [e for e in examples if e.uid in was and was[e.uid].part == "test" and e.part in LEARNT_FROM]
    moved += [e for e in examples if e.uid in was and was[e.uid].part in LEARNT_FROM and e.part == "test"]
    if moved:
        raise TrainingError(
            f"The parts of the project were dealt anew since '{model.folder.name}' was trained: {len(moved)} images, "
            f"such as {project.header(moved[0].uid).path}, went from or to its test part. What a model that goes on "
            "from it reaches there would say nothing. Train a new model instead."
        )


def _by_part(uids: Sequence[str], parts: Mapping[str, str]) -> dict[str, int]:
    return dict(sorted(Counter(parts.get(uid) or "left out" for uid in uids).items()))
