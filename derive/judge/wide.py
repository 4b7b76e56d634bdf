"""Single elements that depend on hundreds of thousands of others: long sums and maxima, a whole array of terms at once.

The interpreter computes what is asked for, one number after another. Here a sum or a maximum over many positions is
computed over all of them together, in balls by the array (derive.judge.vectors), as are the elements of tensors that it
reads; what does not depend on the positions stays with the interpreter. Where a sum is one of products whose factors do
not all have all positions (a row of scores, of queries and keys), it is made of matrix products: of middles, and of
magnitudes for the radius. What is not known how to do with arrays is computed one by one as before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from derive.evidence.clauses import Closure, Env
from derive.evidence.evaluation import Undecided
from derive.evidence.scalar import remembered
from derive.judge.terms import Everywhere, Terms, inner_sum
from derive.judge.vectors import Balls, Rules, Unsupported, sides
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Reduce

LONG = 256  # positions from which on they are computed together
CHUNK = 1 << 19  # numbers that are computed at once
MOST = 1 << 24  # and of one tensor
TIMES = 4  # times more products than numbers, from which on they are matrix products


class Wide(Terms):
    """The interpreter, with long sums by the array.

    Attributes:
        look: called now and then; what it raises ends an evaluation.
    """

    look: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, *args: Any, rules: Rules, look: Callable[[], None], **more: Any) -> None:
        self.look = look
        self.places: dict[tuple[int, int, int], Any] = {}
        self.sizes: dict[Any, float] = {}  # sums of magnitudes
        super().__init__(*args, rules=rules, **more)

    def read(self, tensor: Any) -> Any:
        if self.case.tensors[tensor.name] is None:
            return Everywhere(tuple(self.case.sizes.get(self.case.layer.axis(a), 1) for a in tensor.axes))
        return super().read(tensor)

    # ---- where sums are long -----------------------------------------------------------------------------------

    def is_long(self, e: Expr) -> bool:
        return isinstance(e, Reduce) and math.prod(self.lengths_of(e.over) or (0,)) >= LONG

    def number(self, e: Expr) -> Closure:
        if isinstance(e, Reduce) and e.op in ("sum", "max") and self.is_long(e):
            if e not in self.shared:
                self.shared[e] = remembered(self, e, self.row(e, super().number))
            return self.shared[e]
        if isinstance(e, Op) and e.fn == "add" and any(self.is_long(s) for s in map(inner_sum, e.args) if s):
            return self.with_others(e)
        return super().number(e)

    def row(self, e: Reduce, otherwise: Callable[[Expr], Closure]) -> Closure:
        """A long sum or maximum, as one ball of Arb's."""
        single: list[Closure] = []

        def run(env: Env) -> Any:
            if not single:
                try:
                    with np.errstate(all="ignore"):
                        found = self.reduced(e, env, 0)
                    self.sizes[e, _at(e, env)] = float(found.size) if found.size is not None else 0.0
                    return self.rules.arb(found)
                except Unsupported:
                    single.append(_unshared(self, e, otherwise))
            return single[0](env)

        return run

    def with_others(self, e: Op) -> Closure:
        """Addends among which are long sums: a kernel may begin with any of them, so that a bias is rounded with every
        partial sum."""
        import flint

        parts, add = [self.number(a) for a in e.args], self.numbers.add
        sums = [inner_sum(a) for a in e.args]
        terms = [math.prod(self.lengths_of(s.over) or (1,)) if s else 1 for s in sums]

        def run(env: Env) -> Any:
            values = [p(env) for p in parts]
            total = values[0]
            for v in values[1:]:
                total = add(total, v)
            if self.rules.unit:
                lost = 0.0
                for s, v, n in zip(sums, values, terms, strict=True):
                    size = float(abs(v).abs_upper()) if s is None else self.sizes.get((s, _at(s, env)), 0.0)
                    lost += size * float(self.rules.of_terms(sum(terms) - n))
                total = total + flint.arb(0, lost)
            return total

        return run

    def extreme(self, over: tuple[str, ...], body: Expr, position: bool) -> Closure:
        single = super().extreme(over, body, position)
        if not position or not self.is_long(Reduce("argmax", over, body)):
            return single

        def run(env: Env) -> Any:
            try:
                with np.errstate(all="ignore"):
                    return self.place(over, body, env)
            except Unsupported:
                return single(env)

        return remembered(self, Reduce("argmax", over, body), run)

    def place(self, over: tuple[str, ...], body: Expr, env: Env) -> int:
        """The first position of a maximum, counted row by row."""
        lengths = self.lengths_of(over) or ()
        if math.prod(lengths) > MOST:
            raise Unsupported("too many positions")
        found = self.several(body, self.within_loop(over, lengths, env, 0), len(over))
        low, high = (np.broadcast_to(v, lengths).reshape(-1) for v in sides(found))
        if found.inside is not None:
            inside = np.broadcast_to(found.inside, lengths).reshape(-1)
            low, high = (np.where(inside, v, -np.inf) for v in (low, high))
        if np.isnan(low).any() or np.isnan(high).any():
            raise Undecided("a maximum of what is no number")
        at = int(np.argmax(low))
        rivals = np.flatnonzero(high >= low[at])
        if len(rivals) > 1 and not (low[rivals] == high[rivals]).all():
            raise Undecided("two values of a maximum are too close to tell apart")
        return int(rivals[0]) if len(rivals) else at

    # ---- loops -------------------------------------------------------------------------------------------------

    def within_loop(
        self, over: tuple[str, ...], lengths: tuple[int, ...], env: Env, rank: int, first: tuple[int, int] | None = None
    ) -> Env:
        """Indices that run along new axes in front of those that there are; ``first``: from where to where the first
        of them runs."""
        here = dict(env)
        for n, (index, length) in enumerate(zip(over, lengths, strict=True)):
            start, stop = first if first and not n else (0, length)
            axes = rank + len(over) - 1 - n
            key = start, stop, axes
            if key not in self.places:
                self.places[key] = np.arange(start, stop).reshape((-1,) + (1,) * axes)
            here[index] = self.places[key]
        return here

    def reduced(self, e: Reduce, env: Env, rank: int) -> Balls:
        """A sum or maximum at indices of which some may be arrays."""
        lengths = self.lengths_of(e.over)
        if lengths is None or e.op not in ("sum", "max"):
            raise Unsupported(e.op)
        if not all(lengths):
            if e.op == "max":
                raise Unsupported("of nothing")
            return self.rules.exact(0)
        if e.op == "sum":
            found = self.of_products(e, lengths, env, rank)
            if found is not None:
                return found
        grid = _grid(env)
        step = max(1, CHUNK // max(1, grid * math.prod(lengths[1:])))
        if grid * math.prod(lengths[1:]) > MOST:
            raise Unsupported("too many numbers at once")
        front, kind = tuple(range(len(e.over))), self.rules.kind
        parts: list[Balls] = []
        mid, rad, size, count = kind(0), np.float64(0), np.float64(0), 0
        for start in range(0, lengths[0], step):
            self.look()
            first = start, min(lengths[0], start + step)
            v = self.several(e.body, self.within_loop(e.over, lengths, env, rank, first), rank + len(e.over))
            shape = (first[1] - first[0], *lengths[1:])
            v = replace(v, mid=_spread(v.mid, shape, rank), rad=_spread(v.rad, shape, rank))
            if e.op == "max":
                inside = None if v.inside is None else _spread(v.inside, shape, rank)
                parts.append(self.rules.largest(replace(v, inside=inside), front))
                continue
            own = v.most
            mid, rad, size = mid + v.mid.sum(front), rad + v.rad.sum(front), size + own.sum(front)
            counted = math.prod(shape) if v.inside is None else _spread(v.inside, shape, rank).sum(front)
            count = count + counted
        if e.op == "max":
            return parts[0] if len(parts) == 1 else self.of_pieces(parts)
        terms = math.prod(lengths)
        lost = size * (terms * self.rules.own) + rad * (terms * 2.0**-52)
        rounded = size * self.rules.of_terms(count - 1)
        kept = np.abs(mid).astype(np.float64) * self.rules.kept
        return Balls(mid, (rad + lost + rounded) * (1 + self.rules.kept + terms * 2.0**-51) + kept * UP_ONCE, size=size)

    def of_pieces(self, parts: list[Balls]) -> Balls:
        shape = np.broadcast_shapes(*(p.mid.shape for p in parts))
        mid = np.stack([np.broadcast_to(p.mid, shape) for p in parts])
        rad = np.stack([np.broadcast_to(p.rad, shape) for p in parts])
        return self.rules.largest(Balls(mid, rad), (0,))

    def of_products(self, e: Reduce, lengths: tuple[int, ...], env: Env, rank: int) -> Balls | None:
        """A sum of products of numbers of fewer axes, by matrix products; None for another sum.

        Of k factors that are |m| + r at most, n terms in any order of any grouping: the radii's products one after
        another, and the roundoff of k - 1 products and n additions of the sum of magnitudes.
        """
        if not (isinstance(e.body, Op) and e.body.fn == "mul" and len(e.body.args) > 1):
            return None
        outer = _shape(env)
        shape = (*lengths, *((1,) * (rank - len(outer)) + outer))
        if math.prod(shape) <= CHUNK // TIMES:
            return None
        here = self.within_loop(e.over, lengths, env, rank)
        own = [{i for i in x.free(a) if isinstance(here.get(i), np.ndarray)} for a in e.body.args]
        numbers = [math.prod(_shape({i: here[i] for i in names})) for names in own]
        if max(numbers) > MOST or math.prod(shape) < TIMES * sum(numbers):
            return None
        values = [self.several(a, here, len(shape)) for a in e.body.args]
        products = self.rules.manner.products if self.rules.manner is not None else None
        if products is not None:
            values = [v if v.whole or not v.mid.ndim else self.rules.wider(v, 2.0**products) for v in values]
        mids, signs = [v.mid for v in values], [np.abs(v.mid).astype(np.float64) * UP_ONCE for v in values]
        rads, most = [np.broadcast_to(v.rad, v.mid.shape) for v in values], [v.most for v in values]
        if not all(np.isfinite(m).all() for m in (*mids, *most)):
            return None
        self.look()
        mid = _products(mids, shape, rank)
        size = _products(most, shape, rank)
        rad = np.zeros(())
        for n, r in enumerate(rads):
            if np.any(r):
                rad = rad + _products([*most[:n], r, *signs[n + 1 :]], shape, rank)
        terms, factors = math.prod(lengths), len(values)
        lost = size * ((terms + factors) * self.rules.own + self.rules.of_terms(terms) + factors * self.rules.unit)
        kept = size * (factors * self.rules.kept)  # of each product, or of their sum
        return Balls(mid, (rad + lost + kept) * (1 + (terms + factors) * 2.0**-51) + terms * 5e-324, size=size)


UP_ONCE = 1 + 2.0**-50


def _unshared(world: Wide, e: Expr, otherwise: Callable[[Expr], Closure]) -> Closure:
    """The interpreter's own closure, though one of ours is kept for the same expression."""
    mine = world.shared.pop(e, None)
    try:
        return otherwise(e)
    finally:
        if mine is not None:
            world.shared[e] = mine


def _at(e: Expr, env: Env) -> tuple[Any, ...]:
    return tuple(env.get(i) for i in x.free(e))


def _shape(env: Env) -> tuple[int, ...]:
    return np.broadcast_shapes(*(np.shape(v) for v in env.values() if isinstance(v, np.ndarray)))


def _grid(env: Env) -> int:
    return math.prod(_shape(env))


def _spread(a: Any, shape: tuple[int, ...], rank: int) -> Any:
    """An array with all positions of its first axes."""
    a = np.asarray(a)
    rest = (1,) * max(0, rank - a.ndim) + a.shape[max(0, a.ndim - rank) :]
    return np.broadcast_to(a, (*shape, *rest))


def _products(operands: list[Any], shape: tuple[int, ...], rank: int) -> Any:
    """The sum over the first axes of products of arrays that lack some of them; the other axes are kept, of length 1
    where no operand has them."""
    letters = "abcdefghijklmnopqrstuvwxyz"[: len(shape)]
    scale: Any = 1.0
    terms: list[str] = []
    own: list[Any] = []
    for a in operands:
        a = np.asarray(a)
        a = a.reshape((1,) * (len(shape) - a.ndim) + a.shape)
        here = [n for n in range(len(shape)) if a.shape[n] != 1]
        if not here:
            scale = scale * a.reshape(())[()]
            continue
        terms.append("".join(letters[n] for n in here))
        own.append(a.reshape([a.shape[n] for n in here]))
    used = set("".join(terms))
    front = len(shape) - rank
    scale = scale * math.prod(shape[n] for n in range(front) if letters[n] not in used)
    out = "".join(c for c in letters[front:] if c in used)
    found = np.einsum(f"{','.join(terms)}->{out}", *own, optimize=True) if own else np.ones(())
    return (found * scale).reshape([shape[front + n] if c in used else 1 for n, c in enumerate(letters[front:])])
