"""Kinetics: time–intensity curves, classes and parameter maps of dynamic contrast-enhanced breast MRI.

Terms follow the ACR BI-RADS atlas, 5th edition (2013), MRI lexicon, "Kinetic curve assessment": the *initial phase* is
the enhancement within the first two minutes after injection or until the curve starts to change, the *delayed phase*
what comes after; the delayed phase is persistent, plateau or washout.
"""

from inference.kinetics.classes import KineticClass, KineticSettings, classify
from inference.kinetics.curve import Curve, curve_of
from inference.kinetics.lesion import Lesion, lesion_at
from inference.kinetics.maps import KineticMaps, Noise, compute, noise_of
from inference.kinetics.parameters import PARAMETERS, Parameter, parameter_map
from inference.kinetics.phases import KineticsError, Phases
from inference.kinetics.region import AnyRegion, MaskedRegion, Region
from inference.kinetics.report import ClassReport, report_of
from inference.kinetics.timing import TimeBase, time_base

__all__ = [
    "PARAMETERS",
    "AnyRegion",
    "ClassReport",
    "Curve",
    "KineticClass",
    "KineticMaps",
    "KineticSettings",
    "KineticsError",
    "Lesion",
    "MaskedRegion",
    "Noise",
    "Parameter",
    "Phases",
    "Region",
    "TimeBase",
    "classify",
    "compute",
    "curve_of",
    "lesion_at",
    "noise_of",
    "parameter_map",
    "report_of",
    "time_base",
]
