"""Pixels: the stored values of frames, read directly or through the decoder processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from app.studies.errors import StudyError
from app.studies.files.dicom_file import DicomFile, open_dicom
from app.studies.files.pixel_layout import PixelLayout
from app.studies.files.safety import MIB
from app.studies.pixels import research
from app.studies.pixels.decode_pool import POOL
from app.studies.pixels.fragments import frame_fragments
from app.studies.pixels.native import NativeSource
from app.studies.pixels.palette import palette_of
from app.studies.pixels.samples import apply_palette
from app.studies.pixels.shared_array import SharedArray
from app.studies.pixels.syntaxes import require_decoder
from app.studies.study import Frame
from inference.progress import Progress

_COLOURS = ("Red", "Green", "Blue")
#: Tags beyond the pixel module that decide how pixels are read: palettes and the extended offset table.
_TAGS = (
    *(f"{colour}PaletteColorLookupTable{part}" for colour in _COLOURS for part in ("Descriptor", "Data")),
    *(f"Segmented{colour}PaletteColorLookupTableData" for colour in _COLOURS),
    "ExtendedOffsetTable",
)
#: Decoded bytes sent to a decoder process at a time, so that several processes share the work.
_BATCH_BYTES = 8 * MIB

#: (place in the result, frame number in the file)
_Wanted = list[tuple[int, int]]


def warm_up() -> None:
    """Start the decoder processes early, without waiting for them."""
    threading.Thread(target=_warm_up_quietly, name="decoder warm-up", daemon=True).start()


def _warm_up_quietly() -> None:
    with suppress(StudyError):  # the first image that needs a decoder will say it
        POOL.warm_up()


def read_frames(frames: Sequence[Frame], progress: Progress | None = None, *, background: bool = False) -> np.ndarray:
    """Read the stored values of frames, in their order.

    Each file is opened once; compressed frames are decoded in parallel in capped processes.

    Parameters
    ----------
    background
        Whether nobody waits for it yet: other reading then goes first.

    Returns
    -------
    numpy.ndarray
        (n, rows, columns) or (n, rows, columns, 3) RGB in the stored type, writable. Bits above *Bits Stored* are
        removed and the sign is extended; modality rescale is not applied.

    Raises
    ------
    StudyError
        When a file cannot be read, or the frames differ in size.
    Cancelled
        Within a second of the progress being cancelled.
    """
    if not frames:
        raise StudyError("There is no image to read.")
    wanted: dict[Path, _Wanted] = {}
    for place, frame in enumerate(frames):
        wanted.setdefault(frame.path, []).append((place, frame.index))
    dtype: np.dtype[Any] | None = None
    while True:
        try:
            return _Reading(len(frames), progress or Progress(), dtype, background).run(wanted)
        except _OtherTypeError as other:  # files of one stack differ in sign or width: begin again with a type for both
            dtype = other.dtype


class _OtherTypeError(Exception):
    """The values of a file do not fit the type chosen by the file before it."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        super().__init__(dtype)
        self.dtype = dtype


class _Linked(Progress):
    """Cancelled when its parent is, or when the reading has failed elsewhere."""

    def __init__(self, parent: Progress) -> None:
        super().__init__()
        self._parent = parent

    def check(self) -> None:
        super().check()
        self._parent.check()


