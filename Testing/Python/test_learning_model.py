"""A model on disk: whole, accounted for, and refused when it is not."""

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import pytest

from learning_cases import make_project, tiny
from XRayAILib.findings.agreement.bootstrap import mean_interval
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.schema import LabelSchema, Tool
from XRayAILib.learning.card import model_card
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import MANIFEST, WEIGHTS, Model, ModelError, list_models, write_model
from XRayAILib.learning.models.manifest import write_manifest
from XRayAILib.learning.networks import build
from XRayAILib.learning.task import make_task

LABELS = ("right_lung", "left_lung", "heart")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """An untrained model."""
    folder = tmp_path_factory.mktemp("models")
    config = tiny(name="ovals")
    task = make_task(config, legend_of(LABELS, chest_schema()))
    statistics = {"value": 0.9, "std": 0.02, "low": 0.88, "high": 0.92, "median": 0.9, "min": 0.8, "count": 12}
    metrics = {
        "labels": {"heart": {"dice": statistics, "iou": statistics}},
        "overall": {"dice": statistics, "iou": statistics},
    }
    parts = {"train": 8, "validation": 2, "test": 2}
    versions = dict.fromkeys(("torch", "monai", "numpy", "safetensors"), "1.0")
    training = {"created": "2026-01-01T00:00:00+00:00", "images": parts, "patients": parts, "left_out": 0, "epochs": 4}
    training |= {"stopped": "finished", "best_epoch": 4, "device": "CPU", "seconds": 12.0, "versions": versions}
    weights = task.network().state_dict()
    return write_model(folder, config, task, weights, [], metrics, training).folder


@pytest.fixture
def model(made, tmp_path) -> Path:
    """A copy to do harm to."""
    return Path(shutil.copytree(made, tmp_path / "ovals"))


