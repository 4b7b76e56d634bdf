"""The steps leg: every line of a derivation is evaluated on both sides.

For each recorded step, at random points and to 60 digits:

* a Scatter's gathered form against a brute-force scatter over all its loops, at every element of the target;
* all Scatters of one equation into one tensor, against the central difference of that equation alone along a
  random direction of that tensor (so that SymPy's coefficient and the cotangent it is multiplied with are
  both checked);
* a Rewrite before against after, at every element;
* a fact's left side against its right side.

* the plain case's steps likewise, and its outputs and gradients against the whole layer's there.

And the steps are one chain: the rewrites of an equation begin with what the scatter rule gave, each begins
where the one before it ended, and the last ends with the equation that is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.calculus.plain import Plain, plain
from derive.calculus.steps import Rewrite, Scatter
from derive.evidence import inputs, world
from derive.evidence.compare import central
from derive.evidence.interpret import Interpreter
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import MP
from derive.evidence.result import Result, Tally
from derive.notation.expr import Expr, Num, Op, Pos, Ref, free, walk
from derive.notation.layer import Equation, Layer, Tensor
from derive.notation.text import show, show_equation

TOLERANCE = 1e-30
NO_SLOPE = "a tensor is infinite there, as the logarithm of an empty sum is, or the root of 0, and has no slope"
STEP = MP.exact(10) ** -20  # the error of a central difference is about its square


def scattered(run: Interpreter, step: Scatter) -> Elements:
    """``d target[index] += cotangent * coefficient`` for all loops."""
    e = step.equation
    loops = run.loops(step.loops, e.lhs, e.body, step.ref, step.cotangent, step.coefficient)
    at = run.position(step.ref.index)
    slope, cotangent = run.number(step.coefficient), run.number(step.cotangent)
    found: Elements = {}
    for env in loops({}):
        index = at(env)
        if index is not None and run.within(step.ref.tensor, index):
            found[index] = found.get(index, run.zero) + cotangent(env) * slope(env)
    return found


def gathered(run: Interpreter, step: Scatter) -> Elements:
    """The same contribution as one expression at each element of the target."""
    value = run.number(step.after)
    fixed = [(n, run.index(e)({})) for n, e in enumerate(step.left) if not isinstance(e, Pos)]
    found: Elements = {}
    for index in run.indices(step.ref.tensor):
        if held(run, step, index) and all(index[n] == constant for n, constant in fixed):
            found[index] = value({e.index: i for e, i in zip(step.left, index, strict=True) if isinstance(e, Pos)})
    return found


def held(run: Interpreter, step: Scatter, index: tuple[int, ...]) -> bool:
    """Whether the adjoint has that place: one before the first is there only if something is to know of it."""
    return step.name not in run.equations or run.within(step.name, index)


def slope_of_equation(
    run: Interpreter, equation: Equation, tensor: str, along: Elements, cotangent: Ref
) -> tuple[Any, Any]:
    """The central difference of the sum of one equation's values times their cotangents, along one tensor, and a
    bound on its error."""
    envs = list(run.loops(equation.indices, equation.lhs, equation.body)({}))
    weight = run.number(cotangent)
    weights = [weight(env) for env in envs]

    def objective(step: Any) -> Any:
        store = {name: dict(elements) for name, elements in run.store.items()}
        store[tensor] = {i: v + step * along[i] for i, v in store[tensor].items()}
        moved = Interpreter(run.case, (), run.tensors, run.numbers, store)
        moved.lowest, moved.anchor = run.lowest, run
        body = moved.number(equation.body)
        return sum((w * body(env) for w, env in zip(weights, envs, strict=True)), run.zero)

    if bends(objective):
        return MP.exact("nan"), run.zero
    return central(objective, STEP)


def bends(f: Callable[[Any], Any]) -> bool:
    """Whether f has two slopes at 0: a product with what a relu left nothing of is 0, where the next relu bends."""
    here = f(MP.exact(0))

    def jump(step: Any) -> Any:
        return abs(f(step) + f(-step) - 2 * here) / step

    wide, narrow = jump(STEP), jump(STEP / 16)
    return bool(narrow > wide / 2 and wide > TOLERANCE * 10**15)


def unbounded(case: Case) -> bool:
    """Whether a tensor that the definition names is infinite somewhere, or it takes the root of 0: there is no slope,
    though nothing may ask."""
    run = world.forward(case, MP)
    equations = case.layer.equations
    if any(abs(run.element(e.target, i)) == MP.inf for e in equations for i in run.indices(e.target)):
        return True
    roots = [n.args[0] for e in equations for n in walk(e.body) if isinstance(n, Op) and n.fn == "pow" and _root(n)]
    return any(run.number(a)(env) == 0 for a in roots for env in run.loops(tuple(free(a)), a)({}))


def _root(power: Op) -> bool:
    exponent = power.args[1]
    return isinstance(exponent, Num) and 0 < exponent.value < 1


@contextmanager
def sloped(case: Case, tally: Tally, words: str = "") -> Iterator[None]:
    """A division by zero there leaves a case out, if it has a place without a slope."""
    try:
        yield
    except ZeroDivisionError:
        if not unbounded(case):
            raise
        tally.leave(f"{words}{case.words}: {NO_SLOPE}")


def steps(derivation: Derivation, seed: int = 0) -> Result:
    """Evaluate every step of a derivation on both sides, over every option's values."""
    layer = derivation.layer
    tally = Tally("steps", layer.name, TOLERANCE)
    for n, case in enumerate(inputs.cases(layer, seed, plan=inputs.SMALL)):
        cotangents = inputs.cotangents(case, seed + n)
        with sloped(case, tally):
            _check(derivation, case, cotangents, seed + n, tally)
    _chain(derivation, tally)
    if not derivation.steps and not derivation.backward:
        tally.leave("there is no gradient")
    recorded = f"{len(derivation.steps)} steps, {len(derivation.facts)} facts"
    if found := plain(layer):
        _plain(found, derivation, seed, tally)
        recorded += f"; {len(found.derivation.steps)} steps of the plain case"
    return tally.result(recorded)


