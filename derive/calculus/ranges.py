"""Where the indices of a layer run: which end with an array, which count a recurrence's steps, and solving for one."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.calculus.adjoint import CalculusError
from derive.calculus.indices import linear
from derive.calculus.singular import singular
from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Opt, Pos, Ref, Size
from derive.notation.layer import Layer, Tensor
from derive.notation.text import split_sign


def mark(index: str) -> str:
    """A loop index inside the solution for another one, so that it is not taken for a target's axis of that name."""
    return f"{index}~"


@dataclass
class Ranges:
    """What is known of the indices of a layer and of the tensors introduced."""

    layer: Layer
    tensors: dict[str, Tensor] = field(default_factory=dict, kw_only=True)

    def counts_steps(self, index: str) -> bool:
        """Whether a recurrence runs along the index."""
        for e in self.layer.equations:
            for position, i in enumerate(e.left):
                if isinstance(i, Num) and i.value < 0 and self.layer.tensors[e.target].axes[position] == index:
                    return True
        return False

    def early(self) -> set[str]:
        """The axes along which some array is not made at its own positions: an index may begin before 0 there."""
        made = ((self.layer.tensors[e.target].axes, e.left) for e in self.layer.equations)
        return {
            self.layer.axis(a) for axes, left in made for a, i in zip(axes, left, strict=True) if x.plain(i) is None
        }

    def solve(
        self,
        e: Expr,
        axis: str,
        loops: tuple[str, ...],
        body: Expr,
        mapping: dict[str, Expr],
    ) -> bool:
        """Solve ``e = axis`` for a loop index that is still free and is an axis of a factor.

        That factor is zero outside its array, and where the division is not exact; without one there is no solution.
        Of several indices it is the one that is about as long as the axis, so that a sum over the few positions of a
        window is left, not one over the many places where windows lie.
        """
        guarded = self.guarded(body)
        open_ = [i for i in loops if i in x.free(e) and i not in mapping and i in guarded]
        if not open_:
            return False
        index = next((i for i in open_ if self.as_long(i, axis)), open_[0])
        target: Expr = Pos(axis)
        if isinstance(e, Op) and e.fn == "exactdiv":
            top, bottom = e.args
            e, target = top, x.mul(bottom, target)
        try:
            coefficient, rest = linear(e, index)
        except CalculusError:
            return False
        if not self.divides(coefficient):
            return False
        negative, coefficient = split_sign(coefficient)
        numerator = x.sub(target, x.rename(rest, {i: Pos(mark(i)) for i in x.free(rest)}))
        numerator = x.neg(numerator) if negative else numerator
        mapping[index] = numerator if coefficient == x.ONE else Op("exactdiv", (numerator, coefficient))
        return True

    def as_long(self, index: str, axis: str) -> bool:
        """Whether the length of an index is computed from that of an axis."""
        size = self.layer.sizes.get(self.layer.axis(index))
        return size is not None and any(isinstance(n, Size) and n.axis == axis for n in x.walk(size))

    def guarded(self, body: Expr) -> set[str]:
        """Indices that are an axis of a factor: it is zero outside their range, and so is the product.

        Not where another factor is infinite there, because it divides by what is zero outside, too; but along a
        recurrence, where a condition says so.
        """
        infinite = {
            i for n in x.walk(body) if singular(n) for i in x.free(n) if not self.counts_steps(self.layer.axis(i))
        }

        def zero(f: Expr) -> set[str]:
            """Outside whose range a factor is zero; a sum is where each of its terms is."""
            if isinstance(f, Ref):
                named = enumerate(map(x.plain, f.index))
                return {i for n, i in named if i is not None and self.same_length(i, f, n)}
            if isinstance(f, Op) and f.fn == "add":
                return set.intersection(*({i for g in x.factors(t) for i in zero(g)} for t in f.args))
            return set()

        return {i for f in x.factors(body) for i in zero(f)} - infinite

    def runs_over_part(self, index: str, axis: str, body: Expr) -> bool:
        """Whether an index stands on an axis of another length, and nothing else is zero where the index has ended."""
        if self.layer.axis(index) == self.layer.axis(axis) or index in self.guarded(body):
            return False
        return self.layer.sequence_axis is None  # entries of lists have lengths of their own

    def same_length(self, index: str, ref: Ref, place: int) -> bool:
        """Whether an index runs along all of an axis, so that outside its range the array is zero."""
        tensor = self.layer.tensors.get(ref.tensor) or self.tensors.get(ref.tensor)
        return tensor is None or self.layer.axis(index) == self.layer.axis(tensor.axes[place])

    def divides(self, coefficient: Expr) -> bool:
        """Whether an index's coefficient is surely not 0."""
        positive = {o.name for o in self.layer.options if o.kind == "Count"}
        for factor in x.factors(coefficient):
            match factor:
                case Num(value) if value:
                    continue
                case Opt(name) if name in positive:
                    continue
                case Size():
                    continue
            return False
        return True
