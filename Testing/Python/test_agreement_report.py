"""The readers of a project compared: figures, cache, report, command line, job, and the consensus that is kept."""

import csv
import json
import sqlite3

import numpy as np
import pytest
from typer.testing import CliRunner

import agreement_cases as cases
from XRayAILib.apps.cli import app
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.agreement.compare import Compared, What, compare
from XRayAILib.findings.agreement.overlap import overlap
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, Landmark, Mask
from XRayAILib.learning.cache import Cancelled
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query
from XRayAILib.workflow.agreement.agreement import compare_readers
from XRayAILib.workflow.agreement.cases import worst
from XRayAILib.workflow.agreement.consensus import make_consensus
from XRayAILib.workflow.agreement.figures import figures_of
from XRayAILib.workflow.agreement.groups import age_band
from XRayAILib.workflow.agreement.report import document_of, notes_of, write_agreement
from XRayAILib.workflow.agreement.tables import matrices_of
from XRayAILib.workflow.agreement.wishes import AgreementError, Wishes
from XRayAILib.workflow.job import Job

IMAGES = 16


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory):
    """A project of 8 patients with 2 images each; carla read the first 12 only, and draws less carefully."""
    folder = tmp_path_factory.mktemp("agreement") / "project"
    with Project.create(folder, cases.SCHEMA) as project:
        project.add(
            cases.header(
                i, f"P{i // 2}", view="PA" if i % 2 else "AP", patient_sex="FM"[i % 2], patient_age=f"{20 + 4 * i:03d}Y"
            )
            for i in range(IMAGES)
        )
        for i in range(IMAGES):
            for seed, reader in enumerate(("anna", "ben", "carla"), 1):
                if reader != "carla" or i < 12:
                    project.save(cases.reading(reader, i, seed, seed))
    return folder


@pytest.fixture
def studied(study_folder):
    with Project.open(study_folder) as project:
        yield project


def value_of(figures, label: str, who: str, name: str, column: str = "", value: str = ""):
    (found,) = [
        f.measure.estimate
        for f in figures
        if (f.label, f.who, f.measure.name, f.column, f.value) == (label, who, name, column, value)
    ]
    return found


def test_figures_are_those_of_each_image_put_together(studied):
    figures = figures_of(compare_readers(studied, Wishes(by=("view",), ordered=("quality",))))
    hearts = {
        i: [studied.findings(f"1.2.{i}", f"person:{reader}").of(Mask, "heart")[0] for reader in ("anna", "ben")]
        for i in range(IMAGES)
    }
    dice = {i: overlap(*pair).dice for i, pair in hearts.items()}
    whole = value_of(figures, "heart", "anna – ben", "Dice")
    assert whole.value == pytest.approx(np.mean(list(dice.values()))) and whole.n == IMAGES
    assert whole.low < whole.value < whole.high
    ap = value_of(figures, "heart", "anna – ben", "Dice", "view", "AP")
    assert ap.value == pytest.approx(np.mean([dice[i] for i in range(0, IMAGES, 2)]))


def test_kappas_are_those_of_scikit_learn_and_readers_who_missed_images_take_part(studied):
    metrics = pytest.importorskip("sklearn.metrics")
    figures = figures_of(compare_readers(studied, Wishes(ordered=("quality",))))
    grades = cases.SCHEMA["quality"].options

    def answers(reader: str, images: int) -> list[int]:
        tracks = [studied.findings(f"1.2.{i}", f"person:{reader}") for i in range(images)]
        return [grades.index(o.value) for t in tracks for o in t if o.label == "quality"]

    for name, weights in (("kappa", None), ("quadratic weighted kappa", "quadratic")):
        theirs = metrics.cohen_kappa_score(answers("anna", 12), answers("carla", 12), labels=range(4), weights=weights)
        assert value_of(figures, "quality", "anna – carla", name).value == pytest.approx(theirs)
    assert value_of(figures, "quality", "all readers", "Fleiss' kappa of 3").n == 12
    assert value_of(figures, "quality", "all readers", "alpha").n == IMAGES
    assert value_of(figures, "quality", "all readers", "ordinal alpha").value > 0
    options = value_of(figures, "devices: tube", "anna – ben", "agreed")
    assert options.n == IMAGES


