"""Many rows of a few numbers, and lists of many arrays: gone through as a whole, they give what each gives alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reference.layers import layer_norm, log_softmax, softmax, softmax_cross_entropy
from reference.runtime import blocks, layout, logarithms, narrow, probabilities, storage

Array = NDArray[Any]
WIDE = np.longdouble
ROWS = 5000


def distribution(columns: int, dtype: type) -> tuple[Array, Array]:
    """Exponents, and rows of probabilities, of which most are sure of one."""
    z = 6 * np.random.default_rng(columns).standard_normal((ROWS, columns))
    e = np.exp(z.astype(WIDE) - z.max(-1, keepdims=True).astype(WIDE))
    return z.astype(dtype), (e / e.sum(-1, keepdims=True)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [2, 3, 7, 9])
@pytest.mark.parametrize("fortran", [False, True])
def test_by_columns_results_are_those_of_each_row(
    columns: int, dtype: type, fortran: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    z, p = distribution(columns, dtype)
    assert probabilities.ALONE * np.count_nonzero(p > probabilities.SURE) > p.size
    t = np.random.default_rng(1).integers(columns, size=ROWS)
    f = np.random.default_rng(2).standard_normal(p.shape).astype(dtype)
    z[0], z[1], z[2, 0], f[3, 0], p[4, 0] = -np.inf, 3.0, np.nan, np.inf, np.nan
    z, p, f = (np.asfortranarray(a) if fortran else a for a in (z, p, f))
    found = []
    for many, alone in ((narrow.MANY, probabilities.ALONE), (10**9, 0)):
        monkeypatch.setattr(narrow, "MANY", many)
        monkeypatch.setattr(probabilities, "ALONE", alone)
        with np.errstate(invalid="ignore"):
            below = z - z.max(-1, keepdims=True)
            e = np.exp(below)
            found.append([
                probabilities.less_one_hot(p, t),
                probabilities.less_mean(f, p),
                probabilities.less_share(f, p),
                logarithms.log_sum_exp(below, z),
                logarithms.log_sum(e, e.sum(-1)),
            ])  # fmt: skip
    for by_columns, row_by_row in zip(*found, strict=True):
        limit = 4 * columns * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(by_columns, row_by_row, rtol=limit, atol=limit if columns == 9 else limit / 8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [2, 3, 7])
def test_digits_are_kept_next_to_1_and_to_0(columns: int, dtype: type) -> None:
    _, p = distribution(columns, dtype)
    t = np.argmax(p, axis=-1)
    rows = np.arange(ROWS)
    others = p.astype(WIDE)
    others[rows, t] = 0
    unit, found = np.finfo(dtype).eps, probabilities.less_one_hot(p, t)[rows, t]
    near = p[rows, t] > probabilities.NEAR
    assert np.all((np.abs(found + others.sum(-1)) <= columns / 2 * unit * others.sum(-1))[near])
    truth = np.log1p(others.sum(-1) / p[rows, t].astype(WIDE))
    assert np.all(np.abs(logarithms.log_sum(p, p.sum(-1)) - truth) <= (columns / 2 + 2) * unit * truth)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", range(1, narrow.COLUMNS))
def test_totals_are_rounded_once_or_twice(count: int, dtype: type) -> None:
    rng = np.random.default_rng(count)
    columns = list((10.0 ** rng.uniform(-3, 3, (count, 1000))).astype(dtype))
    truth = np.sum([c.astype(WIDE) for c in columns], axis=0)
    limit = (count - 1) / 2 if dtype is np.float32 else 1
    assert np.all(np.abs(narrow.total(columns) - truth) <= limit * np.finfo(dtype).eps * truth)


@pytest.mark.parametrize("layer", [softmax, log_softmax, layer_norm, softmax_cross_entropy])
@pytest.mark.parametrize("columns", [2, 3, 7])
def test_blocks_of_narrow_rows_are_those_of_each_part(layer: Any, columns: int) -> None:
    rng = np.random.default_rng(4)
    rows = 2 * blocks.WHOLE // 8 // columns
    x, dy = rng.standard_normal((2, rows, columns))
    more = {layer_norm: list(rng.uniform(1, 2, (2, columns))), softmax_cross_entropy: [np.abs(dy)]}.get(layer, [])
    options: dict[str, Any] = {"reduction": "none"} if layer is softmax_cross_entropy else {}
    step, found = 100, []
    dy = dy[:, 0] if options else dy
    y, saved = layer.forward(x, *more, **options)
    gradients = layer.backward(dy, saved)
    for start in range(0, rows, 997 * step):
        part = slice(start, start + step)
        own = [m if len(m) == columns else m[part] for m in more]
        one, kept = layer.forward(x[part], *own, **options)
        found.append((one, layer.backward(dy[part], kept)))
        for whole, alone in zip((y, *gradients), (one, *found[-1][1]), strict=True):
            if len(whole) == rows:
                np.testing.assert_allclose(whole[part], alone, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("axis", [0, 1, 2, -2])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_axis_is_moved_last_in_any_layout(axis: int, order: Any) -> None:
    a = np.asarray(np.arange(5 * 6 * 7.0).reshape(5, 6, 7), order=order)
    moved = np.moveaxis(a, axis, -1)
    found = layout.moved_last(a, axis, (moved.size // moved.shape[-1], moved.shape[-1]))
    np.testing.assert_array_equal(found, moved.reshape(found.shape))


def test_entries_of_a_list_are_told_apart_in_a_time_that_grows_with_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at = 0
    memory: Callable[[Any], Any] = storage._memory

    def counted(a: Any) -> Any:
        nonlocal looked_at
        looked_at += 1
        return memory(a)

    monkeypatch.setattr(storage, "_memory", counted)
    given = [np.ones(3) for _ in range(200)]
    found = storage.own_entries([*given, given[0][:2]], [given])
    assert looked_at < 4 * len(found)
    assert not any(np.shares_memory(a, b) for a, b in zip(found, [*given, given[0]], strict=True))
    assert not np.shares_memory(found[0], found[-1])


@pytest.mark.parametrize("rows", [1, 3, ROWS])
@pytest.mark.parametrize("columns", [2, 4, 40])
def test_quotients_of_any_sign_that_sum_to_1_are_shares_too(columns: int, rows: int) -> None:
    """x / sum(x): several of a row may be above one half."""
    rng = np.random.default_rng(columns)
    g, p = rng.normal(size=(2, rows, columns))
    p[:, : columns - 1][:, :2] = 0.8  # more than one, where there is room
    p[:, -1] = 1 - p[:, :-1].sum(-1)
    expected = g - p * g.sum(-1, keepdims=True)
    np.testing.assert_allclose(probabilities.less_share(g, p), expected, rtol=1e-12, atol=1e-12)
    expected = g - (p * g).sum(-1, keepdims=True)
    np.testing.assert_allclose(probabilities.less_mean(g, p), expected, rtol=1e-12, atol=1e-12)
