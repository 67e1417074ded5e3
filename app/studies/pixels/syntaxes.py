"""Transfer syntaxes: which can be read, and by which package."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass

import numpy as np

from app.studies.errors import DecoderMissingError

_JPEG_FAMILY = "1.2.840.10008.1.2.4."
#: Transfer syntaxes (PS3.6 table A-1): UID, name, decoder package ("" for none needed).
SYNTAXES: tuple[tuple[str, str, str], ...] = (
    ("1.2.840.10008.1.2", "Implicit VR Little Endian", ""),
    ("1.2.840.10008.1.2.1", "Explicit VR Little Endian", ""),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian", ""),
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", ""),
    ("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", ""),
    ("1.2.840.10008.1.2.5", "RLE Lossless", "imagecodecs"),
    (_JPEG_FAMILY + "50", "JPEG Baseline (Process 1)", "imagecodecs"),
    (_JPEG_FAMILY + "51", "JPEG Extended (Process 2 and 4)", "imagecodecs"),
    (_JPEG_FAMILY + "53", "JPEG Spectral Selection (Process 6 and 8)", "imagecodecs"),
    (_JPEG_FAMILY + "55", "JPEG Full Progression (Process 10 and 12)", "imagecodecs"),
    (_JPEG_FAMILY + "57", "JPEG Lossless (Process 14)", "imagecodecs"),
    (_JPEG_FAMILY + "70", "JPEG Lossless SV1 (Process 14)", "imagecodecs"),
    (_JPEG_FAMILY + "80", "JPEG-LS Lossless", "imagecodecs"),
    (_JPEG_FAMILY + "81", "JPEG-LS Near-lossless", "imagecodecs"),
    (_JPEG_FAMILY + "90", "JPEG 2000 Lossless", "imagecodecs"),
    (_JPEG_FAMILY + "91", "JPEG 2000", "imagecodecs"),
    (_JPEG_FAMILY + "92", "JPEG 2000 Part 2 Lossless", "imagecodecs"),
    (_JPEG_FAMILY + "93", "JPEG 2000 Part 2", "imagecodecs"),
    (_JPEG_FAMILY + "201", "HTJ2K Lossless", "imagecodecs"),
    (_JPEG_FAMILY + "202", "HTJ2K Lossless RPCL", "imagecodecs"),
    (_JPEG_FAMILY + "203", "HTJ2K", "imagecodecs"),
    (_JPEG_FAMILY + "110", "JPEG XL Lossless", "imagecodecs"),
    (_JPEG_FAMILY + "111", "JPEG XL JPEG Recompression", "imagecodecs"),
    (_JPEG_FAMILY + "112", "JPEG XL", "imagecodecs"),
)
#: Known, but not decoded by any permitted package here.
UNSUPPORTED: dict[str, tuple[str, str]] = {
    _JPEG_FAMILY + "94": ("JPIP Referenced", "a JPIP server connection"),
    _JPEG_FAMILY + "95": ("JPIP Referenced Deflate", "a JPIP server connection"),
    _JPEG_FAMILY + "100": ("MPEG2 Main Profile video", "a video decoder such as PyAV"),
    _JPEG_FAMILY + "101": ("MPEG2 High Level video", "a video decoder such as PyAV"),
    _JPEG_FAMILY + "102": ("MPEG-4 AVC/H.264 video", "a video decoder such as PyAV"),
    _JPEG_FAMILY + "103": ("MPEG-4 AVC/H.264 BD video", "a video decoder such as PyAV"),
    _JPEG_FAMILY + "104": ("MPEG-4 AVC/H.264 4.2 2D video", "a video decoder such as PyAV"),
    _JPEG_FAMILY + "105": ("MPEG-4 AVC/H.264 4.2 3D video", "a video decoder such as PyAV"),
    _JPEG_FAMILY + "106": ("MPEG-4 AVC/H.264 Stereo video", "a video decoder such as PyAV"),
    _JPEG_FAMILY + "107": ("HEVC/H.265 Main video", "a video decoder such as PyAV"),
    _JPEG_FAMILY + "108": ("HEVC/H.265 Main 10 video", "a video decoder such as PyAV"),
}
_NAMES = {uid: name for uid, name, _package in SYNTAXES}


@dataclass(frozen=True)
class DecoderStatus:
    """One transfer syntax and what reads it; ``version`` is None where the package is missing."""

    name: str
    uid: str
    package: str
    version: str | None

    @property
    def available(self) -> bool:
        """Whether files of this syntax can be shown."""
        return self.version is not None


def report() -> tuple[DecoderStatus, ...]:
    """Say for each transfer syntax which package decodes it and in which version."""
    return tuple(DecoderStatus(name, uid, package or "built in", _version(package)) for uid, name, package in SYNTAXES)


def _version(package: str) -> str | None:
    if not package:
        return np.__version__
    if importlib.util.find_spec(package) is None:
        return None
    return importlib.metadata.version(package)


def syntax_name(uid: str) -> str:
    """Return the name of a transfer syntax, or its UID where it is not known."""
    return _NAMES.get(uid) or UNSUPPORTED.get(uid, (uid,))[0]


def require_decoder(uid: str) -> None:
    """Raise :class:`DecoderMissingError` naming syntax and package where a syntax cannot be decoded."""
    if uid in UNSUPPORTED:
        name, needed = UNSUPPORTED[uid]
        raise DecoderMissingError(
            f"The pixels are stored as {name} ({uid}); reading them needs {needed}, which BreastLens does not include.",
            "Export the images in another transfer syntax, such as Explicit VR Little Endian.",
        )
    package = {key: package for key, _name, package in SYNTAXES}.get(uid)
    if package is None:
        raise DecoderMissingError(
            f"No decoder is known for the transfer syntax {uid}.",
            "Export the images in a standard transfer syntax, such as Explicit VR Little Endian.",
        )
    if _version(package) is None:
        raise DecoderMissingError(
            f"The pixels are stored as {syntax_name(uid)} ({uid}); reading them needs the Python package {package}, "
            "which is not installed.",
            f"Install it with: pip install {package}",
        )
