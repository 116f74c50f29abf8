"""What Slicer's build packages is what is there: every file of a module and every test stands in its CMake list."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^set\((\w+)\s*\n(.*?)^\s*\)", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r'^set\((EXTENSION_\w+) "(.*)"\)$', re.MULTILINE)


def listed(folder: str, name: str) -> list[str]:
    """The entries of ``set(NAME ...)`` in a folder's CMakeLists.txt."""
    text = (ROOT / folder / "CMakeLists.txt").read_text(encoding="utf-8")
    blocks = dict(BLOCK.findall(text))
    return blocks[name].replace("${MODULE_NAME}", Path(folder).name).split()


def on_disk(folder: str) -> list[str]:
    """Files of a module, relative to its folder, without what tools leave there."""
    files = [path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()]
    left = (".", "__pycache__", "xrayai.egg-info")
    kept = [path for path in files if not any(part.startswith(left) for part in path.parts)]
    return sorted(path.as_posix() for path in kept if path.name != "CMakeLists.txt")


def to_paste(name: str, files: list[str]) -> str:
    return "\n".join([f"set({name}", *(f"  {file}" for file in files), "  )"])


@pytest.mark.parametrize("module", ["XRayAI", "XRayAIAnnotate"])
@pytest.mark.parametrize("name", ["MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"])
def test_every_file_of_a_module_is_packaged(module: str, name: str) -> None:
    scripts = name == "MODULE_PYTHON_SCRIPTS"
    files = [file for file in on_disk(module) if file.endswith(".py") == scripts]
    assert listed(module, name) == files, f"Paste into {module}/CMakeLists.txt:\n\n{to_paste(name, files)}\n"


def test_every_test_is_run_in_slicer() -> None:
    tests = sorted(path.name for path in (ROOT / "Testing" / "Python").glob("test_*.py"))
    names = "TEST_SCRIPTS"
    paste = f"Paste into Testing/Python/CMakeLists.txt:\n\n{to_paste(names, tests)}\n"
    assert listed("Testing/Python", names) == tests, paste


def test_descriptions_of_the_extension_agree() -> None:
    cmake = dict(SETTING.findall((ROOT / "CMakeLists.txt").read_text(encoding="utf-8")))
    catalog = json.loads((ROOT / "XRayAI.json").read_text(encoding="utf-8"))
    lines = (ROOT / "XRayAI.s4ext").read_text(encoding="utf-8").splitlines()
    s4ext = dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))

    assert "project(XRayAI)" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert cmake["EXTENSION_CATEGORY"] == catalog["category"] == s4ext["category"]
    assert cmake["EXTENSION_DEPENDS"].split() == catalog["build_dependencies"] == s4ext["depends"].split()
    assert cmake["EXTENSION_HOMEPAGE"] + ".git" == catalog["scm_url"] == s4ext["scmurl"]
    for setting, key in (("DESCRIPTION", "description"), ("ICONURL", "iconurl"), ("SCREENSHOTURLS", "screenshoturls")):
        assert cmake["EXTENSION_" + setting] == s4ext[key]
    # The extensions index refuses a repository without "slicer" in its name.
    assert "slicer" in catalog["scm_url"].rpartition("/")[2].lower()


def test_pictures_of_the_extension_are_there() -> None:
    cmake = dict(SETTING.findall((ROOT / "CMakeLists.txt").read_text(encoding="utf-8")))
    for url in f"{cmake['EXTENSION_ICONURL']} {cmake['EXTENSION_SCREENSHOTURLS']}".split():
        picture = ROOT / url.partition("/main/")[2]
        assert picture.is_file(), f"{url} is named in CMakeLists.txt, and {picture.relative_to(ROOT)} is missing"


@pytest.mark.parametrize(
    "icon", ["XRayAI.png", "XRayAI/Resources/Icons/XRayAI.png", "XRayAIAnnotate/Resources/Icons/XRayAIAnnotate.png"]
)
def test_icons_have_the_size_that_slicer_wants(icon: str) -> None:
    from PIL import Image

    with Image.open(ROOT / icon) as picture:
        assert picture.size == (128, 128)


def test_licence_is_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]
