"""A network and the way into it: from a radiograph to its raw output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.learning.device import Device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.task import Task
from XRayAILib.pixels.resample import PixelPreset

if TYPE_CHECKING:
    import torch

    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.findings.author import Author
    from XRayAILib.findings.findings import Findings


class Inference:
    """What testing and reading share, so that a model is tested as it is used."""

    def __init__(self, task: Task, network: torch.nn.Module, preset: PixelPreset, device: Device) -> None:
        import torch

        self.task = task
        self.preset = preset
        self.device = device
        self._network = network.eval().to(device.kind).to(memory_format=torch.channels_last)
        if device.threads:
            torch.set_num_threads(device.threads)

    def findings(self, radiograph: Radiograph, author: Author) -> Findings:
        """What the network finds, on the radiograph's own grid."""
        fitted = self.preset.fit_radiograph(radiograph)
        return self.task.decode(self.output(fitted.image), fitted.letterbox, radiograph.uid, author)

    def output(self, square: np.ndarray) -> np.ndarray:
        """The network's output, float32 (channels, S, S), for what the preset made of a radiograph (S, S)."""
        import torch

        image = torch.from_numpy(square)[None, None]
        try:
            with torch.inference_mode():
                batch = image.to(self.device.kind, memory_format=torch.channels_last)
                return self._network(batch)[0].float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"The memory of {self.device.description} is too small for this model; choose the device 'cpu'."
            ) from error
