"""What the tests share. Real data is in the folder that XRAYAI_TEST_DATA names; without it such tests are skipped."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real radiographs with labels."""
    folder = os.environ.get("XRAYAI_TEST_DATA")
    if not folder:
        pytest.skip("XRAYAI_TEST_DATA is not set: it names the folder of real radiographs")
    return Path(folder)


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
