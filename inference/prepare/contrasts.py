"""The contrasts of system 002 on the slices of a dynamic exam: bias field taken out, grey values to a fixed range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import EngineError
from inference.prepare.bias_field import bias_field
from inference.prepare.contrast_choice import Offer
from inference.prepare.contrast_settings import CONTRASTS, TITLES, ContrastPreprocessing
from inference.prepare.deformation import to_image, with_geometry
from inference.prepare.lesion_patch import Window, sample
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.exam import DceExam

_STRIDE = 2  # every second row and column is looked at for the range of Sub: a percentile of millions needs no more
Range = tuple[float, float]


class ContrastPlanes:
    """Slices of chosen contrasts, scaled; made slice by slice, so that a long exam needs little memory.

    Parameters
    ----------
    exam
        With a known pre-contrast phase.
    wanted
        Names of contrasts that ``found`` says are there.
    settings, found, progress
        Keys, phases, and what is reported to while bias fields are estimated.

    Raises
    ------
    EngineError
        Where a volume shows nothing.
    """

    def __init__(
        self,
        exam: DceExam,
        wanted: tuple[str, ...],
        settings: ContrastPreprocessing,
        found: Offer,
        progress: Progress | None = None,
    ) -> None:
        self._settings = settings
        pre = exam.pre
        if pre is None:
            raise EngineError("Which phase was taken before the contrast agent is not known.")
        self._volumes: dict[str, Volume] = {"pre": pre}
        self._volumes |= {name: exam.posts[index] for name, index in found.posts.items()}
        if exam.t2 is not None and "t2" in wanted:
            self._volumes["t2"] = exam.t2
        self._fields: dict[str, np.ndarray] = {}
        self._ranges: dict[str, Range] = {}
        self._sub: Range = (-1.0, 1.0)
        self._fit(_needed(wanted), progress or Progress())
        self._t2 = self._resampled_t2() if "t2" in wanted else None

    def plane(self, name: str, k: int) -> np.ndarray:
        """Return a slice of a contrast, float32, scaled and clipped; NaN where there is padding or no T2."""
        if name == "sub":
            post1, pre = self._scaled("post1", k), self._scaled("pre", k)
            values = _stretched(post1 - pre if self._settings.subtraction == "post1-pre" else pre - post1, self._sub)
        elif name == "t2":
            values = _stretched(self._t2_plane(k), self._ranges["t2"])
        else:
            values = self._scaled(name, k)
        return np.clip(values, *self._settings.clip)

    def patch(self, contrasts: tuple[str, ...], window: Window) -> tuple[np.ndarray, float]:
        """Return a window of contrasts (contrasts, size, size) as stored, and the share of it that is padding, 0 to 1.

        Padding is black, or no change for Sub. Beyond the borders of the exam the image is mirrored.
        """
        spacing = self._volumes["pre"].spacing[1:]
        images, gaps = [], [np.zeros((1, 1))]
        for name in contrasts:
            plane = self.plane(name, window.k)
            gap = np.isnan(plane)
            if gap.any():
                gaps.append(sample(gap.astype(np.float32), window, spacing))
                plane = np.where(gap, np.float32(0.5 if name == "sub" else 0.0), plane)
            images.append(sample(plane, window, spacing))
        return np.stack(images), float(max(gap.mean() for gap in gaps))

    def _fit(self, needed: tuple[str, ...], progress: Progress) -> None:
        """Estimate the fields and ranges that are needed; those of T1pre serve all dynamics by default."""
        settings = self._settings
        every = "each" in (settings.bias, settings.scale)
        wanted = {name for name in needed if every or name == "t2"} - {"sub"} | {"pre"}
        own = [name for name in CONTRASTS if name in wanted]
        for number, name in enumerate(own):  # T1pre is the first: its field may serve the others
            part = progress.part(number / len(own), (number + 1) / len(own), f"{TITLES[name]}: ")
            try:
                self._fit_one(name, part)
            except EngineError as error:
                raise EngineError(f"{TITLES[name]}: {error}", error.hint) from error
        if "sub" in needed:
            self._sub = self._range_of_sub()

    def _fit_one(self, name: str, progress: Progress) -> None:
        settings, alone = self._settings, name in ("pre", "t2")
        progress.report(0.0, "bias field")
        if settings.bias == "each" or (settings.bias == "pre" and alone):
            self._fields[name] = bias_field(self._volumes[name], settings.shrink, progress)
        if settings.scale == "each" or alone:
            self._ranges[name] = self._range_of(name)

    def _range_of(self, name: str) -> Range:
        """Return the percentiles of a corrected volume."""
        count = self._volumes[name].spatial_shape[0]
        values = np.concatenate([self._corrected(name, k).ravel() for k in range(count)])
        values = values[np.isfinite(values)]
        if not values.size:
            raise EngineError("The volume has no valid pixel: all are padding.", "Choose another series.")
        low, high = (float(v) for v in np.percentile(values, self._settings.percentiles))
        if high <= low:  # few voxels differ from the rest: take what there is
            low, high = float(values.min()), float(values.max())
        if high <= low:
            raise EngineError(
                "The volume has the same value everywhere, so it shows nothing.", "Choose another series."
            )
        return low, high

    def _range_of_sub(self) -> Range:
        """Return a range symmetric about 0, of the scaled difference."""
        count = self._volumes["pre"].spatial_shape[0]
        thin = slice(None, None, _STRIDE)
        change = np.concatenate(
            [np.abs(self._scaled("post1", k) - self._scaled("pre", k))[thin, thin].ravel() for k in range(count)]
        )
        change = change[np.isfinite(change)]
        if not change.any():
            raise EngineError(
                "The first phase after contrast is the same as the one before it, so there is nothing to subtract.",
                "Choose which phase was taken before the contrast agent.",
            )
        most = max(float(np.percentile(change, self._settings.sub_percentile)), self._settings.sub_least)
        return -most, most

    def _scaled(self, name: str, k: int) -> np.ndarray:
        return _stretched(self._corrected(name, k), self._ranges[name if self._settings.scale == "each" else "pre"])

    def _corrected(self, name: str, k: int) -> np.ndarray:
        """Return a slice without its bias field, on its own grid; NaN where there is padding."""
        values = np.asarray(self._volumes[name].array[k], np.float32)
        values = np.where(np.isfinite(values), values, np.float32(np.nan))
        if self._settings.bias == "none":
            return values
        shared = self._settings.bias == "pre" and name != "t2"
        return values / self._fields["pre" if shared else name][k]

    def _resampled_t2(self) -> Any:
        """Return the corrected T2 as an image of SimpleITK."""
        t2 = self._volumes["t2"]
        values = np.stack([self._corrected("t2", k) for k in range(t2.spatial_shape[0])])
        return to_image(t2.with_array(values))

    def _t2_plane(self, k: int) -> np.ndarray:
        """Return T2 at the voxels of a dynamic slice, linear; NaN outside it."""
        import SimpleITK as sitk  # noqa: N813

        pre = self._volumes["pre"]
        rows, columns = pre.spatial_shape[1:]
        corner = np.asarray(pre.affine, float).copy()
        corner[:3, 3] += corner[:3, 0] * k
        grid = with_geometry(sitk.Image([columns, rows, 1], sitk.sitkFloat32), corner)
        plane = sitk.Resample(self._t2, grid, sitk.Transform(), sitk.sitkLinear, float("nan"))
        return sitk.GetArrayFromImage(plane)[0]


def _needed(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the contrasts and what they are made of."""
    more = ("pre", "post1") if "sub" in wanted else ()
    return tuple(dict.fromkeys((*wanted, *more)))


def _stretched(values: np.ndarray, limits: Range) -> np.ndarray:
    """Return values of which the limits become 0 and 1."""
    low, high = limits
    return (values - np.float32(low)) / np.float32(high - low)
