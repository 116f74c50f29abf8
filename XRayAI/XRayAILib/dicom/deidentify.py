"""De-identification of a data set by PS3.15 Annex E.

::

    deidentifier = Deidentifier(Pseudonyms.read(Path("private/pseudonyms.key")), Options(keep_patient=True))
    dataset = deidentifier.apply(pydicom.dcmread("image.dcm"))

The rules are in :mod:`XRayAILib.dicom.confidentiality`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from XRayAILib.dicom.attribute_types import attribute_types
from XRayAILib.dicom.confidentiality import CLEAN, DRAWN, SHIFT, WALK, Actions, Options
from XRayAILib.dicom.dates import shifted
from XRayAILib.dicom.dummies import dummy, even
from XRayAILib.dicom.identity import Identity
from XRayAILib.dicom.markers import file_meta, stand_in, statement
from XRayAILib.dicom.plain_dataset import raw_element, read_items, write_items
from XRayAILib.dicom.plain_header import NotPlainError
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.dicom.vocabulary import cleaned

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset
    from pydicom.dataelem import RawDataElement

PATIENT_NAME, PATIENT_ID, BIRTH_DATE = 0x00100010, 0x00100020, 0x00100030
CHARACTER_SET, SOP_CLASS = 0x00080005, 0x00080016
CODING_SCHEME = 0x00080102
CODE = frozenset((0x00080100, CODING_SCHEME, 0x00080103))
STANDARD_SCHEMES = frozenset(("CPT4", "DCM", "FMA", "I10", "I9C", "LN", "NCIt", "RADLEX", "SCT", "SRT", "UCUM", "UMLS"))
STANDARD_ROOT = "1.2.840.10008."
TEXTS = frozenset(("LO", "LT", "SH", "ST", "UC", "UT", "PN", "UR"))


@dataclass(frozen=True)
class Deidentified:
    """What came of a data set.

    Attributes
    ----------
    dataset
        The data set that was given, de-identified.
    sop_class
        Its class.
    encodings
        Those of its text, by Python's names.
    identity
        The values that were taken out.
    made
        The values that were put in, as bytes without padding.
    patient, name, days
        Who it was as the key has it, their pseudonym, and by how many days dates were moved back.
    uids
        Study, series and instance: (old, new).
    """

    dataset: Dataset
    sop_class: str
    encodings: tuple[str, ...]
    identity: Identity
    made: frozenset[bytes]
    patient: str
    name: str
    days: int
    uids: tuple[tuple[str, str], ...]


class Deidentifier:
    """Applies the profile with its options; the same key gives the same pseudonyms, UIDs and days."""

    def __init__(self, pseudonyms: Pseudonyms, options: Options | None = None) -> None:
        self.pseudonyms = pseudonyms
        self.options = options or Options()
        self._actions: dict[int | None, Actions] = {}

    def apply(self, dataset: Dataset) -> Dataset:
        """De-identify ``dataset`` itself, which is returned; its preamble and File Meta too."""
        result = self.deidentify(dataset)
        if hasattr(dataset, "file_meta"):
            syntax = str(dataset.file_meta.get("TransferSyntaxUID") or "")
            dataset.file_meta = file_meta(result.sop_class, result.uids[2][1], syntax)
            dataset.preamble = b"\0" * 128  # type: ignore[attr-defined]
        return dataset

    def deidentify(self, dataset: Dataset, pixels_clean: bool = False) -> Deidentified:
        """De-identify ``dataset`` itself, and tell what was done.

        Parameters
        ----------
        pixels_clean
            Somebody made sure that no identity is visible in the pixels: the option Clean Pixel Data was carried out.
        """
        return _Pass(self, dataset).run(pixels_clean)

    def actions(self, sop_class: str | None) -> Actions:
        """What becomes of each attribute of a class; ``None`` for the items of a sequence."""
        types = attribute_types(sop_class) if sop_class else None
        key = id(types) if types is not None else None
        if key not in self._actions:
            self._actions[key] = Actions(self.options, types)
        return self._actions[key]

    @property
    def basic(self) -> Actions:
        """The Basic Profile for what nothing is known of."""
        if -1 not in self._actions:
            self._actions[-1] = Actions(Options(dates="remove"), None)
        return self._actions[-1]


def patient_key(patient_id: str, name: str, birth_date: str, study_uid: str) -> str:
    """Who the patient is for pseudonyms: the id, else name and birth date, else whoever was in this study."""
    if patient_id:
        return patient_id
    return f"{name}/{birth_date}" if name else study_uid


def text_of(dataset: Dataset, tag: int) -> str:
    r"""A value of plain letters and digits, several separated by ``\\``, without making an object of its element."""
    if tag not in dataset:
        return ""
    value = dataset.get_item(tag).value  # type: ignore[union-attr]
    if isinstance(value, bytes):
        return value.decode("latin-1").strip("\0 ")
    return "\\".join(map(str, value)) if _several(value) else str(value or "")  # type: ignore[call-overload]


class _Pass:
    """One data set on its way."""

    def __init__(self, deidentifier: Deidentifier, dataset: Dataset) -> None:
        self._deidentifier = deidentifier
        self._dataset = dataset
        self._encodings = _encodings(text_of(dataset, CHARACTER_SET))
        self._pseudonyms = deidentifier.pseudonyms
        self._options = deidentifier.options
        self._identity = Identity(self._encodings)
        self._made: set[bytes] = set()
        self._uids = {tag: self._text_at(tag) for tag in (0x0020000D, 0x0020000E, 0x00080018)}
        study = self._uids[0x0020000D] or self._uids[0x00080018]
        person = [self._text_at(tag) for tag in (PATIENT_ID, PATIENT_NAME, BIRTH_DATE)]
        self.patient = patient_key(person[0], person[1], person[2], study)
        self._names = _words_of(person[1])
        self.name = self._pseudonyms.patient(self.patient)
        self.days = self._pseudonyms.days(self.patient)

    def run(self, pixels_clean: bool) -> Deidentified:
        dataset = self._dataset
        sop_class = text_of(dataset, SOP_CLASS)
        self._walk(dataset, self._deidentifier.actions(sop_class))
        implicit, little = dataset.original_encoding
        self._name_patient(implicit if little else None)
        for element in statement(self._options, pixels_clean, implicit if little else None):
            dataset[element.tag] = element
        kept = self._options.keep_uids
        uids = tuple((old, old if kept else self._new_uid(old)) for old in self._uids.values())
        days = self.days if self._options.dates == "shift" else 0
        made = frozenset(self._made)
        return Deidentified(
            dataset, sop_class, self._encodings, self._identity, made, self.patient, self.name, days, uids
        )

    def _name_patient(self, implicit: bool | None) -> None:
        """The pseudonym where the file named nobody: both attributes are type 2, and a series of nobody's is no use."""
        from pydicom import DataElement

        for tag, vr in ((PATIENT_NAME, "PN"), (PATIENT_ID, "LO")):
            if tag not in self._dataset:
                self._dataset[tag] = (
                    DataElement(tag, vr, self.name)
                    if implicit is None
                    else raw_element(tag, vr, even(self.name.encode("ascii")), implicit)
                )

    def _walk(self, dataset: Dataset, actions: Actions, unlisted: str = WALK) -> None:
        for element in list(dataset.values()):
            tag = element.tag
            action = actions[tag]
            if action == WALK:
                if _is_sequence(element):
                    self._items(dataset, element, unlisted)
                elif unlisted != WALK and _vr(element) in TEXTS:
                    self._text_within(dataset, element, unlisted)
            elif action == "X":
                self._take(dataset, element, actions)
                del dataset[tag]
            elif _is_sequence(element):
                self._sequence(dataset, element, actions, action)
            else:
                self._value(dataset, element, actions, action)

    def _sequence(self, dataset: Dataset, element: DataElement | RawDataElement, actions: Actions, action: str) -> None:
        stands_in = stand_in(element.tag, _items_of(dataset, element)) if action == "D" else None
        if action == "Z" or stands_in is not None:
            self._take(dataset, element, actions)
            dataset[element.tag] = _sequence_of(element.tag, stands_in or [])
        else:
            self._items(dataset, element, {"D": "D", DRAWN: CLEAN, CLEAN: CLEAN}.get(action, WALK))

    def _items(self, dataset: Dataset, element: DataElement | RawDataElement, unlisted: str) -> None:
        items = _plain_items(element)
        for item in items if items is not None else _items_of(dataset, element):
            self._walk(item, self._deidentifier.actions(None), unlisted)
        if items is not None:
            value = write_items(items, _names_no_vr(element), self._encodings)
            dataset[element.tag] = element._replace(value=value, length=len(value))  # type: ignore[union-attr]

    def _text_within(self, dataset: Dataset, element: DataElement | RawDataElement, action: str) -> None:
        """Text that the table does not list, within a sequence that it does."""
        if action == CLEAN and element.tag in CODE and text_of(dataset, CODING_SCHEME) in STANDARD_SCHEMES:
            return  # what such a code means is the same everywhere; its meaning is text and cleaned
        if action == CLEAN:
            self._clean(dataset, element, "D")
        else:
            self._put(dataset, element, dummy(_vr(element)))

    def _value(self, dataset: Dataset, element: DataElement | RawDataElement, actions: Actions, action: str) -> None:
        tag, vr = element.tag, _vr(element)
        if action == "K":
            return
        if action == CLEAN:
            self._clean(dataset, element, self._deidentifier.basic[tag])
            return
        text = self._text(element, vr)
        self._identity.add(tag, vr, text)
        if tag in (PATIENT_NAME, PATIENT_ID):
            self._put(dataset, element, self.name.encode("ascii"))
        elif action == "U":
            self._put(dataset, element, "\\".join(self._new_uid(uid) for uid in text.split("\\")).encode("ascii"))
        elif action == SHIFT and vr in ("DA", "DT", "TM"):
            moved = shifted(text, vr, self.days)
            if moved or not text:
                self._put(dataset, element, moved.encode("ascii"))
            else:  # not a date, so it cannot be moved
                self._settle(dataset, element, actions)
        elif action == SHIFT:
            self._settle(dataset, element, actions)
        elif action == "D":
            self._put(dataset, element, dummy(vr))
        else:
            self._put(dataset, element, b"")

    def _settle(self, dataset: Dataset, element: DataElement | RawDataElement, actions: Actions) -> None:
        """What the Basic Profile does where an option cannot be carried out."""
        if self._deidentifier.basic[element.tag] == "X":
            del dataset[element.tag]
        elif self._deidentifier.basic[element.tag] == "Z":
            self._put(dataset, element, b"")
        else:
            self._put(dataset, element, dummy(_vr(element)))

    def _clean(self, dataset: Dataset, element: DataElement | RawDataElement, action: str) -> None:
        vr = _vr(element)
        words = cleaned(self._text(element, vr) if vr in TEXTS else "", self._names)
        if words:
            self._put(dataset, element, words.encode("ascii"))
        elif action == "X":
            del dataset[element.tag]
        else:
            self._put(dataset, element, b"" if action == "Z" else dummy(vr))

    def _put(self, dataset: Dataset, element: DataElement | RawDataElement, value: bytes) -> None:
        vr = _vr(element)
        self._made.add(value.strip(b" "))
        value = even(value, b"\0" if vr in ("UI", "OB", "UN") else b" ")
        if element.is_raw:
            dataset[element.tag] = element._replace(value=value, length=len(value))  # type: ignore[union-attr]
            return
        from pydicom import DataElement

        in_text = vr in TEXTS or vr in ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI")
        shown: Any = value.decode("ascii").rstrip(" \0") if in_text else value
        dataset[element.tag] = DataElement(element.tag, vr, shown if value or in_text else None)

    def _take(self, dataset: Dataset, element: DataElement | RawDataElement, actions: Actions) -> None:
        """Remember what an element that is going to be removed says of the patient, deep inside as well."""
        if element.tag >> 16 & 1:
            return
        if not _is_sequence(element):
            vr = _vr(element)
            self._identity.add(element.tag, vr, self._text(element, vr))
            return
        items = _plain_items(element)
        for item in items if items is not None else _items_of(dataset, element):
            nested = self._deidentifier.actions(None)
            for inner in list(item.values()):
                if nested[inner.tag] not in (WALK, "K") or _is_sequence(inner):
                    self._take(item, inner, nested)

    def _new_uid(self, uid: str) -> str:
        uid = uid.strip("\0 ")
        if not uid or uid.startswith(STANDARD_ROOT):
            return uid
        return self._pseudonyms.uid(uid)

    def _text_at(self, tag: int) -> str:
        if tag not in self._dataset:
            return ""
        element = self._dataset.get_item(tag)
        return self._text(element, _vr(element)).strip("\0 ")

    def _text(self, element: DataElement | RawDataElement, vr: str) -> str:
        value = element.value
        if not isinstance(value, bytes):
            return "" if value is None else "\\".join(map(str, value)) if _several(value) else str(value)
        if value.isascii():
            return value.decode("ascii") if b"\x1b" not in value else _decoded(value, vr, self._encodings)
        return _decoded(value, vr, self._encodings)


