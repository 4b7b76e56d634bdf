"""Options: a number of any width is a plain one for the kernel; what is none, or out of range, is refused by name."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

from derive.evidence import inputs, kernels
from derive.notation.several import changed, filled, numbers, short
from reference import conv2d, max_pool2d, sgd
from reference.runtime.values import OPTIONS
from tests.evidence.shared import LAYERS

INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
FLOATS = [np.float16, np.float32, np.float64, np.longdouble]
WHOLE = ("Count", "Natural", "Integer", "Axis")
NUMBERS = tuple(k for k, kind in OPTIONS.items() if kind.own is float)
OWN = [(name, o) for name, (layer, *_) in LAYERS.items() for o in layer.options]
IDS = [f"{name}-{o.name}" for name, o in OWN]


@cache
def case_of(name: str, dtype: Any = np.float32) -> Any:
    return next(iter(inputs.cases(LAYERS[name][0], dtype=dtype)))


def results(name: str, **options: Any) -> list[np.ndarray[Any, Any]]:
    """All that forward and backward return, flat."""
    case, module = case_of(name), kernels.kernel_of(name)
    y, saved = module.forward(*kernels.arguments(case), **{**case.options, **options})
    cotangent = kernels._joined(case, inputs.cotangents(case, dtype=np.float32)) if "reduction" not in options else y
    return [*flat(y), *flat(module.backward(cotangent, saved))]


def flat(value: Any) -> list[Any]:
    return [b for a in value for b in flat(a)] if isinstance(value, list | tuple) else [value]


def disguised(kind: str, value: Any) -> list[Any]:
    """The same value in other types."""
    if kind in WHOLE:
        types = [t for t in INTEGERS if np.iinfo(t).min <= value]
        return [*(t(value) for t in types), np.array(value), np.array(value, np.uint8 if value >= 0 else np.int8)]
    if kind in NUMBERS:
        return [*(t(value) for t in FLOATS), np.array(value), Fraction(value), Decimal(value)]
    if kind == "Flag":
        return [np.bool_(value), np.array(value)]
    return [np.str_(value), type("Word", (str,), {})(value)]


def several(option: Any, value: Any) -> list[Any]:
    """Several numbers in other types, in lists and arrays; one number where it is that of all."""
    forms = [changed(value, lambda v, n=n: disguised(option.kind, v)[n]) for n in (0, 3, 7, -1)]  # type: ignore[misc]
    forms += [listed(value), np.array(value), np.array(value, np.uint8)]
    return [*forms, short(value)] if short(value) != value else forms


def listed(value: Any) -> Any:
    return [listed(entry) for entry in value] if isinstance(value, tuple) else value


@pytest.mark.sampled("name")
@pytest.mark.parametrize(("name", "option"), OWN, ids=IDS)
def test_a_number_of_any_width_is_the_same_option(name: str, option: Any) -> None:
    case = case_of(name)
    value = dict(case.options).get(option.name, option.default)
    if option.kind in NUMBERS:
        value = float(np.float16(value)) or 0.5  # one that every format holds
    plain = results(name, **{option.name: value})
    for other in several(option, value) if option.shape else disguised(option.kind, value):
        found = results(name, **{option.name: other})
        assert all(type(a) is type(b) and a.dtype == b.dtype for a, b in zip(plain, found, strict=True)), repr(other)
        if not (option.kind in NUMBERS and float(other) != value):
            for a, b in zip(plain, found, strict=True):
                np.testing.assert_array_equal(a, b, err_msg=repr(other))


WRONG: dict[str, list[Any]] = {
    **{k: [True, np.True_, 2.0, np.float64(2), Fraction(2), Decimal(2), "2", b"2", None, 2j, [2], np.array([2]),
           np.nan]
       for k in WHOLE},
    **{k: [True, np.True_, "1", b"1", None, 0.5j, np.complex64(0.5), [0.5], np.array([0.5]), np.timedelta64(1),
           object(), np.ma.masked, np.nan, np.inf, -np.inf, np.float32("nan"), Decimal("nan"), 10**400, 10**5000,
           Fraction(10**400), Decimal("1e400"), np.longdouble("1e4000")]
       for k in NUMBERS},
    "Flag": [1, 0, 1.0, "True", None, np.array([True]), np.int8(1)],
    "Choice": ["", "means", "Mean", b"mean", None, 0, ["mean"], ("mean",)],
    "Activation": ["", "softmax", "forward", b"relu", None, 0, np.maximum],
}  # fmt: skip
OUT_OF_RANGE: dict[str, list[Any]] = {
    "Positive": [0, -0.0, -1e-300, np.float32(-1), Fraction(0), Fraction(1, 10**400)],
    "Probability": [0, -1, np.nextafter(1, 2), 2, np.uint8(2)],
    "Fraction": [-1e-300, np.nextafter(1, 2), np.float16(-0.5), Decimal("-0.1")],
    "Count": [0, -1, np.int8(-1), 2**63, 10**30],
    "Natural": [-1, np.int64(-1), 2**63],
    "Integer": [2**63, -(2**70)],
    "Axis": [99, -99, 2**63, np.int8(99)],
}


@pytest.mark.sampled("name")
@pytest.mark.parametrize(("name", "option"), OWN, ids=IDS)
def test_anything_else_is_refused_by_name(name: str, option: Any) -> None:
    case, module = case_of(name), kernels.kernel_of(name)
    arguments = kernels.arguments(case)
    y, _ = module.forward(*arguments, **dict(case.options))
    along = list(inputs.tangents(case, dtype=np.float32).values())
    values = WRONG[option.kind] + OUT_OF_RANGE.get(option.kind, [])
    if option.shape:
        good = list(numbers(option.default))
        values += [filled(option.shape, iter([*good[:-1], value])) for value in values]
        values += [(), good[:1], (*option.default, option.default[0]), (option.default,) * option.shape[0], {1, 2}]
    for value in values:
        wrong = {**case.options, option.name: value}
        calls = [
            lambda w=wrong: module.forward(*arguments, **w),
            lambda w=wrong: module.jvp(arguments, along, **w),
        ]
        if hasattr(module, "double_backward"):
            calls.append(lambda w=wrong: module.double_backward(y, arguments, along, **w))
        for call in calls:
            with pytest.raises((TypeError, ValueError), match=rf"^{name}: {option.name} is "):
                call()


def test_numbers_of_exact_types_keep_their_type() -> None:
    for number in (Fraction, Decimal):
        w = np.array([number(3)])
        (step,), _ = sgd.forward([w], [w], alpha=0.5)
        assert type(step[0]) is number
        assert step[0] == number(3) / 2


FITTING = [(w, s, p, d) for w in (1, 2, 3, 5) for s in (1, 2, 9) for p in (0, 1) for d in (1, 2, 9)]


@pytest.mark.parametrize("number", [int, np.uint8, np.int16])
def test_a_window_fits_or_does_not_whatever_the_stride(number: Any) -> None:
    rng = np.random.default_rng(1)
    for size in (0, 1, 2, 4):
        x = rng.standard_normal((1, 1, size, 7))
        for window, stride, padding, dilation in FITTING:
            w, s, p, d = map(number, (window, stride, padding, dilation))
            kernel = rng.standard_normal((1, 1, window, 1))
            reach = dilation * (window - 1) + 1

            def convolve(x=x, kernel=kernel, s=s, p=p, d=d) -> Any:  # type: ignore[no-untyped-def]
                return conv2d.forward(x, kernel, np.zeros(1), stride=s, padding=p, dilation=d)[0].shape[2]

            def pool(x=x, w=w, s=s, p=p) -> Any:  # type: ignore[no-untyped-def]
                return max_pool2d.forward(x, window=w, stride=s, padding=p)[0].shape[2]

            for call, extent in ((convolve, reach), (pool, window)):
                if size + 2 * padding < extent:
                    with pytest.raises(ValueError, match=r"the window does not fit the input"):
                        call()
                elif extent == reach or 7 + 2 * padding >= window:
                    assert call() == (size + 2 * padding - extent) // stride + 1


def test_a_stride_beyond_the_input_takes_one_step() -> None:
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    y, saved = max_pool2d.forward(x, stride=2**62)
    assert y.tolist() == [[[[5]]]]
    assert max_pool2d.backward(y, saved).x[0, 0, 1, 1] == 5


def test_numbers_for_each_axis_are_those_of_its_axis() -> None:
    """An image of which one axis is cut off gives what one for all gives on the other."""
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 11))
    wide, _ = max_pool2d.forward(x, window=(1, 3), stride=(1, 2), padding=((0, 0), (0, 1)), dilation=(1, 2))
    for row in range(9):
        one, _ = max_pool2d.forward(x[:, :, [row] * 9], window=3, stride=2, padding=((0, 0), (0, 1)), dilation=2)
        np.testing.assert_array_equal(wide[:, :, row], one[:, :, 0])
    turned, _ = max_pool2d.forward(x.swapaxes(2, 3), window=(3, 1), stride=(2, 1), padding=((0, 1), 0), dilation=(2, 1))
    np.testing.assert_array_equal(turned, wide.swapaxes(2, 3))


def test_padding_before_and_after_is_that_of_its_end() -> None:
    x, w = np.random.default_rng(1).standard_normal((2, 1, 2, 5, 6))[:2]
    w = w[:, :, :3, :2]
    for padding in (((0, 2), (1, 0)), (1, 2), 3, ((1, 2), 0)):
        (top, bottom), (left, right) = [
            (p, p) if isinstance(p, int) else p for p in ((padding, padding) if isinstance(padding, int) else padding)
        ]
        by_hand = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
        ours, _ = conv2d.forward(x, w, np.zeros(1), padding=padding)
        np.testing.assert_allclose(ours, conv2d.forward(by_hand, w, np.zeros(1))[0], rtol=1e-13)
