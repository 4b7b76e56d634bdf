"""The derivative of an elementwise function in terms of the function itself: sigmoid' = y (1 - y).

``y = f(x)`` and ``slope = f'(x)`` are rational in ``E = exp(c x)`` for many activations. Clearing
denominators gives two polynomials; a Groebner basis that eliminates E, saturated by the denominators, holds
every polynomial relation between slope and y. A relation ``slope = p(y)`` is what is looked for.
"""

from __future__ import annotations

from functools import lru_cache

import sympy

from derive.calculus.monomials import ONE, Poly
from derive.calculus.polynomials import Algebra, TooLarge
from derive.calculus.scalars import Scalars
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Ref
from derive.notation.layer import Layer

SLOPE, VALUE, EXP, INVERSE = (sympy.Symbol(f"%{n}") for n in ("slope", "value", "exp", "inverse"))


def rational_in_exp(s: sympy.Expr, argument: sympy.Symbol) -> sympy.Expr | None:
    """The expression with exp(n x) replaced by E**n, or None where x stands anywhere else."""
    powers = {
        e: EXP ** sympy.Poly(e.args[0], argument).coeff_monomial(argument)
        for e in s.atoms(sympy.exp)
        if e.args[0].is_polynomial(argument) and sympy.cancel(e.args[0] / argument).is_Integer
    }
    replaced = s.xreplace(powers)
    return None if replaced.has(argument) or replaced.atoms(sympy.exp) else replaced


@lru_cache(maxsize=256)
def slope_of_value(value: sympy.Expr, slope: sympy.Expr) -> sympy.Expr | None:
    """A polynomial p with slope = p(value), both rational in EXP, or None where there is none."""
    if not value.is_rational_function(EXP) or not slope.is_rational_function(EXP):
        return None
    (vn, vd), (sn, sd) = (sympy.fraction(sympy.cancel(s)) for s in (value, slope))
    if (vn.free_symbols | vd.free_symbols | sn.free_symbols | sd.free_symbols) - {EXP}:
        return None
    equations = [VALUE * vd - vn, SLOPE * sd - sn, INVERSE * EXP * vd * sd - 1]
    basis = sympy.groebner(equations, INVERSE, EXP, SLOPE, VALUE, order="lex")
    for relation in basis.exprs:
        if relation.free_symbols == {SLOPE, VALUE} and sympy.degree(relation, SLOPE) == 1:
            leading = relation.coeff(SLOPE, 1)
            if leading.is_number:
                return sympy.expand(-relation.coeff(SLOPE, 0) / leading)
    return None


def eliminate(layer: Layer, body: Expr, cotangent: Ref) -> Poly | None:
    """``dx = dy * f'(x)`` written with y, as a normal form, or None where y does not determine the slope."""
    algebra = Algebra(layer)
    equation = layer.equations[0]
    source = Ref(layer.inputs[0].name, equation.left)
    scalars = Scalars()
    argument = scalars.symbol(source)
    try:
        slope = algebra.back(algebra.times(algebra.to(body), algebra.power(algebra.atom(cotangent), -ONE)))
    except TooLarge:
        return None
    for e in (slope, equation.body):
        if any(isinstance(n, Op) and n.fn not in ("add", "mul", "pow", "exp") for n in x.walk(e)):
            return None
    value_s = rational_in_exp(scalars.to(equation.body), argument)
    slope_s = rational_in_exp(scalars.to(slope), argument)
    if value_s is None or slope_s is None or not value_s.has(EXP) or not slope_s.has(EXP):
        return None
    found = slope_of_value(value_s, slope_s)
    if found is None:
        return None
    scalars.leaves[VALUE] = equation.lhs
    return algebra.times(algebra.to(scalars.back(found)), algebra.atom(cotangent))
