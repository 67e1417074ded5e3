"""Which lesions an examination of the MRI phantom holds, and where: inside the volume and apart from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inference.phantoms.anatomy import Anatomy
from inference.phantoms.lesions import HISTOLOGIES, KIND_FREQUENCY, KINDS, Lesion, draw_histology, draw_lesion

Wanted = Sequence[str] | Mapping[str, Sequence[str]] | None
_TRIES = 40
_SIDES = ("R", "L")


def place_lesions(
    rng: np.random.Generator, anatomy: Anatomy, wanted: Wanted, z_range_mm: tuple[float, float]
) -> tuple[Lesion, ...]:
    """Draw the wanted lesions and their places.

    Parameters
    ----------
    wanted
        Types (OB, IDC, OM) or histologies: in one breast, the third and later in the other one; or per breast, keys
        ``"R"`` and ``"L"``. None draws one type by its frequency, sometimes with a second or third focus.
    z_range_mm
        Lowest and highest slice; a lesion's centre lies between them where its breast allows that.

    Raises
    ------
    ValueError
        When a lesion is neither a type nor a histology, or a side is neither R nor L.
    """
    names = {histology.name: histology for histology in HISTOLOGIES}
    pairs = _pairs(rng, wanted)
    unknown = [name for name, _breast in pairs if name not in names and name not in KINDS[1:]]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is neither a lesion type {KINDS[1:]} nor a histology of the phantom")
    placed: list[Lesion] = []
    for name, breast in pairs:
        histology = names.get(name) or draw_histology(rng, name)
        lesion = draw_lesion(rng, anatomy, histology, breast)
        for _ in range(_TRIES):
            if _is_free(lesion, placed, z_range_mm):
                break
            lesion = draw_lesion(rng, anatomy, histology, breast)
        placed.append(lesion)
    return tuple(placed)


def _pairs(rng: np.random.Generator, wanted: Wanted) -> list[tuple[str, int]]:
    """List (name, breast), breast 0 right, 1 left."""
    if isinstance(wanted, Mapping):
        strange = set(wanted) - set(_SIDES)
        if strange:
            raise ValueError(f"a breast is 'R' or 'L', not {sorted(strange)[0]!r}")
        return [(name, breast) for breast, side in enumerate(_SIDES) for name in wanted.get(side, ())]
    if wanted is None:
        kind = KINDS[rng.choice(4, p=np.array(KIND_FREQUENCY) / sum(KIND_FREQUENCY))]
        wanted = () if kind == "MG" else (kind,) * (1 + int(rng.random() < 0.18) + int(rng.random() < 0.05))
    breast = int(rng.integers(2))
    return [(name, breast if i < 2 else 1 - breast) for i, name in enumerate(wanted)]


def _is_free(lesion: Lesion, placed: Sequence[Lesion], z_range_mm: tuple[float, float]) -> bool:
    """Say whether the lesion lies in the volume and does not touch another one."""
    if not z_range_mm[0] <= lesion.centre_mm[2] <= z_range_mm[1]:
        return False
    return all(
        np.linalg.norm(np.subtract(lesion.centre_mm, other.centre_mm)) > max(lesion.radii_mm) + max(other.radii_mm) + 2
        for other in placed
    )
