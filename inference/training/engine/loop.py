"""The loop: every training runs here, is watched here, and goes on here after it was killed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from inference.errors import EngineError
from inference.progress import Cancelled, Progress
from inference.training.engine import distributed
from inference.training.engine.journal import Event, Journal
from inference.training.engine.settings import Settings, autocast, device_of, precision_of
from inference.training.engine.state import (
    LAST,
    best_file,
    identify,
    load_networks,
    new_state,
    resume,
    save,
    save_best,
)
from inference.training.engine.task import Batch, Task

__all__ = ["Outcome", "fit", "load_networks"]

MOST_SKIPPED = 20  # updates in a row without a finite gradient after which a training gives up
_TELL_EVERY_S = 1.0


@dataclass(frozen=True)
class Outcome:
    """What a training left behind.

    Attributes
    ----------
    last
        Checkpoint it would go on from.
    best
        Metric: file of its best epoch.
    values
        Metric: its best value and that epoch, counted from 1.
    stopped_early
        Whether it ended because the first metric no longer grew.
    seconds
        Time trained, over all sittings.
    """

    last: Path
    best: dict[str, Path]
    values: dict[str, tuple[float, int]]
    steps: int
    stopped_early: bool
    seconds: float


def fit(
    task: Task,
    folder: Path,
    settings: Settings | None = None,
    progress: Progress | None = None,
    listen: Callable[[Event], None] | None = None,
) -> Outcome:
    """Train, or go on where an earlier call was stopped or killed.

    Parameters
    ----------
    folder
        Gets ``last.safetensors``, ``best-<metric>.safetensors``, ``run.jsonl`` and ``run.json``.
    listen
        Called with every event of the journal.

    Raises
    ------
    EngineError
        Where the folder holds another training, the disk is full, or the loss is no number any more.
    Cancelled
        Once the progress was cancelled, after a checkpoint.
    """
    return _Run(task, folder, settings or Settings(), progress or Progress(), listen).run()


class _Run:
    """One sitting of a training."""

    def __init__(
        self,
        task: Task,
        folder: Path,
        settings: Settings,
        progress: Progress,
        listen: Callable[[Event], None] | None,
    ) -> None:
        self._task, self._folder, self._settings, self._progress = task, folder, settings, progress
        self._device = device_of(settings)
        self._precision = precision_of(settings, self._device)
        self._rank, self._count = distributed.join(self._device)
        self._parts = max(settings.accumulate, self._count)
        self._state = new_state(task, self._device, scaled=self._precision is torch.float16)
        self._first_rates = [group["lr"] for group in self._state.optimiser.param_groups]
        if self._rank == 0:
            identify(folder, {**task.describe(), "seed": settings.seed, "average": task.average, "clip": task.clip})
        distributed.wait()
        self._journal = Journal(folder if self._rank == 0 else None, listen)
        self._told = self._saved = 0.0

    def run(self) -> Outcome:
        """Train to the end."""
        task, state = self._task, self._state
        begun = resume(self._folder, state)
        self._journal.write("resume" if begun else "start", step=state.step, steps=task.steps, device=self._device)
        self._saved = time.perf_counter()
        early = self._is_over()
        while state.step < task.steps and not early:
            try:
                self._progress.report(state.step / task.steps, f"step {state.step + 1} of {task.steps}")
            except Cancelled:
                self._save()
                self._journal.write("cancelled", step=state.step)
                raise
            self._step()
            if state.step % task.epoch_steps == 0 or state.step == task.steps:
                early = self._end_epoch()
            elif time.perf_counter() - self._saved > self._settings.save_every_s:
                self._save()
        self._journal.write("end", step=state.step, stopped_early=early, seconds=round(state.seconds, 1))
        best = {metric: self._folder / best_file(metric) for metric in state.best}
        return Outcome(self._folder / LAST, best, dict(state.best), state.step, early, state.seconds)

    # -- one update ------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        state, task, start = self._state, self._task, time.perf_counter()
        torch.manual_seed(self._settings.seed * 1_000_003 + state.step)  # dropout and the like, whatever went before
        for group, rate in zip(state.optimiser.param_groups, self._first_rates, strict=True):
            group["lr"] = rate * task.rate(state.step)
        task.prepare()
        state.optimiser.zero_grad(set_to_none=True)
        batch = task.batch(state.step)
        loss = float(distributed.add_up(state.parameters, self._backward(batch)))
        self._update(loss)
        state.step += 1
        state.seconds += time.perf_counter() - start
        self._tell(loss, len(batch[0]) / max(time.perf_counter() - start, 1e-9))

    def _backward(self, batch: Batch) -> torch.Tensor:
        """Add up the gradients of this process's parts of a batch; return their share of its mean loss."""
        total, whole = torch.zeros((), device=self._device), len(batch[0])
        parts = list(zip(*(tensor.chunk(self._parts) for tensor in batch), strict=True))
        for part in distributed.share(parts, self._rank, self._count):
            on_device = tuple(tensor.to(self._device, non_blocking=True) for tensor in part)
            with autocast(self._device, self._precision):
                loss = self._task.loss(on_device) * (len(part[0]) / whole)
            self._state.scaler.scale(loss).backward()
            total += loss.detach().float()
        return total

    def _update(self, loss: float) -> None:
        state = self._state
        state.scaler.unscale_(state.optimiser)
        norm = torch.nn.utils.clip_grad_norm_(state.parameters, self._task.clip or math.inf)
        if math.isfinite(loss) and bool(torch.isfinite(norm)):
            state.scaler.step(state.optimiser)
            self._average()
            state.skipped, state.loss, state.counted = 0, state.loss + loss, state.counted + 1
        else:  # one such update would make every weight NaN
            state.skipped += 1
            self._journal.write("skipped", step=state.step, loss=loss)
        state.scaler.update()
        if state.skipped >= MOST_SKIPPED:
            raise EngineError(
                f"The loss was no finite number for {MOST_SKIPPED} steps in a row (step {state.step + 1}), so the "
                "training stopped.",
                "Lower the learning rate or train in float32. The checkpoints before that are kept.",
            )

    def _average(self) -> None:
        state = self._state
        if state.mean is state.networks:
            return
        decay = min(self._task.average, (state.step + 1) / (state.step + 10))  # the first steps are soon forgotten
        with torch.no_grad():
            for name, mean in state.mean.items():
                for value, now in zip(mean.parameters(), state.networks[name].parameters(), strict=True):
                    value.lerp_(now, 1 - decay)
                for value, now in zip(mean.buffers(), state.networks[name].buffers(), strict=True):
                    value.copy_(now)  # running statistics are means already

    def _tell(self, loss: float, per_second: float) -> None:
        now = time.perf_counter()
        if now - self._told > _TELL_EVERY_S:
            rate = self._state.optimiser.param_groups[0]["lr"]
            self._journal.write("step", step=self._state.step, loss=loss, rate=rate, samples_per_s=round(per_second, 2))
            self._told = now

    # -- one epoch -------------------------------------------------------------------------------------------------

    def _end_epoch(self) -> bool:
        """Evaluate, keep what is best, write the checkpoint; return whether the training is over."""
        state, task = self._state, self._task
        epoch, start = math.ceil(state.step / task.epoch_steps), time.perf_counter()
        for network in state.mean.values():
            network.eval()
        metrics = task.evaluate(state.mean)
        for metric in task.best:
            value = metrics.get(metric, math.nan)
            if math.isfinite(value) and (metric not in state.best or value > state.best[metric][0]):
                state.best[metric] = (value, epoch)
                if self._rank == 0:
                    save_best(self._folder, metric, state, metrics)
        loss = state.loss / state.counted if state.counted else math.nan
        state.seconds += time.perf_counter() - start
        seconds = round(state.seconds, 1)
        self._journal.write("epoch", epoch=epoch, step=state.step, loss=loss, metrics=metrics, seconds=seconds)
        state.loss, state.counted = 0.0, 0
        self._save()
        return self._is_over()

    def _is_over(self) -> bool:
        """Whether the first metric has not grown for as many epochs as the settings allow."""
        state, patience = self._state, self._settings.patience
        if not patience or not self._task.best or self._task.best[0] not in state.best:
            return False
        return state.step // self._task.epoch_steps - state.best[self._task.best[0]][1] >= patience

    def _save(self) -> None:
        if self._rank == 0:
            save(self._folder, self._state)
        self._saved = time.perf_counter()
        distributed.wait()
