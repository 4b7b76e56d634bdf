"""Something is chosen by a condition that has axes which it lacks: it gets them, in every function of the kernel.

Each kernel is compared with its text twice: as a whole, and with blocks of one row.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from reference.runtime import blocks
from reference.runtime.arrays import divide_where, xdivy, xlogy
from tests.fuzz.test_found import definition
from tests.fuzz.worker import Outcome, attempt

GIVEN = "x: Real[i], u: Real[i], z: Real[k], r: Real[()]"
#: What decides, along the axis k.
CONDITIONS = {
    "a boolean array": ("on: Boolean[k]", "on[k]"),
    "a mask": ("m: Mask[i, k]", "m[i, k]"),
    "a comparison": ("", "z[k] > 0"),
    "labels": ("t: Integer[k]", "t[k] != 1"),
    "a position": ("", "k > 0"),
    "an option": ("f: Flag = True", "f"),
}
#: Two cases, of which the first lacks that axis.
CASES = {
    "nothing else": ("x[i] ** 2", "0"),
    "a number": ("x[i] ** 2", "2"),
    "a quotient": ("x[i] / u[i]", "0"),
    "a number that is data": ("r", "0"),
    "another array": ("exp(x[i])", "z[k]"),
    "both axes": ("x[i]", "x[i] * z[k]"),
}
#: Where they stand: the result, turned, in a sum, in a product, in a maximum.
PLACES = """
    a[i, k] = {}
    b[k, i] = {}
    c[i] = sum(k, {})
    d[i, k] = exp({}) * z[k] * ({})
    e[i] = max(k, {})
    g[k] = {}
    h = sum(k, {})
"""


def everywhere(declared: str, expression: str, first: int = 0, step: int = 1) -> str:
    """The definition of a layer with the expression in every place (or in some) that has its axes."""
    own = "abcde" if "[i]" in expression or "[i, k]" in expression else "gh"
    lines = [line.strip().replace("{}", f"({expression})") for line in PLACES.strip().splitlines()]
    body = [line for line in lines if line[0] in own][first::step]
    names = ", ".join(line[0] for line in body)
    return definition(", ".join(filter(None, (GIVEN, declared))), "\n".join([*body, f"return {names}"]))


@pytest.mark.parametrize(
    ("condition", "blocked"), [*((c, False) for c in CONDITIONS), ("a mask", True), ("an option", True)]
)
@pytest.mark.parametrize("case", CASES)
def test_what_is_chosen_has_the_axes_of_its_condition(
    condition: str, case: str, blocked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other place each, so that all pairs are met in half the time."""
    if blocked:
        monkeypatch.setattr(blocks, "WHOLE", 0)
        monkeypatch.setattr(blocks, "BLOCK", 8)
    declared, test = CONDITIONS[condition]
    one, other = CASES[case]
    first = ([*CONDITIONS].index(condition) + [*CASES].index(case)) % 2
    text = everywhere(declared, f"{one} if {test} else {other}", first, 2)
    assert attempt(text) == Outcome("agrees"), text


@pytest.mark.parametrize(
    ("declared", "body"),
    [
        ("g: Real[l][...]", "n = sqrt(sum((l, ...), g[l, ...] ** 2))\ny[l, ...] = g[l, ...] if n <= p else p / n"),
        ("g: Real[l][...]", "n = sqrt(sum((l, ...), g[l, ...] ** 2))\ny[l, ...] = g[l, ...] if n <= p else 1"),
        ("x: Real[b, i]", "n[b] = sqrt(sum(i, x[b, i] ** 2))\ny[b, i] = x[b, i] if n[b] <= p else p / n[b]"),
        ("W: Real[l][i], z: Real[l][o]", "y[l, i, o] = W[l, i] ** 2 if f else z[l, o]"),
        ("x: Real[k]", "t = sum(k, x[k])\ny[k] = x[k] ** 2 if f else t"),
        ("x: Real[k], t: Integer[k]", "y[k] = x[k] * (t[k] if f else 0.5)"),
    ],
)
def test_cases_of_an_option_have_one_shape(declared: str, body: str) -> None:
    """In a list, of a number that was computed, beside whole numbers."""
    text = definition(f"{declared}, f: Flag = True, p: Positive = 1.0", f"{body}\nreturn y")
    assert attempt(text) == Outcome("agrees")


@pytest.mark.parametrize("base", ["x[i]", "max(0, x[i])", "r", "abs(x[i])"])
@pytest.mark.parametrize("exponent", ["z[k]", "max(0, z[k])", "t[k]"])
def test_powers_have_the_axes_of_both(base: str, exponent: str) -> None:
    assert attempt(everywhere("t: Integer[k]", f"({base}) ** ({exponent})", step=2)) == Outcome("agrees")


@pytest.mark.parametrize("name", ["f", "function", "arguments", "options", "case", "kernel", "self", "g", "wrong"])
def test_an_option_has_any_name(name: str) -> None:
    assert attempt(
        definition(f"x: Real[i], {name}: Flag = True", f"y[i] = x[i] ** 2 if {name} else x[i]\nreturn y")
    ) == (Outcome("agrees"))


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("shapes", [*product([(2, 3), (1, 3), (2, 1), (3,), ()], repeat=2)])
def test_functions_of_two_arrays_broadcast(shapes: tuple[tuple[int, ...], ...], special: bool) -> None:
    """Zeros, where they take another way, and numbers that are all positive."""
    a, b = (np.resize([0.0, 2.0, -1.0, 0.0] if special else [1.5, 2.0], s) for s in shapes)
    functions: dict[Callable[[Any, Any], Any], Callable[[Any, Any], Any]] = {
        xlogy: lambda p, q: p * np.log(q),
        xdivy: lambda p, q: p / q,
    }
    for function, plain in functions.items():
        with np.errstate(all="ignore"):
            found, wanted = function(a, b), np.where(a == 0, 0, plain(a, b))
        np.testing.assert_array_equal(found, wanted)
    for condition in (np.array([[True], [True]]), np.array([[True], [False]]), np.array(True)):
        with np.errstate(all="ignore"):
            found, wanted = divide_where(condition, a, b), np.where(condition, a / b, 0)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("some", [[True, True], [True, False]])
def test_a_quotient_by_a_plain_number_has_the_type_of_the_array(dtype: type, some: list[bool]) -> None:
    """A norm of all elements is a Python float; the gradient through it is still of the caller's format."""
    found = divide_where(np.array(some), np.array([1, 3], dtype), 2.0)
    assert found.dtype == dtype
    assert found.tolist() == [0.5, 1.5 * some[1]]