def test_a_careless_reader_agrees_less_in_everything(studied):
    figures = figures_of(compare_readers(studied))
    for label, name, sign in (("heart", "Dice", 1), ("nodule", "F1", 1), ("all landmarks", "MRE", -1)):
        careful = value_of(figures, label, "anna – the others", name).value
        careless = value_of(figures, label, "carla – the others", name).value
        assert sign * careful > sign * careless
    assert (
        value_of(figures, "heart", "anna – ben", "HD95").value
        < value_of(figures, "heart", "anna – carla", "HD95").value
    )


def test_what_was_compared_is_not_computed_again_until_it_changes(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(4))
        for i in range(4):
            for seed, reader in enumerate(("anna", "ben"), 1):
                project.save(cases.reading(reader, i, seed))
        first = compare_readers(project)
        again = compare_readers(project)
        assert (first.computed, again.computed) == (4, 0) and again.pairs == first.pairs
        project.save(cases.reading("anna", 2, 9))
        assert compare_readers(project).computed == 1
        # Another spacing gives other millimetres.
        project.calibrate("1.2.3", (10.0, 10.0), (110.0, 10.0), 50.0, "ruler", "anna")
        changed = compare_readers(project)
        assert changed.computed == 1
        units = {c.unit for said in changed.pairs.values() for cs in said.values() for c in cs if c.what is What.REGION}
        assert units == {"mm (detector plane)", "mm (calibrated)"}
        figures = figures_of(changed)
        hd95 = [f for f in figures if f.measure.name == "HD95" and f.label == "heart"]
        assert {f.measure.unit: f.measure.estimate.n for f in hd95} == {"mm (calibrated)": 1, "mm (detector plane)": 3}
        assert any("never put together" in note for note in notes_of(changed, figures))


def test_a_comparison_that_is_stopped_goes_on_where_it_was(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(5))
        for i in range(5):
            for seed, reader in enumerate(("anna", "ben"), 1):
                project.save(cases.reading(reader, i, seed))
        seen = []
        with pytest.raises(Cancelled):
            compare_readers(project, progress=lambda done, *_: seen.append(done), cancelled=lambda: len(seen) == 3)
        assert seen == [1, 2, 3]
        assert compare_readers(project).computed == 2


def test_a_damaged_cache_is_made_anew(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add([cases.header(0, "P")])
        for seed, reader in enumerate(("anna", "ben"), 1):
            project.save(cases.reading(reader, 0, seed))
        (project.cache_folder / "agreement.db").write_bytes(b"no database" * 100)
        assert compare_readers(project).computed == 1
        with sqlite3.connect(project.cache_folder / "agreement.db") as file:
            assert file.execute("SELECT count(*) FROM compared").fetchone() == (1,)


def test_a_label_that_a_reader_never_uses_is_not_held_against_this_reader(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(3))
        for i in range(3):
            project.save(cases.reading("anna", i, 1))
            project.save(cases.reading("carla", i, 3))
            hers = cases.reading("ben", i, 2)
            project.save(hers.without(o.id for o in hers if o.label == "heart"))
        study = compare_readers(project)
        figures = figures_of(study)
        assert not [f for f in figures if f.label == "heart" and "ben" in f.who]
        pooled = value_of(figures, "heart", "all pairs", "Dice")
        assert pooled == value_of(figures, "heart", "anna – carla", "Dice") and pooled.value > 0.8
        assert any(note.startswith("ben never used 'heart':") for note in notes_of(study, figures))


def test_presence_has_a_kappa_of_its_own_and_empty_regions_do_not_raise_the_dice(tmp_path):
    anna, ben = Author.person("anna"), Author.person("ben")
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(10))
        heart = cases.blob(1)
        for i in range(10):
            for author, drawn in ((anna, i < 3), (ben, 0 < i < 4)):
                objects = (Mask.from_array(heart, label="heart", author=author),) if drawn else ()
                project.save(Findings(f"1.2.{i}", cases.SHAPE, author, objects))
        figures = figures_of(compare_readers(project))
        dice = value_of(figures, "heart", "anna – ben", "Dice")
        assert dice.n == 4 and dice.value == pytest.approx(0.5)  # twice 1, twice 0; six images without are left out
        assert value_of(figures, "heart", "anna – ben", "drawn or not, agreed").value == pytest.approx(0.8)
        kappa = value_of(figures, "heart", "anna – ben", "drawn or not, kappa").value
        assert kappa == pytest.approx((0.8 - 0.58) / (1 - 0.58))


