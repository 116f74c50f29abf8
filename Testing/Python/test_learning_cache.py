"""Images are decoded once; what changed is made anew."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from learning_cases import TEACHER, make_project, tiny
from XRayAILib.dicom.radiograph import read_header
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.cache import Cancelled, build_cache
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import gather
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.rows import RowStore
from XRayAILib.learning.space import (
    GIB,
    Holding,
    cache_limit,
    clear,
    held,
    make_room,
    place_of,
    segments,
    set_cache_limit,
    stores,
)
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
        assert watched.reads == 3 and second.key == first.key
        assert np.array_equal(second.images[:], first.images[:])


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
    with make_project(tmp_path, patients=4) as project:
        gone = project.images()[1]
        Path(gone.header.path).unlink()
        cache, _ = built(project)
        assert gone.uid not in cache.rows and len(cache.rows) == 3
        ((uid, reason),) = cache.left_out
        assert uid == gone.uid and gone.header.path in reason


def test_without_any_readable_image_it_says_so(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        for image in project.images():
            Path(image.header.path).unlink()
        with pytest.raises(TrainingError, match="None of the labelled images can be read"):
            built(project)


def test_a_drive_that_is_off_ends_it_instead_of_leaving_a_third_to_learn_from(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        for image in project.images()[2:]:
            Path(image.header.path).unlink()
        with pytest.raises(TrainingError, match="Only 2 of 6 of the labelled images can be read"):
            built(project)


def test_an_image_that_changes_while_it_is_prepared_is_left_out(tmp_path):
    """Its new pixels would be kept as those of the old file."""
    with make_project(tmp_path, patients=4) as project:
        config = tiny()
        labels, examples = gather(project, config)
        changed = Path(project.header(examples[2].uid).path)
        changed.touch()
        task = make_task(config, legend_of(labels, project.schema))
        cache = build_cache(project, examples, task, PRESET, lambda event: None)
        ((uid, reason),) = cache.left_out
        assert uid == examples[2].uid and reason == f"{changed}: the file has changed since the training began"
        again, _ = built(project)
        assert len(again.rows) == 4 and not again.left_out


def test_what_was_prepared_before_a_stop_is_not_prepared_again(tmp_path):
    with make_project(tmp_path, patients=4) as project:
        seen = []
        with pytest.raises(Cancelled):
            built(project, emit=seen.append, cancelled=lambda: len(seen) == 2)
        watched = Watched(project)
        cache, _ = built(watched)
        assert watched.reads == 2 and len(cache.rows) == 4


KILLED = """
import os, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from learning_cases import tiny
from test_learning_cache import built
from XRayAILib.learning import rows
from XRayAILib.project.project import Project

rows.TOGETHER = 1
with Project.open(Path({folder!r})) as project:
    built(project, emit=lambda event: event["done"] == 3 and os._exit(9))
