"""Surface: a mask as a smooth closed mesh in LPS millimetres, that keeps its volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from highdicom import Volume

SMOOTHING_PASSES = 20
PASS_BAND = 0.08  # Taubin's windowed sinc: lower is smoother; volume is kept
MM3_PER_ML = 1000.0


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed surface.

    Attributes
    ----------
    vertices
        (n, 3) LPS mm.
    triangles
        (m, 3) indices, counter-clockwise seen from outside.
    """

    vertices: np.ndarray
    triangles: np.ndarray

    @property
    def volume_ml(self) -> float:
        """Enclosed volume, by the divergence theorem."""
        a, b, c = (self.vertices[self.triangles[:, n]] - self.vertices.mean(axis=0) for n in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6 / MM3_PER_ML


def surface_of(mask: Volume, *, smooth: bool = True) -> Mesh:
    """Return the surface of a binary mask (slices, rows, columns), half way between voxels inside and outside.

    Notes
    -----
    Flying edges (Schroeder, Maynard, Geveci, LDAV 2015), then windowed-sinc smoothing (Taubin, Zhang and Golub, ECCV
    1996), which does not shrink. An empty mask gives an empty mesh.
    """
    array = np.asarray(mask.array) != 0
    inside = np.argwhere(array)
    if not len(inside):
        return Mesh(np.empty((0, 3)), np.empty((0, 3), int))
    low = inside.min(axis=0)
    window = tuple(slice(int(a), int(b) + 1) for a, b in zip(low, inside.max(axis=0), strict=True))
    padded = np.pad(array[window], 1).astype(np.uint8)
    affine = np.asarray(mask.affine, float)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    points, triangles = _contour(padded, spacing, smooth)  # (x, y, z) = (i, j, k) × spacing
    index = points[:, ::-1] / spacing + low - 1
    vertices = index @ affine[:3, :3].T + affine[:3, 3]
    if np.linalg.det(affine[:3, :3]) > 0:  # k, j, i is a mirrored i, j, k
        triangles = triangles[:, ::-1]
    return Mesh(vertices, triangles)


def _contour(array: np.ndarray, spacing: np.ndarray, smooth: bool) -> tuple[np.ndarray, np.ndarray]:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkWindowedSincPolyDataFilter

    contour = vtkFlyingEdges3D()
    contour.SetInputData(image_data(array, spacing))
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    last = contour
    if smooth:
        last = vtkWindowedSincPolyDataFilter()
        last.SetInputConnection(contour.GetOutputPort())
        last.SetNumberOfIterations(SMOOTHING_PASSES)
        last.SetPassBand(PASS_BAND)
        last.BoundarySmoothingOff()
        last.FeatureEdgeSmoothingOff()
        last.NonManifoldSmoothingOn()
        last.NormalizeCoordinatesOn()
    last.Update()
    made = last.GetOutput()
    points = vtk_to_numpy(made.GetPoints().GetData()).astype(float)
    cells = vtk_to_numpy(made.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return points, cells.astype(int)


def image_data(array: np.ndarray, spacing: np.ndarray):
    """Return an array (slices, rows, columns) as vtkImageData, x along columns; spacing is given in array order, mm.

    The memory is shared: the image keeps the array alive.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    image = vtkImageData()
    image.SetDimensions(array.shape[2], array.shape[1], array.shape[0])
    image.SetSpacing(float(spacing[2]), float(spacing[1]), float(spacing[0]))
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array).reshape(-1), deep=0))
    return image


def poly_data(mesh: Mesh):
    """Return a mesh as vtkPolyData, LPS mm."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(mesh.vertices, np.float32), deep=1))
    polygons = vtkCellArray()
    offsets = numpy_to_vtkIdTypeArray(np.arange(0, 3 * len(mesh.triangles) + 1, 3), deep=1)
    polygons.SetData(offsets, numpy_to_vtkIdTypeArray(np.ascontiguousarray(mesh.triangles).reshape(-1), deep=1))
    made = vtkPolyData()
    made.SetPoints(points)
    made.SetPolys(polygons)
    return made
