"""The compressed breast of the mammogram phantom: outline, thickness, pectoral muscle and parenchyma.

Everything is drawn in a canonical frame: chest wall along column 0, nipple to the right, lateral (CC) or upper (MLO)
side at the top. Right breasts are mirrored at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from inference.phantoms.noise import power_law

# Compressed thickness from dense to fatty breasts: VICTRE trial (Badano et al., JAMA Netw Open 2018).
THICKNESS_MM = {"A": 60.0, "B": 55.0, "C": 45.0, "D": 35.0}
GLANDULAR_SHARE = {"A": 0.06, "B": 0.20, "C": 0.42, "D": 0.68}


@dataclass(frozen=True)
class CompressedBreast:
    """Size and density of one breast; the two views share it.

    Attributes
    ----------
    depth_mm
        Chest wall to nipple.
    half_height_mm
        Half the extent along the chest wall in CC.
    density
        BI-RADS A to D.
    exponent
        β of the parenchyma's power spectrum.
    """

    depth_mm: float
    half_height_mm: float
    density: str
    exponent: float
    muscle_mm: float
    muscle_length_mm: float
    seed: int

    @property
    def thickness_mm(self) -> float:
        """Compressed thickness."""
        return THICKNESS_MM[self.density]


@dataclass(frozen=True)
class Detector:
    """The detector; the default covers 216 × 180 mm.

    Attributes
    ----------
    shape, pixel_mm
        Rows and columns, and their spacing.
    marker
        Whether a lead marker writes side and view into the air of the image.
    dust
        Number of white specks, as on scanned films.
    """

    shape: tuple[int, int] = (2294, 1914)
    pixel_mm: float = 0.0941
    marker: bool = False
    dust: int = 0


@dataclass(frozen=True)
class Field:
    """Geometry of one view: detector, breast, and where the nipple is (row, column)."""

    detector: Detector
    view: str
    breast: CompressedBreast

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.detector.shape

    @property
    def pixel_mm(self) -> float:
        """Spacing of rows and columns."""
        return self.detector.pixel_mm

    @property
    def nipple(self) -> tuple[float, float]:
        """Row and column of the nipple."""
        share = 0.5 if self.view == "CC" else 0.60
        return share * self.shape[0], self.breast.depth_mm / self.pixel_mm

    def skin_column(self) -> np.ndarray:
        """Return for each row the column of the skin; below 0 where the row passes outside the breast."""
        rows, (nipple_row, nipple_column) = self.shape[0], self.nipple
        y = np.arange(rows, dtype=float)
        if self.view == "CC":
            u = (y - nipple_row) * self.pixel_mm / self.breast.half_height_mm
            return nipple_column * np.clip(1 - np.abs(u) ** 2.2, 0, None) ** 0.57 - 2 * (np.abs(u) > 1)
        lower = rows - nipple_row
        knots = np.array(
            [
                -0.1 * rows,
                0.22 * rows,
                nipple_row - 0.13 * rows,
                nipple_row,
                nipple_row + 0.35 * lower,
                nipple_row + 0.62 * lower,
                nipple_row + 0.79 * lower,
                nipple_row + 0.88 * lower,
                1.05 * rows,
            ]
        )
        reach = np.array([0.60, 0.74, 0.94, 1.0, 0.93, 0.75, 0.50, 0.33, 0.20])
        return nipple_column * PchipInterpolator(knots, reach)(y)

    def inside(self) -> np.ndarray:
        """Return the outline of the breast with its nipple, bool (rows, columns)."""
        columns = np.arange(self.shape[1])[None]
        row, column = self.nipple
        sigma = 2.5 / self.pixel_mm
        mask = (columns < self.skin_column()[:, None]).astype(np.float32)
        mask = cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) > 0.5
        rows = np.arange(self.shape[0])[:, None]
        bump = 3.4 / self.pixel_mm * np.exp(-(((rows - row) * self.pixel_mm / 4.6) ** 4))
        nipple = (columns < column + bump) & (columns > column - sigma) & (bump > 1)
        joined = cv2.GaussianBlur((mask | nipple).astype(np.float32), (0, 0), 0.7 / self.pixel_mm)
        return mask | (joined > 0.5)

    def radial(self) -> tuple[np.ndarray, np.ndarray]:
        """Return distance from the nipple in mm and the angle seen from it, each (rows, columns)."""
        row, column = self.nipple
        dy = (np.arange(self.shape[0], dtype=np.float32)[:, None] - np.float32(row)) * np.float32(self.pixel_mm)
        dx = (np.float32(column) - np.arange(self.shape[1], dtype=np.float32)[None]) * np.float32(self.pixel_mm)
        return np.hypot(dy, dx), np.arctan2(dy, dx)


def draw_breast(rng: np.random.Generator) -> CompressedBreast:
    """Draw one breast; densities A to D in the proportions 10/40/40/10 of screening."""
    return CompressedBreast(
        depth_mm=rng.uniform(82, 118),
        half_height_mm=rng.uniform(86, 106),
        density=str(rng.choice(list("ABCD"), p=(0.1, 0.4, 0.4, 0.1))),
        exponent=float(np.clip(rng.normal(3.1, 0.2), 2.6, 3.5)),
        muscle_mm=rng.uniform(32, 48),
        muscle_length_mm=rng.uniform(95, 150),
        seed=int(rng.integers(2**31)),
    )


def skin_distance_mm(inside: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Return the distance to the air in mm, float32 (rows, columns); the image border is not air."""
    return cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * np.float32(pixel_mm)


