"""Views beside the image: the prior, other readers, their consensus; and Slicer as it was before, afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotate_clicks import ANNOTATE, click_label, errors
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box
from XRayAILib.project.project import Project

pytest_plugins = ["annotate_desk"]

BEN, CARA = Author.person("ben"), Author.person("cara")
SINGLE, PRIOR, READERS, CONSENSUS = range(4)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """Two radiographs of one patient, one after the other, and one of somebody else."""
    from XRayAILib.phantom.collection import make_phantoms

    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 4, seed=3, size=(128, 112))


@pytest.fixture
def project_folder(project_folder):
    """Ben and Cara have each marked a nodule on every image."""
    with Project.open(project_folder) as project:
        for image in project.images():
            shape = (image.header.rows, image.header.columns)
            for reader, x in ((BEN, 20), (CARA, 22)):
                box = Box(label="nodule", author=reader, x0=x, y0=30, x1=x + 30, y1=60)
                project.save(Findings(image.uid, shape, reader, (box,)))
    return project_folder


@pytest.fixture
def views(desktop):
    """The other slice views, which the double's layouts do not make."""
    import slicer

    host, logics = desktop.host, {}
    for name in ("Yellow", "Green", "Slice4"):
        _forget(host, name)
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(host.application_logic)
        host.application_logic.GetSliceLogics().AddItem(logic)
        logic.SetMRMLScene(host.scene)
        logic.AddSliceNode(name)
        logic.ResizeSliceNode(400, 400)
        logics[name] = logic
    yield logics
    for name, logic in logics.items():
        host.application_logic.GetSliceLogics().RemoveItem(logic)
        logic.SetMRMLScene(None)
        _forget(host, name)


def _forget(host, name: str) -> None:
    """Closing a scene leaves the nodes of views in it; a view made anew would not find its own then."""
    for kind in ("vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode"):
        node = host.scene.GetSingletonNode(name, kind)
        if node is not None:
            host.scene.RemoveNode(node)


@pytest.fixture
def desk_panel(views, panel):
    """The panel, with views for every layout."""
    return panel


def arrange(desktop, panel, arrangement: int) -> None:
    box = layouts(panel).own.arrangementComboBox
    box.setCurrentIndex(arrangement)
    box.textActivated.emit(box.currentText)
    desktop.process_events()


def layouts(panel):
    return next(part for part in panel.parts if type(part).__name__ == "LayoutsPart")


def message(panel) -> str:
    label = layouts(panel).own.arrangementMessageLabel
    return "" if label.isHidden() else label.text


def open_with_prior(panel):
    """Show an image that has an earlier one."""
    project = panel.sitting.session.project
    uid = next(image.uid for image in project.images() if project.priors(image.uid))
    panel.step(lambda session: session.open(uid))
    return project.priors(uid)[0]


def volume_in(desktop, logic):
    return desktop.host.scene.GetNodeByID(logic.GetSliceCompositeNode().GetBackgroundVolumeID())


def looked_at(node, volume) -> np.ndarray:
    """What lies in the middle of a view, in millimetres from the middle of the image."""
    from XRayAILib.scene.volume import image_shape, ras_to_pixels

    columns, rows, _ = node.GetDimensions()
    ras = node.GetXYToRAS().MultiplyPoint((columns / 2, rows / 2, 0.0, 1.0))[:3]
    height, width = image_shape(volume)
    return (ras_to_pixels(volume, np.array([ras]))[0] - ((width - 1) / 2, (height - 1) / 2)) * volume.GetSpacing()[:2]


