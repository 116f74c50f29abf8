"""``xrayai models``: list, show, compare, export, import."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from learning_cases import make_project
from model_cases import bright_onnx, describe, untrained
from XRayAILib.apps.cli import app
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.models.comparison import compare_on_test, figure_text, paired, unlike_test_parts
from XRayAILib.learning.models.importing import import_model
from XRayAILib.learning.models.manifest import write_manifest
from XRayAILib.project.project import Project

DICE = {"value": 0.9012, "low": 0.88, "high": 0.92, "count": 12}
FIGURES = {"labels": {"left_lung": {"dice": DICE}, "right_lung": {"dice": DICE}}, "overall": {"dice": DICE}}


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no line is broken."""
    monkeypatch.setattr("XRayAILib.apps.console.console.width", 300)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project with models: two of one task, one of another, one that was changed."""
    with Project.create(tmp_path / "project") as project:
        models = project.models_folder
    first = untrained(models, name="first", **FIGURES).folder
    untrained(models, name="second", **FIGURES)
    untrained(models, "landmarks", labels={}, overall={"mre": {"value": 4.5, "low": None, "high": None, "count": 3}})
    shutil.copytree(first, models / "changed")
    (models / "changed" / "docs" / "README.md").write_text("other words", "utf-8")
    return tmp_path / "project"


def run(*arguments: object) -> str:
    """What a command prints; it must end well."""
    told = CliRunner().invoke(app, ["models", *map(str, arguments)], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return told.output


def test_the_models_of_a_project_with_their_scores_and_the_refused_ones_with_the_reason(place):
    lines = run("list", "--project", place).splitlines()
    first = next(line for line in lines if line.startswith("first"))
    assert "segmentation" in first and "Dice 0.901 (0.880 to 0.920)" in first and "2026-01-01" in first
    assert any(line.startswith("landmarks") and "4.50" in line for line in lines)
    assert any("refused" in line and "changed: " in line and "README.md was changed" in line for line in lines)
    document = json.loads(run("list", "--project", place, "--json"))
    assert {m["folder"] for m in document["models"]} == {"first", "second", "landmarks"}
    assert document["refused"][0]["folder"] == "changed"


def test_one_model_with_its_figures_and_curves(place):
    text = run("show", "first", "--project", place)
    assert "SHA-256" in text and "train: 8 of 8 patients" in text and "Snapshot" in text
    assert "left lung" in text and "0.901 (0.880 to 0.920)" in text
    epochs = [line.split()[0] for line in text.splitlines() if line.strip() and line.split()[0].isdigit()]
    assert epochs[-1] == "30" and 5 < len(epochs) <= 12
    assert json.loads(run("show", place / "models" / "first", "--json"))["digest"]


def test_a_model_that_is_not_there(place):
    with pytest.raises(ModelError, match="There is no model 'third'; the project has changed, first"):
        run("show", "third", "--project", place)
    with pytest.raises(ModelError, match="--project"):
        run("show", "third")


def test_figures_side_by_side_with_a_warning_where_they_are_of_other_images(place):
    text = run("compare", "first", "second", "--project", place)
    assert text.count("0.901 (0.880 to 0.920)") == 6 and "Note" not in text
    untrained(place / "models", name="third", labels=FIGURES["labels"], overall={"dice": DICE})
    manifest = json.loads((place / "models" / "third" / "manifest.json").read_text("utf-8"))
    manifest["training"]["snapshot"] = "4567"
    write_manifest(place / "models" / "third", manifest)
    text = run("compare", "first", "third", "--project", place)
    assert "The test parts of 'first' and 'third' are not the same (snapshot)" in text and "--on-test" in text
    with pytest.raises(ModelError, match="different tasks"):
        run("compare", "first", "landmarks", "--project", place)


def test_out_of_one_project_and_into_another(place, tmp_path):
    assert "exports" in run("export", "first", "--project", place)
    with Project.create(tmp_path / "other") as other:
        folder = other.folder
    text = run("import", place / "exports" / "first.zip", "--project", folder)
    assert "segmentation of left_lung, right_lung" in text
    assert "first" in run("list", "--project", folder)
    with Project.open(folder) as other:
        _, _, action, detail = other.audit_trail()[-1]
    assert action == "import model" and detail.startswith("first ")


def test_a_description_to_start_from():
    assert "range: [-1024, 1024]" in run("import", "--example")


@pytest.fixture
def measured(tmp_path: Path):
    """A project whose images are all test images, and two models made elsewhere: a fair one, and one that is late."""
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name, reason="the extra 'onnx' is not installed")
    with make_project(tmp_path, patients=8) as project:
        project.assign_split({image.uid: "test" for image in project.images()})
        models = []
        for name, threshold in (("fair", 0.55), ("late", 0.61)):
            file = bright_onnx(tmp_path / f"{name}.onnx")
            output = {"kind": "logits", "thresholds": [threshold]}
            description = describe(tmp_path / f"{name}.json", name=name, labels=[None, "right_lung"], output=output)
            models.append(import_model(file, project.models_folder, description, project.schema))
        yield project, models


def test_on_the_same_images_the_difference_has_an_interval(measured):
    project, models = measured
    (found,), images, patients = compare_on_test(models, project, "cpu")
    assert (images, patients) == (8, 8)
    dice = next(one for one in found if one.metric == "dice")
    assert dice.other < dice.first and dice.is_clear and dice.low <= dice.difference <= dice.high < 0
    # With itself it has none at all.
    (same,), _, _ = compare_on_test([models[0], models[0]], project, "cpu")
    assert all(one.difference == 0 and not one.is_clear for one in same)
    text = run("compare", "fair", "late", "--project", project.folder, "--on-test", "--device", "cpu")
    assert "2 models on 8 images of 8 patients" in text and "worse" in text


def test_the_interval_is_paired_and_over_patients(measured):
    """What makes an image hard for both does not widen it; the same image ten times is no more certainty."""
    _, (first, other) = measured
    generator = np.random.default_rng(0)
    hard = generator.uniform(0.2, 0.8, 12)
    ours = [{"right_lung": {"dice": value}} for value in hard]
    theirs = [{"right_lung": {"dice": value}} for value in hard + generator.normal(0.05, 0.01, 12)]
    patients = [f"p{n}" for n in range(12)]
    found = next(one for one in paired(first, other, ours, theirs, patients) if one.metric == "dice")
    assert found.high - found.low < 0.03 < found.low
    often = paired(first, other, ours * 10, theirs * 10, patients * 10)
    again = next(one for one in often if one.metric == "dice")
    assert (again.low, again.high) == pytest.approx((found.low, found.high), abs=0.003)


def test_what_was_not_measured_says_so(measured):
    assert "has not been measured on any test part" in unlike_test_parts(measured[1])
    assert "made elsewhere, not measured" in run("list", "--project", measured[0].folder)


def test_a_figure_is_text_with_its_interval():
    metric = Metric("mre", "MRE", "lower", 2, "px")
    assert figure_text({"value": 2.345, "low": 2.1, "high": 2.6}, metric) == "2.35 px (2.10 to 2.60)"
    assert figure_text({"value": 2.0, "low": None, "high": None}, metric) == "2.00 px"
    assert figure_text(None, metric) == ""
