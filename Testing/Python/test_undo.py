"""Undo and redo over everything that is drawn and said of an image."""

from __future__ import annotations

import numpy as np
import pytest

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask
from XRayAILib.workflow import undo as history
from XRayAILib.workflow.undo import Change, Undo

ANNA = Author.person("anna")
SHAPE = (40, 50)


def findings(*objects, uid: str = "1.2.3") -> Findings:
    return Findings(uid, SHAPE, ANNA, objects)


def box(x: float = 10, label: str = "nodule") -> Box:
    return Box(label=label, author=ANNA, x0=x, y0=5, x1=x + 10, y1=20)


def mask(rows: int) -> Mask:
    pixels = np.zeros(SHAPE, bool)
    pixels[5 : 5 + rows, 10:20] = True
    return Mask.from_array(pixels, label="heart", author=ANNA)


def test_steps_back_and_forth_over_every_kind_of_object():
    start, drawn, said = findings(), findings(mask(4)), ImageLabel(label="view", author=ANNA, value="PA")
    point = Landmark(label="carina", author=ANNA, x=3, y=4)
    states = [drawn, drawn.with_objects([point]), drawn.with_objects([point, said]), findings(point, said)]
    undo = Undo(start)
    assert not undo.can_go_back and not undo.can_go_forth
    assert all(undo.note(state) for state in states)
    assert [undo.back() for _ in states] == [*reversed(states[:-1]), start] and not undo.can_go_back
    assert undo.back() == start
    assert [undo.forth() for _ in states] == states and not undo.can_go_forth


def test_what_is_no_change_is_no_step():
    here = box()
    undo = Undo(findings(here))
    assert not undo.note(findings(here.changed(x0=here.x0 + 1e-7)))
    assert undo.last is None and undo.present.objects == (here,)


def test_drawing_after_an_undo_forgets_what_was_undone():
    first, second, third = box(1), box(11), box(21)
    undo = Undo(findings())
    undo.note(findings(first))
    undo.note(findings(first, second))
    undo.back()
    undo.note(findings(first, third))
    assert not undo.can_go_forth and undo.back() == findings(first)


def test_it_says_what_the_next_step_would_do():
    here = box()
    undo = Undo(findings())
    undo.note(findings(here))
    assert undo.last == Change("add", "nodule") and undo.next is None
    undo.note(findings(here.changed(label="opacity")))
    assert undo.last == Change("relabel", "opacity")
    undo.note(findings(here.changed(label="opacity", attributes=(("side", "left"),))))
    assert undo.last == Change("change", "opacity")
    undo.note(findings(box(1), box(20)))
    assert undo.last == Change("several", count=3)
    undo.back()
    undo.note(findings())
    assert undo.last == Change("delete", "opacity")


def test_pixels_that_did_not_change_are_kept_once():
    heart = mask(4)
    undo = Undo(findings(heart))
    undo.note(findings(heart.changed(crop=heart.crop.copy()), box()))
    assert undo.present.objects[0] is heart


def test_the_oldest_steps_are_forgotten_first(monkeypatch):
    monkeypatch.setattr(history, "MOST_STEPS", 3)
    undo = Undo(findings())
    states = [findings(box(x)) for x in range(6)]
    for state in states:
        undo.note(state)
    while undo.can_go_back:
        undo.back()
    assert undo.present == states[2]


def test_each_image_has_its_own_history():
    with pytest.raises(ValueError, match="This is the history of"):
        Undo(findings()).note(findings(uid="4.5.6"))
