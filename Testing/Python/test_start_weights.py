"""Where a training's weights may come from, and how they find their places in its network."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from learning_cases import make_project, tiny
from start_cases import lived_in, make, seen_at
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.start.begin import begun, fitted_to, start_weights
from XRayAILib.learning.start.grey import SCALES, grey_stem
from XRayAILib.learning.start.layers import layers_of
from XRayAILib.learning.start.pickled import how_to_convert
from XRayAILib.learning.start.place import problem_of_start
from XRayAILib.learning.start.weights import StartWeights, weights_of
from XRayAILib.learning.worker import run_training

GREY = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(3))


def from_package(network: torch.nn.Module, scale: str = "unit") -> StartWeights:
    return StartWeights(network.state_dict(), "a file", "", scale=scale)


def started(task, given: StartWeights) -> torch.nn.Module:
    return fitted_to(task, given).network(task)


# Other packages' networks on a grey image, given to them as RGB, and ours on the image itself.


@pytest.mark.parametrize(
    ("theirs", "layer", "ours", "place"),
    [
        (
            "resnet18",
            "layer4",
            ("detection", "RetinaNet-ResNet18", {}),
            "retinanet.feature_extractor.body.layer4",
        ),
        ("resnet50", "layer4", ("segmentation", "FlexibleUNet", {"backbone": "resnet50"}), "encoder.layer4"),
    ],
)
def test_a_torchvision_encoder_sees_in_a_grey_image_what_it_saw_in_rgb(theirs, layer, ours, place):
    import torchvision

    network = lived_in(torchvision.models.get_model(theirs, weights=None))
    kind, name, arguments = ours
    found = started(make(kind, name, arguments=arguments), from_package(network))
    expected = seen_at(network, layer, GREY.repeat(1, 3, 1, 1))
    seen = seen_at(found, place, GREY)
    assert float((seen - expected).abs().max()) < 1e-5 * float(expected.abs().max())


@pytest.mark.parametrize(
    ("theirs", "layer", "name", "place"),
    [
        ("resnet18", "layer4", "resnet18", "encoder.layer4"),
        ("densenet121", "features", "DenseNet121", "encoder.features"),
    ],
)
def test_the_scale_of_the_values_is_taken_in(theirs, layer, name, place):
    """The classifier makes 4 (x - 0.5) of an image x; the network was trained on (x - 0.5) / 0.5."""
    import torchvision

    network = lived_in(torchvision.models.get_model(theirs, weights=None))
    found = started(make("classification", name), from_package(network, "half"))
    expected = seen_at(network, layer, (GREY.repeat(1, 3, 1, 1) - 0.5) / 0.5)
    seen = seen_at(found, place, GREY)
    assert float((seen - expected).abs().max()) < 1e-4 * float(expected.abs().max())


def test_means_that_differ_between_the_channels_are_exact_inside_of_the_border():
    stem, norm = torch.nn.Conv2d(3, 4, 5, 2, 2, bias=False), torch.nn.BatchNorm2d(4).eval()
    lived_in(norm)
    mean, deviation = (torch.tensor(v)[:, None, None] for v in SCALES["imagenet"])
    expected = norm(stem((GREY.repeat(1, 3, 1, 1) - mean) / deviation))
    words = {"a.weight": stem.weight.detach(), **{f"b.{name}": value for name, value in norm.state_dict().items()}}
    changed, said = grey_stem(words, "a", "b", SCALES["imagenet"], (4.0, -2.0))
    grey, own = torch.nn.Conv2d(1, 4, 5, 2, 2, bias=False), torch.nn.BatchNorm2d(4).eval()
    grey.load_state_dict({"weight": changed["a.weight"]})
    own.load_state_dict({name: changed[f"b.{name}"] for name in norm.state_dict()})
    seen = own(grey(4 * GREY - 2))
    assert torch.allclose(seen[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-4)
    assert "3 colour channels were summed to grey" in said


def test_an_efficientnet_is_taken_but_said_to_pad_otherwise():
    import torchvision

    network = lived_in(torchvision.models.efficientnet_b0())
    start = fitted_to(make("classification", "EfficientNetBN"), from_package(network))
    assert start.report["encoder"] == 1
    assert start.report["left_out"] == {"not in the network": ["classifier.1.weight", "classifier.1.bias"]}
    assert "pads at the right and below" in start.text


def test_names_of_timm_and_torchxrayvision_are_known():
    """As these packages name their layers; no network of theirs is at hand."""
    own = lived_in(make("classification", "EfficientNetBN").network()).state_dict()
    theirs = {timm_name(name): value for name, value in own.items() if name.startswith("encoder.")}
    start = fitted_to(make("classification", "EfficientNetBN"), StartWeights(theirs, "timm", "", scale="unit"))
    assert start.report["encoder"] == 1 and start.report["names"] == "EfficientNet of timm"

    own = lived_in(make("classification", "DenseNet121").network()).state_dict()
    theirs = {n.removeprefix("encoder.").replace(".layers.", "."): v for n, v in own.items() if "head" not in n}
    theirs["op_threshs"] = torch.full((18,), float("nan"))
    start = fitted_to(make("classification", "DenseNet121"), StartWeights(theirs, "torchxrayvision", ""))
    # Their images reach from -1024 to 1024: with 4 (x - 0.5) of ours, the kernel is 1024 / 2 times as large.
    kernel = start.weights["encoder.features.conv0.weight"] / own["encoder.features.conv0.weight"]
    assert start.report["encoder"] == 1 and kernel.mean() == pytest.approx(512)


def timm_name(name: str) -> str:
    whole = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    parts = name.removeprefix("encoder.").split(".")
    if parts[0] in whole:
        return ".".join([whole[parts[0]], *parts[1:]])
    _, stage, number, layer, kind = parts
    first = (0, 1, 3, 5, 8, 11, 15)[int(stage)]
    widened = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3"}
    plain = {"_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    common = {"_depthwise_conv": "conv_dw", "_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}
    layer = {**common, **(plain if stage == "0" else widened)}[layer]
    return f"blocks.{stage}.{int(number) - first}.{layer}.{kind}"


def test_hardly_anything_that_fits_is_refused_with_an_example():
    import torchvision

    larger = from_package(torchvision.models.resnet50())
    with pytest.raises(TrainingError, match=r"does not fit.*only .*% of its encoder.*for instance|For instance"):
        fitted_to(make("classification", "resnet18"), larger)
    with pytest.raises(TrainingError, match=r"UNet: only 0%.*'conv1.weight'.*Choose the network"):
        fitted_to(make("segmentation", "UNet"), larger)


def test_weights_that_are_no_numbers_are_refused():
    tensors = dict(make("segmentation", "UNet").network().state_dict())
    tensors["model.0.conv.unit0.conv.weight"] = tensors["model.0.conv.unit0.conv.weight"] * float("nan")
    with pytest.raises(TrainingError, match=r"damaged: 'model.0.conv.unit0.conv.weight' has values"):
        fitted_to(make("segmentation", "UNet"), StartWeights(tensors, "a file", ""))


# Own models.


def own(task, **more) -> StartWeights:
    manifest = {"config": task.config.document(), "legend": [label.document() for label in task.legend]}
    tensors = lived_in(task.network()).state_dict()
    return StartWeights(tensors, "model first", "", task=task.name, classes=task.classes, manifest=manifest, **more)


def test_the_same_task_with_the_same_labels_takes_everything():
    task = make("segmentation", "UNet")
    start = fitted_to(task, own(task))
    assert start.report["random"] == [] and start.report["left_out"] == {}


def test_other_labels_begin_with_an_output_of_their_own():
    """Two labels each: every shape fits, but the output says something else."""
    task = make("segmentation", "BasicUNet", labels="xy")
    start = fitted_to(task, own(make("segmentation", "BasicUNet", labels="ab")))
    assert start.report["random"] == ["final_conv.weight", "final_conv.bias"]
    assert start.report["left_out"] == {"for the outputs of other labels": ["final_conv.weight", "final_conv.bias"]}


def test_of_another_task_only_the_encoder_is_taken():
    task = make("landmarks", "BasicUNet", options={"stride": 1})
    start = fitted_to(task, own(make("segmentation", "BasicUNet")))
    encoder = layers_of(task.network()).encoder
    assert set(start.weights) == encoder and start.report["encoder"] == 1


def test_a_network_that_cuts_the_image_into_channels_keeps_its_first_layer():
    task = make("landmarks", "UNet", options={"stride": 2})
    given = own(task)
    start = fitted_to(task, given)
    assert start.report["random"] == []
    assert torch.equal(start.weights["body.model.0.residual.weight"], given.tensors["body.model.0.residual.weight"])
    # Of a network that does not, everything else is taken.
    start = fitted_to(task, own(make("segmentation", "UNet", arguments=task.config.network_arguments)))
    assert 0.9 < start.report["encoder"] < 1


def test_between_tasks_that_scale_images_otherwise_the_first_layer_is_changed():
    """A classifier gets 4 (x - 0.5), the encoder of a U-Net x itself."""
    unet = make("segmentation", "FlexibleUNet", arguments={"backbone": "efficientnet-b0"})
    given = own(unet)
    first = unet.network()
    first.load_state_dict(given.tensors)
    found = started(make("classification", "EfficientNetBN"), given)
    expected = seen_at(first, "encoder._bn0", GREY)
    seen = seen_at(found, "encoder._bn0", GREY)
    # Away from the border, where padding stands for another grey.
    assert torch.allclose(seen[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-4)


# Places.


@pytest.fixture
def project(tmp_path: Path):
    with make_project(tmp_path) as project:
        yield project


def test_a_training_starts_from_a_model_of_the_project_and_the_new_model_says_so(project, tmp_path: Path):
    first = run_training(project.folder, tiny(name="first", epochs=1), tmp_path / "one", lambda e: None)
    said = []
    config = tiny(name="second", epochs=1, start="model:first", freeze=1, learning_rate=1e-7)
    second = run_training(project.folder, config, tmp_path / "two", said.append)
    notes = [event["message"] for event in said if event["event"] == "note"]
    assert any(note.startswith("Starts from model first: ") and "100% of the encoder" in note for note in notes)
    manifest = json.loads((Path(second["model"]) / "manifest.json").read_text("utf-8"))
    start = manifest["training"]["start"]
    assert start["origin"] == "model first" and start["sha256"] == first["digest"]
    card = (Path(second["model"]) / "docs" / "README.md").read_text("utf-8")
    assert f"weights at the start: model first (SHA-256 `{first['digest']}`)\n" in card
    assert "weights at the start: random\n" in (Path(first["model"]) / "docs" / "README.md").read_text("utf-8")
    # The terms of what the first began with hold for what begins with the first.
    path = Path(first["model"]) / "manifest.json"
    document = json.loads(path.read_text("utf-8"))
    document["training"]["start"] = {"origin": "file encoder.safetensors", "licence": "CC-BY-NC-4.0"}
    path.write_text(json.dumps(document), "utf-8")
    assert weights_of("model:first", project).licence == "CC-BY-NC-4.0"
    # Hardly anything was learnt: it still is the first model.
    weights = [weights_of(f"model:{name}", project).tensors for name in ("first", "second")]
    for name, value in weights[0].items():
        if "running" not in name and "num_batches" not in name:
            assert torch.allclose(weights[1][name], value, atol=1e-3)


def test_a_job_that_goes_on_does_not_need_the_weights_it_began_with(project, tmp_path: Path):
    task = make("segmentation", "UNet")
    save_file(dict(task.network().state_dict()), str(tmp_path / "w.safetensors"))
    task = make("segmentation", "UNet", start=f"file:{tmp_path / 'w.safetensors'}")
    first = begun(task, project, tmp_path / "start.json", resumed=False)
    (tmp_path / "w.safetensors").unlink()
    again = begun(task, project, tmp_path / "start.json", resumed=True)
    assert again.report == first.report and not again.weights


def test_no_start_is_random(project):
    assert start_weights(make("segmentation", "UNet"), project) is None


def test_a_model_that_is_not_there_is_told_from_those_that_are(project):
    with pytest.raises(TrainingError, match=r"has no model 'lungs'; it has none yet"):
        weights_of("model:lungs", project)
    # No way out of the project's folders.
    for name in ("../models", "..", "."):
        with pytest.raises(TrainingError, match="has no model"):
            weights_of(f"model:{name}", project)


def test_a_model_with_changed_weights_is_refused(project, tmp_path: Path):
    folder = tmp_path / "model"
    (folder / "models").mkdir(parents=True)
    save_file({"a": torch.zeros(2)}, str(folder / "models" / "model.safetensors"))
    manifest = {"name": "m", "task": "segmentation", "labels": ["a"], "sums": {"models/model.safetensors": "0" * 64}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(TrainingError, match="were changed after it was made"):
        weights_of(str(folder), project)


def test_a_model_in_onnx_is_no_place_to_start_from(project, tmp_path: Path):
    folder = tmp_path / "model"
    folder.mkdir()
    manifest = {"name": "m", "task": "segmentation", "labels": ["a"], "sums": {"models/model.onnx": "0" * 64}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(TrainingError, match="no models/model"):
        weights_of(str(folder), project)


class Bomb:
    """Would write a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["weights.pth", "weights.pt", "weights.bin", "weights.safetensors", "weights.npy"])
