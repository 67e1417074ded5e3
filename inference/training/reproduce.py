"""The command that makes a training again, as a card states it."""

from __future__ import annotations

import shlex

from inference.training.engine import Settings
from inference.training.request import Request

_FOLDERS = ("data", "exams", "work")


def command_of(request: Request, system: str, model: str) -> str:
    """Return the ``breastlens train`` command of a request, with words in capitals for the user's own folders.

    Parameters
    ----------
    model
        Id of the model that is published.
    """
    plain, own = Settings(), request.settings
    words = [f"breastlens train {system}"]
    words += [f"--{name} {name.upper()}" for name in _FOLDERS if getattr(request, name) is not None]
    words += [f"--set {shlex.quote(f'{key}={value}')}" for key, value in request.changes.items()]
    for name in ("seed", "device", "precision", "accumulate", "patience"):
        if getattr(own, name) != getattr(plain, name):
            words.append(f"--{name} {getattr(own, name)}")
    if request.folds:
        words.append(f"--folds {request.folds}")
    return " ".join([*words, f"--out resources/models/{model}"])
