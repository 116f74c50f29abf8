"""A scene as one .mrb file that opens in 3D Slicer as it looked."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from XRayAILib.scene import view
from XRayAILib.scene.host import Host

_SCREEN = (1200, 900)
"""Size of the view that a bundle is saved for. Slicer keeps the height that is shown; the width follows its window."""

_TIGHT = 64 << 20
"""Bytes: with less room than this, a bundle that could not be written lacked room."""


class BundleError(OSError):
    """A bundle that cannot be written or read, with the file and the reason."""


def save(host: Host, path: Path | str) -> Path:
    """Write the scene with all its data; the file appears whole or not at all.

    Off-screen the Red view is fitted to a window of 4 to 3, so that nothing of the radiograph lies outside when the
    bundle opens in one of that shape or wider; in the desktop the view is saved as it is.

    Parameters
    ----------
    path
        Ends in ``.mrb``. An existing file is replaced.

    Raises
    ------
    BundleError
        Where the folder cannot be written, the disk is full, or a node of the scene cannot be stored.
    """
    path = Path(path).resolve()
    if path.suffix.lower() != ".mrb":
        raise BundleError(f"{path}: a bundle of Slicer ends in .mrb.")
    thumbnail = _thumbnail(host)
    if host.offscreen:
        host.slice_logic.ResizeSliceNode(*_SCREEN)
        view.fit_to_image(host)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".mrb-", dir=path.parent))
    except OSError as error:
        raise BundleError(f"{path}: the folder cannot be written ({error.strerror or error}).") from error
    try:
        content = folder / path.stem.rstrip()
        _write_files(host, content, thumbnail)
        _zip(content, folder / path.name)
        (folder / path.name).replace(path)
    except OSError as error:
        free = shutil.disk_usage(path.parent).free
        reason = f"only {free >> 20} MB are free on that disk" if free < _TIGHT else error.strerror or str(error)
        raise BundleError(f"{path}: the scene cannot be saved: {reason}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return path


def load(host: Host, path: Path | str) -> None:
    """Replace the scene by the one in a bundle.

    Raises
    ------
    BundleError
        Where the file is missing, is no bundle, or holds data that cannot be read.
    """
    import slicer

    path = Path(path).resolve()
    if not path.is_file():
        raise BundleError(f"{path}: there is no such file.")
    if not zipfile.is_zipfile(path):
        raise BundleError(f"{path}: this is not a bundle of Slicer (.mrb), or it is damaged.")
    messages = slicer.vtkMRMLMessageCollection()
    if not host.scene.ReadFromMRB(str(path), True, messages):
        raise BundleError(f"{path}: the scene cannot be read. {messages.GetAllMessagesAsString()}".rstrip())


def _write_files(host: Host, folder: Path, thumbnail: Any) -> None:
    """The scene and its data as files: what ``vtkMRMLScene::WriteToMRB`` packs."""
    import slicer

    folder.mkdir()
    messages = slicer.vtkMRMLMessageCollection()
    if not host.scene.SaveSceneToSlicerDataBundleDirectory(folder.as_posix(), thumbnail, messages):
        told = messages.GetAllMessagesAsString().strip().partition("\n")[0]
        raise BundleError(told or "Slicer could not write its files")
    if not list(folder.glob("*.mrml")):
        raise BundleError("Slicer wrote no scene file")


def _zip(folder: Path, path: Path) -> None:
    # Slicer's own zip writer tells every file on the console and does not compress.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            bundle.write(file, file.relative_to(folder.parent).as_posix())


def _thumbnail(host: Host) -> Any:
    """What Slicer shows of the bundle before it is opened; ``None`` where nothing can be drawn."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    if host.render_window is None:
        return None
    pixels = view.render(host, size=(400, 300))
    image = vtkImageData()
    image.SetDimensions(pixels.shape[1], pixels.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(pixels[::-1].reshape(-1, 3), deep=True))
    return image
