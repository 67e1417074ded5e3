"""The first half of training system 000: the deeper layers of the trunk, once, for all three checkpoints."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence

import numpy as np
import torch

from inference.nets.attention_resnet import Prediction, Tail, Trunk
from inference.prepare.grid import reduce_mask
from inference.prepare.mri_slice import SlicePreprocessing, network_input
from inference.training.augment import planted, variant
from inference.training.dataset import Sample, contralateral
from inference.training.loop import Recipe, joint_loss

_log = logging.getLogger(__name__)
_SHARES = {"breastdm": 0.35, "contralateral": 0.1, "planted": 0.1, "ispy1": 0.1, "phantom": 0.35}


def tune_trunk(trunk: Trunk, tail: Tail, samples: Sequence[Sample], recipe: Recipe) -> None:
    """Train layer3, layer4 and the tail in place on random variants; the earlier layers and BatchNorm stay ImageNet's.

    Parameters
    ----------
    samples
        Training patients only.
    """
    rng = np.random.default_rng((recipe.seed, 300))
    deep = [*trunk.layer3.parameters(), *trunk.layer4.parameters(), *tail.block.parameters()]
    head = [*tail.attention.parameters(), *tail.fc.parameters()]
    optimiser = torch.optim.SGD(
        [{"params": deep, "lr": recipe.trunk_rate}, {"params": head, "lr": recipe.rate}],
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    steps = recipe.trunk_steps
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / 40) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    )
    tail.to(memory_format=torch.channels_last)
    by_source = {name: [s for s in samples if s.source == name] for name in ("breastdm", "ispy1", "phantom")}
    mean, start = 0.0, time.perf_counter()
    for step in range(steps):
        loss = _loss(trunk, tail, [_draw(by_source, rng) for _ in range(recipe.trunk_batch)], rng, recipe)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*deep, *head], 5.0)
        optimiser.step()
        schedule.step()
        mean = 0.95 * mean + 0.05 * loss.item()
        if step % 25 == 24:
            _log.info("trunk step %d of %d: loss %.3f, %.0f s", step + 1, steps, mean, time.perf_counter() - start)


def _loss(trunk: Trunk, tail: Tail, drawn: list[Sample], rng: np.random.Generator, recipe: Recipe) -> torch.Tensor:
    preprocessing = SlicePreprocessing()
    pairs = [variant(sample, rng) for sample in drawn]
    grey = torch.from_numpy(np.stack([pair[0] for pair in pairs]))
    cells = reduce_mask(
        torch.from_numpy(np.stack([pair[1] for pair in pairs])), preprocessing.target_grid, preprocessing.reduction
    )
    cells[[not sample.place_known for sample in drawn]] = torch.nan
    targets = torch.tensor([sample.targets for sample in drawn])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.no_grad():
            images = network_input(grey).to(memory_format=torch.channels_last)
            early = trunk.maxpool(trunk.relu(trunk.bn1(trunk.conv1(images))))
            early = trunk.layer2(trunk.layer1(early))
        logits, attention = tail(trunk.layer4(trunk.layer3(early)))
    return joint_loss(Prediction(logits.float(), attention.float()), targets, cells, recipe)


def _draw(by_source: dict[str, list[Sample]], rng: np.random.Generator) -> Sample:
    """Draw a kind of slice, then a patient, then one of the patient's slices."""
    kind = rng.choice(list(_SHARES), p=list(_SHARES.values()))
    pool = by_source["breastdm" if kind in ("contralateral", "planted") else kind]
    patients = sorted({sample.patient for sample in pool})
    patient = patients[rng.integers(len(patients))]
    own = [sample for sample in pool if sample.patient == patient]
    sample = own[rng.integers(len(own))]
    if kind == "contralateral":
        return contralateral(sample) or sample
    if kind == "planted":
        onto = contralateral(sample) if rng.random() < 0.5 else None
        return planted(sample, rng, onto or sample)
    return sample
