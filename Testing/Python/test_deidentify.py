"""De-identification of one data set by PS3.15 Annex E: nothing of the table survives that no option keeps."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import DataElement, Dataset, Sequence
from pydicom.dataelem import RawDataElement
from pydicom.encaps import encapsulate, generate_frames
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    RLELossless,
)

from deidentify_cases import EVERYTHING, KEY, deidentified
from XRayAILib.dicom.confidentiality import Options
from XRayAILib.dicom.deidentified_file import HeldBackError
from XRayAILib.dicom.deidentify import Deidentifier
from XRayAILib.dicom.encapsulation import ITEM
from XRayAILib.dicom.pseudonyms import KeyFileError, Pseudonyms
from XRayAILib.phantom.collection import make_phantoms


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DX of a person who does not exist."""
    return make_phantoms(tmp_path_factory.mktemp("phantom"), 1, 7, (112, 96))[0].path


@pytest.fixture
def radiograph(phantom: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the phantom with changes."""
    number = iter(range(1000))

    def write(change: Callable[[Dataset], object] = lambda _: None, **values: object) -> Path:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(phantom)
            for keyword, value in values.items():
                setattr(dataset, keyword, value)
            change(dataset)
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            path = tmp_path / f"{next(number)}.dcm"
            dataset.save_as(path)
        return path

    return write


@pytest.mark.parametrize("options", [Options(), EVERYTHING])
def test_wildcards_meta_preamble_and_trailing_bytes(
    radiograph: Callable[..., Path], tmp_path: Path, options: Options
) -> None:
    def fill(dataset: Dataset) -> None:
        block = dataset.private_block(0x0019, "CANARY CREATOR", create=True)
        block.add_new(1, "LO", "CANARY private")
        block.add_new(2, "SQ", Sequence([Dataset()]))
        item = Dataset()
        item.private_block(0x0021, "CANARY NESTED", create=True).add_new(1, "PN", "CANARY^Nested")
        dataset.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [item]
        for group in (0x6000, 0x6002, 0x601E):
            dataset[group << 16 | 0x3000] = DataElement(group << 16 | 0x3000, "OW", b"CANARY overlay..")
            dataset[group << 16 | 0x4000] = DataElement(group << 16 | 0x4000, "LT", "CANARY comment")
            dataset[group << 16 | 0x0022] = DataElement(group << 16 | 0x0022, "LO", "Overlay")
        for element in (0x0005, 0x0010, 0x0030, 0x3000):
            dataset[0x50020000 | element] = DataElement(0x50020000 | element, "LO", "CANARY curve")
        dataset[0x00089999] = DataElement(0x00089999, "LO", "CANARY unheard of")
        dataset[0xFFFCFFFC] = DataElement(0xFFFCFFFC, "OB", b"CANARY padding..")
        dataset.file_meta.SourceApplicationEntityTitle = "CANARYAE"
        dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
        dataset.file_meta.PrivateInformation = b"CANARY meta."
        dataset.preamble = b"CANARY".ljust(128, b"\1")

    path = radiograph(fill)
    path.write_bytes(path.read_bytes() + b"\xfc\xff\xfe\xffLO\x06\0CANARY")
    out = tmp_path / "out" / deidentified(path, tmp_path / "out", options).path
    data = out.read_bytes()
    assert b"CANARY" not in data
    assert data[:132] == b"\0" * 128 + b"DICM"
    written = pydicom.dcmread(out)
    assert not [e for e in written.iterall() if e.tag.is_private or 0x5000 <= e.tag.group < 0x5100]
    assert {int(e.tag) for e in written.file_meta} == {
        *(0x00020000, 0x00020001, 0x00020002, 0x00020003),
        *(0x00020010, 0x00020012, 0x00020013),
    }


def test_a_file_says_what_was_done_to_it(radiograph: Callable[..., Path], tmp_path: Path) -> None:
    basic = pydicom.dcmread(tmp_path / deidentified(radiograph(), tmp_path, Options(dates="remove")).path)
    assert basic.PatientIdentityRemoved == "YES" and basic.DeidentificationMethod
    assert basic.LongitudinalTemporalInformationModified == "REMOVED"
    assert [code.CodeValue for code in basic.DeidentificationMethodCodeSequence] == ["113100"]
    every = (
        Deidentifier(Pseudonyms(KEY), EVERYTHING).deidentify(pydicom.dcmread(radiograph()), pixels_clean=True).dataset
    )
    assert every.BurnedInAnnotation == "NO"
    assert every.LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert [code.CodeValue for code in every.DeidentificationMethodCodeSequence] == [
        *("113100", "113101", "113103", "113105", "113106", "113108", "113109", "113110", "113112")
    ]
    assert {code.CodingSchemeDesignator for code in every.DeidentificationMethodCodeSequence} == {"DCM"}


def test_text_that_says_it_is_burned_in_holds_the_file_back(radiograph: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(HeldBackError, match="BurnedInAnnotation YES"):
        deidentified(radiograph(BurnedInAnnotation="YES"), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.dcm"))


def test_uids_are_keyed_valid_and_the_same_everywhere(radiograph: Callable[..., Path], tmp_path: Path) -> None:
    def refer(dataset: Dataset) -> None:
        reference = Dataset()
        reference.ReferencedSOPClassUID = dataset.SOPClassUID
        reference.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
        dataset.SourceImageSequence = [reference]
        dataset.FrameOfReferenceUID = "1.2.840.10008.1.4.1.1"  # a well-known one names no patient
        dataset.MultiFrameSourceSOPInstanceUID = dataset.SOPInstanceUID  # which the table forgot

    path = radiograph(refer)
    before = pydicom.dcmread(path)
    made = deidentified(path, tmp_path / "one")
    after = pydicom.dcmread(tmp_path / "one" / made.path)
    assert after.SOPInstanceUID != before.SOPInstanceUID
    assert after.SOPInstanceUID == after.file_meta.MediaStorageSOPInstanceUID
    assert after.SOPInstanceUID == after.SourceImageSequence[0].ReferencedSOPInstanceUID
    assert after.SOPInstanceUID == after.MultiFrameSourceSOPInstanceUID
    assert after.FrameOfReferenceUID == before.FrameOfReferenceUID
    assert after.SOPClassUID == before.SOPClassUID
    for uid in (after.SOPInstanceUID, after.StudyInstanceUID, after.SeriesInstanceUID):
        assert re.fullmatch(r"2\.25\.[1-9]\d{35,38}", uid) and int(uid[5:]) < 1 << 128
    again = deidentified(path, tmp_path / "two")
    assert (tmp_path / "two" / again.path).read_bytes() == (tmp_path / "one" / made.path).read_bytes()
    other = Deidentifier(Pseudonyms(b"another key, also long enough")).apply(pydicom.dcmread(path))
    assert other.SOPInstanceUID != after.SOPInstanceUID and other.PatientID != after.PatientID
    assert other.file_meta.MediaStorageSOPInstanceUID == other.SOPInstanceUID
    assert Deidentifier(Pseudonyms(KEY)).apply(pydicom.dcmread(path)).SOPInstanceUID == after.SOPInstanceUID


def test_dates_move_together_and_keep_their_precision(radiograph: Callable[..., Path], tmp_path: Path) -> None:
    values = {
        "StudyDate": "20240301",
        "SeriesDate": "20240302",
        "AcquisitionDate": "2024.03.05",  # as ACR-NEMA had it
        "AcquisitionDateTime": "20240301101112.5+0100",
        "InstanceCoercionDateTime": "202403",
        "DateOfSecondaryCapture": "yesterday",
        "StudyTime": "101112",
        "PatientBirthDate": "19500101",
    }
    made = deidentified(radiograph(**values), tmp_path / "out")
    after = pydicom.dcmread(tmp_path / "out" / made.path)
    assert 1 <= made.source.days <= 3650
    day = pydicom.valuerep.DA
    assert (day("20240301") - day(after.StudyDate)).days == made.source.days
    assert (day(after.SeriesDate) - day(after.StudyDate)).days == 1
    assert (day(after.AcquisitionDate) - day(after.StudyDate)).days == 4
    assert after.AcquisitionDateTime == f"{after.StudyDate}101112.5+0100"
    assert len(after.InstanceCoercionDateTime) == 6
    assert "DateOfSecondaryCapture" not in after
    assert after.StudyTime == "101112"
    assert after.PatientBirthDate == ""


NAMES = {
    "ISO_IR 100": "Müller-Lüdenscheidt^Jürgen",
    "ISO_IR 192": "Ибрагимов^Ырыскелди",
    "GB18030": "Wang^XiaoDong=王^小东先生",
    "ISO 2022 IR 6\\ISO 2022 IR 87": "Yamada^Tarou=山田太郎丸^太郎=やまだまる^たろう",
    "ISO 2022 IR 6\\ISO 2022 IR 149": "Hong^Gildong=洪吉洞氏^吉洞=홍길동님^길동",
}


@pytest.mark.parametrize("character_set", NAMES)
def test_names_of_all_character_sets_are_taken_away_and_found(
    radiograph: Callable[..., Path], tmp_path: Path, character_set: str
) -> None:
    name = NAMES[character_set]
    values = {"SpecificCharacterSet": character_set.split("\\"), "PatientName": name}
    out = tmp_path / "out" / deidentified(radiograph(**values), tmp_path / "out").path
    assert pydicom.dcmread(out).PatientName == pydicom.dcmread(out).PatientID
    # The same name in an attribute that the table keeps, in the file's own encoding, is found in the bytes.
    with pytest.raises(HeldBackError, match=r"PatientName.*Manufacturer"):
        deidentified(radiograph(**values, Manufacturer=name), tmp_path / "out2")


LEFTOVERS = [
    ({"PatientName": "Featherstone^Ann"}, {"SoftwareVersions": "build of dr.FEATHERSTONE"}),
    ({"PatientName": "Featherstone^Annabel"}, {"Manufacturer": "for annabel featherstone"}),
    ({"PatientID": "MRN-0081726"}, {"Manufacturer": "unit 0081726"}),
    ({"PatientID": "MRN 08-1726"}, {"Manufacturer": "unit 081726"}),
    ({"PatientBirthDate": "19620317"}, {"DetectorDescription": "of 3/17/62"}),
    ({"AccessionNumber": "A77120"}, {"GridAbsorbingMaterial": "see a77120"}),
    ({"PatientBirthDate": "19620317"}, {"DetectorDescription": "born 17.03.1962"}),
    ({"PatientBirthDate": "19620317"}, {"DetectorDescription": "17 March 1962"}),
    ({"PatientBirthDate": "19620317"}, {"DetectorMode": "1962-03-17"}),
    ({"PatientAddress": "12 Elm Street, Springfield"}, {"DetectorDescription": "from springfield"}),
    ({"PatientTelephoneNumbers": "(555) 123-4567"}, {"DetectorDescription": "call 5551234567"}),
    ({"InstitutionName": "Mercy Hospital"}, {"SoftwareVersions": "made for Mercy Hospital"}),
]


@pytest.mark.parametrize(("identity", "place"), LEFTOVERS, ids=lambda value: next(iter(value)))
def test_what_is_left_in_other_attributes_holds_the_file_back(
    radiograph: Callable[..., Path], tmp_path: Path, identity: dict[str, str], place: dict[str, str]
) -> None:
    (attribute,), (where,) = identity, place
    with pytest.raises(HeldBackError, match=rf"{attribute}.*{where}"):
        deidentified(radiograph(**identity, **place), tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    # The way out: remove that attribute as well.
    made = deidentified(radiograph(**identity, **place), tmp_path / "out", Options(remove=(where,)))
    assert pydicom.dcmread(tmp_path / "out" / made.path).get(where, "") == ""


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_what_is_left_in_binary_attributes_holds_the_file_back(
    radiograph: Callable[..., Path], tmp_path: Path, encoding: str
) -> None:
    profile = "...Featherstone....".encode(encoding)
    with pytest.raises(HeldBackError, match=r"PatientName.*ICCProfile"):
        deidentified(radiograph(PatientName="Featherstone^A", ICCProfile=profile), tmp_path / "out")


@pytest.mark.parametrize(
    "values",
    [
        {"PatientName": "CHEST^PA", "PatientID": "CHEST", "BodyPartExamined": "CHEST"},
        {"PatientName": "Hand^Peter", "BodyPartExamined": "HAND"},
        {"StudyID": "2024", "SoftwareVersions": "V2024.1", "ExposureIndex": "2024"},
        {"PatientID": "1000", "DistanceSourceToDetector": "1000"},
        {"InstitutionName": "Siemens", "Manufacturer": "Siemens Healthineers"},
        {"PatientName": "ANONYMOUS", "Manufacturer": "Anonymous Inc"},
        {"PatientID": "2.25.", "AccessionNumber": "113100"},
        {"PatientName": "YES^Basic", "PatientID": "X-Ray AI"},
    ],
    ids=lambda values: ", ".join(map(str, values.values())),
)
def test_what_is_the_same_by_chance_is_no_leak(
    radiograph: Callable[..., Path], tmp_path: Path, values: dict[str, str]
) -> None:
    assert deidentified(radiograph(**values), tmp_path / "out").path.name.startswith("image-")


def test_descriptions_keep_plain_words_only(radiograph: Callable[..., Path], tmp_path: Path) -> None:
    path = radiograph(
        PatientName="Long^Ann",
        StudyDescription="Chest PA, lateral: Ann Long 12.03.1971 3/4/71 Dr. Smith",
        SeriesDescription="Featherstone",
        ProtocolName="Thorax_pa, 2 views",
    )
    made = deidentified(path, tmp_path / "out", Options(clean_descriptors=True))
    after = pydicom.dcmread(tmp_path / "out" / made.path)
    assert after.StudyDescription == "Chest PA lateral"
    assert "SeriesDescription" not in after
    assert after.ProtocolName == "Thorax pa 2 views"


def test_codes_of_the_standard_schemes_stay_where_descriptions_are_cleaned(
    radiograph: Callable[..., Path], tmp_path: Path
) -> None:
    def code(value: str, scheme: str, meaning: str) -> Dataset:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        return item

    reasons = [code("233604007", "SCT", "Pneumonia of Ann"), code("WARD7", "99HOSPITAL", "Ward of Dr. Smith")]
    path = radiograph(ReasonForVisitCodeSequence=reasons)
    made = deidentified(path, tmp_path / "out", Options(clean_descriptors=True))
    standard, own = pydicom.dcmread(tmp_path / "out" / made.path).ReasonForVisitCodeSequence
    assert (standard.CodeValue, standard.CodingSchemeDesignator, standard.CodeMeaning) == (
        "233604007",
        "SCT",
        "Pneumonia of",
    )
    assert (own.CodeValue, own.CodingSchemeDesignator) == ("REMOVED", "REMOVED")


def test_names_that_the_table_forgot(radiograph: Callable[..., Path], tmp_path: Path) -> None:
    path = radiograph(PatientBirthDateInAlternativeCalendar="Heisei 3", EvaluatorName="Featherstone^E")
    after = pydicom.dcmread(tmp_path / deidentified(path, tmp_path).path)
    assert "PatientBirthDateInAlternativeCalendar" not in after
    assert not after.get("EvaluatorName")


def test_sequences_of_unknown_representation_are_looked_into(radiograph: Callable[..., Path], tmp_path: Path) -> None:
    item = b"\x10\x00\x10\x00" + struct.pack("<I", 12) + b"Featherstone"  # implicit VR, as PS3.5 6.2.2 has it
    value = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(item)) + item
    element = RawDataElement(Tag(0x00082218), "UN", len(value), value, 0, False, True)
    path = radiograph(lambda dataset: dataset.__setitem__(element.tag, element))
    out = tmp_path / "out" / deidentified(path, tmp_path / "out").path
    assert b"Featherstone" not in out.read_bytes()


def test_deep_nesting_and_damage_are_told(radiograph: Callable[..., Path], tmp_path: Path) -> None:
    from scan_cases import nested
    from XRayAILib.dicom.errors import UnreadableError

    with pytest.raises(UnreadableError, match="nested too deeply"):
        deidentified(nested(tmp_path / "deep.dcm", 5000, undefined=True), tmp_path / "out")
    whole = radiograph()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(UnreadableError, match="cut off"):
        deidentified(cut, tmp_path / "out")

    def forty(dataset: Dataset) -> None:
        inner = dataset.AnatomicRegionSequence[0]
        for _ in range(40):
            inner.AnatomicRegionModifierSequence = [Dataset()]
            inner = inner.AnatomicRegionModifierSequence[0]
        inner.PatientName = "Featherstone^A"

    out = tmp_path / "out" / deidentified(radiograph(forty), tmp_path / "out").path
    assert b"Featherstone" not in out.read_bytes()


def _real_files(test_data: Path, real_crs: list[Path]) -> list[Path]:
    return [*sorted((test_data / "dicom").rglob("*.dcm")), *real_crs]


def test_pixels_stay_as_they_are(test_data: Path, real_crs: list[Path], tmp_path: Path) -> None:
    for number, path in enumerate(_real_files(test_data, real_crs)):
        out = tmp_path / str(number)
        after = pydicom.dcmread(out / deidentified(path, out).path)
        before = pydicom.dcmread(path)
        assert after.get("PixelData") == before.get("PixelData"), path.name
        assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID


@pytest.mark.parametrize("signed", [0, 1])
def test_what_pixel_data_holds_beside_the_image_is_taken_away(
    radiograph: Callable[..., Path], tmp_path: Path, signed: int
) -> None:
    """Bytes behind the last pixel, and an old overlay in the bits above the stored ones."""
    images = []

    def hide(dataset: Dataset) -> None:
        values = np.frombuffer(dataset.PixelData, "<u2") % 4096
        if signed:  # negative ones carry their sign up to the highest bit
            values = (values.astype("<i2") << 4 >> 4).view("<u2")
        images.append(values.tobytes())
        drawn = values.copy()
        drawn[::3] ^= 0x8000
        dataset.PixelData = drawn.tobytes() + b"written by a device that never forgets "
        dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = signed, 12, 11
        dataset.add_new(0x60000010, "US", dataset.Rows)
        dataset.add_new(0x60000011, "US", dataset.Columns)
        dataset.add_new(0x60000100, "US", 16)
        dataset.add_new(0x60000102, "US", 15)

    made = deidentified(radiograph(hide), tmp_path / "out")
    after = pydicom.dcmread(tmp_path / "out" / made.path)
    assert after.PixelData == images[-1] and (0x6000, 0x0010) not in after


def test_pixel_data_of_more_images_than_the_header_says_is_held_back(
    radiograph: Callable[..., Path], tmp_path: Path
) -> None:
    path = radiograph(lambda dataset: setattr(dataset, "Rows", dataset.Rows // 2))
    with pytest.raises(HeldBackError, match="NumberOfFrames need"):
        deidentified(path, tmp_path / "out")


@pytest.mark.parametrize("place", ["offset table", "behind the last segment"])
def test_identity_beside_compressed_pixels_holds_the_file_back(
    radiograph: Callable[..., Path], tmp_path: Path, place: str
) -> None:
    name = b"Featherstone"

    def hide(dataset: Dataset) -> None:
        dataset.PatientName = name.decode()
        dataset.compress(RLELossless)
        (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
        if place == "offset table":
            dataset.PixelData = ITEM + struct.pack("<I", len(name)) + name + encapsulate([frame], has_bot=False)[8:]
        else:
            dataset.PixelData = encapsulate([frame + name])

    with pytest.raises(HeldBackError, match="PatientName"):
        deidentified(radiograph(hide), tmp_path / "out")


def test_an_overlay_within_compressed_pixels_holds_the_file_back(
    radiograph: Callable[..., Path], tmp_path: Path
) -> None:
    def hide(dataset: Dataset) -> None:
        dataset.compress(RLELossless)
        dataset.add_new(0x60000100, "US", 16)

    with pytest.raises(HeldBackError, match="overlay"):
        deidentified(radiograph(hide), tmp_path / "out")


def test_a_deflated_file_comes_out_plain(phantom: Path, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(phantom)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "deflated.dcm")
    after = pydicom.dcmread(tmp_path / deidentified(tmp_path / "deflated.dcm", tmp_path).path)
    assert after.PixelData == dataset.PixelData and after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed")
@pytest.mark.parametrize("options", [Options(dates="remove"), Options(), EVERYTHING], ids=["basic", "shift", "all"])
def test_dciodvfy_finds_no_error_that_was_not_there(
    test_data: Path, real_crs: list[Path], phantom: Path, tmp_path: Path, options: Options
) -> None:
    def errors(path: Path) -> set[str]:
        told = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False)
        lines = (told.stdout + told.stderr).decode("latin-1").splitlines()
        # Without the values, which are others now.
        return {re.sub(r"<[^>]*>|= ?'.*", "", line) for line in lines if line.startswith("Error")}

    assert errors(test_data / "dicom" / "RG1_J2KI.dcm"), "dciodvfy finds something in this file"
    for number, path in enumerate([*_real_files(test_data, real_crs), phantom]):
        out = tmp_path / str(number)
        assert errors(out / deidentified(path, out, options).path) - errors(path) == set(), path.name


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pseudonyms.key"
    name = Pseudonyms.read(path).patient("someone")
    assert Pseudonyms.read(path).patient("someone") == name
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Pseudonyms.read(path)
    path.chmod(0o600)
    path.write_text("not a key")
    with pytest.raises(KeyFileError, match="damaged"):
        Pseudonyms.read(path)
