"""Chooses forms that do not lose accuracy: rules over the flat equations of one program.

Each rule rewrites equations into others that are equal in exact arithmetic and leaves a note saying what and why.

* log of a softmax: ``log(exp(f) / s)`` becomes ``f - log(s)``: a probability that underflows has no logarithm.
* quotient: ``y r / y`` is computed as r, for y may underflow.
* scale: in ``s = sum exp(f)`` a factor for each row is taken out. Everything that depends on the scaled quantities is
  followed, and the rule applies only where the scale cancels before anything leaves the program.
* logarithm of the sum: with the largest term scaled to 1, ``log(1 + rest)`` is computed from the rest.
* decay: a function that is rational in exp(u) is written with exp(-|u|); see derive.program.exponentials.
* norm: ``sqrt(sum g**2)`` without overflow or underflow of the squares.
* saturation: where a probability is next to 1, the others are what is left of it; see derive.program.saturation.
* one-hot: ``y - [i == t]`` where y sums to 1 is computed at t from the other probabilities.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.calculus.scalars import POSITIVE_KINDS
from derive.notation import expr as x
from derive.notation.expr import Expr, Op, Pos, Reduce, Ref
from derive.notation.layer import Equation, Layer, Tensor
from derive.program.cases import safe
from derive.program.dependence import components
from derive.program.library import recognise
from derive.program.rewriting.rational import apart, bounded, decaying, one_denominator
from derive.program.rewriting.rewrite import CALLED, Rewriter
from derive.program.rewriting.table import FIRST, LAST, Row
from derive.program.saturation import Saturation
from derive.program.squares import mean_squares

HALF = Fraction(1, 2)


@dataclass
class Stabiliser:
    """Applies the rules to one program.

    Attributes:
        flat: the equations, one reduction each at most.
        results: names that leave the program and must keep their value.
        unit_rows: tensors that are known to sum to 1 along their last axis.
        positive: what is known to be positive, beside numbers.
    """

    flat: list[Equation]
    tensors: dict[str, Tensor]
    results: frozenset[str]
    unit_rows: frozenset[str] = frozenset()
    positive: frozenset[Expr] = frozenset()
    notes: list[str] = field(default_factory=list)

    def run(self) -> list[Equation]:
        self.library()
        self.table(FIRST)
        self.flat = [replace(e, body=one_denominator(e.body)) for e in self.flat]
        for target in [e.target for e in self.flat if isinstance(e.body, Reduce) and e.body.op == "sum"]:
            self.shift(target)
        self.norms()
        self.squares()
        self.flat = mean_squares(self.flat, self.tensors)
        Saturation(self, match).run()
        self.one_hot()
        self.exponentials()
        self.table(LAST)
        self.powers()
        self.flat = [replace(e, body=safe(e.body)) for e in self.flat]
        return self.flat

    # ---- rows of the table -----------------------------------------------------------------------------------------

    def table(self, rows: tuple[Row, ...]) -> None:
        """Every row wherever it fits; the words of those used are noted."""
        known = {e.target: e for e in self.flat if self.definition(e.target) is e}
        for group in components(self.flat):
            if len(group) > 1 or group[0].target in x.tensors(group[0].body):
                for e in group:
                    known.pop(e.target, None)

        def definition(ref: Ref) -> Expr | None:
            return self.at(known[ref.tensor], ref) if ref.tensor in known else None

        rewriter = Rewriter(definition, CALLED, self.positive)
        self.flat = [replace(e, body=rewriter.run(e.body, rows)) for e in self.flat]
        for words in rewriter.used:
            self.note(words)

    def powers(self) -> None:
        """``p (p - 1) a**(p - 2)`` as one function, which is 0 where p is 0 or 1, whatever the power is."""

        def visit(e: Expr) -> Expr:
            e = x.rebuild(e, visit)
            if not (isinstance(e, Op) and e.fn == "mul"):
                return e
            e = x.mul(*map(taken_out, e.args))
            for f in x.factors(e):
                match f:
                    case Op("pow", (base, Op("add", (*exponent, x.Num(less))))) if less < 0 and less.denominator == 1:
                        p = x.add(*exponent)
                        rest = without(e, [f, *(x.add(p, x.num(-n)) for n in range(-int(less)))])
                        if rest is not None and not x.tensors(p):
                            return x.mul(rest, Op("runtime powered", (base, p, x.num(-less))))
            numbers = [f for f in x.factors(e) if not x.tensors(f) and not x.free(f)]
            for f in x.factors(e) if numbers else ():
                if isinstance(f, Op) and f.fn == "add" and any(map(of_option, x.walk(f))):
                    inside = x.add(*(visit(x.mul(*numbers, t)) for t in f.args))
                    if any(isinstance(n, Op) and n.fn == "runtime powered" for n in x.walk(inside)):
                        return x.mul(*(g for g in x.factors(e) if g is not f and g not in numbers), inside)
            return e

        self.flat = [replace(e, body=visit(e.body)) for e in self.flat]

    def definition(self, name: str) -> Equation | None:
        """The only equation for a tensor, with plain indices; None where there is another kind."""
        found = [e for e in self.flat if e.target == name]
        return found[0] if len(found) == 1 and len(found[0].indices) == len(found[0].left) else None

    def at(self, equation: Equation, ref: Ref) -> Expr:
        """A definition's body at the indices of a reference."""
        return x.rename(equation.body, dict(zip(equation.indices, ref.index, strict=True)))

    def fresh(self, name: str, axes: tuple[str, ...]) -> str:
        count, candidate = 2, name
        while candidate in self.tensors:
            candidate, count = f"{name}_{count}", count + 1
        self.tensors[candidate] = Tensor(candidate, axes)
        return candidate

    # ---- sum exp(f) ------------------------------------------------------------------------------------------------

    def shift(self, target: str) -> None:
        total = self.definition(target)
        assert total is None or isinstance(total.body, Reduce)
        if total is None or not isinstance(total.body, Reduce):
            return
        before, tensors_before = list(self.flat), dict(self.tensors)
        inside = total.body.body
        if isinstance(inside, Ref):
            made = self.definition(inside.tensor)
            if made is None or inside.index != tuple(Pos(i) for i in made.indices):
                return
            exponent = exponent_of(made.body)
        else:
            exponent = exponent_of(inside)
            made = None
        if exponent is None:
            return
        if made is None:
            axes = total.indices + total.body.over
            name = self.fresh("exp_" + "_".join(dict.fromkeys(r.tensor for r in x.refs(inside))), axes)
            made = Equation(name, tuple(Pos(i) for i in axes), inside)
            self.replace_same(made)
            place = next(n for n, e in enumerate(self.flat) if e.target == target)
            self.flat.insert(place, made)
            total = Equation(target, total.left, Reduce("sum", total.body.over, made.lhs))
            self.put(total)
        assert isinstance(total.body, Reduce)
        of = "_".join(dict.fromkeys(r.tensor for r in x.refs(exponent)))
        if not isinstance(exponent, Ref) or any(isinstance(i, Op) for i in exponent.index):  # outside counts as 0
            name = self.fresh(f"exponent_{made.target}", made.indices)
            raised = Equation(name, made.left, exponent)
            exponent = raised.lhs
        else:
            raised = None
        largest = Equation(self.fresh(f"max_{of}", total.indices), total.left, Reduce("max", total.body.over, exponent))
        scaled = Equation(made.target, made.left, Op("row_exp", (exponent, *map(Pos, total.body.over))))
        place = next(n for n, e in enumerate(self.flat) if e.target == made.target)
        self.flat[place : place + 1] = [*([raised] if raised else []), largest, scaled]
        self.put(Equation(total.target, total.left, Reduce("exp_sum", total.body.over, made.lhs)))
        self.log_sums(total, made, largest)
        if not self.scale_cancels({made.target, target}, skip={made.target, target}):
            self.flat = before
            self.tensors.clear()
            self.tensors.update(tensors_before)
            return
        self.only_logarithm(total, made, largest)
        self.note("where exponents are large the largest is subtracted before exp, and its rounding error made good")

    def put(self, equation: Equation) -> None:
        self.flat = [equation if e.target == equation.target else e for e in self.flat]

    def replace_same(self, made: Equation) -> None:
        """Write every occurrence of the same exponential as a reference to the tensor that holds it."""
        over = made.indices

        def visit(e: Expr) -> Expr | None:
            if isinstance(e, Op) and e.fn == made_fn(made.body):
                index = match(made.body, e, over)
                if index is not None:
                    return Ref(made.target, tuple(index.get(i, Pos(i)) for i in over))
            return None

        self.flat = [Equation(e.target, e.left, x.transform(e.body, visit), e.line) for e in self.flat]

    def log_sums(self, total: Equation, made: Equation, largest: Equation) -> None:
        """log(sum) = the largest exponent + log of the scaled sum, the latter from what is added to 1."""
        assert isinstance(total.body, Reduce)
        assert isinstance(largest.body, Reduce)
        exponent, over = largest.body.body, made.indices
        name = ""

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
                                near = x.sub(f, Ref(largest.target, index))
                                group = Op("group", (x.neg(near) if other else near,))
                                rest = [x.transform(a, visit) for m, a in enumerate(args) if m not in (n, k)]
                                log_sum: Expr = Ref(name, index)
                                return x.add(group, *rest, x.neg(log_sum) if minus else log_sum)
                case Op("log", (Ref(tensor, index),)) if tensor == total.target:
                    name = name or self.fresh(f"log_{total.target}", total.indices)
                    return x.add(Ref(largest.target, index), Ref(name, index))
            return None

        self.flat = [Equation(e.target, e.left, x.transform(e.body, visit), e.line) for e in self.flat]
        if name:
            place = next(n for n, e in enumerate(self.flat) if e.target == total.target)
            body = Reduce("log_sum", total.body.over, Op("of", (made.lhs, total.lhs)))
            self.flat.insert(place + 1, Equation(name, total.left, body))
            self.note("log of the sum of exponentials is log1p of what the others add to the largest")

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
        below = Equation(self.fresh(f"below_{exponent.tensor}", made.indices), made.left, x.sub(exponent, largest.lhs))
        group = Op("group", (below.body,))
        self.flat = [
            e if e is below else replace(e, body=x.transform(e.body, lambda n: self.instance(group, below, n)))
            for e in self.flat
        ]
        place = self.flat.index(log)
        self.flat.insert(place, below)
        self.put(replace(log, body=Reduce("log_sum_exp", log.body.over, Op("of", (below.lhs, exponent)))))

    def instance(self, pattern: Expr, named: Equation, e: Expr) -> Expr | None:
        """The name of a pattern, at the indices where the expression has it; None where it is something else."""
        at = match(pattern, e, named.indices) if isinstance(e, Op) and e.fn == made_fn(pattern) else None
        return None if at is None else Ref(named.target, tuple(at[i] for i in named.indices))

    def scale_cancels(self, scaled: set[str], skip: set[str]) -> bool:
        """Whether multiplying the given tensors by a factor changes nothing that leaves the program."""
        degree: dict[str, Fraction] = dict.fromkeys(scaled, Fraction(1))
        for _ in range(3):
            for e in self.flat:
                if e.target in skip or not set(x.tensors(e.body)) & set(degree):
                    continue
                if isinstance(e.body, Reduce) and e.body.op == "log_sum":
                    continue
                found = self.degree(e.body.body if isinstance(e.body, Reduce) else e.body, degree)
                if found is None:
                    return False
                if found:
                    degree[e.target] = found
        return not any(degree.get(r) for r in self.results)

    def degree(self, e: Expr, degree: dict[str, Fraction]) -> Fraction | None:
        """The power of the common factor in an expression; None where it is not homogeneous."""
        if isinstance(e, Op) and e.fn == "where":
            condition, a, b = e.args
            if not self.harmless(condition, degree):
                return None
            found = [self.degree(part, degree) for part in (a, b) if part != x.ZERO]
            return found[0] if len(set(found)) == 1 else None
        if isinstance(e, Op) and e.fn == "mul":
            parts = [self.degree(f, degree) for f in e.args]
            return None if any(p is None for p in parts) else sum((p for p in parts if p is not None), Fraction(0))
        if isinstance(e, Op) and e.fn == "add":
            found = [self.degree(t, degree) for t in e.args]
            return found[0] if len(set(found)) == 1 else None
        if isinstance(e, Op) and e.fn == "pow" and isinstance(e.args[1], x.Num):
            inner = self.degree(e.args[0], degree)
            return None if inner is None else inner * e.args[1].value
        if isinstance(e, Ref):
            return degree.get(e.tensor, Fraction(0))
        touched = any(isinstance(n, Ref) and degree.get(n.tensor) for n in x.walk(e))
        return None if touched else Fraction(0)

    def harmless(self, condition: Expr, degree: dict[str, Fraction]) -> bool:
        """A positive scale does not change ``total > 0``."""
        match condition:
            case Op(">" | "<" | "==" | "!=" | ">=" | "<=", (Ref(), x.Num(value))) if value == 0:
                return True
        return not any(isinstance(n, Ref) and degree.get(n.tensor) for n in x.walk(condition))

    # ---- functions of a library ------------------------------------------------------------------------------------

    def library(self) -> None:
        def known(e: Equation) -> Equation:
            if isinstance(e.body, Reduce) or not any(isinstance(n, Op) and n.fn == "erf" for n in x.walk(e.body)):
                return e
            found = recognise(e.body)
            if found is None:
                return e
            self.note("the normal distribution's functions come from the runtime, which keeps both tails")
            return replace(e, body=found)

        self.flat = [known(e) for e in self.flat]

    # ---- rational functions of exp ---------------------------------------------------------------------------------

    def exponentials(self) -> None:
        self.flat = [replace(e, body=bounded(e.body)) for e in self.flat]
        out: list[Equation] = []
        for e in self.flat:
            made: dict[Expr, Equation] = {}
            parts: list[Expr] = []
            changed = False
            for free, body in apart(e.body) if e.left and not isinstance(e.body, Reduce) else ():
                found = decaying(body)
                if found is None:
                    parts.append(x.mul(free, body))
                    continue
                decay = made.get(found.decay)
                if decay is None:
                    name = self.fresh("decay", e.indices)
                    decay = Equation(name, tuple(Pos(i) for i in e.indices), found.decay)
                form = found.body(decay.lhs)
                if decay.lhs in set(x.walk(form)) and found.decay not in made:
                    made[found.decay] = decay
                    out.append(decay)
                parts.append(x.mul(free, form))
                changed = True
                self.note(
                    "exponentials are taken of -|x| only: nothing overflows, and no two close numbers are subtracted"
                )
            out.append(replace(e, body=x.add(*parts)) if changed else e)
        self.flat = out

    # ---- sqrt(sum g**2) --------------------------------------------------------------------------------------------

    def norms(self) -> None:
        def visit(e: Expr) -> Expr | None:
            match e:
                case Op("pow", (Ref(name, ()), x.Num(value))) if abs(value) == HALF:
                    made = self.definition(name)
                    match made.body if made else None:
                        case Reduce("sum", over, Op("pow", (Ref() as g, x.Num(two)))) if two == 2:
                            norm = self.known_norm(over, g) or self.fresh(f"norm_{g.tensor}", ())
                            self.new_norms.setdefault(norm, Equation(norm, (), Reduce("norm", over, g)))
                            return Ref(norm, ()) if value > 0 else x.power(Ref(norm, ()), x.num(-1))
            return None

        self.new_norms: dict[str, Equation] = {}
        self.flat = [Equation(e.target, e.left, x.transform(e.body, visit), e.line) for e in self.flat]
        if self.new_norms:
            self.note("the norm is computed with scaled squares: they neither overflow nor underflow")
            first = min(n for n, e in enumerate(self.flat) if set(x.tensors(e.body)) & set(self.new_norms))
            self.flat[first:first] = list(self.new_norms.values())

    def squares(self) -> None:
        """A sum of all squares is added up in a wider format where there is one."""

        def wide(e: Equation) -> Equation:
            match e.body:
                case Reduce("sum", over, Op("pow", (Ref() as g, x.Num(two)))) if two == 2 and not e.left:
                    return replace(e, body=Reduce("squares", over, g))
            return e

        self.flat = [wide(e) for e in self.flat]

    def known_norm(self, over: tuple[str, ...], g: Ref) -> str | None:
        return next((n for n, e in self.new_norms.items() if e.body == Reduce("norm", over, g)), None)

    # ---- y - [i == t] ----------------------------------------------------------------------------------------------

    def one_hot(self) -> None:
        def visit(e: Expr) -> Expr | None:
            if not (isinstance(e, Op) and e.fn == "add" and len(e.args) == 2):
                return None
            for y, hot in (e.args, e.args[::-1]):
                match hot:
                    case Op("mul", (x.Num(minus), Op("iverson", (Op("==", (a, b)),)))) if minus == -1:
                        t, i = (a, b) if isinstance(a, Ref) else (b, a)
                        if not (isinstance(y, Ref) and isinstance(t, Ref) and y.tensor in self.unit_rows):
                            continue
                        if isinstance(i, Pos) and y.index[-1] == i:
                            self.note("at the label, the probability minus 1 is minus the sum of the others")
                            return Op("less_one_hot", (y, t))
            return None

        self.flat = [Equation(e.target, e.left, x.transform(e.body, visit), e.line) for e in self.flat]

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def positive(layer: Layer) -> frozenset[Expr]:
    """The options of a layer that are above 0."""
    return frozenset(x.Opt(o.name) for o in layer.options if o.kind in POSITIVE_KINDS)


