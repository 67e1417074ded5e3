"""The image pixel module of a file: rows, columns, bits and sign (PS3.3 C.7.6.3). Needs numpy only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True)
class PixelLayout:
    """The image pixel module of one file (PS3.3 C.7.6.3).

    Attributes
    ----------
    samples
        Samples per pixel in the file, 1 or 3.
    bits_allocated, bits_stored, high_bit
        (0028,0100), (0028,0101), (0028,0102).
    planar
        (0028,0006): 0 colour by pixel, 1 colour by plane.
    floating
        ``"f4"`` or ``"f8"`` for (Double) Float Pixel Data, else empty.
    swapped
        Whether the samples are big endian.
    swapped_words
        Whether 8-bit samples lie in big-endian 16-bit words (explicit big endian with VR OW).
    """

    rows: int
    columns: int
    frames: int = 1
    samples: int = 1
    bits_allocated: int = 16
    bits_stored: int = 16
    high_bit: int = 15
    signed: bool = False
    photometric: str = "MONOCHROME2"
    planar: int = 0
    floating: str = ""
    swapped: bool = False
    swapped_words: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values delivered: the stored integer type (bits become uint8) or float."""
        if self.floating:
            return np.dtype(self.floating)
        width = max(1, 1 << (max(self.bits_allocated, 8) - 1).bit_length() >> 3)
        return np.dtype(f"{'i' if self.signed else 'u'}{width}")

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one decoded frame: (rows, columns) or (rows, columns, 3)."""
        return (self.rows, self.columns) if self.samples == 1 else (self.rows, self.columns, 3)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded frame."""
        return self.rows * self.columns * self.samples * self.dtype.itemsize

    @property
    def subsampled(self) -> bool:
        """Whether uncompressed chroma is shared by two neighbours in a row."""
        return self.samples == 3 and self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")

    @property
    def stored_bits_per_frame(self) -> int:
        """Bits of one uncompressed frame in the file."""
        if self.subsampled:
            return self.rows * (self.columns + self.columns % 2) * 2 * self.bits_allocated
        return self.rows * self.columns * self.samples * self.bits_allocated

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for the decoder process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PixelLayout:
        """Inverse of :meth:`as_dict`."""
        return cls(**{item.name: values[item.name] for item in fields(cls)})