def test_the_prior_follows_zoom_place_and_window(slicer_with_modules, desk_panel, views):
    prior = open_with_prior(desk_panel)
    arrange(slicer_with_modules, desk_panel, PRIOR)
    host, yellow = slicer_with_modules.host, views["Yellow"]
    shown, current = volume_in(slicer_with_modules, yellow), desk_panel.desk.viewer.volume_node
    assert shown.GetAttribute("XRayAI.uid") == prior.uid
    red = host.slice_node
    wide, high, deep = red.GetFieldOfView()
    red.SetFieldOfView(wide / 2, high / 2, deep)
    x, y, z = red.GetXYZOrigin()
    red.SetXYZOrigin(x + wide / 8, y - high / 16, z)
    other = yellow.GetSliceNode()
    assert np.allclose(looked_at(red, current), looked_at(other, shown), atol=1e-3)
    pixel = [node.GetFieldOfView()[0] / node.GetDimensions()[0] for node in (red, other)]
    assert pixel[0] == pytest.approx(pixel[1])
    # And the other way round.
    other.SetXYZOrigin(0.0, 0.0, 0.0)
    assert np.allclose(looked_at(red, current), looked_at(other, shown), atol=1e-3)
    before, width = shown.GetDisplayNode().GetWindow(), current.GetDisplayNode().GetWindow()
    current.GetDisplayNode().SetWindow(width / 2)
    assert shown.GetDisplayNode().GetWindow() == pytest.approx(before / 2)


def test_what_is_drawn_lies_over_its_own_image_only(slicer_with_modules, desk_panel, views, mouse):
    from XRayAILib.scene import layers

    prior = open_with_prior(desk_panel)
    host, red = slicer_with_modules.host, slicer_with_modules.host.slice_node
    arrange(slicer_with_modules, desk_panel, PRIOR)
    click_label(desk_panel, "Nodule")
    mouse.click((60, 40), (90, 80))
    desk_panel.onTick()
    drawn, (own,) = desk_panel.sitting.nodes, desk_panel.sitting.drawn.findings.of(Box)
    assert all(shown_in(node) == (red.GetID(),) for node in drawn.nodes)
    volume = volume_in(slicer_with_modules, views["Yellow"])
    of_prior = layers.find_layer(host, volume, "Findings of the prior")
    yellow = views["Yellow"].GetSliceNode().GetID()
    assert of_prior.shapes and all(shown_in(node) == (yellow,) for node in of_prior.nodes)
    assert "with what" in message(desk_panel)
    # Paint goes through the plane of the view it is put on in, and no plane holds both images.
    offsets = [node.GetSliceOffset() for node in (red, views["Yellow"].GetSliceNode())]
    assert abs(offsets[0] - offsets[1]) > 50
    # It is the prior's, and nothing of it gets into what is said of this image.
    project = desk_panel.sitting.session.project
    (nodule,) = layers.read_findings(host, of_prior, project.schema).of(Box)
    assert nodule.id in {box.id for track in project.tracks(prior.uid) for box in track.of(Box)}
    assert [box.id for box in desk_panel.sitting.session.drawn().of(Box)] == [own.id]
    arrange(slicer_with_modules, desk_panel, SINGLE)
    assert all(shown_in(node) == () for node in desk_panel.sitting.nodes.nodes)
    assert layers.layers(host, volume) == []


def shown_in(node) -> tuple[str, ...]:
    return tuple(node.GetDisplayNode().GetViewNodeIDs())


def test_a_view_that_was_made_large_by_a_double_click_does_not_hide_the_prior(slicer_with_modules, desk_panel, views):
    open_with_prior(desk_panel)
    layout = slicer_with_modules.host.layout_node
    layout.AddMaximizedViewNode(slicer_with_modules.host.slice_node)
    assert layout.GetNumberOfMaximizedViewNodes() == 1
    arrange(slicer_with_modules, desk_panel, PRIOR)
    assert layout.GetNumberOfMaximizedViewNodes() == 0


