"""Priors: earlier mammography exams of the same patient among the open studies."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.studies.hanging.exam import mammograms_of
from app.studies.study import Study

#: Identifiers that de-identification leaves alike in everybody's files.
_NOBODY = frozenset(("ANON", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "UNKNOWN", "NONE", "NULL", "0", "NA", "N/A"))


def priors(study: Study, studies: Sequence[Study]) -> tuple[Study, ...]:
    """Return the earlier mammography exams of a study's patient, the most recent first.

    The same patient: Patient ID (0010,0020) is there and equal, birth dates do not contradict each other, and neither
    do names, unless both birth dates are known and equal (a name may change, an identifier and a birth date do not). A
    later exam is no prior, nor is one without date.

    Parameters
    ----------
    studies
        Every open study; the study itself may be among them.
    """
    if not mammograms_of(study):
        return ()
    found = [
        other
        for other in studies
        if other.uid != study.uid and mammograms_of(other) and _same_patient(study, other) and _earlier(other, study)
    ]
    return tuple(sorted(found, key=_when, reverse=True))


def _same_patient(one: Study, other: Study) -> bool:
    if not one.patient_id or one.patient_id != other.patient_id or one.patient_id.upper() in _NOBODY:
        return False
    if one.birth_date and other.birth_date:
        return one.birth_date == other.birth_date
    names = {_name(one.patient_name), _name(other.patient_name)} - {""}
    return len(names) < 2


def _name(stated: str) -> str:
    """Return a person name (PS3.5 6.2.1) for comparison: its alphabetic group without case, carets and spaces."""
    return re.sub(r"[\s^,]+", " ", stated.split("=")[0]).strip().casefold()


def _when(study: Study) -> tuple[str, str]:
    return study.date, study.time


def _earlier(other: Study, than: Study) -> bool:
    if not other.date or not than.date:
        return False
    if other.date != than.date:
        return other.date < than.date
    return bool(other.time and than.time) and other.time < than.time
