"""Models out of one project and into another: as folders, archives and ONNX; several at once; on a full disk."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from learning_cases import make_project
from model_cases import LABELS, SCHEMA, bright_onnx, change, describe, untrained
from XRayAILib.dicom.child import library_environment
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.model import MANIFEST, WEIGHTS, Model
from XRayAILib.learning.models.exporting import export_model
from XRayAILib.learning.models.folder import new_folder
from XRayAILib.learning.models.importing import import_model
from XRayAILib.learning.models.manifest import write_manifest
from XRayAILib.workflow.prediction import find_models


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Model]:
    """An untrained model of each task."""
    place = tmp_path_factory.mktemp("models")
    return {task: untrained(place, task) for task in LABELS}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("task", LABELS)
def test_a_model_of_any_task_goes_out_and_comes_in(made, tmp_path, task):
    archive = export_model(made[task], tmp_path / "out" / "model.zip")
    with zipfile.ZipFile(archive) as opened:
        assert {name.partition("/")[0] for name in opened.namelist()} == {task}
        assert f"{task}/configs/metadata.json" in opened.namelist()
    taken = import_model(archive, tmp_path / "models")
    assert (taken.folder.name, taken.digest, taken.labels) == (task, made[task].digest, LABELS[task])
    assert taken.network() is not None and taken.author == made[task].author
    assert names(tmp_path / "models") == [task] and names(tmp_path / "out") == ["model.zip"]


@pytest.mark.parametrize("task", LABELS)
def test_it_is_a_monai_bundle(made, task):
    from monai.bundle import ConfigParser
    from safetensors.torch import load_file

    folder = made[task].folder
    definition = json.loads((folder / "configs" / "inference.json").read_text("utf-8"))
    network = ConfigParser(definition).get_parsed_content("network_def")
    network.load_state_dict(load_file(str(folder / WEIGHTS)))
    assert not any(letter in json.dumps(definition) for letter in "$@%")
    said = json.loads((folder / "configs" / "metadata.json").read_text("utf-8"))
    # https://docs.monai.io/en/latest/mb_specification.html
    assert {
        *("version", "monai_version", "pytorch_version", "numpy_version", "optional_packages_version", "task"),
        *("description", "authors", "copyright", "network_data_format"),
    } <= said.keys()
    import torch

    with torch.inference_mode():
        found = network.eval()(torch.rand(1, 1, 64, 64))
    found = found if isinstance(found, dict) else {"pred": found}
    tensors = said["network_data_format"]
    assert tensors["outputs"].keys() == found.keys()
    for tensor in (*tensors["inputs"].values(), *tensors["outputs"].values()):
        assert {
            *("type", "format", "modality", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data"),
            "channel_def",
        } == tensor.keys()
    for name, value in found.items():
        told = tensors["outputs"][name]
        assert (told["num_channels"], *told["spatial_shape"]) == value.shape[1:]


def test_monai_checks_input_and_output_of_a_segmentation_itself(made):
    from monai.bundle import verify_net_in_out

    configs = made["segmentation"].folder / "configs"
    verify_net_in_out(
        "network_def", str(configs / "metadata.json"), str(configs / "inference.json"), device="cpu", p=1, n=1, any=1
    )


def test_a_folder_is_taken_as_well_and_the_same_model_once_only(made, tmp_path):
    first = export_model(made["segmentation"], tmp_path / "lungs")
    assert first == tmp_path / "lungs" and names(first) == ["configs", "docs", MANIFEST, "models"]
    inside = export_model(made["segmentation"], tmp_path / "lungs" / "docs")
    assert inside == tmp_path / "lungs" / "docs" / "segmentation"
    import_model(inside, tmp_path / "models")
    with pytest.raises(ModelError, match="is there already"):
        import_model(inside, tmp_path / "models")
    for target in (tmp_path / "lungs" / "docs", export_model(made["segmentation"], tmp_path / "a.zip")):
        with pytest.raises(ModelError, match="is there already"):
            export_model(made["segmentation"], target)


def test_the_same_model_gives_the_same_archive(made, tmp_path):
    archives = [export_model(made["segmentation"], tmp_path / f"{n}.zip").read_bytes() for n in range(2)]
    assert hashlib.sha256(archives[0]).digest() == hashlib.sha256(archives[1]).digest()


def test_one_of_ours_keeps_the_name_that_it_signs_with(made, tmp_path):
    archive = export_model(made["segmentation"], tmp_path / "m.zip")
    with pytest.raises(ModelError, match="keeps its name"):
        import_model(archive, tmp_path / "models", name="other")
    assert names(tmp_path / "models") == []


def test_nobody_leaves_with_a_model(made, tmp_path):
    folder = Path(shutil.copytree(made["segmentation"].folder, tmp_path / "lungs"))
    config = json.loads((folder / MANIFEST).read_text("utf-8"))["config"]
    change(folder, config={**config, "start": "file:/home/anna/models/chest.safetensors"})
    out = export_model(Model.load(folder), tmp_path / "out")
    text = (out / MANIFEST).read_text("utf-8")
    assert "anna" not in text and Model.load(out).config.start == "file:chest.safetensors"
    change(folder, note="1.2.826.0.1.3680043.8.498.1")
    with pytest.raises(ModelError, match=r"looks like a DICOM UID \(1\.2\.826"):
        export_model(Model.load(folder), tmp_path / "uid.zip")
    change(folder, note={"worst": ["DOE^JOHN"]})
    with pytest.raises(ModelError, match=r"manifest\.json holds an identity of the project \('DOE\^JOHN'\)"):
        export_model(Model.load(folder), tmp_path / "name.zip", identities={"DOE^JOHN"})
    assert names(tmp_path) == ["lungs", "out"]


def test_a_model_of_the_first_format_is_read_and_taken_in(made, tmp_path):
    """As segmentation wrote it before there were other tasks."""
    old = Path(shutil.copytree(made["segmentation"].folder, tmp_path / "old"))
    manifest = json.loads((old / MANIFEST).read_text("utf-8"))
    statistics = {"mean": 0.9, "std": 0.02, "low": 0.88, "high": 0.92, "median": 0.9, "min": 0.8, "count": 12}
    metrics = {"labels": {"left_lung": {"dice": statistics}}, "mean": {"dice": 0.9}}
    config = {k: v for k, v in manifest["config"].items() if k not in ("options", "folds", "fold", "outside", "logs")}
    manifest |= {"format": 1, "metrics": metrics, "config": {**config, "components": 2}}
    for name in ("fitted", "classes"):
        del manifest[name]
    write_manifest(old, manifest)
    model = import_model(old, tmp_path / "models")
    assert model.metrics["labels"]["left_lung"]["dice"]["value"] == 0.9
    assert model.task.options.components == 2 and model.network() is not None
    assert find_models(tmp_path / "models")[0].summary == "Dice 0.900, 2 labels"


def test_models_are_listed_with_the_score_of_their_task(made, tmp_path):
    figure = {"value": 2.345, "low": 2.1, "high": 2.6, "count": 9}
    untrained(tmp_path, "landmarks", labels={}, overall={"mre": figure})
    untrained(tmp_path, "classification", labels={}, overall={"auroc": {**figure, "value": 0.8}})
    shutil.copytree(tmp_path / "landmarks", tmp_path / ".hidden.part")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / MANIFEST).write_text("{", "utf-8")
    summaries = {entry.name: entry.summary for entry in find_models(tmp_path)}
    assert "manifest.json cannot be read" in summaries.pop("broken")
    assert summaries["classification"] == "AUROC 0.800, 2 labels"
    assert "2.35" in summaries["landmarks"] and summaries["landmarks"].startswith("Mean radial error")
    assert len(summaries) == 2


def test_two_imports_at_once_take_two_names(made, tmp_path):
    """Both see that the name is free, and both rename."""
    other = untrained(tmp_path / "elsewhere", "segmentation")
    sources = [export_model(model, tmp_path / f"{n}.zip") for n, model in enumerate((made["segmentation"], other))]
    taken: list[Model] = []
    threads = [
        threading.Thread(target=lambda source=source: taken.append(import_model(source, tmp_path / "models")))
        for source in sources
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path / "models") == ["segmentation", "segmentation-2"]
    assert {model.digest for model in taken} == {made["segmentation"].digest, other.digest}


def test_whoever_comes_second_to_a_name_takes_the_next_one(tmp_path):
    with new_folder(tmp_path, "lungs") as one:
        (one.working / "a").touch()
        with new_folder(tmp_path, "lungs") as other:
            (other.working / "b").touch()
    assert (other.final.name, one.final.name) == ("lungs", "lungs-2")
    with pytest.raises(RuntimeError), new_folder(tmp_path, "lungs") as third:
        (third.working / "c").touch()
        raise RuntimeError
    assert names(tmp_path) == ["lungs", "lungs-2"]


FULL = """
import resource, signal, sys
from pathlib import Path
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.model import Model
from XRayAILib.learning.models.exporting import export_model
from XRayAILib.learning.models.importing import import_model
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
place = Path(sys.argv[1])
model = Model.load(place / "given" / "segmentation")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
for act in (
    lambda: export_model(model, place / "out" / "m.zip"),
    lambda: export_model(model, place / "out" / "m"),
    lambda: import_model(place / "given" / "segmentation", place / "models"),
    lambda: import_model(place / "m.zip", place / "models"),
):
    try:
        act()
    except ModelError as error:
        print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX")