def test_a_pickle_is_never_opened_whatever_its_name_and_the_way_to_convert_is_said(project, tmp_path: Path, name):
    path = tmp_path / name
    if path.suffix == ".npy":
        np.save(path, np.array([Bomb(tmp_path / "ran")], object), allow_pickle=True)
    else:
        torch.save({"a": Bomb(tmp_path / "ran")}, path)
    with pytest.raises(TrainingError, match=r"refused: it may hold a pickle.*save_file.*weights.safetensors"):
        weights_of(f"file:{path}", project)
    assert not (tmp_path / "ran").exists()


def test_the_way_to_convert_works(tmp_path: Path, monkeypatch):
    """What the refusal tells a person to run, on a file that is harmless."""
    kernel = torch.rand(4, 3, 3, 3)
    torch.save({"a.weight": kernel, "b": kernel[0]}, tmp_path / "net.pth")
    monkeypatch.chdir(tmp_path)
    exec(how_to_convert(tmp_path / "net.pth").split('python -c "')[1].split('" and give')[0], {})
    assert torch.equal(load_file(str(tmp_path / "net.safetensors"))["a.weight"], kernel)


def test_of_a_bundle_the_weights_are_read_and_the_configuration_is_not(project, tmp_path: Path):
    bundle = tmp_path / "bundle"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "models").mkdir()
    evil = {"network_def": f"$__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"}
    (bundle / "configs" / "inference.json").write_text(json.dumps(evil), "utf-8")
    (bundle / "configs" / "metadata.json").write_text("{}", "utf-8")
    torch.save({}, bundle / "models" / "model.pt")
    with pytest.raises(TrainingError, match=r"no weights in safetensors. It has model.pt, which may hold a pickle"):
        weights_of(str(bundle), project)
    task = make("segmentation", "SegResNet")
    save_file({f"network.{n}": v for n, v in task.network().state_dict().items()}, bundle / "models" / "m.safetensors")
    start = fitted_to(task, weights_of(str(bundle), project))
    assert start.report["encoder"] == 1 and start.report["origin"] == "bundle bundle"
    assert not (tmp_path / "ran").exists()


