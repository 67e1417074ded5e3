"""Uncompressed pixels: frames read straight from their place in the file."""

from __future__ import annotations

import os

import numpy as np

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files.dicom_file import DicomFile
from app.studies.files.file_meta import DEFLATED, UNCOMPRESSED
from app.studies.files.pixel_layout import PixelLayout
from app.studies.files.safety import MIB
from app.studies.pixels.samples import unpack_native
from app.studies.pixels.syntaxes import require_decoder

#: Inflated bytes accepted of a deflated file; its length is not known beforehand.
_MAX_INFLATED = 2048 * MIB


class NativeSource:
    """Uncompressed frames of one file."""

    def __init__(self, opened: DicomFile, layout: PixelLayout) -> None:
        if opened.syntax not in UNCOMPRESSED:
            require_decoder(opened.syntax)
        self.opened, self.layout = opened, layout
        self.inflated: memoryview | None = None
        if opened.syntax == DEFLATED:
            needed = opened.pixel_position + (layout.stored_bits_per_frame * layout.frames + 7) // 8
            if needed > _MAX_INFLATED:
                raise UnsafeFileError(
                    f"The deflated file would inflate to {needed / 1e9:.1f} GB; it is refused as unsafe."
                )
            self.inflated = memoryview(opened.inflated(needed))

    def read(self, frame: int, into: np.ndarray | None) -> np.ndarray:
        """Return one frame; in the memory of ``into`` where its bytes in the file are as many."""
        first_bit = frame * self.layout.stored_bits_per_frame
        stop_bit = first_bit + self.layout.stored_bits_per_frame
        start, stop = first_bit // 8, (stop_bit + 7) // 8
        if self.layout.swapped_words:
            return unpack_native(self._unswapped(start, stop), self.layout)
        if into is not None and into.nbytes == stop - start:
            raw = into.reshape(-1).view(np.uint8)
        else:
            raw = np.empty(stop - start, np.uint8)
        self._fill(raw, start)
        return unpack_native(raw, self.layout, first_bit % 8)

    def _unswapped(self, start: int, stop: int) -> np.ndarray:
        """Return 8-bit samples that lie in big-endian words; a frame may begin and end inside a word."""
        words = np.empty((stop + stop % 2 - start // 2 * 2) // 2, ">u2")
        self._fill(words.view(np.uint8), start // 2 * 2)
        return words.astype("<u2").view(np.uint8)[start % 2 :][: stop - start]

    def _fill(self, raw: np.ndarray, start: int) -> None:
        position = self.opened.pixel_position + start
        if self.inflated is not None:
            part = self.inflated[position : position + raw.size]
            raw[: len(part)] = part
            there = len(part)
        else:
            there = os.preadv(self.opened.file.fileno(), [memoryview(raw)], position)
            while 0 < there < raw.size:
                more = os.preadv(self.opened.file.fileno(), [memoryview(raw)[there:]], position + there)
                if not more:
                    break
                there += more
        if there < raw.size:
            raise StudyError(
                f"The pixel data of {self.opened.path.name} is truncated: a frame has {there:,} of {raw.size:,} bytes.",
                "Copy the file again.",
            )
