"""Images that probably come next are decoded while the reader looks at this one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import dicom_cases
from sheet import Sheet
from XRayAILib.dicom import decoding
from XRayAILib.dicom.decoding_ahead import MOST, DecodingAhead
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.findings.author import Author
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationSession


def compressed(folder: Path, number: int) -> list[Path]:
    """So many JPEG 2000 files."""
    import imagecodecs
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    made = []
    for n in range(number):
        pixels = np.random.default_rng(n).integers(0, 4096, (96, 128), np.uint16)
        data = dicom_cases.image(pixels, PatientID=f"P{n}")
        stream = imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, bitspersample=12)
        data.PixelData = encapsulate([stream])
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
        data.file_meta.TransferSyntaxUID = JPEG2000Lossless
        made.append(dicom_cases.save(data, folder / f"{n}.dcm"))
    return made


@pytest.fixture
def files(folder):
    return compressed(folder, 6)


@pytest.fixture
def ahead():
    ahead = DecodingAhead()
    yield ahead
    ahead.close()


@pytest.fixture
def others(monkeypatch):
    """The paths that were decoded only when they were asked for."""
    asked, decode = [], decoding.ChildDecoder.decode

    def noted(self, path, *rest):
        asked.append(Path(path))
        return decode(self, path, *rest)

    monkeypatch.setattr(decoding.ChildDecoder, "decode", noted)
    return asked


def wait(call, seconds=30.0):
    until = time.monotonic() + seconds
    while not call():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_was_decoded_ahead_is_what_the_file_says(files, ahead, others):
    plain = read_radiograph(files[1])
    others.clear()
    ahead.want([(str(files[1]), 0)])
    radiograph = read_radiograph(files[1], decoder=ahead)
    assert np.array_equal(radiograph.stored, plain.stored) and radiograph.grayscale.voi == plain.grayscale.voi
    assert others == []
    # Nobody asked for this one before.
    read_radiograph(files[0], decoder=ahead)
    assert others == [files[0]]


def test_only_a_few_are_kept_and_nothing_is_left_behind(files, ahead):
    ahead.want([(str(file), 0) for file in files])
    folder = ahead._folder
    for file in files[:MOST]:
        read_radiograph(file, decoder=ahead)
    assert len(list(folder.glob("*.npy"))) == MOST
    ahead.want([(str(files[-1]), 0)])
    read_radiograph(files[-1], decoder=ahead)
    assert len(list(folder.glob("*.npy"))) == 1
    ahead.close()
    assert not folder.exists()


def test_a_file_that_was_written_anew_is_decoded_anew(files, ahead):
    ahead.want([(str(files[0]), 0)])
    before = read_radiograph(files[0], decoder=ahead)
    files[0].write_bytes(files[1].read_bytes())
    after = read_radiograph(files[0], decoder=ahead)
    assert not np.array_equal(before.stored, after.stored)
    assert np.array_equal(after.stored, read_radiograph(files[1]).stored)


def test_a_damaged_file_is_told_when_it_is_asked_for_and_disturbs_nobody(files, ahead):
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: len(whole) - 4000])
    ahead.want([(str(files[0]), 0), (str(files[0].parent / "gone.dcm"), 0), (str(files[1]), 0)])
    with pytest.raises(UnreadableError, match=r"0\.dcm"):
        read_radiograph(files[0], decoder=ahead)
    assert read_radiograph(files[1], decoder=ahead).stored.shape == (96, 128)


def test_a_child_that_was_killed_is_replaced(files, ahead, others):
    ahead.want([(str(files[0]), 0)])
    read_radiograph(files[0], decoder=ahead)
    ahead._child.kill()
    ahead._child.wait()
    ahead.want([(str(files[1]), 0)])
    read_radiograph(files[1], decoder=ahead)
    assert others == []


def test_where_the_program_is_killed_its_folder_goes_too(files):
    code = (
        "import sys, time; from XRayAILib.dicom.decoding_ahead import DecodingAhead\n"
        "from XRayAILib.dicom.radiograph import read_radiograph\n"
        "ahead = DecodingAhead(); ahead.want([(sys.argv[1], 0)]); read_radiograph(sys.argv[1], decoder=ahead)\n"
        "print(ahead._folder, flush=True); sys.stdin.readline()\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code, str(files[0])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    folder = Path(program.stdout.readline().strip())
    assert folder.is_dir()
    program.kill()
    program.communicate()
    wait(lambda: not folder.exists())


def test_the_neighbours_are_ready_before_the_reader_goes_on(files, folder, tmp_path, ahead, others):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [folder])
        session = AnnotationSession(project, Author.person("anna"), Sheet(), ahead=ahead)
        session.open(session.cases[2])
        others.clear()
        session.next()
        session.previous()
        session.previous()
        session.back()
        assert others == [] and session.index == 2
        session.open(session.cases[5])
        assert len(others) == 1


def test_pictures_and_uncompressed_files_need_no_child(folder, tmp_path, ahead):
    dicom_cases.save(dicom_cases.image(), folder / "plain.dcm")
    dicom_cases.save(dicom_cases.image(), folder / "plain too.dcm")
    with Project.create(tmp_path / "project") as project:
        take_in(project, [folder])
        session = AnnotationSession(project, Author.person("anna"), Sheet(), ahead=ahead)
        session.open()
        session.next()
    assert ahead._child is None
