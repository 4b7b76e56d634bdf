"""An elementwise layer is made of its own functions: value, derivative, and the derivative of that."""

from __future__ import annotations

from dataclasses import replace

from derive.calculus.scalars import Derivative, Scalars
from derive.notation import expr as x
from derive.notation.expr import Op, Opt, Ref
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.draft import Draft
from derive.program.library import TOGETHER, elementwise

SCALAR = ("value", "derivative", "second_derivative")  #: the functions of one variable that an elementwise layer has


def own_functions(draft: Draft) -> Draft:
    """Let the functions of an elementwise layer call its value and derivatives.

    One that is its slope times its argument keeps the slope for backward. Of the others, those with exponentials call
    functions of x that are accurate as they are: the gradient in terms of y loses digits where y is near its limits.
    """
    if not draft.layer.elementwise or draft.functions[0].name in SCALAR:
        return draft
    return times_slope(draft) or (calling(draft) if by_functions(draft.layer) else draft)


def by_functions(layer: Layer) -> bool:
    """Whether a layer's value and derivatives are functions of their own: elementwise, with exponentials."""
    nodes = x.walk(layer.equations[0].body) if layer.elementwise else ()
    return any(isinstance(n, Op) and n.fn in ("exp", "erf") and x.tensors(n) for n in nodes)


def times_slope(draft: Draft) -> Draft | None:
    """Forward and backward where a function is its slope times its argument: both need the slope."""
    equation, u = draft.layer.equations[0], draft.layer.inputs[0].ref()
    gradients = draft.functions[-1].returned if draft.functions[-1].name == "backward" else ()
    for back in (e for e in draft.equations if e.target in gradients):
        for factor in x.factors(back.body):
            match factor:
                case Op("where", (c, a, b)) if x.where(c, x.mul(a, u), x.mul(b, u)) == equation.body:
                    slope = Equation(x.numbered("slope", draft.taken), equation.left, factor)
                    value = replace(equation, body=x.mul(u, slope.lhs))
                    others = (f for f in x.factors(back.body) if f is not factor)
                    return keeping(draft, slope, (slope, value, replace(back, body=x.mul(*others, slope.lhs))))
    return None


def calling(draft: Draft) -> Draft:
    """The equations as calls of the layer's own functions."""
    layer, left = draft.layer, draft.layer.equations[0].left
    function = draft.functions[-1]
    given = {p.role: Ref(p.name, left) for p in function.parameters}
    if function.name == "backward":
        return forward_and_backward(draft, given["cotangent"])
    equations = []
    for field, name in function.results:
        if name is None:
            continue
        match function.name, field == layer.outputs[0]:
            case "jvp", _:
                body = x.mul(given["tangent"], own("derivative", layer))
            case _, True:
                body = x.mul(given["direction"], own("derivative", layer))
            case _:
                body = x.mul(given["direction"], given["cotangent"], own("second_derivative", layer))
        equations.append(Equation(name, left, body))
    return draft.with_equations(equations)


def forward_and_backward(draft: Draft, cotangent: Ref) -> Draft:
    """Forward calls the value, or what gives value and derivative at once; backward's derivative is written out."""
    layer, equation, u = draft.layer, draft.layer.equations[0], draft.layer.inputs[0].ref()
    back = next(e for e in draft.equations if e.target in draft.functions[-1].returned)
    known = elementwise(equation.body, u)
    if known in TOGETHER:  # the slope costs little more where the value is computed
        first, second = (Op(f"{word} of runtime {TOGETHER[known]}", (u,)) for word in ("first", "second"))
        slope = Equation(x.numbered("slope", draft.taken), equation.left, second)
        together = (replace(equation, body=first), slope, replace(back, body=x.mul(cotangent, slope.lhs)))
        return keeping(draft, slope, together)
    value = replace(equation, body=own("value", layer))
    derivative = Derivative(Scalars())(equation.body, u)
    return draft.with_equations((value, replace(back, body=x.mul(cotangent, derivative))))


def own(function: str, layer: Layer) -> Op:
    """A call of one of an elementwise layer's own functions, with its options."""
    return Op(function, (layer.inputs[0].ref(), *(Opt(o.name) for o in layer.options)))


def keeping(draft: Draft, slope: Equation, equations: tuple[Equation, ...]) -> Draft:
    """Forward keeps the slope."""
    tensors = {**draft.tensors, slope.target: Tensor(slope.target, slope.indices)}
    return replace(draft, equations=equations, tensors=tensors, kept=(slope.target,))
