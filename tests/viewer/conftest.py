"""Small volumes, layers and panes for the tests of the glass."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from highdicom import Volume

from viewer.grid import ViewerGrid
from viewer.layers.types import ImageLayer, PaneContent
from viewer.pane import Pane
from viewer.presentation import Presentation, VoiFunction, Window

AXIAL = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)  # k up, j to posterior, i to left


def affine(spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)):
    matrix = AXIAL @ np.diag((*spacing, 1.0))
    matrix[:3, 3] = origin
    return matrix


def volume(array, matrix=None, frame="1.2.3"):
    return Volume(array, affine() if matrix is None else matrix, "PATIENT", frame_of_reference_uid=frame)


def identity_window(top=255):
    return Presentation((Window(top / 2, float(top), VoiFunction.LINEAR_EXACT),))


def content(array, matrix=None, frame="1.2.3", uid="image", presentation=None, **parts):
    layer = ImageLayer(uid, volume(array, matrix, frame), presentation or identity_window())
    return PaneContent(layer, **parts)


def pixels(image):
    """RGB of a QImage as an array (height, width, 3)."""
    buffer = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return buffer[:, : image.width(), 2::-1].copy()


@pytest.fixture
def make():
    """The builders above, as a fixture, since test modules import nothing from each other."""
    return SimpleNamespace(
        affine=affine, volume=volume, content=content, pixels=pixels, identity_window=identity_window
    )


@pytest.fixture
def pane(qtbot):
    widget = Pane()
    widget.resize(300, 200)
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.fixture
def grid(qtbot):
    widget = ViewerGrid()
    widget.resize(601, 401)
    qtbot.addWidget(widget)
    widget.show()
    return widget
