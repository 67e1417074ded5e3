"""Systems that can be trained: what each needs, and the module whose ``train`` does it. Imports no torch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inference.progress import Progress
    from inference.training.request import Report, Request

    Train = Callable[[Request, Progress, Callable[[dict[str, Any]], None] | None], Report]


@dataclass(frozen=True)
class Trainable:
    """One system.

    Attributes
    ----------
    needs
        Folders of a :class:`~inference.training.request.Request` that must be given.
    module
        Its ``train(request, progress, listen)`` trains, measures and publishes.
    """

    number: str
    title: str
    needs: tuple[str, ...]
    module: str

    @property
    def train(self) -> Train:
        """The function that trains it; imports torch."""
        return importlib.import_module(self.module).train


SYSTEMS = {
    one.number: one
    for one in (
        Trainable("000", "supervised attention, one slice", ("data",), "inference.training.attention.command"),
        Trainable("002", "lesions, three of seven contrasts", ("exams",), "inference.training.contrasts.command"),
        Trainable("003", "whole breasts, multi-scale curriculum", ("exams",), "inference.training.curriculum.command"),
        Trainable("001", "mammography windows, two modules", ("data",), "inference.training.mammo.command"),
        Trainable("004", "tumour segmentation, 3D U-Net", ("exams",), "inference.training.segmentation.command"),
    )
}
