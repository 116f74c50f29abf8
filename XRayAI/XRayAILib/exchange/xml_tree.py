"""Writing XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from XRayAILib.exchange.errors import ExportError


def child(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    """A new element at the end of another one."""
    element = ElementTree.SubElement(parent, tag, attributes)
    if text:
        element.text = text
    return element


def write_xml(root: ElementTree.Element, path: Path) -> None:
    """Write a file in UTF-8, indented for a person.

    Raises
    ------
    ExportError
        A text holds a character that XML 1.0 does not allow (2.2), such as a zero byte.
    """
    ElementTree.indent(root)
    data = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    try:
        ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ExportError(f"{path.name}: a label or an attribute has a character that XML does not know.") from error
    path.write_bytes(data + b"\n")
