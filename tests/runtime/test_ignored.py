"""Labels that are the value of an option are no positions: nothing is read or added there, in any function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.program.outside import spared
from tests.generality.support import built, definition, own_registry

T = "t: Integer[...], ignore: Integer = -100"
#: A body in which ignored labels are nothing that is read, and bodies in which they are.
SPARED = {
    "a case": (f"w: Real[i], {T}", "y[...] = w[t[...]] if t[...] != ignore else 0"),
    "the other case": (f"w: Real[i], {T}", "y[...] = 0 if ignore == t[...] else 2 * w[t[...]]"),
    "several": (f"w: Real[i], m: Boolean[...], {T}", "y[...] = w[t[...]] if m[...] and t[...] != ignore else 0"),
    "a position, too": (
        f"z: Real[..., i], {T}",
        "y[..., i] = z[..., i] if i == t[...] and t[...] != ignore else 0\n"
        "s[...] = z[..., t[...]] if t[...] != ignore else 0",
    ),
}
READ = {
    "read besides": (f"w: Real[i], {T}", "y[...] = (w[t[...]] if t[...] != ignore else 0) + w[t[...]]"),
    "read where it is ignored": (f"w: Real[i], {T}", "y[...] = w[t[...]] if t[...] == ignore else 0"),
    "a number": (f"w: Real[i], {T}", "y[...] = w[t[...]] * t[...] if t[...] != ignore else 0"),
    "an option that is a number": (f"w: Real[i], {T}", "y[...] = w[t[...]] if t[...] != ignore else ignore"),
}


@contextmanager
def kernel(folder: Path, signature: str, body: str) -> Iterator[tuple[Any, Any]]:
    results = dict.fromkeys(line.split("[")[0] for line in body.splitlines())
    with own_registry():
        derivations, made = built(folder, definition(signature, f"{body}\nreturn {', '.join(results)}"))
        yield derivations[0].layer, made


@pytest.mark.parametrize("case", SPARED)
def test_ignored_labels_take_no_part(case: str, tmp_path: Path) -> None:
    with kernel(tmp_path, *SPARED[case]) as (layer, made):
        assert spared(layer) == {"t": "ignore"}
        rng, t = np.random.default_rng(1), np.array([[0, -100, 3], [-100, 3, 2]])
        real = [rng.normal(size=(4,) if len(i.axes) == 1 else (2, 3, 4)) for i in layer.inputs if i.kind == "real"]
        mask = [np.ones((2, 3), bool) for i in layer.inputs if i.kind == "boolean"]
        for arguments, ignore in (((*real, *mask, t), -100), ((*real, *mask, np.where(t < 0, 1, t)), 1)):
            outputs, saved = made.forward(*arguments, ignore=ignore)
            values = outputs if len(layer.outputs) > 1 else (outputs,)
            assert all(np.all(v[t < 0] == 0) and np.any(v[t >= 0] != 0) for v in values)
            u = tuple(np.ones_like(v) for v in values)
            gradients = made.backward(u if len(u) > 1 else u[0], saved)
            if ignore == -100:
                first = *values, *gradients
        assert all(np.array_equal(a, b) for a, b in zip(first, (*values, *gradients), strict=True))
        with pytest.raises(ValueError, match=r"holds -7; .* or it is ignore"):
            made.forward(*real, *mask, np.where(t < 0, -7, t), ignore=-100)


@pytest.mark.parametrize("case", READ)
def test_labels_that_are_read_must_be_positions(case: str, tmp_path: Path) -> None:
    with kernel(tmp_path, *READ[case]) as (layer, made):
        assert not spared(layer)
        with pytest.raises(ValueError, match="it indexes axis i"):
            made.forward(np.ones(4), np.array([0, -100]))


def test_of_an_empty_axis_nothing_can_be_read(tmp_path: Path) -> None:
    with kernel(tmp_path, *SPARED["a case"]) as (_, made), pytest.raises(ValueError, match="it indexes axis i"):
        made.forward(np.ones(0), np.array([-100]))


@pytest.mark.parametrize("signature", ["w: Real[i]", "w: Real[i, d]"])
def test_of_many_labels_some_are_ignored(signature: str, tmp_path: Path) -> None:
    """However sums at many places are made: by one count, or one after another."""
    more = ", d" if "d]" in signature else ""
    body = f"y[...{more}] = w[t[...]{more}] if t[...] != ignore else 0"
    with kernel(tmp_path, f"{signature}, {T}", body) as (_, made):
        rng = np.random.default_rng(2)
        w, t = rng.normal(size=(5, 3)[: 2 if more else 1]), rng.integers(-1, 5, 20000)
        dy = rng.normal(size=(20000, *w.shape[1:]))
        wanted = np.stack([dy[t == i].sum(0) for i in range(5)])
        for ignore in (-1, -100):
            _, saved = made.forward(w, np.where(t < 0, ignore, t), ignore=ignore)
            np.testing.assert_allclose(made.backward(dy, saved).w, wanted, rtol=1e-10)
