"""``breastlens render``: exactly the pixels a pane shows at 1:1, as a PNG of 8 or 16 bits."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from app.cli.opened import opened, stacks_named
from app.studies.errors import StudyError
from app.studies.study import Stack, Study
from viewer.presentation import Presentation, Voi, VoiFunction, VoiLut, Window
from viewer.windowing import render_grey, render_grey16


def run(options: argparse.Namespace) -> int:
    """Write one frame of a file, presented as the file asks or as the options say."""
    from app.studies.load import load_stack

    with opened(options.file) as library:
        named = stacks_named(library, options.series)
        study, stack, index = _frame(named, options.frame)
        loaded = load_stack(study, stack.uid)
    presentation = presentation_asked(loaded.presentation, options)
    if options.list:
        print("\n".join(_choices(loaded.presentation)))
        return 0
    values = loaded.volume.array[index]
    write_png(options.out, (render_grey if options.bits == 8 else render_grey16)(values, presentation))
    print(f"{options.out}: {values.shape[1]} x {values.shape[0]}, {options.bits} bit, {describe(presentation.voi)}")
    return 0


def _frame(named: list[tuple[Study, Stack]], number: int) -> tuple[Study, Stack, int]:
    """Return the stack and slice index of the frame with that number, counted from 1 over all stacks."""
    index = number - 1
    for study, stack in named:
        if 0 <= index < len(stack.frames):
            return study, stack, index
        index -= len(stack.frames)
    raise StudyError(f"There is no frame {number}; there are {sum(len(stack.frames) for _, stack in named)}.")


def presentation_asked(presentation: Presentation, options: argparse.Namespace) -> Presentation:
    """Return the presentation of the file with the options' window choice and inversion."""
    if options.window is not None:
        center, width = options.window
        function = VoiFunction(options.function)
        if width < (1 if function is VoiFunction.LINEAR else np.finfo(float).tiny):
            raise StudyError(f"A window width of {width:g} is too small for {function.value}.", "Use at least 1.")
        presentation = presentation.with_voi(Window(center, width, function, origin="user"))
    elif options.voi is not None:
        presentation = presentation.with_voi(_chosen(presentation, options.voi))
    return presentation.inverted() if options.invert else presentation


def _chosen(presentation: Presentation, name: str) -> Voi:
    for number, voi in enumerate(presentation.vois, 1):
        if name in (str(number), voi.explanation):
            return voi
    raise StudyError(f"The file has no window {name!r}.", "; ".join(_choices(presentation)))


def _choices(presentation: Presentation) -> list[str]:
    return [f"{number}  {describe(voi)}" for number, voi in enumerate(presentation.vois, 1)]


def describe(voi: Voi) -> str:
    """Return a VOI choice in words."""
    if isinstance(voi, VoiLut):
        return f"VOI LUT {voi.explanation}".rstrip()
    name = f" {voi.explanation}" if voi.explanation else ""
    return f"window {voi.center:g}/{voi.width:g} {voi.function.value}{name} ({voi.origin})"


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write grey (rows, columns) or RGB (rows, columns, 3) pixels of 8 or 16 bits."""
    done, encoded = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    if not done:
        raise StudyError(f"The picture could not be encoded for {path}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.tobytes())
