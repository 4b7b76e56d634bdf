"""What a candidate does beside computing: it ends, hangs, prints, writes, forges, keeps. All of it is a verdict."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive import judge
from derive.judge import wire
from derive.judge.isolate import Limits

SHORT = Limits(seconds=1.0)


def right(x: Any) -> Any:
    return np.maximum(x, 0)


def hang(x: Any) -> Any:
    while True:
        time.sleep(0.01)


def crash(x: Any) -> Any:
    return ctypes.string_at(0)


def endless(x: Any) -> Any:
    while True:
        sys.stdout.write("right " * 1000)
        sys.stdout.flush()


def fill_the_disk(x: Any) -> Any:
    with open("/dev/shm/gradbook-test" if os.path.isdir("/dev/shm") else "gradbook-test", "wb") as file:
        os.unlink(file.name)
        while True:
            file.write(bytes(1 << 20))
            file.flush()


def forge(x: Any) -> Any:
    for fd in range(3, 64):
        try:
            os.write(fd, b'\x10\0\0\0\0\0\0\0{"forward": null}')
        except OSError:
            continue
    os._exit(0)


def patched(x: Any) -> Any:
    for name in ("array_equal", "allclose", "isfinite", "isnan", "shares_memory"):
        setattr(np, name, lambda *a, **k: True)
    return np.zeros_like(x)


def randomly(x: Any) -> Any:
    return right(x) * (1 + 1e-3 * np.random.default_rng().random())


def seeds(x: Any) -> Any:
    np.random.seed(0)  # noqa: NPY002
    return right(x)


def errors(x: Any) -> Any:
    np.seterr(invalid="raise")
    return right(x)


def uninitialised(x: Any) -> Any:
    y = np.empty_like(x)
    y[x > 0] = x[x > 0]
    return y


VERDICTS: tuple[tuple[Callable[[Any], Any], str], ...] = (
    (hang, "no answer within 1 s"),
    (crash, "SIGSEGV"),
    (lambda x: os._exit(0), "exit status 0"),
    (lambda x: sys.exit(0), "SystemExit"),
    (endless, "SIGXFSZ"),
    (fill_the_disk, "SIGXFSZ"),
    (forge, ""),
    (patched, ""),
    (lambda x: np.zeros_like(x), "0 everywhere"),
    (lambda x: None, "None"),
    (lambda x: "right", "of type str"),
    (lambda x: (right(x), right(x)), "2 results"),
    (randomly, "another answer for the same arguments"),
    (seeds, "NumPy's random state"),
    (errors, "floating-point errors"),
    (uninitialised, ""),
    (lambda x: right(x)[:1], "shape"),
    (lambda x: bytearray(1 << 34) and right(x), "MemoryError"),
)


@pytest.mark.parametrize(("forward", "words"), VERDICTS, ids=lambda v: getattr(v, "__name__", ""))
def test_it_is_a_verdict(forward: Any, words: str) -> None:
    report = judge("relu", forward=forward, seed=3, limits=SHORT)
    assert report.verdict == "wrong", str(report)
    assert words in report.diagnosis, report.diagnosis


def test_a_saved_value_of_another_call() -> None:
    last: list[Any] = []

    class Kernel:
        @staticmethod
        def forward(x: Any) -> Any:
            last[:] = [x.copy()]
            return np.maximum(x, 0), None

        @staticmethod
        def backward(dy: Any, saved: Any) -> Any:
            return dy * (last[0] > 0)

    report = judge("relu", Kernel, seed=3)
    assert "another answer for an earlier forward" in report.diagnosis


def test_nothing_to_judge_is_said() -> None:
    for layer, forward, words in (
        ("rleu", right, "did you mean relu"),
        ("relu", "nowhere.at_all:f", "cannot be imported"),
        ("relu", "numpy:maximun", "has no 'maximun'"),
        ("relu", None, "nothing to judge"),
        ("nowhere.py:relu", right, "nowhere.py"),
    ):
        report = judge(layer, forward=forward)
        assert report.verdict == "could not judge"
        assert not report.ok
        assert words in report.diagnosis, report.diagnosis


def test_a_case_is_repeated_from_the_report() -> None:
    def forward(x: Any) -> Any:
        return np.where(x > 1, x * 1.001, right(x))

    report = judge("relu", forward=forward)
    finding = report.findings[0]
    again = judge("relu", forward=forward, replay=finding.replay)
    assert again.cases == 1
    assert again.findings[0] == finding


@pytest.mark.parametrize("layout", ["C", "F", "reversed", "every second", "broadcast", "empty"])
@pytest.mark.parametrize("format", ["float64", "float32", "float16", "bfloat16"])
def test_arrays_pass_as_they_lie_in_memory(layout: str, format: str) -> None:
    dtype = np.float32 if format == "bfloat16" else np.dtype(format)
    array = np.arange(24, dtype=dtype).reshape(4, 6)
    array = {
        "C": array, "F": np.asfortranarray(array), "reversed": array[::-1, ::-1], "every second": array[::2, ::3],
        "broadcast": np.broadcast_to(array[:1], (4, 6)), "empty": array[:0],
    }[layout]  # fmt: skip
    blobs: list[bytes] = []
    told = wire.packed(array, format, blobs)
    memory: list[bytearray] = []
    back = wire.unpacked(told, blobs, memory)
    if format == "bfloat16":
        back = wire.from_bfloat16(back)
    else:
        assert back.strides == array.strides or not array.size
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    "frame", [b"", b"\1", b"\xff" * 8, b"\2\0\0\0\0\0\0\0[]", b"\2\0\0\0\0\0\0\0{}", b'\r\0\0\0\0\0\0\0{"blobs":[-1]}']
)
def test_a_broken_frame_is_told(frame: bytes, tmp_path: Path) -> None:
    given, out = os.pipe()
    os.write(out, frame)
    os.close(out)
    with pytest.raises((wire.Closed, wire.Malformed)):
        wire.receive(given, time.monotonic() + 1)
    os.close(given)


@pytest.mark.parametrize(
    "told",
    [
        {"format": "float64", "shape": [3], "blob": 0}, {"format": "object", "shape": [1], "blob": 0},
        {"format": "float64", "shape": [-1], "blob": 0}, {"format": "float64", "shape": [1], "blob": 7},
        {"format": "float64", "shape": ["a"], "blob": 0}, {},
    ],
)  # fmt: skip
def test_an_impossible_array_is_told(told: dict[str, Any]) -> None:
    with pytest.raises(wire.Malformed):
        wire.unpacked(told, [bytes(8)])
