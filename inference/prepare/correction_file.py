"""Correction file: a motion correction as an npz file without pickled objects, and its facts as JSON values."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from inference.errors import EngineError
from inference.prepare.correction import Correction, Displacement, RegisterSettings, Residual, Spline

FORMAT = 1


def facts(correction: Correction) -> dict[str, Any]:
    """Return everything but the coefficients as JSON values."""
    values = {name: value for name, value in vars(correction).items() if name not in ("spline", "settings")}
    values["residuals"] = {stage: asdict(residual) for stage, residual in correction.residuals.items()}
    values["displacement"] = asdict(correction.displacement)
    values["settings"] = asdict(correction.settings)
    return {**values, "verdict": correction.verdict}


def pack(correction: Correction) -> bytes:
    """Return a correction as an npz file without pickled objects; see :func:`unpack`."""
    arrays = {"facts": np.array(json.dumps({"format": FORMAT, **facts(correction)}))}
    if correction.spline is not None:
        arrays.update({f"spline_{name}": value for name, value in vars(correction.spline).items()})
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> Correction:
    """Return what :func:`pack` wrote; EngineError where it is something else."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        values = json.loads(str(found.pop("facts")))
        if values.pop("format") > FORMAT:
            raise EngineError(
                "This motion correction was stored by a newer BreastLens.", "Update, or correct the motion again."
            )
        values.pop("verdict")
        spline = Spline(**{name.removeprefix("spline_"): value for name, value in found.items()}) if found else None
        values["residuals"] = {stage: Residual(**numbers) for stage, numbers in values["residuals"].items()}
        values["displacement"] = Displacement(**values["displacement"])
        settings = values.pop("settings")
        settings = RegisterSettings(**{**settings, "jacobian": tuple(settings["jacobian"])})
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return Correction(**values, settings=settings, spline=spline)
    except (KeyError, TypeError, ValueError, OSError, EOFError) as error:
        raise EngineError(
            f"A stored motion correction cannot be read ({type(error).__name__}: {error}).", "Correct the motion again."
        ) from error
