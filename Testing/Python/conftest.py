"""What the tests share. Real data comes from the folder that XRAYAI_TEST_DATA names; without it such tests are skipped."""

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
