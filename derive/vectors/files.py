"""Arrays in files: ``.npz`` and safetensors. Those of strangers are read within what is expected of them.

Nothing is unpickled, nothing is unpacked to a disk, and no more is read of an array than its shape and format need: a
member of an archive that would unfold to more, has another name, shape or format, or ends too early is refused.
"""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ABOUT = "about"  # the array, or the entry of the metadata, that says what a file is
HEADER = 1 << 16  # the most bytes that the header of an array, or of a safetensors file without its arrays, may have
MOST = 1 << 31  # the most bytes of one array
MEMBERS = 4096  # the most arrays of a file
#: A format's name to that of NumPy's type for its bits, and of safetensors.
FORMATS = {
    "float64": ("<f8", "F64"), "float32": ("<f4", "F32"), "float16": ("<f2", "F16"), "bfloat16": ("<u2", "BF16"),
    "float8_e4m3fn": ("|u1", "F8_E4M3"), "float8_e5m2": ("|u1", "F8_E5M2"),
    "int64": ("<i8", "I64"), "int32": ("<i4", "I32"), "bool": ("|b1", "BOOL"), "uint8": ("|u1", "U8"),
}  # fmt: skip


class Unreadable(ValueError):
    """A file is not what it must be: says which file, what of it, and what was expected."""


class Missing(ValueError):
    """A package that is needed and not installed: says how to install it."""


@dataclass(frozen=True)
class Wanted:
    """What is expected of one array: its shape and its format."""

    shape: tuple[int, ...]
    format: str

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(FORMATS[self.format][0])

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.format} of shape {list(self.shape)}"


def needed(module: str) -> Any:
    """A package of the extra ``vectors``.

    Raises:
        Missing: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Missing(f"this needs {module}: pip install 'gradbook[vectors]'") from error


# ---- writing -------------------------------------------------------------------------------------------------


def npz(arrays: Mapping[str, tuple[str, Any]], about: Mapping[str, Any]) -> bytes:
    """An archive of arrays, each given with its format's name; the same bytes every time."""
    text = np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **{ABOUT: text}, **{n: np.asarray(a, FORMATS[f][0]) for n, (f, a) in arrays.items()})  # type: ignore[arg-type]
    return file.getvalue()


def safetensors(arrays: Mapping[str, tuple[str, Any]], about: Mapping[str, Any]) -> bytes:
    """The same arrays as safetensors, what they are in the metadata: a length, a header in JSON, and the bytes.

    Written here, for the package's own writers have changed their arguments and know no bfloat16 without PyTorch.
    """
    header: dict[str, Any] = {"__metadata__": {ABOUT: json.dumps(about, sort_keys=True)}}
    blobs, at = [], 0
    ordered = sorted(arrays.items(), key=lambda n: -np.dtype(FORMATS[n[1][0]][0]).itemsize)  # each where it is aligned
    for name, (format, array) in ordered:
        blobs.append(np.ascontiguousarray(array, FORMATS[format][0]).tobytes())
        end = at + len(blobs[-1])
        header[name] = {"dtype": FORMATS[format][1], "shape": list(np.shape(array)), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *blobs])


# ---- reading -------------------------------------------------------------------------------------------------


def read(path: Path, wanted: Mapping[str, Wanted]) -> dict[str, Any]:
    """Those of the wanted arrays that a file has, as arrays of bits.

    Raises:
        Unreadable: it is no such file, an array is not as expected, or there are others.
    """
    try:
        if path.suffix == ".safetensors":
            return dict(_safetensors(path, wanted))
        return dict(_npz(path, wanted))
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from error


def _known(path: Path, name: str, wanted: Mapping[str, Wanted]) -> Wanted:
    if name not in wanted:
        names = ", ".join(wanted)
        raise Unreadable(f"{path} has {name[:100]!r}, which is no name of this case's results: {names}")
    if wanted[name].bytes > MOST:
        raise Unreadable(f"{path}: {name} is to have {wanted[name].bytes} bytes, more than {MOST}")
    return wanted[name]


