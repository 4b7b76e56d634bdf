"""What a definition says about its arguments without being asked: ranges and signs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from derive.notation import expr as x
from derive.notation import several
from derive.notation.define import REGISTRY
from derive.notation.domain import Domain
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Reduce, Ref, Size
from derive.notation.functions import COMPARISONS, FLAT, STOP
from derive.notation.layer import Equation, Layer


def _between(low: int, high: int) -> Domain:
    return Domain(Fraction(low), Fraction(high), True, True)


UNIT = _between(0, 1)

#: What is tried, tensor by tensor, where a definition has no value at the first numbers that come to mind.
ATTEMPTS: tuple[Domain | None, ...] = (None, UNIT, _between(1, 3), _between(-1, 0))


def domains(layer: Layer) -> dict[str, Domain]:
    """Where each real input lies: as the definition declares it, or positive where the equations ask for it."""
    declared = {t.name: t.domain for t in layer.inputs if t.domain is not None}
    return dict.fromkeys(sorted(positive(layer)), UNIT) | declared


def positive(layer: Layer) -> frozenset[str]:
    """Inputs that must be positive: alone or added to something under a logarithm, a root, a declared 0 / 0.

    ``running_var[c] + epsilon`` under a root makes ``running_var`` positive; ``sum(i, (x - mu)**2)`` says
    nothing.
    """
    inputs = {t.name for t in layer.inputs if t.kind == "real"}
    found: set[str] = set()
    for equation in layer.equations:
        for node in x.walk(equation.body):
            match node:
                case Op("log", (a,)) | Op("xlogy" | "xdivy", (_, a)):
                    argument = a
                case Op("pow", (a, Num(value))) if value.denominator != 1:
                    argument = a
                case _:
                    continue
            found |= {t.tensor for t in x.terms(argument) if isinstance(t, Ref) and t.tensor in inputs}
    return frozenset(found)


def index_ranges(layer: Layer, tensor: str) -> tuple[str, ...]:
    """The axes that an integer tensor points into: where it is used as an index."""
    nodes = (n for e in layer.equations for n in x.walk(e.body) if isinstance(n, Ref))
    pairs = ((i, a) for n in nodes for i, a in zip(n.index, layer.tensors[n.tensor].axes, strict=True))
    return tuple(dict.fromkeys(layer.axis(a) for i, a in pairs if isinstance(i, Ref) and i.tensor == tensor))


def compared_with(layer: Layer, option: str) -> str | None:
    """The integer input that an option is compared with: ``t[...] != padding_index``."""
    labels = {t.name for t in layer.inputs if t.kind == "integer"}
    for equation in layer.equations:
        for node in x.walk(equation.body):
            if isinstance(node, Op) and node.fn in COMPARISONS and Opt(option) in node.args:
                other = next((a for a in node.args if isinstance(a, Ref) and a.tensor in labels), None)
                if other is not None:
                    return other.tensor
    return None


def chained(layer: Layer) -> dict[str, str]:
    """Axes of a list's arrays that continue the entry before: ``h[l - 1, ..., i]`` makes i the o of l - 1."""
    sequence, found = layer.sequence_axis, {}
    for equation in layer.equations:
        for node in x.walk(equation.body):
            if isinstance(node, Ref) and node.index and sequence is not None:
                head = node.index[0]
                if isinstance(head, Op) and sequence in x.free(head):
                    for axis, i in zip(layer.tensors[node.tensor].axes, node.index, strict=True):
                        if isinstance(i, Pos) and layer.axis(i.index) != layer.axis(axis):
                            found[i.index] = axis
    return found


def smooth(layer: Layer) -> bool:
    """Whether no piecewise case, maximum or comparison of real data occurs in the definition."""

    def real(e: Expr) -> bool:
        return any(isinstance(n, Ref) and layer.tensors[n.tensor].kind == "real" for n in x.walk(e))

    for equation in layer.equations:
        for node in x.walk(equation.body):
            match node:
                case Reduce("max" | "argmax", _, _):
                    return False
                case Op("max" | "abs", args) if any(real(a) for a in args):
                    return False
                case Op("where" | "iverson", (condition, *_)) if real(condition):
                    return False
    return True


