"""Radiographs that Slicer's DICOM browser loads pass through our reader."""

import os
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "XRayAI" / "DICOMRadiographPlugin.py"


@pytest.fixture
def plugin(desktop):
    """The plugin as the DICOM module makes it."""
    import slicer

    module = desktop.load_module(PLUGIN)
    assert module.hidden
    return slicer.modules.dicomPlugins["DICOMRadiographPlugin"]()


def examine(desktop, plugin, files: list[Path]) -> list:
    """What the DICOM browser does with every series."""
    import slicer

    desktop.add_dicom(*files)
    database = slicer.dicomDatabase
    series = [
        uid
        for patient in database.patients()
        for study in database.studiesForPatient(patient)
        for uid in database.seriesForStudy(study)
    ]
    return plugin.examineForImport([database.filesForSeries(uid) for uid in series])


def test_every_instance_is_offered_on_its_own(desktop, plugin, real_crs) -> None:
    loadables = examine(desktop, plugin, real_crs)
    assert sorted(path for loadable in loadables for path in loadable.files) == sorted(map(str, real_crs))
    assert all(len(loadable.files) == 1 for loadable in loadables)
    assert {loadable.confidence for loadable in loadables} == {0.9}
    assert all(loadable.selected and loadable.name.startswith("CR") for loadable in loadables)
    again = plugin.examineForImport([[str(path)] for path in real_crs])
    assert len(again) == 3


def test_loading_goes_through_our_reader(desktop, plugin, real_crs) -> None:
    import numpy as np
    import slicer

    from XRayAILib.dicom.radiograph import read_radiograph
    from XRayAILib.scene.volume import radiograph_uid

    for loadable in examine(desktop, plugin, real_crs):
        node = plugin.load(loadable)
        radiograph = read_radiograph(loadable.files[0])
        assert radiograph_uid(node) == radiograph.uid
        values = radiograph.grayscale.modality(radiograph.stored)
        assert np.array_equal(slicer.util.arrayFromVolume(node)[0], values)
        assert node.GetSpacing()[:2] == pytest.approx((radiograph.spacing.column, radiograph.spacing.row))
        red = slicer.app.layoutManager().sliceWidget("Red")
        assert red.mrmlSliceCompositeNode().GetBackgroundVolumeID() == node.GetID()
        assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        assert hierarchy.GetItemUID(hierarchy.GetItemByDataNode(node), "DICOM") == radiograph.header.series_uid


def test_only_single_radiographs_are_offered(desktop, plugin, tmp_path: Path, real_crs) -> None:
    import pydicom

    written = []
    for number, (modality, frames, rows) in enumerate(
        [("CT", "", 10), ("XA", "12", 10), ("XA", "1", 10), ("MG", "", 10), ("DX", "", None), ("PR", "", None)]
    ):
        dataset = pydicom.dcmread(real_crs[0], stop_before_pixels=True)
        dataset.Modality, dataset.SeriesInstanceUID = modality, pydicom.uid.generate_uid()
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        if frames:
            dataset.NumberOfFrames = frames
        if rows is None:
            del dataset.Rows
        written.append(tmp_path / f"{number}.dcm")
        dataset.save_as(written[-1])
    offered = [loadable.files[0] for loadable in examine(desktop, plugin, written)]
    assert offered == [str(written[2]), str(written[3])]


def test_a_file_that_cannot_be_read_says_why(desktop, plugin, tmp_path: Path, real_crs) -> None:
    cut = tmp_path / "cut.dcm"
    whole = real_crs[0].read_bytes()
    cut.write_bytes(whole[: len(whole) - 300])
    loadable = examine(desktop, plugin, [cut])[0]
    with pytest.raises(ValueError, match=r"cut\.dcm"):
        plugin.load(loadable)


@pytest.mark.skipif(os.name != "posix", reason="the Python without decoders is a shell script here")
def test_a_missing_decoder_is_installed_when_the_person_agrees(
    desktop, plugin, tmp_path: Path, real_crs, monkeypatch
) -> None:
    import pydicom
    import slicer

    from XRayAILib.dicom import decoding

    dataset = pydicom.dcmread(real_crs[0])
    dataset.compress(pydicom.uid.RLELossless)
    compressed = tmp_path / "compressed.dcm"
    dataset.save_as(compressed)
    # A Slicer as it was downloaded has no decoder for this.
    lacking = tmp_path / "PythonSlicer"
    lacking.write_text("""#!/bin/sh\nread request\necho '{"reason": "no decoder"}'\n""")
    lacking.chmod(0o755)
    asked: list[str] = []

    def install(requirements, requester=None):
        asked.extend(str(requirement) for requirement in requirements)
        decoder._interpreter = sys.executable

    decoder = decoding.ChildDecoder(str(lacking))
    monkeypatch.setattr(decoding, "_shared", decoder)
    monkeypatch.setattr(slicer.packaging, "pip_check", lambda requirement: False)
    monkeypatch.setattr(slicer.packaging, "pip_ensure", install)
    node = plugin.load(examine(desktop, plugin, [compressed])[0])
    assert any(requirement.startswith("imagecodecs") for requirement in asked)
    plain = plugin.load(examine(desktop, plugin, [real_crs[0]])[0])
    assert (slicer.util.arrayFromVolume(node) == slicer.util.arrayFromVolume(plain)).all()
    decoder.close()


def test_real_radiographs_of_every_sort_load(desktop, plugin, test_data: Path) -> None:
    import pydicom
    import slicer

    from XRayAILib.dicom.radiograph import UnreadableError, read_radiograph

    files = [path for path in sorted((test_data / "dicom").iterdir()) if path.suffix == ".dcm"]
    images = [path for path in files if "Rows" in pydicom.dcmread(path, stop_before_pixels=True)]
    loaded = 0
    for loadable in examine(desktop, plugin, images):
        try:
            read_radiograph(loadable.files[0])
        except UnreadableError:
            continue
        node = plugin.load(loadable)
        assert slicer.util.arrayFromVolume(node).ndim == 3
        slicer.mrmlScene.RemoveNode(node)
        loaded += 1
    assert loaded >= 10
