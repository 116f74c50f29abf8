"""A label that is renamed, or that vanishes from the schema while objects use it: nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sheet import pictures
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Polygon
from XRayAILib.findings.schema import LabelSchema, SchemaError
from XRayAILib.findings.schema_draft import SchemaDraft
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.schema_edit import SchemaEdit

ANNA, BERT = Author.person("anna"), Author.person("bert")


@pytest.fixture
def labelled(project, tmp_path):
    """A project whose two readers drew a nodule each, on two of three images."""
    take_in(project, [pictures(tmp_path / "pictures", 3)])
    first, second, _ = (image.uid for image in project.images())
    for uid, reader in ((first, ANNA), (first, BERT), (second, ANNA)):
        nodule = Box(label="nodule", author=reader, x0=1, y0=2, x1=9, y1=8)
        project.save(Findings(uid, (40, 50), reader, (nodule, ImageLabel(label="view", author=reader, value="PA"))))
    return project


def without(schema: LabelSchema, name: str) -> LabelSchema:
    kept = tuple(label for label in schema if label.name != name)
    return replace(schema, labels=kept, rules=())


def test_a_renamed_label_is_renamed_everywhere_and_the_history_keeps_the_old_name(labelled):
    uid = labelled.images()[0].uid
    before = labelled.last_revision()
    assert labelled.rename_label("nodule", "spot", "chief") == 3
    (box,) = labelled.findings(uid, ANNA.key).of(Box)
    assert box.label == "spot" and "spot" in labelled.schema and "nodule" not in labelled.schema
    (old,) = labelled.findings_at(uid, ANNA.key, before).of(Box)
    assert old.label == "nodule" and old == box.changed(label="nodule")
    assert labelled.revisions(uid)[-1].note == "label 'nodule' renamed to 'spot'"
    assert LabelSchema.read(labelled.folder / "schema.yaml") == labelled.schema
    # The rule that was for nodules is for spots now, and what mirrored to the label would follow, too.
    assert any(rule.labels == ("spot",) for rule in labelled.schema.rules)
    assert labelled.vanished_labels() == []


def test_a_label_taken_out_by_hand_is_told_and_comes_back_as_it_was(labelled):
    old = labelled.schema["nodule"]
    folder = labelled.folder
    labelled.close()
    without(labelled.schema, "nodule").write(folder / "schema.yaml")
    with Project.open(folder) as project:
        (use,) = project.vanished_labels()
        assert (use.label, use.objects, len(use.images), use.kinds) == ("nodule", 3, 2, {"box"})
        assert len(project.findings(project.images()[0].uid, BERT.key).of(Box)) == 1
        project.put_label_back("nodule")
        assert project.schema["nodule"] == old
        assert project.vanished_labels() == []


def test_objects_of_a_vanished_label_can_become_those_of_another(labelled):
    labelled.set_schema(without(labelled.schema, "nodule"))
    with pytest.raises(SchemaError, match=r"'opacity' is drawn as polygon, and there are objects drawn as box"):
        labelled.rename_label("nodule", "opacity")
    assert labelled.rename_label("nodule", "mass") == 3
    assert labelled.schema["mass"].title == "Nodule" and labelled.schema["mass"].tool.value == "box"
    assert labelled.vanished_labels() == []


def test_a_project_from_before_versions_were_kept_knows_what_its_findings_use(labelled):
    folder = labelled.folder
    with labelled._database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE schemas")
    labelled.close()
    without(labelled.schema, "nodule").write(folder / "schema.yaml")
    with Project.open(folder) as project:
        assert [use.label for use in project.vanished_labels()] == ["nodule"]
        project.put_label_back("nodule")
        assert project.schema["nodule"].tool.value == "box"


def test_what_names_a_vanished_label_does_not_keep_the_project_closed_and_comes_back_with_it(labelled):
    path = labelled.folder / "schema.yaml"
    whole = labelled.schema
    labelled.close()
    # By hand: the label is taken out, its mirror and two rules still name it.
    draft = SchemaDraft.of(whole)
    replace(draft, labels=tuple(label for label in draft.labels if label.name != "right_lung")).write(path)
    with pytest.raises(SchemaError, match="label 'left_lung', field 'mirror': there is no label 'right_lung'"):
        LabelSchema.read(path)
    with Project.open(labelled.folder) as project:
        assert project.schema["left_lung"].mirror == "" and len(project.schema.rules) == len(whole.rules) - 1
        assert "there is no label 'right_lung'" in project.schema_notice
        project.put_label_back("right_lung")
        assert project.schema_notice == ""
        assert set(project.schema.labels) == set(whole.labels) and project.schema.rules == whole.rules


def test_an_edit_counts_when_it_is_saved_and_takes_objects_of_a_renamed_label_along(labelled):
    before = labelled.schema
    edit = SchemaEdit(labelled)
    place = next(place for place, entry in enumerate(edit.labels) if entry["name"] == "nodule")
    edit.change_label(place, {"name": "spot", "hotkey": ""})
    edit.change_rule(edit.add_rule("count"), {"labels": ["spot"], "maximum": "2"})
    assert edit.is_changed and edit.problems() == [] and labelled.schema == before
    assert edit.rules_in_words()[-2:] == ["Nodule: length at most 30 mm", "Nodule: at most 2 of each"]
    assert edit.save("chief") == 3 and not edit.is_changed
    assert labelled.schema["spot"].hotkey == "" and labelled.vanished_labels() == []


def test_an_edit_says_what_is_wrong_and_saves_nothing_then(labelled):
    edit = SchemaEdit(labelled)
    edit.remove_label(0)
    (mirror, *rules) = [str(problem) for problem in edit.problems()]
    assert mirror.startswith("label 'left_lung', field 'mirror': there is no label 'right_lung'") and len(rules) == 2
    with pytest.raises(SchemaError, match="there is no label 'right_lung'"):
        edit.save()
    with pytest.raises(SchemaError, match="line 2, label 1"):
        edit.set_text("labels:\n- {title: x}\n")
    assert LabelSchema.read(labelled.folder / "schema.yaml") == labelled.schema


def test_two_labels_cannot_exchange_their_names_in_one_go(labelled):
    edit = SchemaEdit(labelled)
    names = [entry["name"] for entry in edit.labels]
    for old, new in (("nodule", "x"), ("opacity", "nodule"), ("x", "opacity")):
        edit.change_label([entry["name"] for entry in edit.labels].index(old), {"name": new})
    assert sorted(entry["name"] for entry in edit.labels) == sorted(names)
    with pytest.raises(SchemaError, match="'opacity' cannot be called 'nodule' at once"):
        edit.save()
    assert labelled.findings(labelled.images()[0].uid, ANNA.key).of(Box)[0].label == "nodule"


def test_a_template_in_place_of_the_labels_tells_which_of_them_are_used(labelled):
    edit = SchemaEdit(labelled)
    edit.use_template("hand", add=False)
    assert {use.label: use.objects for use in edit.vanishing()} == {"nodule": 3}
    edit.use_template("chest_anatomy", add=True)
    assert edit.vanishing() == [] and edit.problems() == []
    edit.save()
    assert "scaphoid" in labelled.schema and labelled.vanished_labels() == []


def test_a_rename_that_cannot_be_written_changes_nothing(labelled, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    before = labelled.schema
    with monkeypatch.context() as disk:
        disk.setattr(SchemaDraft, "write", full)
        with pytest.raises(OSError, match="No space left"):
            labelled.rename_label("nodule", "spot")
    assert labelled.schema == before
    assert labelled.findings(labelled.images()[0].uid, ANNA.key).of(Box)[0].label == "nodule"
    assert len(labelled.schemas.versions()) == 1


def test_a_merge_of_two_labels_keeps_every_object(labelled):
    uid = labelled.images()[2].uid
    outline = Polygon(label="opacity", author=ANNA, points=((1, 1), (9, 1), (9, 9)))
    labelled.save(Findings(uid, (40, 50), ANNA, (outline,)))
    lung = Polygon(label="right_lung", author=ANNA, points=((1, 1), (9, 1), (9, 9)))
    labelled.save(Findings(uid, (40, 50), ANNA, (outline, lung)))
    assert labelled.rename_label("opacity", "heart") == 1  # masks and polygons may have each other's labels
    assert {item.label for item in labelled.findings(uid, ANNA.key)} == {"heart", "right_lung"}
    with pytest.raises(SchemaError, match="no object uses it"):
        labelled.rename_label("opacity", "heart")


def test_the_versions_of_the_schema_are_all_there_as_they_were_written(labelled):
    path = labelled.folder / "schema.yaml"
    text = path.read_text("utf-8") + "# a note by hand\n"
    path.write_text(text, "utf-8")
    labelled.close()
    with Project.open(labelled.folder) as project:
        versions = project.schemas.versions()
        assert [version.text for version in versions] == [labelled.schema.text(), text]
        assert versions[0].labels == tuple(label.name for label in labelled.schema)


def test_what_somebody_wrote_into_the_file_meanwhile_is_kept_when_it_is_replaced(labelled):
    path = labelled.folder / "schema.yaml"
    by_hand = path.read_text("utf-8").replace("title: Heart\n", "title: Cor\n")
    path.write_text(by_hand, "utf-8")
    labelled.set_schema(replace(labelled.schema, name="other"))
    texts = [version.text for version in labelled.schemas.versions()]
    assert texts[1] == by_hand and LabelSchema.read(path).name == "other" and len(texts) == 3
    # A project that stays open takes over such a change when it is asked to.
    path.write_text(path.read_text("utf-8").replace("title: Heart\n", "title: Cor\n"), "utf-8")
    labelled.reread_schema()
    assert labelled.schema["heart"].title == "Cor" and len(labelled.schemas.versions()) == 4


def test_a_schema_that_contradicts_itself_keeps_the_project_closed_and_says_why(labelled):
    path = labelled.folder / "schema.yaml"
    path.write_text(path.read_text("utf-8").replace("name: nodule", "name: heart"), "utf-8")
    with pytest.raises(
        (SchemaError, ProjectError), match=r"(?s)schema\.yaml.*label 'heart', field 'name': stands there 2"
    ):
        Project.open(labelled.folder)
