"""A check that cannot fail is no check: every leg is seen to fail when what it guards is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation import Derivation
from derive.calculus.steps import Rewrite, Scatter
from derive.evidence import compare, enclosure, exact, generic, kernels, mutants, mutate, steps, verify
from derive.evidence.result import Result, Tally
from derive.notation import expr as x
from derive.notation.layer import Equation
from tests.evidence.shared import broken, derived


def fails(result: Result, words: str = "") -> None:
    assert not result.passed
    assert words in result.detail, result.detail


# ---- the derivation ----------------------------------------------------------------------------------------


def with_backward(name: str, change: Callable[[Equation], Equation]) -> Derivation:
    """A derivation whose last textbook equation is wrong."""
    d = derived(name)
    return replace(d, backward=(*d.backward[:-1], change(d.backward[-1])))


@pytest.mark.parametrize("name", ["layer_norm", "conv2d", "lstm", "mlp", "softmax"])
def test_exact_sees_a_wrong_textbook_form(name: str) -> None:
    fails(exact.exact(with_backward(name, lambda e: replace(e, body=x.neg(e.body)))), "textbook")


def test_exact_sees_a_wrong_scatter() -> None:
    d = derived("softmax")
    wrong = tuple(replace(e, body=x.mul(x.num(2), e.body)) for e in d.adjoint.equations)
    fails(exact.exact(replace(d, adjoint=replace(d.adjoint, equations=wrong))), "scatter rule")


def changed_step(name: str, kind: type, **fields: Callable[[Any], Any]) -> Derivation:
    """A derivation one of whose steps is wrong."""
    d = derived(name)
    at = next(n for n, s in enumerate(d.steps) if isinstance(s, kind))
    new = replace(d.steps[at], **{f: change(getattr(d.steps[at], f)) for f, change in fields.items()})  # type: ignore[type-var]
    return replace(d, steps=(*d.steps[:at], new, *d.steps[at + 1 :]))


def twice(e: x.Expr) -> x.Expr:
    return x.mul(x.num(2), e)


def test_steps_see_a_wrong_gather() -> None:
    fails(steps.steps(changed_step("linear", Scatter, after=twice)))


def test_steps_see_a_wrong_coefficient() -> None:
    """Wrong before and after gathering alike: only the difference quotient can tell."""
    fails(steps.steps(changed_step("linear", Scatter, after=twice, coefficient=twice)), "slope")


def test_steps_see_a_wrong_rewrite() -> None:
    fails(steps.steps(changed_step("layer_norm", Rewrite, after=twice)))


def test_steps_see_a_gap() -> None:
    d = derived("layer_norm")
    at = max(n for n, s in enumerate(d.steps) if isinstance(s, Rewrite))
    fails(steps.steps(replace(d, steps=d.steps[:at] + d.steps[at + 1 :])), "no recorded step ends with")
    fails(steps.steps(replace(d, steps=d.steps[: at - 1] + d.steps[at:])), "does not follow")


def test_steps_see_a_false_fact() -> None:
    d = derived("softmax")
    assert d.facts
    fails(steps.steps(replace(d, facts=(replace(d.facts[0], body=x.num(2)),))), "fact")


# ---- the kernels -------------------------------------------------------------------------------------------


def scaled(function: Callable[..., Any], factor: Any, field: str | None = None) -> Callable[..., Any]:
    """The function with its result (or one field of it) multiplied."""

    def run(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        if field is not None:
            return result._replace(**{field: getattr(result, field) * factor})
        if isinstance(result, tuple) and not hasattr(result, "_fields"):
            return (result[0] * factor, *result[1:])
        return result * factor

    return run


MODULE = kernels.kernel_of("linear")


def test_definition_sees_a_wrong_forward() -> None:
    kernel = broken("linear", forward=scaled(MODULE.forward, 1 + 2.0**-50))
    fails(compare.definition(derived("linear"), kernel))


@pytest.mark.parametrize("field", ["x", "W", "b"])
def test_differences_see_a_wrong_gradient(field: str) -> None:
    """A factor that is a float is known to 2**-51 (derive.evidence.operand), of every term of the sum."""
    kernel = broken("linear", backward=scaled(MODULE.backward, 1 + 2.0**-46, field))
    fails(compare.differences(derived("linear"), kernel), f"gradient of {field}")


def test_differences_see_a_wrong_gradient_in_float64_alone() -> None:
    def only_floats(dy: Any, saved: Any) -> Any:
        result = MODULE.backward(dy, saved)
        return result if result.b.dtype == object else result._replace(b=result.b * 1.01)

    fails(compare.differences(derived("linear"), broken("linear", backward=only_floats)), "float64")


def test_differences_see_a_gradient_that_is_missing() -> None:
    def without_b(dy: Any, saved: Any) -> Any:
        from types import SimpleNamespace

        result = MODULE.backward(dy, saved)
        return SimpleNamespace(x=result.x, W=result.W)

    fails(compare.differences(derived("linear"), broken("linear", backward=without_b)), "gradient of b")


def test_duality_sees_a_wrong_jvp() -> None:
    kernel = broken("linear", jvp=scaled(MODULE.jvp, 1 + 2.0**-50))
    fails(compare.duality(derived("linear"), kernel), "J")


def test_duality_sees_a_backward_that_is_not_linear() -> None:
    def with_constant(dy: Any, saved: Any) -> Any:
        result = MODULE.backward(dy, saved)
        return result._replace(b=result.b + 1)

    fails(compare.duality(derived("linear"), broken("linear", backward=with_constant)))


def test_second_sees_a_wrong_double_backward() -> None:
    module = kernels.kernel_of("softmax")
    kernel = broken("softmax", double_backward=scaled(module.double_backward, 1 + 2.0**-50, "z"))
    fails(compare.second(derived("softmax"), kernel), "second gradient of z")


def test_enclosure_sees_an_error_of_a_few_units() -> None:
    def noisy(*args: Any, **options: Any) -> Any:
        y, saved = MODULE.forward(*args, **options)
        return (y if y.dtype == object else y * (1 + 64 * np.finfo(y.dtype).eps).astype(y.dtype)), saved

    fails(enclosure.enclosure(derived("linear"), broken("linear", forward=noisy)))


@pytest.mark.parametrize("part", ["jvp", "double_backward"])
@pytest.mark.parametrize("name", ["layer_norm", "softmax"])
def test_enclosure_sees_an_error_of_a_few_units_in(part: str, name: str) -> None:
    function = getattr(kernels.kernel_of(name), part)

    def noisy(*args: Any, **options: Any) -> Any:
        return more(function(*args, **options))

    def more(value: Any) -> Any:
        if isinstance(value, tuple):
            return type(value)(*map(more, value)) if hasattr(value, "_fields") else tuple(map(more, value))
        return value if value.dtype == object else (value * (1 + 256 * np.finfo(value.dtype).eps)).astype(value.dtype)

    fails(enclosure.enclosure(derived(name), broken(name, **{part: noisy})), part)


def test_enclosure_sees_nan() -> None:
    def with_nan(*args: Any, **options: Any) -> Any:
        y, saved = MODULE.forward(*args, **options)
        if y.dtype != object and y.size:
            y = y.copy()
            y.flat[0] = np.nan
        return y, saved

    fails(enclosure.enclosure(derived("linear"), broken("linear", forward=with_nan)), "nan")


def test_enclosure_sees_a_warning() -> None:
    def overflowing(*args: Any, **options: Any) -> Any:
        y, saved = MODULE.forward(*args, **options)
        if y.dtype == np.float32:
            np.exp(np.full(2, 1000, np.float32))
        return y, saved

    fails(enclosure.enclosure(derived("linear"), broken("linear", forward=overflowing)), "overflow")


def test_generic_sees_promotion() -> None:
    def promoted(*args: Any, **options: Any) -> Any:
        y, saved = MODULE.forward(*args, **options)
        return (y.astype(np.float64) if y.dtype == np.float16 else y), saved

    fails(generic.generic(derived("linear"), broken("linear", forward=promoted)), "float16")


def test_generic_sees_a_kernel_that_writes_to_its_input() -> None:
    def writing(x_: Any, w: Any, b: Any) -> Any:
        np.multiply(b, 2, out=b)
        return MODULE.forward(x_, w, b)

    fails(verify.leg("generic", derived("linear"), broken("linear", forward=writing)), "read-only")


def test_generic_sees_a_kernel_that_needs_elements() -> None:
    def needing(x_: Any, w: Any, b: Any) -> Any:
        if x_.size == 0:
            raise ValueError("max of nothing")
        return MODULE.forward(x_, w, b)

    fails(generic.generic(derived("linear"), broken("linear", forward=needing)), "max of nothing")


def test_generic_sees_fractions_that_became_floats() -> None:
    def rounding(dy: Any, saved: Any) -> Any:
        result = MODULE.backward(dy, saved)
        return result._replace(b=result.b * (1 + 2.0**-52))

    fails(generic.generic(derived("linear"), broken("linear", backward=rounding)))


# ---- the evidence itself -----------------------------------------------------------------------------------


def test_what_is_raised_is_a_failure() -> None:
    def raising(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no such thing")

    fails(verify.leg("definition", derived("linear"), broken("linear", forward=raising)), "no such thing")


def test_nothing_compared_is_a_failure() -> None:
    fails(Tally("leg", "layer", 1.0).result(), "nothing was compared")


def test_nan_is_a_failure() -> None:
    tally = Tally("leg", "layer", 1.0)
    tally.measure(float("nan"), "here")
    fails(tally.result(), "here")


def test_mutants_survive_a_blind_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants.Point, "notices", lambda *_: False)
    result = mutants.score(derived("linear")).result()
    fails(result, "survived: dropped factor")


def test_mutants_need_equations_that_are_right() -> None:
    with pytest.raises(AssertionError, match="unchanged equations fail"):
        mutants.score(with_backward("linear", lambda e: replace(e, body=x.neg(e.body))))


def test_an_equivalent_mutant_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def one(equation: Equation) -> list[mutate.Mutant]:
        half = x.mul(x.num(Fraction(1, 2)), x.add(equation.body, equation.body))
        return [mutate.Mutant("rewritten", equation, replace(equation, body=half))]

    monkeypatch.setattr(mutants, "mutants", one)
    score = mutants.score(derived("linear"))
    assert (score.killed, len(score.equivalent), score.survivors) == (0, 3, ())


def test_every_mistake_is_tried() -> None:
    kinds = {
        m.kind
        for name in ("layer_norm", "conv2d", "attention", "embedding")
        for e in derived(name).backward
        for m in mutate.mutants(e)
    }
    assert kinds >= {
        "dropped term", "dropped factor", "sign", "wrong index", "exchanged indices", "forgot option", "forgot 1/N",
        "N - 1 for N", "exponent", "dropped bracket",
    }  # fmt: skip
