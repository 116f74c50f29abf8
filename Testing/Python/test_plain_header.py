"""The quick way to a header gives what pydicom gives, on every file; what it does not know it leaves to pydicom."""

import random
from pathlib import Path

import pydicom
import pytest

from scan_cases import changed
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import parsed_headers, quick_headers
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.picture import read_picture_header

PYDICOM = Path(pydicom.__file__).parent / "data"


def outcome(read, path: Path) -> list[Header] | str | None:  # type: ignore[no-untyped-def]
    try:
        return read(path)
    except UnreadableError as error:
        return error.reason


def same(paths: list[Path]) -> int:
    """How many were read quickly, all of them with the same outcome as by pydicom."""
    quick = 0
    for path in paths:
        found = outcome(quick_headers, path)
        if found is not None:
            assert found == outcome(parsed_headers, path), path
            quick += 1
    return quick


def test_every_file_that_pydicom_brings() -> None:
    paths = [path for path in sorted(PYDICOM.rglob("*")) if path.suffix in (".dcm", "") and path.is_file()]
    assert len(paths) > 100 and same(paths) > 0.8 * len(paths)


def test_every_real_radiograph_is_read_quickly(test_data: Path, real_crs: list[Path]) -> None:
    paths = [*sorted((test_data / "dicom").iterdir()), *real_crs]
    assert same(paths) == len(paths)


def test_damage_gives_the_same_headers_or_the_same_reason(real_crs: list[Path], tmp_path: Path) -> None:
    chance, path, paths = random.Random(7), tmp_path / "a.dcm", 0
    data = real_crs[0].read_bytes()
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 3))):
            damaged[chance.randrange(132, 1600)] = chance.randrange(256)
        if chance.random() < 0.2:
            del damaged[chance.randrange(200, len(damaged)) :]
        path.write_bytes(damaged)
        paths += same([path])
    assert paths > 30, "enough of them were read the quick way at all"


@pytest.mark.parametrize(
    ("charset", "name"),
    [("ISO_IR 100", "Müller^Jürgen"), ("ISO_IR 192", "Ωμέγα^Ελένη"), ("ISO_IR 144", "Люкceмбypг"), ("", "Smith^John")],
)
def test_names_in_other_alphabets(charset: str, name: str, real_crs: list[Path], tmp_path: Path) -> None:
    def rename(dataset: pydicom.Dataset) -> None:
        dataset.SpecificCharacterSet, dataset.PatientName = charset, name

    path = changed(real_crs[0], tmp_path / "a.dcm", rename)
    (header,) = quick_headers(path) or parsed_headers(path)
    assert header.patient_name == name
    assert (quick_headers(path) is None) == (charset == "ISO_IR 144")
    same([path])


def test_implicit_vr_and_long_private_elements(real_crs: list[Path], tmp_path: Path) -> None:
    def stuff(dataset: pydicom.Dataset) -> None:
        dataset.private_block(0x0009, "BIG", create=True).add_new(1, "OB", bytes(300_000))

    long = changed(real_crs[0], tmp_path / "long.dcm", stuff)
    dataset = pydicom.dcmread(real_crs[0])
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    dataset.save_as(tmp_path / "implicit.dcm", implicit_vr=True, little_endian=True)
    assert same([long, tmp_path / "implicit.dcm"]) == 2


def test_pngs_without_a_decoder(test_data: Path) -> None:
    for folder in ("chest-classification", "chest-boxes", "cephalometric-landmarks"):
        for path in sorted((test_data / folder / "images").glob("*.png"))[:10]:
            assert quick_headers(path) == [read_picture_header(path)]
