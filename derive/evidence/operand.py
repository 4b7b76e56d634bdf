"""Balls as kernels are given them, which know that a float they meet is a constant of the kernel.

A kernel has floats for numbers that are typed, as 0.3, and for quotients of whole numbers by themselves, as 1 / n. Each
stands for a number that a few roundings to float64 have moved, so beside a ball it is one that holds the number.

Such balls double with every layer that a kernel calls, until they hold everything. There each constant is ``moved`` by
as much instead, up or down.
"""

from __future__ import annotations

import math
import operator
from binascii import crc32
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

WAYS = 3  # of moving constants: all up, and each up or down in two ways
_WAY: ContextVar[int | None] = ContextVar("way", default=None)
UNITS = 4  # roundings of a constant in a kernel: typed, multiplied by another, ...
SHORT = 32  # bits of a float that was not rounded: 0.5, 3.25


def rounded(value: float) -> bool:
    """Whether a float may stand for another number: it is neither whole nor a fraction of few bits."""
    if not math.isfinite(value) or (value.is_integer() and abs(value) < 2**53):
        return False
    whole = abs(value.as_integer_ratio()[0])
    return (whole // (whole & -whole)).bit_length() > SHORT


def constant(value: Any) -> Any:
    """A ball around a number of a kernel."""
    import flint

    ball = flint.arb(value)
    if not isinstance(value, float) or not rounded(value):
        return ball
    if (way := _WAY.get()) is not None:
        return ball * (1 + flint.arb(_sign(value, way) * UNITS) * 2.0**-53)
    return ball + flint.arb(0, (abs(ball) * UNITS * 2.0**-53).abs_upper())


def _sign(value: float, way: int) -> int:
    """Which way a constant is moved: the same wherever it stands; none is where ``way`` is -1."""
    return 0 if way < 0 else 1 if not way or crc32(repr(value).encode()) >> way & 1 else -1


@contextmanager
def moved(way: int) -> Iterator[None]:
    """Constants are moved meanwhile, and no balls; as they are with -1."""
    before = _WAY.set(way)
    try:
        yield
    finally:
        _WAY.reset(before)


TIE = 2.0**-80  #: of their magnitude: legs compute with 100 bits and more


def bare(value: Any) -> Any:
    """What arithmetic is done on: the ball of an operand, and one around a constant."""
    if isinstance(value, Operand):
        return value.ball
    if isinstance(value, np.generic):
        value = value.item()
    return constant(value) if isinstance(value, float) else value


def _binary(f: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operation and the one with the sides exchanged; an array does it element by element."""

    def forward(a: Operand, b: Any) -> Any:
        return NotImplemented if isinstance(b, np.ndarray) else Operand(f(a.ball, bare(b)))

    def backward(a: Operand, b: Any) -> Any:
        return NotImplemented if isinstance(b, np.ndarray) else Operand(f(bare(b), a.ball))

    return forward, backward


def _unary(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda a: Operand(f(a.ball))


def _compared(f: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def compare(a: Operand, b: Any) -> Any:
        if isinstance(b, np.ndarray):
            return NotImplemented
        one, two = a.ball, bare(b)
        return f(one.mid(), two.mid()) if one_number(one, two) else f(one, two)

    return compare


def one_number(a: Any, b: Any) -> bool:
    """Whether two balls are as good as one number, computed in two ways: then one of <, == and > is to hold of them.

    ``min(r a, clip(r, 1 - c, 1 + c) a)`` is a tie wherever nothing is clipped; with neither <= nor > both sides of it
    would be taken, or none.
    """
    if not hasattr(b, "mid") or not a.overlaps(b) or (a.is_exact() and b.is_exact()):
        return False
    return bool(abs(a - b) < abs(a) * TIE)


class Operand:
    """A ball; its methods are those of ``flint.arb``."""

    __slots__ = ("ball",)

    def __init__(self, value: Any) -> None:
        ball = bare(value)
        self.ball = ball if hasattr(ball, "mid") else constant(ball)

    __add__, __radd__ = _binary(operator.add)
    __sub__, __rsub__ = _binary(operator.sub)
    __mul__, __rmul__ = _binary(operator.mul)
    __truediv__, __rtruediv__ = _binary(operator.truediv)
    __pow__, __rpow__ = _binary(operator.pow)
    __neg__, __pos__, __abs__ = _unary(operator.neg), _unary(operator.pos), _unary(abs)
    __lt__, __le__ = _compared(operator.lt), _compared(operator.le)
    __gt__, __ge__ = _compared(operator.gt), _compared(operator.ge)

    __eq__, __ne__ = _compared(operator.eq), _compared(operator.ne)
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.ball)

    def __float__(self) -> float:
        return float(self.ball)

    def __repr__(self) -> str:
        return repr(self.ball)

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self.ball, name) and not name.startswith("_"):  # of the array of no axes that it stands for
            return getattr(np.array(self, dtype=object), name)
        found = getattr(self.ball, name)
        return (lambda *given: _kept(found(*map(bare, given)))) if callable(found) else found

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of an array of them: where a row was reduced to one number there is no array."""
        return np.dtype(object)

    @classmethod
    def pi(cls) -> Operand:
        import flint

        return cls(flint.arb.pi())


def _kept(value: Any) -> Any:
    return Operand(value) if hasattr(value, "mid") else value
