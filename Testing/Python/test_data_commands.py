"""Split, cache and the check of a training from the terminal."""

import json

import pytest
from typer.testing import CliRunner

from learning_cases import make_project
from test_learning_cache import built
from XRayAILib.apps.cli import app


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path, patients=8, images_each=2) as project:
        yield project


@pytest.fixture
def ran(project, capsys):
    """``ran("split", "--deal")`` gives what the command prints."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(app, [*arguments, "-p", str(project.folder)])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output + capsys.readouterr().out

    return run


def test_a_split_is_shown_dealt_and_reset(project, ran):
    text = ran("split")
    assert "Patients" in text and "right_lung" in text and "16 images are not dealt for good yet" in text
    assert not any(image.split for image in project.images())
    assert "not dealt" not in ran("split", "--deal", "--seed", "3")
    assert all(image.split for image in project.images())
    document = json.loads(ran("split", "--json"))
    assert document["not_stored"] == 0 and sum(part["images"] for part in document["parts"].values()) == 16
    assert "16 images have none any more" in ran("split", "--reset", "--as", "anna")
    assert [who for _, who, action, _ in project.audit_trail() if action == "reset split"] == ["anna"]


def test_folds_and_images_from_elsewhere(project, ran):
    assert "fold 3" in ran("split", "--folds", "4", "--deal")
    assert set(project.parts.folds(4).values()) == {0, 1, 2, 3}
    ran("split", "--folds", "4", "--reset")
    assert not project.parts.folds(4)
    assert "no labelled image has view = PA" in ran("split", "--outside", "view=PA", code=3)
    result = CliRunner().invoke(app, ["split", "-p", str(project.folder), "--outside", "PA"])
    assert "ATTRIBUTE=VALUE" in str(result.exception)


def test_a_training_can_only_be_checked(project, ran):
    text = ran("train", "--check")
    assert "This training can start" in text and "warning" in text and not project.snapshots.all()
    text = ran("train", "--check", "--labels", "lung,nodule", code=3)
    assert "'lung' is not in" in text and "'nodule' is drawn as box" in text
    assert json.loads(ran("train", "--check", "--json", "--labels", "lung", code=3))["ready"] is False


def test_the_cache_is_shown_limited_and_cleared(project, ran):
    built(project)[0].close()
    text = ran("cache", "show")
    assert "images, 64 pixels" in text and "of 50 GiB" in text
    ran("cache", "limit", "3")
    document = json.loads(ran("cache", "show", "--json"))
    assert document["limit_gib"] == 3 and len(document["stores"]) == 2
    ran("cache", "clear")
    assert "0.0 MiB of 3 GiB" in ran("cache", "show")
