"""Step: one step of the optimisation, over as many images at once as the memory holds."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.cache import Emit
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device
from XRayAILib.learning.divergence import what_was_seen
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.memory import out_of_memory, too_small
from XRayAILib.learning.normalisation import sharing
from XRayAILib.learning.processes import Processes
from XRayAILib.learning.task import Task
from XRayAILib.learning.trial import placed

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.batches import Batch


class Step:
    """What MONAI's trainer calls for every batch (``iteration_update``).

    Forward pass in half precision where the device has it, loss, a look whether it is a number, gradients, their limit,
    and the optimiser. Where a batch does not fit into the memory, it goes through in parts whose gradients add up to
    those of the whole; batch normalisation then sees the parts.

    Attributes
    ----------
    at_once
        Images of this process that go through the network together.
    loss
        Of the last batch.
    scaler
        For ``float16``, else ``None``.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        task: Task,
        optimizer: torch.optim.Optimizer,
        config: TrainingConfig,
        device: Device,
        processes: Processes,
        at_once: int,
        emit: Emit,
    ) -> None:
        import torch

        self.network, self.task, self.optimizer = network, task, optimizer
        self.config, self.device, self.processes, self.emit = config, device, processes, emit
        self.at_once, self.loss = at_once, 0.0
        scaled = device.scaled and config.mixed_precision
        self.scaler = torch.amp.GradScaler(device.kind) if scaled else None
        self._watch = _Watch(device)

    def __call__(self, trainer: Any, batch: Batch) -> dict[str, Any]:
        while True:
            try:
                return self._tried(trainer, batch)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            # Not above: while the error is handled, its traceback holds the tensors of the attempt.
            self._take_less(len(batch["image"]))

    def _tried(self, trainer: Any, batch: Batch) -> dict[str, Any]:
        import torch
        from monai.engines.utils import IterationEvents

        # Dropout draws from torch's own generator; each process has other images, so it draws other numbers.
        torch.manual_seed((batch["seed"] + self.processes.rank) % 2**63)
        images, more = placed(batch, self.device)
        targets = batch["label"].to(self.device.kind, non_blocking=True)
        if self.device.kind == "cuda":
            # They were made in another queue of the GPU: their memory must not be given away before this one is done.
            for tensor in (images, targets, *more):
                tensor.record_stream(torch.cuda.current_stream())
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        count, total = len(images), None
        for start in range(0, count, self.at_once):
            part = slice(start, min(start + self.at_once, count))
            last = part.stop == count
            with sharing(self.processes.size > 1), nullcontext() if last else self._alone():
                with self.device.precision(self.config.mixed_precision):
                    output = self.network(images[part], *(value[part] for value in more))
                    trainer.state.output = {"image": images[part], "label": targets[part], "pred": output}
                    trainer.fire_event(IterationEvents.FORWARD_COMPLETED)
                    loss = self.task.loss(output, targets[part]) * ((part.stop - start) / count)
                total = loss.detach() if total is None else total + loss.detach()
                trainer.state.output["loss"] = total
                self._watch.put(total)
                trainer.fire_event(IterationEvents.LOSS_COMPLETED)
                (loss if self.scaler is None else self.scaler.scale(loss)).backward()
        result: dict[str, Any] = trainer.state.output
        self.loss = self._watch.value()
        if not math.isfinite(self.loss):
            raise TrainingError(self._seen(f"The loss became {self.loss}", trainer))
        trainer.fire_event(IterationEvents.BACKWARD_COMPLETED)
        self._move(trainer)
        trainer.fire_event(IterationEvents.MODEL_COMPLETED)
        return result

    def _move(self, trainer: Any) -> None:
        from torch.nn.utils import clip_grad_norm_

        if self.scaler is not None:
            # A scale that was too large shows in gradients that are no numbers; the scaler leaves out such a step.
            self.scaler.unscale_(self.optimizer)
            clip_grad_norm_(self.network.parameters(), self.config.gradient_limit)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            return
        norm = clip_grad_norm_(self.network.parameters(), self.config.gradient_limit)
        # A GPU would have to be waited for; there, the loss of the next step tells.
        if self.device.kind == "cpu" and not math.isfinite(float(norm)):
            raise TrainingError(
                self._seen(f"The gradients became {float(norm)} with a loss of {self.loss:.3g}", trainer)
            )
        self.optimizer.step()

    def _seen(self, what: str, trainer: Any) -> str:
        return what_was_seen(what, trainer, self.network, self.optimizer)

    def _alone(self) -> Any:
        """Gradients of this part wait for the last one before they are averaged over the processes."""
        joined: Any = self.network
        return joined.no_sync() if self.processes.size > 1 else nullcontext()

    def _take_less(self, count: int) -> None:
        """Halve what goes through at once; :class:`TrainingError` where that is one image already."""
        import torch

        at_once = min(self.at_once, count)
        self.optimizer.zero_grad(set_to_none=True)
        if self.device.kind == "cuda":
            torch.cuda.empty_cache()
        if self.processes.size > 1:
            # The others wait for this one in the middle of their step, so it cannot be done again.
            raise TrainingError(
                f"The memory of {self.device.description} is too small for {at_once} images of {self.config.size} "
                "pixels in each process. Choose a smaller batch size or image size, or more processes; the training "
                "goes on from its checkpoint where only the number of processes changed."
            )
        if at_once == 1:
            raise too_small(self.device, self.config.size, self.config.network)
        self.at_once = at_once // 2
        self.emit(
            {
                "event": "note",
                "message": f"The memory of {self.device.description} is too small for {at_once} images at once. Going "
                f"on with {self.at_once} at once; a step still learns from {count}, and takes longer.",
            }
        )


class _Watch:
    """The loss as a number, without making a GPU wait.

    The number is sent off before the way back is queued and looked at after it, so that there is always work waiting.
    """

    def __init__(self, device: Device) -> None:
        import torch

        self._event = torch.cuda.Event() if device.kind == "cuda" else None
        self._there = torch.zeros(()).pin_memory() if self._event else torch.zeros(())

    def put(self, loss: torch.Tensor) -> None:
        if self._event is None:
            self._there = loss
        else:
            self._there.copy_(loss, non_blocking=True)
            self._event.record()

    def value(self) -> float:
        if self._event is not None:
            self._event.synchronize()
        return float(self._there)
