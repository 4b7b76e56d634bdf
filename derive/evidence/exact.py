"""The exact leg: derived gradients against SymPy's own, of the equations written out.

At small sizes every output is written out as one SymPy expression in one unknown for each element of each input; a
comparison of data is decided by the values at the point. SymPy differentiates the sum of all outputs times random
cotangents with respect to every unknown, indices never having been seen. The result is evaluated to 60 digits and
compared with the derived equations, as they came from the scatter rule and in textbook form.

What it cannot see: the conventions at kinks, where there is no derivative to compare with; points with ties are not
used here.
"""

from __future__ import annotations

from typing import Any

import sympy

from derive.calculus.derivation import Derivation
from derive.evidence import inputs, layout, world
from derive.evidence.layout import Case, Elements
from derive.evidence.numbers import MP, WRITTEN, Written, evaluate, symbol
from derive.evidence.result import Result, Tally

TOLERANCE = 1e-45


def written_gradients(case: Case, cotangents: dict[str, Any]) -> dict[str, Elements]:
    """SymPy's gradients of the equations written out, evaluated at the case."""
    unknowns: dict[str, Elements] = {}
    point: dict[sympy.Symbol, Any] = {}
    for tensor in case.layer.differentiable:
        values = layout.elements(case, tensor.name, case.tensors[tensor.name])
        unknowns[tensor.name] = {}
        for i, v in values.items():
            one = symbol(f"{tensor.name}_{'_'.join(map(str, i))}", v)
            unknowns[tensor.name][i] = one
            point[one.text] = one.value
    run = world.forward(case, WRITTEN, given=dict(unknowns))
    total: list[sympy.Expr] = []
    for name, cotangent in cotangents.items():
        along = layout.elements(case, name, cotangent, WRITTEN.exact)
        total += [along[i].text * v.text for i, v in run.values(name, name).items()]
    objective = sympy.Add(*total)
    known: dict[sympy.Expr, Any] = {}
    return {
        name: {i: evaluate(objective.diff(u.text), point, known) for i, u in own.items()}
        for name, own in unknowns.items()
    }


def exact(derivation: Derivation, seed: int = 0) -> Result:
    """Compare both forms of every gradient, at every element, over every option's values."""
    layer = derivation.layer
    tally = Tally("exact", layer.name, TOLERANCE)
    for n, case in enumerate(inputs.cases(layer, seed, plan=inputs.SMALL)):
        cotangents = inputs.cotangents(case, seed + n)
        wanted = written_gradients(case, cotangents)
        for form, equations in (("scatter rule", derivation.adjoint.equations), ("textbook", derivation.backward)):
            got = world.gradients(derivation, world.backward(derivation, case, cotangents, MP, equations))
            for name, values in wanted.items():
                for i, v in values.items():
                    mine = got[name][i] if name in got else MP.exact(0)
                    tally.compare(mine, v, f"{form}, {case.words}: gradient of {name}{list(i)}")
    return tally.result()


__all__ = ["Written", "exact", "written_gradients"]