class _Reading:
    """One call of :func:`read_frames`."""

    def __init__(self, count: int, progress: Progress, dtype: np.dtype[Any] | None, background: bool) -> None:
        self.count, self.progress, self.dtype, self.done = count, progress, dtype, 0
        self.background = background
        self.linked = _Linked(progress)
        self.threads = max(1, (os.cpu_count() or 1) // min(count, POOL.size))
        self.memory: SharedArray | None = None

    def run(self, wanted: dict[Path, _Wanted]) -> np.ndarray:
        pending: set[Future[int]] = set()
        with ThreadPoolExecutor(POOL.size, "read frames") as executor:
            try:
                for path, places in wanted.items():
                    self.progress.check()
                    for future in self._begin(path, places, executor):
                        pending = self._collect(pending | {future}, most=4 * POOL.size)
                self._collect(pending, most=0)
            except BaseException:
                self.linked.cancel()
                for future in pending:
                    future.cancel()
                raise
            finally:
                executor.shutdown(wait=True, cancel_futures=True)
                if self.memory is not None:
                    self.memory.close()
        assert self.memory is not None
        return self.memory.array

    def _collect(self, pending: set[Future[int]], most: int) -> set[Future[int]]:
        while len(pending) > most:
            finished, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
            self.progress.check()
            for future in finished:
                self._advance(future.result())
        return pending

    def _advance(self, frames: int) -> None:
        self.done += frames
        self.progress.report(self.done / self.count, f"Reading image {self.done} of {self.count}")

    def _begin(self, path: Path, places: _Wanted, executor: ThreadPoolExecutor) -> Iterator[Future[int]]:
        """Read a file at once where it is uncompressed; yield the decoding still under way where it is not."""
        if research.is_research_file(path):
            self._read_research(path, places)
            return
        with open_dicom(path, _TAGS) as opened:
            layout = opened.pixels
            if layout is None:
                raise StudyError(f"{path.name} holds no image: it has no pixel data.")
            beyond = [frame for _place, frame in places if not 0 <= frame < layout.frames]
            if beyond:
                raise StudyError(f"{path.name} has {layout.frames} frames; frame {beyond[0] + 1} was asked for.")
            if layout.photometric == "PALETTE COLOR":
                self._read_palette(opened, layout, places)
            elif opened.encapsulated:
                memory = self._reserve(layout.frame_shape, layout.dtype)
                yield from self._decode(opened, layout, places, memory, executor)
            else:
                self._read_native(opened, layout, places)

    def _reserve(self, frame_shape: tuple[int, ...], dtype: np.dtype[Any]) -> SharedArray:
        """Return the memory of the result, or refuse a frame that does not fit beside the others."""
        if self.memory is None:
            self.memory = SharedArray((self.count, *frame_shape), self.dtype or dtype)
        there = self.memory.array
        if there.shape[1:] != frame_shape:
            raise StudyError(f"The images differ in size: {_extent(there.shape[1:])} and {_extent(frame_shape)}.")
        common = np.result_type(there.dtype, dtype)
        if common != there.dtype:
            raise _OtherTypeError(common)
        return self.memory

    def _read_research(self, path: Path, places: _Wanted) -> None:
        volume = research.read(path, self.linked, background=self.background)
        memory = self._reserve(volume.shape[1:], volume.dtype)
        for place, frame in places:
            if not 0 <= frame < len(volume):
                raise StudyError(f"{path.name} has {len(volume)} images; image {frame + 1} was asked for.")
            memory.array[place] = volume[frame]
            self._advance(1)

    def _read_native(self, opened: DicomFile, layout: PixelLayout, places: _Wanted) -> None:
        target = self._reserve(layout.frame_shape, layout.dtype).array
        source = NativeSource(opened, layout)
        for place, frame in places:
            into = target[place] if target.dtype == layout.dtype else None
            values = source.read(frame, into)
            if into is None or not np.shares_memory(values, into):
                target[place] = values
            self._advance(1)

    def _read_palette(self, opened: DicomFile, layout: PixelLayout, places: _Wanted) -> None:
        """Read the indices of each frame, then look up their colours."""
        table, first = palette_of(opened.dataset)
        target = self._reserve((layout.rows, layout.columns, 3), table.dtype).array
        source = None if opened.encapsulated else NativeSource(opened, layout)
        for place, frame in places:
            indices = source.read(frame, None) if source else self._decode_one(opened, layout, frame)
            target[place] = apply_palette(indices, table, first)
            self._advance(1)

    def _decode_one(self, opened: DicomFile, layout: PixelLayout, frame: int) -> np.ndarray:
        memory = SharedArray((1, *layout.frame_shape), layout.dtype)
        try:
            for batch in _batches(opened, layout, [(0, frame)], memory, self.threads):
                self._run(batch, opened.file.fileno(), memory.descriptor)
        finally:
            memory.close()
        return memory.array[0]

    def _decode(
        self,
        opened: DicomFile,
        layout: PixelLayout,
        places: _Wanted,
        memory: SharedArray,
        executor: ThreadPoolExecutor,
    ) -> Iterator[Future[int]]:
        for batch in _batches(opened, layout, places, memory, self.threads):
            source = os.dup(opened.file.fileno())
            future = executor.submit(self._run, batch, source, memory.descriptor)
            future.add_done_callback(lambda _future, descriptor=source: os.close(descriptor))
            yield future

    def _run(self, batch: dict[str, Any], source: int, target: int) -> int:
        POOL.run(batch, (source, target), self.linked, background=self.background)
        return len(batch["frames"])


def _batches(
    opened: DicomFile, layout: PixelLayout, places: _Wanted, memory: SharedArray, threads: int
) -> Iterator[dict[str, Any]]:
    """Divide the frames of a file into requests to a decoder process."""
    require_decoder(opened.syntax)
    fragments = frame_fragments(opened)
    frame_bytes = memory.array[0].nbytes
    size = max(1, _BATCH_BYTES // frame_bytes)
    for start in range(0, len(places), size):
        yield {
            "syntax": opened.syntax,
            "layout": layout.as_dict(),
            "dtype": memory.array.dtype.str,
            "threads": threads,
            "frame_bytes": frame_bytes,
            "frames": [
                {"fragments": fragments[frame], "target": place * frame_bytes}
                for place, frame in places[start : start + size]
            ],
        }


def _extent(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)