def _plain(found: Plain, derivation: Derivation, seed: int, tally: Tally) -> None:
    """The steps of the plain case, and all that it says against what the whole layer says there."""
    _chain(found.derivation, tally)
    for n, case in enumerate(inputs.cases(found.derivation.layer, seed, plan=inputs.SMALL)):
        with sloped(case, tally, "plain case, "):
            _plain_case(found, derivation, case, seed + n, tally)


def _plain_case(found: Plain, derivation: Derivation, case: Case, seed: int, tally: Tally) -> None:
    cotangents = inputs.cotangents(case, seed)
    _check(found.derivation, case, cotangents, seed, tally)
    one = world.backward(found.derivation, case, cotangents)
    two = world.backward(derivation, enlarged(found, derivation.layer, case), cotangents)
    names = {o: o for o in case.layer.outputs} | found.derivation.gradients
    for name, here in names.items():
        there = derivation.gradients.get(name, name)
        values, others = one.values(here, name), two.values(there, name)
        tally.claim(len(values) == len(others), f"plain case, {case.words}: {len(others)} elements of {name}")
        for (index, value), wanted in zip(values.items(), others.values(), strict=False):
            tally.compare(value, wanted, f"plain case, {case.words}: {here}{list(index)}")


def enlarged(found: Plain, layer: Layer, case: Case) -> Case:
    """A case of the plain layer as one of the whole layer, whose arrays have the same shapes."""
    given = {name: value for name, value in found.given if value is not None} | case.options
    tensors = {t.name: case.tensors.get(t.name) for t in layer.inputs}
    return Case(layer, tensors, {o.name: given[o.name] for o in layer.options}, case.words)


