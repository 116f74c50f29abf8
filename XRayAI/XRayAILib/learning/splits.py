"""Which patients a model learns from, is chosen by, and is judged on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.dealing import stratified
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example
from XRayAILib.learning.outside import outside_of, text_of
from XRayAILib.project.image import Image
from XRayAILib.project.pinned import PinnedProject
from XRayAILib.project.project import Project, user
from XRayAILib.project.query import Query

PARTS: dict[str, float] = {"train": 0.70, "validation": 0.15, "test": 0.15}
OUTSIDE = "outside"
"""The part of images from elsewhere; it is not stored, because a configuration says which they are."""
_STRICTEST = ("test", "validation", "train")


@dataclass(frozen=True)
class Split:
    """How the images of one training are divided.

    Attributes
    ----------
    examples
        Those that take part, each with its part.
    left_out
        (uid, reason) of those that do not, because somebody would be on two sides.
    problems
        Why it cannot be trained with, a sentence each.
    fresh
        What is not stored yet: the part of an image by its uid, or with folds the fold of a patient.
    dealt
        The part of every person, or with folds the fold.
    """

    examples: tuple[Example, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    fresh: Mapping[str, str | int] = field(default_factory=dict)
    dealt: Mapping[str, str | int] = field(default_factory=dict)


def split(project: Project, examples: Sequence[Example], config: TrainingConfig) -> Split:
    """Give every example its part, and store in the project what was not dealt before.

    Parts are dealt by person (:class:`XRayAILib.project.kin.Kin`), so that every image of a patient, priors among them,
    and every copy lies on one side. What the project has assigned before stays as it is, so that a test part stays
    untouched when images are added. With folds, the fold ``config.fold`` is the test part and the next one the
    validation part.

    Raises
    ------
    TrainingError
        With everything that is in the way: too few patients, a patient on two sides, a label that is not in the
        training part.
    """
    while True:
        found = plan_split(project, examples, config)
        if found.problems:
            raise TrainingError(" ".join(found.problems))
        if _stored(project, found, config):
            return found


def plan_split(project: Project, examples: Sequence[Example], config: TrainingConfig) -> Split:
    """What :func:`split` would do; nothing is stored."""
    side = _Sides(project, config)
    taken = {e.uid for e in examples}
    elsewhere = outside_of(project, (image for image in side.images if image.uid in taken), config.outside)
    if config.outside and not elsewhere:
        return Split((), problems=(f"outside: no labelled image has {text_of(config.outside)}.",))
    visitors = {side.person[uid] for uid in elsewhere}
    inside = [e for e in examples if e.uid not in elsewhere and side.person[e.uid] not in visitors]
    said: dict[str, set[str]] = {}
    for example in inside:
        said.setdefault(side.person[example.uid], set()).update(example.strata or example.labels)
    problems = list(side.problems({e.uid for e in examples}))
    fixed = {person: part for person, part in side.fixed.items() if person in said}
    dealt: Mapping[str, str | int]
    try:
        if config.folds:
            folds = deal_folds(said, config, side.folds)
            dealt, parts = folds, {person: side.part_of_fold(fold) for person, fold in folds.items()}
        else:
            dealt = parts = deal(said, config.seed, fixed)
    except TrainingError as error:
        return Split((), problems=(*problems, str(error)))
    done, left_out, fresh = [], [], dict[str, str | int]()
    for example in examples:
        person = side.person[example.uid]
        part, reason = OUTSIDE, ""
        if example.uid not in elsewhere:
            own = side.own_part(example.uid)
            part = parts.get(person) or side.fixed.get(person, "")
            if person in visitors and part != "test":
                reason = "its patient has images in the outside test part, too"
            elif own and own != part:
                reason = f"a copy of it is in the {part} part, so it cannot be in the {own} part"
            elif person in dealt and not side.stored(example.uid):
                fresh[side.key(example.uid)] = dealt[person]
        if reason:
            left_out.append((example.uid, reason))
        else:
            done.append(replace(example, part=part, patient=person))
    problems += _missing_labels(done)
    return Split(tuple(done), tuple(left_out), tuple(problems), fresh, {**side.folds, **dealt})


class _Sides:
    """What the project says already of who is where.

    Attributes
    ----------
    images
        All of the project: an image can tie two others together without being learnt from.
    person
        Of each image.
    fixed, folds
        The part of each person that has one; with folds also the fold.
    """

    def __init__(self, project: Project, config: TrainingConfig) -> None:
        self._config = config
        self.images = list(project.stream(Query()))
        self.person = project.kin.persons(self.images)
        self._patient = {image.uid: image.header.patient_key for image in self.images}
        self._dealt = project.parts.folds(config.folds) if config.folds else {}
        self._part = {image.uid: self._part_now(image) for image in self.images}
        if isinstance(project, PinnedProject) and not config.folds:
            self._part.update({image.uid: image.split for image in project.images()})
        # Of a patient with a part, the image that came later has the same.
        self._part_of_patient: dict[str, Counter[str]] = {}
        for uid, part in self._part.items():
            if part:
                self._part_of_patient.setdefault(self._patient[uid], Counter())[part] += 1
        self.fixed: dict[str, str] = {}
        self.folds: dict[str, int] = {}
        for image in self.images:
            own, person = self.own_part(image.uid), self.person[image.uid]
            if own and (person not in self.fixed or _stricter(own, self.fixed[person])):
                self.fixed[person] = own
                if config.folds:
                    self.folds[person] = self._dealt[self._patient[image.uid]]

    def _part_now(self, image: Image) -> str:
        if not self._config.folds:
            return image.split
        fold = self._dealt.get(image.header.patient_key)
        return "" if fold is None else self.part_of_fold(fold)

    def part_of_fold(self, fold: int) -> str:
        """What a fold is in this training."""
        if fold == self._config.fold:
            return "test"
        return "validation" if fold == (self._config.fold + 1) % self._config.folds else "train"

    def own_part(self, uid: str) -> str:
        """What the image or its patient was assigned to, whatever copies there are."""
        counts = self._part_of_patient.get(self._patient[uid])
        return self._part[uid] or (counts.most_common(1)[0][0] if counts else "")

    def stored(self, uid: str) -> bool:
        return bool(self._part[uid])

    def key(self, uid: str) -> str:
        """What a part is stored for: the image, or with folds the patient."""
        return self._patient[uid] if self._config.folds else uid

    def problems(self, uids: Collection[str]) -> list[str]:
        """Patients, among those of these images, whose images were assigned to several parts."""
        patients = sorted({self._patient[uid] for uid in uids})
        return [
            f"The patient '{patient}' has images in the parts {' and '.join(sorted(self._part_of_patient[patient]))}. "
            "Reset the split of the project, so that no patient is on two sides."
            for patient in patients
            if len(self._part_of_patient.get(patient, ())) > 1
        ]


def _stricter(part: str, other: str) -> bool:
    order = {name: place for place, name in enumerate(_STRICTEST)}
    return order.get(part, len(order)) < order.get(other, len(order))


def _stored(project: Project, found: Split, config: TrainingConfig) -> bool:
    """Store what is new; False where somebody else has dealt since, so that it has to be done again."""
    if not found.fresh:
        return True
    if config.folds:
        folds = {patient: int(fold) for patient, fold in found.fresh.items()}
        how = f"{len(folds)} patients to {config.folds} folds, seed {config.seed}"
        return project.parts.add_folds(config.folds, folds, user(), how)
    parts = {uid: str(part) for uid, part in found.fresh.items()}
    counts = Counter(parts.values())
    numbers = ", ".join(f"{counts[part]} {part}" for part in PARTS)
    return project.parts.add(parts, user(), f"{numbers} images, seed {config.seed}")


def deal(patients: Mapping[str, Collection[str]], seed: int, fixed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Part of every patient, 70/15/15, with every label and combination of labels spread over the parts alike.

    Parameters
    ----------
    patients
        What the images of each patient say.
    fixed
        Parts that were assigned before and stay.

    Raises
    ------
    TrainingError
        There are too few patients for three parts.
    """
    fixed = {patient: part for patient, part in (fixed or {}).items() if patient in patients}
    _require_patients(len(patients), len(PARTS), "training, validation and test need different patients")
    parts = stratified(patients, PARTS, seed, fixed)
    counts = Counter(parts.values())
    movable = [patient for patient in sorted(patients) if patient not in fixed]
    for part in PARTS:
        if counts[part]:
            continue
        largest = max(counts, key=lambda name: (counts[name], name))
        # One whose labels others in the part have, too.
        common = Counter(label for patient, own in parts.items() if own == largest for label in set(patients[patient]))
        candidates = [patient for patient in movable if parts[patient] == largest]
        if counts[largest] < 2 or not candidates:
            raise TrainingError(f"No patient is left for the {part} part: label more, or reset the split.")
        chosen = max(candidates, key=lambda p: (min((common[label] for label in patients[p]), default=0), p))
        parts[chosen] = part
        counts[largest] -= 1
        counts[part] += 1
    return parts


