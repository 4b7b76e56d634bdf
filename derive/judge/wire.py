"""What passes between the judge and the process of a candidate: frames of JSON and raw bytes, never pickle.

A frame is eight bytes of length, a JSON header of that length, and the blobs whose lengths the header lists. Arrays
keep their layout: the memory that a view spans is sent as it is, with shape, strides and where the first element is.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import select
import struct
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

HEADER, BLOBS, TOTAL = 1 << 24, 1 << 16, 1 << 40  # the most that a frame may claim to hold
GUARD = 64  # bytes before and after an array's memory, which nobody may write to
#: Names of formats on the wire to the NumPy type that holds their bits.
BITS: dict[str, str] = {
    **{n: n for n in ("float16", "float32", "float64", "longdouble", "bool", "int32", "int64", "uint8", "int8")},
    **{n: n for n in ("int16", "uint16", "uint32", "uint64")},
    "bfloat16": "uint16",
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2"), "uint8"),
}
#: Formats of eight bits: how many of them are the fraction, and what is subtracted from an exponent.
EIGHT = {"float8_e4m3fn": (3, 7), "float8_e5m2": (2, 15)}


class Closed(Exception):
    """The other side is gone."""


class Late(Exception):
    """Nothing came in time."""


class Malformed(Exception):
    """What came is no frame of this kind."""


def send(fd: int, header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Write one frame.

    Raises:
        Closed: nobody reads.
    """
    text = json.dumps({**header, "blobs": [len(b) for b in blobs]}).encode()
    try:
        for part in (struct.pack("<Q", len(text)), text, *blobs):
            view = memoryview(part)
            while view:
                view = view[os.write(fd, view[: 1 << 20]) :]
    except (BrokenPipeError, OSError) as error:
        raise Closed from error


def receive(fd: int, deadline: float | None = None) -> tuple[dict[str, Any], list[bytes]]:
    """Read one frame, until a moment of time.monotonic.

    Raises:
        Closed, Late, Malformed: see there.
    """
    length = struct.unpack("<Q", _read(fd, 8, deadline))[0]
    if length > HEADER:
        raise Malformed(f"a header of {length} bytes")
    try:
        header = json.loads(_read(fd, length, deadline))
        sizes = header.pop("blobs")
        good = isinstance(header, dict) and isinstance(sizes, list) and all(type(n) is int and n >= 0 for n in sizes)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise Malformed("a header that is no JSON of ours") from error
    if not good or len(sizes) > BLOBS or sum(sizes) > TOTAL:
        raise Malformed("a header with impossible lengths")
    return header, [_read(fd, n, deadline) for n in sizes]


def _read(fd: int, count: int, deadline: float | None) -> bytes:
    parts = []
    while count:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise Late
        part = os.read(fd, min(count, 1 << 20))
        if not part:
            raise Closed
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


# ---- values: None, arrays, lists of arrays -----------------------------------------------------------------


def packed(value: Any, format: str, blobs: list[bytes]) -> Any:
    """A description of a value as JSON; its memory is added to the blobs. Reals are in a format on the wire."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return {"list": [packed(v, format, blobs) for v in value]}
    array = np.asarray(value)
    name = str(array.dtype) if array.dtype.kind in "biu" else format
    if array.dtype.kind == "f":
        array = encoded(array, name)
    low, high = np.lib.array_utils.byte_bounds(array) if array.size else (0, 0)
    start = array.__array_interface__["data"][0] - low if array.size else 0
    blobs.append(ctypes.string_at(low, high - low) if array.size else b"")
    strides = list(array.strides) if array.size else None
    return {"format": name, "shape": list(array.shape), "strides": strides, "at": start, "blob": len(blobs) - 1}


def unpacked(told: Any, blobs: Sequence[bytes], memory: list[bytearray] | None = None) -> Any:
    """The value of a description: arrays of bits. With ``memory``, each lies in a guarded buffer that is added to it.

    Raises:
        Malformed: there is no such array in these bytes.
    """
    if told is None:
        return None
    if "list" in told:
        return [unpacked(t, blobs, memory) for t in told["list"]]
    try:
        blob, dtype = blobs[told["blob"]], np.dtype(BITS[told["format"]])
        shape, strides, at = tuple(told["shape"]), told.get("strides"), told.get("at", 0)
        if any(type(n) is not int or n < 0 for n in shape) or (
            not strides and math.prod(shape) * dtype.itemsize > len(blob)
        ):
            raise ValueError("fewer bytes than elements")
        if not math.prod(shape):
            return np.empty(shape, dtype)
        if memory is None:
            return np.ndarray(shape, dtype, blob, at, strides).copy()
        buffer = bytearray(b"\xa5" * GUARD + blob + b"\xa5" * GUARD)
        memory.append(buffer)
        return np.ndarray(shape, dtype, buffer, GUARD + at, strides)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Malformed(f"an array that is none: {error}") from error


def encoded(array: Any, format: str) -> Any:
    """Real numbers as a format's bits where NumPy has no such type; as they are otherwise."""
    if format in EIGHT:
        return float8_bits(array, format)
    return bfloat16_bits(array) if format == "bfloat16" else array


def decoded(bits: Any, format: str) -> Any:
    """Those numbers again, as float32; arrays of other formats as they are."""
    if format in EIGHT and bits.dtype == np.uint8:
        return eights(format)[bits]
    return from_bfloat16(bits) if format == "bfloat16" and bits.dtype == np.uint16 else bits


@cache
def eights(format: str) -> Any:
    """The 256 numbers of a format of eight bits, by their bits: sign, exponent, fraction."""
    digits, bias = EIGHT[format]
    bits = np.arange(128)
    exponent, fraction = bits >> digits, (bits & (1 << digits) - 1) / 2.0**digits
    found = np.where(exponent > 0, 1 + fraction, fraction) * 2.0 ** (np.maximum(exponent, 1) - bias)
    if format == "float8_e5m2":  # as of longer formats: infinity, and NaN above it
        found[0x7C:] = [np.inf, np.nan, np.nan, np.nan]
    else:  # no infinity: the last is NaN, and what stood there in between are numbers
        found[0x7F] = np.nan
    return np.concatenate([found, -found]).astype(np.float32)


def float8_bits(array: Any, format: str) -> Any:
    """The nearest numbers of a format of eight bits, of two the even one; beyond the largest, the largest."""
    table = eights(format)
    numbers = table[np.isfinite(table)]
    numbers = numbers[: len(numbers) // 2].astype(np.float64)
    size = np.minimum(np.abs(np.asarray(array, np.float64)), numbers[-1])
    place = np.searchsorted((numbers[1:] + numbers[:-1]) / 2, size)  # a number in the middle goes to the lower one
    upper = np.minimum(place + 1, len(numbers) - 1)
    even = (place % 2 == 1) & (size * 2 == numbers[place] + numbers[upper]) & (upper > place)
    bits = np.where(np.isnan(size), 0x7F, place + even)
    return (bits | np.where(np.signbit(array), 0x80, 0)).astype(np.uint8).reshape(np.shape(array))


def bfloat16_bits(array: Any) -> Any:
    """The upper halves of float32 numbers, rounded to nearest even: as uint16."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) >> np.uint64(16)
    quiet = (bits >> np.uint64(16)) | np.uint64(0x40)
    return np.where(np.isnan(np.asarray(array, np.float32)), quiet, rounded).astype(np.uint16).reshape(np.shape(array))


def from_bfloat16(bits: Any) -> Any:
    """Those numbers again, as float32."""
    return (np.asarray(bits).astype(np.uint32) << np.uint32(16)).view(np.float32).reshape(np.shape(bits))
