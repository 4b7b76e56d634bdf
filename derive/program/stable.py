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
from derive.program.rewriting.chosen import nothing_last
from derive.program.rewriting.joined import shifted
from derive.program.rewriting.rational import apart, bounded, decaying, multiplied_in, one_denominator
from derive.program.rewriting.rewrite import CALLED, Rewriter, called
from derive.program.rewriting.row import Row
from derive.program.rewriting.sums import match
from derive.program.rewriting.table import AGAIN, FIRST, LAST
from derive.program.saturation import Saturation
from derive.program.squares import mean_squares

UNNAMED = "%root"


@dataclass
class Stabiliser:
    """Applies the rules to one program.

    Attributes:
        flat: the equations, one reduction each at most.
        results: names that leave the program and must keep their value.
        layer: whose program it is.
        unit_rows: tensors that are known to sum to 1 along their last axis.
        positive: what is known to be positive, beside numbers.
        index: the equations by what they define, of which list and how long it was.
    """

    flat: list[Equation]
    tensors: dict[str, Tensor]
    results: frozenset[str]
    layer: Layer
    unit_rows: frozenset[str] = frozenset()
    positive: frozenset[Expr] = frozenset()
    divided: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    index: tuple[list[Equation], int, dict[str, list[Equation]]] = field(default_factory=lambda: ([], 0, {}))

    def run(self) -> list[Equation]:
        self.library()
        self.flat = [replace(e, body=x.transform(e.body, nothing_last)) for e in self.flat]
        self.table(FIRST)
        self.flat = [replace(e, body=one_denominator(e.body)) for e in self.flat]
        self.flat, notes = shifted(self.flat, self.tensors, self.results, self.layer)
        for words in notes:
            self.note(words)
        self.norms()
        self.squares()
        self.flat = mean_squares(self.flat, self.tensors, [o.name for o in self.layer.options])
        Saturation(self, match).run()
        self.one_hot()
        self.exponentials()
        self.table((*LAST, *AGAIN))
        self.flat = [replace(e, body=multiplied_in(e.body)) for e in self.flat]
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

        words = {fn: word for fn in CALLED if (word := called(fn))}
        rewriter = Rewriter(definition, words, self.positive)
        self.flat = [replace(e, body=rewriter.run(e.body, rows)) for e in self.flat]
        for reason in rewriter.used:
            self.note(reason)

    def powers(self) -> None:
        """``p (p - 1) a**(p - 2)`` as one function, which is 0 where p is 0 or 1, whatever the power is.

        So is ``(p - 1) a**(p - 2)``, the derivative of ``a**(p - 1)``: of ``a**p / p`` the p has gone.
        """

        def visit(e: Expr) -> Expr:
            e = x.rebuild(e, visit)
            if not (isinstance(e, Op) and e.fn == "mul"):
                return e
            e = x.mul(*map(taken_out, e.args))
            for f in x.factors(e):
                match f:
                    case Op("pow", (base, Op("add", (*exponent, x.Num(less))))) if less < 0 and less.denominator == 1:
                        p, order = x.add(*exponent), -int(less)
                        for gone in range(0 if x.tensors(p) else order):
                            rest = without(e, [f, *(x.add(p, x.num(-n)) for n in range(gone, order))])
                            if rest is not None:
                                left = (base, x.add(p, x.num(-gone)), x.num(order - gone))
                                return x.mul(rest, Op("runtime powered", left))
                    case Op("runtime powered", (base, p, order)):  # p stood outside of a sum
                        rest = without(e, [f, higher := x.add(p, x.ONE)])
                        if rest is not None:
                            return visit(x.mul(rest, Op("runtime powered", (base, higher, x.add(order, x.ONE)))))
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
        flat, count, _ = self.index
        if flat is not self.flat or count != len(flat):
            self.index = self.flat, len(self.flat), by_target(self.flat)
        found = self.index[2].get(name, ())
        return found[0] if len(found) == 1 and len(found[0].indices) == len(found[0].left) else None

    def at(self, equation: Equation, ref: Ref) -> Expr:
        """A definition's body at the indices of a reference."""
        return x.rename(equation.body, dict(zip(equation.indices, ref.index, strict=True)))

    def fresh(self, name: str, axes: tuple[str, ...]) -> str:
        count, candidate = 2, name
        while candidate in self.tensors or any(o.name == candidate for o in self.layer.options):
            candidate, count = f"{name}_{count}", count + 1
        self.tensors[candidate] = Tensor(candidate, axes)
        return candidate

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
                    axes = tuple(i for left in e.left for i in x.free(left))  # t of y[t - 1, n], too
                    name = self.fresh("decay", axes)
                    decay = Equation(name, tuple(map(Pos, axes)), found.decay)
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
        """``sqrt(sum g**2)`` and ``sqrt(c sum g**2)`` as norms of the rows."""

        def norm(total: Expr) -> Ref | None:
            made = self.definition(total.tensor) if isinstance(total, Ref) else None
            match made.body if made else None:
                case Reduce("sum", over, Op("pow", (g, x.Num(two)))) if two == 2:
                    assert made is not None
                    assert isinstance(total, Ref)
                    if not made.left and not isinstance(g, Ref):
                        return None
                    body = Reduce("norm", over, g)
                    name = next((n for n, e in self.new_norms.items() if e.body == body and e.left == made.left), "")
                    name = name or self.fresh(
                        "_".join(["norm", *dict.fromkeys(r.tensor for r in x.refs(g))]), made.indices
                    )
                    self.new_norms.setdefault(name, Equation(name, made.left, body))
                    return Ref(name, total.index)
            return None

        def visit(e: Expr) -> Expr | None:
            match e:
                case Op("pow", (base, x.Num(value))) if value.denominator == 2:
                    numbers = [f for f in x.factors(base) if not x.tensors(f) and not x.free(f)]
                    (total, *more) = [f for f in x.factors(base) if f not in numbers] or [x.ONE]
                    if all(isinstance(f, x.Num) or of_size(f) for f in numbers) and not more:
                        found = norm(total)
                        if found is not None:
                            scale = x.power(x.mul(*numbers), x.Num(value)) if numbers else x.ONE
                            return x.mul(scale, x.power(found, x.Num(2 * value)))
            return None

        self.new_norms: dict[str, Equation] = {}
        self.flat = [replace(e, body=x.transform(e.body, visit)) for e in self.flat]
        if self.new_norms:
            self.note("the norm is computed with scaled squares: they neither overflow nor underflow")
            for made in reversed(self.new_norms.values()):
                first = min(n for n, e in enumerate(self.flat) if made.target in x.tensors(e.body))
                self.flat.insert(first, made)
            self.slopes_of_norms()

    def slopes_of_norms(self) -> None:
        """Where a norm is 0 its gradient is 0, not 0 / 0: what differentiation divides by it is divided by infinity.

        What the definition itself divides by it is left as it is.
        """
        norms = set(self.new_norms)
        for e in self.flat:
            data = [f for f in x.factors(e.body) if x.tensors(f)]
            if len(data) == 1 and isinstance(data[0], Ref) and data[0].tensor in norms and self.definition(e.target):
                norms.add(e.target)
        if self.divided & {*norms, UNNAMED}:
            return
        made: dict[str, Equation] = {}

        def visit(e: Expr) -> Expr | None:
            match e:
                case Op("pow", (Ref(name, index), x.Num(n))) if n < 0 and name in norms:
                    if name not in made:
                        axes = tuple(f"{i}" for i in self.tensors[name].axes)
                        own = Ref(name, tuple(map(Pos, axes)))
                        new = self.fresh(f"nonzero_{name}", axes)
                        made[name] = Equation(new, own.index, x.where(Op("==", (own, x.ZERO)), x.INF, own))
                    return x.power(Ref(made[name].target, index), x.Num(n))
            return None

        self.flat = [replace(e, body=x.transform(e.body, visit)) for e in self.flat]
        for new in made.values():
            self.note("the gradient of a norm at 0 is 0: what it divides there is divided by infinity")
            first = min(n for n, e in enumerate(self.flat) if new.target in x.tensors(e.body))
            self.flat.insert(first, new)

    def squares(self) -> None:
        """A sum of all squares is added up in a wider format where there is one."""

        def wide(e: Equation) -> Equation:
            match e.body:
                case Reduce("sum", over, Op("pow", (Ref() as g, x.Num(two)))) if two == 2 and not e.left:
                    return replace(e, body=Reduce("squares", over, g))
            return e

        self.flat = [wide(e) for e in self.flat]

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


