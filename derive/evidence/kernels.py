"""Calls a kernel by a layer's names, over any number type."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import layout
from derive.evidence.layout import Case, Elements, Value
from derive.evidence.operand import Operand, bare, constant
from derive.notation.several import changed

Arrays = dict[str, Value]
BITS = 260  # of Arb's working precision: more than 60 digits


def kernel_of(name: str) -> Any:
    """The generated module of a layer.

    Raises:
        ModuleNotFoundError: it was not generated.
    """
    return importlib.import_module(f"reference.layers.{name}")


def options(case: Case) -> dict[str, Any]:
    return dict(case.options)


def arguments(case: Case) -> list[Value]:
    """The inputs in the order of the signature."""
    return [case.tensors[t.name] for t in case.layer.inputs]


def _outputs(case: Case, names: tuple[str, ...], result: Any) -> Arrays:
    if len(names) == 1 and not hasattr(result, "_fields"):
        return {names[0]: result}
    return {n: getattr(result, n) for n in names}


def forward(kernel: Any, case: Case) -> tuple[Arrays, Any]:
    """Every output by name, and what was saved."""
    result, saved = kernel.forward(*arguments(case), **options(case))
    return _outputs(case, case.layer.outputs, result), saved


def backward(kernel: Any, case: Case, cotangents: Arrays, saved: Any = None) -> Arrays:
    """The gradient of every differentiable input by name."""
    if saved is None:
        saved = forward(kernel, case)[1]
    result = kernel.backward(_joined(case, cotangents), saved)
    return {t.name: getattr(result, t.name) for t in case.layer.differentiable if hasattr(result, t.name)}


def _joined(case: Case, cotangents: Arrays) -> Any:
    values = tuple(cotangents[o] for o in case.layer.differentiable_outputs)
    return values[0] if len(values) == 1 else values


def jvp(kernel: Any, case: Case, tangents: Arrays) -> Arrays:
    """The tangent of every differentiable output."""
    along = tuple(tangents[t.name] for t in case.layer.differentiable)
    result = kernel.jvp(tuple(arguments(case)), along, **options(case))
    names = case.layer.differentiable_outputs
    if len(names) == 1:
        return {names[0]: result[0] if isinstance(result, tuple) else result}
    return dict(zip(names, result, strict=True))


def double_backward(kernel: Any, derivation: Derivation, case: Case, cotangents: Arrays, along: Arrays) -> Arrays:
    """The gradient of sum(along * backward), by the output's name for its cotangent, by name for an input."""
    chosen = tuple(along[t.name] for t in case.layer.differentiable)
    result = kernel.double_backward(_joined(case, cotangents), tuple(arguments(case)), chosen, **options(case))
    names = {
        **derivation.adjoint.cotangents,
        **{t.name: t.name for t in case.layer.differentiable},
    }
    return {n: getattr(result, field) for n, field in names.items() if hasattr(result, field)}


# ---- number types ------------------------------------------------------------------------------------------


def convert(value: Value, f: Callable[[Any], Any]) -> Value:
    """The same array, or list of arrays, with every element converted: an object array."""
    if isinstance(value, list):
        return [convert(v, f) for v in value]
    array = np.asarray(value)
    out = np.empty(array.shape, object)
    flat = out.reshape(-1)
    for n, v in enumerate(array.reshape(-1)):
        flat[n] = f(v)
    return flat.reshape(array.shape)


def over(case: Case, f: Callable[[Any], Any]) -> Case:
    """The case with every real input converted to an object array, and every real option likewise."""
    real = {t.name for t in case.layer.inputs if t.kind == "real"}
    return replace(
        case,
        tensors={n: convert(v, f) if n in real else v for n, v in case.tensors.items()},
        options={n: changed(v, lambda n: f(n) if isinstance(n, float) else n) for n, v in case.options.items()},
    )


def cast(case: Case, dtype: Any) -> Case:
    """The case with every real input rounded to a format."""
    real = {t.name for t in case.layer.inputs if t.kind == "real"}

    def one(value: Value) -> Value:
        return [one(v) for v in value] if isinstance(value, list) else np.asarray(value).astype(dtype)

    return replace(case, tensors={n: one(v) if n in real else v for n, v in case.tensors.items()})


def to_fraction(value: Any) -> Fraction:
    return Fraction(float(value))


def to_arb(value: Any) -> Any:
    """The ball of radius 0 around a floating-point number."""
    import flint

    return flint.arb(float(value))


def to_operand(value: Any) -> Operand:
    """The ball of radius 0 around a floating-point number, as a kernel is given it."""
    return Operand(to_arb(value))


def to_ball(value: Any) -> Any:
    """What a kernel run on operands gives, as a ball: a float that depends on none of them is a constant."""
    own = bare(value)
    return own if hasattr(own, "mid") else constant(own)


@contextmanager
def precision(bits: int = BITS) -> Iterator[None]:
    """Arb's working precision, put back afterwards."""
    import flint

    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def elements(case: Case, arrays: Arrays, f: Callable[[Any], Any] = lambda v: v) -> dict[str, Elements]:
    """Results by name, element by element at the equations' indices."""
    return {n: layout.elements(case, n, v, f) for n, v in arrays.items()}


def arb_to_decimal(value: Any, exact: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The midpoint and radius of what a kernel gives, in another arithmetic."""
    ball = to_ball(value)
    return _exact(ball.mid(), exact), _exact(ball.rad(), exact)


def _exact(value: Any, exact: Callable[[Any], Any]) -> Any:
    if not value.is_finite():
        return exact(float("nan"))
    mantissa, exponent = value.man_exp()
    return exact(int(mantissa)) * exact(2) ** int(exponent)
