"""Scanning folders in several processes: the same as in one, what changed only, stopped, killed, twice at once."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from scan_cases import endless, radiographs
from XRayAILib.dicom import header_reader
from XRayAILib.dicom.child import library_environment, start_child
from XRayAILib.dicom.header_reader import HeaderReader, ReaderError, ask_several
from XRayAILib.dicom.scan import FEW, scan
from XRayAILib.dicom.search import Search
from XRayAILib.project.intake import Progress, take_in
from XRayAILib.project.project import Project

SCAN = """
import sys
from pathlib import Path
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
with Project.open_or_create(Path(sys.argv[1])) as project:
    take_in(project, [Path(sys.argv[2])], processes=2)
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, real_crs: list[Path]) -> Path:
    """Enough files for several processes."""
    folder = tmp_path_factory.mktemp("many")
    radiographs(folder, real_crs[0], 2 * FEW)
    return folder


def started(code: str, *arguments: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], env=library_environment())


def test_several_processes_find_what_one_finds(many: Path, project: Project, tmp_path: Path) -> None:
    said: list[Progress] = []
    intake = take_in(project, [many], processes=3, progress=said.append)
    assert intake.added == project.count() == 2 * FEW and not intake.unreadable
    assert said[-1].done == said[-1].total == 2 * FEW and said[-1].seconds_left == 0 and said[-1].rate > 0
    assert "files/s" in said[-1].text
    with Project.create(tmp_path / "other") as other:
        take_in(other, [many], processes=1)
        assert other.images() == project.images(), "in the same order"
    again = take_in(project, [many])
    assert (again.added, again.refreshed, again.unchanged) == (0, 0, 2 * FEW)


def test_only_what_changed_is_read_again(many: Path, project: Project, real_crs: list[Path]) -> None:
    take_in(project, [many])
    fresh, path = many / "P99999" / "new", next((many / "P00000").iterdir())
    fresh.parent.mkdir()
    shutil.copy(real_crs[1], fresh)
    os.utime(path)
    intake = take_in(project, [many])
    shutil.rmtree(fresh.parent)
    assert (intake.added, intake.refreshed, intake.unchanged) == (1, 1, 2 * FEW - 1)


def test_a_scan_that_was_killed_goes_on(many: Path, tmp_path: Path) -> None:
    code = SCAN.replace("import sys", "import sys, time", 1)
    code = code.replace("with Project", "intake.BATCH_FILES, intake.PROGRESS_SECONDS = 20, 0\nwith Project")
    code = code.replace(
        "from XRayAILib.project.intake", "from XRayAILib.project import intake\nfrom XRayAILib.project.intake"
    )
    code = code.replace("processes=2", "progress=lambda p: time.sleep(0.02)")
    program = started(code, tmp_path / "project", many)
    children: list[psutil.Process] = []
    while True:
        children = psutil.Process(program.pid).children() or children
        if (tmp_path / "project" / "project.toml").exists():
            with Project.open(tmp_path / "project") as project:
                if project.count() > 0:
                    break
        assert program.poll() is None
        time.sleep(0.05)
    program.kill()
    program.wait()
    psutil.wait_procs(children, timeout=20)
    assert not any(child.is_running() for child in children), "its readers end with it"
    with Project.open(tmp_path / "project") as project:
        assert 0 < project.count() < 2 * FEW
        intake = take_in(project, [many])
        assert intake.unchanged > 0 and intake.unchanged + intake.added + intake.refreshed == 2 * FEW
        assert project.count() == 2 * FEW


def test_two_scans_at_once_lose_nothing(many: Path, tmp_path: Path) -> None:
    Project.create(tmp_path / "project").close()
    programs = [started(SCAN, tmp_path / "project", many) for _ in range(2)]
    assert [program.wait() for program in programs] == [0, 0]
    with Project.open(tmp_path / "project") as project:
        assert project.count() == 2 * FEW and not project.unreadable()


def test_a_file_that_takes_too_long_is_stopped(many: Path, folder: Path, real_crs: list[Path]) -> None:
    shutil.copy(real_crs[0], folder / "a.dcm")
    endless(folder / "b.dcm")
    shutil.copy(real_crs[1], folder / "c.dcm")
    found = list(Search([folder]))
    for files in (found, [*found, *Search([many])]):  # in few files and in many
        read = list(scan(files, processes=1, time_limit=1.0))
        assert [bool(scanned.headers) for scanned in read] == [True, False, *[True] * (len(files) - 2)]
        assert "longer than 1 s" in read[1].reason


def new_children(before: list[psutil.Process]) -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child not in before]


def test_a_reader_that_is_killed_costs_only_its_file(many: Path, folder: Path) -> None:
    """As the system does where memory runs out."""
    before = psutil.Process().children()  # the decoder of an earlier test, for example
    reader = HeaderReader(time_limit=120)
    slow, good = endless(folder / "slow.dcm"), next((many / "P00000").iterdir())

    def kill() -> None:
        while not (own := new_children(before)) or own[0].cpu_times().user < 0.5:
            time.sleep(0.01)
        own[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    (answer,) = reader.ask("headers", [(str(slow), False)])
    killer.join()
    assert "ended the process" in answer["reason"]
    (answer,) = reader.ask("headers", [(str(good), False)])
    assert len(answer["headers"]) == 1
    reader.close()


def test_readers_that_do_not_start_are_not_the_fault_of_a_file() -> None:
    with pytest.raises(ReaderError, match=r"-m XRayAILib\.no_such_child"):
        next(HeaderReader(module="XRayAILib.no_such_child").ask("headers", [("a.dcm", False)]))


def test_a_reader_that_is_closed_while_it_starts_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ctrl-C does in the first moment of a scan: nothing is left running, and no thread ends with a traceback."""
    before = psutil.Process().children()
    reader = HeaderReader()

    def start_and_close(module: str, interpreter: str) -> subprocess.Popen[bytes]:
        child = start_child(module, interpreter)
        reader.close()
        return child

    monkeypatch.setattr(header_reader, "start_child", start_and_close)
    (answer,) = reader.ask("headers", [("a.dcm", False)])
    assert "reason" in answer and not new_children(before)


def test_stopping_half_way_ends_the_readers(many: Path) -> None:
    before = psutil.Process().children()
    items = [(str(path), False) for path in sorted(many.rglob("IM*"))]
    answers = ask_several("headers", items, processes=2, batch=5)
    assert "headers" in next(answers)
    answers.close()
    assert not new_children(before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_is_said_and_loses_nothing(many: Path, tmp_path: Path) -> None:
    """The limit on the size of a file behaves like a full disk for SQLite."""
    code = SCAN.replace("import sys", "import resource, signal, sys", 1).replace(
        "    take_in",
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n    take_in",
    )
    program = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "project"), str(many)],
        env=library_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert program.returncode and "disk cannot be written. Is it full" in program.stderr
    with Project.open(tmp_path / "project") as project:
        before = project.count()
        assert before < 2 * FEW
        assert take_in(project, [many]).unchanged == before and project.count() == 2 * FEW
