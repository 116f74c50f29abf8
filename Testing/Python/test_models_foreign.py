"""Models made elsewhere: described, tried, at work like ours."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from model_cases import BRIGHT, SCHEMA, bright_onnx, constant_onnx, describe
from XRayAILib.dicom.radiograph import Radiograph, read_radiograph
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.model import Model
from XRayAILib.learning.models.adapter import adapter
from XRayAILib.learning.models.description import EXAMPLE, Description
from XRayAILib.learning.models.foreign_networks import build_foreign
from XRayAILib.learning.models.importing import import_model
from XRayAILib.reading.predictor import Predictor

UNET = {"network": {"name": "UNet"}}


@pytest.fixture
def picture(tmp_path: Path) -> Radiograph:
    """64 x 64 pixels, black at the left and white at the right."""
    values = np.zeros((64, 64), np.uint8)
    values[:, 32:] = 255
    Picture.fromarray(values).save(tmp_path / "half.png")
    return read_radiograph(tmp_path / "half.png")


@pytest.fixture
def runtime() -> None:
    """onnx and onnxruntime, or the test is skipped."""
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name, reason="the extra 'onnx' is not installed")


def taken(file: Path, **changes: object) -> Model:
    """The model that comes of a file and a description."""
    return import_model(file, file.parent / "models", describe(file.with_suffix(".json"), **changes), SCHEMA)


def read(model: Model, picture: Radiograph) -> Findings:
    return Predictor(model, "cpu").predict(picture)


@pytest.mark.usefixtures("runtime")
def test_an_onnx_model_finds_what_it_is_said_to_find_and_signs_with_its_own_sum(picture, tmp_path):
    file = bright_onnx(tmp_path / "bright.onnx")
    model = taken(file)
    assert model.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (model.name, model.labels, model.task.mirrors) == ("bright", ("left_lung", "right_lung"), (1, 0))
    found = read(model, picture)
    assert found.author.key == f"model:bright@{model.digest[:16]}"
    assert found.of(Mask, "left_lung")[0].array()[:, 34:].all()
    assert not found.of(Mask, "left_lung")[0].array()[:, :30].any()
    assert found.of(Mask, "right_lung")[0].array()[:, :30].all()
    assert "has not measured it" in (model.folder / "docs" / "README.md").read_text("utf-8")


@pytest.mark.usefixtures("runtime")
def test_values_and_thresholds_are_those_of_the_description(picture, tmp_path):
    # Black is -1024 for it, so all of the picture lies below 0.5 or far above.
    file = bright_onnx(tmp_path / "bright.onnx", channels=3)
    wide = {"size": 32, "channels": 3, "range": [-1024, 1024]}
    labels = ["left_lung", None]
    model = taken(file, input=wide, labels=labels)
    assert model.labels == ("left_lung",) and model.preset.stretched is False
    assert read(model, picture).of(Mask)[0].array()[:, 34:].all()
    # A sigmoid of 0.5 is 0.62: with a threshold above that, nothing white is left.
    plain = {"size": 32, "channels": 3}
    strict = taken(file, input=plain, labels=labels, output={"kind": "logits", "thresholds": [0.63]}, name="strict")
    lenient = taken(file, input=plain, labels=labels, output={"kind": "logits", "thresholds": [0.61]}, name="lenient")
    assert not read(strict, picture).of(Mask) and read(lenient, picture).of(Mask)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, [[0.0, 0.5, 1.0]]),
        ({"range": [-1024, 1024]}, [[-1024, 0, 1024]]),
        ({"range": [1, 0]}, [[1, 0.5, 0]]),
        ({"range": [0, 255], "mean": [127.5], "std": [51]}, [[-2.5, 0, 2.5]]),
        ({"channels": 3, "mean": [0.5, 0, 0], "std": [0.5, 1, 2]}, [[-1, 0, 1], [0, 0.5, 1], [0, 0.25, 0.5]]),
    ],
)
def test_black_grey_and_white_become_the_values_that_the_network_knows(source, expected):
    import torch

    described = Description.from_document({**BRIGHT, "input": {"size": 32, **source}})
    seen = adapter(described, torch.nn.Identity(), lambda outputs, size: outputs["0"])
    greys = torch.tensor([0, 0.5, 1]).view(1, 1, 1, 3)
    assert np.allclose(seen(greys)[0, :, 0], expected)


def test_channels_may_come_last():
    import torch

    described = Description.from_document({**BRIGHT, "input": {"size": 32, "channels": 3, "layout": "channels_last"}})
    seen = adapter(described, torch.nn.Identity(), lambda outputs, size: outputs["0"])
    assert seen(torch.zeros(2, 1, 4, 5)).shape == (2, 4, 5, 3)


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(
    ("label", "output", "values", "said", "score"),
    [
        ("pneumonia=yes", {"kind": "logits"}, [1.0, -9.0], "yes", 0.7311),
        ("pneumonia=yes", {"kind": "probabilities"}, [0.2, 0.8], "no", 0.8),
        ("pneumonia=yes", {"kind": "probabilities", "thresholds": [0.1]}, [0.2, 0.8], "yes", 0.2),
        ("pneumonia=yes", {"kind": "logits", "activation": "softmax"}, [2.0, 2.0], "yes", 0.5),
        ("finding", {"kind": "probabilities"}, [0.7, 0.0], "yes", 0.7),
        ("finding", {"kind": "probabilities"}, [0.3, 0.0], None, None),
    ],
)
def test_a_classifier_answers_questions_with_its_probabilities(picture, tmp_path, label, output, values, said, score):
    file = constant_onnx(tmp_path / "class.onnx", logits=np.array([values], np.float32))
    model = taken(file, task="classification", labels=[label, None], output=output)
    answers = read(model, picture).of(ImageLabel)
    assert [(a.value, a.score) for a in answers] == ([] if said is None else [(said, pytest.approx(score, abs=1e-3))])


@pytest.mark.usefixtures("runtime")
def test_of_several_values_of_a_question_the_likeliest_is_said_or_none(picture, tmp_path):
    for number, (values, said) in enumerate(((([0.2, 0.7]), ["AP"]), ([0.1, 0.2], []))):
        file = constant_onnx(tmp_path / f"view{number}.onnx", out=np.array([values], np.float32))
        model = taken(
            file, task="classification", labels=["view=PA", "view=AP"], output={"kind": "probabilities"}, name="view"
        )
        assert [answer.value for answer in read(model, picture).of(ImageLabel)] == said


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(("kind", "scale"), [("pixels", 1.0), ("fractions", 1 / 32)])
def test_points_come_back_where_the_model_says(picture, tmp_path, kind, scale):
    places = np.array([[[10.25, 20.5], [31.0, 3.0]]], np.float32)
    given = (places + 0.5) * scale if kind == "fractions" else places
    file = constant_onnx(tmp_path / "points.onnx", points=given.astype(np.float32))
    model = taken(file, task="landmarks", labels=["apex", "hilum"], output={"kind": kind})
    found = read(model, picture).of(Landmark)
    # The picture has two pixels for each of the square.
    wanted = (places[0] + 0.5) * 2 - 0.5
    assert [(p.x, p.y) for p in found] == [pytest.approx(tuple(xy), abs=0.05) for xy in wanted]


@pytest.mark.usefixtures("runtime")
def test_a_heatmap_is_read_between_its_cells(picture, tmp_path):
    y, x = np.mgrid[:16, :16]
    # Cells of two pixels of the square: (7.3, 4.6) is (14.6 + 0.5, 9.2 + 0.5) there.
    hill = np.exp(-((x - 7.3) ** 2 + (y - 4.6) ** 2) / (2 * 1.5**2)) + 0.01
    file = constant_onnx(tmp_path / "maps.onnx", maps=np.stack([hill, hill])[None].astype(np.float32))
    labels = ["apex", None]
    model = taken(file, task="landmarks", labels=labels, output={"kind": "heatmaps", "sigma": 3})
    point = read(model, picture).of(Landmark, "apex")[0]
    assert (point.x, point.y) == pytest.approx(((15.1 + 0.5) * 2 - 0.5, (9.7 + 0.5) * 2 - 0.5), abs=0.3)


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(
    ("kind", "box"),
    [("corners", [4, 8, 12, 24]), ("centres", [8, 16, 8, 16]), ("corners", [4 / 32, 8 / 32, 12 / 32, 24 / 32])],
)
def test_a_detectors_boxes_are_ours(picture, tmp_path, kind, box):
    arrays = {
        "boxes": np.array([box, box, box], np.float32),
        "scores": np.array([0.9, 0.001, 0.8], np.float32),
        "labels": np.array([1, 1, 2], np.int64),
    }
    file = constant_onnx(tmp_path / "boxes.onnx", **arrays)
    model = taken(file, task="detection", labels=["nodule", None], output={"kind": kind, "first": 1})
    boxes = read(model, picture).of(Box)
    assert [(b.label, b.score, b.x0, b.y0, b.x1, b.y1) for b in boxes] == [("nodule", pytest.approx(0.9), *EDGES)]


EDGES = (7.5, 15.5, 23.5, 47.5)
"""0 is the outer edge of the first pixel for the model, and -0.5 for us."""


def test_weights_fill_a_network_of_the_allow_list(picture, tmp_path):
    import torch
    from safetensors.torch import save_file

    changes = {
        "task": "classification",
        "labels": ["pneumonia=yes", None],
        "input": {"size": 64, "range": [-1024, 1024], "contrast": "extremes", "fit": "crop"},
        "network": {"name": "torchvision.resnet18"},
    }
    torch.manual_seed(3)
    network = build_foreign(Description.from_document({**BRIGHT, **changes})).eval()
    save_file(network.state_dict(), str(tmp_path / "model.safetensors"))
    model = taken(tmp_path / "model.safetensors", **changes)
    with torch.inference_mode():
        logit = float(network(torch.from_numpy(picture.display())[None, None] * 2048 - 1024)[0, 0])
    answer = read(model, picture).of(ImageLabel)[0]
    chance = 1 / (1 + np.exp(-logit))
    assert answer.score == pytest.approx(max(chance, 1 - chance), abs=2e-3)


def test_a_grey_densenet_has_the_names_and_shapes_of_torchxrayvision():
    import torch

    changes = {"task": "classification", "network": {"name": "torchvision.densenet121"}}
    changes["labels"] = [f"finding{n}" for n in range(18)]
    with torch.device("meta"):
        tensors = build_foreign(Description.from_document({**BRIGHT, **changes})).state_dict()
    assert tensors["features.conv0.weight"].shape == (64, 1, 7, 7)
    assert tensors["features.denseblock1.denselayer1.norm1.weight"].shape == (64,)
    assert tensors["classifier.weight"].shape == (18, 1024)


def test_a_bundle_names_its_network_in_plain_words_and_nothing_else_of_it_is_believed(tmp_path):
    from safetensors.torch import save_file

    from XRayAILib.learning.networks import build

    bundle = tmp_path / "bundle"
    for name in ("configs", "models"):
        (bundle / name).mkdir(parents=True)
    arguments = {"channels": [4, 8, 16], "strides": [2, 2]}
    save_file(build("segmentation", "UNet", 1, 2, arguments).state_dict(), str(bundle / "models/model.safetensors"))
    witness = tmp_path / "ran"
    harm = f"$__import__('pathlib').Path({str(witness)!r}).touch()"
    network = {"_target_": "monai.networks.nets.UNet", "spatial_dims": 2, "in_channels": 1, "out_channels": 2}
    config = {"imports": [harm], "run": harm, "network_def": {**network, **arguments}, "device": harm}
    (bundle / "configs" / "inference.json").write_text(json.dumps(config), "utf-8")
    describe(bundle / "description.json")
    model = import_model(bundle, tmp_path / "models", schema=SCHEMA)
    assert (model.network_name, dict(model.network_arguments)) == ("UNet", arguments)
    assert not witness.exists()
    # A definition that would run code is not taken for a network.
    config["network_def"]["channels"] = harm
    (bundle / "configs" / "inference.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelError, match="needs 'network' with a name"):
        import_model(bundle, tmp_path / "models", schema=SCHEMA)
    assert not witness.exists()
    # The witness would be there, had the configuration gone to MONAI.
    from monai.bundle import ConfigParser

    ConfigParser({"run": harm}).get_parsed_content("run")
    assert witness.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "captioning"}, "task: 'captioning' is none of"),
        ({"labels": []}, "labels: it must be a list"),
        ({"labels": [None, None]}, "no output is wanted"),
        ({"labels": ["left_lung", "left_lung"]}, "'left_lung' stands there twice"),
        ({"labels": ["left lung", None]}, "no label's name"),
        ({"labels": ["left_lung=yes", None], **UNET}, "no image label"),
        ({"labels": ["nodule", None], **UNET}, "'nodule' is drawn as box"),
        ({"input": {"size": 8}}, "input.size: 8 must lie in 16 to 4096"),
        ({"input": {"size": 32, "channels": 2}}, "input.channels: 2 is neither 1 nor 3"),
        ({"input": {"size": 32, "range": [1, 1]}}, "input.range: it must be two numbers"),
        ({"input": {"size": 32, "std": [0]}}, "input.std: it must be greater than 0"),
        ({"input": {"size": "$32"}}, "input.size: '\\$32' is no whole number"),
        ({"input": {"size": 32, "sise": 3}}, "'input.sise' is no setting"),
        ({"output": {"kind": "masks"}}, "output.kind: 'masks' is none of logits, probabilities"),
        ({"output": {"kind": "logits", "thresholds": [0.5, 0.5, 0.5]}}, "one for each of the 2 outputs"),
        ({"output": "logits"}, "output: it must be a mapping"),
        ({"script": "x"}, "'script' is no field"),
        ({"network": {"name": "os.system"}}, "none of the networks that may be built"),
        ({"network": {"name": "torchvision.alexnet"}}, "none of those of torchvision"),
        ({"network": {"name": "UNet", "arguments": {"channels": "$x"}}}, "'channels' of UNet"),
    ],
)
def test_a_description_that_makes_no_sense_is_told_field_by_field(tmp_path, changes, words):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, str(tmp_path / "model.safetensors"))
    with pytest.raises(ModelError, match=words):
        taken(tmp_path / "model.safetensors", **changes)
    assert not list((tmp_path / "models").glob("*")) if (tmp_path / "models").exists() else True


def test_a_description_is_data_without_objects_and_without_bombs(tmp_path):
    file = tmp_path / "description.yaml"
    file.write_text("!!python/object/apply:os.getcwd []", "utf-8")
    with pytest.raises(ModelError, match="neither YAML nor JSON"):
        Description.read(file)
    file.write_text("a: &a [x, x]\nb: &b [*a, *a]\nlabels: [*b, *b]", "utf-8")
    with pytest.raises(ModelError, match="aliases"):
        Description.read(file)


def test_the_example_is_a_description(tmp_path):
    (tmp_path / "d.yaml").write_text(EXAMPLE, "utf-8")
    described = Description.read(tmp_path / "d.yaml")
    assert Description.from_document(described.document()) == described


def test_without_a_description_the_way_to_one_is_said(tmp_path):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, str(tmp_path / "model.safetensors"))
    with pytest.raises(ModelError, match=r"model\.yaml beside it .* --example"):
        import_model(tmp_path / "model.safetensors", tmp_path / "models")
