"""Priors: earlier mammography exams of the same patient, and of nobody else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.studies.hanging import priors
from app.studies.study import Frame, Series, SeriesKind, Stack, Study


def exam(uid: str, date: str, time: str = "", kind: SeriesKind = SeriesKind.MAMMOGRAM, **who: str) -> Study:
    stack = Stack(uid, uid, (Frame(Path(f"{uid}.dcm"), 0, uid),), 8, 8, uid)
    series = Series(uid, "MG", kind, 1, "", (stack,), laterality="R", view="CC")
    known = {"patient_id": "7", "patient_name": "Test^Anna", "birth_date": "19600101", **who}
    identity = known["patient_id"], known["patient_name"], known["birth_date"]
    return Study(uid, *identity, "F", date, time, "", "", (series,))


NOW = exam("now", "20250301", "101500")


def test_earlier_exams_the_most_recent_first() -> None:
    studies = [exam("a", "20210101"), exam("later", "20260101"), NOW, exam("b", "20240101"), exam("c", "20230101")]
    assert [prior.uid for prior in priors(NOW, studies)] == ["b", "c", "a"]


@pytest.mark.parametrize(
    "other",
    [
        exam("x", "20240101", patient_id="8"),
        exam("x", "20240101", patient_id=""),
        exam("x", "20240101", birth_date="19600102"),
        exam("x", "20240101", birth_date="", patient_name="Other^Eva"),
        exam("x", "20240101", kind=SeriesKind.MR),
        exam("x", "20250301", "120000"),
        exam("x", "20250301", ""),
        exam("x", ""),
    ],
)
def test_what_is_not_a_prior(other: Study) -> None:
    assert priors(NOW, [other, NOW]) == ()


@pytest.mark.parametrize(
    "other",
    [
        exam("x", "20240101", patient_name="TEST^ANNA^^"),
        exam("x", "20240101", patient_name="Test^Anna=Kanji", birth_date=""),
        exam("x", "20240101", patient_name="Married^Anna"),  # the same identifier and birth date
        exam("x", "20240101", patient_name=""),
        exam("x", "20250301", "090000"),
    ],
)
def test_what_is_one(other: Study) -> None:
    assert priors(NOW, [other]) == (other,)


@pytest.mark.parametrize("placeholder", ["", "ANONYMOUS", "anon", "0"])
def test_an_identifier_that_everybody_has_joins_nobody(placeholder: str) -> None:
    one = exam("one", "20250301", patient_id=placeholder)
    assert priors(one, [exam("x", "20240101", patient_id=placeholder)]) == ()


def test_an_mri_has_no_mammography_priors() -> None:
    mri = replace(NOW, series=(replace(NOW.series[0], kind=SeriesKind.MR, laterality="", view=""),))
    assert priors(mri, [exam("x", "20240101")]) == ()
