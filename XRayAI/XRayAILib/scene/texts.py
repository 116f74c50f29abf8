"""What is written behind the name of an object, in place of Slicer's own measurements."""

from __future__ import annotations

from typing import Any

_VALUE = "X-Ray AI"


def write_value(node: Any, text: str) -> None:
    """Write a value with its unit behind the name of a node; empty for the name alone."""
    import slicer

    measurement = node.GetMeasurement(_VALUE)
    if measurement is None:
        if not text:
            return
        measurement = slicer.vtkMRMLStaticMeasurement()
        measurement.SetName(_VALUE)
        # It is shown once it has a value; ours is the text alone.
        measurement.SetValue(0.0)
        node.AddMeasurement(measurement)
    # A format without a place for the number: Slicer prints it as it is.
    measurement.SetPrintFormat(text.replace("%", "%%"))
    measurement.SetEnabled(bool(text))
