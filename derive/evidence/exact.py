"""The exact leg: derived gradients against SymPy's own, of the equations written out.

At small sizes every output is written out as one SymPy expression in one unknown for each element of each
input; a comparison of data is decided by the values at the point. SymPy differentiates the sum of all outputs
times random cotangents with respect to every unknown, indices never having been seen. The result is evaluated
to 60 digits and compared with the derived equations, as they came from the scatter rule and in textbook form.

What it cannot see: the conventions at kinks, where there is no derivative to compare with; points with ties
are not used here.
"""

from __future__ import annotations

from typing import Any

import sympy

from derive.calculus.derivation import Derivation
from derive.evidence import inputs, layout, world
from derive.evidence.interpret import Interpreter
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import MP
from derive.evidence.result import Result, Tally
from derive.evidence.steps import sloped
from derive.evidence.written import WRITTEN, Written, evaluate, symbol
from derive.notation.expr import Num, Op, Ref, walk
from derive.notation.layer import Layer

TOLERANCE = 1e-45


class WrittenOut(Interpreter):
    """Writes elements out. Those of a recurrence, or of a layer put together from others, become unknowns.

    They are defined by what is written there. Without that, one element of an LSTM's third step takes SymPy minutes.
    """

    def __init__(self, case: Case, given: dict[str, Elements]) -> None:
        super().__init__(case, case.layer.equations, case.layer.tensors, WRITTEN, given)
        self.cut = set(self.equations) if recurrent(case.layer) or inputs.composed(case.layer) else set[str]()
        self.definitions: dict[sympy.Symbol, Written] = {}

    def element(self, name: str, index: tuple[int, ...]) -> Any:
        value = super().element(name, index)
        if name in self.cut and value is not self.outside and not value.text.is_Symbol:
            unknown = unknown_for(name, index, value.value)
            self.definitions[unknown.text] = value
            self.store[name][index] = unknown
            return unknown
        return value


def recurrent(layer: Layer) -> bool:
    """Whether an equation needs another position of a tensor that some equation defines."""
    targets = {e.target for e in layer.equations}
    return any(
        isinstance(node, Ref) and node.tensor in targets and any(isinstance(i, Op | Num) for i in node.index)
        for e in layer.equations
        for node in walk(e.body)
    )


def unknown_for(name: str, index: tuple[int, ...], value: Any) -> Written:
    return symbol(f"{name}_{'_'.join(map(str, index))}", value)


def written_gradients(case: Case, cotangents: dict[str, Any]) -> dict[str, Elements]:
    """SymPy's gradients of the equations written out, evaluated at the case."""
    unknowns: dict[str, Elements] = {}
    for tensor in case.layer.differentiable:
        values = layout.elements(case, tensor.name, case.tensors[tensor.name])
        unknowns[tensor.name] = {i: unknown_for(tensor.name, i, v) for i, v in values.items()}
    run = WrittenOut(case, dict(unknowns))
    total: list[sympy.Expr] = []
    for name, cotangent in cotangents.items():
        along = layout.elements(case, name, cotangent, WRITTEN.exact)
        total += [along[i].text * v.text for i, v in run.values(name, name).items()]
    point = {u.text: u.value for own in unknowns.values() for u in own.values()}
    point |= {u: v.value for u, v in run.definitions.items()}
    # the chain rule over what was written out, last definition first
    slopes: dict[sympy.Symbol, Any] = dict.fromkeys(point, MP.exact(0))
    known: dict[sympy.Expr, Any] = {}

    def pull(expression: sympy.Expr, slope: Any) -> None:
        for u in sorted(expression.free_symbols, key=str):
            slopes[u] += slope * evaluate(expression.diff(u), point, known)

    pull(sympy.Add(*total), MP.exact(1))
    for u, written in reversed(run.definitions.items()):
        pull(written.text, slopes[u])
    return {name: {i: slopes[u.text] for i, u in own.items()} for name, own in unknowns.items()}


def exact(derivation: Derivation, seed: int = 0) -> Result:
    """Compare both forms of every gradient, at every element, over every option's values."""
    layer = derivation.layer
    tally = Tally("exact", layer.name, TOLERANCE)
    if not layer.differentiable or not layer.differentiable_outputs:
        tally.leave("there is no gradient")
    for n, case in enumerate(inputs.cases(layer, seed, plan=inputs.SMALL)):
        cotangents = inputs.cotangents(case, seed + n)
        wanted = written_gradients(case, cotangents)
        with sloped(case, tally):
            _compare(derivation, case, cotangents, wanted, tally)
    return tally.result()


def _compare(
    derivation: Derivation, case: Case, cotangents: dict[str, Any], wanted: dict[str, Elements], tally: Tally
) -> None:
    """Both forms at one case."""
    for form, equations in (
        ("scatter rule", derivation.adjoint.equations),
        ("textbook", derivation.backward),
    ):
        got = world.gradients(derivation, world.backward(derivation, case, cotangents, MP, equations))
        for name, values in wanted.items():
            for i, v in values.items():
                mine = got[name][i] if name in got else MP.exact(0)
                tally.compare(mine, v, f"{form}, {case.words}: gradient of {name}{list(i)}")


__all__ = ["Written", "exact", "written_gradients"]
