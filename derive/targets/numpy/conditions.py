"""Piecewise expressions and conditions as NumPy code."""

from __future__ import annotations

from collections.abc import Iterable

from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Opt, Pos, Ref
from derive.notation.text import split_quotient, split_sign
from derive.program.outside import spared
from derive.targets.numpy.views import ATOM, COMPARE, LOW, PRODUCT, UNARY, Views


class Conditions(Views):
    """Prints cases, masks and logic."""

    def test(self, c: Expr, frame: tuple[str, ...], level: int = LOW) -> str:
        """Code of a condition."""
        before, self.counting = self.counting, True
        code = self.show(c, frame, level)
        self.counting = before
        return code

    def case(self, e: Expr, other: Expr, frame: tuple[str, ...]) -> str:
        """One of two cases that an option decides between, with all the axes that either of them has."""
        lacking = {*frame} & {*x.free(other)} - {*x.free(e)}
        if not lacking or self.counting:
            return self.show(e, frame, COMPARE)
        for ref in x.refs(other):
            code, axes = self.view(ref)
            if set(axes) == set(frame) and self.kind(ref) == "real":
                return f"np.full_like({self.align(code, axes, frame)}, {self.show(e, frame)})"
        self.functions.add("filled")
        sizes = [self.size(a) if a in lacking or a in x.free(e) else "1" for a in frame]
        shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
        return f"filled({self.show(e, frame)}, {shape}, {self.of_dims('dtype')})"

    def where(self, c: Expr, a: Expr, b: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        if not any(isinstance(n, Ref | Pos) and not self.scalar(n) and x.free(n) for n in x.walk(c)):
            return f"({self.case(a, b, frame)} if {self.test(c, ())} else {self.case(b, a, frame)})", ATOM
        if b == x.ZERO:
            negative, rest = split_sign(a)
            above, below = split_quotient(rest)
            if below and any(not self.scalar(f) for f in below):
                self.functions.add("divide_where")
                top = x.mul(*above)
                code = (
                    f"divide_where({self.test(c, frame)}, {self.show(top, frame)}, {self.show(x.mul(*below), frame)})"
                )
                return ("-" if negative else "") + code, UNARY if negative else ATOM
        chosen = self.masked(c, frame, x.free(a)) if self.scalar(b) and not self.scalar(a) else None
        if chosen is not None:
            self.functions.add("masked")
            return f"masked({self.show(a, frame)}, {self.show(b)}, {', '.join(chosen)})", ATOM
        for case, other, test in ((a, b, c), (b, a, Op("not", (c,)))):
            if other == x.ZERO and not self.scalar(case):
                self.functions.add("chosen")
                return f"chosen({self.show(case, frame)}, {self.test(test, frame)})", ATOM
        common, ours, theirs = self.shared(a, b)
        if self.scalar(ours) and self.scalar(theirs):
            self.functions.add("either")
            number = f"either({self.test(c, frame)}, {self.show(ours)}, {self.show(theirs)}, {self.of_dims('dtype')})"
            if common == x.ONE:
                return number, ATOM
            return f"{self.show(common, frame, PRODUCT)} * {number}", PRODUCT
        where = "np.where"
        if self.scalar(a) or self.scalar(b):  # a function may be taken of what it gives, objects too
            self.functions.add(where := "where")
        return f"{where}({self.test(c, frame)}, {self.show(a, frame)}, {self.show(b, frame)})", ATOM

    def shared(self, a: Expr, b: Expr) -> tuple[Expr, Expr, Expr]:
        """The factors that two cases share, and what is left of each."""
        mine, theirs = list(x.factors(a)), list(x.factors(b))
        both = [f for f in mine if f in theirs and not self.scalar(f)]
        for f in both:
            mine.remove(f)
            theirs.remove(f)
        return x.mul(*both), x.mul(*mine), x.mul(*theirs)

    def masked(self, c: Expr, frame: tuple[str, ...], own: Iterable[str]) -> list[str] | None:
        """The conditions that all have to hold, as arrays, or None for one that holds everywhere.

        There are some where arrays are few: a mask may be missing, a test of positions switched off by an option, and
        a condition may lack the last axis. None for any other condition, and where what
        is masked lacks an axis of a condition: if all hold it stays as it is.

        Args:
            own: the axes of what is masked.
        """
        if not {*x.free(c)} & {*frame} <= {*own}:
            return None
        parts = c.args if isinstance(c, Op) and c.fn == "and" else (c,)
        optional = {t.name for t in self.layer.inputs if t.optional}
        if (
            not any(isinstance(p, Ref) and p.tensor in optional for p in parts)
            and frame[-1:]
            and frame[-1] in x.free(c)
        ):
            return None
        codes, ignored = [], spared(self.layer)
        for p in parts:
            scalars = [a for a in p.args if self.scalar(a)] if isinstance(p, Op) and p.fn == "or" else []
            if scalars and isinstance(p, Op):
                test = Op("or", (*p.args,)) if len(p.args) == len(scalars) else None
                rest = [a for a in p.args if a not in scalars]
                if test is None and len(rest) == 1 and len(scalars) == 1:
                    off = scalars[0]
                    on = off.args[0] if isinstance(off, Op) and off.fn == "not" else Op("not", (off,))
                    codes.append(f"{self.test(rest[0], frame, COMPARE)} if {self.test(on, ())} else None")
                    continue
            before = set(self.masks)
            code = self.test(p, frame)
            if isinstance(p, Ref) and code == p.tensor:  # as it is, None too
                self.masks = before
            match p:
                case Op("!=", (Ref(tensor, _), Opt(option))) if self.is_position(tensor) and tensor not in ignored:
                    code += f" if {option} >= 0 else None"  # no position is negative
            codes.append(code)
        return codes

    def is_position(self, tensor: str) -> bool:
        """Whether a tensor's numbers are positions along an axis, which are checked not to be negative."""
        refs = (r for e in self.layer.equations for r in x.walk(e.body) if isinstance(r, Ref))
        return any(isinstance(i, Ref) and i.tensor == tensor for r in refs for i in r.index)

    def logic(self, e: Op, frame: tuple[str, ...]) -> tuple[str, int]:
        scalar = self.scalar(e) or not x.free(e)  # one truth, not an array of them
        if e.fn == "not":
            word = "not " if scalar else "~"
            return f"{word}{self.test(e.args[0], frame, ATOM)}", COMPARE if scalar else UNARY
        word = f" {e.fn} " if scalar else {"and": " & ", "or": " | "}[e.fn]
        parts = []
        for a in e.args:
            code = self.test(a, frame, LOW)
            parts.append(code if isinstance(a, Ref | Opt) else f"({code})")
        return word.join(parts), LOW