def stops(layer: Layer, options: Mapping[str, Any]) -> bool:
    """Whether something is held where it is while the rest moves, in the layer or in one that it calls by name."""
    return any(STOP in functions(f) for f in (layer, *chosen(layer, options)))


def rational(layer: Layer) -> bool:
    """Whether the equations are arithmetic and comparisons only, so that fractions stay fractions."""
    arithmetic = {
        "add",
        "mul",
        "pow",
        "where",
        "iverson",
        "and",
        "or",
        "not",
        "max",
        "abs",
        "floordiv",
        *FLAT,
        "exactdiv",
        *COMPARISONS,
    }
    for equation in layer.equations:
        for node in x.walk(equation.body):
            if node in (x.PI, x.INF):
                return False
            if isinstance(node, Op) and node.fn == "pow":
                if not isinstance(node.args[1], Num) or node.args[1].value.denominator != 1:
                    return False
            elif (
                isinstance(node, Op) and node.fn not in arithmetic and not any(o.name == node.fn for o in layer.options)
            ):
                return False
    return True


def constants(equations: Iterable[Equation]) -> bool:
    """Whether a number that is no whole one is written in them: in a kernel it is a float, or divides by a whole.

    So is a quotient of whole numbers by itself, as 1 / size(n) in ``[t == n] - 1 / size(n)``.
    """
    nodes = [node for e in equations for node in (e.body, *x.walk(e.body))]
    if any(node.value.denominator != 1 if isinstance(node, Num) else constant(node) for node in nodes):
        return True
    alone = (a for node in nodes if isinstance(node, Op) and node.fn in ("add", "where", "max") for a in node.args)
    return any(map(_ratio, alone))


def _ratio(e: Expr) -> bool:
    """Whether an expression is a quotient of lengths and positions, and nothing else."""
    if not (isinstance(e, Op) and e.fn in ("mul", "pow")):
        return False
    below = any(
        isinstance(n, Op) and n.fn == "pow" and isinstance(n.args[1], Num) and n.args[1].value < 0 for n in x.walk(e)
    )
    return below and all(isinstance(n, Op | Num | Pos | Size) for n in x.walk(e))


def constant(e: Expr) -> bool:
    """Whether an expression is made of numbers alone, as sqrt(2 / pi) and pi are, or is a power or a root of numbers
    and positions, as 2 ** (-h / 8): a kernel computes it in floats."""
    leaves = [n for n in x.walk(e) if not isinstance(n, Op)]
    if all(isinstance(n, Num) or n in (x.PI, x.INF) for n in leaves):
        return e != x.INF and not isinstance(e, Num)
    powers = [n.args[1] for n in x.walk(e) if isinstance(n, Op) and n.fn == "pow"]
    broken = any(not isinstance(p, Num) or p.value.denominator != 1 for p in powers)
    return broken and all(isinstance(n, Num | Pos | Size) or n == x.PI for n in leaves)


def functions(layer: Layer) -> Iterator[str]:
    """Scalar functions that the equations call."""
    for equation in layer.equations:
        for node in x.walk(equation.body):
            if isinstance(node, Op):
                yield node.fn


def chosen(layer: Layer, options: Mapping[str, Any]) -> Iterator[Layer]:
    """The elementwise layers that a layer calls, those chosen by options included."""
    for fn in functions(layer):
        name = str(options.get(fn, fn))
        if name in REGISTRY:
            yield REGISTRY[name][0]


def rounded(layer: Layer) -> bool:
    """Whether a part is given a floating-point number, or left the one it has."""
    for call in layer.calls:
        given = dict(call.options)
        for option in call.part.options:
            default = {option.name: option.default}
            real = any(isinstance(e.of(default), float) for e in option.elements)
            found = several.numbers(given[option.name]) if option.name in given else [None]
            if real and any(isinstance(n, Num | None) for n in found):
                return True
        if rounded(call.part):
            return True
    return False


def exact_inside(layer: Layer, options: Mapping[str, Any]) -> bool:
    """Whether fractions stay fractions: in the equations, and in the layers called, whose own options are floats."""
    parts = chosen(layer, options)
    return rational(layer) and not rounded(layer) and all(rational(part) and not part.options for part in parts)
