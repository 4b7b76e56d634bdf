"""The second order on a page: the gradient of the directions times the gradients; what double_backward computes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

from derive.calculus.adjoint import CalculusError
from derive.calculus.derivation import Derivation, Second
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Opt, Pos, Reduce, Ref
from derive.notation.layer import Equation
from derive.targets.latex import Latex, slope_of, with_values, written_out
from derive.targets.places import Places
from derive.targets.symbols import Symbols, accent
from derive.targets.tangent import listed, reached

MOST = 12  # directions: the sum of more, each times its gradient, is wider than a line
BAR = r"\overline{"
DOTS = (
    "A dot over a letter marks the gradient with respect to the letter under a bar, one over a bar that with respect "
    "to the letter without."
)
RATES = (
    "Second derivatives do not depend on the order: these are also the rates of outputs and gradients when the inputs "
    "move at the rates given and the cotangents stay."
)


def second_section(derivation: Derivation, symbols: Symbols, places: Places) -> Iterator[str]:
    """A fold with the equations, after what is given, what is differentiated, and by what."""
    if not derivation.gradients:  # nothing moves the outputs
        return
    try:
        second = derivation.second
    except CalculusError:
        return
    dotted = copy.copy(symbols)
    dotted.names = symbols.names | {d: dotted_name(symbols, of) for of, d in everything(second).items()}
    written = bent(derivation, dotted) if derivation.layer.elementwise else inlined([*needed(second)], {*dotted.names})
    named = [replace(e, body=with_values(e.body, derivation.layer, dotted)) for e in written]
    names, equations = without_nothing(second, named)
    moved = {e.target for e in derivation.backward if e.body != x.ZERO}  # a gradient that is 0 adds nothing
    own = [g for g in derivation.gradients.values() if g in moved]
    given = {g: second.adjoint.cotangents[g] for g in own if g in second.adjoint.cotangents}
    if not names or not given or len(given) > MOST or any(loose(e, symbols) for e in equations):
        return
    total = x.add(*(paired(derivation, c, g) for g, c in given.items()))
    results = (f"${dotted.symbol(name)}$ with respect to ${symbols.symbol(of)}$" for of, name in names.items())
    defined = {e.target for e in equations}
    totals = [(d, of) for of, d in everything(second).items() if of.endswith("_total") and d in defined]
    yield "## Second order { #second-order }"
    blocks = [
        f'??? note "The gradient of the gradient: {len(equations)} equation{"s" * (len(equations) != 1)}"',
        f"Given {listed(dotted, [*given.values()])}, `double_backward` computes the gradient of "
        f"${Latex(dotted).expression(total)}$: {', '.join(results)}.",
        " ".join(
            [DOTS, *(f"${dotted.symbol(d)}$ is that with respect to ${symbols.symbol(of)}$." for d, of in totals)]
        ),
        RATES,
        *(f"$${Latex(dotted).equation(e)}$$" for e in equations),
    ]
    if any(places.of_equation(e.lhs, e.body, Latex(symbols)) for e in derivation.layer.equations):
        blocks.append("What is no element above is none here.")
    yield "\n\n".join([blocks[0], *("    " + block for block in blocks[1:])])


def loose(e: Equation, symbols: Symbols) -> bool:
    """Whether a sum's index is no axis and stands alone in no element, so that no reader sees what it runs along."""
    places = {i for node in x.walk(e.body) if isinstance(node, Ref) for i in map(x.plain, node.index)}
    places |= {*symbols.letters}
    return any(not {*node.over} <= places for node in x.walk(e.body) if isinstance(node, Reduce))


def everything(second: Second) -> dict[str, str]:
    """Whatever has a derivative to the name of that."""
    return {**second.adjoint.names, **second.adjoint.cotangents}


def dotted_name(symbols: Symbols, of: str) -> str:
    """The dot stands for a second bar: over x it is the gradient by the bar of x, over the bar of x that by x."""
    known = symbols.symbol(of)
    if known.startswith(BAR):
        return accent("dot", known[len(BAR) : -1])
    adjoint = of.endswith("_total")
    return accent("dot", known if adjoint else accent("overline", known))


def needed(second: Second) -> Iterator[Equation]:
    """The equations of second gradients, without those that stand on the page already."""
    own = second.equations[len(second.layer.equations) :]
    read = reached(own, {*second.names.values()})
    return (e for e in own if e.target in read)


def bent(derivation: Derivation, symbols: Symbols) -> list[Equation]:
    """Of an elementwise function both gradients by its slopes, which its value may say shorter than its argument."""
    layer, second = derivation.layer, derivation.second
    (argument,), (output,) = layer.inputs, layer.outputs
    at, options = argument.ref(), tuple(Opt(o.name) for o in layer.options)
    cotangent, gradient = derivation.adjoint.cotangents[output], derivation.gradients[argument.name]
    along = second.adjoint.cotangents[gradient]

    def by_value(e: Expr) -> Expr:
        value = layer.tensors[output].ref()
        return x.transform(e, lambda node: value if node == Op(layer.name, (at, *options)) else None)

    once, twice = (by_value(written_out(slope_of(derivation, order)(at, *options), symbols)) for order in (1, 2))
    rate, bar = (Ref(name, at.index) for name in (along, cotangent))
    return [
        replace(second.equations[-1], left=at.index, target=name, body=x.mul(*factors))
        for of, factors in ((cotangent, (rate, once)), (argument.name, (rate, bar, twice)))
        if (name := second.names.get(of))
    ]


def inlined(equations: list[Equation], called: set[str]) -> list[Equation]:
    """Equations with what parts give, which has no name on the page, where it is used; what has an equation for some
    of its elements keeps its name."""
    while hidden := next((e for e in equations if e.target not in called and all(map(x.plain, e.left))), None):

        def visit(node: Expr, hidden: Equation = hidden) -> Expr | None:
            if not isinstance(node, Ref) or node.tensor != hidden.target:
                return None
            return x.rename(hidden.body, dict(zip(hidden.indices, node.index, strict=True)))

        equations = [replace(e, body=x.transform(e.body, visit)) for e in equations if e is not hidden]
    return equations


def without_nothing(second: Second, equations: list[Equation]) -> tuple[dict[str, str], list[Equation]]:
    """Equations without those that are 0, as the slope of a slope of relu is; and the results that are left."""
    while True:
        some = {e.target for e in equations if e.body != x.ZERO or any(x.plain(i) is None for i in e.left)}
        gone = {e.target for e in equations} - some
        if not gone:
            break

        def visit(node: Expr, gone: set[str] = gone) -> Expr | None:
            return x.ZERO if isinstance(node, Ref) and node.tensor in gone else None

        equations = [replace(e, body=x.transform(e.body, visit)) for e in equations if e.target in some]
    defined = {e.target for e in equations}
    names = {of: name for of, name in second.names.items() if name in defined}
    read = reached(equations, {*names.values()})
    return names, [e for e in equations if e.target in read]


def paired(derivation: Derivation, one: str, other: str) -> Expr:
    """The sum of the products of two tensors' elements, of which the second is a gradient."""
    index = tuple(map(Pos, derivation.tensors[other].axes))
    return x.reduce("sum", derivation.tensors[other].axes, x.mul(Ref(one, index), Ref(other, index)))
