"""Shared array: memory that a decoder process fills and the window reads without copying."""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np
import psutil

from app.studies.errors import StudyError

#: Share of the memory now free that one reading may take.
_SHARE = 0.8


class SharedArray:
    """An array in anonymous shared memory; ``descriptor`` is handed to decoder processes.

    The memory is freed with the array, the descriptor by :meth:`close`. A decoder process can write values but,
    where the
    system has sealing, not shrink the memory under the window's feet.

    Raises
    ------
    StudyError
        Where the array would not fit in the memory that is free.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        require_memory(size)
        self.descriptor = _reserve(size)
        self.array = np.frombuffer(mmap.mmap(self.descriptor, size), dtype).reshape(shape)

    def close(self) -> None:
        """Close the descriptor; the array stays."""
        os.close(self.descriptor)


def require_memory(size: int) -> None:
    """Raise a StudyError where ``size`` bytes would not fit in the memory that is free."""
    free = psutil.virtual_memory().available
    if size > _SHARE * free:
        raise StudyError(
            f"The images need {size / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free.",
            "Close other programs or studies, or open fewer images.",
        )


def _reserve(size: int) -> int:
    try:
        if not hasattr(os, "memfd_create"):
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
            os.truncate(descriptor, size)
            return descriptor
        import fcntl

        descriptor = os.memfd_create("breastlens-pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.truncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    except OSError as error:
        raise StudyError(f"Memory for the images cannot be reserved: {error.strerror}.") from error
    return descriptor
