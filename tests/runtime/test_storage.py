"""Memory of large results is used again, and never while anything still reads it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest

from reference.layers import dropout
from reference.runtime import storage

FLOAT = np.dtype(np.float64)
SHAPE = (512, 512)  # 2 MiB


@pytest.fixture(autouse=True)
def nothing_free() -> Iterator[None]:
    gc.collect()
    storage.release()
    yield
    storage.release()


def address(a: np.ndarray) -> int:
    return int(a.__array_interface__["data"][0])


def test_memory_is_used_again() -> None:
    a = storage.empty(SHAPE, FLOAT)
    before = address(a)
    del a
    again = storage.empty((512 * 512,), FLOAT)
    assert address(again) == before
    assert again.shape == (512 * 512,)
    assert again.flags.c_contiguous
    assert again.flags.writeable


def test_memory_in_use_is_left_alone() -> None:
    a = storage.empty(SHAPE, FLOAT)
    view = a[3:, ::2].T
    view[...] = 1
    del a
    other = storage.empty(SHAPE, FLOAT)
    other[...] = 2
    assert not np.shares_memory(view, other)
    assert (view == 1).all()


def test_what_is_kept_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOST", 5 << 20)
    held = [storage.empty((128 + n, 1024), FLOAT) for n in range(8)]  # just over 1 MiB each
    held.clear()
    assert 0 < sum(size * len(memories) for size, memories in storage._free.items()) <= 5 << 20


def test_small_arrays_and_objects_are_numpys_own() -> None:
    assert storage.room(np.empty(3)) is None
    assert storage.empty((3,), FLOAT).base is None
    assert storage.empty((1 << 20,), np.dtype(object)).base is None


def test_results_of_two_calls_are_two_arrays() -> None:
    rng = np.random.default_rng(1)
    x, m, dy = (rng.standard_normal(SHAPE) for _ in range(3))
    y, saved = dropout.forward(x, m)
    first = y.copy()
    dx, dm = dropout.backward(dy, saved)
    y2, _ = dropout.forward(m, dy)
    assert not any(np.shares_memory(y2, a) for a in (y, dx, dm, x, m, dy))
    np.testing.assert_array_equal(y, first)
    np.testing.assert_array_equal(dx, dy * m)
