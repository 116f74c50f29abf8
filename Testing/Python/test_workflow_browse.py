"""A person opens a project, fills it, finds an image and looks at it; no window is needed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from light_table import LightTable
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.intake import take_in
from XRayAILib.workflow import browse as browse_module
from XRayAILib.workflow.browse import Browse
from XRayAILib.workflow.viewer import Layer

ANNA = Author.person("anna")
SIZE = (128, 112)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 8, seed=3, size=SIZE)


@pytest.fixture
def browse(tmp_path, phantoms):
    """A project with eight computed radiographs, on a table without a window."""
    browse = Browse(LightTable())
    browse.create(tmp_path / "project")
    take_in(browse.project, [phantoms[0].path.parent])
    browse.refresh()
    yield browse
    browse.close()


def fill(browse: Browse, *places: Path) -> None:
    """As the panel does it: a job in a process of its own; here somebody waits for it."""
    browse.filling.begin(browse.project, places)
    browse.filling.work.job.wait(60)
    assert browse.filling.work.state == "done", browse.filling.work.error
    browse.refresh()


def test_a_folder_becomes_rows_that_a_person_can_read(browse):
    assert len(browse.rows) == 8 and browse.position_text() == "8 radiographs"
    row = browse.rows[0]
    header = browse.project.header(row.uid)
    assert row.cells()[:4] == (header.patient_id, header.study_date, header.view, "unlabelled")
    assert row.spacing.split()[-1] in ("calibrated", "detector", "unknown")
    assert header.path in row.details


def test_a_second_scan_finds_nothing_new(browse, phantoms, tmp_path):
    (tmp_path / "new.dcm").write_bytes(make_phantoms(tmp_path / "other", 1, seed=4, size=SIZE)[0].path.read_bytes())
    fill(browse, phantoms[0].path.parent, tmp_path / "new.dcm")
    assert browse.filling.outcome() == "1 added, 8 files known already"
    assert len(browse.rows) == 9


def test_files_that_are_no_radiographs_are_listed_with_the_reason(browse, tmp_path):
    (tmp_path / "letter.dcm").write_text("Dear colleague")
    fill(browse, tmp_path / "letter.dcm")
    ((path, reason),) = browse.project.unreadable()
    assert path.endswith("letter.dcm") and reason
    assert browse.filling.outcome() == "0 added, 1 file is no radiograph"


def test_nothing_to_add_is_said(browse, tmp_path):
    with pytest.raises(ProjectError, match="nothing to add"):
        browse.filling.begin(browse.project, [])
    with pytest.raises(ProjectError, match="gone does not exist"):
        browse.filling.begin(browse.project, [tmp_path / "gone"])


def test_next_and_previous_go_through_what_the_filter_left(browse):
    patient = browse.rows[0].patient
    browse.filter(patient)
    shown = [row.uid for row in browse.rows]
    assert shown == [row.uid for row in browse.rows if row.patient == patient] and len(shown) < 8
    assert browse.step(+1) and browse.current.uid == shown[0]
    while browse.step(+1):
        pass
    assert browse.current.uid == shown[-1] and not browse.has_step(+1)
    browse.filter("nobody is called so")
    assert browse.position_text() == "no radiograph matches" and not browse.step(+1)
    browse.filter("")
    assert browse.rows[browse.row_of_current()].uid == shown[-1]


def test_next_goes_on_beyond_the_rows_shown_at_once(browse, monkeypatch):
    monkeypatch.setattr(browse_module, "PAGE", 3)
    browse.filter("")
    assert len(browse.rows) == 3
    seen = []
    while browse.step(+1):
        seen.append(browse.current.uid)
    assert len(set(seen)) == 8 and browse.position_text() == "8 of 8 radiographs"
    while browse.step(-1):
        pass
    assert browse.current.uid == seen[0]


def test_what_was_said_of_the_image_lies_over_it(browse, phantoms):
    truth = phantoms[2].findings
    model = Author.model("lungs", "0" * 64)
    box = Box(label="nodule", author=model, x0=3.0, y0=4.0, x1=13.5, y1=9.0, score=0.9)
    browse.project.save(truth)
    browse.project.save(Findings(truth.radiograph_uid, truth.shape, model, (box,)))
    browse.select(truth.radiograph_uid)
    assert browse.viewer.radiograph.uid == truth.radiograph_uid
    assert browse.viewer.layers[Layer.PREDICTION].objects == (box,)
    assert browse.viewer.layers[Layer.REFERENCE] == browse.project.reference(truth.radiograph_uid)
    assert browse.has_prediction
    browse.select(phantoms[3].uid)
    assert browse.viewer.layers == {} and not browse.has_prediction


def test_what_is_drawn_is_saved_before_the_image_changes(browse):
    left = []
    browse.leaving.append(lambda: left.append(browse.current.uid))
    first, second = (row.uid for row in browse.rows[:2])
    browse.select(first)
    browse.select(second)
    assert left == [first]

    def disk_full() -> None:
        raise ProjectError("the disk is full")

    browse.leaving.append(disk_full)
    with pytest.raises(ProjectError, match="full"):
        browse.step(-1)
    assert browse.current.uid == second and browse.viewer.radiograph.uid == second
    browse.leaving.remove(disk_full)


def test_a_file_that_is_gone_is_named_and_the_image_stays(browse, phantoms, tmp_path):
    copy = tmp_path / "moved.dcm"
    copy.write_bytes(phantoms[5].path.read_bytes())
    browse.project.add([replace(browse.project.header(phantoms[5].uid), path=str(copy))])
    browse.select(phantoms[1].uid)
    copy.unlink()
    with pytest.raises(UnreadableError, match=r"moved\.dcm"):
        browse.select(phantoms[5].uid)
    assert browse.current.uid == phantoms[1].uid == browse.viewer.radiograph.uid


def test_a_prior_of_the_same_patient_is_offered(browse):
    with_prior = next(row for row in browse.rows if browse.project.priors(row.uid))
    browse.select(with_prior.uid)
    priors = browse.priors()
    assert priors and all(p.patient == with_prior.patient and p.study_date < with_prior.study_date for p in priors)
    browse.show_prior(priors[0].uid)
    assert browse.viewer.prior.uid == priors[0].uid
    browse.step(-1)
    assert browse.viewer.prior is None and browse.prior is None


def test_a_folder_that_is_no_project_leaves_the_open_one_open(browse, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProjectError, match="is no project"):
        browse.open(tmp_path / "empty")
    assert browse.is_open and len(browse.rows) == 8


def test_without_a_project_everything_says_so():
    browse = Browse(LightTable())
    browse.refresh()
    assert browse.rows == [] and browse.priors() == [] and not browse.has_step(+1)
    with pytest.raises(ProjectError, match="open or create one"):
        browse.filling.begin(browse.project, ["anything"])


def test_the_workflows_load_without_what_slicer_does_not_bring():
    """Slicer loads the modules at its start; SQLAlchemy and torch are installed when an action needs them."""
    code = (
        "import sys\n"
        "for name in ('sqlalchemy', 'yaml', 'psutil', 'torch', 'monai', 'pydicom', 'highdicom', 'vtk'):\n"
        "    sys.modules[name] = None\n"
        "import XRayAILib.workflow.browse, XRayAILib.workflow.training, XRayAILib.workflow.prediction\n"
        "import XRayAILib.workflow.review, XRayAILib.workflow.export\n"
    )
    library = str(Path(browse_module.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], cwd=library, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_next_passes_over_a_file_that_is_gone_and_names_it(browse, phantoms, tmp_path):
    uids = [row.uid for row in browse.rows]
    gone = Path(browse.project.header(uids[1]).path)
    browse.select(uids[0])
    gone.rename(tmp_path / "elsewhere")
    try:
        assert browse.step(+1) and browse.current.uid == uids[2]
        assert browse.notice.startswith("Passed over") and gone.name in browse.notice
        browse.step(+1)
        assert browse.notice == ""
    finally:
        (tmp_path / "elsewhere").rename(gone)


def test_where_no_file_is_left_next_says_so_and_the_image_stays(browse, tmp_path):
    fill(browse, copied(browse, tmp_path / "memory stick"))
    browse.filter("stick")
    here = browse.rows[0].uid
    browse.select(here)
    (tmp_path / "memory stick").rename(tmp_path / "unplugged")
    with pytest.raises(UnreadableError, match="memory stick"):
        browse.step(+1)
    assert browse.current.uid == here


def copied(browse: Browse, folder: Path) -> Path:
    """Three radiographs that the project does not have yet."""
    make_phantoms(folder, 3, seed=11, size=SIZE)
    return folder


def test_a_short_word_is_not_sought_in_paths(tmp_path):
    from XRayAILib.project.project import Project

    make_phantoms(tmp_path / "radiographs", 6, seed=3, size=SIZE)
    with Project.create(tmp_path / "project") as project:
        take_in(project, [tmp_path / "radiographs"])
        views = [image.header.view for image in project.images("AP")]
        assert views and set(views) == {"AP"} and len(views) < project.count()
        assert project.count("radiographs") == project.count()


def test_a_folder_without_pictures_is_said_to_be_one(browse, tmp_path):
    (tmp_path / "empty").mkdir()
    fill(browse, tmp_path / "empty")
    assert browse.filling.outcome().startswith("Nothing found there")
