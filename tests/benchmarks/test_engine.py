"""System 000 on the processor: one slice through three checkpoints, next to three whole networks."""

from __future__ import annotations

import pytest
import torch

from inference.exam import MriSlice
from inference.phantoms.mri import make_slice
from inference.registry import find_cards
from inference.run import run


@pytest.mark.benchmark(group="system 000, one slice")
def test_three_checkpoints_sharing_a_trunk(benchmark: pytest.FixtureRequest) -> None:
    (card,) = (card for card in find_cards() if card.family == "mri_attention")
    exam = MriSlice(make_slice(3).image, is_post_contrast=True, orientation="axial")
    run(card, exam, device="cpu")
    result = benchmark.pedantic(run, args=(card, exam), kwargs={"device": "cpu"}, rounds=15)
    assert len(result.scores) == 5


@pytest.mark.benchmark(group="system 000, one slice")
def test_three_whole_backbones(benchmark: pytest.FixtureRequest) -> None:
    from inference.nets.attention_resnet import AttentionResNet

    networks = [AttentionResNet().eval() for _ in range(3)]
    slice_ = torch.rand(1, 3, 240, 345)

    def naive() -> int:
        with torch.inference_mode():
            return len([network(slice_) for network in networks])

    assert benchmark.pedantic(naive, rounds=10, warmup_rounds=2) == 3
