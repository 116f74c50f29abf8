"""A line over a radiograph whose length carries what its unit is worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Quantity, Spacing
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import PREFIX
from XRayAILib.scene.volume import ras_to_pixels

LINE = "vtkMRMLMarkupsLineNode"
_RULER = PREFIX + "ruler"
_COLOR = (1.0, 0.85, 0.2)


def place_ruler(host: Host) -> Any:
    """Let the next two clicks set the ends of a line; the line that was there goes.

    Slicer would write its length in millimetres, known or not. So its measurement is switched off, and its name says
    the length: see :func:`name_ruler`.

    Returns
    -------
    vtkMRMLMarkupsLineNode
    """
    remove_ruler(host)
    line = host.scene.AddNewNodeByClass(LINE, "length")
    line.SetAttribute(_RULER, "1")
    line.SetSaveWithScene(False)
    line.GetMeasurement("length").SetEnabled(False)
    line.CreateDefaultDisplayNodes()
    display = line.GetDisplayNode()
    display.SetPropertiesLabelVisibility(True)
    display.SetPointLabelsVisibility(False)
    display.SetColor(*_COLOR)
    display.SetSelectedColor(*_COLOR)
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(1.5)
    display.SetTextScale(2.6)
    host.markups_logic.SetActiveList(line)
    interaction = host.application_logic.GetInteractionNode()
    interaction.SetPlaceModePersistence(False)
    interaction.SetCurrentInteractionMode(interaction.Place)
    return line


def find_ruler(host: Host) -> Any:
    """The line; ``None`` where there is none."""
    for index in range(host.scene.GetNumberOfNodesByClass(LINE)):
        line = host.scene.GetNthNodeByClass(index, LINE)
        if line.GetAttribute(_RULER):
            return line
    return None


def remove_ruler(host: Host) -> None:
    """Take the line away, and stop placing it."""
    line = find_ruler(host)
    if line is None:
        return
    interaction = host.application_logic.GetInteractionNode()
    if interaction.GetCurrentInteractionMode() == interaction.Place:
        interaction.SwitchToViewTransformMode()
    host.scene.RemoveNode(line)


def ruler_ends(line: Any, volume_node: Any) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The ends (x, y) in pixels of the radiograph, centres at integers; ``None`` until both are set."""
    if line.GetNumberOfDefinedControlPoints() < 2:
        return None
    positions = [line.GetNthControlPointPositionWorld(index) for index in range(2)]
    start, end = ras_to_pixels(volume_node, np.array(positions))
    return (float(start[0]), float(start[1])), (float(end[0]), float(end[1]))


def name_ruler(line: Any, volume_node: Any, spacing: Spacing) -> Quantity | None:
    """Write the length beside the line, with what its unit is worth; ``None`` until both ends are set."""
    ends = ruler_ends(line, volume_node)
    if ends is None:
        return None
    length = spacing.length(*ends)
    if line.GetName() != str(length):
        line.SetName(str(length))
    return length