def _check(derivation: Derivation, case: Case, cotangents: dict[str, Any], seed: int, tally: Tally) -> None:
    raw = derivation.adjoint.equations
    known = {e.target for e in raw}
    extra = tuple(e for e in derivation.backward if e.target not in known)
    run = world.backward(derivation, case, cotangents, MP, raw + extra)
    for equation in case.layer.equations + derivation.adjoint.auxiliary + raw:  # compute everything once
        for index in run.indices(equation.target):
            run.element(equation.target, index)
    rng = np.random.default_rng(seed)
    sums: dict[tuple[Equation, str], list[Scatter]] = {}
    found: dict[int, Elements] = {}
    for step in derivation.steps:
        if isinstance(step, Scatter):
            before, after = scattered(run, step), gathered(run, step)
            found[id(step)] = before
            words = f"{case.words}: {show(step.ref)} in {show_equation(step.equation)}"
            for index in (i for i in {**before, **after} if held(run, step, i)):
                tally.compare(after.get(index, run.zero), before.get(index, run.zero), f"{words} at {list(index)}")
            sums.setdefault((step.equation, step.ref.tensor), []).append(step)
        else:
            _rewrite(run, step, case, tally)
    for (equation, tensor), group in sums.items():
        along = {i: MP.exact(float(rng.normal())) for i in run.indices(tensor)}
        cotangent = Ref(derivation.adjoint.names[equation.target], equation.left)
        wanted, error = slope_of_equation(run, equation, tensor, along, cotangent)
        got = sum((v * along[i] for step in group for i, v in found[id(step)].items()), run.zero)
        where = f"{case.words}: slope of {show_equation(equation)} in {tensor}"
        if wanted != wanted:  # of infinities on both sides
            tally.leave("slopes of an equation at a kink, or whose values are infinite, as what a mask leaves out")
            continue
        beyond = max(abs(got - wanted) - error, 0) / max(1, abs(wanted))
        tally.measure(beyond, where, f"got {float(got):.6g}, wanted {float(wanted):.6g}")
    for fact in derivation.facts:
        words = f"{case.words}: fact {show(fact.lhs)} = {show(fact.body)}"
        _equal(run, fact.lhs, fact.body, fact.left, (), words, tally)


def _chain(derivation: Derivation, tally: Tally) -> None:
    """Each equation shown is the scatter rule's, or the end of an unbroken chain of rewrites from it."""
    raw = {e.lhs: e.body for e in derivation.adjoint.equations}
    at = dict(raw)
    for step in derivation.steps:
        if isinstance(step, Rewrite):
            begins = at.get(step.target) == step.before
            tally.claim(
                begins,
                f"{step.rule}: {show(step.target)} = {show(step.before)} does not follow",
            )
            at[step.target] = step.after
    for e in derivation.backward:
        tally.claim(at.get(e.lhs) == e.body, f"no recorded step ends with {show_equation(e)}")


def _rewrite(run: Interpreter, step: Rewrite, case: Case, tally: Tally) -> None:
    words = f"{case.words}: {step.rule}, {show(step.before)} = {show(step.after)}"
    _equal(run, step.before, step.after, step.target.index, (step.target,), words, tally)


def _equal(
    run: Interpreter,
    before: Expr,
    after: Expr,
    left: tuple[Expr, ...],
    more: Iterable[Expr],
    words: str,
    tally: Tally,
) -> None:
    names = tuple(dict.fromkeys([e.index for e in left if isinstance(e, Pos)] + free(before) + free(after)))
    _introduce(run, (before, after))
    one, two = run.number(before), run.number(after)
    for env in run.loops(names, before, after, *more)({}):
        tally.compare(two(env), one(env), f"{words} at {env}")


def _introduce(run: Interpreter, expressions: Iterable[Expr]) -> None:
    """A tensor that nothing defines would be zero on both sides: refuse."""
    for e in expressions:
        for node in walk(e):
            if isinstance(node, Ref) and node.tensor not in run.store and node.tensor not in run.equations:
                raise KeyError(f"{run.case.layer.name}: nothing defines {node.tensor} in {show(e)}")


__all__ = ["Tensor", "gathered", "scattered", "steps"]
