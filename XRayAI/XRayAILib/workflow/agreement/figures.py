"""The figures of a study: per label, for every pair of readers, every reader, all together, and groups of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from XRayAILib.findings.agreement.bootstrap import Draws
from XRayAILib.findings.agreement.compare import Compared, What
from XRayAILib.findings.agreement.estimate import Estimate, estimate
from XRayAILib.findings.agreement.icc import icc, icc_of, icc_parts
from XRayAILib.findings.agreement.kappa import ALIKE, fleiss_of, fleiss_parts
from XRayAILib.findings.agreement.krippendorff import Level, alpha_of, coincidences
from XRayAILib.workflow.agreement.agreement import Pair, Study
from XRayAILib.workflow.agreement.measures import PRESENCE, Cases, Measure, measures

EVERYBODY = "all readers"
ALL_PAIRS = "all pairs"
ALL_LANDMARKS = "all landmarks"
POOLED = ("Dice", "IoU", "HD95", "ASSD", "F1", "mean IoU", "MRE", "SDR", "agreed", "drawn or not, agreed")
"""What means something over several pairs of readers: means and rates. A coefficient of a pair is one of that pair, and
the sign of a difference depends on who is first."""
Images = Sequence[str]
Key = tuple[str, What]


@dataclass(frozen=True)
class Figure:
    """One figure of a study.

    Attributes
    ----------
    who
        ``anna – ben``, ``anna against ben``, ``anna – the others``, or ``all readers``.
    pair
        Their keys; empty for more than two.
    column, value
        The group of images, such as ``view`` and ``PA``; both empty for all images.
    """

    label: str
    what: What
    who: str
    pair: tuple[str, ...]
    column: str
    value: str
    measure: Measure
    patients: int

    def document(self) -> dict[str, Any]:
        """As a row of a table."""
        estimate = self.measure.estimate
        return {
            "label": self.label,
            "kind": self.what.value,
            "readers": self.who,
            "group": self.column,
            "value_of_group": self.value,
            "figure": self.measure.name,
            "unit": self.measure.unit,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "n": estimate.n,
            "patients": self.patients,
            "note": estimate.reason,
        }


def figures_of(study: Study) -> list[Figure]:
    """Every figure of a study; the same study gives the same figures, intervals included."""
    return [figure for column, value, uids in _groups(study) for figure in _Group(study, column, value, uids).all()]


def labels_of(study: Study) -> list[Key]:
    """The labels that anybody used, with what they are compared by; in the order of the kinds."""
    keys = {(c.label, c.what): None for images in study.pairs.values() for said in images.values() for c in said}
    order = {what: i for i, what in enumerate(What)}
    return sorted(keys, key=lambda key: order[key[1]])


def answers_of(study: Study, label: str) -> tuple[str, ...]:
    """Every answer to a question, in the order of the schema, then by the alphabet; '' is none of them.

    A question of which the schema has no answers is a box to be ticked, and not to tick it means no.
    """
    if label not in study.options:
        return PRESENCE
    said = {
        a
        for images in study.pairs.values()
        for cs in images.values()
        for c in cs
        if c.label == label
        for a in c.answers
    }
    known = study.options[label]
    return (*known, *sorted(said - {*known, ""}))


def cases_of(study: Study, key: Key, pairs: Sequence[tuple[Pair, bool]], uids: Images, draws: Draws) -> Cases:
    """What pairs of readers say of one label on these images; a pair that is turned has ``True`` beside it.

    Images and pairs follow each other as in :func:`images_of`.
    """
    label, what = key
    compared = []
    for pair, is_turned in pairs:
        for uid in uids:
            if uid in study.pairs[pair]:
                said = next((c for c in study.pairs[pair][uid] if (c.label, c.what) == key), None)
                if said is None and what is What.ANSWER:
                    said = Compared(label, what, (0, 0))
                said = said.turned() if said is not None and is_turned else said
                compared.append(_ticked(study, said) if said is not None else None)
    question = label.partition(":")[0]
    against = bool(study.wishes.reference) and len(pairs) == 1
    answers = answers_of(study, label) if what is What.ANSWER else ()
    return Cases(what, compared, draws, answers, question in study.wishes.ordered, against)


def _ticked(study: Study, said: Compared) -> Compared:
    """Without an answer in the schema not to answer means no."""
    if said.what is not What.ANSWER or said.label in study.options:
        return said
    first, second = (answer or "no" for answer in said.answers)
    return Compared(said.label, said.what, said.given, answers=(first, second))


def patients_of(study: Study, pairs: Sequence[tuple[Pair, bool]], uids: Images) -> list[str]:
    """The patient of each case of :func:`cases_of`."""
    return [study.images[uid].patient for pair, _ in pairs for uid in uids if uid in study.pairs[pair]]


def _groups(study: Study) -> Iterator[tuple[str, str, Images]]:
    yield "", "", list(study.images)
    for column in study.wishes.by:
        for value in sorted({image.groups[column] for image in study.images.values()}):
            yield column, value, [uid for uid, image in study.images.items() if image.groups[column] == value]


class _Group:
    """The figures of a group of images."""

    def __init__(self, study: Study, column: str, value: str, uids: Images) -> None:
        self._study, self._column, self._value, self._uids = study, column, value, uids
        self._seed = study.wishes.seed
        self._draws: dict[tuple[str, ...], Draws] = {}

    def all(self) -> Iterator[Figure]:
        study, keys = self._study, labels_of(self._study)
        for pair in study.pairs:
            yield from self._measured(keys, study.called(pair), pair, [(pair, False)])
        if len(study.pairs) < 2:
            return
        if not study.wishes.reference:
            for reader, name in study.readers.items():
                own = [(pair, pair[1] == reader) for pair in study.pairs if reader in pair]
                if len(own) > 1:
                    yield from self._measured(keys, f"{name} – the others", (reader,), own)
        yield from self._measured(keys, ALL_PAIRS, (), [(pair, False) for pair in study.pairs])
        if len(study.readers) > 2:
            for key in keys:
                yield from self._together(key)

    def _measured(
        self, keys: Sequence[Key], who: str, pair: tuple[str, ...], pairs: Sequence[tuple[Pair, bool]]
    ) -> Iterator[Figure]:
        points: list[tuple[Cases, list[str]]] = []
        for key in keys:
            used = self._using(key[0], pairs)
            patients = patients_of(self._study, used, self._uids)
            if not patients or (len(used) < 2 <= len(pairs) and pair):
                continue  # nobody uses it, or the others are one, who is told as a pair
            cases = cases_of(self._study, key, used, self._uids, self._draws_of(patients))
            for measure in measures(cases):
                if len(pairs) == 1 or measure.name.startswith(POOLED):
                    yield self._figure(key, who, pair, measure, cases.draws.patients)
            if key[1] is What.LANDMARK:
                points.append((cases, patients))
        if len(points) > 1:
            compared = [c for cases, _ in points for c in cases.compared]
            draws = self._draws_of([patient for _, patients in points for patient in patients])
            for measure in measures(Cases(What.LANDMARK, compared, draws)):
                if measure.name.startswith(("MRE", "SDR")):
                    yield self._figure((ALL_LANDMARKS, What.LANDMARK), who, pair, measure, draws.patients)

    def _draws_of(self, patients: list[str]) -> Draws:
        """The draws of these patients; most labels have the same, and they are not quick to make.

        Only two are kept: those of 10,000 patients take 80 MB.
        """
        key = tuple(patients)
        if key not in self._draws:
            if len(self._draws) > 1:
                del self._draws[next(iter(self._draws))]
            self._draws[key] = Draws(patients, self._seed)
        return self._draws[key]

    def _figure(self, key: Key, who: str, pair: tuple[str, ...], measure: Measure, patients: int) -> Figure:
        return Figure(key[0], key[1], who, pair, self._column, self._value, measure, patients)

    def _using(self, label: str, pairs: Sequence[tuple[Pair, bool]]) -> list[tuple[Pair, bool]]:
        """The pairs of which both use a label: who never draws it has not been asked to."""
        return [(pair, is_turned) for pair, is_turned in pairs if self._study.users[label].issuperset(pair)]

    def _together(self, key: Key) -> Iterator[Figure]:
        """Coefficients of all readers at once."""
        label, what = key
        table = said_by(self._study, key)
        uids = [uid for uid in self._uids if len(table.get(uid, {})) > 1]
        if not uids:
            return
        patients = [self._study.images[uid].patient for uid in uids]
        draws = self._draws_of(patients)
        if what in (What.ANSWER, What.REGION, What.LINE, What.LANDMARK):
            answers = answers_of(self._study, label) if what is What.ANSWER else PRESENCE
            rows = [_categories(table[uid], answers, what) for uid in uids]
            is_ordered = what is What.ANSWER and label.partition(":")[0] in self._study.wishes.ordered
            if what is What.ANSWER or len({i for row in rows for i in row.values()}) > 1:
                prefix = "" if what is What.ANSWER else "drawn or not, "
                for measure in _coefficients(rows, list(self._study.readers), len(answers), draws, is_ordered, prefix):
                    yield self._figure(key, EVERYBODY, (), measure, draws.patients)
        for name, whole, numbers in _complete(table, uids, what, len(self._study.readers)):
            found = icc(numbers)
            if draws.patients < len(uids):
                parts = np.zeros((len(uids), numbers.shape[1] + 3))
                parts[whole] = icc_parts(numbers)
                low, high = draws.interval(parts, icc_of) or (None, None)
                found = replace(found, low=low, high=high)
            yield self._figure(key, EVERYBODY, (), Measure(f"{name}ICC(2,1)", "", found), draws.patients)


def said_by(study: Study, key: Key) -> dict[str, dict[str, Any]]:
    """Uid -> reader -> answer, number, or how many objects, of one label; readers who never use it are left out."""
    label, what = key
    users = study.users[label]
    table: dict[str, dict[str, Any]] = {}
    for pair, images in study.pairs.items():
        for uid, said in images.items():
            c = next((c for c in said if (c.label, c.what) == key), Compared(label, what, (0, 0)))
            c = _ticked(study, c)
            for i, reader in enumerate(pair):
                if reader in users:
                    number = c.numbers.get(("first", "second")[i])
                    table.setdefault(uid, {})[reader] = (c.answers[i], c.given[i], number, c.unit)
    return table


def _categories(said: Mapping[str, Any], answers: Sequence[str], what: What) -> dict[str, int]:
    """Reader -> index of the answer; a reader who gave none is left out."""
    if what is not What.ANSWER:
        return {reader: int(given > 0) for reader, (_, given, _, _) in said.items()}
    return {reader: answers.index(answer) for reader, (answer, _, _, _) in said.items() if answer}


def _coefficients(
    rows: Sequence[Mapping[str, int]], readers: Sequence[str], count: int, draws: Draws, is_ordered: bool, prefix: str
) -> Iterator[Measure]:
    most = max(len(row) for row in rows)
    counts = np.array([[sum(i == c for i in row.values()) for c in range(count)] for row in rows], float)
    whole = np.array([len(row) == most and most > 1 for row in rows])
    parts = np.zeros((len(rows), count + 2))
    if whole.any():
        parts[whole] = fleiss_parts(counts[whole])
    n, readers_of_all = int(whole.sum()), f"{prefix}Fleiss' kappa of {most}"
    yield Measure(readers_of_all, "", _of(parts, fleiss_of, n, draws))
    ratings = np.array([[row.get(reader, -1) for row in rows] for reader in readers])
    tables = coincidences(ratings, count)
    n = int(((ratings >= 0).sum(axis=0) > 1).sum())
    for level in (Level.NOMINAL, Level.ORDINAL) if is_ordered else (Level.NOMINAL,):
        name = f"{prefix}{'ordinal ' if level is Level.ORDINAL else ''}alpha"
        yield Measure(name, "", _of(tables, lambda t, of=level: alpha_of(t, of, np.arange(count)), n, draws))  # type: ignore[misc]


def _of(parts: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], n: int, draws: Draws) -> Estimate:
    return estimate(float(statistic(parts.sum(axis=0))), n, ALIKE, draws.interval(parts, statistic))


def _complete(
    table: Mapping[str, Mapping[str, Any]], uids: Images, what: What, readers: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """What, which images every reader gives a number of, and these numbers (images, readers); all in one unit."""
    if what not in (What.REGION, What.MEASUREMENT):
        return
    rows = [[number for _, given, number, _ in table[uid].values() if number is not None and given] for uid in uids]
    # An ICC compares within images, and its variance between them would be one of units.
    units = {unit for uid in uids for _, given, _, unit in table[uid].values() if given}
    whole = np.array([len(row) == readers for row in rows])
    if whole.sum() > 2 and len(units) == 1:
        yield "area, " if what is What.REGION else "", whole, np.array([row for row in rows if len(row) == readers])
