"""The network inputs that the tails are trained on: every slice plainly, and random variants of what is learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from inference.training.attention.augment import plain, planted, variant
from inference.training.attention.features import Variant
from inference.training.attention.recipe import Amounts, Recipe
from inference.training.attention.slices import Sample, contralateral


def variants(
    samples: Sequence[Sample], learned: AbstractSet[str], amounts: Amounts, recipe: Recipe
) -> Iterator[Variant]:
    """Yield each slice and the other side of axial ones plainly; of patients that are learned from variants as well.

    Parameters
    ----------
    learned
        Patients of the training side.
    """
    counts = {"breastdm": amounts.per_breastdm, "ispy1": amounts.per_ispy1, "phantom": amounts.per_phantom}
    for number, sample in enumerate(samples):
        rng = np.random.default_rng((recipe.seed, 100, number))
        augmented = sample.patient in learned and not recipe.strict
        yield from _of(sample, counts[sample.source] if augmented else 0, rng)
        other = contralateral(sample) if sample.source == "breastdm" else None
        if other is None:
            continue
        yield from _of(other, amounts.per_contralateral if augmented else 0, rng)
        for turn in range(amounts.planted if augmented else 0):
            yield _variant(planted(sample, rng, other if turn % 2 else sample), rng)


def _of(sample: Sample, count: int, rng: np.random.Generator) -> Iterator[Variant]:
    yield _packed(sample, *plain(sample), is_plain=True)
    for _ in range(count):
        yield _variant(sample, rng)


def _variant(sample: Sample, rng: np.random.Generator) -> Variant:
    return _packed(sample, *variant(sample, rng), is_plain=False)


def _packed(sample: Sample, grey: np.ndarray, mask: np.ndarray, *, is_plain: bool) -> Variant:
    return Variant(grey, mask, sample.name, sample.targets, sample.place_known, sample.patient, sample.source, is_plain)