def test_what_cannot_be_shown_beside_the_image_is_told_once_and_leaves_nothing(slicer_with_modules, desk_panel, views):
    prior = open_with_prior(desk_panel)
    path = Path(prior.header.path)
    path.rename(path.with_suffix(".away"))
    try:
        arrange(slicer_with_modules, desk_panel, PRIOR)
    finally:
        path.with_suffix(".away").rename(path)
    assert len(errors(slicer_with_modules)) == 1
    layout = slicer_with_modules.host.layout_node
    assert layout.GetViewArrangement() == layout.SlicerLayoutOneUpRedSliceView
    arrange(slicer_with_modules, desk_panel, PRIOR)
    assert layout.GetViewArrangement() == layout.SlicerLayoutSideBySideView


def test_unlinked_views_move_for_themselves(slicer_with_modules, desk_panel, views):
    open_with_prior(desk_panel)
    arrange(slicer_with_modules, desk_panel, PRIOR)
    own = layouts(desk_panel).own
    assert own.linkCheckBox.checked and not own.linkCheckBox.isHidden()
    own.linkCheckBox.click()
    before = views["Yellow"].GetSliceNode().GetFieldOfView()
    wide, high, deep = slicer_with_modules.host.slice_node.GetFieldOfView()
    slicer_with_modules.host.slice_node.SetFieldOfView(wide / 3, high / 3, deep)
    assert views["Yellow"].GetSliceNode().GetFieldOfView() == before


def test_an_image_without_a_prior_is_shown_alone_and_the_wish_holds(slicer_with_modules, desk_panel, views):
    project = desk_panel.sitting.session.project
    alone = next(image.uid for image in project.images() if not project.priors(image.uid))
    open_with_prior(desk_panel)
    arrange(slicer_with_modules, desk_panel, PRIOR)
    desk_panel.step(lambda session: session.open(alone))
    slicer_with_modules.process_events()
    assert "no earlier image" in message(desk_panel)
    layout, kinds = slicer_with_modules.host.layout_node, slicer_layouts()
    assert layout.GetViewArrangement() == kinds.SlicerLayoutOneUpRedSliceView
    open_with_prior(desk_panel)
    slicer_with_modules.process_events()
    assert layout.GetViewArrangement() == kinds.SlicerLayoutSideBySideView and "On the right" in message(desk_panel)


def slicer_layouts():
    import slicer

    return slicer.vtkMRMLLayoutNode


def test_readers_stand_beside_each_other_each_with_their_own_findings(slicer_with_modules, desk_panel, views, mouse):
    from XRayAILib.scene import layers

    click_label(desk_panel, "Nodule")
    mouse.click((60, 40), (90, 80))
    desk_panel.onTick()
    arrange(slicer_with_modules, desk_panel, READERS)
    host, volume = slicer_with_modules.host, desk_panel.desk.viewer.volume_node
    shown = {nodes.name: nodes for nodes in layers.layers(host, volume)}
    assert set(shown) == {"Annotation", "Reading of ben", "Reading of cara"}
    seen_in = {name: set(nodes.shapes[0].GetDisplayNode().GetViewNodeIDs()) for name, nodes in shown.items()}
    assert seen_in["Annotation"] == {host.slice_node.GetID()}
    others = {views[name].GetSliceNode().GetID() for name in ("Yellow", "Green")}
    assert seen_in["Reading of ben"] | seen_in["Reading of cara"] == others
    assert all(nodes.shapes[0].GetLocked() for name, nodes in shown.items() if name != "Annotation")
    assert volume_in(slicer_with_modules, views["Yellow"]) is volume
    arrange(slicer_with_modules, desk_panel, SINGLE)
    assert [nodes.name for nodes in layers.layers(host, volume)] == ["Annotation"]
    assert not shown["Annotation"].shapes[0].GetDisplayNode().GetViewNodeIDs()


def test_nothing_of_other_readers_is_saved_as_ones_own(slicer_with_modules, desk_panel, views):
    arrange(slicer_with_modules, desk_panel, READERS)
    assert desk_panel.sitting.session.save().objects == ()


