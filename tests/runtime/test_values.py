"""Corners of what arguments may be, which a fuzzer seldom meets."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from reference import (
    attention,
    clip_by_global_norm,
    conv2d,
    embedding,
    linear,
    lstm,
    max_pool2d,
    mlp,
    relu,
    sgd,
    softmax,
)
from reference.runtime.arrays import output_size
from reference.runtime.signature import Pattern, Signature

ONE = np.ones(1)


class Own(float):
    """A float of somebody's own."""

    def __mul__(self, other: Any) -> Any:
        raise AssertionError("the kernel calculates with the subclass")

    __rmul__ = __mul__


def objects(*values: Any) -> list[Any]:
    return [np.array(v, object) for v in values]


@pytest.mark.parametrize("number", [Fraction, Decimal])
@pytest.mark.parametrize("alpha", [0.5, np.float32(0.5), np.array(0.5), Own(0.5), np.longdouble(0.5)])
def test_exact_numbers_stay_exact(number: Any, alpha: Any) -> None:
    w = np.array([number(3)])
    (step,), _ = sgd.forward([w], [w], alpha=alpha)
    assert type(step[0]) is number
    assert step[0] == number(3) / 2
    assert sgd.forward([ONE], [ONE], alpha=Own(0.5))[0][0].tolist() == [0.5]
    (step,), _ = sgd.forward([w], [w], alpha=np.uint8(255))
    assert type(step[0]) is number
    assert step[0] == number(3) * -254


def test_floats_among_exact_numbers_are_taken_as_they_are() -> None:
    third = Fraction(1, 3)
    z, saved = linear.forward(np.array([third]), np.array([[0.5]]), np.array([0], object))
    assert z.tolist() == [third / 2]
    assert linear.backward(np.array([0.25]), saved).W.tolist() == [[third / 4]]
    assert linear.backward([third], saved).x.tolist() == [third / 2]
    assert np.isnan(linear.forward(np.array([third]), np.array([[np.nan]]), np.array([0], object))[0][0])
    assert linear.forward(np.array([np.int8(100)], object), objects([[Fraction(2)]])[0], ONE[:1])[0].tolist() == [201]


def signature(*axes: str) -> Signature:
    """Of tensors x, with one slot each."""
    return Signature("own", tuple(Pattern("x", (tuple(a.split("*")),)) for a in axes), ())


def test_a_list_may_come_before_what_its_first_entry_fits() -> None:
    rows = Pattern("W", (("l",), ("o",), ("i",)), sequence=True)
    made = Signature("own", (rows, Pattern("x", (("i",),))), (), chain=("i", "o"))
    assert made.bind([np.ones((2, 3))], np.ones(3))[-1]["i"] == 3