def by_target(equations: Iterable[Equation]) -> dict[str, list[Equation]]:
    """Equations by what they define."""
    found: dict[str, list[Equation]] = {}
    for e in equations:
        found.setdefault(e.target, []).append(e)
    return found


def positive(layer: Layer) -> frozenset[Expr]:
    """The options of a layer that are above 0."""
    return frozenset(e for o in layer.options if o.kind in POSITIVE_KINDS for e in o.elements)


def divided(layer: Layer) -> frozenset[str]:
    """The tensors that a definition divides by as they are, and ``%root`` if it divides by a root."""
    nodes = (n for e in layer.equations for n in x.walk(e.body) if isinstance(n, Op) and n.fn == "pow")
    below = [(a, n.value) for a, n in (node.args for node in nodes) if isinstance(n, x.Num) and n.value < 0]
    roots = {UNNAMED for _, n in below if n.denominator == 2}
    return frozenset({a.tensor for a, _ in below if isinstance(a, Ref)} | roots)


def of_size(e: Expr) -> bool:
    """A power of a length, which is above 0."""
    return isinstance(e.args[0] if isinstance(e, Op) and e.fn == "pow" else e, x.Size)


def of_option(e: Expr) -> bool:
    """A power whose exponent is not written as a number."""
    return isinstance(e, Op) and e.fn == "pow" and not isinstance(e.args[1], x.Num)


def without(e: Expr, gone: Iterable[Expr]) -> Expr | None:
    """A product divided by factors that it has, in number, as they are or negated; None where one is missing."""
    left = list(x.factors(e))
    number = Fraction(1)
    for f in (part for whole in gone for part in x.factors(whole)):
        if isinstance(f, x.Num):
            number /= f.value
        elif f in left:
            left.remove(f)
        else:
            negated = {x.neg(t) for t in x.terms(f)}
            other = next((g for g in left if {*x.terms(g)} == negated), None)
            if other is None:
                return None
            left.remove(other)
            number = -number
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