@pytest.mark.parametrize("limit", [100, 20_000])
def test_a_full_disk_leaves_nothing_half_written(made, tmp_path, limit):
    """A process that may write no file larger than this stands for a disk without room."""
    shutil.copytree(made["segmentation"].folder, tmp_path / "given" / "segmentation")
    export_model(made["segmentation"], tmp_path / "m.zip")
    command = [sys.executable, "-c", FULL, str(tmp_path), str(limit)]
    told = subprocess.run(command, capture_output=True, text=True, env=library_environment(), check=False)
    assert told.stdout.count("Is the disk full?") == 4, told.stderr
    assert names(tmp_path / "out") == [] and names(tmp_path / "models") == []


class TestOnnx:
    @pytest.fixture(autouse=True)
    def runtime(self) -> None:
        for name in ("onnx", "onnxruntime", "onnxscript"):
            pytest.importorskip(name, reason="the extra 'onnx' is not installed")

    @pytest.mark.parametrize("task", ["segmentation", "landmarks"])
    def test_it_gives_what_torch_gives_for_any_batch(self, made, tmp_path, task):
        import onnxruntime
        import torch

        real = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
        out = export_model(made[task], tmp_path / "out", onnx=True, images=[real])
        manifest = json.loads((out / MANIFEST).read_text("utf-8"))
        facts = manifest["onnx"]
        assert (facts["real"], facts["random"]) == (1, 3)
        assert 0 <= facts["largest_difference"] <= facts["tolerance"]["absolute"] * 10
        session = onnxruntime.InferenceSession(out / "models" / "model.onnx", providers=["CPUExecutionProvider"])
        images = torch.rand(5, 1, 64, 64)
        with torch.inference_mode():
            wanted = made[task].network()(images)
        wanted = wanted if isinstance(wanted, dict) else {"pred": wanted}
        for name, value in zip(facts["outputs"], session.run(facts["outputs"], {"image": images.numpy()}), strict=True):
            assert np.allclose(value, wanted[name], atol=1e-4)
        assert str(Path.home()).encode() not in (out / "models" / "model.onnx").read_bytes()
        # The weights are still those of the original, and so is its signature.
        again = import_model(out, tmp_path / "models")
        assert again.author == made[task].author and (again.folder / "models" / "model.onnx").is_file()

    def test_one_that_is_not_equal_is_removed(self, made, tmp_path, monkeypatch):
        from XRayAILib.learning.models import onnx_export

        whole = onnx_export._export

        def wrong(network, path, names, example):
            with __import__("torch").no_grad():
                for parameter in network.parameters():
                    parameter.mul_(1.01)
            whole(network, path, names, example)

        monkeypatch.setattr(onnx_export, "_export", wrong)
        with pytest.raises(ModelError, match=r"is not equal, so it was removed: .* is allowed"):
            export_model(made["segmentation"], tmp_path / "out.zip", onnx=True)
        assert names(tmp_path) == []

    def test_what_was_made_elsewhere_goes_on_as_it_came(self, tmp_path):
        file = bright_onnx(tmp_path / "bright.onnx")
        model = import_model(file, tmp_path / "models", describe(tmp_path / "d.json"), SCHEMA)
        again = import_model(export_model(model, tmp_path / "out.zip"), tmp_path / "others")
        assert again.foreign == model.foreign and again.digest == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_project_reads_with_what_was_made_elsewhere(tmp_path):
    """And measures it, as it does its own."""
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name, reason="the extra 'onnx' is not installed")
    from XRayAILib.reading.predictor import Predictor

    with make_project(tmp_path, patients=3) as project:
        file = bright_onnx(tmp_path / "bright.onnx")
        description = describe(tmp_path / "d.json", labels=[None, "right_lung"])
        model = import_model(file, project.models_folder, description, project.schema)
        uids = [image.uid for image in project.images()]
        report = Predictor(model, "cpu").predict_many(project, uids, lambda event: None)
        assert report.done == tuple(uids) and not report.failed
        kept = project.findings(uids[0], model.author.key)
        assert kept is not None and {item.author.digest for item in kept} == {model.digest}
