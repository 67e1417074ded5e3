"""Renderer: draws a scene off-screen with VTK and returns the picture. Imported with the first volume view."""

from __future__ import annotations

import numpy as np
import vtkmodules.vtkRenderingOpenGL2
import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401 - registers the volume mappers
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkLogger, vtkUnsignedCharArray
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer, vtkRenderWindow

from viewer.volume3d.orbit import Orbit
from viewer.volume3d.props import SurfaceProp, VolumeProp
from viewer.volume3d.scene import Scene3D, SceneImage, VolumeViewError
from viewer.volume3d.surface import Mesh, surface_of

SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software", "swiftshader", "gdi generic", "basic render")
FAR_MM = 10_000.0
PEELS = 6  # translucent surfaces behind each other that are told apart
NO_OPENGL = (
    "The volume view needs OpenGL 3.2, which this computer does not offer. "
    "Update the graphics driver, or on Linux install Mesa (libgl1, libegl1). The slices are not affected."
)


class Renderer:
    """An off-screen window of VTK.

    Attributes
    ----------
    hardware
        Whether a graphics card draws; otherwise volumes are cast by the processor.
    device
        Name of what draws.

    Raises
    ------
    VolumeViewError
        If no OpenGL context can be made.
    """

    def __init__(self) -> None:
        vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)  # what fails is said in the view
        self._window = vtkRenderWindow()
        self._window.SetOffScreenRendering(True)
        self._window.SetMultiSamples(0)
        self._window.SetSize(64, 64)
        if not self._window.SupportsOpenGL():
            raise VolumeViewError(NO_OPENGL)
        self._scene, self._front = vtkRenderer(), vtkRenderer()
        self._scene.SetBackground(0, 0, 0)
        self._scene.GetActiveCamera().ParallelProjectionOn()
        self._front.SetActiveCamera(self._scene.GetActiveCamera())
        self._front.SetLayer(1)  # surfaces lie over the volume: tissue of their own would hide them
        self._front.SetUseDepthPeeling(True)  # translucent ones in the order of their depth
        self._front.SetMaximumNumberOfPeels(PEELS)
        self._front.SetOcclusionRatio(0.0)
        self._window.SetAlphaBitPlanes(True)
        self._window.SetNumberOfLayers(2)
        for renderer in (self._scene, self._front):
            _light(renderer)
            self._window.AddRenderer(renderer)
        self._window.Render()
        self.device = _device(self._window.ReportCapabilities())
        self.hardware = bool(self.device) and not any(name in self.device.lower() for name in SOFTWARE)
        self._volume: VolumeProp | None = None
        self._surfaces: dict[str, SurfaceProp] = {}

    @property
    def meshes(self) -> tuple[Mesh, ...]:
        """The surfaces drawn."""
        return tuple(prop.mesh for prop in self._surfaces.values())

    def mesh(self, uid: str) -> Mesh | None:
        """Return the surface of a mask."""
        known = self._surfaces.get(uid)
        return known.mesh if known is not None else None

    def show(self, scene: Scene3D) -> None:
        """Take a scene; what is as it was is kept."""
        self._show_image(scene.image)
        shown = {mask.uid: mask for mask in scene.masks if mask.visible}
        for uid in [uid for uid, prop in self._surfaces.items() if prop.mask != shown.get(uid)]:
            self._remove(self._surfaces.pop(uid))
        for uid, mask in shown.items():
            if uid not in self._surfaces:
                self._surfaces[uid] = made = SurfaceProp(surface_of(mask.volume), mask)
                self._scene.AddActor(made.inside)
                self._front.AddActor(made.over)
            if scene.image is not None:
                self._surfaces[uid].show(scene.image.mode)

    def _remove(self, prop: SurfaceProp) -> None:
        for renderer, actor in ((self._scene, prop.inside), (self._front, prop.over)):
            renderer.RemoveActor(actor)
            actor.ReleaseGraphicsResources(self._window)

    def _show_image(self, image: SceneImage | None) -> None:
        old = self._volume
        if old is not None and image is not None and old.image.volume is image.volume:
            old.show(image)
            return
        if old is not None:
            self._scene.RemoveVolume(old.volume)
            old.volume.ReleaseGraphicsResources(self._window)
            self._volume = None
        if image is not None:
            self._volume = VolumeProp(image, hardware=self.hardware)
            self._scene.AddVolume(self._volume.volume)

    def draw(self, orbit: Orbit, width: int, height: int, *, coarse: bool = False) -> np.ndarray:
        """Return the picture, uint8 RGB (height, width, 3), first row uppermost."""
        camera = self._scene.GetActiveCamera()
        focus, back = orbit.focus_mm, orbit.axes[2]
        camera.SetFocalPoint(*focus)
        camera.SetPosition(*(focus + FAR_MM / 2 * back))
        camera.SetViewUp(*orbit.axes[1])
        camera.SetParallelScale(orbit.height_mm / 2)
        self._window.SetSize(width, height)
        if self._volume is not None:
            self._volume.sample(coarse)
        self._clip()
        self._window.Render()
        pixels = vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels)
        return vtk_to_numpy(pixels).reshape(height, width, 4)[::-1, :, :3].copy()

    def _clip(self) -> None:
        """Let the camera see everything: both layers share it."""
        bounds = [renderer.ComputeVisiblePropBounds() for renderer in (self._scene, self._front)]
        known = np.array([b for b in bounds if b[0] <= b[1]])
        if len(known):
            low, high = known[:, ::2].min(axis=0), known[:, 1::2].max(axis=0)
            self._scene.ResetCameraClippingRange(tuple(np.stack((low, high), axis=1).ravel()))

    def close(self) -> None:
        """Give the graphics memory back."""
        self._window.Finalize()


def _light(renderer: vtkRenderer) -> None:
    """Light from above the viewer's left shoulder."""
    renderer.AutomaticLightCreationOff()
    light = vtkLight()
    light.SetLightTypeToCameraLight()
    light.SetPosition(-0.3, 0.45, 1.0)
    light.SetFocalPoint(0, 0, 0)
    renderer.AddLight(light)


def _device(capabilities: str) -> str:
    lines = [line for line in capabilities.splitlines() if line.lower().startswith("opengl renderer string")]
    return lines[0].partition(":")[2].strip() if lines else ""
