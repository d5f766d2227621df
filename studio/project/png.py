"""PNG files from raw pixels, with the standard library only."""

from __future__ import annotations

import struct
import zlib


def encode(pixels: bytes | memoryview, width: int, height: int) -> bytes:
    """A PNG file of `height` rows of `width` RGB pixels, 8 bits each.

    Raises ValueError if `pixels` is not `3 * width * height` bytes.
    """
    pixels = bytes(pixels)
    stride = 3 * width
    if len(pixels) != stride * height or not pixels:
        raise ValueError(f"{len(pixels)} bytes are not {width} x {height} RGB pixels")
    rows = b"".join(b"\0" + pixels[start : start + stride] for start in range(0, len(pixels), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
