"""Derived images: subtraction and motion-corrected phases, named by a uid that says what they are made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_SEPARATOR = "|"


class DerivedKind(StrEnum):
    """What is made of two phases of a dynamic series."""

    SUBTRACTION = "subtraction"
    CORRECTED = "corrected"


@dataclass(frozen=True)
class Derived:
    """An image that is computed, not stored.

    Attributes
    ----------
    kind
        ``subtraction``: phase ``of`` minus phase ``reference``. ``corrected``: phase ``of`` resampled onto
        ``reference`` after registration.
    of, reference
        Stack uids of stored phases.
    motion_corrected
        For a subtraction: whether ``of`` was registered to ``reference`` first.
    """

    kind: DerivedKind
    of: str
    reference: str
    motion_corrected: bool = False

    @property
    def uid(self) -> str:
        """Return the identity, which :func:`parse` reads back."""
        corrected = "+mc" if self.motion_corrected else ""
        return f"{self.kind.value}{corrected}:{self.of}{_SEPARATOR}{self.reference}"


def parse(uid: str) -> Derived | None:
    """Return what a derived image is made from, None for the uid of a stored stack."""
    head, colon, rest = uid.partition(":")
    name, plus, _ = head.partition("+mc")
    of, separator, reference = rest.partition(_SEPARATOR)
    if not colon or not separator or name not in {kind.value for kind in DerivedKind}:
        return None
    return Derived(DerivedKind(name), of, reference, bool(plus))


def base_uid(uid: str) -> str:
    """Return the stored stack that an image stands on: itself, or the phase a derived image was made of.

    Boxes, measurements, results and AI states of a derived image belong to that stack.
    """
    derived = parse(uid)
    return uid if derived is None else derived.of
