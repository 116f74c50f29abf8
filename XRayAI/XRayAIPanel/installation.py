"""The Python packages that Slicer lacks, installed when an action needs them and the person agrees."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

TORCH = "torch>=2.2"
_REQUESTER = "X-Ray AI"
_FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "Requirements"


class NotInstalledError(RuntimeError):
    """A package is missing, and how it gets here."""


def interpreter() -> str:
    """The Python for jobs: inside Slicer its launcher ``PythonSlicer``, which Slicer puts on the path."""
    return shutil.which("PythonSlicer") or sys.executable


def library_is_there() -> bool:
    """Whether a project can be opened without installing anything."""
    import slicer.packaging

    return all(slicer.packaging.pip_check(requirement) for requirement in _requirements("project"))


def need_library() -> None:
    """Install what projects need; asks first, and raises where the person declines."""
    _need("project")


def need_export(package: str) -> None:
    """Install the package that reads an export again; ``monai`` comes with what learning needs."""
    if package == "monai":
        need_learning()
        return
    _need("project")
    if package:
        _need(f"export-{package}")


def need_agreement() -> None:
    """Install what the report on agreement is drawn with."""
    _need("project")
    _need("agreement")


def need_servers() -> None:
    """Install what asking a PACS needs."""
    _need("project")
    _need("servers")


def need_enhancement() -> None:
    """Install what takes noise away in an enhancement."""
    _need("project")
    _need("enhancement")


def need_assistance() -> None:
    """Install what follows edges and grows areas."""
    _need("project")
    _need("assistance")


def need_text_search() -> None:
    """Install what the search for burned-in text needs."""
    _need("project")
    _need("text")


def need_learning() -> None:
    """Install what training and prediction need: PyTorch in the build that fits this machine, then MONAI.

    Raises
    ------
    NotInstalledError
        The PyTorch extension is missing, was just installed and wants a restart, or the person declined.
    """
    import slicer.packaging

    _need("project")
    if not slicer.packaging.pip_check(TORCH):
        _install_torch()
    _need("learning")


def _need(name: str) -> None:
    import slicer.packaging

    slicer.packaging.pip_ensure(_requirements(name), requester=_REQUESTER)


def _requirements(name: str) -> list:
    import slicer.packaging

    return slicer.packaging.load_requirements(_FOLDER / f"{name}.txt")


def _install_torch() -> None:
    try:
        import PyTorchUtils
    except ImportError:
        _offer_extension()
    else:
        version = TORCH.removeprefix("torch")
        if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=version) is None:
            raise NotInstalledError("PyTorch was not installed, so nothing can be trained or predicted here.")


def _offer_extension() -> None:
    import slicer
    from slicer.i18n import tr as _

    question = _("Training and prediction need Slicer's PyTorch extension. Install it now?")
    if not slicer.util.confirmOkCancelDisplay(question, _REQUESTER):
        raise NotInstalledError("The PyTorch extension is not installed. The Extensions Manager has it.")
    if not hasattr(slicer.app, "extensionsManagerModel"):
        raise NotInstalledError("This Slicer was built without extensions: install PyTorch into its Python by hand.")
    model = slicer.app.extensionsManagerModel()
    # Interactive, it asks the same question again and restarts Slicer; here the person chooses when.
    interactive, model.interactive = model.interactive, False
    try:
        installed = model.isExtensionInstalled("PyTorch") or model.installExtensionFromServer("PyTorch", False)
    finally:
        model.interactive = interactive
    if not installed:
        raise NotInstalledError(
            "The PyTorch extension could not be installed. Check the network connection, or install it in the "
            "Extensions Manager."
        )
    raise NotInstalledError("The PyTorch extension is installed. Restart Slicer, then do this again.")