REFUSED: dict[str, Any] = {
    r"^sgd: alpha is Decimal\('NaN'\)": lambda: sgd.forward(
        objects([Decimal(1)]), objects([Decimal(1)]), alpha=Decimal("nan")
    ),
    r"^sgd: alpha is .*; it must be a finite number": lambda: sgd.forward([ONE], [ONE], alpha=Fraction(10) ** 400),
    r"^linear: x holds Fraction, W holds Decimal": lambda: linear.forward(*objects([Fraction(1)], [[Decimal(1)]], [1])),
    r"^relu: x\[\.\.\.\] holds an integer that is beyond": lambda: relu.forward([1.0, 10**400]),
    r"^relu: the cotangent or tangent of y\[\.\.\.\]": lambda: relu.backward(
        np.array([Fraction(10) ** 400]), relu.forward(ONE)[1]
    ),
    r"^softmax: axis is 2, but z of shape \(2, 3\)": lambda: softmax.forward(np.ones((2, 3)), axis=2),
    r"^softmax: axis is -3, but z of shape \(2, 3\)": lambda: softmax.forward(np.ones((2, 3)), axis=-3),
    r"^embedding: t\[\.\.\.\] holds 5; it indexes": lambda: embedding.forward(np.ones((5, 1)), [5]),
    r"^attention: mask.*does not broadcast": lambda: attention.forward(*[np.ones((2, 2))] * 3, np.ones((3, 1), bool)),
    r"^conv2d: W.*needs 4 axes": lambda: conv2d.forward(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2)), ONE),
    r"^conv2d: x.*not a multiple of 2": lambda: conv2d.forward(
        np.ones((1, 3, 2, 2)), np.ones((2, 1, 1, 1)), np.ones(2), groups=2
    ),
    r"^linear: x.*it needs at least 1 axes": lambda: linear.forward(np.ones(()), np.ones((1, 1)), ONE),
    r"^linear: b\[o\].*axis o is 2 long": lambda: linear.forward(np.ones((1, 3)), np.ones((2, 3)), np.ones(3)),
    r"^lstm: c0.*the axes \.\.\. are": lambda: lstm.forward(
        np.ones((1, 2, 3)), np.ones((2, 1)), np.ones((3, 1)), np.ones((4, 3)), np.ones((4, 1)), np.ones(4)
    ),
    r"^lstm: W.*gate\*n is 4 elsewhere, 5 here": lambda: lstm.forward(
        np.ones((1, 2, 3)), np.ones((2, 1)), np.ones((2, 1)), np.ones((5, 3)), np.ones((4, 1)), np.ones(4)
    ),
    r"^sgd: dW.* has 2 entries": lambda: sgd.forward([ONE], [ONE, ONE]),
    r"^sgd: dW\[0\] has shape": lambda: sgd.forward([ONE], [np.ones(2)]),
    r"^mlp: W\[0\]\[o, i\] has shape \(2, 4\), but the input's axis i": lambda: mlp.forward(
        np.ones((1, 3)), [np.ones((2, 4))], [np.ones(2)]
    ),
    r"^mlp: W\[1\]\[o, i\] .*axis o of entry 0 is 2 long": lambda: mlp.forward(
        np.ones((1, 3)), [np.ones((2, 3)), np.ones((1, 3))], [np.ones(2), ONE]
    ),
    r"^mlp: b\[0\]\[o\] .*axis o of entry 0 is 2 long elsewhere": lambda: mlp.forward(
        np.ones((1, 3)), [np.ones((2, 3))], [np.ones(3)]
    ),
    r"^mlp: b\[0\] has shape \(2, 1\); .* needs 1 axes": lambda: mlp.forward(
        np.ones((1, 3)), [np.ones((2, 3))], [np.ones((2, 1))]
    ),
    r"^attention: mask\[.*\] has dtype int64; it must be boolean": lambda: attention.forward(
        *[np.ones((2, 2))] * 3, np.ones((2, 2), int)
    ),
    r"^attention: mask\[.*\] has dtype float64; it must be boolean": lambda: attention.forward(
        *[np.ones((2, 2))] * 3, np.ones((2, 2))
    ),
    r"^embedding: t\[.*\] holds numbers of type float": lambda: embedding.forward(np.ones((5, 1)), objects([1.5])[0]),
    r"^max_pool2d: axis i of the output would have -2 positions; the window does not fit": lambda: max_pool2d.forward(
        np.ones((1, 1, 2, 9)), window=4, stride=3
    ),
    r"^own: axis i of the output would have -1 positions": lambda: output_size("own", "i", -1),
    r"^relu: x\[\.\.\.\] is None": lambda: relu.forward(None),
    r"^clip_by_global_norm: g is of type set": lambda: clip_by_global_norm.forward(set()),
    r"^clip_by_global_norm: g is of type str": lambda: clip_by_global_norm.forward(""),
    r"^clip_by_global_norm: g is of type dict": lambda: clip_by_global_norm.forward({}),
    r"^own: x\[a\*b\] .* the sizes of a and b are not known": lambda: signature("a*b").bind(np.ones(6)),
    r"^own: x\[a\*b\] .* a\*b is 6, not a multiple of 0": lambda: signature("a", "a*b").bind(np.ones(0), np.ones(6)),
    r"^clip_by_global_norm: g is of type frozenset": lambda: clip_by_global_norm.forward(frozenset()),
    r"^clip_by_global_norm: g is of type bytes": lambda: clip_by_global_norm.forward(b""),
    r"^relu: primals is of type NoneType": lambda: relu.jvp(None, (ONE,)),
    r"^relu: tangents is of type set": lambda: relu.jvp((ONE,), {1.0}),
    r"^relu: tangents is of type bytes": lambda: relu.jvp((ONE,), b"1"),
    r"^relu: tangents has 2 entries": lambda: relu.jvp((ONE,), (v for v in (ONE, ONE))),
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSED)
def test_refused_with_these_words(words: str) -> None:
    for _ in range(2):  # what was refused is not remembered as right
        with pytest.raises((TypeError, ValueError), match=words):
            REFUSED[words]()


def test_numpy_scalars_among_objects_are_numbers() -> None:
    assert relu.forward(np.array([np.float32(1), np.float64(-1), np.int8(2), 3], object))[0].tolist() == [1, 0, 2, 3]
    assert relu.forward(np.array([np.longdouble(1)], object))[0].dtype == np.longdouble


def test_empty_arrays_hold_nothing_wrong() -> None:
    assert embedding.forward(np.ones((3, 2)), np.zeros(0, np.uint64))[0].shape == (0, 2)
    assert embedding.forward(np.ones((0, 2)), np.zeros(0, int))[0].shape == (0, 2)
    assert relu.forward(np.zeros((0, 2), object))[0].shape == (0, 2)
    assert linear.forward(np.ones((2, 0)), np.ones((3, 0)), np.ones(3))[0].tolist() == [[1, 1, 1]] * 2


def test_labels_are_looked_at_in_every_call() -> None:
    E = np.ones((3, 2))
    for dtype in (np.intp, np.int8, ">i2", np.uint64, object):
        for _ in range(2):
            embedding.forward(E, np.array([2], dtype))
            for wrong in [3, 127] if dtype == np.uint64 else [3, -2, 127]:  # -1 is the padding's
                with pytest.raises(ValueError, match=f"holds {wrong}; it indexes axis v, so 0 <= t < 3"):
                    embedding.forward(E, np.array([wrong], dtype))
    with pytest.raises(ValueError, match="holds 18446744073709551615"):
        embedding.forward(E, np.array([2**64 - 1], np.uint64))


def test_axes_that_are_one_in_a_list() -> None:
    product = Pattern("W", (("l",), ("g", "n"), ("i",)), sequence=True)
    apart = Signature("own", (Pattern("b", (("l",), ("n",)), sequence=True), product), (), given={"g": 2})
    apart.bind([np.ones(3)], [np.ones((6, 4))])
    for sizes in ((3, 7), (3, 8)):
        with pytest.raises(ValueError, match=r"^own: W\[0\] has shape"):
            apart.bind([np.ones(sizes[0])], [np.ones((sizes[1], 4))])
    with pytest.raises(ValueError, match=r"^own: W\[0\] has shape .* g\*n is 6"):
        Signature("own", (product,), ()).bind([np.ones((6, 4))])
    with pytest.raises(ValueError, match=r"^own: W\[0\] has shape .* g\*n is 7; it must be 2 times n"):
        Signature("own", (product,), (), given={"g": 2}).bind([np.ones((7, 4))])
