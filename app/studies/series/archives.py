"""Archives: exams that a public archive keeps in another way than as one study.

CBIS-DDSM (The Cancer Imaging Archive, doi:10.7937/K9/TCIA.2016.7O02S9CY) has a study and a Patient ID of its own for
each view, ``Calc-Test_P_00038_LEFT_CC``: one exam is what their identifiers have in common.
"""

from __future__ import annotations

import re

_CBIS_DDSM = re.compile(r"((?:Mass|Calc)-(?:Training|Test)_P_\d{5})_(?:LEFT|RIGHT)_(?:CC|MLO)")


def exam_in(patient_id: str) -> str:
    """Return the Patient ID of the exam that a view of CBIS-DDSM belongs to, "" for any other file.

    Cropped images and region masks, whose identifiers end with a number, belong to none.
    """
    match = _CBIS_DDSM.fullmatch(patient_id)
    return match[1] if match else ""
