"""Servers on the command line and as jobs, against a real Orthanc: from an empty list to radiographs in a project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import orthanc
from pacs_content import LARGE, LARGE_COUNT, SPINE
from XRayAILib.apps import cli
from XRayAILib.dicom.archive import Query
from XRayAILib.dicom.servers import Servers
from XRayAILib.project.project import Project
from XRayAILib.workflow.job import Job
from XRayAILib.workflow.servers import RetrievalRefused, ServerAccess


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's settings of this test alone."""
    monkeypatch.setenv("XRAYAI_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def known(config: Path, pacs: orthanc.Orthanc) -> Servers:
    """The PACS of the tests in the list, as ``test-web``, ``test-get`` and ``test-move``."""
    servers = Servers()
    for server in (pacs.web, pacs.dimse(), pacs.dimse(move=True)):
        servers.add(server)
    return servers


@dataclass
class Outcome:
    """What a command wrote, and its exit status."""

    stdout: str
    stderr: str
    returncode: int


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs a command of ``xrayai``, in this process."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["xrayai", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = capsys.readouterr()
        assert orthanc.PASSWORD not in written.out + written.err
        return Outcome(written.out, written.err, int(ended.value.code or 0))

    return call


def test_a_server_is_added_checked_and_removed(run, config: Path, pacs: orthanc.Orthanc) -> None:
    url = pacs.web.url
    assert run("servers", "add", "test-web", "--url", url, "--login", "password", "--user", "reader").returncode == 0
    place = ("--host", "127.0.0.1", "--port", pacs.dicom, "--ae", orthanc.AE_TITLE)
    assert run("servers", "add", "peer", *place).returncode == 0
    listed = run("servers", "list").stdout
    assert url in listed and f"ORTHANC@127.0.0.1:{pacs.dicom}" in listed and "password reader" in listed
    assert "It answers (QIDO-RS)" in run("servers", "check", "test-web").stdout
    assert "It answers (C-ECHO)" in run("servers", "check", "peer").stdout
    wrong = run("servers", "add", "Not a name!", "--url", "x")
    assert wrong.returncode == 1 and "name: 1 to 32" in wrong.stderr and "url: http://HOST" in wrong.stderr
    assert run("servers", "remove", "peer").returncode == 0
    assert "no server 'peer'" in run("servers", "check", "peer").stderr
    assert [path.name for path in config.iterdir()] == ["servers.yaml"]
    assert orthanc.PASSWORD not in (config / "servers.yaml").read_text("utf-8")


def test_query_and_retrieve_on_the_command_line(run, known: Servers, tmp_path: Path) -> None:
    table = run("query", "test-get", "--patient", "Doe")
    assert SPINE in table.stdout and "Doe Archibald" in table.stdout and "1 study" in table.stdout
    answer = run("query", "test-web", "--date", "2024-01-01..2024-12-31", "--modality", "cr", "--json")
    ((study),) = json.loads(answer.stdout)
    assert (study["uid"], study["patient_id"], study["date"]) == (LARGE, "LARGE", "2024-02-03")
    assert "is no date" in run("query", "test-web", "--date", "yesterday").stderr
    for name, uid in (("test-web", LARGE), ("test-get", SPINE)):
        first = run("retrieve", name, uid, "--project", tmp_path / "project")
        assert first.returncode == 0, first.stderr
    assert "3 retrieved, 1 no radiograph and passed over" in first.stdout and "3 new in the project" in first.stdout
    again = run("retrieve", "test-move", SPINE, LARGE, "--project", tmp_path / "project")
    assert f"0 retrieved, {LARGE_COUNT + 3} there already" in again.stdout
    with Project.open(tmp_path / "project") as project:
        assert project.count() == LARGE_COUNT + 3
        header = project.images(text="LARGE")[0].header
        assert Path(header.path).parent == tmp_path / "project" / "retrieved" / LARGE
        lines = [detail for _, _, action, detail in project.audit_trail() if action == "retrieve"]
        assert len(lines) == 3 and lines[0].endswith("from server test-web")


def test_a_retrieval_is_stopped_by_ctrl_c_and_goes_on(run, known: Servers, tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "XRayAILib.apps.cli", "retrieve", "test-get", LARGE]
    arguments += ["--project", str(tmp_path / "project")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    folder = tmp_path / "project" / "retrieved" / LARGE
    while process.poll() is None and not (folder.is_dir() and any(folder.glob("*.dcm"))):
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    # It may have been over already; either way nothing is half there, and it goes on.
    assert process.returncode in (0, 130) and "Traceback" not in errors
    assert (process.returncode == 130) == ("Stopped" in errors)
    came = len(list(folder.glob("*.dcm")))
    assert came >= 1 and not list(folder.glob("*.part"))
    again = run("retrieve", "test-get", LARGE, "--project", tmp_path / "project")
    assert f"{LARGE_COUNT - came} retrieved, {came} there already" in again.stdout
    with Project.open(tmp_path / "project") as project:
        assert project.count() == LARGE_COUNT


def finished(access: ServerAccess) -> str:
    for work in (access.asking, access.retrieving):
        if work.job is not None:
            work.job.wait(60)
            work.poll()
    return access.asking.error or access.retrieving.error


def test_check_search_and_retrieve_in_the_background(known: Servers, tmp_path: Path) -> None:
    access = ServerAccess()
    access.check("test-web")
    assert finished(access) == "" and access.answered().startswith("It answers (QIDO-RS)")
    access.search("test-get", Query(patient_name="Large"))
    place = access.asking.job.folder
    assert not place.is_relative_to(tmp_path), "what is asked for is kept in no project"
    assert finished(access) == "" and access.answered() == "1 study found."
    assert [(study.uid, study.instances) for study in access.studies] == [(LARGE, LARGE_COUNT)]
    with Project.create(tmp_path / "project") as project:
        with pytest.raises(RetrievalRefused):
            access.retrieve(project, "test-get", [])
        access.retrieve(project, "test-get", [LARGE])
        assert finished(access) == ""
        assert access.retrieved().startswith(f"{LARGE_COUNT} retrieved") and access.left_out() == []
        assert project.count() == LARGE_COUNT
    access.close()
    assert not place.exists()


def test_a_job_knows_a_server_by_its_name_only(known: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.create(tmp_path / "project") as project:
        job = Job.start(project.folder, "retrieve", {"server": "test-web", "studies": [SPINE]})
        assert job.wait(60) == "done", job.error
        monkeypatch.setenv("XRAYAI_TEST_WEB_PASSWORD", "wrong secret")
        refused = Job.start(project.folder, "retrieve", {"server": "test-web", "studies": [LARGE]})
        assert refused.wait(60) == "failed" and "refuses the login (401)" in refused.error
    for path in (tmp_path / "project").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert orthanc.PASSWORD.encode() not in content and b"wrong secret" not in content, path


def test_what_came_before_a_server_went_away_is_in_the_project(
    own_pacs: orthanc.Orthanc, config: Path, tmp_path: Path
) -> None:
    Servers().add(own_pacs.dimse())
    with Project.create(tmp_path / "project") as project:
        job = Job.start(project.folder, "retrieve", {"server": "test-get", "studies": [LARGE, SPINE]})
        folder = project.folder / "retrieved" / LARGE
        while job.running and not (folder.is_dir() and any(folder.glob("*.dcm"))):
            job.poll()
        own_pacs.kill()
        assert job.wait(60) == "failed" and "retrieved" in job.error
        came = len(list(folder.glob("*.dcm")))
        assert 1 <= came == project.count()
        own_pacs.start()
        job = Job.start(project.folder, "retrieve", {"server": "test-get", "studies": [LARGE]})
        assert job.wait(60) == "done" and job.result is not None
        assert (job.result["present"], project.count()) == (came, LARGE_COUNT)


def test_an_image_that_did_not_come_whole_is_in_the_list_of_the_project(
    own_pacs: orthanc.Orthanc, config: Path, real_crs: list[Path], tmp_path: Path
) -> None:
    from io import BytesIO

    import pydicom

    dataset = pydicom.dcmread(real_crs[0])
    dataset.StudyInstanceUID, dataset.PixelData = LARGE, dataset.PixelData[:64]
    stream = BytesIO()
    dataset.save_as(stream)
    own_pacs.store([stream.getvalue()])
    Servers().add(own_pacs.web)
    with Project.create(tmp_path / "project") as project:
        job = Job.start(project.folder, "retrieve", {"server": "test-web", "studies": [LARGE]})
        assert job.wait(60) == "done" and job.result is not None
        ((path, reason),) = job.result["failed"]
        assert (path, reason) in project.unreadable() and "PixelData has 64" in reason
        assert project.count() == LARGE_COUNT
