"""Roots and the like of which a definition reads some elements alone: the others are not made.

``E = sum((n, m), q[n] * q[m] / D[n, m] if n < m else 0)`` reads no distance of a point from itself. With
``D[n, m] = sqrt(sum(d, (r[n, d] - r[m, d]) ** 2))`` that is 0, where a root has no slope, and 0 times an infinite slope
would be the gradient of a number that nobody asks for. So ``D[n, m]`` is ``sqrt(...) if n < m else 0``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Ref
from derive.notation.functions import conjuncts, together
from derive.notation.layer import Equation, Layer

Conditions = tuple[Expr, ...]


def demanded(layer: Layer) -> Layer:
    """The layer, in which what may have no slope is made where it is read."""
    reads: dict[str, list[Conditions]] = {}
    bodies: dict[str, list[Expr]] = {}
    for e in layer.equations:
        bodies.setdefault(e.target, []).append(e.body)
        for ref, tests in read(e.body, ()):
            reads.setdefault(ref.tensor, []).append(told(ref, tests, layer.tensors[ref.tensor].axes))

    def made(e: Equation) -> Equation:
        ours = layer.tensors[e.target]
        if e.target in layer.outputs or not steep(e.body, bodies) or tuple(map(x.plain, e.left)) != ours.axes:
            return e
        every = reads.get(e.target, [])
        common = [c for c in every[0] if all(c in other for other in every)] if every else []
        if not common:
            return e
        return replace(e, body=x.where(together(tuple(common)), e.body, x.ZERO))

    steps = tuple(made(s) if isinstance(s, Equation) else s for s in layer.steps)
    return layer if steps == layer.steps else replace(layer, steps=steps, written=layer.written or layer)


def steep(e: Expr, bodies: Mapping[str, list[Expr]]) -> bool:
    """Whether there is a root, a logarithm or a quotient of data in it that may be 0."""
    found = (n for n in x.walk(e) if isinstance(n, Op) and x.tensors(n.args[0]) and not positive(n.args[0], bodies))
    return any(n.fn == "log" or (n.fn == "pow" and not smooth(n.args[1])) for n in found)


def positive(e: Expr, bodies: Mapping[str, list[Expr]]) -> bool:
    """Whether it is above 0 whatever the data: exponentials, and what is made of them, as the total of a softmax."""
    match e:
        case Num(value):
            return value > 0
        case x.Size() | Op("exp", _):
            return True
        case Op("add" | "mul", args):
            return all(positive(a, bodies) for a in args)
        case Op("pow", (base, _)) | x.Reduce("sum" | "max", _, base):
            return positive(base, bodies)
        case Ref(name, _) if len(own := bodies.get(name, [])) == 1:
            return name not in x.tensors(own[0]) and positive(own[0], bodies)
    return False


def smooth(exponent: Expr) -> bool:
    return isinstance(exponent, Num) and exponent.value >= 1


def read(e: Expr, tests: Conditions) -> Iterator[tuple[Ref, Conditions]]:
    """Every element that is read, and the conditions that stand around it."""
    match e:
        case Ref():
            yield e, tests
        case Op("where", (c, a, b)):
            yield from read(c, tests)
            yield from read(a, (*tests, *conjuncts(c)))
            yield from read(b, tests)
            return
    for child in x.children(e):
        yield from read(child, tests)


def told(ref: Ref, tests: Conditions, axes: tuple[str, ...]) -> Conditions:
    """The conditions on two positions of the element, and on nothing else, in its array's own indices."""
    plain = [i for i in map(x.plain, ref.index) if i]
    if len({*plain}) != len(axes):
        return ()
    put: dict[str, Expr] = {p: x.Pos(a) for p, a in zip(plain, axes, strict=True)}
    fits = (c for c in tests if not x.tensors(c) and len(x.free(c)) == 2 and {*x.free(c)} <= {*plain})
    return tuple(x.rename(c, put) for c in fits)
