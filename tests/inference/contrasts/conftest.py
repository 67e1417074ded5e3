"""Small dynamic exams with a bright lesion in any geometry, and a toy model of system 002."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inference.card import ModelCard, load_card
from inference.exam import DceExam, LesionInput
from inference.nets.contrast_resnet import ContrastResNet
from inference.prepare.contrast_settings import SUBSETS

FRAME = "1.2.826.0.1"
SHAPE = (10, 72, 80)


def turned(degrees: tuple[float, float, float]) -> np.ndarray:
    """Rotation about x, y and z."""
    a, b, c = np.radians(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def affine(
    spacing: tuple[float, float, float] = (3.0, 1.0, 1.0), degrees: tuple = (0, 0, 0), start: tuple = (-40, -110, 15)
) -> np.ndarray:
    """Axial (slice, row, column) to LPS mm, slices from feet to head, turned about the origin."""
    made = np.eye(4)
    made[:3, :3] = turned(degrees) @ np.array([[0, 0, 1.0], [0, 1.0, 0], [1.0, 0, 0]]) @ np.diag(spacing)
    made[:3, 3] = start
    return made


def volume(values: np.ndarray, geometry: np.ndarray) -> hd.Volume:
    return hd.Volume(values, geometry, "PATIENT", frame_of_reference_uid=FRAME)


def box(geometry: np.ndarray, low: tuple, high: tuple, title: str = "Box 1", shape: tuple = SHAPE) -> LesionInput:
    """A box of voxels of an exam, both ends included, as a mask of its own small grid."""
    low_, high_ = np.array(low), np.array(high)
    own = geometry.copy()
    own[:3, 3] += geometry[:3, :3] @ low_
    assert (high_ < shape).all()
    return LesionInput(title, title, "box", volume(np.ones(high_ - low_ + 1, np.uint8), own))


@pytest.fixture
def make_exam() -> Callable[..., DceExam]:
    """Return an exam: a disc of tissue, a lesion at voxels (4–6, 34–41, 36–43) that enhances and washes out."""

    def make(geometry: np.ndarray | None = None, *, posts: int = 4, t2: bool = True, **changes: Any) -> DceExam:
        geometry = affine() if geometry is None else geometry
        rng = np.random.default_rng(4)
        _, y, x = np.indices(SHAPE)
        tissue = ((y - 36) ** 2 + (x - 40) ** 2 < 32**2) * 400.0
        lesion = np.zeros(SHAPE, bool)
        lesion[4:7, 34:42, 36:44] = True
        rises = (1.0, 2.4, 2.2, 2.0, 1.9)[: posts + 1]
        phases = tuple(
            volume(
                np.rint(np.where(lesion, tissue * rise, tissue) + rng.normal(60, 6, SHAPE)).astype(np.uint16), geometry
            )
            for rise in rises
        )
        large = geometry.copy()
        large[:3, :3] *= 1.25
        weighted = volume(np.rint(np.abs(rng.normal(300, 90, SHAPE))).astype(np.uint16), large)
        parts: dict[str, Any] = {
            "pre_index": 0,
            "seconds": (0.0, *(100.0 + 90 * n for n in range(posts))),
            "t2": weighted if t2 else None,
            "lesions": (box(geometry, (4, 34, 36), (6, 41, 43)),),
            "orientation": "axial",
        }
        return DceExam(phases, **{**parts, **changes})

    return make


def card_in(folder: Path, subsets: list[dict] | None = None, **preprocessing: Any) -> ModelCard:
    """Write a model with random weights as a real one is written."""
    torch.manual_seed(5)
    network = ContrastResNet()
    torch.nn.init.normal_(network.fc.weight, std=0.4)
    state = {key: value.half() for key, value in network.state_dict().items() if "num_batches" not in key}
    save_file(state, folder / "resnet34.safetensors")
    data = (folder / "resnet34.safetensors").read_bytes()
    ranked = subsets or [{"contrasts": list(subset)} for subset in SUBSETS]
    content = {
        **dict.fromkeys(("version", "paper", "note", "licence"), "toy"),
        "id": "toy-002",
        "title": "Toy",
        "family": "mri_contrasts",
        "accepts": {"exam": "DceExam", "modality": ["MR"], "orientation": ["axial"], "needs_pre": True},
        "preprocessing": preprocessing,
        "outputs": [{"name": "malignant", "title": "Malignant", "operating_point": 0.5}],
        "interpretation": {"subsets": ranked},
        "training": {},
        "metrics": {},
        "weights": [{"file": "resnet34.safetensors", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}],
    }
    (folder / "card.json").write_text(json.dumps(content))
    return load_card(folder)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    """A card with all 35 subsets in their plain order."""
    return card_in(tmp_path_factory.mktemp("toy002"))


@pytest.fixture(scope="session")
def helpers() -> Any:
    """The functions of this file: tests are not importable packages."""
    import types

    return types.SimpleNamespace(affine=affine, box=box, volume=volume, card_in=card_in, shape=SHAPE, frame=FRAME)