def _words_of(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", name.lower()))


def _several(value: object) -> bool:
    from pydicom.multival import MultiValue

    return isinstance(value, MultiValue | list | tuple)


def _decoded(value: bytes, vr: str, encodings: Sequence[str]) -> str:
    import warnings

    from pydicom.charset import decode_bytes
    from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return decode_bytes(value, list(encodings), PN_DELIMS if vr == "PN" else TEXT_VR_DELIMS)
        except (UnicodeError, LookupError):  # the file is wrong about its character set
            return value.decode("latin-1")


@lru_cache(maxsize=100)
def _encodings(character_set: str) -> tuple[str, ...]:
    """Python's names for a value of Specific Character Set."""
    import warnings

    from pydicom.charset import convert_encodings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a set that nobody knows is taken for the default one
        return tuple(convert_encodings(character_set.split("\\") if character_set else "ISO_IR 6"))


@cache
def _dictionary_vr(tag: int) -> str:
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    # Of several representations that the dictionary allows the first; which one does not matter for what is binary.
    return dictionary_VR(tag)[:2] if dictionary_has_tag(tag) else "UN"


def _vr(element: DataElement | RawDataElement) -> str:
    vr = element.VR
    return _dictionary_vr(element.tag) if vr is None or vr == "UN" else vr


def _is_sequence(element: DataElement | RawDataElement) -> bool:
    return element.VR == "SQ" or (element.VR in (None, "UN") and _dictionary_vr(element.tag) == "SQ")


def _plain_items(element: DataElement | RawDataElement) -> list[Dataset] | None:
    """The items of a sequence that is raw still, where it does not take pydicom to read them."""
    if not element.is_raw or not element.is_little_endian:  # type: ignore[union-attr]
        return None
    try:
        return read_items(element.value or b"", _names_no_vr(element))
    except NotPlainError:
        return None


def _names_no_vr(element: DataElement | RawDataElement) -> bool:
    """Whether what is in a raw sequence is in implicit VR; in one of unknown representation it is (PS3.5 6.2.2)."""
    return element.VR == "UN" or bool(element.is_implicit_VR)  # type: ignore[union-attr]


def _items_of(dataset: Dataset, element: DataElement | RawDataElement) -> Iterable[Dataset]:
    value = dataset[element.tag].value
    return value if value is not None else ()


def _sequence_of(tag: int, items: Iterable[Dataset]) -> DataElement:
    from pydicom import DataElement, Sequence

    return DataElement(tag, "SQ", Sequence(items))
