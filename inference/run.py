"""One run of a model on one exam: prepare, predict, interpret, each timed; cancellable; falls back to the processor."""

from __future__ import annotations

import importlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, TypeVar

from inference import devices
from inference.card import ModelCard
from inference.errors import CardError, EngineError
from inference.exam import Exam
from inference.progress import Progress
from inference.reading import Reading
from inference.result import Provenance, Result
from inference.scope import check_scope, doubts

__all__ = ["check_scope", "family_of", "forget_models", "model_of", "run"]

_KEPT_MODELS = 3  # models kept in memory between runs
_LOOK_EVERY_S = 0.1  # how often a stage that cannot be interrupted lets a cancellation through
_models: OrderedDict[tuple[str, str, str], Any] = OrderedDict()
_models_lock = threading.Lock()
_T = TypeVar("_T")


def run(card: ModelCard, exam: Exam, progress: Progress | None = None, device: str = "auto") -> Result:
    """Run a model.

    Parameters
    ----------
    card
        From :mod:`inference.registry`.
    exam
        An exam of the class the card accepts.
    progress
        Reported to, and looked at for cancellation at least every 0.1 s outside the forward pass.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``. Where the graphics card's memory does not suffice, the processor takes over
        and the result says so.

    Raises
    ------
    OutOfScopeError
        Where the exam is not what the card accepts.
    CardError
        Where card or weights are missing or altered.
    EngineError
        Where the image cannot be read by the model.
    Cancelled
        Once the progress was cancelled.
    """
    progress = progress or Progress()
    check_scope(card, exam)
    progress.report(0.0, f"{card.title}: starting")
    family = _while_looking(progress, lambda: family_of(card))
    chosen, notes = _while_looking(progress, lambda: devices.choose(device))
    warnings = [*doubts(card, exam), *notes]
    try:
        reading, seconds = _stages(family, card, exam, progress, chosen)
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        forget_models()
        if chosen == "cpu":
            raise _too_large(card) from error
        warnings.append("The graphics card's memory did not suffice; the model ran on the processor.")
        chosen = "cpu"
        reading, seconds = _stages(family, card, exam, progress, chosen)
    if not all(math.isfinite(score.value) for score in reading.scores):
        raise EngineError(
            f"{card.title} gave no number for this image, so there is no result.",
            "Try again with the other device (processor or graphics card) in the preferences.",
        )
    progress.report(1.0, f"{card.title}: done")
    provenance = _provenance(card, devices.describe(chosen), seconds)
    parts = {field.name: getattr(reading, field.name) for field in fields(Reading)}
    parts["warnings"] = tuple(dict.fromkeys((*warnings, *reading.warnings)))
    return Result(**parts, provenance=provenance)


def forget_models() -> None:
    """Drop the models kept in memory, and what the graphics card holds for them."""
    with _models_lock:
        _models.clear()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _stages(
    family: ModuleType, card: ModelCard, exam: Exam, progress: Progress, device: str
) -> tuple[Reading, dict[str, float]]:
    """Run the family's stages in order and time each, in seconds."""
    seconds: dict[str, float] = {}

    def timed(stage: str, at: float, work: Callable[[], _T]) -> _T:
        progress.report(at, f"{card.title}: {stage}")
        start = time.perf_counter()
        outcome = work()
        seconds[stage] = round(time.perf_counter() - start, 4)
        return outcome

    prepared = timed("prepare", 0.1, lambda: family.prepare(card, exam, progress.part(0.1, 0.4)))
    model = timed("load", 0.4, lambda: _while_looking(progress, lambda: model_of(family, card, device)))
    prediction = timed("predict", 0.5, lambda: family.predict(model, prepared, progress.part(0.5, 0.9)))
    return timed("interpret", 0.9, lambda: family.interpret(card, exam, prepared, prediction)), seconds


def model_of(family: ModuleType, card: ModelCard, device: str) -> Any:
    """Return a loaded model, from memory where it was used recently; one thread loads at a time."""
    key = (card.id, card.weights_sha256, device)
    with _models_lock:
        if key in _models:
            _models.move_to_end(key)
            return _models[key]
        model = _models[key] = family.load(card, device)
        while len(_models) > _KEPT_MODELS:
            _models.popitem(last=False)
        return model


def family_of(card: ModelCard) -> ModuleType:
    """Import the module of the card's family; the name was checked to be a plain identifier when the card was read."""
    name = f"inference.families.{card.family}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise CardError(
            f"{card.title} needs the model family {card.family!r}, which this version does not have.",
            "Update the program.",
        ) from error


def _while_looking(progress: Progress, work: Callable[[], _T]) -> _T:
    """Do work that cannot be interrupted (importing torch, reading weights) so that cancelling need not wait for it."""
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
    try:
        future: Future[_T] = pool.submit(work)
        while True:
            progress.check()
            try:
                return future.result(timeout=_LOOK_EVERY_S)
            except NotYet:
                if future.done():  # the work itself raised a TimeoutError
                    raise
    finally:
        pool.shutdown(wait=False)


def _is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Whether memory did not suffice: NumPy's MemoryError, torch's own of a graphics card, and of the processor."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _too_large(card: ModelCard) -> EngineError:
    return EngineError(
        f"{card.title} needs more memory than this computer has free now.",
        "Close other programs or studies, then try again.",
    )


def _provenance(card: ModelCard, device: str, seconds: dict[str, float]) -> Provenance:
    return Provenance(
        model_id=card.id,
        model_version=card.version,
        model_title=card.title,
        model_note=card.note,
        weights_sha256=card.weights_sha256,
        app_version=_app_version(),
        device=device,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
    )


def _app_version() -> str:
    try:
        return version("breastlens")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"
