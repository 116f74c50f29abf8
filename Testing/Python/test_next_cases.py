"""Which images to label next: how unsure a model is of them, how unlike labelled ones they are, and their list."""

from types import SimpleNamespace

import numpy as np
import pytest

from learning_cases import make_project, tiny
from start_cases import make
from XRayAILib.apps.jobs import next_cases as next_job
from XRayAILib.findings.author import Author
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import Model, write_model
from XRayAILib.learning.selection.features import coarse, looking_into
from XRayAILib.learning.selection.picking import STRATEGIES, pick
from XRayAILib.learning.selection.run import choose_next, pool_of
from XRayAILib.learning.selection.uncertainty import expected_loss_of_overlap, indecision, views
from XRayAILib.learning.task import make_task
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.project import Project
from XRayAILib.project.wanted import FILE, Wanted, WantedImage
from XRayAILib.workflow.cases import Cases


def disc(radius: float, sharp: float) -> np.ndarray:
    """Probabilities (64, 64) of a disc; the smaller ``sharp``, the less sure of its outline."""
    y, x = np.mgrid[:64, :64] - 31.5
    return 1 / (1 + np.exp(-sharp * (radius - np.hypot(x, y))))


def test_a_soft_outline_is_unsure_and_an_empty_image_is_not():
    sharp, soft = (expected_loss_of_overlap(disc(15, s)) for s in (10, 0.3))
    assert sharp < 0.02 < 0.1 < soft < 1
    assert expected_loss_of_overlap(np.full((64, 64), 1e-4)) < 0.1
    # What is to be expected if the probabilities are true is what comes on average of masks drawn by them.
    p = disc(15, 0.5)
    generator, mask = np.random.default_rng(0), p > 0.5
    drawn = [generator.random(p.shape) < p for _ in range(50)]
    lost = np.mean([1 - 2 * (mask & one).sum() / (mask.sum() + one.sum()) for one in drawn])
    assert expected_loss_of_overlap(p) == pytest.approx(lost, abs=0.01)


def test_views_leave_everything_in_its_place_and_are_the_same_every_time():
    square = np.zeros((32, 32), np.float32)
    square[8:24, 8:24] = 0.5
    first, brighter, darker = views(square, "1.2.3")
    assert first is square
    assert brighter[8:24, 8:24].mean() > 0.52 and darker[8:24, 8:24].mean() < 0.48
    assert not brighter[square == 0].any()
    assert np.array_equal(views(square, "1.2.3")[1], brighter)


