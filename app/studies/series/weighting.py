"""Weighting: what an MR stack is by its pulse sequence (T1, T2, diffusion, ADC); names only where that is not told."""

from __future__ import annotations

import re

from app.studies.files import tags
from app.studies.series.mr import timing_of
from app.studies.series.stacking import StackFacts

# Echo and repetition times in ms that part T1- from T2-weighted images at 1.5 and 3 T; fluid-sensitive breast
# sequences have echo times of 60 to 120, dynamic T1 ones below 5, T1 spin echo below 20.
_T2_ECHO, _T2_REPETITION = 50.0, 1500.0
_T1_ECHO, _T1_REPETITION = 20.0, 1000.0
_START, _END = r"(?<![a-z0-9])", r"(?![a-z0-9])"
_ADC = re.compile(rf"{_START}e?adc{_END}|apparent diff", re.IGNORECASE)
_DIFFUSION = re.compile(rf"{_START}(dwi\w*|diff\w*|ep2d\w*|resolve|zoomit)", re.IGNORECASE)
_T2 = re.compile(rf"{_START}(t2(?!\*|star)\w*|stir\w*|tirm\w*|spair)", re.IGNORECASE)
_T1 = re.compile(rf"{_START}t1\w*", re.IGNORECASE)
# Fat is dark by other means than a saturation pulse (spectral inversion, water excitation), or by separation.
_SUPPRESSED = re.compile(rf"{_START}(spair|spir|fat ?sat\w*|fs|water ?exc\w*|we|proset){_END}", re.IGNORECASE)
_DIXON = re.compile(rf"{_START}(\w*dixon\w*|ideal|lava ?flex|vibrant ?flex){_END}", re.IGNORECASE)
_B_VALUE = re.compile(rf"{_START}b[ =-]?(\d{{1,4}}){_END}", re.IGNORECASE)


def weighting_of(stack: StackFacts) -> tuple[str, float | None]:
    """Return weighting and b-value in s/mm², see :class:`app.studies.study.Stack`."""
    header, title = stack.first.header, stack.stack.title.replace("_", " ")
    stated = stack.first.kind[2:3]
    b_value = stated[0] if stated and isinstance(stated[0], int | float) else None
    if "ADC" in stack.first.image_type or _ADC.search(title):
        return "ADC", None
    planar = "EP" in tags.texts(header, "ScanningSequence")
    if b_value is not None or planar or _DIFFUSION.search(title):
        return "DWI", float(b_value) if b_value is not None else _b_value_in(title)
    return _relaxation(stack, title), None


def fat_suppressed_of(stack: StackFacts) -> bool | None:
    """Return whether fat is suppressed; None where neither Scan Options (0018,0022) nor the name tell.

    FS in Scan Options says so; other options without it say that it is not, unless the name speaks of another way to
    make fat dark. Of images of a Dixon sequence the options do not tell.
    """
    options, title = tags.texts(stack.first.header, "ScanOptions"), stack.stack.title.replace("_", " ")
    if "FS" in {option.upper() for option in options} or _SUPPRESSED.search(title):
        return True
    return None if not options or _DIXON.search(title) else False


def _b_value_in(title: str) -> float | None:
    found = [float(value) for value in _B_VALUE.findall(title)]
    return found[0] if len(found) == 1 else None  # "b0 b50 b800" names a whole series, not one stack


def _relaxation(stack: StackFacts, title: str) -> str:
    repetition, echo, _ = timing_of(stack.first)
    if repetition is not None and echo is not None:
        if echo >= _T2_ECHO and repetition >= _T2_REPETITION:
            return "T2"
        if echo < _T1_ECHO and repetition < _T1_REPETITION:
            return "T1"
    if _T2.search(title):  # also STIR, whose echo may be short
        return "T2"
    return "T1" if _T1.search(title) else ""