def of_option(e: Expr) -> bool:
    """A power whose exponent is not written as a number."""
    return isinstance(e, Op) and e.fn == "pow" and not isinstance(e.args[1], x.Num)


def without(e: Expr, gone: Iterable[Expr]) -> Expr | None:
    """A product divided by factors that it has, in number or as they are; None where it has not all of them."""
    left = list(x.factors(e))
    number = Fraction(1)
    for f in (part for whole in gone for part in x.factors(whole)):
        if isinstance(f, x.Num):
            number /= f.value
        elif f in left:
            left.remove(f)
        else:
            return None
    return x.mul(x.Num(number), *left)


def taken_out(e: Expr) -> Expr:
    """A case with the factors of options that both sides have in front of it."""
    match e:
        case Op("where", (c, a, b)):
            common = [f for f in x.factors(a) if f in x.factors(b) and not x.tensors(f) and not isinstance(f, x.Num)]
            rests = [without(side, common) for side in (a, b)]
            if common and None not in rests:
                return x.mul(*common, x.where(c, rests[0] or x.ONE, rests[1] or x.ONE))
    return e


def split_minus(e: Expr) -> tuple[bool, Expr]:
    if isinstance(e, Op) and e.fn == "mul" and e.args[0] == x.num(-1):
        return True, x.mul(*e.args[1:])
    return False, e


def exponent_of(e: Expr) -> Expr | None:
    """f of ``exp(f)``; of ``exp(f) if c else 0`` it is f where c holds and minus infinity elsewhere."""
    match e:
        case Op("exp", (f,)):
            return f
        case Op("where", (c, Op("exp", (f,)), other)) if other == x.ZERO:
            return x.where(c, f, x.neg(x.INF))
    return None


def made_fn(e: Expr) -> str:
    return e.fn if isinstance(e, Op) else ""


def match(pattern: Expr, e: Expr, indices: tuple[str, ...]) -> dict[str, Expr] | None:
    """Indices under which the pattern is the expression."""
    found: dict[str, Expr] = {}

    def go(p: Expr, q: Expr) -> bool:
        if isinstance(p, Pos) and p.index in indices:
            return found.setdefault(p.index, q) == q
        if type(p) is not type(q):
            return False
        if isinstance(p, Ref) and isinstance(q, Ref):
            return p.tensor == q.tensor and all(go(a, b) for a, b in zip(p.index, q.index, strict=True))
        if isinstance(p, Op) and isinstance(q, Op):
            return p.fn == q.fn and len(p.args) == len(q.args) and all(map(go, p.args, q.args))
        return p == q

    return found if go(pattern, e) else None