def test_blinded_readers_see_nobody_else(slicer_with_modules, desk_panel, views):
    from XRayAILib.project.readers import Role

    project = desk_panel.sitting.session.project
    for name in ("anna", "ben", "cara"):
        project.readers.add(name, [Role.READER])
    for arrangement in (READERS, CONSENSUS):
        arrange(slicer_with_modules, desk_panel, arrangement)
        assert "you may see now" in message(desk_panel)
    from XRayAILib.scene import layers

    assert [nodes.name for nodes in layers.layers(slicer_with_modules.host)] == ["Annotation"]


def test_the_consensus_lies_over_the_image_as_an_outline(slicer_with_modules, desk_panel, views):
    from XRayAILib.scene import layers

    arrange(slicer_with_modules, desk_panel, CONSENSUS)
    host, volume = slicer_with_modules.host, desk_panel.desk.viewer.volume_node
    nodes = layers.find_layer(host, volume, "Consensus")
    (box,) = layers.read_findings(host, nodes, desk_panel.sitting.canvas.schema).of(Box, "nodule")
    assert (box.x0, box.x1) == pytest.approx((21, 51)) and "Consensus of 2 readers" in message(desk_panel)
    assert nodes.segmentation.GetDisplayNode().GetOpacity2DFill() == 0.0
    desk_panel.step(lambda session: session.next())
    slicer_with_modules.process_events()
    again = layers.find_layer(host, volume, "Consensus")
    found = layers.read_findings(host, again, desk_panel.sitting.canvas.schema)
    assert found.radiograph_uid == desk_panel.sitting.session.image.uid


def test_everything_is_as_before_when_the_panel_is_left(slicer_with_modules, desk_panel, views, desktop_host):
    kinds, host = slicer_layouts(), desktop_host
    desk_panel.parent.exit()
    host.layout_node.SetViewArrangement(kinds.SlicerLayoutFourUpView)
    red, yellow = host.slice_node, views["Yellow"].GetSliceNode()
    composite = views["Yellow"].GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(None)
    composite.SetLinkedControl(True)
    yellow.SetOrientation("Sagittal")
    red.SetLayoutLabel("R")
    yellow.SetLayoutLabel("Y")
    crosshair = host.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if crosshair is None:
        import slicer

        crosshair = host.scene.AddNode(slicer.vtkMRMLCrosshairNode())
    crosshair.SetCrosshairMode(crosshair.ShowBasic)
    desk_panel.parent.enter()
    for arrangement in (READERS, CONSENSUS, READERS):
        arrange(slicer_with_modules, desk_panel, arrangement)
    assert yellow.GetLayoutLabel() in ("ben", "cara") and crosshair.GetCrosshairMode() == crosshair.NoCrosshair
    desk_panel.parent.exit()
    slicer_with_modules.process_events()
    assert host.layout_node.GetViewArrangement() == kinds.SlicerLayoutFourUpView
    assert (red.GetLayoutLabel(), yellow.GetLayoutLabel()) == ("R", "Y")
    assert composite.GetBackgroundVolumeID() is None and composite.GetLinkedControl()
    assert yellow.GetOrientation() == "Sagittal" and crosshair.GetCrosshairMode() == crosshair.ShowBasic


def test_menus_of_slicer_have_their_keys_back_when_the_panel_is_left(slicer_with_modules, project_folder):
    """Two shortcuts on one key are obeyed neither: Slicer's Edit menu has Undo and Redo, too."""
    import qt
    import slicer

    from XRayAIPanel.last_project import LAST_PROJECT

    actions = []
    for key in ("Ctrl+Z", "Ctrl+Y", "Ctrl+O"):
        action = qt.QAction(slicer.util.mainWindow())
        action.setShortcut(qt.QKeySequence(key))
        actions.append(action)
    qt.QSettings().setValue(LAST_PROJECT, str(project_folder))
    panel = slicer_with_modules.open_module(ANNOTATE)
    assert [action.enabled for action in actions] == [False, False, True]
    panel.parent.exit()
    assert all(action.enabled for action in actions)