def _npz(path: Path, wanted: Mapping[str, Wanted]) -> Iterator[tuple[str, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS:
                raise Unreadable(f"{path} has {len(members)} members; {len(wanted)} are expected")
            seen = set()
            for member in members:
                name = member.filename.removesuffix(".npy")
                if name == ABOUT:
                    continue
                own = _known(path, name, wanted)
                if name in seen:
                    raise Unreadable(f"{path} has {name} twice")
                seen.add(name)
                if member.flag_bits & 1:
                    raise Unreadable(f"{path}: {name} is encrypted")
                if member.file_size > own.bytes + HEADER:
                    words = f"unfolds to {member.file_size} bytes where {own} has {own.bytes}"
                    raise Unreadable(f"{path}: {name} {words}")
                with archive.open(member) as file:
                    yield name, _npy(f"{path}: {name}", file, own)
    except (Unreadable, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # a damaged archive makes many kinds in zipfile, zlib, bz2, lzma and struct
        raise Unreadable(f"{path} is no whole .npz file: {error or type(error).__name__}") from error


def _npy(what: str, file: Any, own: Wanted) -> Any:
    """One array of an archive: a header of NumPy's, and no more bytes than it needs."""
    form = np.lib.format
    try:
        version = form.read_magic(file)
        reader = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}.get(version)
        if reader is None:
            raise Unreadable(f"{what} is of version {version} of NumPy's format; 1.0 and 2.0 are read")
        shape, fortran, dtype = reader(file, max_header_size=HEADER)
    except Unreadable:
        raise
    except Exception as error:  # of Python's tokenizer and parser, among others
        raise Unreadable(f"{what} is no array of NumPy's format: {f'{error} '.splitlines()[0]}") from error
    if dtype.hasobject:
        raise Unreadable(f"{what} holds Python objects, which are not unpickled; {own} is expected")
    plain = dtype.newbyteorder("<") if dtype.byteorder == ">" else dtype
    bits = plain == own.dtype or (own.format == "bfloat16" and plain == np.dtype("V2"))
    if not bits or tuple(shape) != own.shape:
        raise Unreadable(f"{what} is {dtype.name} of shape {list(shape)}; {own} is expected")
    data = _exactly(what, file, own)
    array = np.frombuffer(data, dtype)
    if dtype.byteorder == ">":
        array = array.astype(plain)
    return array.view(own.dtype).reshape(own.shape, order="F" if fortran else "C")


def _exactly(what: str, file: Any, own: Wanted) -> bytes:
    parts, left = [], own.bytes
    while left:
        part = file.read(min(left, 1 << 20))
        if not part:
            raise Unreadable(f"{what} ends after {own.bytes - left} of {own.bytes} bytes")
        parts.append(part)
        left -= len(part)
    if file.read(1):  # the end of a member also compares its checksum
        raise Unreadable(f"{what} is longer than {own.bytes} bytes")
    return b"".join(parts)


def _safetensors(path: Path, wanted: Mapping[str, Wanted]) -> Iterator[tuple[str, Any]]:
    own = needed("safetensors")
    most = sum(w.bytes for w in wanted.values()) + HEADER * (2 + len(wanted))
    if (size := path.stat().st_size) > most:
        raise Unreadable(f"{path} has {size} bytes; {most} are enough for what is expected")
    try:
        found = own.deserialize(path.read_bytes())
    except Exception as error:  # SafetensorError is made by a native module
        raise Unreadable(f"{path} is no whole safetensors file: {error}") from error
    for name, told in found:
        this = _known(path, name, wanted)
        if told["dtype"] != FORMATS[this.format][1] or tuple(told["shape"]) != this.shape:
            raise Unreadable(f"{path}: {name} is {told['dtype']} of shape {told['shape']}; {this} is expected")
        yield name, np.frombuffer(bytes(told["data"]), this.dtype).reshape(this.shape)


def numbers(bits: Any, format: str) -> Any:
    """Arrays of bits as float64 numbers, exactly (whole numbers and masks as they are).

    Raises:
        Missing: the format needs ml_dtypes, which is not installed.
    """
    from derive.judge.wire import from_bfloat16

    if format == "bfloat16":
        return from_bfloat16(bits).astype(np.float64)
    if format.startswith("float8"):
        return bits.view(getattr(needed("ml_dtypes"), format)).astype(np.float64)
    return bits.astype(np.float64) if bits.dtype.kind == "f" else bits
