"""Sanity of maps: whether they point at what readers boxed, and whether they depend on what the model learned."""

from __future__ import annotations

from inference.sanity.quality import MapQuality, Rectangle, map_quality
from inference.sanity.randomisation import RandomisationCheck, RandomisedMap, randomisation_check

__all__ = ["MapQuality", "RandomisationCheck", "RandomisedMap", "Rectangle", "map_quality", "randomisation_check"]