def thickness_map_mm(field: Field, skin_mm: np.ndarray) -> np.ndarray:
    """Return the thickness under the paddle: flat, rounded off towards the skin."""
    full = field.breast.thickness_mm
    edge = np.clip(skin_mm / (0.27 * full), 0, 1)
    return full * np.sqrt(1 - (1 - edge) ** 2)


def muscle_map(field: Field, rng: np.random.Generator) -> np.ndarray:
    """Return the pectoral muscle, 0 to 1 (rows, columns): a wedge above in MLO, a sliver at most in CC."""
    y = np.arange(field.shape[0], dtype=np.float32)[:, None] * np.float32(field.pixel_mm)
    x = np.arange(field.shape[1], dtype=np.float32)[None] * np.float32(field.pixel_mm)
    if field.view == "CC":
        middle, length, width = field.shape[0] * field.pixel_mm * 0.5, 34.0, rng.uniform(-14, 2)
        edge = width - 8 * ((y - middle) / length) ** 2
    else:
        t = np.clip(y / field.breast.muscle_length_mm, 0, 1.2)
        edge = field.breast.muscle_mm * (1 - t) * (1 + 0.28 * t) + 1.2 * np.sin(y / rng.uniform(14, 22))
        edge = np.where(t < 1.2, edge, -10)
    return np.clip((edge - x) / 2.2 + 0.5, 0, 1)


def muscle_share(field: Field, rng: np.random.Generator) -> np.ndarray:
    """Return how dense the muscle is along each ray: streaked, thinning out downwards and towards its edge."""
    y = np.linspace(0, 1, field.shape[0], dtype=np.float32)[:, None]
    x = np.arange(field.shape[1], dtype=np.float32)[None] * np.float32(field.pixel_mm)
    streaks = _half_resolution(rng, field, 3.2, 10)
    return np.clip(0.46 - 0.26 * y - 0.0028 * x + 0.035 * streaks, 0.05, 1)


