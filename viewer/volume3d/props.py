"""Props: volumes and surfaces of a scene as VTK props. Imported with the first volume view, never before."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPiecewiseFunction, vtkPlane
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
from vtkmodules.vtkRenderingCore import vtkActor, vtkColorTransferFunction, vtkPolyDataMapper, vtkVolume
from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper
from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkSmartVolumeMapper

from viewer.colours import rgb
from viewer.layers.types import MaskLayer
from viewer.volume3d.prepared import TOP, prepared
from viewer.volume3d.ray import shaded_opacity, unit_mm
from viewer.volume3d.scene import SceneImage
from viewer.volume3d.surface import Mesh, image_data, poly_data

# enhancing tissue: dark red, amber, ivory; lightness rises evenly, so that it reads without colour as well
TISSUE = ((0.0, "#7a2e22"), (0.3, "#c0683f"), (0.65, "#efc28c"), (1.0, "#fffaf0"))
FEATURE_ANGLE = 60.0
GHOST = 0.3  # how strongly a surface shines through the shaded tissue before it


class VolumeProp:
    """One volume on the graphics card, or in the ray caster's tables."""

    def __init__(self, image: SceneImage, *, hardware: bool) -> None:
        self.image, self.hardware = image, hardware
        known = prepared(image.volume)
        self.low, self.high, affine = known.low, known.high, known.affine
        self.spacing = np.linalg.norm(affine[:3, :3], axis=0)
        self.data = image_data(known.scaled, self.spacing)
        self.volume = vtkVolume()
        self.mapper = vtkSmartVolumeMapper() if hardware else vtkFixedPointVolumeRayCastMapper()
        if hardware:
            self.mapper.SetRequestedRenderModeToGPU()
        self.mapper.SetAutoAdjustSampleDistances(0)
        self.mapper.SetInputData(self.data)
        self.volume.SetMapper(self.mapper)
        self.volume.SetUserMatrix(_matrix(affine, self.spacing))
        self.show(image)

    def show(self, image: SceneImage) -> None:
        """Take another window, mode, threshold or opacity of the same volume."""
        self.image = image
        self.mapper.SetBlendMode({"shaded": 0, "mip": 1}[image.mode])  # vtkVolumeMapper::BlendModes
        self._cut(image.posterior_mm)
        ends = np.linspace(self.low, self.high, 256)
        properties = self.volume.GetProperty()
        properties.SetInterpolationTypeToLinear()
        properties.SetScalarOpacityUnitDistance(unit_mm(np.asarray(image.volume.affine, float)))
        shaded = image.mode == "shaded"
        properties.SetShade(shaded)
        properties.SetAmbient(0.45)
        properties.SetDiffuse(1.0)
        properties.SetSpecular(0.2)
        properties.SetSpecularPower(12.0)
        properties.SetColor(self._tissue() if shaded else self._white())
        opacity = shaded_opacity(ends, image) if shaded else _window(ends, image)
        properties.SetScalarOpacity(self._opacity(ends, opacity, image))

    def _cut(self, posterior_mm: float | None) -> None:
        """Leave out what lies farther back than an LPS y."""
        self.mapper.RemoveAllClippingPlanes()
        if posterior_mm is not None:
            plane = vtkPlane()
            plane.SetOrigin(0.0, posterior_mm, 0.0)
            plane.SetNormal(0.0, -1.0, 0.0)
            self.mapper.AddClippingPlane(plane)

    def sample(self, coarse: bool) -> None:
        """Take the distance between samples along a ray: half a voxel, or a whole one while the view is moving."""
        self.mapper.SetSampleDistance(float(self.spacing.min()) * (1.0 if coarse else 0.5))

    def _stored(self, value: float) -> float:
        return (value - self.low) * TOP / (self.high - self.low)

    def _opacity(self, ends: np.ndarray, opacity: np.ndarray, image: SceneImage) -> vtkPiecewiseFunction:
        """Return the opacity with exact corners: where the window or the tissue begins and ends."""
        made = vtkPiecewiseFunction()
        first = image.threshold if image.mode == "shaded" else image.low
        made.AddPoint(0.0, float(opacity[0]))
        made.AddPoint(float(TOP), float(opacity[-1]))
        last = max(image.high, first + 1e-6)
        full = min(image.opacity, 0.999) if image.mode == "shaded" else 1.0
        for value, height in ((first, 0.0), (last, full)):
            if self.low < value < self.high:
                made.AddPoint(self._stored(value), height)
        return made

    def _white(self) -> vtkColorTransferFunction:
        made = vtkColorTransferFunction()
        made.AddRGBPoint(0.0, 1.0, 1.0, 1.0)
        made.AddRGBPoint(float(TOP), 1.0, 1.0, 1.0)
        return made

    def _tissue(self) -> vtkColorTransferFunction:
        made = vtkColorTransferFunction()
        width = max(self.image.high - self.image.threshold, 1e-6)
        for place, colour in TISSUE:
            red, green, blue = (part / 255 for part in rgb(colour))
            made.AddRGBPoint(self._stored(self.image.threshold + place * width), red, green, blue)
        return made


class SurfaceProp:
    """A mask's surface in its colour: one actor among the tissue, hidden where tissue lies before it, and one over it.

    Attributes
    ----------
    inside
        Opaque, for the renderer of the tissue (shaded).
    over
        As opaque as the mask, for a layer of its own; faint where ``inside`` is drawn as well.
    """

    def __init__(self, mesh: Mesh, mask: MaskLayer) -> None:
        self.mesh, self.mask = mesh, mask
        normals = vtkPolyDataNormals()
        normals.SetInputData(poly_data(mesh))
        normals.SetFeatureAngle(FEATURE_ANGLE)
        normals.SplittingOff()
        mapper = vtkPolyDataMapper()
        mapper.SetInputConnection(normals.GetOutputPort())
        self.inside, self.over = _actor(mapper, mask, 1.0), _actor(mapper, mask, mask.opacity)

    def show(self, mode: str) -> None:
        """Take a way of drawing: a projection has no depth, so that surfaces lie over all of it."""
        shaded = mode == "shaded"
        self.inside.SetVisibility(shaded)
        self.over.GetProperty().SetOpacity(GHOST if shaded else self.mask.opacity)


def _actor(mapper: vtkPolyDataMapper, mask: MaskLayer, opacity: float) -> vtkActor:
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetColor(*(part / 255 for part in rgb(mask.colour)))
    look.SetOpacity(opacity)
    look.SetAmbient(0.2)
    look.SetDiffuse(0.8)
    look.SetSpecular(0.25)
    look.SetSpecularPower(20.0)
    look.BackfaceCullingOn()  # a translucent surface would show its far side through the near one
    return actor


def _window(values: np.ndarray, image: SceneImage) -> np.ndarray:
    return np.clip((values - image.low) / max(image.high - image.low, 1e-6), 0.0, 1.0)


def _matrix(affine: np.ndarray, spacing: np.ndarray) -> vtkMatrix4x4:
    """Return the matrix from (x, y, z) = (i, j, k) × spacing to LPS mm."""
    matrix = vtkMatrix4x4()
    for row in range(3):
        for column, axis in enumerate((2, 1, 0)):
            matrix.SetElement(row, column, float(affine[row, axis] / spacing[axis]))
        matrix.SetElement(row, 3, float(affine[row, 3]))
    return matrix
