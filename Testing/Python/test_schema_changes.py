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


def test_a_schema_that_contradicts_itself_keeps_the_project_closed_and_says_why(labelled):
    path = labelled.folder / "schema.yaml"
    path.write_text(path.read_text("utf-8").replace("name: nodule", "name: heart"), "utf-8")
    with pytest.raises(
        (SchemaError, ProjectError), match=r"(?s)schema\.yaml.*label 'heart', field 'name': stands there 2"
    ):
        Project.open(labelled.folder)
