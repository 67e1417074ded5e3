"""Layers of kinetics: classes and parameter maps as what a pane draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from viewer.colours import KINETIC_CLASSES
from viewer.layers.types import ClassMapLayer, HeatmapLayer, MapClass

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.kinetics import KineticMaps, KineticSettings

# After Okabe and Ito (Color Universal Design, 2008): blue, yellow, vermillion are told apart with every kind of colour
# vision. Blue is their sky blue, since their dark blue (#0072B2) drowns in the dark image.
PERSISTENT, PLATEAU, WASHOUT = KINETIC_CLASSES
COLOURS = {1: PERSISTENT, 2: PLATEAU, 3: WASHOUT}
PARAMETER_TABLE = "viridis"
_LOW, _HIGH = 2.0, 98.0  # per cent of the values shown between the ends of the colour bar
_SAMPLE = 400_000


def class_layer(volume: Volume, settings: KineticSettings, opacity: float) -> ClassMapLayer:
    """Return the class map with a legend that states the thresholds."""
    change = f"{settings.change_percent:g} %"
    classes = (
        MapClass(3, f"Washout  < −{change}", WASHOUT),
        MapClass(2, f"Plateau  ± {change}", PLATEAU),
        MapClass(1, f"Persistent  > +{change}", PERSISTENT),
    )
    title = f"Kinetics ≥ {settings.peak_percent:g} %"
    return ClassMapLayer("kinetics/classes", title, volume, classes, opacity)


def parameter_layer(
    maps: KineticMaps, name: str, settings: KineticSettings, inside: np.ndarray | None = None
) -> HeatmapLayer:
    """Return a parameter map with its unit, ranged over what it holds; only inside a mask where one is given.

    Raises
    ------
    KineticsError
        Where it is not defined.
    """
    from inference.kinetics import PARAMETERS, KineticsError, parameter_map

    volume = parameter_map(maps, name, settings)
    if inside is not None:
        volume.array[~inside] = np.nan
    values = volume.array.reshape(-1)
    values = values[np.isfinite(values)]
    if not values.size:
        raise KineticsError(f"Nothing reaches {settings.peak_percent:g} % enhancement.", "Choose a lower threshold.")
    values = values[:: max(1, values.size // _SAMPLE)]
    low, high = (float(v) for v in np.percentile(values, [_LOW, _HIGH]))
    high = high if high > low else low + 1.0
    parameter = PARAMETERS[name]
    return HeatmapLayer(
        uid=f"kinetics/{name}",
        title=parameter.title,
        volume=volume,
        unit=parameter.unit,
        value_range=(_round(low), _round(high)),
        table=PARAMETER_TABLE,
        threshold=float("-inf"),
        through_all=False,
    )


def _round(value: float) -> float:
    """Return a value with two significant digits, for the ends of a colour bar."""
    return float(f"{value:.2g}")
