"""A network and the way into it: from a radiograph to its raw output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.learning.device import Device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.task import Output, Task
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
        output = self.output(fitted.image, self.task.table(radiograph.header))
        return self.task.decode(output, fitted.letterbox, radiograph.uid, author)

    def output(self, square: np.ndarray, table: np.ndarray | None = None) -> Output:
        """What the network gives for what the preset made of a radiograph (S, S), as float32 on the CPU.

        ``table`` has the task's numbers beside the image, for a task that has any.
        """
        import torch

        image = torch.from_numpy(square)[None, None]
        more = () if table is None or not len(table) else (torch.from_numpy(table)[None].to(self.device.kind),)
        try:
            with torch.inference_mode():
                placed = image.to(self.device.kind, memory_format=torch.channels_last)
                found = self.task.read(self._network, placed, *more)
                if isinstance(found, dict):
                    return {name: value[0].float().cpu().numpy() for name, value in found.items()}
                return found[0].float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"The memory of {self.device.description} is too small for this model; choose the device 'cpu'."
            ) from error
