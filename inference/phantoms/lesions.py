"""Lesions of the MRI phantom: what each histology looks like and how it takes up contrast, drawn with overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.phantoms.anatomy import Anatomy
from inference.phantoms.noise import LatticeNoise


@dataclass(frozen=True)
class Histology:
    """How one histology is drawn; ranges are uniform, medians log-normal.

    Attributes
    ----------
    kind
        One of the types of SYSTEMS.md §1.1: OB, IDC, OM.
    frequency
        Cases of the JFR 2018 set (table 1), the weight within the type.
    radius_mm, irregularity, spicules
        Ranges.
    ktrans, kep
        Medians per minute; the spread is wide on purpose, so that no rule of thumb separates the types.
    rim, septa, clumped
        Probability of a dark core, of dark septa, of non-mass (clumped) shape.
    """

    name: str
    kind: str
    frequency: int
    radius_mm: tuple[float, float]
    irregularity: tuple[float, float]
    spicules: tuple[int, int]
    ktrans: float
    kep: float
    t2_ms: float = 85.0
    rim: float = 0.0
    septa: float = 0.0
    clumped: float = 0.0
    core: str = "tissue"

    @property
    def malignant(self) -> bool:
        """Whether the type is malignant (IDC or OM)."""
        return self.kind in ("IDC", "OM")


HISTOLOGIES = (
    Histology("fibroadenoma", "OB", 24, (3.8, 16), (0.04, 0.16), (0, 0), 0.30, 0.30, 125, rim=0.05, septa=0.6),
    Histology("cyst", "OB", 23, (3.5, 17), (0.02, 0.08), (0, 0), 0.05, 0.30, 320, rim=1.0, core="fluid"),
    Histology("intramammary node", "OB", 24, (3, 7.5), (0.05, 0.14), (0, 0), 0.50, 0.72, 95, rim=0.7, core="fat"),
    Histology("cytosteatonecrosis", "OB", 13, (4.5, 15), (0.12, 0.3), (0, 8), 0.30, 0.34, 80, rim=1.0, core="fat"),
    Histology("radial scar", "OB", 5, (4, 11), (0.2, 0.42), (4, 16), 0.26, 0.40, 75),
    Histology("proliferation", "OB", 19, (5, 17), (0.15, 0.4), (0, 3), 0.26, 0.32, 85, clumped=0.7),
    Histology("invasive ductal", "IDC", 82, (3.8, 17), (0.14, 0.38), (0, 16), 0.36, 0.95, 82, rim=0.4),
    Histology("lobular", "OM", 16, (4.5, 17), (0.25, 0.5), (4, 20), 0.28, 0.82, 78, clumped=0.35),
    Histology("triple negative", "OM", 18, (4.5, 17), (0.06, 0.22), (0, 4), 0.42, 1.10, 95, rim=0.7),
    Histology("intraductal", "OM", 5, (6, 18), (0.25, 0.5), (0, 2), 0.22, 0.55, 85, clumped=0.95),
    Histology("mucinous", "OM", 2, (5, 13), (0.06, 0.2), (0, 0), 0.16, 0.28, 180, rim=0.6),
)
# Log-normal spread of Ktrans and kep within a histology: wide enough to overlap, and even so the
# shape of the curve tells more than brightness or size: SYSTEMS.md §4.3 (a) and (b), see `acceptance.py`.
KTRANS_SPREAD, KEP_SPREAD = 0.46, 0.46
KINDS = ("MG", "OB", "IDC", "OM")
# Cases per type of the JFR 2018 set.
KIND_FREQUENCY = (104, 108, 82, 41)


@dataclass(frozen=True)
class Lesion:
    """One lesion, drawn: histology, place, shape and uptake (per minute; vp a fraction)."""

    histology: Histology
    breast: int
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    irregularity: float
    spicules: np.ndarray
    ktrans: float
    kep: float
    vp: float
    dark_core: float
    septa: bool
    clumped: bool
    seed: int

    @property
    def mean_radius_mm(self) -> float:
        """Radius of the sphere of the same volume."""
        return float(np.prod(self.radii_mm) ** (1 / 3))

    def inside_mm(self, axes: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Return roughly how deep each point of the grid (axes x, y, z) lies inside, shape (z, y, x)."""
        x, y, z = axes
        r = self.mean_radius_mm
        u = (x[None, None, :] - self.centre_mm[0]) / self.radii_mm[0]
        v = (y[None, :, None] - self.centre_mm[1]) / self.radii_mm[1]
        w = (z[:, None, None] - self.centre_mm[2]) / self.radii_mm[2]
        field = 1 - np.sqrt(u * u + v * v + w * w)
        field = field + self.irregularity * self._noise(0.85, 0).sample(x, y, z)
        field = field + 0.6 * self.irregularity * self._noise(0.36, 1).sample(x, y, z)
        if self.clumped:  # islands, not one mass
            field = np.minimum(field + 0.25, 0.35 * self._noise(0.30, 2).sample(x, y, z) + 0.08)
        return field * r

    def _noise(self, share: float, octave: int) -> LatticeNoise:
        return LatticeNoise(self.seed + octave, (max(1.2, share * self.mean_radius_mm),) * 3)

    def septa_field(self, axes: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Return 1 on dark septa, 0 elsewhere, shape (z, y, x)."""
        field = LatticeNoise(self.seed + 7, (max(2.5, 0.55 * self.mean_radius_mm),) * 3).sample(*axes)
        return np.exp(-((field / 0.16) ** 2))

    def grain(self, axes: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Return the heterogeneity of uptake, unit variance, shape (z, y, x)."""
        return LatticeNoise(self.seed + 9, (2.2, 2.2, 2.6)).sample(*axes)


def draw_histology(rng: np.random.Generator, kind: str) -> Histology:
    """Draw a histology of one type by its frequency."""
    choices = [histology for histology in HISTOLOGIES if histology.kind == kind]
    weights = np.array([histology.frequency for histology in choices], float)
    return choices[rng.choice(len(choices), p=weights / weights.sum())]


def draw_lesion(rng: np.random.Generator, anatomy: Anatomy, histology: Histology, breast: int) -> Lesion:
    """Draw one lesion of a histology within breast 0 (right) or 1 (left)."""
    radius = float(np.exp(rng.uniform(*np.log(histology.radius_mm))))
    radius = min(radius, 0.3 * anatomy.breasts[breast].scale_mm)
    stretch = rng.lognormal(0, 0.18 if not histology.clumped else 0.35, 3)
    radii = radius * stretch / np.prod(stretch) ** (1 / 3)
    kep = float(np.clip(histology.kep * rng.lognormal(0, KEP_SPREAD), 0.05, 3))
    # Ktrans and kep go together through ve, which cannot exceed the extracellular space.
    ktrans = float(min(histology.ktrans * rng.lognormal(0, KTRANS_SPREAD), 0.65 * kep))
    return Lesion(
        histology=histology,
        breast=breast,
        centre_mm=_draw_centre(rng, anatomy, breast, radius),
        radii_mm=(float(radii[0]), float(radii[1]), float(radii[2])),
        irregularity=float(rng.uniform(*histology.irregularity)),
        spicules=_draw_spicules(rng, int(rng.integers(histology.spicules[0], histology.spicules[1] + 1)), radius),
        ktrans=ktrans,
        kep=kep,
        vp=float(rng.uniform(0.015, 0.05)),
        dark_core=float(rng.uniform(0.6, 0.95)) if rng.random() < histology.rim else 0.0,
        septa=bool(rng.random() < histology.septa),
        clumped=bool(rng.random() < histology.clumped),
        seed=int(rng.integers(2**30)),
    )


def _draw_centre(rng: np.random.Generator, anatomy: Anatomy, index: int, radius: float) -> tuple[float, float, float]:
    """Draw a place with the lesion between skin and chest muscle, more often in the upper outer quadrant."""
    breast = anatomy.breasts[index]
    for _ in range(200):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        direction *= rng.random() ** 0.5 * 0.85
        outward = abs(direction[0]) if rng.random() < 0.6 else -abs(direction[0])
        y = -breast.projection_mm * (0.42 + 0.5 * direction[1])
        x = breast.centre_x_mm + breast.lean * -y + breast.side * outward * breast.half_width_mm
        z = (direction[2] + 0.08) * breast.half_height_mm * 0.85
        point = [np.array(value) for value in (x, y, z)]
        deep_enough = anatomy.depth_mm(*point) > 0.8 * radius + anatomy.skin_mm + 1
        if deep_enough and anatomy.chest_wall_mm(*point) < -0.8 * radius - 1 and breast.norm(*point) < 0.95:
            return (float(x), float(y), float(z))
    return (breast.centre_x_mm, -0.5 * breast.projection_mm, 0.0)


def _draw_spicules(rng: np.random.Generator, count: int, radius: float) -> np.ndarray:
    """Return points (x, y, z, radius) along spicules that leave the centre, mm, shape (points, 4)."""
    steps = np.arange(0.5, 1.0, 0.035)
    spicules = []
    for _ in range(count):
        direction = rng.normal(size=3) * (1, 1, 0.6)
        direction /= np.linalg.norm(direction)
        length = radius * rng.uniform(1.4, 2.6)
        bend = rng.normal(size=3) * 0.25
        line = length * (steps[:, None] * direction + (steps[:, None] ** 2) * bend)
        thickness = np.linspace(0.16, 0.05, steps.size) * radius**0.5 * 2.2
        spicules.append(np.column_stack([line, np.clip(thickness, 0.35, 1.4)]))
    return np.concatenate(spicules) if spicules else np.zeros((0, 4))
