"""System 003 on the processor: one breast as the program reads it, next to plain float32 (measure on a quiet machine).

Goal: at most 2 s per breast (issue 4). The two must agree: malignancy within 0.02.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from inference.exam import DceExam
from inference.families import mri_curriculum as family
from inference.nets.curriculum_resnet import MALIGNANT, CurriculumResNet, initialise
from inference.phantoms.dynamic import make_dce
from inference.prepare.breast_crop import BreastPreprocessing
from inference.prepare.whole_breast import PreparedExam, prepare_breasts
from inference.progress import Progress


@pytest.fixture(scope="module")
def exam() -> DceExam:
    """A phantom of the size of an ordinary exam."""
    phantom = make_dce(7, size=(32, 400, 400), spacing_mm=(3.5, 0.85, 0.85), lesions=("IDC",))
    phases = (phantom.pre, *phantom.posts)
    return DceExam(phases, 0, (0.0, *phantom.seconds), t2=phantom.t2, orientation="axial")


@pytest.fixture(scope="module")
def prepared(exam: DceExam) -> PreparedExam:
    return prepare_breasts(exam, BreastPreprocessing(), Progress())


def model_of(seed: int) -> family.Model:
    """Return the network with random weights as the program runs it: time does not depend on what was learned."""
    torch.manual_seed(seed)
    network = CurriculumResNet()
    initialise(network)
    network = network.eval().requires_grad_(requires_grad=False).to(memory_format=torch.channels_last_3d)
    return family.Model(network, "cpu", family.arithmetic("cpu"))


class Plain(nn.Module):
    """The same network with torch's own first convolution and layers, float32, as a textbook writes it."""

    def __init__(self, network: CurriculumResNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return the two logits."""
        net = self.network
        active, pool = nn.LeakyReLU(0.01), nn.MaxPool3d(3, (2, 2, 1), 1)
        norm = nn.functional.instance_norm  # no parameters, no running statistics
        y = pool(active(norm(net.c1(x))))
        for number, stage in enumerate((net.c2, net.c3, net.c4, net.c5)):
            y = stage(pool(y) if number == 1 else y)
        return net.head(nn.functional.avg_pool3d(y, (2, 2, 1)).mean(dim=(2, 3, 4), keepdim=True)).flatten(1)


@pytest.mark.benchmark(group="system 003, the network on one breast")
def test_network_as_the_program_runs_it(benchmark: pytest.FixtureRequest, prepared: PreparedExam) -> None:
    model = model_of(seed=1)
    channels = torch.from_numpy(prepared.breasts[0].channels)[None]
    found = benchmark.pedantic(family.read_breast, args=(model, channels), rounds=5, warmup_rounds=1)
    with torch.inference_mode():
        plain = Plain(model.network.to(memory_format=torch.contiguous_format))(channels).softmax(1)[0, MALIGNANT]
    assert found.probability == pytest.approx(float(plain), abs=0.02)


@pytest.mark.benchmark(group="system 003, the network on one breast")
def test_network_in_plain_float32(benchmark: pytest.FixtureRequest, prepared: PreparedExam) -> None:
    model = model_of(seed=1)
    plain = Plain(model.network.to(memory_format=torch.contiguous_format))
    channels = torch.from_numpy(prepared.breasts[0].channels)[None]

    def read() -> Tensor:
        with torch.inference_mode():
            return plain(channels)

    assert benchmark.pedantic(read, rounds=3, warmup_rounds=1).shape == (1, 2)


@pytest.mark.benchmark(group="system 003, preparation of an exam (two breasts)")
def test_preparation(benchmark: pytest.FixtureRequest, exam: DceExam) -> None:
    args = (exam, BreastPreprocessing(), Progress())
    assert len(benchmark.pedantic(prepare_breasts, args=args, rounds=3, warmup_rounds=1).breasts) == 2
