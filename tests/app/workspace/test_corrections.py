"""Stored motion corrections: whole or not at all, and never used when altered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.workspace.corrections import FOLDER, LIST, Corrections
from app.workspace.errors import WorkspaceError
from inference.prepare.correction import Correction, RegisterSettings, Residual, Spline

PAIR = ("1.2#2", "1.2#1")


def correction(seconds: float = 3.0) -> Correction:
    spline = Spline(np.random.default_rng(0).normal(size=(3, 4, 5, 6)), np.zeros(3), np.eye(3), np.full(3, 90.0))
    residuals = {"none": Residual(0.4, 1.1), "rigid": Residual(0.3, 1.15), "rigid + B-spline": Residual(0.2, 1.2)}
    return Correction(
        "rigid + B-spline", (0.1, 0, 0), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), spline, "a" * 64, "b" * 64,
        RegisterSettings(), seconds, residuals, (0.9, 1.1),
    )  # fmt: skip


def test_what_was_saved_is_found_again(tmp_path: Path) -> None:
    Corrections(tmp_path).save("1.2", PAIR, correction())
    Corrections(tmp_path).save("1.2", ("1.2#3", "1.2#1"), correction(5.0))
    stored = Corrections(tmp_path).of_study("1.2")
    assert set(stored.found) == {PAIR, ("1.2#3", "1.2#1")}
    assert stored.problems == ()
    np.testing.assert_array_equal(stored.found[PAIR].spline.coefficients, correction().spline.coefficients)  # type: ignore[union-attr]
    assert stored.found[PAIR].after == Residual(0.2, 1.2)
    assert Corrections(tmp_path).of_study("another").found == {}


def test_a_new_one_takes_the_place_of_the_old_and_leaves_no_file(tmp_path: Path) -> None:
    store = Corrections(tmp_path)
    store.save("1.2", PAIR, correction(3.0))
    store.save("1.2", PAIR, correction(4.0))
    assert store.of_study("1.2").found[PAIR].seconds == 4.0
    assert len(list((tmp_path / FOLDER).rglob("*.npz"))) == 1


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 altered"], ids=["emptied", "altered"])
def test_an_altered_file_is_not_used_and_told(tmp_path: Path, damage: bytes) -> None:
    store = Corrections(tmp_path)
    store.save("1.2", PAIR, correction())
    (file,) = (tmp_path / FOLDER).rglob("*.npz")
    file.write_bytes(damage)
    stored = store.of_study("1.2")
    assert stored.found == {}
    assert "was altered" in stored.problems[0]
    file.unlink()
    assert "cannot be read" in store.of_study("1.2").problems[0]


def test_a_damaged_list_is_told_and_not_overwritten(tmp_path: Path) -> None:
    store = Corrections(tmp_path)
    store.save("1.2", PAIR, correction())
    (listed,) = (tmp_path / FOLDER).rglob(LIST)
    listed.write_text('{"corrections": [')
    assert "cannot be read" in store.of_study("1.2").problems[0]
    with pytest.raises(WorkspaceError, match="list of motion corrections"):
        store.save("1.2", PAIR, correction())
    assert listed.read_text() == '{"corrections": ['


def test_a_list_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    store = Corrections(tmp_path)
    store.save("1.2", PAIR, correction())
    (listed,) = (tmp_path / FOLDER).rglob(LIST)
    (file,) = (tmp_path / FOLDER).rglob("*.npz")
    listed.write_text(listed.read_text().replace(file.name, f"../{file.name}"))
    assert store.of_study("1.2").found == {}


def test_use_and_discarding_are_kept(tmp_path: Path) -> None:
    store = Corrections(tmp_path)
    store.save("1.2", PAIR, correction())
    store.set_unused("1.2", ("dynamic",))
    assert store.of_study("1.2").unused == ("dynamic",)
    store.set_unused("1.2", ())
    store.delete("1.2", (PAIR,))
    assert store.of_study("1.2").found == {}
    assert not list((tmp_path / FOLDER).rglob("*.npz"))
    store.delete("1.2", (PAIR,))
