"""What is remembered of a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.studies.study import Study
from app.workspace.store import Workspace


def study(uid: str, **values: str) -> Study:
    fields = {"patient_id": "P1", "patient_name": "Demo^MRI", "birth_date": "", "sex": "F", "date": "20260102"}
    rest = {"time": "", "description": "Breast MRI", "accession": ""}
    return Study(uid=uid, series=(), **{**fields, **rest, **values})  # type: ignore[arg-type]


def test_recent_studies_come_newest_first_and_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(f"2026-01-01T00:00:0{n}" for n in range(9))
    monkeypatch.setattr("app.workspace.shelf.now", lambda: next(moments))
    with Workspace.open(folder) as workspace:
        assert workspace.recent() == ()
        for uid in ("1", "2", "3", "1"):
            workspace.remember(study(uid), Path("/images") / uid)
    with Workspace.open(folder) as workspace:
        assert [(r.study_uid, r.path) for r in workspace.recent()] == [
            ("1", Path("/images/1")),
            ("3", Path("/images/3")),
            ("2", Path("/images/2")),
        ]
        assert [r.study_uid for r in workspace.recent(2)] == ["1", "3"]
        assert workspace.recent()[0].opened == "2026-01-01T00:00:03"


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "Demo MRI · Breast MRI · 2026-01-02"),
        ({"patient_name": "", "description": ""}, "P1 · 2026-01-02"),
        ({"date": "2026", "patient_name": "^^^"}, "P1 · Breast MRI · 2026"),
        ({"patient_name": "Müller^Ann^^Dr"}, "Müller Ann Dr · Breast MRI · 2026-01-02"),
    ],
)
def test_titles(workspace: Workspace, values: dict[str, str], title: str) -> None:
    workspace.remember(study("1", **values), Path("x"))
    assert workspace.recent()[0].title == title
    assert workspace.recent()[0].path.is_absolute()


def test_views_and_overrides_come_back_and_do_not_mix(folder: Path) -> None:
    view = {"layout": "2x2", "panes": [{"slice": 3, "zoom": 1 / 3}], "none": None}
    with Workspace.open(folder) as workspace:
        assert workspace.view_state("1") == {}
        assert workspace.override("1") == {}
        workspace.save_view_state("1", view)
        workspace.save_override("1", {"spacing": [0.1, 0.2]})
        workspace.remember(study("1"), Path("/x"))
    with Workspace.open(folder) as workspace:
        assert workspace.view_state("1") == view
        assert workspace.override("1") == {"spacing": [0.1, 0.2]}
        workspace.save_override("1", {})
        assert workspace.override("1") == {}
        assert workspace.view_state("1") == view


def test_a_study_with_only_a_view_is_not_recent(workspace: Workspace) -> None:
    workspace.save_view_state("1", {})
    assert workspace.recent() == ()
