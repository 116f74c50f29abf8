"""A model is measured on what it has not seen, and the report says so; what it has seen is refused or told loudly."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import evaluation_cases as cases
from XRayAILib.apps.cli import app
from XRayAILib.apps.evaluate import figure_table, gap_table
from XRayAILib.apps.job import KINDS
from XRayAILib.apps.jobs import evaluate as job
from XRayAILib.apps.learn import JobFailedError, model_folder
from XRayAILib.learning.cache import Cancelled
from XRayAILib.learning.card import model_card
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.evaluation.choice import choose
from XRayAILib.learning.evaluation.run import kept
from XRayAILib.learning.splits import reset
from XRayAILib.project.project import Project
from XRayAILib.workflow.evaluation.evaluation import evaluate_model
from XRayAILib.workflow.evaluation.report import report_path, write_evaluation


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as project:
        cases.add_images(project, tmp_path / "pictures", [f"{n:02d}-0" for n in range(14)])
        yield project


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """An evaluation on all images of 24 patients, which is told to be no test, and its page."""
    folder = tmp_path_factory.mktemp("tested")
    with Project.create(folder / "project") as project:
        cases.add_images(project, folder / "pictures", [f"{n:02d}-0" for n in range(24)])
        found = evaluate_model(project, cases.make_model(project), "all", device="cpu")
        page = write_evaluation(project, found, report_path(project, found))
    return found, page


def test_the_test_part_is_that_of_the_training(project, tmp_path):
    model = cases.make_model(project)
    parts = {image.uid: image.split for image in project.images()}
    chosen = choose(project, model, "test")
    assert {e.uid for e in chosen.examples} == {uid for uid, part in parts.items() if part == "test"}
    assert {e.part for e in chosen.learnt} == {"train", "validation"} and chosen.warnings == ()
    trained = next(image for image in project.images() if image.split == "train")
    name = Path(trained.header.path).name[:2]
    cases.add_images(project, tmp_path / "later", [f"{name}-1", "77-0"])
    later = {Path(image.header.path).name: image.uid for image in project.images() if not parts.get(image.uid)}
    assert {e.uid for e in choose(project, model, "test").examples} == {e.uid for e in chosen.examples}
    everything = {e.uid: e.part for e in choose(project, model, "all").examples}
    assert everything[later[f"{name}-1.png"]] == "train", "a new image of a patient that was learnt from"
    assert everything[later["77-0.png"]] == "new"


def test_a_model_is_not_tested_on_what_it_was_trained_on(project):
    model = cases.make_model(project)
    unknown = cases.make_model(project, seed=5)
    unknown.manifest["training"]["snapshot"] = "0" * 64
    assert "not known which images" in choose(project, unknown, "test").warnings[0]
    warned = choose(project, model, "all").warnings[0]
    assert warned.startswith("THIS IS NO TEST: 10 of the 14 images are among those that the model was trained on")
    assert "were chosen by the validation part" in choose(project, model, "validation").warnings[0]
    with pytest.raises(TrainingError, match="names no images from elsewhere"):
        choose(project, model, "outside")
    with pytest.raises(TrainingError, match="there are test, validation"):
        choose(project, model, "training")


def test_parts_that_were_dealt_anew_do_not_make_old_images_new(project):
    model = cases.make_model(project)
    before = {e.uid for e in choose(project, model, "test").examples}
    reset(project)
    project.assign_split({image.uid: "test" for image in project.images()})
    assert {e.uid for e in choose(project, model, "test").examples} == before


def test_images_from_elsewhere_are_tested_beside(project):
    model = cases.make_model(project, outside={"station": ["CITY*"]})
    chosen = choose(project, model, "outside")
    stations = {project.header(e.uid).station for e in chosen.examples}
    assert stations == {"CITY ROOM"} and {e.part for e in chosen.examples} == {"outside"}
    assert not {e.uid for e in chosen.examples} & {e.uid for e in chosen.learnt}
    found = evaluate_model(project, model, "all", device="cpu").found
    assert len(found["outside"]["images"]) == len(chosen.examples)
    assert {image["part"] for image in found["images"]} == {"train", "validation", "test"}
    assert found["outside"]["labels"]["heart"]["dice"]["count"] == len(chosen.examples)


def test_an_image_that_is_gone_is_told_and_the_others_are_measured(project):
    model = cases.make_model(project)
    gone = choose(project, model, "test").examples[0].uid
    Path(project.header(gone).path).write_bytes(b"no picture")
    events = []
    found = evaluate_model(project, model, "test", events.append, device="cpu")
    assert [uid for uid, _ in found.found["unreadable"]] == [gone]
    assert "1 of 2 images could not be read" in found.warnings[-1]
    assert any(event["event"] == "note" and event.get("uid") == gone for event in events)
    steps = {event["step"] for event in events if event["event"] == "progress"}
    assert steps == {"test", "pictures"}
    with pytest.raises(Cancelled):
        evaluate_model(project, model, "test", cancelled=lambda: True, device="cpu")


def test_an_evaluation_is_the_same_every_time(project):
    model = cases.make_model(project)
    one, other = (evaluate_model(project, model, "test", device="cpu").found for _ in range(2))
    assert one == other


def test_a_page_holds_everything_and_names_no_patient(tested):
    found, page = tested
    text = page.read_text("utf-8")
    assert page.name == "made-all.html" and "THIS IS NO TEST" in text
    for part in ("Figures", "Dice of every image", "Subgroups", "The worst", "The best", "Loss", "Intended use"):
        assert part in text, part
    for part in (found.model.digest, "Snapshot of the labels", found.model.manifest["training"]["snapshot"], "seed 0"):
        assert part in text, part
    assert text.count("data:image/jpeg;base64,") == 8
    assert "SECRET" not in text and "<script" not in text and 'src="http' not in text
    assert "Station 1 is CITY ROOM" in text, "in the project, what the numbers stand for is known"
    document = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert len(document["images"]) == 24 and document["warnings"] == list(found.warnings)
    assert not list(page.parent.glob("*.part"))


def test_every_group_with_enough_patients_is_compared(tested):
    names = [group["name"] for group in tested[0].found["subgroups"]["groups"]]
    assert names[:6] == ["Sex F", "Sex M", "View AP", "View PA", "Station 1", "Station 2"]
    assert tested[0].found["subgroups"]["unknown"] == {"age": 24, "manufacturer": 24, "site": 24}


def test_what_goes_into_a_model_names_no_hospital_and_its_card_warns(tested):
    found = tested[0]
    document = kept({**found.found, "warnings": ["View and 'Heart' are confounded."]})
    text = json.dumps(document)
    assert "ROOM" not in text and "SECRET" not in text and "sha256" not in text
    card = model_card({**found.model.manifest, "metrics": document}, cases.HISTORY)
    assert "## Warnings\n\n- **View and 'Heart' are confounded.**" in card
    for part in ("Out of scope", "| Sex F | 12 | 12 |", "| All together | 24 |", "epoch 1: 1 and 1.2; epoch 3: 0.333"):
        assert part in card, part


def test_the_job_gives_what_the_terminal_shows(project, tmp_path, capsys):
    model = cases.make_model(project)
    options = {"model": str(model.folder), "part": "test", "report": str(tmp_path / "out" / "r.html"), "device": "cpu"}
    result = job.run(project.folder, options, tmp_path, lambda event: None, lambda: False)
    assert Path(result["page"]).is_file() and result["images"] == 2 and "evaluate" in KINDS
    from rich.console import Console

    console = Console(width=120)
    console.print(figure_table(result))
    gap = {"group": "View AP", "patients": 12, "class": "heart", "metric": "dice", "value": -0.05}
    gap |= {"corrected_low": -0.08, "corrected_high": -0.02, "corrected_p": 0.0004}
    console.print(gap_table({**result, "gaps": [gap], "comparisons": 30}))
    shown = capsys.readouterr().out
    assert "right lung" in shown and "HD95, px" in shown and "All together" in shown
    assert "View AP" in shown and "-0.080 to -0.020" in shown and "< 0.001" in shown
    assert result["warnings"][0].startswith("The figures are of 2 patients")


def test_a_project_without_a_model_says_how_to_get_one(project):
    for command in ("evaluate", "predict"):
        result = CliRunner().invoke(app, [command, "--project", str(project.folder)])
        assert "has no model yet" in str(result.exception)


def test_a_model_is_named_as_it_is_called_or_by_its_folder(project):
    folder = cases.make_model(project).folder
    for name in ("", folder.name, str(folder)):
        assert model_folder(project.folder, name) == folder
    with pytest.raises(JobFailedError, match=f"no model 'other'; the project has {folder.name}"):
        model_folder(project.folder, "other")
