"""Sums of exponentials: a factor for each row is taken out of the exponentials, and followed to wherever it cancels.

In ``s[r] = sum(k, exp(f[r, k]))`` the exponentials are computed as ``E[r, k] = exp(f[r, k] - m[r])``, up to rounding
(see ``row_exp``). What is made of E has a power of ``exp(-m)`` as a factor, the same for all terms of a sum, or the
rule does not apply. A logarithm takes the factor out, ``log(s[r]) = m[r] + log(sum(k, E[r, k]))``, and from whatever
leaves the program it must have cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count, permutations

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.outside import within
from derive.program.rewriting.chosen import brought_in, chosen_by, conditional, is_exp, parts_of, weights_of
from derive.program.terms import split_minus

Scale = dict[tuple[Expr, ...], Fraction]  #: the row of m, and the power of exp(-m) there
COMPARISONS = (">", "<", "==", "!=", ">=", "<=")
SHIFTED = "where exponents are large the largest is subtracted before exp, and its rounding error made good"
REST = "log of the sum of exponentials is log1p of what the others add to the largest"


def exponent_of(e: Expr) -> Expr | None:
    """f of ``exp(f)``; of ``exp(f) if c else 0`` it is f where c holds and minus infinity elsewhere."""
    match e:
        case Op("exp", (f,)):
            return f
        case Op("where", (c, Op("exp", (f,)), other)) if other == x.ZERO:
            return x.where(c, f, x.neg(x.INF))
    return None


def match(pattern: Expr, e: Expr, indices: tuple[str, ...], in_order: bool = True) -> dict[str, Expr] | None:
    """Indices under which the pattern is the expression; with terms and factors in order, or in any."""
    found: dict[str, Expr] = {}

    def go(p: Expr, q: Expr) -> bool:
        if isinstance(p, Pos) and p.index in indices:
            return found.setdefault(p.index, q) == q
        if type(p) is not type(q):
            return False
        if isinstance(p, Ref) and isinstance(q, Ref):
            return p.tensor == q.tensor and all(go(a, b) for a, b in zip(p.index, q.index, strict=True))
        if isinstance(p, Op) and isinstance(q, Op):
            if p.fn == q.fn in ("add", "mul") and not in_order and len(p.args) == len(q.args) < 5:
                before = dict(found)
                for args in permutations(q.args):
                    if all(map(go, p.args, args)):
                        return True
                    found.clear()
                    found.update(before)
                return False
            return p.fn == q.fn and len(p.args) == len(q.args) and all(map(go, p.args, q.args))
        return p == q

    return found if go(pattern, e) else None


@dataclass
class Shift:
    """One sum of exponentials.

    Attributes:
        flat, tensors: the program, which is changed.
        results: names that leave the program and must keep their value.
        layer: whose program it is.
        weighted: whether what is multiplied by 0 is left out.
        scales: the factor that is in each tensor, by its own indices.
    """

    flat: list[Equation]
    tensors: dict[str, Tensor]
    results: frozenset[str]
    layer: Layer
    weighted: bool = False
    scales: dict[str, Scale] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def run(self, target: str) -> bool:
        """Shift the exponentials under a sum, if everything stays equal."""
        total = self.definition(target)
        if total is None or not isinstance(total.body, Reduce):
            return False
        total = self.with_conditions(self.in_their_indices(total))
        assert isinstance(total.body, Reduce)
        factors = list(x.factors(total.body.body))
        for n, factor in enumerate(factors):
            made = self.exponentials(total, factor)
            if made is not None and set(total.body.over) <= set(made.indices):
                rest = factors[:n] + factors[n + 1 :]
                return self.shift(total, made, rest)
        return False

    def in_their_indices(self, total: Equation) -> Equation:
        """A sum of named exponentials in the indices of these: ``sum(k', E[q, k'])`` as ``sum(k, E[q, k])``."""
        assert isinstance(total.body, Reduce)
        own = {*total.indices, *total.body.over}
        for f in x.factors(total.body.body):
            made = self.definition(f.tensor) if isinstance(f, Ref) else None
            if not isinstance(f, Ref) or made is None or exponent_of(made.body) is None:
                continue
            names = {x.plain(i) or "": j for i, j in zip(f.index, made.indices, strict=True)}
            others = own - names.keys()  # must keep their names, and nobody else may have them
            if names.keys() <= own and len(names) == len(f.index) and not others & {*names.values()}:
                at = {i: Pos(j) for i, j in names.items()}
                over = tuple(names.get(i, i) for i in total.body.over)
                body = replace(total.body, over=over, body=x.rename(total.body.body, at))
                total = replace(total, left=tuple(x.rename(i, at) for i in total.left), body=body)
                self.put(total)
                break
        return total

    def with_conditions(self, total: Equation) -> Equation:
        """A sum in which a condition leaves out exponentials: ``[c] exp(f)`` as ``exp(f) if c else 0``, wherever it is.

        What is left out may be larger than all that is there, and must not be the largest.
        """
        assert isinstance(total.body, Reduce)
        indices, over = (*total.indices, *total.body.over), set(total.body.over)
        conditions = [c for c in chosen_by(total.body.body) if over & set(x.free(c))]
        weights = [w for w in weights_of(total.body.body) if over & set(x.free(w))] if self.weighted else []
        if not (conditions or weights) or not any(exponent_of(f) for f in x.factors(total.body.body)):
            return total

        exponential = next(f for f in x.factors(total.body.body) if exponent_of(f) is not None)
        exponential = exponential if is_exp(exponential) else exponential.args[1]  # type: ignore[union-attr]
        conditions += [Op("!=", (w, x.ZERO)) for w in weights]
        own = Op("of", (exponential, *conditions))

        def choice(f: Expr, c: Expr) -> Expr | None:
            for some in permutations(parts_of(c), len(conditions)):
                if match(own, Op("of", (f, *some)), indices, False) is not None:
                    return x.where(some[0] if len(some) == 1 else Op("and", some), f, x.ZERO)
            return None

        def weighs(e: Expr) -> bool:
            return any(match(own, e, indices) is not None for own in weights)

        self.flat = brought_in(self.flat, {total.target}, self.fresh, self.results)
        self.flat = [replace(e, body=conditional(e.body, choice, weighs)) for e in self.flat]
        return self.definition(total.target) or total

    def exponentials(self, total: Equation, factor: Expr) -> Equation | None:
        """The equation of the exponentials that are a factor under a sum, which are given a name."""
        if isinstance(factor, Ref):
            made = self.definition(factor.tensor)
            plain = made is not None and factor.index == tuple(map(Pos, made.indices))
            return made if made is not None and plain and exponent_of(made.body) is not None else None
        if exponent_of(factor) is None:
            return None
        assert isinstance(total.body, Reduce)
        axes = tuple(i for i in total.indices + total.body.over if i in x.free(factor))
        if len(axes) < len(x.free(factor)) or not isinstance(factor, Op):
            return None
        name = self.fresh("exp_" + "_".join(dict.fromkeys(r.tensor for r in x.refs(factor))), axes)
        made = Equation(name, tuple(map(Pos, axes)), factor)
        self.flat = [replace(e, body=x.transform(e.body, lambda n: self.instance(factor, made, n))) for e in self.flat]
        readers = (n for n, e in enumerate(self.flat) if name in x.tensors(e.body))
        self.flat.insert(next(readers, self.place(total.target)), made)
        return made

    def shift(self, total: Equation, made: Equation, rest: list[Expr]) -> bool:
        exponent = exponent_of(made.body)
        assert exponent is not None
        assert isinstance(total.body, Reduce)
        over, before = total.body.over, list[Equation]()
        of = "_".join(dict.fromkeys(r.tensor for r in x.refs(exponent)))
        if not isinstance(exponent, Ref) or any(isinstance(i, Op) for i in exponent.index):  # outside counts as 0
            raised = Equation(self.fresh(f"exponent_{made.target}", made.indices), made.left, exponent)
            before, exponent = [raised], raised.lhs
        row = tuple(i for i in made.left if x.plain(i) not in over)
        axes = tuple(x.plain(i) or "" for i in row)
        largest = Equation(self.fresh(f"max_{of}", axes), row, Reduce("max", over, exponent))
        scaled = replace(made, body=Op("row_exp", (exponent, *map(Pos, over))))
        place = self.place(made.target)
        self.flat[place : place + 1] = [*before, largest, scaled]
        self.scales[made.target] = {row: Fraction(1)}
        if not rest and {*row} == {*total.left}:
            self.put(replace(total, body=Reduce("exp_sum", over, made.lhs)))
            self.log_sums(total, made, largest)
        if not self.cancels({made.target}):
            return False
        self.take_out(largest, scaled)
        self.only_logarithm(total, made, largest)
        self.notes.append(SHIFTED)
        return True

    # ---- the factor ------------------------------------------------------------------------------------------------

    def cancels(self, known: set[str]) -> bool:
        """Whether the factor, once it is taken out of logarithms, is in nothing that leaves the program."""
        for _ in range(3):
            before = dict(self.scales)
            for e in self.flat:
                scale = self.scales[e.target] if e.target in known else self.scale(e.body)
                if scale is None or (scale and self.definition(e.target) is None):
                    return False
                if scale:
                    self.scales[e.target] = scale
            if self.scales == before:
                break
        return not any(self.scales.get(r) for r in self.results)

    def take_out(self, largest: Equation, scaled: Equation) -> None:
        """Take the factor out of logarithms; it is then exp(-m) for certain, which `row_exp` does not promise."""
        name = x.numbered("shift", {*self.tensors, *(o.name for o in self.layer.options)})
        shift = replace(largest, target=name, body=x.where(Op(">", (largest.lhs, x.neg(x.INF))), largest.lhs, x.ZERO))
        flat = [replace(e, body=self.logarithms(e.body, shift)) for e in self.flat]
        if flat != self.flat:
            assert isinstance(largest.body, Reduce)
            self.flat = flat
            self.tensors[name] = replace(self.tensors[largest.target], name=name)
            self.put(replace(scaled, body=Op("exp", (x.sub(largest.body.body, shift.lhs),))))
            self.flat.insert(self.place(largest.target) + 1, shift)

    def logarithms(self, e: Expr, largest: Equation) -> Expr:
        """``log(a)`` of what has a factor as the logarithm of the factor and of the rest."""

        def visit(n: Expr) -> Expr | None:
            match n:
                case Op("log", (inside,)):
                    scale = self.scale(inside)
                    if scale:
                        shifts = (x.mul(Num(p), Ref(largest.target, row)) for row, p in scale.items())
                        return x.add(*shifts, n)
            return None

        return x.transform(e, visit)

    def scale(self, e: Expr) -> Scale | None:
        """The factor in an expression; None where there is not one for all of it."""
        match e:
            case Op("where", (c, a, b)):
                return self.one([p for p in (a, b) if p != x.ZERO]) if self.harmless(c) else None
            case Op("log", (inside,)):  # the factor will be taken out
                return None if self.scale(inside) is None else {}
            case Op("add", args):
                return self.one(args)
            case Op("mul", args):
                return self.product([(self.scale(a), Fraction(1)) for a in args])
            case Op("pow", (a, Num(n))):
                return self.product([(self.scale(a), n)])
            case Op("iverson", (c,)):
                return {} if self.harmless(c) else None
            case Op("group", (a,)):
                return self.scale(a)
            case Ref(tensor, index):
                own = self.scales.get(tensor)
                made = self.definition(tensor)
                if not own or made is None:
                    return None if any(self.scale(i) != {} for i in index if isinstance(i, Ref)) else {}
                at = dict(zip(made.indices, index, strict=True))
                return self.product([({tuple(x.rename(i, at) for i in row): p}, Fraction(1)) for row, p in own.items()])
            case Reduce("log_sum" | "log_sum_exp", _, _):
                return {}
            case Reduce(op, over, body):
                found = self.scale(body)
                if found is None or any(set(x.free(i)) & set(over) for row in found for i in row):
                    return None
                return {} if op == "argmax" else found if op in ("sum", "exp_sum", "max") or not found else None
        return None if any(self.scale(c) != {} for c in x.children(e)) else {}

    def one(self, parts: Iterable[Expr]) -> Scale | None:
        """The factor that all terms have."""
        found = [self.scale(p) for p in parts]
        return found[0] if found and all(f == found[0] for f in found) else None

    def product(self, parts: Iterable[tuple[Scale | None, Fraction]]) -> Scale | None:
        total: Scale = {}
        for scale, power in parts:
            if scale is None:
                return None
            for row, p in scale.items():
                total[row] = total.get(row, Fraction(0)) + p * power
        return {row: p for row, p in total.items() if p}

    def harmless(self, condition: Expr) -> bool:
        """A positive factor does not change ``total > 0``."""
        match condition:
            case Op(op, (Ref() as r, Num(value))) if op in COMPARISONS and value == 0:
                return self.scale(r) is not None
            case Op("and" | "or" | "not", args):
                return all(map(self.harmless, args))
        return all(self.scale(c) == {} for c in x.children(condition))

    # ---- its logarithm ---------------------------------------------------------------------------------------------

    def log_sums(self, total: Equation, made: Equation, largest: Equation) -> None:
        """log(sum) = the largest exponent + log of the scaled sum, the latter from what is added to 1."""
        assert isinstance(total.body, Reduce)
        assert isinstance(largest.body, Reduce)
        exponent, over, rows = largest.body.body, made.indices, total.indices
        name = ""

        def shift(index: tuple[Expr, ...]) -> Ref:
            at = dict(zip(rows, index, strict=True))
            return Ref(largest.target, tuple(x.rename(i, at) for i in largest.left))

        def visit(e: Expr) -> Expr | None:
            nonlocal name
            match e:
                case Op("add", args):
                    logs = [(n, split_minus(a)) for n, a in enumerate(args)]
                    for n, (minus, log) in logs:
                        if not (isinstance(log, Op) and log.fn == "log" and isinstance(log.args[0], Ref)):
                            continue
                        if log.args[0].tensor != total.target:
                            continue
                        for k, (other, f) in logs:
                            if other != minus and match(exponent, f, over) is not None:
                                name = name or self.fresh(f"log_{total.target}", total.indices)
                                index = log.args[0].index
                                near = x.sub(f, shift(index))
                                group = Op("group", (x.neg(near) if other else near,))
                                rest = [x.transform(a, visit) for m, a in enumerate(args) if m not in (n, k)]
                                log_sum: Expr = Ref(name, index)
                                return x.add(group, *rest, x.neg(log_sum) if minus else log_sum)
                case Op("log", (Ref(tensor, index),)) if tensor == total.target:
                    name = name or self.fresh(f"log_{total.target}", total.indices)
                    return x.add(shift(index), Ref(name, index))
            return None

        self.flat = [replace(e, body=x.transform(e.body, visit)) for e in self.flat]
        if name:
            body = Reduce("log_sum", total.body.over, Op("of", (made.lhs, total.lhs)))
            self.flat.insert(self.place(total.target) + 1, Equation(name, total.left, body))
            self.notes.append(REST)

    def only_logarithm(self, total: Equation, made: Equation, largest: Equation) -> None:
        """Where nothing else needs the exponentials, their sum's logarithm is computed from z - max z at once."""
        assert isinstance(largest.body, Reduce)
        scaled = {made.target, total.target}
        users = [e for e in self.flat if scaled & set(x.tensors(e.body)) and e.target != total.target]
        exponent = largest.body.body
        if len(users) != 1 or scaled & self.results or not isinstance(exponent, Ref):
            return
        (log,) = users
        if not (isinstance(log.body, Reduce) and log.body.op == "log_sum"):
            return
        raised = self.definition(exponent.tensor)
        least: Expr = largest.lhs
        if raised is not None and isinstance(raised.body, Op) and raised.body.fn == "where":  # a row may have nothing
            least = x.where(Op(">", (least, x.neg(x.INF))), least, x.ZERO)
        below = Equation(self.fresh(f"below_{exponent.tensor}", made.indices), made.left, x.sub(exponent, least))
        group = Op("group", (x.sub(exponent, largest.lhs),))
        self.flat = [replace(e, body=x.transform(e.body, lambda n: self.instance(group, below, n))) for e in self.flat]
        self.flat.insert(self.place(log.target), below)
        self.put(replace(log, body=Reduce("log_sum_exp", log.body.over, Op("of", (below.lhs, exponent)))))

    # ---- the program -----------------------------------------------------------------------------------------------

    def definition(self, name: str) -> Equation | None:
        """The only equation for a tensor, with plain indices; None where there is another kind."""
        found = [e for e in self.flat if e.target == name]
        return found[0] if len(found) == 1 and len(found[0].indices) == len(found[0].left) else None

    def place(self, name: str) -> int:
        return next(n for n, e in enumerate(self.flat) if e.target == name)

    def put(self, equation: Equation) -> None:
        self.flat[self.place(equation.target)] = equation

    def instance(self, pattern: Op, named: Equation, e: Expr) -> Expr | None:
        """The name of a pattern, at the indices where the expression has it; None where it is something else.

        What is made of an element that may lie outside stays as it is: of a named one there would be 0.
        """
        at = match(pattern, e, named.indices, False) if isinstance(e, Op) and e.fn == pattern.fn else None
        if at is None or not all(within(j, i, 0, self.layer) for i, j in at.items()):
            return None
        return Ref(named.target, tuple(at.get(i, Pos(i)) for i in named.indices))

    def fresh(self, name: str, axes: tuple[str, ...]) -> str:
        names = (f"{name}_{n}" if n > 1 else name for n in count(1))
        free = next(n for n in names if n not in self.tensors)
        self.tensors[free] = Tensor(free, axes)
        return free
