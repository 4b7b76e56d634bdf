"""The tangent on a page: how fast outputs change when every input moves along its own dot; what jvp computes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

from derive.calculus.derivation import Derivation
from derive.notation import expr as x
from derive.notation.layer import Equation
from derive.targets.latex import Latex, with_values
from derive.targets.places import Places
from derive.targets.symbols import Symbols, accent


def tangent_section(derivation: Derivation, symbols: Symbols, places: Places) -> Iterator[str]:
    """A fold with the equations, after what is given and what comes out."""
    found = derivation.tangent
    equations = tuple(replace(e, body=with_values(e.body, derivation.layer, symbols)) for e in needed(derivation))
    dotted = copy.copy(symbols)
    dotted.names = symbols.names | {t: accent("dot", symbols.symbol(n)) for n, t in found.names.items()}
    given = [found.names[t.name] for t in derivation.layer.differentiable]
    results = [found.names[o] for o in derivation.layer.differentiable_outputs if o in found.names]
    if not results or not equations:
        return
    yield "## Tangent { #tangent }"
    blocks = [f'??? note "Along a direction: {len(equations)} equation{"s" * (len(equations) != 1)}"']
    blocks.append(
        f"When the inputs move at the rates {listed(dotted, given)}, the results move at {listed(dotted, results)}. "
        "A dot marks a rate; `jvp` computes it."
    )
    blocks += [f"$${Latex(dotted).equation(e)}$$" for e in equations]
    if any(places.of_equation(e.lhs, e.body, Latex(symbols)) for e in derivation.layer.equations):
        blocks.append("What is no element above is none here.")
    yield "\n\n".join([blocks[0], *("    " + block for block in blocks[1:])])


def needed(derivation: Derivation) -> tuple[Equation, ...]:
    """The tangent's equations that an output with a gradient needs, without those that stand under Backward already."""
    shown = {e.target for e in derivation.auxiliary}
    found = derivation.tangent
    equations = (*(e for e in found.auxiliary if e.target not in shown), *found.equations)
    read = reached(equations, {found.names[o] for o in derivation.layer.differentiable_outputs if o in found.names})
    return tuple(e for e in equations if e.target in read)


def reached(equations: Sequence[Equation], wanted: set[str]) -> set[str]:
    """What some tensors need, themselves included."""
    read = {*wanted}
    for _ in equations:  # in a recurrence an equation may need a later one
        read |= {t for e in equations if e.target in read for t in x.tensors(e.body)}
    return read


def listed(symbols: Symbols, names: list[str]) -> str:
    return ", ".join(f"${symbols.symbol(n)}$" for n in names)
