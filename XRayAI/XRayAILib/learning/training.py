"""Training with MONAI's engines: the same for every task.

A run can be stopped or killed at any step and goes on from its checkpoint as if nothing had happened; on the CPU, bit
for bit.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.learning.average import WeightAverage
from XRayAILib.learning.batch_size import choose_batch, wanted_batch
from XRayAILib.learning.batches import TrainingBatches, ValidationBatches
from XRayAILib.learning.cache import Cancelled, Emit, TrainingCache
from XRayAILib.learning.checkpoint import require_room
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.exactness import exactness
from XRayAILib.learning.memory import out_of_memory, ran_out
from XRayAILib.learning.plan import Plan, make_plan
from XRayAILib.learning.prefetch import Prefetch
from XRayAILib.learning.processes import Processes
from XRayAILib.learning.samples.pictures import SamplePictures
from XRayAILib.learning.schedule import rate_factor
from XRayAILib.learning.start.tuning import frozen, parameter_groups
from XRayAILib.learning.state import RunState
from XRayAILib.learning.step import Step
from XRayAILib.learning.task import Task
from XRayAILib.learning.trial import Trial
from XRayAILib.learning.validation import Validation

if TYPE_CHECKING:
    import torch

CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_SECONDS = 20.0
"""Between checkpoints, or longer where writing one takes so long that it would hold up the training."""
CHECKPOINT_PART = 0.05
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


class Training:
    """One run of one configuration on one cache.

    ::

        training = Training(task, config, cache, parts, job_folder, device, emit, cancelled)
        outcome = training.run()  # raises Cancelled after writing the checkpoint

    Parameters
    ----------
    parts
        Uids of the images of each part, ``train`` and ``validation`` among them.
    network
        With the weights to start from; ``None`` for the task's own with random weights.
    processes
        The ranks that train together; each has its own ``Training``, and only rank 0 writes and emits.
    """

    def __init__(
        self,
        task: Task,
        config: TrainingConfig,
        cache: TrainingCache,
        parts: Mapping[str, Sequence[str]],
        folder: Path,
        device: Device,
        emit: Emit,
        cancelled: Callable[[], bool] = lambda: False,
        network: torch.nn.Module | None = None,
        processes: Processes | None = None,
    ) -> None:
        import torch

        self.task, self.config, self.device = task, config, device
        self.processes = processes or Processes()
        self.emit: Emit = emit if self.processes.leads else silent
        self.cancelled = cancelled
        self.path = folder / CHECKPOINT
        if device.threads:
            torch.set_num_threads(device.threads)
        torch.manual_seed(config.seed)
        self._cache = cache
        rows = {part: _rows(cache, parts[part]) for part in ("train", "validation")}
        for part, found in rows.items():
            if not len(found):
                raise TrainingError(f"No image of the {part} part can be read, so there is nothing to train with.")
        self._unseen_rows = rows["validation"]
        self.batches = TrainingBatches(cache, rows["train"], task, config, device, self.processes)
        # What learns from no label has nothing to be drawn.
        seconds = config.pictures if self.processes.leads and task.tools else 0.0
        self.pictures = SamplePictures(task, cache, rows["validation"], device, folder, self.emit, seconds)
        # What cannot be dealt out is said before anything is measured.
        wanted_batch(config, len(self.batches), self.batches.images_per_epoch, self.processes.size, device.kind)
        network = network if network is not None else task.network()
        self.network: torch.nn.Module = network.to(device.kind).to(memory_format=torch.channels_last)
        self.processes.spread(self.network)
        groups = parameter_groups(self.network, config, task.table_size)
        self._rates = [float(group["lr"]) for group in groups]
        optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        average = WeightAverage(self.network, config.ema)
        self.state = RunState(self.network, average, optimizer, _identity(config, task, cache, parts))
        self._started = self._emitted = time.monotonic()
        self._saved, self._pause = self._started, CHECKPOINT_SECONDS

    def run(self) -> Outcome:
        """Train to the end, from the job folder's checkpoint where there is one.

        Raises
        ------
        Cancelled
            Somebody asked to stop; the checkpoint is written.
        TrainingError
            The loss is not a number, memory or disk ran out, or the checkpoint is of another training.
        """
        state = self.state
        require_room(self.path.parent, state.needed_bytes)
        with exactness(self.device):
            try:
                plan = self._begun_or_gone_on()
            except (RuntimeError, MemoryError) as error:
                # A step settles it by itself; this is of what is beside it: making batches, validating.
                if not out_of_memory(error):
                    raise
                raise ran_out(self.device, self.batches.batch_size, self.config.size) from error
        found = state.progress
        weights = {name: value.detach().cpu().contiguous() for name, value in state.best.items()}
        return Outcome(
            weights,
            found.history,
            found.best_epoch,
            found.best_score,
            len(found.history),
            found.stopped,
            found.seconds,
            plan,
        )

    def _begun_or_gone_on(self) -> Plan:
        state = self.state
        if self.path.exists():
            state.read(self.path)
            self.emit({"event": "note", "message": f"Going on after step {state.step} of an earlier start."})
            for entry in state.progress.history:
                self._told(entry)
        plan = self._planned()
        if state.step < plan.epochs * plan.steps and not state.progress.stopped:
            self._train(plan)
        return plan

    def _planned(self) -> Plan:
        """The plan of the checkpoint, or one made from measurements; told to the person."""
        if self.state.plan is None:
            self.state.plan = self._measured()
            self.state.progress.at_once = self.state.plan.at_once
        plan = self.state.plan
        if plan.batch_size % self.processes.size:
            raise TrainingError(
                f"The training began with {plan.batch_size} images in a step, which cannot be dealt out evenly to "
                f"{self.processes.size} processes. Go on with a number of processes that divides it."
            )
        self.batches.resize(plan.batch_size)
        self.emit({"event": "device", "device": self.device.description, "kind": self.device.kind})
        self.emit({"event": "plan", **plan.document(), "message": plan.text(self.device)})
        for note in plan.notes(self.processes.size):
            self.emit({"event": "note", "message": note})
        return plan

    def _measured(self) -> Plan:
        frozen(self.network, self.config, 1, self.task.table_size)
        trial = Trial(self.network, self.task, self.batches, self.config, self.device)
        batches = self.batches
        size = choose_batch(
            self.config, len(batches), batches.images_per_epoch, self.network, trial, self.device, self.processes
        )
        batches.resize(size.images)
        each = size.images // self.processes.size
        at_once = min(size.at_once, each)
        seconds = trial.seconds(at_once) * (each / at_once)
        plan = make_plan(self.config, batches.per_epoch, size, len(self._unseen_rows), seconds)
        # The clocks of the others say something else.
        return Plan.from_document(self.processes.shared(plan.document()))

    def _train(self, plan: Plan) -> None:
        from ignite.engine import Events
        from monai.engines import SupervisedEvaluator, SupervisedTrainer
        from monai.handlers import EarlyStopHandler

        state, device, processes = self.state, self.device, self.processes
        at_once = state.progress.at_once or plan.batch_size
        self.step = Step(self.network, self.task, state.optimizer, self.config, device, processes, at_once, self.emit)
        if self.step.scaler is not None and state.progress.scaler:
            self.step.scaler.load_state_dict(state.progress.scaler)
        validation = Validation(self.task, processes)
        unseen = ValidationBatches(
            self._cache, self._unseen_rows, self.task, min(at_once * processes.size, plan.batch_size), processes
        )
        half = self.config.mixed_precision and device.mixed_precision
        evaluator = SupervisedEvaluator(
            device=device.torch,
            val_data_loader=unseen,
            network=state.average.network,
            prepare_batch=_prepared,
            amp=half,
            amp_kwargs={"dtype": _half(device)} if half else None,
            decollate=False,
        )
        with Prefetch(self.batches.stream(state.step)) as ahead:
            trainer = SupervisedTrainer(
                device=device.torch,
                max_epochs=plan.epochs,
                epoch_length=plan.steps,
                train_data_loader=ahead,
                network=self.network,
                optimizer=state.optimizer,
                loss_function=self.task.loss,
                iteration_update=self.step,
                decollate=False,
            )
            stopper = None
            if self.config.patience:
                stopper = EarlyStopHandler(self.config.patience, lambda _: self._merit(validation), trainer)
                if state.progress.patience and stopper._handler is not None:
                    stopper._handler.load_state_dict(state.progress.patience)
            evaluator.add_event_handler(Events.STARTED, validation.start)
            evaluator.add_event_handler(Events.ITERATION_COMPLETED, validation.add)
            if stopper is not None:
                # After the last batch was measured: handlers run in the order in which they were added.
                stopper.attach(evaluator)
            trainer.add_event_handler(Events.EPOCH_STARTED, self._epoch_begun)
            trainer.add_event_handler(Events.ITERATION_STARTED, self._rate_set, plan)
            trainer.add_event_handler(Events.ITERATION_COMPLETED, self._step_done, plan)
            trainer.add_event_handler(Events.EPOCH_COMPLETED, self._epoch_done, plan, evaluator, validation, stopper)
            trainer.load_state_dict({"iteration": state.step, "epoch_length": plan.steps, "max_epochs": plan.epochs})
            self._saved = self._started = time.monotonic()
            if not state.step and self.pictures.wanted:
                self.pictures.of_batch(next(self.batches.stream()))
            trainer.run()
        if trainer.should_terminate and not state.progress.stopped:
            raise Cancelled
        state.progress.stopped = state.progress.stopped or "finished"
        self._save()

    def _merit(self, validation: Validation) -> float:
        """The newest score, the higher the better."""
        entry, name = validation.entry(), f"{self.task.score.name}/validation"
        if name not in entry:
            return -entry["loss/validation"]
        return entry[name] if self.task.score.better == "higher" else -entry[name]

    def _epoch_begun(self, trainer: Any) -> None:
        before = getattr(self.network, "encoder_is_held", None)
        held = frozen(self.network, self.config, trainer.state.epoch, self.task.table_size)
        if self.processes.size > 1 and (self.step.network is self.network or held != before):
            # Which gradients are averaged is settled when the network is joined.
            self.step.network = self.processes.joined(self.network, self._unused_parameters())

    def _unused_parameters(self) -> bool:
        """Whether some weights get no gradient from a loss; the processes would wait for it."""
        trial = Trial(self.network, self.task, self.batches, self.config, self.device)
        trial.step(1 if self.step.at_once == 1 else 2)
        return bool(self.processes.least(int(not trial.unused)) == 0)

    def _rate_set(self, trainer: Any, plan: Plan) -> None:
        factor = rate_factor(trainer.state.iteration - 1, plan.epochs * plan.steps, self.config.warm_up)
        for group, rate in zip(self.state.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * plan.rate * factor

    def _step_done(self, trainer: Any, plan: Plan) -> None:
        state = self.state
        state.step = trainer.state.iteration
        state.average.update(state.step)
        state.progress.loss_sum += self.step.loss
        state.progress.loss_count += 1
        state.progress.at_once = self.step.at_once
        passed = time.monotonic() - self._emitted
        if passed >= EVENT_SECONDS or state.step == 1:
            self._emitted = time.monotonic()
            total = plan.epochs * plan.steps
            spent = self._seconds()
            self.emit(
                {
                    "event": "progress",
                    "step": "train",
                    "done": state.step,
                    "total": total,
                    "message": f"Epoch {(state.step - 1) // plan.steps + 1} of {plan.epochs}",
                    "seconds_left": round(spent / state.step * (total - state.step), 1),
                }
            )
            self.emit({"event": "metric", "name": "loss/step", "step": state.step, "value": round(self.step.loss, 5)})
        if state.step % plan.steps:
            self._save_or_stop(trainer)

    def _epoch_done(self, trainer: Any, plan: Plan, evaluator: Any, validation: Validation, stopper: Any) -> None:
        epoch, state, progress = trainer.state.epoch, self.state, self.state.progress
        entry: dict[str, float] = {
            "epoch": epoch,
            "loss/train": self.processes.mean(progress.loss_sum / max(1, progress.loss_count)),
            # Of the layers that learn the most.
            "learning_rate": max(group["lr"] for group in state.optimizer.param_groups),
        }
        progress.loss_sum, progress.loss_count = 0.0, 0
        if epoch % plan.every == 0 or epoch == plan.epochs:
            evaluator.run(epoch)
            entry.update(validation.entry())
            self.pictures.of_validation(state.average.network, epoch)
            score = entry.get(f"{self.task.score.name}/validation", -entry["loss/validation"])
            if self.task.score.improves(score, progress.best_score) or not state.best:
                progress.best_score, progress.best_epoch = score, epoch
                state.keep_best()
            if stopper is not None:
                progress.patience = dict(stopper._handler.state_dict())
        progress.history.append({k: float(f"{v:.6g}") for k, v in entry.items()})
        self._told(progress.history[-1])
        late = bool(self.config.minutes) and self._seconds() > self.config.minutes * 60
        if trainer.should_terminate:
            progress.stopped = "early"
        elif self.processes.shared(late) and epoch < plan.epochs and state.best:
            progress.stopped = "time"
            trainer.terminate()
        if not progress.stopped:
            self._save_or_stop(trainer)

    def _told(self, entry: Mapping[str, float]) -> None:
        """The points of an epoch, for whoever draws the curves."""
        for name, value in entry.items():
            if name != "epoch":
                self.emit({"event": "metric", "name": name, "step": int(entry["epoch"]), "value": value})

    def _save_or_stop(self, trainer: Any) -> None:
        late = time.monotonic() - self._saved > self._pause
        stop, save = self.processes.shared([self.processes.leads and self.cancelled(), late])
        if stop or save:
            self._save()
        if stop:
            trainer.terminate()

    def _seconds(self) -> float:
        return self.state.progress.seconds + time.monotonic() - self._started

    def _save(self) -> None:
        progress = self.state.progress
        progress.seconds, self._started = self._seconds(), time.monotonic()
        if self.step.scaler is not None:
            progress.scaler = dict(self.step.scaler.state_dict())
        # What each counted of an epoch is not written, only what they counted together.
        progress.loss_sum = self.processes.mean(progress.loss_sum)
        if self.processes.leads:
            self.state.write(self.path)
        self._saved = time.monotonic()
        self._pause = max(CHECKPOINT_SECONDS, (self._saved - self._started) / CHECKPOINT_PART)


def _prepared(batch: dict[str, Any], device: Any = None, non_blocking: bool = False, **_: object) -> tuple[Any, ...]:
    """Image and target, and what else goes into the network, as MONAI's engines take them."""
    import torch

    image = batch["image"].to(device, non_blocking=non_blocking, memory_format=torch.channels_last)
    label = batch["label"].to(device, non_blocking=non_blocking)
    if "table" in batch:
        return image, label, (batch["table"].to(device, non_blocking=non_blocking),), {}
    return image, label


def _half(device: Device) -> Any:
    import torch

    return getattr(torch, device.half)


def silent(event: dict[str, Any]) -> None:
    """Only one process speaks."""


def _rows(cache: TrainingCache, uids: Sequence[str]) -> np.ndarray:
    return np.array([cache.rows[uid] for uid in uids if uid in cache.rows], np.int64)


def _identity(
    config: TrainingConfig, task: Task, cache: TrainingCache, parts: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """What must be the same for a checkpoint to fit; the device, threads and time limit may change."""
    document = config.document()
    for name in ("device", "threads", "minutes", "name", "logs", "pictures"):
        document.pop(name)
    dealt = digest(sorted((uid, part) for part, uids in parts.items() for uid in uids))
    return {"config": document, "labels": list(task.labels), "cache": cache.key, "parts": dealt}


def digest(value: object) -> str:
    """SHA-256 of a plain value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
