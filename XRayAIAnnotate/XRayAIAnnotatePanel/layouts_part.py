"""What is shown of the image and beside it: alone, with the prior, with other readers, with what all of them say."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.part import Part
from XRayAIPanel.ink import ink
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.part import AnnotatePanel
    from XRayAIAnnotatePanel.sitting import Sitting
    from XRayAILib.scene.linked_views import LinkedViews, LinkedWindows
    from XRayAILib.workflow.side_by_side import Arrangement, SideBySide

CONSENSUS = "Consensus"
"""Name of its layer, as it stands in the Data module."""
OF_PRIOR = "Findings of the prior"
"""The same of what is said of the prior."""
_HINT = "#1976d2"


class LayoutsPart(Part):
    """A row in the case bar.

    What a person chose holds for the next images as well; where one has nothing to show beside it, it is shown alone
    and the reason is told.
    """

    def __init__(self, panel: AnnotatePanel) -> None:
        from XRayAILib.workflow.side_by_side import Arrangement

        super().__init__(panel)
        own = self.load("Layouts", self.ui.caseFrame)
        self._wanted = Arrangement.SINGLE
        self._shown = Arrangement.SINGLE
        self._beside: SideBySide | None = None
        self._root: Any = None
        self._left = False
        self._layers: dict[str, str] = {}
        self._labels: list[tuple[Any, str]] = []
        self._link: LinkedViews | None = None
        self._windows: LinkedWindows | None = None
        texts = {
            Arrangement.SINGLE: _("The image alone"),
            Arrangement.PRIOR: _("Beside the prior"),
            Arrangement.READERS: _("Readers side by side"),
            Arrangement.CONSENSUS: _("Consensus over the image"),
        }
        for arrangement, text in texts.items():
            own.arrangementComboBox.addItem(text, arrangement.value)
        own.priorComboBox.visible = own.linkCheckBox.visible = own.arrangementMessageLabel.visible = False
        # Not "activated": in Qt 5 there are two signals of that name.
        own.arrangementComboBox.textActivated.connect(self.on_arrangement)
        own.priorComboBox.textActivated.connect(self.on_prior)
        own.linkCheckBox.clicked.connect(self.on_linked)

    def keys(self) -> dict[str, Callable[[], None]]:
        from XRayAILib.workflow.side_by_side import Arrangement

        return {f"Alt+{n}": self._chooser(arrangement) for n, arrangement in enumerate(Arrangement, 1)}

    def key_texts(self) -> dict[str, str]:
        box = self.own.arrangementComboBox
        return {f"Alt+{n + 1}": box.itemText(n) for n in range(box.count)}

    def show(self) -> None:
        sitting = self.sitting
        root = sitting.nodes.root if sitting is not None and sitting.nodes is not None else None
        self.own.Layouts.enabled = root is not None
        if root is self._root or self._left:
            return
        self._root = root
        self._take_down()
        self._beside = None
        if sitting is not None and root is not None:
            self._ask(sitting)
            self._arrange(sitting)

    def tick(self) -> None:
        from XRayAILib.scene import arrangement
        from XRayAILib.scene.host import SLICE_VIEW
        from XRayAILib.workflow.side_by_side import Arrangement

        sitting = self.sitting
        beside = (Arrangement.READERS, Arrangement.PRIOR)
        if self._shown in beside and sitting is not None and sitting.nodes is not None:
            # What was drawn since belongs to the reader's own view only, too.
            arrangement.restrict(sitting.canvas.host, sitting.nodes, SLICE_VIEW)

    def enter(self) -> None:
        self._left = False
        self.show()

    def leave(self) -> None:
        # What is shown from now on belongs to the next module.
        self._left = True
        self._take_down()
        self._root = None

    # What a person does ---------------------------------------------------------------------------------------------

    def on_arrangement(self, _text: str) -> None:
        from XRayAILib.workflow.side_by_side import Arrangement

        self._choose(Arrangement(self.own.arrangementComboBox.currentData))

    def on_prior(self, _text: str) -> None:
        self._choose(self._wanted)

    def on_linked(self, checked: bool) -> None:
        self._unlink()
        if checked:
            self._link_up()

    # Within ---------------------------------------------------------------------------------------------------------

    def _chooser(self, arrangement: Arrangement) -> Callable[[], None]:
        return lambda: self._choose(arrangement)

    def _choose(self, arrangement: Arrangement) -> None:
        sitting, self._wanted = self.sitting, arrangement
        if sitting is not None:
            self._take_down()
            # Others may have saved something since the image was opened.
            self._ask(sitting, keep_prior=True)
            self._arrange(sitting)

    def _ask(self, sitting: Sitting, keep_prior: bool = False) -> None:
        from XRayAILib.workflow.blinding import case_name
        from XRayAILib.workflow.side_by_side import SideBySide

        session, box = sitting.session, self.own.priorComboBox
        image = session.image.uid
        self._beside = SideBySide.of(session.project, session.reader, image)
        index = box.currentIndex if keep_prior else 0
        box.clear()
        is_blinded = bool(case_name(session.project, session.reader, image))
        for number, prior in enumerate(self._beside.priors, 1):
            words = (prior.header.study_date, prior.header.modality, prior.header.view)
            blinded = _("Earlier image {number}").format(number=number)
            box.addItem(blinded if is_blinded else " ".join(word for word in words if word), prior.uid)
        box.setCurrentIndex(min(max(index, 0), box.count - 1))

    def _arrange(self, sitting: Sitting) -> None:
        from XRayAILib.workflow.side_by_side import Arrangement

        assert self._beside is not None
        wanted, why_not = self._wanted, self._beside.why_not(self._wanted)
        show = {
            Arrangement.PRIOR: self._show_prior,
            Arrangement.READERS: self._show_readers,
            Arrangement.CONSENSUS: self._show_consensus,
        }
        message, is_there = why_not, True
        if wanted in show and not why_not:
            self._shown, is_there = wanted, False
            with telling(_("This cannot be shown beside the image."), waitCursor=True):
                message = show[wanted](sitting)
                is_there = True
        if not is_there:
            self._take_down()  # the half of it that came about
        own = self.own
        own.arrangementComboBox.setCurrentIndex(own.arrangementComboBox.findData(wanted.value))
        own.priorComboBox.visible = self._shown is Arrangement.PRIOR and own.priorComboBox.count > 1
        own.linkCheckBox.visible = self._shown in (Arrangement.PRIOR, Arrangement.READERS)
        lines = "<br>".join(escape(line) for line in message.splitlines())
        own.arrangementMessageLabel.text = f'<span style="color:{ink(_HINT)}">{lines}</span>'
        own.arrangementMessageLabel.visible = bool(message)
        if self._shown is not Arrangement.SINGLE:
            # The views get their sizes in the event loop, and are fitted to their images first.
            qt.QTimer.singleShot(0, self._link_up)

    def _show_prior(self, sitting: Sitting) -> str:
        from XRayAILib.scene import arrangement, layers
        from XRayAILib.workflow.side_by_side import said_of_prior

        assert sitting.nodes is not None
        session, uid, viewer = sitting.session, self.own.priorComboBox.currentData, self.panel.desk.viewer
        viewer.show_prior(session.project.radiograph(uid))
        canvas = sitting.canvas
        # Two radiographs have no place in common: what is drawn on one must not lie on the other, nor be drawn there.
        arrangement.restrict(canvas.host, sitting.nodes, arrangement.VIEWS[0])
        text = _("On the right: {prior}").format(prior=self.own.priorComboBox.currentText)
        findings = said_of_prior(session.project, session.reader, uid)
        if findings is None:
            return text
        with canvas.quietly():
            nodes = layers.show_findings(
                canvas.host, viewer.prior_node, findings, canvas.schema, OF_PRIOR, editable=False
            )
            arrangement.restrict(canvas.host, nodes, arrangement.VIEWS[1])
        return text + "\n" + _("with what {reader} said of it").format(reader=findings.author.name)

    def _show_readers(self, sitting: Sitting) -> str:
        from XRayAILib.scene import arrangement, layers

        assert self._beside is not None and sitting.nodes is not None
        canvas, host = sitting.canvas, sitting.canvas.host
        others = self._beside.others[: len(arrangement.VIEWS) - 1]
        self.panel.desk.viewer.set_layout(arrangement.row_of_views(host, 1 + len(others)))
        for view, findings in zip(arrangement.VIEWS[1:], others, strict=False):
            node = arrangement.put_into_view(host, view, canvas.volume_node).GetSliceNode()
            name = _("Reading of {reader}").format(reader=findings.author.name)
            canvas.show_over(findings, canvas.schema, name)
            self._layers[view] = name
            arrangement.restrict(host, layers.find_layer(host, canvas.volume_node, name), view)
            self._labels.append((node, node.GetLayoutLabel()))
            node.SetLayoutLabel(findings.author.name)
        self._labels.append((host.slice_node, host.slice_node.GetLayoutLabel()))
        host.slice_node.SetLayoutLabel(sitting.session.reader.name)
        arrangement.restrict(host, sitting.nodes, arrangement.VIEWS[0])
        names = ", ".join(findings.author.name for findings in others)
        return _("From left to right: you, {names}").format(names=names)

    def _show_consensus(self, sitting: Sitting) -> str:
        from XRayAILib.scene import layers

        assert self._beside is not None
        agreed, canvas = self._beside.agreed(sitting.session.project), sitting.canvas
        canvas.show_over(agreed.findings, canvas.schema, CONSENSUS)
        self._layers[CONSENSUS] = CONSENSUS
        nodes = layers.find_layer(canvas.host, canvas.volume_node, CONSENSUS)
        # An outline only: it lies over what the reader draws.
        layers.set_opacity(nodes, 0.0)
        count = len(self._beside.others) + (self._beside.own is not None)
        said = _("Consensus of {count} readers, as they were saved last.").format(count=count)
        return "\n".join((said, *agreed.notes))

    def _link_up(self) -> None:
        from XRayAILib.scene import arrangement
        from XRayAILib.scene.linked_views import LinkedViews, LinkedWindows, View
        from XRayAILib.workflow.side_by_side import Arrangement

        sitting = self.sitting
        if sitting is None or self._link is not None:
            return
        host = sitting.canvas.host
        if self._shown is Arrangement.READERS:
            names: tuple[str, ...] = (arrangement.VIEWS[0], *self._layers)
        elif self._shown is Arrangement.PRIOR:
            names = arrangement.VIEWS[:2]
        else:
            return
        logics = [arrangement.view_logic(host, name) for name in names]
        if not self.own.linkCheckBox.checked:
            for logic in logics[1:]:
                logic.FitSliceToBackground()
            return
        views = [View(logic.GetSliceNode(), logic.GetBackgroundLayer().GetVolumeNode()) for logic in logics]
        self._link = LinkedViews(views)
        self._link.follow()
        if self._shown is Arrangement.PRIOR:
            self._windows = LinkedWindows([view.volume_node for view in views])

    def _unlink(self) -> None:
        for link in (self._link, self._windows):
            if link is not None:
                link.stop()
        self._link = self._windows = None

    def _take_down(self) -> None:
        from XRayAILib.scene import arrangement
        from XRayAILib.workflow.side_by_side import Arrangement

        shown, self._shown = self._shown, Arrangement.SINGLE
        if shown is Arrangement.SINGLE:
            return
        self._unlink()
        viewer = self.panel.desk.viewer
        for node, label in self._labels:
            node.SetLayoutLabel(label)
        for name in self._layers.values():
            _remove_layer(viewer.host, viewer.volume_node, name)
        _remove_layer(viewer.host, viewer.prior_node, OF_PRIOR)
        self._labels, self._layers = [], {}
        sitting = self.panel.sitting
        if sitting is not None and sitting.nodes is not None:
            arrangement.release(sitting.nodes)
        # Of a prior or of the readers: one view again.
        viewer.hide_prior()


def _remove_layer(host: Any, volume_node: Any, name: str) -> None:
    from XRayAILib.scene import layers

    nodes = layers.find_layer(host, volume_node, name) if volume_node is not None else None
    if nodes is not None:
        layers.remove(host, nodes)