def deal_folds(
    patients: Mapping[str, Collection[str]], config: TrainingConfig, fixed: Mapping[str, int]
) -> dict[str, int]:
    """Fold of every patient, from 0; :class:`TrainingError` where there are fewer patients than folds."""
    _require_patients(len(patients), config.folds, f"{config.folds} folds need different patients")
    shares = dict.fromkeys(range(config.folds), 1 / config.folds)
    dealt = stratified(patients, shares, config.seed, fixed)
    empty = sorted(set(shares) - set(dealt.values()))
    if empty:
        raise TrainingError(
            f"No patient is left for the fold {empty[0]}: label images of more patients, or take fewer folds."
        )
    return dealt


def _require_patients(count: int, least: int, why: str) -> None:
    if count >= least:
        return
    there = "is no patient" if not count else "is one patient only" if count == 1 else f"are only {count} patients"
    raise TrainingError(
        f"There {there} with labels; {why}, so at least {least}. Label images of more patients (images without a "
        "patient ID count as patients of their own)."
    )


def reset(project: Project, folds: int = 0, who: str = "") -> int:
    """Forget the parts of all images, or all dealings into so many folds; the audit trail says who did.

    The next training deals anew, and the test part of earlier models is then no longer untouched. Gives the number of
    images, with folds of patients, that had one.
    """
    if folds:
        return project.parts.reset_folds([folds], who or user())
    return project.parts.reset(who or user())


