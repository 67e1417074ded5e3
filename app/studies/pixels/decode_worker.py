"""Decoder process: receives descriptors and offsets over a socket, decodes frames, writes them into shared memory.

It holds no file name, opens nothing and its memory is capped, so a code stream that breaks a decoder breaks only
this process.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
import sys
from typing import Any

#: Address space beyond what the process has after its imports and what the frame itself needs.
SPARE_BYTES = 512 << 20
#: JPEG 2000 decodes into 32-bit integers: 4 bytes per sample, twice, besides the result.
BYTES_PER_DECODED_BYTE = 12


def main(descriptor: int) -> None:
    """Serve requests on the socket until its other end closes."""
    channel = socket.socket(fileno=descriptor)
    import imagecodecs
    import numpy as np

    imagecodecs.jpeg2k_decode(imagecodecs.jpeg2k_encode(np.zeros((64, 64), np.uint16)))  # load the codecs now
    base = _address_space()
    _limit("RLIMIT_CORE", 0)
    send(channel, {"ready": os.getpid()})
    while (received := receive(channel)) is not None:
        request, descriptors = received
        try:
            _serve(channel, request, descriptors, base)
        finally:
            for item in descriptors:
                os.close(item)


def _serve(channel: socket.socket, request: dict[str, Any], descriptors: list[int], base: int) -> None:
    from app.studies.errors import StudyError

    try:
        _limit("RLIMIT_AS", base + SPARE_BYTES + BYTES_PER_DECODED_BYTE * request["frame_bytes"])
        for frame in request["frames"]:
            _decode(request, frame, *descriptors)
        send(channel, {"done": True})
    except StudyError as error:
        send(channel, {"error": str(error), "hint": error.hint})
    except MemoryError:
        send(
            channel,
            {"error": "Decoding the compressed image needs more memory than its size allows; it is refused as unsafe."},
        )


def _decode(request: dict[str, Any], frame: dict[str, Any], source: int, target: int) -> None:
    import numpy as np

    from app.studies.files.pixel_layout import PixelLayout
    from app.studies.pixels.decoders import decode_frame
    from app.studies.pixels.pictures import Picture, decode_picture

    data = b"".join(os.pread(source, length, position) for position, length in frame["fragments"])
    if "picture" in request:
        values = decode_picture(data, Picture(**request["picture"]), frame["page"], request["threads"])
    else:
        values = decode_frame(data, request["syntax"], PixelLayout.from_dict(request["layout"]), request["threads"])
    raw = memoryview(np.ascontiguousarray(values, request["dtype"]).reshape(-1).view(np.uint8))
    position = frame["target"]
    while raw:
        written = os.pwrite(target, raw, position)
        raw, position = raw[written:], position + written


def send(channel: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Send one JSON message, with open descriptors beside it."""
    body = json.dumps(message).encode()
    head = struct.pack("<L", len(body))
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    channel.sendmsg([head], ancillary)
    channel.sendall(body)


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Receive one message and its descriptors; None where the other end has closed."""
    descriptors = array.array("i")
    head, ancillary, _flags, _address = channel.recvmsg(4, socket.CMSG_SPACE(2 * descriptors.itemsize), _CLOEXEC)
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) // descriptors.itemsize * descriptors.itemsize])
    head += _receive_exactly(channel, 4 - len(head)) if head else b""
    if len(head) < 4:
        return None
    length = struct.unpack("<L", head)[0]
    if length > 64 << 20:
        return None
    body = _receive_exactly(channel, length)
    return (json.loads(body), list(descriptors)) if len(body) == length else None


_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def _receive_exactly(channel: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = channel.recv(min(length - len(parts), 1 << 20))
        if not part:
            break
        parts += part
    return bytes(parts)


def _address_space() -> int:
    """Return the address space in use now, in bytes."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - pathlib is not otherwise needed here
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 2 << 30


def _limit(name: str, value: int) -> None:
    import resource

    kind = getattr(resource, name)
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    main(int(sys.argv[1]))
