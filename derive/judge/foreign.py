"""Candidates that are no Python: functions of a shared library, and programs that read and write ``.npz``.

A C function has one signature, whatever the layer::

    void f(const T *input, ..., T *result, ..., const int64_t *sizes, const double *options);

inputs in the definition's order (of a backward: cotangents first, then the inputs), each without gaps; a mask as
bytes, integers as int64_t; an input that is left out as NULL. Results are the outputs, or the gradients of the inputs
that have one. ``sizes`` holds the lengths of all axes of all inputs, one after another (those that ``...`` stands for
multiplied into one, but for a layer whose option names an axis), ``options`` the options in the definition's order.
What it does not write to holds NaN, and what it writes beside a result is noticed.

A program is called as ``program forward IN.npz OUT.npz`` and ``program backward IN.npz OUT.npz``: inputs by name,
cotangents as ``dy``, options as 0-dimensional arrays; it writes outputs by name, gradients as ``dx``.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from derive.judge.adapters import Numpy, Unusable
from derive.judge.wire import GUARD

MOST_BYTES, HEADER = 16, 1 << 16  # of an element, and before the elements of an array in a file
SCRIPTS = (".py", ".jl", ".js", ".lua", ".m", ".pl", ".R", ".rb", ".sh")  # what a command without it cannot run


class Foreign(Numpy):
    """What is no Python: its parameters are not known, and what it computes is asked for by name and shape."""

    @property
    def parameters(self) -> dict[str, bool] | None:
        return None

    @property
    def parameters_of_gradients(self) -> dict[str, bool] | None:
        return None

    def check(self) -> None:
        """What is given are names."""

    def forward(self, arrays: dict[str, Any], options: dict[str, Any]) -> tuple[Any, Any]:
        handle = arrays, options
        return (None if self.function is None else self.values(arrays, options)), handle

    def values(self, arrays: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class Shared(Foreign):
    """Functions of shared libraries, ``library.so:function``."""

    def __init__(self, forward: Any, backward: Any, rename: Mapping[str, str]) -> None:
        function, gradients = (symbol(f) if isinstance(f, str) else f for f in (forward, backward))
        super().__init__(function, gradients, rename)

    def values(self, arrays: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        return self.called(self.function, list(arrays.values()), self.context["outputs"], (arrays, options))

    def gradients(self, handle: Any, cotangents: list[Any]) -> Any:
        given = [*cotangents, *handle[0].values()]
        return self.called(self.backward, given, self.context["gradients"], handle)

    def called(self, function: Any, given: list[Any], shapes: list[Any], handle: Any) -> dict[str, Any]:
        options = handle[1]
        if any(isinstance(a, list) for a in given) or any(isinstance(s, list) for _, s in shapes if s and s[0] == []):
            raise Unusable("a layer of lists of arrays cannot be judged through C")
        real = next(a for a in given if a is not None and a.dtype.kind == "f")
        held = [None if a is None else np.ascontiguousarray(a) for a in given]
        results, buffers = {}, []
        for name, shape in shapes:
            count = int(np.prod(shape)) * real.dtype.itemsize
            buffer = bytearray(b"\xa5" * (count + 2 * GUARD))
            results[name] = np.ndarray(shape, real.dtype, buffer, GUARD)
            results[name].fill(np.nan)
            buffers.append((name, buffer, count))
        sizes = np.array(self.context["lengths"], np.int64)
        values = np.array([float(v) for v in options.values() if not isinstance(v, str)], np.float64)
        pointers = [None if a is None else a.ctypes.data_as(ctypes.c_void_p) for a in (*held, *results.values())]
        function.restype = None
        function(*pointers, sizes.ctypes.data_as(ctypes.c_void_p), values.ctypes.data_as(ctypes.c_void_p))
        for name, buffer, count in buffers:
            if buffer[:GUARD] + buffer[GUARD + count :] != b"\xa5" * 2 * GUARD:
                raise ValueError(f"it writes outside its result {name}")
        return results


def symbol(spec: str) -> Any:
    """A function of a shared library.

    Raises:
        Unusable: there is none.
    """
    path, _, name = spec.rpartition(":")
    try:
        return getattr(ctypes.CDLL(os.path.abspath(path)), name)
    except (OSError, AttributeError) as error:
        raise Unusable(f"{spec}: {error}; write LIBRARY.so:FUNCTION") from error


class Program(Foreign):
    """Commands that read and write files. Files that are named in them are found from where the judge was called."""

    def __init__(self, forward: Any, backward: Any, rename: Mapping[str, str]) -> None:
        super().__init__(forward, backward, rename)
        self.words = {part: words_of(c) for part, c in (("forward", forward), ("backward", backward)) if c}

    def values(self, arrays: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        return self.run("forward", {**arrays, **options}, self.context["outputs"])

    def gradients(self, handle: Any, cotangents: list[Any]) -> Any:
        arrays, options = handle
        named = dict(zip(self.context["cotangent_names"], cotangents, strict=True))
        wanted = [(f"d{n}", s) for n, s in self.context["gradients"]]
        return self.run("backward", {**named, **arrays, **options}, wanted)

    def run(self, part: str, given: dict[str, Any], wanted: list[Any]) -> dict[str, Any]:
        if any(isinstance(v, list) for v in given.values()):
            raise Unusable("a layer of lists of arrays cannot be judged through files")
        with tempfile.TemporaryDirectory() as folder:
            inside, outside = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
            arrays: dict[str, Any] = {n: np.asarray(v) for n, v in given.items() if v is not None}
            np.savez(inside, **arrays)
            done = subprocess.run(
                [*self.words[part], part, inside, outside], capture_output=True, text=True, errors="replace", cwd=folder
            )
            if done.returncode:
                said = done.stderr[-300:].replace(folder, "...").strip()
                raise ValueError(f"exit status {done.returncode}, and it said {said!r}")
            if not os.path.exists(outside):
                raise ValueError(f"it wrote no file: it is called as PROGRAM {part} IN.npz OUT.npz")
            return dict(results(outside, wanted, part))


def results(path: str, wanted: list[Any], part: str) -> Iterator[tuple[str, Any]]:
    """What a program wrote, each array no larger than it must be.

    Raises:
        ValueError: it is no such file, or what is needed is not in it.
    """
    sizes = {n: MOST_BYTES * int(np.prod(s, dtype=object)) + HEADER for n, s in wanted}
    try:
        with zipfile.ZipFile(path) as archive:
            there = {m.filename.removesuffix(".npy"): m.file_size for m in archive.infolist()}
        missing = [n for n in sizes if n not in there and part == "forward"]
        if missing:
            raise ValueError(f"its file has no {', '.join(missing)}; it has {', '.join(there)}")
        for name, most in sizes.items():
            if there.get(name, 0) > most:
                raise ValueError(f"{name} in its file has {there[name]} bytes; {most} are enough for its shape")
        with np.load(path, allow_pickle=False) as file:
            for name in sizes:
                if name in there:
                    yield name, file[name]
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"what it wrote is no whole .npz file: {error}") from None


def words_of(command: str) -> list[str]:
    """The words of a command; those that are files here by their whole path.

    Raises:
        Unusable: there is no such program.
    """
    try:
        words = [os.path.abspath(w) if os.path.exists(w) else w for w in shlex.split(command)]
    except ValueError as error:
        raise Unusable(f"{command!r} is no command: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise Unusable(f"{command!r}: there is no program {words[0] if words else ''!r}, or it may not be executed")
    for word in words[1:]:
        if os.path.splitext(word)[1] in SCRIPTS and not os.path.exists(word):
            raise Unusable(f"{command!r}: there is no file {word}")
    return words


def adapter(framework: str, forward: Any, backward: Any, rename: Mapping[str, str]) -> Numpy:
    return (Shared if framework == "c" else Program)(forward, backward, rename)
