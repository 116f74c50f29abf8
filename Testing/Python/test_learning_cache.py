"""Images are decoded once; what changed is made anew."""

import numpy as np
import pytest

from learning_cases import TEACHER, make_project, tiny
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.cache import Cancelled, build_cache, require_space
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import gather
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.task import make_task
from XRayAILib.learning.tasks.segmentation import UNKNOWN
from XRayAILib.pixels.resample import Letterbox, PixelPreset

PRESET = PixelPreset(64)


class Watched:
    """A project that counts how often pixels are read."""

    def __init__(self, project):
        self._project = project
        self.reads = 0

    def __getattr__(self, name):
        return getattr(self._project, name)

    def radiograph(self, uid):
        self.reads += 1
        return self._project.radiograph(uid)


def built(project, config=None, emit=lambda event: None, cancelled=lambda: False):
    config = config or tiny()
    labels, examples = gather(project, config)
    task = make_task(config, legend_of(labels, project.schema))
    return build_cache(project, examples, task, PRESET, emit, cancelled), examples


def test_the_arrays_are_what_the_preset_and_the_masks_say(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        cache, examples = built(project)
        for example in examples:
            row = cache.rows[example.uid]
            radiograph = project.radiograph(example.uid)
            assert np.allclose(cache.images[row], PRESET.fit_radiograph(radiograph).image, atol=1e-3)
            heart = project.reference(example.uid).of(Mask, "heart")[0].array()
            coverage = Letterbox(*heart.shape, PRESET.size).forward(heart)
            assert np.allclose(cache.targets[row][2] / 254, coverage, atol=1 / 254)


def test_a_second_training_decodes_nothing(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        watched = Watched(project)
        first, _ = built(watched)
        assert watched.reads == 3
        second, _ = built(watched)
        assert watched.reads == 3 and second.folder == first.folder


def test_only_a_changed_mask_is_made_anew(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        watched = Watched(project)
        first, examples = built(watched)
        uid = examples[0].uid
        reference = project.reference(uid)
        heart = reference.of(Mask, "heart")[0]
        project.save(reference.with_objects([heart.with_array(np.roll(heart.array(), 5, axis=0))]))
        second, _ = built(watched)
        assert watched.reads == 3
        row, other = second.rows[uid], second.rows[examples[1].uid]
        assert not np.array_equal(second.targets[row], first.targets[first.rows[uid]])
        assert np.array_equal(second.targets[other], first.targets[first.rows[examples[1].uid]])


def test_what_nobody_drew_is_unknown_or_absent_as_asked(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        uid = project.images()[0].uid
        reference = project.reference(uid)
        project.save(reference.without(o.id for o in reference.of(Mask, "heart")))
        unknown, _ = built(project)
        assert (unknown.targets[unknown.rows[uid]][2] == UNKNOWN).all()
        absent, _ = built(project, tiny(missing="absent"))
        assert not absent.targets[absent.rows[uid]][2].any()


def test_a_polygon_teaches_like_a_mask(tmp_path):
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.objects import Polygon

    with make_project(tmp_path, patients=3, labels=("heart",)) as project:
        image = project.images()[0]
        points = ((19.5, 19.5), (49.5, 19.5), (49.5, 59.5), (19.5, 59.5))
        outline = Polygon(label="opacity", author=TEACHER, points=points)
        project.save(Findings(image.uid, image.header.shape, TEACHER, (outline,)))
        cache, _ = built(project, tiny(labels=["opacity"]))
        scale = Letterbox(*image.header.shape, PRESET.size).scale
        area = cache.targets[cache.rows[image.uid]][0].sum() / 254
        assert area == pytest.approx(30 * 40 * scale**2, rel=0.01)


def test_an_image_that_vanished_is_left_out_with_the_reason(tmp_path):
    from pathlib import Path

    with make_project(tmp_path, patients=4) as project:
        gone = project.images()[1]
        Path(gone.header.path).unlink()
        cache, _ = built(project)
        assert gone.uid not in cache.rows and len(cache.rows) == 3
        ((uid, reason),) = cache.left_out
        assert uid == gone.uid and gone.header.path in reason


def test_without_any_readable_image_it_says_so(tmp_path):
    from pathlib import Path

    with make_project(tmp_path, patients=3) as project:
        for image in project.images():
            Path(image.header.path).unlink()
        with pytest.raises(TrainingError, match="None of the labelled images can be read"):
            built(project)


def test_a_stop_leaves_nothing_half_made(tmp_path):
    with make_project(tmp_path, patients=4) as project:
        seen = []
        with pytest.raises(Cancelled):
            built(project, emit=seen.append, cancelled=lambda: len(seen) == 2)
        assert not list((project.cache_folder / "learning").iterdir())


def test_a_disk_without_room_is_told_before_it_is_written(tmp_path):
    require_space(tmp_path, 1000)
    with pytest.raises(TrainingError, match="Free some space, or choose a smaller image size"):
        require_space(tmp_path, 2**60)


def test_old_caches_go(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        for labels in (["heart"], ["left_lung"], ["right_lung"], ["heart", "left_lung"], []):
            cache, _ = built(project, tiny(labels=labels))
        folders = list((project.cache_folder / "learning").iterdir())
        assert len(folders) == 3 and cache.folder in folders