def dense_share(field: Field, skin_mm: np.ndarray, muscle: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the share of fibroglandular tissue along each ray, 0 to 1: clouds in a fan from the nipple."""
    breast, pixel = field.breast, field.pixel_mm
    clouds = power_law(rng, field.shape, breast.exponent, 30 / pixel)
    away, angle = field.radial()
    fan = np.exp(-((angle / 0.95) ** 4)) * np.clip((away - 2) / 14, 0, 1)
    fan = fan * np.clip((1.0 - away / breast.depth_mm) / 0.5, 0, 1)
    room = np.clip((skin_mm - 4.0 - 1.2 * clouds) / 12.0, 0, 1) * (1 - muscle)
    lobes = _half_resolution(rng, field, 3.6, 70)
    level = 0.95 * lobes + 0.14 * clouds + 1.9 * (fan - 0.75) + 2.8 * (GLANDULAR_SHARE[breast.density] - 0.36)
    dense = room * fan**0.4 / (1 + np.exp(-np.clip(level / 0.75, -30, 30)))
    # Fibrous septa: where smooth noise crosses zero lies a net of curved lines, stronger in the gland than in the fat.
    net = np.zeros(field.shape, np.float32)
    for outer_mm, width, weight in ((26, 0.12, 0.20), (11, 0.20, 0.14)):
        smooth = _half_resolution(rng, field, 6.5, outer_mm)
        net += weight * np.exp(-((smooth / width) ** 2)) * np.clip(0.5 + 0.5 * np.roll(clouds, 97), 0, 1.5)
    fabric = dense * (0.46 + 0.085 * clouds) + net * room * (0.25 + 0.75 * dense)
    return (fabric + 0.022 * clouds * (1 - muscle)).astype(np.float32)


def _half_resolution(rng: np.random.Generator, field: Field, exponent: float, outer_mm: float) -> np.ndarray:
    """Return smooth power-law noise drawn on half the matrix: it has no detail that would be lost."""
    rows, columns = field.shape
    small = power_law(rng, ((rows + 1) // 2, (columns + 1) // 2), exponent, outer_mm / field.pixel_mm / 2)
    return cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)


def strands_mm(field: Field, skin_mm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ligaments, ducts and vessels as millimetres of fibrous tissue, (rows, columns)."""
    total = np.zeros(field.shape, np.float32)
    # count, width in mm, tissue in mm, blur in mm, share that runs to the nipple
    families = (
        (1500, 0.25, 3.2, 0.18, 0.72),
        (420, 0.55, 4.5, 0.4, 0.75),
        (90, 1.6, 5.0, 1.2, 0.85),
        (6, 1.4, 4.5, 0.35, 0.4),
    )
    for count, width, tissue, blur, aligned in families:
        layer = np.zeros(field.shape, np.uint8)
        for _ in range(count):
            _draw_strand(layer, field, rng, width, aligned)
        soft = cv2.GaussianBlur(layer, (0, 0), max(0.6, blur / field.pixel_mm))
        total += soft.astype(np.float32) * np.float32(tissue / 255)
    return total * np.clip((skin_mm - 1.5) / 6, 0, 1)


def _draw_strand(layer: np.ndarray, field: Field, rng: np.random.Generator, width_mm: float, aligned: float) -> None:
    """Draw one winding line into an 8-bit layer."""
    rows = field.shape[0]
    nipple = np.array(field.nipple[::-1])
    point = np.array([rng.uniform(0, nipple[0]), rng.uniform(0.04, 0.96) * rows])
    heading = np.arctan2(*(nipple - point)[::-1]) if rng.random() < aligned else rng.uniform(0, np.pi)
    heading += rng.normal(0, 0.35)
    length = rng.uniform(8, 48) / field.pixel_mm
    turns = np.cumsum(rng.normal(0, 0.08, 14)) + rng.normal(0, 0.05) * np.arange(14)
    steps = length / 14 * np.stack([np.cos(heading + turns), np.sin(heading + turns)], axis=1)
    path = point + np.cumsum(steps, axis=0)
    thickness = max(1, round(width_mm / field.pixel_mm * rng.uniform(0.6, 1.4)))
    points = np.round(path * 16).astype(np.int32)[None]
    cv2.polylines(layer, points, False, int(rng.uniform(50, 255)), thickness, cv2.LINE_AA, shift=4)