"""


def test_a_killed_preparation_leaves_nothing_wrong(tmp_path):
    with make_project(tmp_path, patients=6) as project:
        paths = [str(Path(__file__).parent), str(Path(sys.modules["XRayAILib"].__file__).parents[1])]
        code = KILLED.format(paths=paths, folder=str(project.folder))
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
        watched = Watched(project)
        cache, examples = built(watched)
        assert watched.reads == 3
        for example in examples:
            image = PRESET.fit_radiograph(project.radiograph(example.uid)).image
            assert np.allclose(cache.images[cache.rows[example.uid]], image, atol=1e-3)
        assert len(held(place_of(project))) == 4  # of this process alone: two segments of each store


def test_a_row_whose_line_or_array_is_cut_short_does_not_count(tmp_path):
    def store():
        return RowStore(tmp_path / "store", (2, 3), "float32", "numbers")

    first = store()
    arrays = {key: np.full((2, 3), number, np.float32) for number, key in enumerate("abcd")}
    for key, array in arrays.items():
        first.add(key, array, {"of": key})
    first.close()
    (index,) = (tmp_path / "store").glob("*.jsonl")
    index.write_bytes(index.read_bytes()[:-3])
    second = store()
    assert second.find("d") is None and second.find("c").more == {"of": "c"}
    second.add("d", arrays["d"])
    rows = second.rows([second.find(key) for key in "dbac"])
    assert np.array_equal(rows[:][:, 0, 0], [3, 1, 0, 2]) and np.array_equal(rows[[2, 0]], rows[:][[2, 0]])
    assert rows.shape == (4, 2, 3) and np.array_equal(np.asarray(rows[1]), arrays["b"])
    index.with_suffix(".rows").write_bytes(b"\0" * 30)
    assert store().find("b") is None and store().find("a") is not None
    with pytest.raises(ValueError, match="has the shape"):
        second.add("e", np.zeros((3, 2)))


def test_a_large_store_is_cut_into_segments(tmp_path, monkeypatch):
    monkeypatch.setattr("XRayAILib.learning.rows.LARGEST_SEGMENT", 100)
    store = RowStore(tmp_path / "store", (10,), "uint8", "numbers")
    for number in range(35):
        store.add(str(number), np.full(10, number, np.uint8))
    store.close()
    assert len(list((tmp_path / "store").glob("*.rows"))) == 4
    again = RowStore(tmp_path / "store", (10,), "uint8", "numbers")
    rows = again.rows([again.find(str(number)) for number in reversed(range(35))])
    assert np.array_equal(rows[:][:, 3], np.arange(35)[::-1])


def test_many_small_segments_become_one(tmp_path, monkeypatch):
    monkeypatch.setattr("XRayAILib.learning.rows.MOST_SEGMENTS", 3)
    keys = [str(number) for number in range(5)]
    for number, key in enumerate(keys):
        one = RowStore(tmp_path / "store", (4,), "uint8", "numbers")
        one.add(key, np.full(4, number, np.uint8), {"n": number})
        one.close()
    store = RowStore(tmp_path / "store", (4,), "uint8", "numbers")
    assert store.merged(keys[:3]) == 0 and store.merged(keys) == 5
    again = RowStore(tmp_path / "store", (4,), "uint8", "numbers")
    places = [again.find(key) for key in keys]
    assert len({place.segment for place in places}) == 1 and [place.more["n"] for place in places] == list(range(5))
    assert np.array_equal(again.rows(places)[:][:, 0], range(5))


def test_copies_have_the_same_print(tmp_path):
    from PIL import Image as Picture

    with make_project(tmp_path, patients=3) as project:
        first = Path(project.images()[0].header.path)
        cache, examples = built(project)
        assert len(set(cache.prints)) == 3
        # The same pixels in another kind of file.
        Picture.open(first).save(first.with_suffix(".tiff"))
        (header,) = read_header(first.with_suffix(".tiff"))
        project.add([header])
        original = project.reference(examples[0].uid)
        project.save(Findings(header.uid, header.shape, TEACHER, original.objects))
        cache, examples = built(project)
        prints = dict(zip(cache.rows, cache.prints, strict=True))
        assert len(set(prints.values())) == 3 and prints[header.uid] == prints[examples[0].uid]


def test_a_disk_without_room_is_told_before_it_is_written(tmp_path):
    make_room(tmp_path, 1000, 50, set())
    with pytest.raises(TrainingError, match="Free some space, or choose a smaller image size"):
        make_room(tmp_path, 2**60, 2**40, set())


def test_a_full_disk_while_it_is_written_is_told_and_leaves_what_was_there(tmp_path, monkeypatch):
    import errno

    from XRayAILib.learning import rows

    with make_project(tmp_path, patients=4) as project:
        append = rows._Writer.append

        def full(writer, key, data, more):
            if writer._rows == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            return append(writer, key, data, more)

        monkeypatch.setattr(rows, "TOGETHER", 1)
        monkeypatch.setattr(rows._Writer, "append", full)
        with pytest.raises(TrainingError, match="No space left on device"):
            built(project)
        monkeypatch.setattr(rows._Writer, "append", append)
        watched = Watched(project)
        assert len(built(watched)[0].rows) == 4 and watched.reads == 2


def test_the_oldest_go_where_the_limit_is_reached_and_what_is_read_stays(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        place = place_of(project)
        for labels in (["heart"], ["left_lung"], ["right_lung"]):
            built(project, tiny(labels=labels))[0].close()
        reading, _ = built(project, tiny(labels=["heart"]))
        there = segments(place)
        # The lungs are the oldest, the left one first; room for one more of them is asked for.
        make_room(place, there[0].bytes, sum(segment.bytes for segment in there) / GIB, set())
        assert segments(place) == there[1:]
        size = sum(segment.bytes for segment in there)
        with pytest.raises(TrainingError, match="its limit is"):
            make_room(place, size, size / GIB, set())
        assert reading.images[0].any()


def test_a_limit_that_is_too_small_is_told(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        set_cache_limit(1e-5, project)
        with pytest.raises(TrainingError, match="xrayai cache limit"):
            built(project)
        set_cache_limit(1, project)
        assert len(built(project)[0].rows) == 3 and cache_limit(project) == 1
        (project.folder / "learning.yaml").write_text("cache_gib: much\n", "utf-8")
        with pytest.raises(TrainingError, match="'much' is no number of GiB"):
            cache_limit(project)


def test_the_limit_of_a_person_counts_where_the_project_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYAI_CONFIG", str(tmp_path / "config"))
    with make_project(tmp_path, patients=1) as project:
        assert cache_limit(project) == 50
        set_cache_limit(7)
        assert cache_limit(project) == 7


def test_it_is_shown_and_cleared(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        reading, _ = built(project)
        images, targets = sorted(stores(project), key=lambda store: store.about)
        assert images.about == "images, 64 pixels" and targets.about.startswith("segmentation, 64: ")
        assert images.rows == targets.rows == 3 and images.bytes > 3 * 64 * 64 * 2 and images.in_use
        assert clear(project) == (0, images.bytes + targets.bytes)
        reading.close()
        old = place_of(project) / "of-an-earlier-version"
        old.mkdir()
        (old / "index.json").write_text(json.dumps({}), "utf-8")
        assert clear(project) == (images.bytes + targets.bytes, 0) and not stores(project) and not old.exists()


def test_one_who_was_killed_holds_nothing(tmp_path):
    living = Holding(tmp_path)
    living.add(["store/a"])
    dead = tmp_path / "in-use" / "dead.lock"
    dead.touch()
    dead.with_suffix(".json").write_text('["store/b"]', "utf-8")
    assert held(tmp_path) == {"store/a"} and not dead.exists()
    living.close()
    assert not held(tmp_path) and not list((tmp_path / "in-use").iterdir())


def test_another_process_maps_the_same_rows(tmp_path):
    with make_project(tmp_path, patients=3) as project:
        cache, _ = built(project)
        make, files = cache.images.__reduce__()
        assert len(str(files)) < 2000 and np.array_equal(make(*files)[:], cache.images[:])
