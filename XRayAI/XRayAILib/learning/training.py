"""Training with MONAI's engines: the same for every task.

A run can be stopped or killed at any step and goes on from its checkpoint as if nothing had happened; on the CPU, bit
for bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.average import WeightAverage
from XRayAILib.learning.batches import TrainingBatches, ValidationBatches
from XRayAILib.learning.cache import Cancelled, Emit, TrainingCache
from XRayAILib.learning.checkpoint import Checkpoint
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example
from XRayAILib.learning.plan import Plan, make_plan, measured_step
from XRayAILib.learning.task import Task
from XRayAILib.learning.validation import Validation

if TYPE_CHECKING:
    import torch

CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_SECONDS = 20.0
EVENT_SECONDS = 0.25


@dataclass
class Outcome:
    """A finished training.

    Attributes
    ----------
    weights
        Of the epoch with the best validation score, by ``state_dict`` name, on the CPU.
    history
        One mapping per epoch: ``epoch``, ``loss/train``, ``learning_rate``, and where it was validated
        ``loss/validation``, ``<score>/validation`` and ``<score>/validation/<class>``.
    stopped
        ``finished``, ``early`` (no better for long) or ``time`` (the limit was reached).
    seconds
        Time spent training, over all its starts.
    """

    weights: dict[str, torch.Tensor]
    history: list[dict[str, float]]
    best_epoch: int
    best_score: float | None
    epochs: int
    stopped: str
    seconds: float
    plan: Plan


@dataclass
class _Progress:
    """What changes during a run besides tensors; it goes into the checkpoint."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_score: float | None = None
    stopped: str = ""
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_count: int = 0
    patience: dict[str, Any] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)