def test_what_is_not_there_or_no_safetensors_is_said(project, tmp_path: Path):
    with pytest.raises(TrainingError, match=r"start: there is no .*none\.safetensors"):
        weights_of(f"file:{tmp_path / 'none.safetensors'}", project)
    (tmp_path / "w.safetensors").write_bytes(b"not what it says")
    with pytest.raises(TrainingError, match="cannot be read as safetensors"):
        weights_of(f"file:{tmp_path / 'w.safetensors'}", project)
    (tmp_path / "w.h5").write_bytes(b"x")
    with pytest.raises(TrainingError, match="no safetensors file"):
        weights_of(f"file:{tmp_path / 'w.h5'}", project)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("resnet18", "is no place where weights come from"),
        ("model:", "names nothing"),
        ("file:/a.safetensors?scale=bright", "there is no scale 'bright'"),
        ("", ""),
        ("model:a", ""),
        ("/a/folder", ""),
        ("file:a.safetensors?scale=imagenet", ""),
    ],
)
def test_what_a_start_may_say_is_known_before_anything_is_read(start, said):
    assert said in problem_of_start(start) and bool(said) == bool(problem_of_start(start))


def test_a_configuration_with_a_start_that_cannot_be_is_refused():
    with pytest.raises(TrainingError, match="start: 'resnet18' is no place"):
        tiny(start="resnet18")
    with pytest.raises(TrainingError, match="freeze: random weights are not worth keeping"):
        tiny(freeze=2)
