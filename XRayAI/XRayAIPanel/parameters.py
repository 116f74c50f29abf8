"""What the panel X-Ray AI remembers in the scene."""

from enum import Enum
from typing import Annotated

from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


class Preset(Enum):
    """How much is trained; see ``learning.config.PRESETS``."""

    QUICK = "quick"
    STANDARD = "standard"
    BEST = "best"

    def label(self) -> str:
        texts = {
            Preset.QUICK: _("Quick: small network, two cores"),
            Preset.STANDARD: _("Standard: workstation"),
            Preset.BEST: _("Best: one large GPU"),
        }
        return texts[self]


class DeviceChoice(Enum):
    """Where it is trained; see ``learning.device``."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"

    def label(self) -> str:
        texts = {
            DeviceChoice.AUTO: _("Automatic: the fastest"),
            DeviceChoice.CPU: _("Processor"),
            DeviceChoice.CUDA: _("NVIDIA GPU"),
            DeviceChoice.MPS: _("Apple GPU"),
        }
        return texts[self]


@parameterNodeWrapper
class XRayAIParameterNode:
    """The parameters.

    overlaysVisible, overlayOpacity - what lies over the radiograph, and the opacity of its areas.
    preset, device - of the next training.
    onlyApproved - whether an export leaves out what nobody approved.
    """

    overlaysVisible: bool = True
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.35
    preset: Preset = Preset.QUICK
    device: DeviceChoice = DeviceChoice.AUTO
    onlyApproved: bool = False
