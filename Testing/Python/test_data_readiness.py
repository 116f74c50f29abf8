"""What is wrong with a training is said before it starts, all of it at once."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from learning_cases import make_project, tiny
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.readiness import check_training
from XRayAILib.learning.space import set_cache_limit


def check(project, config=None, **more):
    return check_training(project, config or tiny(), deep=False, **more)


def kinds(problems):
    return [problem.kind for problem in problems]


def test_a_training_that_can_start_is_told_what_it_would_learn_from(tmp_path):
    with make_project(tmp_path, patients=20) as project:
        ready = check_training(project, tiny())
        assert ready.ready and set(ready.labels) == {"right_lung", "left_lung", "heart"}
        document = ready.document()
        assert document["images"] == document["patients"] == {"train": 14, "validation": 3, "test": 3}
        assert document["counts"]["test"]["heart"] == 3
        # Images and targets of 64 x 64 pixels, and six copies of the small network twice in checkpoints, and a model.
        assert document["bytes"] > 20 * 64 * 64 * (2 + 3)
        assert kinds(ready.warnings) == ["copies"] and not any(image.split for image in project.images())


def test_everything_is_said_at_once(tmp_path):
    with make_project(tmp_path, patients=20, labels=("heart",)) as project:
        first, second, *_ = project.images()
        project.add([replace(first.header, rows=first.header.rows + 1)])
        Path(second.header.path).unlink()
        set_cache_limit(1e-6, project)
        config = tiny(labels=["heart", "lung", "nodule", "left_lung"], start="model:none-such")
        ready = check_training(project, config)
        text = "\n".join(problem.text for problem in ready.errors)
        assert not ready.ready
        assert "'lung' is not in the project's schema" in text
        assert "'nodule' is drawn as box" in text
        assert "No image has the label left_lung" in text
        assert f"The findings of {first.header.path} are for" in text
        assert "the project has no model 'none-such'" in text
        assert "its limit is 1e-06 GiB" in text
        warned = {problem.kind: problem for problem in ready.warnings}
        assert warned["files"].uids == (second.uid,) and "They are left out" in warned["files"].text


def test_wrong_settings_are_all_said_before_anything_else(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        config = replace(tiny(), epochs=0, folds=2, outside={"colour": ["red"], "view": {}})
        text = "\n".join(problem.text for problem in check(project, config).errors)
        assert "epochs" in text and "folds" in text and "outside.colour" in text and "outside.view" in text


def test_nothing_to_learn_from(tmp_path):
    with make_project(tmp_path, patients=3, labels=()) as project:
        (problem,) = check(project).errors
        assert problem.kind == "labels" and "There is nothing to learn from" in problem.text


def test_a_schema_without_labels_of_the_task(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        masks = [label for label in project.schema if label.tool is Tool.MASK]
        project.set_schema(LabelSchema("masks", tuple(masks)))
        (problem,) = check(project, tiny(task="landmarks", network="UNet")).errors
        assert "no label of the schema is drawn as landmark" in problem.text


def test_what_is_there_instead_is_named(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        (problem,) = check(project, TrainingConfig.from_preset("quick", "classification")).errors
        assert "What is there is for  --task" in problem.text and "segmentation (" in problem.text
        boxes = [replace(label, tool=Tool.BOX) for label in project.schema if label.tool is Tool.MASK]
        project.set_schema(LabelSchema("boxes", tuple(boxes)))
        (problem,) = check(project, TrainingConfig.from_preset("quick", "detection")).errors
        assert "drawn otherwise than the schema says" in problem.text and "xrayai schema use" in problem.text


def test_pretraining_is_no_training(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        (problem,) = check(project, TrainingConfig.from_preset("quick", "pretraining")).errors
        assert problem.text.endswith("it is started with  xrayai pretrain.")


def test_one_patient_only(tmp_path):
    with make_project(tmp_path, patients=1, images_each=4) as project:
        (problem,) = check(project).errors
        assert problem.kind == "split" and "There is one patient only" in problem.text


def test_a_label_in_the_test_part_only(tmp_path):
    with make_project(tmp_path, patients=6, labels=("right_lung",)) as project:
        uid = project.images()[0].uid
        reference = project.reference(uid)
        project.save(reference.with_objects([reference.objects[0].derived(reference.author, label="heart")]))
        project.assign_split({uid: "test"})
        (problem,) = check(project).errors
        assert "'heart' occurs only in the test part" in problem.text


def test_one_class_only(tmp_path):
    with make_project(tmp_path, patients=8) as project:
        question = Label("pneumonia", "Pneumonia", Tool.IMAGE, "#336699", options=("yes", "no"))
        project.set_schema(LabelSchema(project.schema.name, (*project.schema, question)))
        for image in project.images():
            reference = project.reference(image.uid)
            said = ImageLabel(label="pneumonia", author=reference.author, value="no")
            project.save(reference.with_objects([said]))
        config = tiny(task="classification", labels=["pneumonia"], network="DenseNet121", network_arguments={})
        (problem,) = check(project, config).errors
        assert problem.kind == "task" and "nothing to tell apart" in problem.text
        assert check(project, config).document()["counts"]["train"] == {"pneumonia=no": 6}


def test_few_cases_are_a_warning(tmp_path):
    with make_project(tmp_path, patients=20) as project:
        uid = project.images()[0].uid
        reference = project.reference(uid)
        project.save(reference.with_objects([reference.objects[0].derived(reference.author, label="opacity")]))
        ready = check(project)
        few = [problem.text for problem in ready.warnings if problem.kind == "few"]
        assert ready.ready
        assert "opacity in 1 of the training part" in few[0] and "No image of the test part has opacity" in few[2]


def test_many_vanished_files_are_an_error(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        for image in project.images()[:3]:
            Path(image.header.path).unlink()
        errors = check(project).errors
        assert errors[0].kind == "files" and len(errors[0].uids) == 3 and "3 labelled images are gone" in errors[0].text


def test_a_vanished_file_that_a_part_needs_is_an_error(tmp_path):
    with make_project(tmp_path, patients=12) as project:
        uids = [image.uid for image in project.images()]
        project.assign_split(dict(zip(uids, ["test", "validation", *["train"] * 10], strict=True)))
        Path(project.header(uids[0]).path).unlink()
        texts = [problem.text for problem in check(project).errors]
        assert any("the test part has no image" in text for text in texts)


def test_a_file_that_changed_since_the_scan_is_a_warning(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        image = project.images()[2]
        os.utime(image.header.path, ns=(0, 0))
        (problem,) = (problem for problem in check(project).warnings if problem.kind == "files")
        assert problem.uids == (image.uid,) and "scan again" in problem.text


def test_images_that_were_compared_are_not_warned_of(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        assert "copies" in kinds(check(project).warnings)
        project.duplicates._store({image.uid: image.uid for image in project.images()})
        assert "copies" not in kinds(check(project).warnings)


def test_a_snapshot_that_is_not_there(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        (problem,) = check(project, tiny(snapshot="none-such")).errors
        assert problem.kind == "snapshot" and "There is no snapshot 'none-such'" in problem.text
        digest = project.snapshots.create("first").digest
        assert check(project, tiny(snapshot=digest)).ready


def test_a_full_disk_counts_checkpoints_and_the_model(tmp_path, monkeypatch):
    from XRayAILib.learning import space

    with make_project(tmp_path, patients=4) as project:
        needed = check_training(project, tiny()).bytes
        shallow = check(project).bytes
        assert needed > shallow
        monkeypatch.setattr(space, "_free", lambda place: shallow + space.SPARE + 1)
        assert check(project).ready
        (problem,) = check_training(project, tiny()).errors
        assert problem.kind == "disk" and "checkpoint and model" in problem.text


def test_a_job_refuses_with_all_errors_and_says_the_warnings(tmp_path):
    from XRayAILib.learning.errors import TrainingError
    from XRayAILib.learning.readiness import require_ready

    with make_project(tmp_path, patients=6) as project:
        said = []
        require_ready(project, tiny(), said.append)
        assert {event["kind"] for event in said} == {"few", "copies"}
        with pytest.raises(TrainingError, match=r"'lung' is not .* 'chin' is not"):
            require_ready(project, tiny(labels=["lung", "chin"]), said.append)
