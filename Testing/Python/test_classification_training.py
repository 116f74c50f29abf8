"""From answered images to a model: several questions, unknown answers, the patient's age and lab values."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from classification_cases import answered_project, picture, tiny
from XRayAILib.exchange.table.picture_labels import take_in_with_tables
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.learning.classification.table_input import code_of
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.model import Model
from XRayAILib.learning.worker import run_training
from XRayAILib.project.project import Project
from XRayAILib.reading.predictor import Predictor

VIEWS = ("AP", "PA", "LL")


def trained(project, folder: Path, **changes):
    notes: list[dict] = []
    result = run_training(project.folder, tiny(**changes), folder / "job", notes.append)
    return result, Model.load(Path(result["model"])), notes


def everything(number: int, generator: np.random.Generator):
    """Three questions; half of the images leave one of them open, or say that they do not know."""
    view, apex, base = VIEWS[number % 3], number % 4 < 2, number % 8 < 4
    said = [f"view={view}"] if number % 5 else []
    said += ["findings=apex"] * apex + ["findings=base"] * base
    said += ["pneumonia=uncertain" if number % 7 == 0 else f"pneumonia={'yes' if apex and base else 'no'}"]
    return picture(generator, view, apex, base), said


def test_one_model_answers_several_questions(tmp_path):
    with answered_project(tmp_path, 96, everything) as project:
        result, model, _ = trained(project, tmp_path, epochs=14)
        labels = result["metrics"]["labels"]
        assert set(labels) == {"view=AP", "view=PA", "view=LL", "pneumonia=yes", "findings=apex", "findings=base"}
        assert result["score_name"] == "auroc" and result["score"] > 0.9
        for name, figures in labels.items():
            assert figures["auroc"]["value"] > 0.8, name
            assert figures["auroc"]["low"] <= figures["auroc"]["value"] <= figures["auroc"]["high"]
        assert labels["view=AP"]["auroc"]["count"] < result["test_images"]  # those that nobody answered do not count

        fitted = model.fitted
        assert set(fitted["thresholds"]) == set(labels)
        assert sum(fitted["counts"]["pneumonia"]) < 96  # the uncertain ones are not learnt
        manifest = json.loads((model.folder / "manifest.json").read_text("utf-8"))
        assert manifest["fitted"] == fitted
        seen = manifest["metrics"]["questions"]["view"]["confusion"]
        card = (model.folder / "docs" / "README.md").read_text("utf-8")
        assert "| | AP | PA | LL |\n" in card and f"| AP | {' | '.join(map(str, seen[0]))} |\n" in card

        predictor = Predictor(model, threads=1)
        right = []
        for image in project.images():
            found = predictor.predict(project.radiograph(image.uid))
            number = int(Path(image.header.path).stem)
            (view,) = found.of(ImageLabel, "view")
            right.append(view.value == VIEWS[number % 3])
            assert 0.3 < view.score <= 1
            chances = [float(dict(view.attributes)[f"probability of {name}"]) for name in VIEWS]
            assert sum(chances) == pytest.approx(1, abs=1e-3) and max(chances) == view.score
        assert np.mean(right) > 0.8
        project.save(found)  # what a project keeps of it
        assert [o.value for o in project.prediction(found.radiograph_uid)] == [o.value for o in found]


def test_an_image_without_the_answer_teaches_that_it_is_absent(tmp_path):
    def named(number: int, generator: np.random.Generator):
        apex = number % 3 == 0
        return picture(generator, "", apex), ["findings=apex"] if apex else ["view=AP"]

    with answered_project(tmp_path, 48, named) as project:
        with pytest.raises(TrainingError, match="that answer 'View' say 'AP', so there is nothing to tell apart"):
            trained(project, tmp_path, labels=("view",))
        result, model, _ = trained(project, tmp_path, labels=("findings",), missing="absent", epochs=6)
        assert result["metrics"]["labels"]["findings=apex"]["auroc"]["value"] > 0.9
        assert model.fitted["counts"]["findings"][0][0] > model.fitted["counts"]["findings"][0][1] > 0


def test_age_and_lab_values_are_learnt_where_the_image_shows_nothing(tmp_path):
    generator = np.random.default_rng(0)
    ages, values = generator.integers(20, 90, 72), generator.normal(0, 1, 72)

    def older_or_higher(number: int, generator: np.random.Generator):
        yes = (ages[number] - 55) / 20 + values[number] > 0
        return picture(generator), [f"pneumonia={'yes' if yes else 'no'}"]

    described = {"patient_age": lambda number: f"{ages[number]:03d}Y" if number % 9 else ""}
    with answered_project(tmp_path, 72, older_or_higher, described) as project:
        path = tmp_path / "lab.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerow(("patient_id", "CRP", "ward"))
            rows.writerows((f"patient-{n}", f"{50 + 20 * values[n]:.1f}", "A" if n % 2 else "B") for n in range(72))
        options = {"attributes": ["age", "sex"], "table": str(path), "table_columns": ["CRP"]}
        result, model, _ = trained(project, tmp_path, options=options, epochs=12)
        assert result["metrics"]["labels"]["pneumonia=yes"]["auroc"]["value"] > 0.85
        age, sex, crp = model.fitted["table"]
        assert (age["name"], sex["name"], crp["name"]) == ("age", "sex", "CRP")
        assert 45 < age["mean"] < 65 and sex["codes"] == [] and crp["mean"] == pytest.approx(50, abs=10)

        # A model that is read with needs the values, and says so where they are gone.
        image = project.images()[1]
        assert Predictor(model, threads=1).predict(project.radiograph(image.uid)).objects
        path.unlink()
        with pytest.raises(TrainingError, match=r"lab\.csv cannot be read .*put the file back"):
            Predictor(Model.load(model.folder), threads=1).predict(project.radiograph(image.uid))


def test_a_table_of_real_images_is_learnt_as_it_was_imported(test_data, tmp_path):
    """Findings that a table names are labels of their own: what it does not name is not there."""
    source = test_data / "chest-classification"
    with (source / "labels.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[::8]
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for row in rows:
        shutil.copyfile(source / "images" / row["filename"], pictures / row["filename"])
    with (pictures / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)
    with Project.create(tmp_path / "project") as project:
        take_in_with_tables(project, [pictures], extend=True)
        options = {"attributes": ["age", "sex", "view"]}
        result, model, _ = trained(
            project, tmp_path, labels=("pneumonia",), missing="absent", options=options, epochs=2
        )
        assert list(result["metrics"]["labels"]) == ["pneumonia=yes"]
        figure = result["metrics"]["labels"]["pneumonia=yes"]["auroc"]
        assert figure["count"] == result["test_images"] and 0 < figure["positives"] < figure["count"]
        age, sex, view = model.fitted["table"]
        assert 30 < age["mean"] < 65
        assert set(sex["codes"]) == {int(code_of(word)) for word in "MF"} and len(view["codes"]) == 2
        with pytest.raises(TrainingError, match=r"nothing to tell apart.*'missing' to 'absent'"):
            trained(project, tmp_path, labels=("pneumonia",))
