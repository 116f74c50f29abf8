"""A Slicer as it was downloaded lacks most packages that a project needs; both modules open in it all the same."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="a Slicer is doubled here on PySide6, which 3D Slicer itself does not have")

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

START = """
import sys

LACKING = {"sqlalchemy", "yaml", "psutil", "imagecodecs", "openjpeg", "rle", "jpeg_ls", "orjson",
           "nrrd", "torch", "monai", "ignite", "torchmetrics", "safetensors", "pycocotools", "datumaro", "supervision",
           "pandas", "jinja2", "matplotlib", "skimage", "pywt", "pytesseract", "pynetdicom", "dicomweb_client",
           "keyring", "typer", "rich", "shapely", "sklearn", "deid", "dicognito"}


class Lacking:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in LACKING:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


sys.meta_path.insert(0, Lacking)
import desktop_double

desktop = desktop_double.install()
import slicer.packaging

slicer.packaging.pip_check = lambda requirement: False
desktop.load_module("XRayAI/DICOMRadiographPlugin.py")
for module in ("XRayAI/XRayAI.py", "XRayAIAnnotate/XRayAIAnnotate.py"):
    panel = desktop.open_module(module)
    panel.exit()
    panel.enter()
    print("opened", module)
print("asked", [message.text for message in desktop.messages])
"""


def test_both_modules_open_without_what_is_installed_later() -> None:
    paths = [str(HERE), str(ROOT / "XRayAI")]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{START}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert "opened XRayAIAnnotate/XRayAIAnnotate.py" in run.stdout, run.stdout + run.stderr
    assert "asked []" in run.stdout, "nobody clicked anything yet, so nobody is asked anything"
