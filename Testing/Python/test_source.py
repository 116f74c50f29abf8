"""Where the bytes are: a file, or a member of a zip archive that is read as if it were a folder."""

import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import read_header, read_radiograph
from XRayAILib.dicom.source import exists, open_source, read_start, stamp
from XRayAILib.dicom.zip_archive import RATIO, contents


def packed(archive: Path, *files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(archive, "w", method) as opened:
        for name, data in files:
            opened.writestr(name, data)
    return archive


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_radiograph_in_an_archive_is_the_same_radiograph(method: int, real_crs: list[Path], tmp_path: Path) -> None:
    data = real_crs[0].read_bytes()
    archive = packed(tmp_path / "studies.zip", ("patient/series/0001", data), method=method)
    path = archive / "patient" / "series" / "0001"
    assert exists(path) and not exists(archive / "patient" / "0002")
    assert stamp(path) == (len(data), archive.stat().st_mtime_ns)
    assert read_start(path, 200) == (data[:200], len(data))
    with open_source(path) as stream:
        assert stream.read() == data
    here, there = read_radiograph(path), read_radiograph(real_crs[0])
    assert np.array_equal(here.stored, there.stored) and here.uid == there.uid and here.header.path == str(path)
    assert [file.name for file in tmp_path.iterdir()] == ["studies.zip"]


def test_compressed_pixels_and_pictures_are_read_from_an_archive(test_data: Path, tmp_path: Path) -> None:
    jpeg, picture = test_data / "dicom" / "RG1_J2KI.dcm", test_data / "cephalometric-landmarks" / "images" / "001.png"
    archive = packed(tmp_path / "a.ZIP", ("j2k", jpeg.read_bytes()), ("001.png", picture.read_bytes()))
    for member, file in (("j2k", jpeg), ("001.png", picture)):
        assert np.array_equal(read_radiograph(archive / member).stored, read_radiograph(file).stored)


def test_a_folder_may_be_called_like_an_archive(real_crs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "unpacked.zip"
    folder.mkdir()
    (folder / "a").write_bytes(real_crs[0].read_bytes())
    assert read_header(folder / "a")[0].rows > 0 and exists(folder / "a")


def test_a_folder_in_an_archive_may_be_called_like_one_too(real_crs: list[Path], tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", ("unpacked.zip/a", real_crs[0].read_bytes()))
    assert read_header(archive / "unpacked.zip" / "a")[0].rows > 0


def test_what_would_do_harm_is_refused_with_the_reason(tmp_path: Path) -> None:
    names = ["../up", "a/../../up", "/etc/passwd", "C:/windows", "..\\up", "a\\b", "more.zip", "twice", "twice", "good"]
    with pytest.warns(UserWarning, match="twice"):
        archive = packed(tmp_path / "a.zip", *((name, b"x") for name in names))
    found = contents(archive)
    assert set(found.members) == {"twice", "good"}
    reasons = dict(found.refused)
    assert all("out of the archive" in reasons[name] for name in names[:5])
    assert "backslash" in reasons["a\\b"] and "within" in reasons["more.zip"] and "twice" in reasons["twice"]
    for name in ("../up", "more.zip"):
        assert not exists(archive / name)
        with pytest.raises(UnreadableError):
            open_source(archive / name)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros.dcm", bytes(100 << 20))
        opened.writestr("noise", np.random.default_rng(0).bytes(1 << 20))
    found = contents(tmp_path / "bomb.zip")
    assert list(found.members) == ["noise"] and "bomb" in found.refused[0][1]
    many = packed(tmp_path / "many.zip", *((f"{i}", bytes(30 << 20)) for i in range(6)))
    assert many.stat().st_size * RATIO < 180 << 20
    with pytest.raises(UnreadableError, match="bomb"):
        contents(many)


def test_a_member_gives_no_more_bytes_than_the_directory_says(tmp_path: Path) -> None:
    """What a bomb does that lies about its size: it is cut off there, and the check sum tells."""
    archive = packed(tmp_path / "liar.zip", ("a", bytes(1 << 20)))
    data = bytearray(archive.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", 1000)
    archive.write_bytes(data)
    with pytest.raises(UnreadableError, match="damaged"):
        open_source(archive / "a")


def test_encrypted_and_damaged_archives_say_so(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", ("secret", b"x" * 50), ("plain", b"y" * 50), method=zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(data)
    assert "password" in dict(contents(tmp_path / "b.zip").refused)["secret"]
    (tmp_path / "c.zip").write_bytes(data[:60])
    with pytest.raises(UnreadableError, match="table of contents is missing"):
        contents(tmp_path / "c.zip")
    (tmp_path / "d.zip").write_bytes(data.replace(b"yyyyy", b"?????", 1))
    with pytest.raises(UnreadableError, match="damaged"):
        open_source(tmp_path / "d.zip" / "plain")
    giant = bytearray(data)
    end = giant.rfind(b"PK\x05\x06")
    giant[end + 12 : end + 16] = struct.pack("<L", 1 << 31)
    (tmp_path / "e.zip").write_bytes(giant)
    with pytest.raises(UnreadableError, match="table of contents alone has 2 GB"):
        contents(tmp_path / "e.zip")


def test_damaged_archives_give_bytes_or_a_reason(tmp_path: Path) -> None:
    chance = random.Random(5)
    members = [(f"series/{number}", bytes([number]) * 400) for number in range(6)]
    data = packed(tmp_path / "whole.zip", *members).read_bytes()
    given = 0
    for number in range(300):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 4, 20))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            at = chance.randrange(len(damaged))
            del damaged[at : at + chance.randrange(60)]
        archive = tmp_path / f"{number}.zip"
        archive.write_bytes(damaged)
        try:
            for member in contents(archive).members:
                with open_source(archive / member) as stream:
                    given += len(stream.read()) <= 400
        except UnreadableError as error:
            assert error.reason
        archive.unlink()
    assert given > 100
