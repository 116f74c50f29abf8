"""Files that are damaged or made to do harm, and names that no device writes: a row with the reason, and no more."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest

from scan_cases import EXPLICIT, changed, meta, nested, radiographs, reasons
from XRayAILib.dicom.child import library_environment
from XRayAILib.dicom.scan import scan
from XRayAILib.dicom.search import Search
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project


def test_damaged_and_hostile_files_are_rows(folder: Path, project: Project, real_crs: list[Path]) -> None:
    (sample,) = radiographs(folder, real_crs[0], 1)
    data = sample.read_bytes()
    sample.unlink()
    (folder / "empty.dcm").touch()
    (folder / "meta.dcm").write_bytes(data[:200])
    (folder / "header.dcm").write_bytes(data[:700])
    (folder / "pixels.dcm").write_bytes(data[:-1000])
    nested(folder / "deep.dcm", 5000, undefined=True)
    nested(folder / "long.dcm", 1000, undefined=False)
    giant = struct.pack("<HH2sxxL", 8, 0x16, b"UN", 0xFFFFFF00) + b"x"
    (folder / "giant.dcm").write_bytes(meta(EXPLICIT) + giant)
    at = data.index(b"\x28\x00\x10\x00US")
    (folder / "vr.dcm").write_bytes(data[: at + 4] + b"ZZ" + data[at + 6 :])
    changed(real_crs[1], folder / "rows.dcm", lambda dataset: setattr(dataset, "Rows", 4000))
    changed(real_crs[1], folder / "zero.dcm", lambda dataset: setattr(dataset, "Columns", 0))
    shutil.copy(real_crs[2], folder / "good.dcm")
    before = sorted(path.name for path in folder.parent.iterdir())
    intake = take_in(project, [folder])
    found = reasons(project, intake)
    assert [Path(image.header.path).name for image in project.images()] == ["good.dcm"]
    assert found["empty.dcm"] == "the file is empty"
    assert "cut off" in found["pixels.dcm"] and "nested too deeply" in found["deep.dcm"]
    assert "Rows x Columns ask for" in found["rows.dcm"] and "Columns is 0" in found["zero.dcm"]
    assert set(found) == {path.name for path in folder.glob("*.dcm")} - {"good.dcm"} and all(found.values())
    assert sorted(path.name for path in folder.parent.iterdir()) == before, "nothing was written beside the project"


@pytest.mark.filterwarnings("ignore:Unknown encoding")
def test_texts_that_break_the_rules_do_not_cost_the_image(folder: Path, project: Project, real_crs: list[Path]) -> None:
    def charset(dataset: pydicom.Dataset) -> None:
        dataset.SpecificCharacterSet, dataset.StudyDescription = "ISO_IR 999", "Thorax"

    data = real_crs[0].read_bytes()
    changed(real_crs[0], folder / "charset.dcm", charset)
    (folder / "bytes.dcm").write_bytes(data.replace(b"ISO_IR 100", b"ISO_IR 192").replace(b"Smith", b"Sm\xff\xfeh"))
    intake = take_in(project, [folder])
    assert project.count() + len(intake.duplicates) == 2 and not intake.unreadable


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no such names")
def test_names_with_line_breaks_and_links_that_lead_nowhere(
    folder: Path, project: Project, real_crs: list[Path]
) -> None:
    shutil.copy(real_crs[0], folder / "two\nlines\x1b[31m.dcm")
    (folder / "gone.dcm").symlink_to(folder / "nowhere")
    (folder / "circle.dcm").symlink_to(folder / "circle.dcm")
    for name in ("pipe", "pipe.zip", "DICOMDIR"):
        os.mkfifo(folder / name)
    intake = take_in(project, [folder])
    assert project.images()[0].header.path.endswith("two\nlines\x1b[31m.dcm")
    found = reasons(project, intake)
    assert (
        "gone" in found["gone.dcm"]
        and found["circle.dcm"]
        and all("pipe" in found[name] for name in ("pipe", "pipe.zip"))
    )
    program = subprocess.run(
        [sys.executable, "-m", "XRayAILib.apps.cli", "scan", str(folder), "-p", str(project.folder)],
        env=library_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in program.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_what_may_not_be_read_is_a_row(real_crs: list[Path]) -> None:
    with tempfile.TemporaryDirectory() as name:  # where another user may look into, unlike pytest's folders
        folder = Path(name)
        folder.chmod(0o755)
        for file in ("closed.dcm", "good.dcm"):
            shutil.copy(real_crs[0], folder / file)
        (folder / "room").mkdir()
        assert list(scan(list(Search([folder / "good.dcm"]))))  # all that it imports is there now
        for closed in ("closed.dcm", "room"):
            (folder / closed).chmod(0)
        try:
            with ordinary_user():
                search = Search([folder])
                read = {Path(scanned.file.path).name: scanned for scanned in scan(list(search))}
        finally:
            (folder / "room").chmod(0o700)
    assert read["good.dcm"].headers and read["closed.dcm"].reason == "no permission to read it"
    assert [(Path(path).name, reason) for path, reason in search.problems] == [
        ("room", "folder cannot be read (Permission denied)")
    ]


@contextmanager
def ordinary_user() -> Iterator[None]:
    """No rights beyond those that are given: the administrator reads everything."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(mine)
