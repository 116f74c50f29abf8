"""Help with drawing in the annotation panel, by clicks in the image and in the panel."""

import numpy as np

from annotate_clicks import ANNA, click_label, errors
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, Mask, Polygon
from XRayAILib.pixels.fill import fill_polygon

pytest_plugins = ["annotate_desk"]


def truth(panel, phantoms):
    uid = panel.sitting.session.image.uid
    return next(phantom.findings for phantom in phantoms if phantom.uid == uid)


def dice(one, other):
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def part_with(panel, widget):
    """The widgets of the part that has this one."""
    return next(part.own for part in panel.parts if hasattr(part.own, widget))


def draw(panel, *objects):
    """What is drawn becomes these objects."""
    image = panel.sitting.session.image.header
    panel.sitting.drawn.replace(Findings(image.uid, (image.rows, image.columns), ANNA, objects))
    panel.showState()


def rim(mask: Mask, count: int) -> list[tuple[float, float]]:
    """So many places on the outline of a mask, clockwise."""
    from XRayAILib.pixels.trace import outlines

    ring = max(outlines(mask.array()), key=len)
    return [tuple(ring[index]) for index in np.linspace(0, len(ring), count, endpoint=False).astype(int)]


def test_a_polygon_follows_the_edges_between_its_clicks(panel, mouse, phantoms) -> None:
    (heart,) = truth(panel, phantoms).of(Mask, "heart")
    clicks = rim(heart, 6)
    part_with(panel, "followEdgesCheckBox").followEdgesCheckBox.checked = True
    click_label(panel, "Opacity")
    panel.onTick()
    mouse.click(*clicks[:-1])
    models = panel.sitting.canvas.host.scene.GetNumberOfNodesByClass
    before = models("vtkMRMLModelNode")
    mouse.move(*clicks[-1])  # the side to the mouse is shown before it is clicked
    mouse.double_click(*clicks[-1])
    panel.onStop()
    panel.onTick()
    assert models("vtkMRMLModelNode") == before - 1
    (polygon,) = panel.sitting.session.save().of(Polygon)
    assert len(polygon.points) > len(clicks)
    near = np.array(polygon.points)
    for click in clicks:  # to the pixel of the screen
        assert np.hypot(*(near - click).T).min() < 1.0
    assert dice(fill_polygon(near, heart.shape), heart.array()) > 0.8


def test_the_last_side_of_a_polygon_that_is_left_follows_its_edge_once(panel, mouse) -> None:
    part_with(panel, "followEdgesCheckBox").followEdgesCheckBox.checked = True
    click_label(panel, "Opacity")
    panel.onTick()
    mouse.click((60, 90), (110, 95), (115, 140))
    click_label(panel, "Nodule")  # no double click: another tool is taken
    panel.onTick()
    (polygon,) = panel.sitting.session.save().of(Polygon)
    away = np.hypot(*(np.array(polygon.points) - (115, 140)).T)
    last_side = polygon.points[int(np.argmin(away)) + 1 :]
    assert len(last_side) == len(set(last_side)) > 1


def test_a_click_lets_a_mask_grow_and_the_slider_grows_it_again(panel, mouse, phantoms) -> None:
    (lung,) = truth(panel, phantoms).of(Mask, "right_lung")
    row, column = (int(np.median(value)) for value in np.nonzero(lung.array()))
    own = part_with(panel, "growButton")
    click_label(panel, "Right lung")
    own.growButton.click()
    assert own.growButton.checked
    mouse.click((column, row))
    panel.onTick()
    assert not own.growButton.checked
    (small,) = panel.sitting.session.save().of(Mask, "right_lung")
    assert small.array()[row, column]
    own.toleranceSlider.value = 15  # too much: the mask is grown again from the same click
    (large,) = panel.sitting.session.save().of(Mask, "right_lung")
    assert large.area > small.area
    panel.sitting.drawn.back()
    assert not panel.sitting.session.save().of(Mask, "right_lung")  # one growth is one step


def test_growing_wants_a_label_of_an_area(panel, desktop) -> None:
    own = part_with(panel, "growButton")
    own.growButton.click()
    assert "Choose a label for a mask or a polygon first." in errors(desktop)[-1]
    assert not own.growButton.checked


def test_a_box_snaps_and_says_where_it_cannot(panel, desktop) -> None:
    own = part_with(panel, "snapButton")
    rows, columns = panel.sitting.session.radiograph.display().shape
    draw(panel, Box(label="nodule", author=ANNA, x0=2, y0=2, x1=columns - 2, y1=rows - 2))
    own.snapButton.click()
    said = errors(desktop)
    (box,) = panel.sitting.session.save().of(Box)
    moved = (box.x0, box.y0) != (2, 2)
    assert moved != any("stands out clearly" in message for message in said)


def test_what_is_drawn_on_one_side_is_mirrored(panel, phantoms) -> None:
    (right,) = truth(panel, phantoms).of(Mask, "right_lung")
    (left,) = truth(panel, phantoms).of(Mask, "left_lung")
    own = part_with(panel, "mirrorButton")
    draw(panel, right.derived(ANNA))
    own.mirrorButton.click()
    (made,) = panel.sitting.session.save().of(Mask, "left_lung")
    assert made.author == ANNA
    assert dice(made.array(), left.array()) > 0.6
    panel.sitting.drawn.back()
    assert not panel.sitting.session.save().of(Mask, "left_lung")


def test_the_prediction_is_taken_over_and_what_is_missing_is_told(panel, desktop) -> None:
    own = part_with(panel, "modelButton")
    own.modelButton.click()
    (heart,) = panel.sitting.session.save().of(Mask, "heart")
    assert heart.author == ANNA and heart.derived_from
    assert "look at each" in own.predictLabel.text
    own.modelButton.click()
    assert "not on the image already" in errors(desktop)[-1]
    own.priorButton.click()
    assert "no earlier image" in errors(desktop)[-1]
