"""Enhanced images as files, from the library, the command line and a job; and as volumes in a scene."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from typer.testing import CliRunner

from light_table import LightTable
from XRayAILib.apps.cli import app
from XRayAILib.apps.enhance import enhance_file, enhance_project, keep_histogram
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.exchange.enhanced import export_enhanced, write_enhanced
from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.author import Author
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels.enhance import PRESETS, Enhancement
from XRayAILib.pixels.steps import LocalContrast
from XRayAILib.project.enhancements import find_enhancement
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.browse import Browse
from XRayAILib.workflow.enhance import Enhance
from XRayAILib.workflow.job import Job


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 3, seed=6, size=(160, 140))[0].path


@pytest.fixture
def project(source: Path, tmp_path: Path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [source.parent])
        yield project


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_is_written_with_its_record_and_its_source_stays(source: Path, tmp_path: Path) -> None:
    before = digest(source)
    radiograph = read_radiograph(source)
    path = write_enhanced(radiograph, PRESETS["chest"], tmp_path / "chest.png", "Dr. A")
    with Picture.open(path) as picture:
        pixels = np.asarray(picture)
    wanted = PRESETS["chest"].apply(radiograph.display())
    assert pixels.dtype.kind in "iu" and pixels.shape == radiograph.shape
    np.testing.assert_allclose(pixels / 65535, wanted, atol=0.6 / 65535)
    record = json.loads((tmp_path / "chest.json").read_text("utf-8"))
    assert Enhancement.from_document(record["enhancement"]) == PRESETS["chest"]
    assert record["derived_from"] == radiograph.uid and record["made_by"] == "Dr. A" and record["made_at"]
    assert digest(source) == before and sorted(p.name for p in tmp_path.iterdir()) == ["chest.json", "chest.png"]


def test_the_source_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "chest.png"
    Picture.fromarray(np.random.default_rng(0).integers(0, 255, (60, 50), np.uint8)).save(path)
    before = digest(path)
    with pytest.raises(ExportError, match="is the radiograph itself"):
        write_enhanced(read_radiograph(path), PRESETS["chest"], path)
    with pytest.raises(ExportError, match=r"ends in \.png"):
        write_enhanced(read_radiograph(path), PRESETS["chest"], tmp_path / "chest.dcm")
    with pytest.raises(ExportError, match="cannot be written"):
        write_enhanced(read_radiograph(path), PRESETS["chest"], tmp_path / "no folder" / "chest.png")
    assert digest(path) == before


def test_a_project_is_written_and_an_unreadable_image_is_named(project: Project, tmp_path: Path) -> None:
    images = project.images()
    folder = tmp_path / "copies"
    folder.mkdir()
    gone = folder / "gone.png"
    Picture.fromarray(np.random.default_rng(1).integers(0, 255, (60, 50), np.uint8)).save(gone)
    take_in(project, [folder])
    gone.unlink()
    uids = [image.uid for image in project.images()]
    written = export_enhanced(project, PRESETS["portable"], uids, who="Dr. A")
    assert len(written.files) == len(images) and [reason for _, reason in written.failed if "gone.png" in reason]
    assert written.folder.parent == project.exports_folder
    _time, who, action, detail = project.audit_trail()[-1]
    assert (who, action) == ("Dr. A", "enhance") and json.loads(detail)["name"] == "portable"
    # A second time beside, never over what is there.
    assert export_enhanced(project, PRESETS["portable"], uids).folder != written.folder


def test_a_job_writes_them_too(project: Project) -> None:
    job = Job.start(project.folder, "enhance", {"enhancement": PRESETS["chest"].document(), "who": "Dr. B"})
    assert job.wait(120) == "done", job.error
    assert job.result is not None and job.result["written"] == 3
    assert len(list(Path(job.result["folder"]).glob("*.png"))) == 3


def test_the_command_line(project: Project, source: Path, tmp_path: Path) -> None:
    enhance_file(source, "bone", tmp_path / "bone.png", None)
    assert (tmp_path / "bone.png").exists() and (tmp_path / "bone.json").exists()
    uid = project.images()[0].uid
    enhance_project(project.folder, "chest", [uid], tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.png"))) == 1
    keep_histogram(project.folder, "one look", "", "chest")
    made = find_enhancement(project, "one look")
    assert [step.kind for step in made.steps] == ["collimation", "percentiles", "histogram", "multiscale", "clahe"]
    shown = CliRunner().invoke(app, ["enhance", "--list", "--project", str(project.folder)])
    assert shown.exit_code == 0 and "one look" in shown.output and "soft tissue" in shown.output


def test_a_missing_name_or_place_is_said(project: Project, source: Path) -> None:
    with pytest.raises(ValueError, match=r"--out picture\.png"):
        enhance_file(source, "bone", None, None)
    with pytest.raises(RuntimeError, match="no enhancement 'bune'"):
        enhance_file(source, "bune", Path("x.png"), None)
    with pytest.raises(ValueError, match=r"missing\.yaml: the enhancement cannot be read \(No such file"):
        enhance_file(source, "missing.yaml", Path("x.png"), None)
    nameless = source.with_name("nameless.yaml")
    nameless.write_text("name: mine\nsteps:\n- clahe: {clip: 2}\n", "utf-8")
    with pytest.raises(ValueError, match="does not say which step it is"):
        enhance_file(source, str(nameless), Path("x.png"), None)


# In the workflow ------------------------------------------------------------------------------------------------------


class Easel:
    """The simplest canvas: it remembers what was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[np.ndarray, int]] = []

    def show_enhanced(self, image: np.ndarray, step: int, record: Mapping[str, str]) -> None:
        self.shown.append((image, step))

    def hide_enhanced(self) -> None:
        self.shown.clear()


