"""Engine: one training loop for all systems; what differs between them is a :class:`Task`."""

from __future__ import annotations

from inference.training.engine.loop import Outcome, fit, load_networks
from inference.training.engine.settings import Settings
from inference.training.engine.task import Task

__all__ = ["Outcome", "Settings", "Task", "fit", "load_networks"]
