"""Train the provisional bundled model of system 000: ``python -m inference.training.provisional --data D --out O``."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from inference.nets.attention_resnet import Tail, Trunk, split_imagenet
from inference.prepare.mri_slice import SlicePreprocessing
from inference.training.augment import plain, planted, variant
from inference.training.dataset import Sample, breastdm, contralateral, ispy1, phantoms
from inference.training.features import Variant, extract
from inference.training.finetune import tune_trunk
from inference.training.loop import Recipe
from inference.training.publish import Evidence, publish
from inference.training.validation import choose_checkpoints, held_out_patients

IMAGENET = "weights/resnet50_imagenet_v1_fp16.safetensors"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Amounts:
    """How many phantoms are trained on and held out, and how many variants of each slice the tails are trained on."""

    phantoms: int = 250
    phantoms_held_out: int = 100
    per_phantom: int = 0
    per_breastdm: int = 4
    planted: int = 2
    per_contralateral: int = 2
    per_ispy1: int = 2


def samples(data: Path, amounts: Amounts, seed: int) -> tuple[list[Sample], frozenset[str]]:
    """Return every slice, and the names of the patients that are held out of all training."""
    real = [*breastdm(data / "mri/breastdm_slices_512"), *ispy1(data / "mri/ispy1_slices_512")]
    first = seed * 1_000_000
    drawn = list(phantoms(range(first, first + amounts.phantoms + amounts.phantoms_held_out)))
    unseen = {phantom.patient for phantom in drawn[amounts.phantoms :]}
    return [*real, *drawn], held_out_patients((sample.patient for sample in real), seed) | unseen


def variants(slices: list[Sample], amounts: Amounts, seed: int) -> Iterator[Variant]:
    """Yield the network inputs of the tails' training: each slice plainly, then its random variants."""
    rng = np.random.default_rng((seed, 100))
    counts = {"breastdm": amounts.per_breastdm, "ispy1": amounts.per_ispy1, "phantom": amounts.per_phantom}
    for sample in slices:
        yield from _of(sample, counts[sample.source], rng)
        other = contralateral(sample) if sample.source == "breastdm" else None
        if other is not None:
            yield from _of(other, amounts.per_contralateral, rng)
            for number in range(amounts.planted):
                yield _variant(planted(sample, rng, other if number % 2 else sample), rng)


def _of(sample: Sample, count: int, rng: np.random.Generator) -> Iterator[Variant]:
    yield _packed(sample, *plain(sample), is_plain=True)
    for _ in range(count):
        yield _variant(sample, rng)


def _variant(sample: Sample, rng: np.random.Generator) -> Variant:
    return _packed(sample, *variant(sample, rng), is_plain=False)


def _packed(sample: Sample, grey: np.ndarray, mask: np.ndarray, *, is_plain: bool) -> Variant:
    return Variant(grey, mask, sample.targets, sample.place_known, sample.patient, sample.source, is_plain)


def pretrained(data: Path) -> tuple[Trunk, Tail]:
    """Return trunk and tail with ImageNet weights; attention and classifier start at random."""
    trunk_state, block_state = split_imagenet({k: v.float() for k, v in load_file(data / IMAGENET).items()})
    trunk, tail = Trunk(), Tail()
    trunk.load_state_dict(trunk_state, strict=True)
    tail.block.load_state_dict(block_state, strict=True)
    torch.nn.init.zeros_(tail.attention.weight)
    torch.nn.init.constant_(tail.attention.bias, -3.0)  # few cells hold a lesion
    torch.nn.init.zeros_(tail.fc.bias)
    return trunk.eval().to(memory_format=torch.channels_last), tail.eval()


def main(argv: list[str] | None = None) -> None:
    """Hold patients out, train the trunk, choose the three checkpoints, write weights and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="real images (README.md, mri/, weights/)")
    parser.add_argument("--out", type=Path, required=True, help="folder for card.json and weights")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phantoms", type=int, default=Amounts.phantoms)
    parser.add_argument("--trunk-steps", type=int, default=Recipe.trunk_steps)
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    chosen = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(chosen.seed)

    start = time.perf_counter()
    amounts = Amounts(phantoms=chosen.phantoms)
    recipe = Recipe(epochs=chosen.epochs, trunk_steps=chosen.trunk_steps, seed=chosen.seed)
    slices, held_out = samples(chosen.data, amounts, chosen.seed)
    trunk, tail = pretrained(chosen.data)
    tune_trunk(trunk, tail, [sample for sample in slices if sample.patient not in held_out], recipe)
    features = extract(trunk, variants(slices, amounts, chosen.seed), SlicePreprocessing())
    validation = choose_checkpoints(tail, features, held_out, recipe)
    _log.info("held-out patients: %s", validation.summary)
    evidence = Evidence(features, held_out, validation, recipe, amounts, time.perf_counter() - start)
    publish(chosen.out, trunk, evidence)


if __name__ == "__main__":
    main()