def signed(folder: Path, name: str) -> None:
    """Put the present sum of a file into the manifest, as somebody would who tampers with care."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest["sums"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    write_manifest(folder, manifest)


def test_a_model_says_what_it_is(made):
    model = Model.load(made)
    assert (model.name, model.labels, model.preset.size) == ("ovals", LABELS, 64)
    assert model.digest == hashlib.sha256((made / WEIGHTS).read_bytes()).hexdigest()
    assert model.task.mirrors == (1, 0, 2)
    assert model.author.key == f"model:ovals@{model.digest[:16]}"
    card = (made / "docs" / "README.md").read_text("utf-8")
    assert "not a medical device" in card and "| Heart | 12 | 0.900 ± 0.020 |" in card
    assert not list(made.parent.glob(".*"))


def test_a_card_names_the_terms_of_the_weights_it_began_with_and_the_batch_that_was_used(made):
    manifest = json.loads((made / MANIFEST).read_text("utf-8"))
    start = {"origin": "file encoder.safetensors", "sha256": "2" * 64, "licence": "CC-BY-NC-4.0"}
    for licence, words in (("CC-BY-NC-4.0", "licence: CC-BY-NC-4.0"), ("", "licence: not recorded")):
        training = {**manifest["training"], "start": {**start, "licence": licence}, "batch_size": 12}
        card = model_card({**manifest, "training": training, "config": {**manifest["config"], "batch_size": 0}})
        assert words in card and "batch size 12\n" in card


def test_its_configuration_is_a_monai_bundle_with_plain_arguments(made):
    from monai.bundle import ConfigParser

    parser = ConfigParser(json.loads((made / "configs" / "inference.json").read_text("utf-8")))
    assert type(parser.get_parsed_content("network_def")).__name__ == "UNet"
    assert "$" not in (made / "configs" / "inference.json").read_text("utf-8")
    assert {"monai_version", "pytorch_version", "network_data_format"} <= json.loads(
        (made / "configs" / "metadata.json").read_text("utf-8")
    ).keys()


@pytest.mark.parametrize("name", ["models/model.safetensors", "configs/inference.json", "docs/README.md"])
def test_a_changed_file_is_refused_by_name(model, name):
    data = bytearray((model / name).read_bytes())
    data[-2] ^= 1
    (model / name).write_bytes(data)
    with pytest.raises(ModelError, match=f"{name} was changed after the model was made"):
        Model.load(model)


def test_a_missing_file_is_refused_by_name(model):
    (model / "docs" / "README.md").unlink()
    with pytest.raises(ModelError, match=r"docs/README\.md is missing"):
        Model.load(model)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"_target_": "os.system"}, "none of the networks that may be built"),
        ({"_target_": "elsewhere.UNet"}, "no network of MONAI"),
        ({"channels": "$__import__('os').system('true')"}, "'channels' of UNet"),
        ({"script": "x"}, "takes no argument 'script'"),
    ],
)
def test_a_configuration_that_asks_for_code_is_refused(model, changes, words):
    path = model / "configs" / "inference.json"
    document = json.loads(path.read_text("utf-8"))
    document["network_def"].update(changes)
    path.write_text(json.dumps(document), "utf-8")
    signed(model, "configs/inference.json")
    with pytest.raises(ModelError, match=words.replace("$", r"\$")):
        Model.load(model)


def test_weights_of_another_network_are_refused(model):
    from safetensors.torch import save_file

    save_file(build("segmentation", "UNet", 1, 3, {}).state_dict(), str(model / WEIGHTS))
    signed(model, WEIGHTS)
    with pytest.raises(ModelError, match="its identity is not the SHA-256 of its weights"):
        Model.load(model)
    manifest = json.loads((model / MANIFEST).read_text("utf-8"))
    manifest["digest"] = manifest["sums"][WEIGHTS]
    write_manifest(model, manifest)
    with pytest.raises(ModelError, match="do not fit its network"):
        Model.load(model).network()


def test_a_file_outside_the_folder_is_not_touched(model):
    manifest = json.loads((model / MANIFEST).read_text("utf-8"))
    manifest["sums"]["../../etc/passwd"] = "0"
    write_manifest(model, manifest)
    with pytest.raises(ModelError, match="names a file outside it"):
        Model.load(model)


def test_pickled_weights_are_refused_with_the_way_to_convert_them(tmp_path):
    (tmp_path / "model.pt").write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(ModelError, match=r"model\.pt: it may hold a pickle.*save_file"):
        Model.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_manifest_that_says_too_little_is_refused(model, text):
    (model / MANIFEST).write_text(text, "utf-8")
    with pytest.raises(ModelError):
        Model.load(model)


def test_a_project_without_its_labels_is_told(made):
    model = Model.load(made)
    model.check_schema(chest_schema())
    labels = tuple(label for label in chest_schema() if label.name != "heart")
    with pytest.raises(ModelError, match="finds 'heart', which is not in the project's schema"):
        model.check_schema(LabelSchema("small", labels))
    boxed = tuple(
        type(label)(label.name, label.title, Tool.BOX if label.name == "heart" else label.tool, label.color)
        for label in chest_schema()
    )
    with pytest.raises(ModelError, match="gives 'heart' as mask, but the project draws it as box"):
        model.check_schema(LabelSchema("boxed", boxed))


def test_a_second_model_of_a_name_gets_a_number_and_bad_ones_are_listed(made, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(made, models / "one")
    shutil.copytree(made, models / "two")
    (models / "two" / WEIGHTS).unlink()
    good, refused = list_models(models)
    assert [m.folder.name for m in good] == ["one"]
    assert refused[0][0].name == "two" and "is missing" in refused[0][1]


def test_the_interval_is_over_patients():
    """One image each, or the same image ten times each: no more patients, so no more certainty."""
    values, patients = [0.7, 0.8, 0.9, 0.95], ["a", "b", "c", "d"]
    import numpy as np

    low, high = mean_interval(np.array(values), patients)
    again = mean_interval(np.repeat(values, 10), [p for p in patients for _ in range(10)])
    assert low < np.mean(values) < high
    assert again == pytest.approx((low, high))


def test_a_disk_that_cannot_be_written_leaves_nothing(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        config = tiny()
        task = make_task(config, legend_of(LABELS, project.schema))
        place = tmp_path / "taken"
        place.write_text("a file where the folder should be", "utf-8")
        with pytest.raises(ModelError, match="cannot be written"):
            write_model(place, config, task, {}, [], {}, {"created": ""})


def test_a_manifest_that_changed_is_noticed_itself(model):
    text = (model / MANIFEST).read_text("utf-8")
    (model / MANIFEST).write_text(text.replace('"value": 0.9,', '"value": 0.99,'), "utf-8")
    with pytest.raises(ModelError, match="was changed after the model was made"):
        Model.load(model)
