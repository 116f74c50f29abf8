"""What the tests share. Real data is in the folder that XRAYAI_TEST_DATA names; without it such tests are skipped."""

import os
from pathlib import Path

import pytest

TABLES = pytest.StashKey[dict[str, list[str]]]()


@pytest.fixture(scope="session")
def table_of(request):
    """``table_of(title)`` gives a list of lines; what a test puts there stands at the end of the output."""
    tables = request.config.stash.setdefault(TABLES, {})
    return lambda title: tables.setdefault(title, [])


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # one of several processes: it hands its tables over
        session.config.workeroutput["tables"] = session.config.stash.get(TABLES, {})


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, which a Slicer does not have
def pytest_testnodedown(node):
    tables = node.config.stash.setdefault(TABLES, {})
    for title, lines in getattr(node, "workeroutput", {}).get("tables", {}).items():
        tables.setdefault(title, []).extend(lines)


def pytest_terminal_summary(terminalreporter, config):
    for title, lines in config.stash.get(TABLES, {}).items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real radiographs with labels."""
    folder = os.environ.get("XRAYAI_TEST_DATA")
    if not folder:
        pytest.skip("XRAYAI_TEST_DATA is not set: it names the folder of real radiographs")
    return Path(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path):
    """An empty project."""
    from XRayAILib.project.project import Project

    with Project.create(tmp_path / "project") as project:
        yield project


@pytest.fixture(scope="session")
def real_crs() -> list[Path]:
    """The three real CRs that the pydicom package carries."""
    import pydicom

    folder = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "77654033"
    return [next((folder / name).iterdir()) for name in ("CR1", "CR2", "CR3")]


@pytest.fixture(scope="session")
def desktop_host():
    """The MRML core that the desktop double stands on; one for all tests."""
    from XRayAILib.scene.host import headless

    return headless()


@pytest.fixture
def desktop(request):
    """A desktop 3D Slicer: the double of its Qt side on the real MRML core, with an empty scene."""
    import sys

    if "slicer" in sys.modules and hasattr(sys.modules["slicer"], "app"):
        pytest.skip("inside 3D Slicer its own Qt is there; the double would stand in its way")
    import desktop_double

    host = request.getfixturevalue("desktop_host")
    host.clear()
    desktop = desktop_double.install(host)
    yield desktop
    desktop.uninstall()


@pytest.fixture
def host(request):
    """An empty MRML scene with its logics: the desktop's inside 3D Slicer, else the MRML core on its own."""
    import sys

    slicer = sys.modules.get("slicer")
    if slicer is not None and hasattr(slicer, "app"):
        from XRayAILib.scene.host import Host

        red = slicer.app.layoutManager().sliceWidget("Red")
        host = Host.desktop(slicer.app.applicationLogic(), lambda: red.sliceView().renderWindow())
    else:
        host = request.getfixturevalue("desktop_host")
    host.clear()
    yield host
    host.clear()


@pytest.fixture(scope="session")
def pacs_password():
    """The password of the PACS of the tests, where a user of a machine without a keyring has it."""
    import orthanc

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAYAI_TEST_WEB_PASSWORD", orthanc.PASSWORD)
        yield orthanc.PASSWORD


@pytest.fixture(scope="session")
def pacs(tmp_path_factory, real_crs, pacs_password):
    """A running Orthanc with the studies of ``pacs_content``; see there for what it holds."""
    import orthanc
    import pacs_content

    if orthanc.why_not():
        pytest.skip(orthanc.why_not())
    server = orthanc.Orthanc(tmp_path_factory.mktemp("pacs") / "orthanc")
    try:
        server.store(pacs_content.everything(real_crs))
        yield server
    finally:
        server.close()


@pytest.fixture
def own_pacs(tmp_path, real_crs, pacs_password):
    """An Orthanc for one test, which may kill it; it holds the study ``pacs_content.LARGE``."""
    import orthanc
    import pacs_content

    if orthanc.why_not():
        pytest.skip(orthanc.why_not())
    server = orthanc.Orthanc(tmp_path / "orthanc")
    try:
        server.store(pacs_content.large_study(real_crs[1]))
        yield server
    finally:
        server.close()
