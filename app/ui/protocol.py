"""Protocol: the steps of the hanging of the study on show, and which prior exam hangs below it. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence

from app.studies.hanging import Hanging, priors, steps
from app.studies.study import Study


class Protocol:
    """Where the reader is in the hanging protocol.

    Attributes
    ----------
    hangings
        Every step, the overview first; empty without a study.
    index
        The step on show.
    priors
        Earlier exams of the same patient among the open studies, the most recent first.
    prior
        The one that hangs below, None for the current exam alone.
    """

    def __init__(self, study: Study | None = None, studies: Sequence[Study] = ()) -> None:
        self.study = study
        self.prior: Study | None = None
        self.priors: tuple[Study, ...] = priors(study, studies) if study is not None else ()
        self.index = 0
        self.hangings: tuple[Hanging, ...] = ()
        self._rebuild()

    def _rebuild(self) -> None:
        self.hangings = steps(self.study, self.prior) if self.study is not None else ()

    @property
    def current(self) -> Hanging | None:
        """The step on show."""
        return self.hangings[self.index] if self.hangings else None

    def step(self, by: int) -> Hanging | None:
        """Go on by so many steps, round the end."""
        if self.hangings:
            self.index = (self.index + by) % len(self.hangings)
        return self.current

    def go(self, name: str) -> bool:
        """Go to the step of that name; False where there is none."""
        found = [n for n, hanging in enumerate(self.hangings) if hanging.name == name]
        self.index = found[0] if found else self.index
        return bool(found)

    def take_prior(self, uid: str) -> None:
        """Hang the prior exam of that study uid below; "" or an exam that is not open for none."""
        name = self.current.name if self.current is not None else ""
        self.prior = next((prior for prior in self.priors if prior.uid == uid), None)
        self._rebuild()
        self.index = 0
        self.go(name)

    def cycle_prior(self) -> Hanging | None:
        """Go from the current exam alone through every prior and back."""
        uids = ["", *(prior.uid for prior in self.priors)]
        here = uids.index(self.prior.uid) if self.prior is not None else 0
        self.take_prior(uids[(here + 1) % len(uids)])
        return self.current

    @property
    def place(self) -> str:
        """Return ``"Overview · 1 of 12"``, with the date of the prior where one hangs."""
        if self.current is None:
            return ""
        return f"{self.current.name} · {self.index + 1} of {len(self.hangings)}"
