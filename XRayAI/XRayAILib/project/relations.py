"""What the rules of hygiene say of images together: copies, identities, and labels against attributes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from XRayAILib.dicom.header import Header
from XRayAILib.findings.author import AuthorKind, Status
from XRayAILib.findings.schema import LabelSchema

FAMILY = "family"
"""Stands beside the rules of an image that has copies: the uid of the first of them, the same for all."""
MOST_NAMED = 3
"""Of the images or patients that a mark names."""
MOST_IDS = 3
"""One name and birth date with more ids than this are no patient's: they stand in every de-identified file."""
NO_NAME = ("ANON", "UNKNOWN", "REMOVED", "NONAME", "TEST", "DEIDENT")

CHEST_CODES = frozenset(
    {"3341006", "44029006", "39607008", "80891009", "72410000", "28700002", "51185008", "181216001"}
)
"""SNOMED CT: right lung, left lung, lung, heart, mediastinum, carina, thorax, entire lung."""
OTHER_PARTS = (
    *("ABDOMEN", "ANKLE", "ARM", "BREAST", "CALCANEUS", "CSPINE", "ELBOW", "EXTREMITY", "FEMUR", "FINGER", "FOOT"),
    *("FOREARM", "HAND", "HEAD", "HIP", "HUMERUS", "JAW", "KNEE", "LEG", "LSPINE", "MANDIBLE", "PELVIS", "SKULL"),
    *("TEETH", "THUMB", "TIBIA", "TOE", "WRIST"),
)
"""Body parts (PS3.16 Annex L) that show no lungs."""
LATERAL = ("LL", "RL", "LAT", "LATERAL", "LLD", "RLD")


@dataclass(frozen=True)
class Member:
    """What is needed of one image to compare it with others."""

    uid: str
    path: str
    patient: str
    print: bytes
    hash: str = ""


@dataclass
class Patients:
    """The identities met so far: of a patient id, and of a name with a birth date."""

    of_id: dict[str, set[tuple[str, str, str]]] = field(default_factory=lambda: defaultdict(set))
    of_name: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def note(self, header: Header) -> None:
        """Take in the identity of one image."""
        if not header.patient_id:
            return
        name = _plain(header.patient_name)
        self.of_id[header.patient_id].add((name, header.patient_birth_date, header.patient_sex))
        if name and header.patient_birth_date and not any(word in name for word in NO_NAME):
            self.of_name[name, header.patient_birth_date].add(header.patient_id)

    def problems(self) -> dict[str, str]:
        """Patient id -> what is odd about it, without names: a mark may be read by many."""
        found: dict[str, list[str]] = defaultdict(list)
        for ids in self.of_name.values():
            if 1 < len(ids) <= MOST_IDS:
                for one in ids:
                    others = ", ".join(sorted(ids - {one}))
                    found[one].append(f"the same name and birth date have the patient id {others} as well")
        for patient, identities in self.of_id.items():
            differing = [
                what
                for place, what in enumerate(("names", "birth dates", "sexes"))
                if _differ([identity[place] for identity in identities if identity[place]], place == 0)
            ]
            if differing:
                found[patient].append(f"images with the patient id {patient} have different {' and '.join(differing)}")
        return {patient: "; ".join(texts) for patient, texts in found.items()}


def _plain(name: str) -> str:
    return " ".join(name.replace("^", " ").replace("=", " ").upper().split())


def _differ(values: Sequence[str], names: bool) -> bool:
    if not names:
        return len(set(values)) > 1
    # A middle name or a title more is the same name.
    words = [set(value.split()) for value in set(values)]
    return any(not (a <= b or b <= a) for n, a in enumerate(words) for b in words[n + 1 :])


def copies(members: Sequence[Member]) -> dict[str, dict[str, str]]:
    """uid -> rule -> what, and the :data:`FAMILY`, for images that are copies of each other."""
    from XRayAILib.pixels.likeness import alike

    near: dict[str, list[str]] = defaultdict(list)
    same: dict[str, list[str]] = defaultdict(list)
    two: dict[str, list[str]] = defaultdict(list)
    first_of: dict[int, int] = {}
    for pair in alike([member.print for member in members]):
        first, second = members[pair.first], members[pair.second]
        low, high = sorted(_first(first_of, place) for place in (pair.first, pair.second))
        first_of[high] = low
        for one, other in ((first, second), (second, first)):
            how = f" ({pair.change})" if pair.change else ""
            alike_ones = same if one.hash and one.hash == other.hash else near
            alike_ones[one.uid].append(f"{other.path}{how}")
            if one.patient and other.patient and one.patient != other.patient:
                two[one.uid].append(f"{other.path} of the patient id {other.patient}")
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for uid in {**same, **near}:
        said = [(same[uid], "has the pixels of"), (near[uid], "looks like a copy of")]
        found[uid]["near-duplicate"] = "; ".join(f"{how} {_few(others)}" for others, how in said if others)
    for place in first_of:
        family = members[_first(first_of, place)].uid
        found[members[place].uid][FAMILY] = found[family][FAMILY] = family
    for uid, others in two.items():
        found[uid]["two-identities"] = f"the same image as {_few(others)}"
    return found


def _first(first_of: dict[int, int], place: int) -> int:
    """The first of the images that this one is a copy of, over however many copies of copies."""
    while first_of.get(place, place) != place:
        place = first_of[place]
    return place


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


@dataclass(frozen=True)
class Said:
    """What people and imports say of one image: label names, and the values of image labels."""

    labels: frozenset[str] = frozenset()
    values: frozenset[tuple[str, str]] = frozenset()

    def __or__(self, other: Said) -> Said:
        return Said(self.labels | other.labels, self.values | other.values)


def said_in(kind: str, document: str) -> Said:
    """From the kind of an author and the stored findings; what models say and what was rejected does not count."""
    if kind == AuthorKind.MODEL.value:
        return Said()
    entries = [entry for entry in json.loads(document)["objects"] if entry["status"] != Status.REJECTED.value]
    values = frozenset((entry["label"], str(entry["value"])) for entry in entries if "value" in entry)
    return Said(frozenset(entry["label"] for entry in entries), values)


def shows_other_part(header: Header) -> bool:
    """Whether the body part is one without lungs."""
    return any(word in OTHER_PARTS for word in header.body_part.upper().replace("_", " ").split())


def label_problems(header: Header, said: Said, schema: LabelSchema) -> list[str]:
    """What the labels say against view and body part."""
    chest = {label.name for label in schema if label.code is not None and label.code.value in CHEST_CODES}
    drawn = sorted(said.labels & chest)
    view = header.view.upper()
    problems = []
    if chest and shows_other_part(header):
        labels = f"it is labelled {', '.join(drawn[:MOST_NAMED])}" if drawn else "the project's labels are of the chest"
        problems.append(f"the body part is {header.body_part}, but {labels}")
    sides = sorted(name for name in drawn if schema[name].mirror in drawn)
    if view in LATERAL and sides:
        problems.append(f"the view is {header.view}, but {' and '.join(sides[:2])} are labelled, as in a frontal view")
    for label, value in sorted(said.values):
        if label == "view" and view and value and _kind(value) != _kind(view):
            problems.append(f"the view is {header.view}, but the label view says {value}")
    return problems


def _kind(view: str) -> str:
    view = view.upper()
    return "lateral" if view in LATERAL else view