def test_a_model_with_scores_against_a_reference_has_a_free_response_curve(tmp_path):
    model = Author.model("finder", "ab" * 32)
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(8))
        for i in range(8):
            truth = cases.reading("anna", i, 1, careless=0.0)
            project.save(truth)
            boxes = [o.changed(author=model, score=0.9, id=f"{i}-{k}") for k, o in enumerate(truth.of(Box))]
            false = Box(label="nodule", author=model, x0=1.0, y0=1.0, x1=9.0, y1=9.0, score=0.3)
            project.save(Findings(truth.radiograph_uid, cases.SHAPE, model, (*boxes, false)))
        study = compare_readers(project, Wishes(reference="anna", labels=("nodule",)))
        figures = figures_of(study)
        assert study.called(next(iter(study.pairs))) == "finder against anna"
        who = "finder against anna"
        assert value_of(figures, "nodule", who, "recall").value == 1.0
        assert value_of(figures, "nodule", who, "sensitivity at 0.125 false positives an image").value == 1.0
        page = write_agreement(project, study, figures, tmp_path / "report").read_text("utf-8")
        assert "Free-response curves" in page


def test_the_report_stands_by_itself_and_its_tables_can_be_read(studied, tmp_path):
    study = compare_readers(studied, Wishes(by=("sex", "age"), ordered=("quality",)))
    figures = figures_of(study)
    page = write_agreement(studied, study, figures, tmp_path)
    text = page.read_text("utf-8")
    for part in ("Agreement of anna, ben and carla", "Who agrees with whom", "Regions", "Objects", "Landmarks"):
        assert part in text
    for part in ("Measurements", "Answers against each other", "Differences", "Where readers differ most", "<svg"):
        assert part in text
    assert "http://" not in text.replace("http://www.w3.org", "") and "https://" not in text and "<script" not in text
    assert "nan" not in text.lower().replace("finan", "") and "None" not in text
    with (tmp_path / "figures.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(figures)
    document = json.loads((tmp_path / "agreement.json").read_text("utf-8"))
    assert len(document["figures"]) == len(figures) and document["images"] == IMAGES
    with (tmp_path / "images.csv").open(encoding="utf-8", newline="") as stream:
        images = list(csv.DictReader(stream))
    of_heart = [r for r in images if (r["label"], r["first"], r["second"]) == ("heart", "anna", "ben")]
    assert len(of_heart) == IMAGES and all(0.8 < float(r["dice"]) < 1 for r in of_heart)
    assert not list(tmp_path.glob("*.part"))


def test_the_worst_case_comes_first_and_an_image_that_is_gone_is_told(studied, tmp_path):
    study = compare_readers(studied)
    found = [case for case in worst(study) if case.what is What.REGION]
    dice = {
        (uid, pair): c.numbers["dice"]
        for pair, images in study.pairs.items()
        for uid, said in images.items()
        for c in said
        if c.what is What.REGION
    }
    assert (found[0].uid, found[0].pair) == min(dice, key=dice.__getitem__)
    # The images of this project were never there.
    page = write_agreement(studied, study, figures_of(study), tmp_path).read_text("utf-8")
    assert "the image cannot be shown" in page


def test_pictures_of_real_images_show_both_outlines(tmp_path, test_data):
    from PIL import Image

    from XRayAILib.project.intake import take_in
    from XRayAILib.workflow.agreement.cases import picture

    source = test_data / "chest-segmentation"
    name = sorted((source / "images").glob("*.png"))[0]
    heart = np.array(Image.open(source / "masks" / "cardiomediastinum" / name.name)) > 0
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        take_in(project, [name])
        (image,) = project.images()
        tracks = []
        for seed, reader in enumerate(("anna", "ben")):
            author = Author.person(reader)
            drawn = Mask.from_array(cases.perturbed(heart, seed, 5.0), label="heart", author=author)
            tracks.append(Findings(image.uid, image.header.shape, author, (drawn,)))
        path = tmp_path / "case.jpg"
        path.write_bytes(picture(project.radiograph(image.uid), tracks, "heart"))
    pixels = np.asarray(Image.open(path).convert("RGB"), int)
    assert max(pixels.shape[:2]) == 480
    red, blue = pixels[..., 0] - pixels[..., 2] > 80, pixels[..., 2] - pixels[..., 0] > 80
    assert red.sum() > 300 and blue.sum() > 300


def test_wishes_that_make_no_sense_are_told(studied):
    for wishes, told in (
        (Wishes(readers=("anna", "dora")), "'dora' has read none of these images"),
        (Wishes(readers=("anna",)), "only one reader"),
        (Wishes(labels=("liver",)), "no label 'liver'"),
        (Wishes(by=("weather",)), "by 'weather'"),
        (Wishes(iou=0.0), "not between 0 and 1"),
        (Wishes(query=Query("nothing like this")), "No image was read by two"),
    ):
        with pytest.raises(AgreementError, match=told):
            compare_readers(studied, wishes)


def test_bands_of_age():
    assert age_band("034Y", "", "") == "18–39" and age_band("006M", "", "") == "0–17"
    assert (
        age_band("", "1950-06-02", "2030-06-01") == "60–79"
        and age_band("", "1950-06-01", "2030-06-01") == "80 and older"
    )
    assert age_band("", "", "2030-06-01") == age_band("old", "", "") == ""


def test_wishes_go_to_a_job_and_back():
    wishes = Wishes(("anna",), "ben", ("heart",), Query("chest", {"view": ("PA",)}), ("sex",), (), 0.3, 4)
    assert Wishes.from_document(json.loads(json.dumps(wishes.document()))) == wishes


def test_a_reader_who_sets_a_point_further_right_is_found_out(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(12))
        for i in range(12):
            anna = cases.reading("anna", i, 1, careless=0.2)
            project.save(anna)
            ben = Author.person("ben")
            points = [p.changed(author=ben, x=p.x - 10.0, id=f"{i}-{p.label}") for p in anna.of(Landmark)]
            project.save(Findings(anna.radiograph_uid, cases.SHAPE, ben, tuple(points)))
        figures = figures_of(compare_readers(project, Wishes(labels=("apex",))))
        assert value_of(figures, "apex", "anna – ben", "x, bias").value == pytest.approx(10 * 0.2)
        assert value_of(figures, "apex", "anna – ben", "y, bias").value == pytest.approx(0.0)
        assert value_of(figures, "apex", "anna – ben", "MRE").value == pytest.approx(2.0)
        assert value_of(figures, "apex", "anna – ben", "SDR 2.5 mm (detector plane)").value == 1.0
        (turned,) = {c.turned().numbers["first_x"] - c.numbers["second_x"] for c in compared_of(project)}
        assert turned == 0.0


def compared_of(project: Project) -> list[Compared]:
    study = compare_readers(project, Wishes(labels=("apex",)))
    return [c for of in study.pairs.values() for said in of.values() for c in said]


def test_who_agrees_with_whom_is_told_for_each_unit(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}", cases.DETECTOR if i % 2 else Spacing.unknown()) for i in range(6))
        for i in range(6):
            for seed, reader in enumerate(("anna", "ben", "carla"), 1):
                project.save(cases.reading(reader, i, seed))
        study = compare_readers(project, Wishes(labels=("apex", "carina")))
        tables = matrices_of(study, figures_of(study), project.schema)
    assert {table.figure for table in tables} == {"MRE, px", "MRE, mm (detector plane)"}
    one, other = (table.cells for table in tables if table.label == tables[0].label)
    assert one != other


def test_findings_of_two_radiographs_are_not_compared():
    from XRayAILib.findings.objects import FindingError

    with pytest.raises(FindingError, match="cannot be compared"):
        compare(cases.reading("anna", 1, 1), cases.reading("ben", 2, 1), Spacing(1, 1, SpacingSource.UNKNOWN))


def test_the_consensus_is_kept_beside_the_readings_and_says_of_what_it_was_made(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(3))
        for i in range(3):
            for seed, reader in enumerate(("anna", "ben", "carla"), 1):
                project.save(cases.reading(reader, i, seed))
        before = project.track_digests()
        made = make_consensus(project, Wishes(), save=True)
        assert (made.images, made.track) == (3, "consensus:majority") and made.objects > 3
        kept = project.findings("1.2.0", "consensus:majority")
        assert kept is not None and len(kept.of(Mask, "heart")) == 1 and kept.objects[0].status is Status.DRAFT
        after = project.track_digests()
        assert {uid: {k: v for k, v in said.items() if k in before[uid]} for uid, said in after.items()} == before
        (entry,) = [detail for _, _, action, detail in project.audit_trail() if action == "consensus"]
        assert json.loads(entry)["made_of"]["1.2.0"].keys() == {"person:anna", "person:ben", "person:carla"}
        revision = project.last_revision()
        make_consensus(project, Wishes(), save=True)  # the same again: nothing to add
        assert project.last_revision() == revision
        # It was made of what the others say, so it is no reader.
        assert set(compare_readers(project).readers) == {"person:anna", "person:ben", "person:carla"}


def test_excluded_images_take_no_part_unless_they_are_asked_for(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(4))
        for i in range(4):
            for seed, reader in enumerate(("anna", "ben"), 1):
                project.save(cases.reading(reader, i, seed))
        project.exclude("1.2.0", "a phantom")
        study = compare_readers(project)
        assert (set(study.images), study.excluded) == ({"1.2.1", "1.2.2", "1.2.3"}, 1)
        figures = figures_of(study)
        assert any("1 image is excluded" in note for note in notes_of(study, figures))
        assert document_of(study, figures)["excluded"] == 1
        assert make_consensus(project, Wishes()).images == 3
        asked = Wishes(query=Query("", {"excluded": ["yes"]}))
        study = compare_readers(project, asked)
        assert (set(study.images), study.excluded) == ({"1.2.0"}, 0)
        assert make_consensus(project, asked).images == 1
        for i in range(1, 4):
            project.exclude(f"1.2.{i}", "a phantom")
        with pytest.raises(AgreementError, match="4 images are excluded"):
            compare_readers(project)


def test_a_reader_called_like_a_formula_is_none_in_the_tables(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(2))
        for i in range(2):
            for seed, reader in enumerate(("=anna", "ben"), 1):
                project.save(cases.reading(reader, i, seed))
        study = compare_readers(project)
        write_agreement(project, study, figures_of(study), tmp_path / "out")
    with (tmp_path / "out" / "images.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["first"] for row in csv.DictReader(stream)} == {"'=anna"}


def test_the_command_prints_figures_and_json_for_other_programs(study_folder, tmp_path):
    run = CliRunner().invoke(app, ["agreement", "-p", str(study_folder), "--out", str(tmp_path), "--by", "view"])
    assert run.exit_code == 0, run.output
    assert (tmp_path / "agreement.html").exists() and "anna – ben" in run.output and "Dice" in run.output
    run = CliRunner().invoke(
        app,
        [
            "agreement",
            "-p",
            str(study_folder),
            "--readers",
            "anna,carla",
            "--label",
            "heart",
            "--where",
            "view=PA",
            "--json",
        ],
    )
    document = json.loads(run.stdout)
    assert document["images"] == 6 and {f["label"] for f in document["figures"]} == {"heart"}


def test_the_job_writes_the_report_and_keeps_the_consensus(tmp_path):
    with Project.create(tmp_path / "project", cases.SCHEMA) as project:
        project.add(cases.header(i, f"P{i}") for i in range(3))
        for i in range(3):
            for seed, reader in enumerate(("anna", "ben"), 1):
                project.save(cases.reading(reader, i, seed))
        options = {"wishes": Wishes(labels=("heart",)).document(), "out": str(tmp_path / "out"), "consensus": "staple"}
        job = Job.start(project.folder, "agreement", options)
        assert job.wait(120) == "done", job.error
        assert (job.result["images"], job.result["consensus"]) == (3, 3)
        assert (tmp_path / "out" / "agreement.html").exists()
        assert project.findings("1.2.1", "consensus:staple").labels() == ["heart"]
