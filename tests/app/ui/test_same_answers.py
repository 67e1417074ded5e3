"""The bundled models say the same in the window as on the command line, number for number and voxel for voxel."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.__main__ import main
from app.cli.analysing.records import short_hash
from app.session import Session
from app.workspace.result_document import document_of, pack
from inference.phantoms.mammo import Detector, make_mammogram
from inference.phantoms.mri import Course, make_dce
from tests.app.ui.conftest import WAIT_MS, idle, open_and_wait


@pytest.fixture
def exams(mri_exams: ModuleType, write_mammogram: Callable[..., Path], tmp_path: Path) -> Path:
    """A dynamic breast MRI with T2 and a carcinoma, and a mammogram with a mass; phantoms, written as DICOM."""
    folder = tmp_path / "exams"
    made = make_dce(406, size=(9, 264, 264), spacing_mm=(5.0, 1.2, 1.2), lesions=("IDC",), course=Course(motion_mm=0.0))
    phases = tuple(np.asarray(one.array) for one in (made.pre, *made.posts))
    source = mri_exams.Source(phases, np.asarray(made.pre.affine, float), (0.0, *made.seconds))
    mri_exams.write("companions", source, folder / "mri")
    film = make_mammogram(14, "L", "MLO", detector=Detector((574, 478), 0.376), lesions=("spiculated mass",))
    write_mammogram(
        folder / "mg", "L", "MLO", pixels=np.asarray(film.image.array[0], np.uint16), ImagerPixelSpacing=[0.376] * 2
    )
    return folder


def comparable(document: dict[str, Any], content: bytes | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return everything a result says but when and how fast it was made, and its stored arrays."""
    said = {key: value for key, value in document["provenance"].items() if key not in ("created", "seconds")}
    if content is None:
        return {**document, "provenance": said}, {}
    with np.load(io.BytesIO(content)) as arrays:
        return {**document, "provenance": said}, dict(arrays)


def written(out: Path) -> dict[str, tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """Return what the command line recorded: by model, and image and slice."""
    found = {}
    for path in out.glob("*/records/*/*.json"):
        record, arrays = json.loads(path.read_text()), path.with_suffix(".npz")
        content = arrays.read_bytes() if record["arrays_sha256"] else None
        found[f"{path.parent.name} {path.stem}"] = comparable(record["document"], content)
    return found


def shown(session: Session) -> dict[str, tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """Return what the window shows of the current study, by the same names."""
    found = {}
    for one in session.readings.stored:
        part = "whole" if one.slice_index < 0 else f"{one.slice_index + 1:04d}"
        name = f"{one.result.provenance.model_id} {short_hash(one.stack_uid)}-{part}"
        found[name] = comparable(json.loads(json.dumps(document_of(one.result))), pack(one.result))
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_window_and_command_line_agree(
    qtbot: QtBot, new_session: Callable[[], Session], exams: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert main(["analyse", str(exams), "--model", "all", "--out", str(out), "--device", "cpu"]) == 0
    session = new_session()
    session.readings.find_cards()
    qtbot.waitUntil(lambda: bool(session.readings.cards), timeout=WAIT_MS)
    session.readings.device = "cpu"
    seen = {}
    for folder in ("mri", "mg"):
        open_and_wait(qtbot, session, exams / folder)
        session.readings.analyse_study()
        idle(qtbot, session)
        seen |= shown(session)

    recorded = written(out)
    assert {name.split()[0] for name in seen} == {card.id for card in session.readings.cards}
    assert seen.keys() == recorded.keys()
    for name, (document, arrays) in seen.items():
        assert document == recorded[name][0], name
        assert arrays.keys() == recorded[name][1].keys()
        for array in arrays:
            np.testing.assert_array_equal(arrays[array], recorded[name][1][array], err_msg=f"{name}: {array}")
