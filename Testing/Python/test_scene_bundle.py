"""A scene saved as .mrb and opened by a fresh MRML core: the same findings, greys and millimetres, the same picture."""

import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pytest

from scene_cases import ANNA, UID, every_kind_of_finding, radiograph
from XRayAILib.dicom.grayscale import Grayscale, Window
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.scene import bundle, layers, view
from XRayAILib.scene.host import Host, headless
from XRayAILib.scene.volume import show_radiograph

SCHEMA = chest_schema()
SIGMOID = Grayscale((Window(2000.0, 1500.0, "SIGMOID"),), inverted=True)


def fill(host: Host, grayscale: Grayscale | None = None):
    """A radiograph with two layers; the second hidden, as a viewer may leave it."""
    volume = show_radiograph(host, radiograph(grayscale=grayscale), name="Chest/PA: Ä")
    view.show(host, volume)
    theirs = every_kind_of_finding()
    mine = Findings(UID, (120, 90), ANNA, tuple(item.derived(ANNA) for item in theirs))
    layers.show_findings(host, volume, theirs, SCHEMA, "Prediction", editable=False)
    layers.set_visible(layers.show_findings(host, volume, mine, SCHEMA, "Mine"), False)
    return volume, theirs, mine


@pytest.fixture(scope="module")
def fresh() -> Host:
    """What opens the file: another MRML core, or the same desktop."""
    return headless()


@pytest.mark.parametrize("grayscale", [None, SIGMOID], ids=["window", "curve"])
def test_a_fresh_core_opens_the_bundle_as_it_looked(host: Host, fresh: Host, tmp_path: Path, grayscale) -> None:
    if not host.offscreen:
        pytest.skip("inside 3D Slicer there is one scene")
    volume, theirs, mine = fill(host, grayscale)
    before = view.render(host, size=(400, 300))
    path = bundle.save(host, tmp_path / "scene one.mrb")
    assert [file.name for file in tmp_path.iterdir()] == ["scene one.mrb"]

    bundle.load(fresh, path)
    prediction, own = layers.layers(fresh)
    assert layers.read_findings(fresh, prediction, SCHEMA) == theirs
    assert layers.read_findings(fresh, own, SCHEMA) == mine
    loaded = prediction.volume
    assert loaded.GetSpacing() == pytest.approx(volume.GetSpacing())
    for name in ("uid", "unit", "spacingSource", "polarity", "grey"):
        assert loaded.GetAttribute(f"XRayAI.{name}") == volume.GetAttribute(f"XRayAI.{name}")
    assert loaded.GetDisplayNode().GetWindow() == volume.GetDisplayNode().GetWindow()
    assert loaded.GetDisplayNode().GetLevel() == volume.GetDisplayNode().GetLevel()
    assert fresh.layout_node.GetViewArrangement() == fresh.layout_node.SlicerLayoutOneUpRedSliceView
    assert fresh.slice_logic.GetSliceCompositeNode().GetBackgroundVolumeID() == loaded.GetID()
    # Which of two overlays lies on top is not saved.
    after = view.render(fresh, size=(400, 300))
    assert np.mean(np.abs(before.astype(int) - after).max(axis=2) > 8) < 0.01


def test_the_bundle_holds_the_scene_and_each_node_in_slicers_formats(host: Host, tmp_path: Path) -> None:
    volume, _theirs, _mine = fill(host, SIGMOID)
    with zipfile.ZipFile(bundle.save(host, tmp_path / "scene.mrb")) as archive:
        names = archive.namelist()
        scene = ElementTree.fromstring(archive.read("scene/scene.mrml"))
    kinds = [name.split(".", 1)[1] for name in names if "/Data/" in name]
    assert sorted(set(kinds)) == ["csv", "mrk.json", "nrrd", "seg.nrrd"]
    assert kinds.count("seg.nrrd") == 2
    assert kinds.count("mrk.json") == 2 * (1 + 2 + 1)  # points, two boxes, a polygon
    layout = scene.find("Layout")
    assert layout is not None and layout.get("currentViewArrangement") == "6"
    red = next(node for node in scene.findall("Slice") if node.get("layoutName") == "Red")
    matrix = np.array((red.get("sliceToRAS") or "").split(), float).reshape(4, 4)
    np.testing.assert_allclose(matrix[:3, :3], np.diag([-1.0, 1.0, 1.0]), atol=1e-9)
    composite = next(node for node in scene.findall("SliceComposite") if node.get("layoutName") == "Red")
    assert f"backgroundVolume:{volume.GetID()}" in (composite.get("references") or "")


def test_the_saved_view_shows_the_whole_image(host: Host, tmp_path: Path) -> None:
    if not host.offscreen:
        pytest.skip("in the desktop the view is saved as it is")
    fill(host)
    bundle.save(host, tmp_path / "scene.mrb")
    width, height, _ = host.slice_node.GetFieldOfView()
    assert width >= 90 * 0.15
    assert height >= 120 * 0.2


def test_saving_again_replaces_and_the_scene_stays_as_it_was(host: Host, tmp_path: Path) -> None:
    _volume, theirs, _mine = fill(host)
    path = bundle.save(host, tmp_path / "scene.mrb")
    path.write_bytes(b"old")
    assert zipfile.is_zipfile(bundle.save(host, path))
    assert layers.read_findings(host, layers.layers(host)[0], SCHEMA) == theirs


def test_a_bundle_that_cannot_be_written_names_the_file(host: Host, tmp_path: Path) -> None:
    fill(host)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(bundle.BundleError, match=r"scene\.mrb: the folder cannot be written"):
        bundle.save(host, tmp_path / "file" / "scene.mrb")
    with pytest.raises(bundle.BundleError, match=r"ends in \.mrb"):
        bundle.save(host, tmp_path / "scene.zip")


def test_files_that_are_no_bundle_are_refused(host: Host, tmp_path: Path) -> None:
    with pytest.raises(bundle.BundleError, match="no such file"):
        bundle.load(host, tmp_path / "gone.mrb")
    (tmp_path / "text.mrb").write_text("no zip")
    with pytest.raises(bundle.BundleError, match="not a bundle"):
        bundle.load(host, tmp_path / "text.mrb")
    with zipfile.ZipFile(tmp_path / "empty.mrb", "w") as archive:
        archive.writestr("readme.txt", "no scene here")
    with pytest.raises(bundle.BundleError, match="cannot be read"):
        bundle.load(host, tmp_path / "empty.mrb")