class Training:
    """One run of one configuration on one cache.

    ::

        training = Training(task, config, cache, examples, job_folder, device, emit, cancelled)
        outcome = training.run()  # raises Cancelled after writing the checkpoint
    """

    def __init__(
        self,
        task: Task,
        config: TrainingConfig,
        cache: TrainingCache,
        examples: Sequence[Example],
        folder: Path,
        device: Device,
        emit: Emit,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        import torch

        self.task, self.config, self.device = task, config, device
        self.emit, self.cancelled = emit, cancelled
        self.path = folder / CHECKPOINT
        if device.threads:
            torch.set_num_threads(device.threads)
        torch.manual_seed(config.seed)
        rows = {part: cache.part(examples, part) for part in ("train", "validation")}
        for part, found in rows.items():
            if not len(found):
                raise TrainingError(f"No image of the {part} part can be read, so there is nothing to train with.")
        self.batches = TrainingBatches(cache, rows["train"], task, config, device)
        self.unseen = ValidationBatches(cache, rows["validation"], task, self.batches.batch_size)
        self._identity = _identity(config, task, cache, examples)
        self._validation_images = len(rows["validation"])
        network = task.network()
        self.network: torch.nn.Module = network.to(device.kind).to(memory_format=torch.channels_last)
        self.average = WeightAverage(self.network, config.ema)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.best: dict[str, torch.Tensor] = {}
        self.progress = _Progress()
        self.plan: Plan | None = None
        self._step = 0
        self._saved = self._started = self._emitted = time.monotonic()

    def run(self) -> Outcome:
        """Train to the end, from the job folder's checkpoint where there is one.

        Raises
        ------
        Cancelled
            Somebody asked to stop; the checkpoint is written.
        TrainingError
            The loss is not a number, memory or disk ran out, or the checkpoint is of another training.
        """
        import torch

        setting: Any = torch.utils.deterministic
        exact, filling = torch.are_deterministic_algorithms_enabled(), setting.fill_uninitialized_memory
        # CUDA and MPS have no deterministic form of some operations; there, it is as exact as it can be.
        torch.use_deterministic_algorithms(True, warn_only=self.device.kind != "cpu")
        # Filling fresh memory guards against reading it before it is written; it costs time and nothing here does that.
        setting.fill_uninitialized_memory = False
        try:
            if self.path.exists():
                self._restore(Checkpoint.read(self.path))
            plan = self._planned()
            if self._step < plan.epochs * plan.steps and not self.progress.stopped:
                self._train(plan)
        except RuntimeError as error:
            # CUDA, MPS and the CPU each say it in another way, but all with this word.
            if "memory" not in str(error):
                raise
            raise TrainingError(
                f"The memory of {self.device.description} is too small for batches of {self.batches.batch_size} images "
                f"of {self.config.size} pixels. Choose a smaller batch size or image size, or the device 'cpu'."
            ) from error
        finally:
            torch.use_deterministic_algorithms(exact)
            setting.fill_uninitialized_memory = filling
        state = self.progress
        weights = {name: value.detach().cpu().contiguous() for name, value in self.best.items()}
        last = len(state.history)
        return Outcome(
            weights, state.history, state.best_epoch, state.best_score, last, state.stopped, state.seconds, plan
        )

    def _planned(self) -> Plan:
        if self.plan is None:
            seconds = measured_step(self.network, self.task, self.batches, self.config, self.device)
            self.plan = make_plan(
                self.config, self.batches.per_epoch, self.batches.batch_size, self._validation_images, seconds
            )
        device = self.device
        text = self.plan.text(device)
        self.emit({"event": "device", "device": device.description, "kind": device.kind})
        self.emit({"event": "plan", **self.plan.document(), "message": text})
        return self.plan

    def _train(self, plan: Plan) -> None:
        from ignite.engine import Events
        from monai.engines import SupervisedEvaluator, SupervisedTrainer
        from monai.engines.utils import IterationEvents
        from monai.handlers import EarlyStopHandler

        device = _torch_device(self.device)
        common: dict[str, Any] = {
            "device": device,
            "prepare_batch": _prepared,
            "amp": self.config.mixed_precision and self.device.mixed_precision,
            "decollate": False,
        }
        evaluator = SupervisedEvaluator(
            val_data_loader=self.unseen,
            network=self.average.network,
            **common,
        )
        trainer = SupervisedTrainer(
            max_epochs=plan.epochs,
            epoch_length=plan.steps,
            train_data_loader=self.batches,
            network=self.network,
            optimizer=self.optimizer,
            loss_function=self.task.loss,
            optim_set_to_none=True,
            **common,
        )
        validation = Validation(self.task)
        stopper = None
        if self.config.patience:
            stopper = EarlyStopHandler(self.config.patience, lambda _: self._merit(validation), trainer)
            if self.progress.patience and stopper._handler is not None:
                stopper._handler.load_state_dict(self.progress.patience)
        evaluator.add_event_handler(Events.STARTED, validation.start)
        evaluator.add_event_handler(Events.ITERATION_COMPLETED, validation.add)
        if stopper is not None:
            # After the last batch was measured: handlers run in the order in which they were added.
            stopper.attach(evaluator)
        trainer.add_event_handler(Events.STARTED, self._scaler_restored)
        trainer.add_event_handler(Events.ITERATION_STARTED, self._rate_set)
        trainer.add_event_handler(IterationEvents.LOSS_COMPLETED, self._loss_checked)
        trainer.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self._gradients_limited)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._step_done, plan)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._epoch_done, plan, evaluator, validation, stopper)
        trainer.load_state_dict({"iteration": self._step, "epoch_length": plan.steps, "max_epochs": plan.epochs})
        self.batches.position = self._step
        self._saved = self._started = time.monotonic()
        trainer.run()
        if trainer.should_terminate and not self.progress.stopped:
            raise Cancelled
        self.progress.stopped = self.progress.stopped or "finished"
        self._save(trainer)

    def _merit(self, validation: Validation) -> float:
        """The newest score, the higher the better."""
        entry, name = validation.entry(), f"{self.task.score.name}/validation"
        if name not in entry:
            return -entry["loss/validation"]
        return entry[name] if self.task.score.better == "higher" else -entry[name]

    def _rate_set(self, trainer: Any) -> None:
        """Linear warm-up, then a cosine to zero over the planned steps; a function of the step alone."""
        total = trainer.state.epoch_length * trainer.state.max_epochs
        step, warm = trainer.state.iteration - 1, max(1, round(total * self.config.warm_up))
        factor = (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor

    def _loss_checked(self, trainer: Any) -> None:
        from XRayAILib.learning.divergence import what_was_seen

        loss = float(trainer.state.output["loss"].detach())
        if not math.isfinite(loss):
            raise TrainingError(what_was_seen(loss, trainer, self.network, self.optimizer))
        self.progress.loss_sum += loss
        self.progress.loss_count += 1

    def _gradients_limited(self, trainer: Any) -> None:
        from torch.nn.utils import clip_grad_norm_

        if trainer.scaler is not None:
            trainer.scaler.unscale_(self.optimizer)
        clip_grad_norm_(self.network.parameters(), self.config.gradient_limit)

    def _step_done(self, trainer: Any, plan: Plan) -> None:
        self._step = trainer.state.iteration
        self.average.update(self._step)
        passed = time.monotonic() - self._emitted
        if passed >= EVENT_SECONDS or self._step == 1:
            self._emitted = time.monotonic()
            total = plan.epochs * plan.steps
            spent = self._seconds()
            self.emit(
                {
                    "event": "progress",
                    "step": "train",
                    "done": self._step,
                    "total": total,
                    "message": f"Epoch {(self._step - 1) // plan.steps + 1} of {plan.epochs}",
                    "seconds_left": round(spent / self._step * (total - self._step), 1),
                }
            )
            loss = float(trainer.state.output["loss"].detach())
            self.emit({"event": "metric", "name": "loss/step", "step": self._step, "value": round(loss, 5)})
        if self._step % plan.steps:
            self._save_or_stop(trainer)

    def _epoch_done(self, trainer: Any, plan: Plan, evaluator: Any, validation: Validation, stopper: Any) -> None:
        epoch, state = trainer.state.epoch, self.progress
        entry: dict[str, float] = {
            "epoch": epoch,
            "loss/train": state.loss_sum / max(1, state.loss_count),
            "learning_rate": self.optimizer.param_groups[0]["lr"],
        }
        state.loss_sum, state.loss_count = 0.0, 0
        if epoch % plan.every == 0 or epoch == plan.epochs:
            evaluator.run(epoch)
            entry.update(validation.entry())
            score = entry.get(f"{self.task.score.name}/validation", -entry["loss/validation"])
            if self.task.score.improves(score, state.best_score) or not self.best:
                state.best_score, state.best_epoch = score, epoch
                current = self.average.network.state_dict()
                self.best = {name: value.detach().clone() for name, value in current.items()}
            if stopper is not None:
                state.patience = dict(stopper._handler.state_dict())
        state.history.append({k: float(f"{v:.6g}") for k, v in entry.items()})
        for name, value in state.history[-1].items():
            if name != "epoch":
                self.emit({"event": "metric", "name": name, "step": epoch, "value": value})
        if trainer.should_terminate:
            state.stopped = "early"
        elif self.config.minutes and self._seconds() > self.config.minutes * 60 and epoch < plan.epochs and self.best:
            state.stopped = "time"
            trainer.terminate()
        if not state.stopped:
            self._save_or_stop(trainer)

    def _save_or_stop(self, trainer: Any) -> None:
        stop = self.cancelled()
        if stop or time.monotonic() - self._saved > CHECKPOINT_SECONDS:
            self._save(trainer)
        if stop:
            trainer.terminate()

    def _seconds(self) -> float:
        return self.progress.seconds + time.monotonic() - self._started

    def _save(self, trainer: Any) -> None:
        self.progress.seconds, self._started = self._seconds(), time.monotonic()
        if trainer.scaler is not None:
            self.progress.scaler = dict(trainer.scaler.state_dict())
        assert self.plan is not None
        state = {
            "identity": self._identity,
            "step": self._step,
            "plan": self.plan.document(),
            "progress": vars(self.progress),
        }
        checkpoint = Checkpoint(state=state)
        checkpoint.put("network", self.network.state_dict())
        checkpoint.put("average", self.average.network.state_dict() if self.config.ema else {})
        checkpoint.put("best", self.best)
        checkpoint.put_optimizer(self.optimizer)
        checkpoint.write(self.path)
        self._saved = time.monotonic()

    def _restore(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.state
        if state["identity"] != self._identity:
            raise TrainingError(
                f"{self.path} belongs to a training with other settings, labels or images. "
                "Start the training anew, in a new job."
            )
        self.network.load_state_dict(checkpoint.get("network"))
        if self.config.ema:
            self.average.network.load_state_dict(checkpoint.get("average"))
        self.best = checkpoint.get("best")
        checkpoint.load_optimizer(self.optimizer)
        self.progress = _Progress(**state["progress"])
        self.plan = Plan(**state["plan"])
        self._step = int(state["step"])
        self.emit({"event": "note", "message": f"Going on after step {self._step} of an earlier start."})

    def _scaler_restored(self, trainer: Any) -> None:
        if trainer.scaler is not None and self.progress.scaler:
            trainer.scaler.load_state_dict(self.progress.scaler)


def _prepared(
    batch: dict[str, torch.Tensor], device: Any = None, non_blocking: bool = False, **_: object
) -> tuple[Any, ...]:
    """Image and target, and what else goes into the network, as MONAI's engines take them."""
    import torch

    image = batch["image"].to(device, non_blocking=non_blocking, memory_format=torch.channels_last)
    label = batch["label"].to(device, non_blocking=non_blocking)
    if "table" in batch:
        return image, label, (batch["table"].to(device, non_blocking=non_blocking),), {}
    return image, label


def _torch_device(device: Device) -> torch.device:
    import torch

    return torch.device(device.kind)


def _identity(
    config: TrainingConfig, task: Task, cache: TrainingCache, examples: Sequence[Example]
) -> dict[str, object]:
    """What must be the same for a checkpoint to fit; the device, threads and time limit may change."""
    document = config.document()
    for name in ("device", "threads", "minutes", "name"):
        document.pop(name)
    parts = sorted((e.uid, e.part) for e in examples)
    return {"config": document, "labels": list(task.labels), "cache": cache.folder.name, "parts": digest(parts)}


def digest(value: object) -> str:
    """SHA-256 of a plain value."""
    import hashlib
    import json

    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