def test_a_large_image_is_shown_reduced_at_once_and_then_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = np.random.default_rng(2).integers(0, 65535, (1900, 1000), np.uint16)
    Picture.fromarray(picture).save(folder / "large.png")
    monkeypatch.setattr("XRayAILib.workflow.enhance.REST", 0.0)
    easel = Easel()
    browse = Browse(LightTable())
    browse.create(tmp_path / "project")
    take_in(browse.project, [folder])
    browse.refresh()
    browse.step(+1)
    enhance = Enhance(browse, easel, lambda: Author.person("Dr. A"))
    enhance.begin()
    assert easel.shown == []
    enhance.choose("chest")
    enhance.begin()
    assert easel.shown[-1][0].shape == (633, 333) and easel.shown[-1][1] == 3 and enhance.waiting
    enhance.set("clahe", "limit", 99)
    enhance.begin()
    assert enhance.enhancement.step("clahe") == LocalContrast(10.0, 6)
    while enhance.waiting:
        enhance.poll()
    image, step = easel.shown[-1]
    assert step == 1 and len(easel.shown) == 3
    uid = browse.rows[0].uid
    np.testing.assert_array_equal(image, enhance.enhancement.apply(browse.project.radiograph(uid).display()))
    enhance.switch("collimation", False)
    enhance.switch("nonlocal", True)
    enhance.begin()
    assert easel.shown[-1][1] == 6
    enhance.end()
    assert easel.shown == [] and not enhance.waiting
    browse.close()


# In a scene -----------------------------------------------------------------------------------------------------------


def test_a_derived_volume_lies_exactly_over_the_radiograph(host, source: Path) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    from XRayAILib.pixels.resample import block_means
    from XRayAILib.scene import derived
    from XRayAILib.scene.volume import show_radiograph

    radiograph = read_radiograph(source)
    volume = show_radiograph(host, radiograph)
    before = vtk_to_numpy(volume.GetImageData().GetPointData().GetScalars()).tobytes()
    shown = PRESETS["chest"].apply(radiograph.display())
    record = {"enhancement": json.dumps(PRESETS["chest"].document()), "enhancedBy": "Dr. Ä; B"}
    node = derived.show_derived(host, volume, shown, 1, record, "enhanced")
    edges = [[0.0] * 6, [0.0] * 6]
    volume.GetRASBounds(edges[0])
    node.GetRASBounds(edges[1])
    assert edges[1] == pytest.approx(edges[0]) and node.GetSpacing() == pytest.approx(volume.GetSpacing())
    assert derived.show_derived(host, volume, block_means(shown, 4), 4, record) is node
    node.GetRASBounds(edges[1])
    # 160 and 140 are multiples of 4: the same outer edges with a sixteenth of the pixels.
    assert edges[1][:4] == pytest.approx(edges[0][:4])
    assert derived.derived_record(node) == {**record, "derivedFrom": radiograph.uid}
    assert vtk_to_numpy(volume.GetImageData().GetPointData().GetScalars()).tobytes() == before
    assert derived.find_derived(host, volume) is node
    derived.blend(host, node, 0.5)
    assert host.slice_logic.GetSliceCompositeNode().GetForegroundVolumeID() == node.GetID()
    derived.remove_derived(host)
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeDisplayNode") == 1