def part_of(examples: Sequence[Example], part: str) -> list[Example]:
    return [e for e in examples if e.part == part]


def kept_apart(examples: Sequence[Example], prints: Mapping[str, str]) -> tuple[list[Example], list[tuple[str, str]]]:
    """The examples without copies on two sides that only the pixels tell, and (uid, reason) of what is left out.

    Parameters
    ----------
    prints
        Of each image, by its uid, what is the same for copies. What is tested on stays.
    """
    order = {part: place for place, part in enumerate((OUTSIDE, *_STRICTEST))}
    strictest: dict[str, str] = {}
    for example in examples:
        before = strictest.setdefault(prints[example.uid], example.part)
        if order[example.part] < order[before]:
            strictest[prints[example.uid]] = example.part
    found = [e for e in examples if strictest[prints[e.uid]] == e.part]
    left_out = [
        (e.uid, f"it has the pixels of an image in the {strictest[prints[e.uid]]} part")
        for e in examples
        if strictest[prints[e.uid]] != e.part
    ]
    empty = sorted({e.part for e in examples} - {e.part for e in found})
    if empty:
        raise TrainingError(
            f"All images of the {empty[0]} part have the pixels of images in another part: find copies with  xrayai "
            "check, reset the split of the project, and train again."
        )
    return found, left_out


def label_counts(examples: Sequence[Example], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Images with each label in each part, as ``{"train": {"heart": 40, ...}, ...}``; ``outside`` where it is used."""
    parts = [*PARTS, *([OUTSIDE] if any(e.part == OUTSIDE for e in examples) else [])]
    counts = {part: Counter(label for e in examples if e.part == part for label in e.labels) for part in parts}
    return {part: {label: counts[part][label] for label in labels} for part in parts}


def said_in(examples: Sequence[Example], labels: Sequence[str]) -> list[str]:
    """What is counted: the labels in their order, and in place of an image label its answers as ``label=value``."""
    names = {label: sorted({s for e in examples for s in e.labels if s.startswith(f"{label}=")}) for label in labels}
    return [name for label in labels for name in names[label] or [label]]


def _missing_labels(examples: Sequence[Example]) -> list[str]:
    """A sentence for each label that is not in the training part, so that it cannot be learnt."""
    where: dict[str, set[str]] = {}
    for example in examples:
        for said in example.labels:
            # Of an image label's answers, the task says which of them are not learnt.
            where.setdefault(said.partition("=")[0], set()).add(example.part)
    return [
        f"The label '{label}' occurs only in the {' and '.join(p for p in (*PARTS, OUTSIDE) if p in parts)} part, so "
        "it cannot be learnt. Label it in images of more patients, train without it, or reset the split of the project."
        for label, parts in sorted(where.items())
        if "train" not in parts
    ]