def test_a_score_at_its_threshold_is_the_most_ambiguous():
    assert indecision(np.array([0.0, 0.15, 0.3, 0.65, 1.0]), 0.3) == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_every_task_says_what_it_is_unsure_of():
    segmentation = make("segmentation", "UNet", size=64)
    sure, unsure = (np.stack([np.log(p / (1 - p))] * 2) for p in (disc(15, 2), disc(15, 0.3)))
    assert segmentation.uncertainty([unsure])["a"] > segmentation.uncertainty([sure])["a"]

    classification = make("classification", "ResNet", size=64)
    even, clear = np.zeros(classification.outputs), np.tile([8.0, -8.0], classification.outputs // 2)
    assert classification.uncertainty([even])["a"] == pytest.approx(1)
    assert classification.uncertainty([clear])["a"] < 0.01
    # An answer that changes with the exposure is none.
    assert classification.uncertainty([clear, -clear])["a"] == pytest.approx(1)

    landmarks = make("landmarks", "UNet", size=64)
    y, x = np.mgrid[:32, :32]
    place = -((x - 10.0) ** 2 + (y - 20.0) ** 2)
    narrow, wide = (np.stack([place / s] * 2) for s in (2.0, 80.0))
    there, perhaps = np.full(2, 9.0), np.zeros(2)
    said = [
        landmarks.uncertainty([{"heatmaps": maps, "presence": presence}])["a"]
        for maps, presence in ((narrow, there), (wide, there), (narrow, perhaps))
    ]
    assert said[0] < said[1] and said[0] < said[2]
    moving = {"heatmaps": np.roll(narrow, 12, axis=2), "presence": there}
    assert landmarks.uncertainty([{"heatmaps": narrow, "presence": there}, moving])["a"] > said[0]


def test_boxes_near_the_threshold_make_a_detection_unsure(monkeypatch):
    task = make("detection", "RetinaNet-ResNet10", size=64)
    found = {"of": lambda label: (np.zeros((2, 4)), scores)}
    monkeypatch.setattr(type(task), "boxes", lambda self, view: SimpleNamespace(**found))
    threshold = task.thresholds["a"]
    scores = np.array([0.99, 0.01])
    sure = task.uncertainty([{}])["a"]
    scores = np.array([threshold + 0.01, threshold - 0.01])
    assert task.uncertainty([{}])["a"] > 0.5 > sure


def test_each_strategy_takes_what_it_is_named_for():
    generator = np.random.default_rng(0)
    # Three groups of images; one of them is learnt from already, and one image looks like no other.
    middles = np.array([[0.0, 0], [10, 0], [0, 10], [40, 40]])
    group = np.repeat([0, 1, 2, 3], [10, 10, 10, 1])
    features = middles[group] + generator.normal(0, 0.3, (31, 2))
    uncertainty = np.full(31, 0.2)
    uncertainty[[3, 14]] = 0.9
    persons = [f"patient-{n}" for n in range(31)]
    learnt = middles[:1]

    def picked(strategy: str, count: int, of=persons) -> list[int]:
        return pick(strategy, count, uncertainty, features, learnt, of, 1)

    assert set(picked("uncertainty", 2)) == {3, 14}
    assert picked("diversity", 1) == [30]  # the farthest of all, which is why it is not what is usually wanted
    assert {group[i] for i in picked("diversity", 3)} == {1, 2, 3}
    assert {1, 2} <= {group[i] for i in picked("both", 3)}
    for strategy in STRATEGIES:
        chosen = picked(strategy, 5)
        assert len(set(chosen)) == 5 and chosen == picked(strategy, 5)
        assert len(picked(strategy, 99)) == 31
        # Everything of two persons: first one of each.
        two = [f"patient-{n % 2}" for n in range(31)]
        assert {two[i] for i in picked(strategy, 2, two)} == {"patient-0", "patient-1"}


def test_diversity_without_anything_labelled_begins_in_the_middle():
    features = np.array([[0.0], [1], [2], [3], [10]])
    persons = list("abcde")
    assert pick("diversity", 2, np.zeros(5), features, np.zeros((0, 1)), persons) == [3, 4]
    same = pick("both", 3, np.zeros(5), np.ones((5, 2)), np.zeros((0, 2)), persons)
    assert len(set(same)) == 3


def test_an_image_is_described_by_the_deepest_layer_of_the_encoder():
    import torch

    network = make("segmentation", "UNet", size=64).network().eval()
    square = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    with looking_into(network) as look, torch.no_grad():
        network(torch.from_numpy(square)[None, None])
        found = look.features(square)
    assert found.shape == (256,) and np.isfinite(found).all()
    assert not any(module._forward_hooks for module in network.modules())
    with looking_into(torch.nn.Identity()) as look:
        assert np.allclose(look.features(square), coarse(square))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A project of twelve patients, of whom four are labelled and two are kept for testing, and an untrained model."""
    folder = tmp_path_factory.mktemp("next")
    with make_project(folder, patients=12) as project:
        images = project.images()
        config = tiny(name="first")
        labels = [label.name for label in project.schema][:3]
        task = make_task(config.changed(labels=labels), legend_of(labels, project.schema))
        parts = dict.fromkeys(("train", "validation", "test"), 2)
        training = {"created": "2026-01-01T00:00:00+00:00", "images": parts, "patients": parts, "left_out": 0}
        training |= {"epochs": 4, "stopped": "finished", "best_epoch": 4, "device": "CPU", "seconds": 1.0}
        training |= {"versions": dict.fromkeys(("torch", "monai", "numpy", "safetensors"), "1.0"), "snapshot": ""}
        figures = {"labels": {}, "overall": {}}
        weights = task.network().state_dict()
        model = write_model(project.models_folder, config, task, weights, [], figures, training)
        for image in images[4:]:
            found = project.reference(image.uid)
            project.save(found.without(item.id for item in found))
        project.assign_split({image.uid: "test" for image in images[-2:]})
        project.exclude(images[5].uid, "blurred")
        uids = [image.uid for image in images]
        return SimpleNamespace(project=project.folder, model=model.folder, uids=uids)


def test_chosen_is_what_is_neither_labelled_nor_excluded_nor_tested_on(place):
    with Project.open(place.project) as project:
        pool = pool_of(project, Model.load(place.model))
        assert set(pool.learnt) == set(place.uids[:4])
        assert set(pool.open) == {*place.uids[4:5], *place.uids[6:10]}
        assert set(pool_of(project, Model.load(place.model), everything=True).open) == {*pool.open, *pool.learnt}


def test_the_list_is_told_with_reasons_and_stored_for_the_annotation(place):
    said: list[dict] = []
    options = {"model": str(place.model), "count": 3, "strategy": "both", "device": "cpu"}
    result = next_job.run(place.project, options, place.project, said.append, lambda: False)
    assert result["pool"] == result["looked_at"] == 5 and len(result["images"]) == 3
    assert all("uncertainty 0." in image["reason"] and image["path"] for image in result["images"])
    assert {event["step"] for event in said if event["event"] == "progress"} == {"prepare", "look"}
    wanted = Wanted.read(place.project)
    assert wanted.uids == [image["uid"] for image in result["images"]]
    assert (wanted.model, wanted.strategy) == ("first", "both")
    with Project.open(place.project) as project:
        assert any(action == "next cases" for _, _, action, _ in project.audit_trail())
        cases = Cases(project, Author.person("anna"))
        before = [cases[n] for n in range(len(cases))]
        cases.wanted_first = True
        assert [cases[n] for n in range(3)] == wanted.uids
        assert sorted(before) == sorted(cases[n] for n in range(len(cases)))
        cases.wanted_first = False
        assert [cases[n] for n in range(len(cases))] == before
        with pytest.raises(TrainingError, match="no strategy 'best'"):
            choose_next(project, Model.load(place.model), 3, "best")


def test_nothing_to_choose_from_is_said(place, tmp_path):
    with Project.open(place.project) as project:
        project.assign_split(dict.fromkeys(place.uids[4:], "test"))
        try:
            with pytest.raises(TrainingError, match="nothing to choose from"):
                choose_next(project, Model.load(place.model), 3, device="cpu")
        finally:
            project.assign_split(dict.fromkeys(place.uids[4:10], ""))


def test_a_damaged_list_is_told(tmp_path):
    assert Wanted.read(tmp_path).images == ()
    Wanted((WantedImage("1.2", "by lot", 0.0),)).write(tmp_path)
    assert Wanted.read(tmp_path).uids == ["1.2"]
    (tmp_path / FILE).write_text("{", "utf-8")
    with pytest.raises(ProjectError, match="choose the next cases again"):
        Wanted.read(tmp_path)
