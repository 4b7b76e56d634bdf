"""Scalar expressions as NumPy expressions over whole arrays, aligned to a frame: the order of axes of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from derive.calculus.reverse import linear
from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Ref, Size
from derive.notation.layer import Layer, Tensor
from derive.notation.text import split_quotient, split_sign

LOW, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(6)

UFUNCS = {"exp": "np.exp", "expm1": "np.expm1", "log": "np.log", "abs": "np.abs", "library tanh": "np.tanh", "minimum": "np.minimum"}
#: Functions of reference.runtime.functions, by their name in the notation.
RUNTIME = {"row_shift": "row_shift", "exp_decay": "exp_decay", "unbounded_exp": "unbounded_exp", "erf": "erf", "xlogy": "xlogy", "xdivy": "xdivy", "shifted_exp": "shifted_exp", "copysign": "copysign", "negative_part": "negative_part"}


def size_name(axis: str) -> str:
    return "rows" if axis == ELLIPSIS else f"n_{axis}"


@dataclass
class Printer:
    """Prints expressions of one function body.

    Attributes:
        layer: for axes and options.
        tensors: every array by name.
        extended: arrays that begin at position -1 along an axis: their position t is stored at t + 1.
        lists: arrays held as Python lists along the sequence axis.
        local: inside a loop, arrays that live for one position only: written without the loop's index.
        loop: the axis of the loop that is being printed.
        inline: arrays that are used once and printed where they are used: name to (code, level, axes).
        functions: elementwise layers and runtime functions used, to be imported.
        sizes: axes whose size is used.
        fill: what stands outside an array that is read through a window.
        taps: positions in a window that the code being printed has as integers.
    """

    layer: Layer
    tensors: dict[str, Tensor]
    extended: dict[str, str] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)
    loop: str | None = None
    inline: dict[str, tuple[str, int, tuple[str, ...]]] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    layers_used: set[str] = field(default_factory=set)
    sizes: dict[str, None] = field(default_factory=dict)
    fill: str = "0"
    taps: frozenset[str] = frozenset()

    # ---- scalars: Python expressions without arrays ----------------------------------------------------------------

    def scalar(self, e: Expr) -> bool:
        """Whether an expression is a plain Python number in the kernel."""
        if isinstance(e, Pos):
            return self.axis(e.index) == self.loop or e.index in self.taps
        if isinstance(e, Ref):
            return self.tensors[e.tensor].kind == "number"
        return all(self.scalar(c) for c in x.children(e))

    def axis(self, index: str) -> str:
        return self.layer.axis(index)

    def size(self, axis: str) -> str:
        axis = self.axis(axis)
        self.sizes.setdefault(axis)
        return size_name(axis)

    # ---- references ------------------------------------------------------------------------------------------------

    def view(self, ref: Ref) -> tuple[str, tuple[str, ...]]:
        """Code for a reference as an array, and the indices of its axes."""
        if ref.tensor in self.inline:
            code, level, axes = self.inline[ref.tensor]
            own = self.tensors[ref.tensor].axes
            new = {a: x.plain(e) or a for a, e in zip(own, ref.index, strict=True)}
            return code if level == ATOM else f"({code})", tuple(new.get(a, a) for a in axes)
        slots: list[str] = []
        axes: list[str] = []
        affine: list[tuple[int, Expr]] = []
        gathers = [e for e in ref.index if isinstance(e, Ref)]
        gathered = {i for e in gathers for i in x.free(e)}
        placed = False
        own = self.tensors[ref.tensor].axes
        for place, (e, axis) in enumerate(zip(ref.index, own, strict=True)):
            extended = self.extended.get(ref.tensor) == axis
            i = x.plain(e)
            if place == 0 and ref.tensor in self.local and self.loop in own[:1]:
                continue
            if x.free(e) and all(self.axis(f) == self.loop or f in self.taps for f in x.free(e)):
                slots.append(self.show(x.add(e, x.ONE) if extended else e))
            elif isinstance(e, Ref):
                code, inner = self.view(e)
                slots.append(code)
                if not placed:
                    axes += inner
                placed = True
            elif i is not None and i in gathered:
                slots.append(f"np.arange({self.length(i, gathers)})")
                if not placed:
                    axes.append(i)
                placed = True
            elif i is not None:
                slots.append("1:" if extended else ":")
                axes.append(i)
            elif not x.free(e):
                slots.append(self.show(x.add(e, x.ONE) if extended else e))
            elif extended and x.sub(e, x.num(-1)) == Pos(x.free(e)[0]):
                slots.append(":-1")
                axes.append(x.free(e)[0])
            else:
                affine.append((len(axes), e))
                slots.append(":")
                axes.append("?")
        while slots and slots[-1] == ":":
            slots.pop()
        code = ref.tensor + (f"[{', '.join(slots)}]" if slots else "")
        if ref.tensor in self.lists and len(slots) > 1:
            code = f"{ref.tensor}[{slots[0]}][{', '.join(slots[1:])}]"
        if affine:
            self.functions.add("windows")
            spans = [self.span(place, e) for place, e in affine]
            filled = f", fill={self.fill}" if self.fill != "0" else ""
            code = f"windows({code}, {', '.join(text for text, _ in spans)}{filled})"
            for (place, _), (_, indices) in zip(reversed(affine), reversed(spans), strict=True):
                axes[place : place + 1] = indices
        return code, tuple(axes)

    def length(self, index: str, gathers: list[Ref]) -> str:
        """How many positions an index has here: inside a function for some rows, fewer than the axis."""
        for e in gathers:
            code, inner = self.view(e)
            if inner[:1] == (index,):
                return f"len({code})"
        return self.size(index)

    def span(self, place: int, e: Expr) -> tuple[str, list[str]]:
        """``(2, (n_i, n_k), (stride, dilation), -padding, 1)`` for an affine index, and the indices it runs over."""
        spread: Expr = x.ONE
        if isinstance(e, Op) and e.fn == "exactdiv":
            e, spread = e.args
        indices = x.free(e)
        steps, rest = [], e
        for i in indices:
            step, rest = linear(rest, i)
            steps.append(self.show(step))
        counts = ", ".join(self.size(i) for i in indices)
        comma = "," if len(indices) == 1 else ""
        text = f"({place}, ({counts}{comma}), ({', '.join(steps)}{comma}), {self.show(rest)}, {self.show(spread)})"
        return text, indices

    def align(self, code: str, axes: tuple[str, ...], frame: tuple[str, ...]) -> str:
        """Transpose and add axes of length 1, so that an array broadcasts in the frame."""
        wanted = [a for a in frame if a in axes]
        if list(axes) != wanted:
            order = [axes.index(a) for a in wanted]
            code = f"{code}.T" if order == [1, 0] else f"{code}.transpose({', '.join(map(str, order))})"
        slots = [":" if a in axes else "None" for a in frame]
        while slots and slots[0] == "None":
            slots.pop(0)
        if "None" in slots:
            if code.endswith("[..., 0]") and slots == [":"] * (len(slots) - 1) + ["None"]:
                return code.removesuffix("[..., 0]")
            while slots[-1] == ":":
                slots.pop()
            code = f"{code}[{', '.join(slots)}]"
        return code

    # ---- expressions -----------------------------------------------------------------------------------------------

    def show(self, e: Expr, frame: tuple[str, ...] = (), level: int = LOW) -> str:
        code, own = self.node(e, frame)
        return f"({code})" if own < level else code

    def node(self, e: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        match e:
            case Num(value):
                if value.denominator == 1:
                    return str(value), ATOM if value >= 0 else UNARY
                return f"{value.numerator} / {value.denominator}", PRODUCT
            case Opt("inf"):
                return "np.inf", ATOM
            case Opt("pi"):
                return "math.pi", ATOM
            case Opt(name):
                return name, ATOM
            case Size(axis):
                return self.size(axis), ATOM
            case Pos(index):
                return self.position(index, frame), ATOM
            case Ref():
                code, axes = self.view(e)
                aligned = self.align(code, axes, frame)
                if aligned == code and e.tensor in self.inline:
                    return self.inline[e.tensor][:2]
                return aligned, ATOM
            case Op("add", args):
                return self.sum(args, frame), SUM
            case Op("mul", _):
                return self.product(e, frame)
            case Op("pow", (base, exponent)):
                return self.power(e, base, exponent, frame)
            case Op("where", (c, a, b)):
                return self.where(c, a, b, frame)
            case Op("iverson", (c,)):
                return f"({self.show(c, frame)})", ATOM
            case Op("and" | "or" | "not", _):
                return self.logic(e, frame)
            case Op("==" | "!=" | "<" | "<=" | ">" | ">=" as fn, (a, b)):
                return f"{self.show(a, frame, SUM)} {fn} {self.show(b, frame, SUM)}", COMPARE
            case Op("floordiv", (a, b)):
                return f"{self.show(a, frame, PRODUCT)} // {self.show(b, frame, UNARY)}", PRODUCT
            case Op("max", args):
                if self.scalar(e):
                    return f"max({', '.join(self.show(a) for a in args)})", ATOM
                order = sorted(args, key=self.scalar)
                return f"np.maximum({', '.join(self.show(a, frame) for a in order)})", ATOM
            case Op("group", (a,)):
                return f"({self.show(a, frame)})", ATOM
            case Op("less_one_hot", (y, Ref() as t)):
                self.functions.add("less_one_hot")
                return f"less_one_hot({self.show(y, frame)}, {self.view(t)[0]})", ATOM
            case Op(fn, args):
                return f"{self.function(fn)}({', '.join(self.show(a, frame) for a in args)})", ATOM
        raise TypeError(f"the NumPy target has no word for {e!r}")

    def function(self, fn: str) -> str:
        if fn in UFUNCS:
            return UFUNCS[fn]
        if fn.startswith("runtime "):
            self.functions.add(fn.split()[1])
            return fn.split()[1]
        if fn in ("value", "derivative"):
            return fn
        if fn in RUNTIME:
            self.functions.add(RUNTIME[fn])
            return RUNTIME[fn]
        name, method = (fn[:-1], "derivative") if fn.endswith("'") else (fn, "value")
        if name.endswith("'"):
            name, method = name[:-1], "second_derivative"
        if any(o.name == name for o in self.layer.options):
            return f"ACTIVATIONS[{name}].{method}"
        self.layers_used.add(name)
        return f"{name}.{method}"

    def into(self, e: Expr, frame: tuple[str, ...], out: str) -> str | None:
        """The expression as one call that writes its last operation's result to ``out``; None where there is none."""
        match e:
            case Op("add", args):
                *rest, (negative, last) = [split_sign(t) for t in sorted(args, key=lambda t: split_sign(t)[0])]
                first = x.add(*(x.neg(t) if minus else t for minus, t in rest))
                return self.call("np.subtract" if negative else "np.add", (first, last), frame, out)
            case Op("mul", _):
                negative, rest = split_sign(e)
                above, below = split_quotient(rest)
                small = [f for f in above if not x.free(f) and not self.scalar(f)]
                if negative or small or any(isinstance(f, Op) and f.fn in ("where", "iverson") for f in above):
                    return None
                if sum(map(self.scalar, (*above, *below))) > 1:
                    return None
                if below:
                    return self.call("np.divide", (x.mul(*above), x.mul(*below)), frame, out)
                above.sort(key=self.scalar)
                return self.call("np.multiply", (x.mul(*above[:-1]), above[-1]), frame, out)
            case Op("pow", (base, Num(value))) if value == 2:
                return self.call("np.square", (base,), frame, out)
            case Op("pow", (base, Num(value))) if value == -1:
                return self.call("np.divide", (x.ONE, base), frame, out)
            case Op(fn, args) if fn in UFUNCS and not self.scalar(e):
                return self.call(UFUNCS[fn], args, frame, out)
        return None

    def call(self, ufunc: str, args: tuple[Expr, ...], frame: tuple[str, ...], out: str) -> str | None:
        if all(map(self.scalar, args)):
            return None
        return f"{ufunc}({', '.join(self.show(a, frame) for a in args)}, out={out})"

    def position(self, index: str, frame: tuple[str, ...]) -> str:
        if self.axis(index) == self.loop or index in self.taps:
            return index
        return self.align(f"np.arange({self.size(index)})", (index,), frame)

    def sum(self, args: Iterable[Expr], frame: tuple[str, ...]) -> str:
        ordered = sorted(args, key=lambda t: split_sign(t)[0])
        out = ""
        for n, term in enumerate(ordered):
            negative, rest = split_sign(term)
            text = self.show(rest, frame, PRODUCT if negative or n else SUM)
            out += (("-" if negative else "") if n == 0 else (" - " if negative else " + ")) + text
        return out

    def product(self, e: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        cases = [f for f in x.factors(e) if isinstance(f, Op) and f.fn == "where" and self.must_open(f)]
        if cases and not self.scalar(e):
            _, (c, a, b) = cases[0].fn, cases[0].args
            others = [f for f in x.factors(e) if f is not cases[0]]
            return self.node(x.where(c, x.mul(*others, a), x.mul(*others, b)), frame)
        negative, rest = split_sign(e)
        above, below = split_quotient(rest)
        tests = [f for f in above if isinstance(f, Op) and f.fn == "iverson" and x.free(f)]
        if len(tests) == 1 and len(above) == 2 and not below and frame and frame[-1] not in x.free(tests[0]):
            other = next(f for f in above if f not in tests)
            if x.free(other) and frame[-1] in x.free(other):
                self.functions.add("masked")
                code = f"masked({self.show(other, frame)}, 0, {self.show(tests[0].args[0], frame)})"
                return ("-" if negative else "") + code, UNARY if negative else ATOM
        small = [f for f in above if not x.free(f) and not self.scalar(f)]
        large = [f for f in above if x.free(f)]
        numbers = [f for f in above if self.scalar(f)]
        if small and large and (numbers or below) and all(self.scalar(f) for f in below):
            first, level = self.product(x.mul(*small, *numbers, *(x.power(f, x.num(-1)) for f in below)), ())
            rest, _ = self.product(x.mul(*large), frame)
            return ("-" if negative else "") + f"{first} * {rest}", PRODUCT
        if large and len(numbers) + len(below) > 1 and any(self.irrational(f) for f in (*numbers, *below)):
            if all(self.scalar(f) for f in below):
                number = x.mul(*numbers, *(x.power(f, x.num(-1)) for f in below))
                rest, _ = self.product(x.mul(*small, *large), frame)
                return ("-" if negative else "") + f"{rest} * ({self.show(number)})", PRODUCT
        if large and below and not any(x.free(f) for f in below) and not all(self.scalar(f) for f in below):
            ratio = x.mul(*numbers, *small, *(x.power(f, x.num(-1)) for f in below))
            rest, _ = self.product(x.mul(*large), frame)
            return ("-" if negative else "") + f"{rest} * {self.show(ratio, (), UNARY)}", PRODUCT
        above, below = self.roots_joined(above, below)
        above.sort(key=lambda f: (self.scalar(f) and not isinstance(f, Num)) or (isinstance(f, Op) and f.fn == "iverson"))
        parts = [self.show(f, frame, PRODUCT if n == 0 else UNARY) for n, f in enumerate(above)]
        text = " * ".join(parts) or "1"
        numeric = not large and any(isinstance(f, Ref) or self.is_statistic(f) for f in below)
        if numeric and not any(x.free(f) for f in below):
            self.functions.add("ratio")
            for f in below:
                for base in [f.args[0]] * 2 if isinstance(f, Op) and self.is_statistic(f) else [f]:
                    text = f"ratio({text}, {self.show(base)})"
            return ("-" if negative else "") + text, UNARY if negative else ATOM
        squares = [f.args[0] for f in below if isinstance(f, Op) and f.fn == "pow" and self.is_statistic(f)]
        below = [f for f in below if not self.is_statistic(f)]
        for base in squares:  # divided by twice: the square may overflow where the quotient does not
            text += f" / {self.show(base, frame, UNARY)}" * 2
        if below:
            under = " * ".join(self.show(f, frame, UNARY) for f in below)
            text += f" / ({under})" if len(below) > 1 else f" / {under}"
        if negative:
            return f"-{text}" if len(parts) + len(below) == 1 else f"-{text}", UNARY if len(parts) == 1 and not below else PRODUCT
        return text, PRODUCT if len(parts) + len(below) + len(squares) > 1 else self.node(above[0], frame)[1] if above else PRODUCT

    def is_statistic(self, e: Expr) -> bool:
        """The square of one number that was computed from arrays: a norm."""
        return isinstance(e, Op) and e.fn == "pow" and isinstance(e.args[0], Ref) and not e.args[0].index and e.args[1] == x.num(2)

    def roots_joined(self, above: list[Expr], below: list[Expr]) -> tuple[list[Expr], list[Expr]]:
        """``sqrt(a) / sqrt(b)`` of numbers as one root, which is rounded once and no error where b is 0."""

        def root(f: Expr) -> bool:
            return isinstance(f, Op) and f.fn == "pow" and f.args[1] == Num(Fraction(1, 2)) and self.scalar(f.args[0])

        up, down = ([f.args[0] for f in side if isinstance(f, Op) and root(f)] for side in (above, below))
        if not up or not down or x.PI in (*up, *down):
            return above, below
        joined = x.sqrt(x.div(x.mul(*up), x.mul(*down)))
        return [f for f in above if not root(f)] + [joined], [f for f in below if not root(f)]

    def irrational(self, e: Expr) -> bool:
        """Whether a number is rounded in any case, so that dividing it by another loses no exact quotient."""
        return any(isinstance(n, Op) and n.fn == "pow" and n.args[1] == Num(Fraction(1, 2)) for n in x.walk(e))

    def must_open(self, case: Op) -> bool:
        """Whether a case has to be multiplied out, because 0 is left as it is."""
        _, a, b = case.args
        return b == x.ZERO and not self.scalar(a)

    def power(self, e: Expr, base: Expr, exponent: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        if not isinstance(exponent, Num):
            return f"{self.show(base, frame, ATOM)} ** {self.show(exponent, frame, ATOM)}", UNARY
        value = exponent.value
        if value < 0:
            return f"1 / {self.show(x.power(base, Num(-value)), frame, UNARY)}", PRODUCT
        if value == Fraction(1, 2):
            if self.scalar(base):
                self.functions.add("sqrt")
                if base == x.PI:
                    return 'sqrt("pi", dtype=dims.dtype)', ATOM
                above, below = split_quotient(base)
                parts = [self.show(x.mul(*above)), *([self.show(x.mul(*below))] if below else [])]
                return f"sqrt({', '.join(parts)}, dtype=dims.dtype)", ATOM
            return f"np.sqrt({self.show(base, frame)})", ATOM
        if value == 2:
            return f"np.square({self.show(base, frame)})", ATOM
        if value.denominator == 1 and value <= 4:
            code = self.show(base, frame, UNARY)
            return " * ".join([code] * int(value)), PRODUCT
        if value.denominator == 2:
            whole = self.show(x.power(base, Num(value - Fraction(1, 2))), frame, UNARY)
            return f"{whole} * {self.show(x.sqrt(base), frame, UNARY)}", PRODUCT
        return f"{self.show(base, frame, ATOM)} ** {value}", UNARY

    def filled_like(self, e: Expr, other: Expr, frame: tuple[str, ...]) -> str:
        """A number as an array of the shape that the other case has; empty where it is an array already."""
        if not frame or not self.scalar(e):
            return ""
        for ref in x.refs(other):
            code, axes = self.view(ref)
            if set(axes) == set(frame):
                return f"np.full_like({self.align(code, axes, frame)}, {self.show(e)})"
        return ""

    def where(self, c: Expr, a: Expr, b: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        if not any(isinstance(n, Ref | Pos) and not self.scalar(n) and x.free(n) for n in x.walk(c)):
            cases = [self.filled_like(e, other, frame) or self.show(e, frame, COMPARE) for e, other in ((a, b), (b, a))]
            return f"({cases[0]} if {self.show(c, ())} else {cases[1]})", ATOM
        if b == x.ZERO:
            negative, rest = split_sign(a)
            above, below = split_quotient(rest)
            if below and any(not self.scalar(f) for f in below):
                self.functions.add("divide_where")
                top = x.mul(*above)
                code = f"divide_where({self.show(c, frame)}, {self.show(top, frame)}, {self.show(x.mul(*below), frame)})"
                return ("-" if negative else "") + code, UNARY if negative else ATOM
        chosen = self.masked(c, frame) if self.scalar(b) and not self.scalar(a) else None
        if chosen is not None:
            self.functions.add("masked")
            return f"masked({self.show(a, frame)}, {self.show(b)}, {', '.join(chosen)})", ATOM
        common, ours, theirs = self.shared(a, b)
        if self.scalar(ours) and self.scalar(theirs):
            self.functions.add("either")
            chosen = f"either({self.show(c, frame)}, {self.show(ours)}, {self.show(theirs)}, dims.dtype)"
            if common == x.ONE:
                return chosen, ATOM
            return f"{self.show(common, frame, PRODUCT)} * {chosen}", PRODUCT
        return f"np.where({self.show(c, frame)}, {self.show(a, frame)}, {self.show(b, frame)})", ATOM

    def shared(self, a: Expr, b: Expr) -> tuple[Expr, Expr, Expr]:
        """The factors that two cases share, and what is left of each."""
        mine, theirs = list(x.factors(a)), list(x.factors(b))
        both = [f for f in mine if f in theirs and not self.scalar(f)]
        for f in both:
            mine.remove(f)
            theirs.remove(f)
        return x.mul(*both), x.mul(*mine), x.mul(*theirs)

    def masked(self, c: Expr, frame: tuple[str, ...]) -> list[str] | None:
        """The conditions that all have to hold, as arrays, or None for one that holds everywhere.

        There are some where arrays are few: a mask may be missing, a test of positions switched off by an option, and
        a condition may lack the last axis. None for any other condition.
        """
        parts = c.args if isinstance(c, Op) and c.fn == "and" else (c,)
        optional = {t.name for t in self.layer.inputs if t.optional}
        if not any(isinstance(p, Ref) and p.tensor in optional for p in parts) and frame[-1:] and frame[-1] in x.free(c):
            return None
        codes = []
        for p in parts:
            scalars = [a for a in p.args if self.scalar(a)] if isinstance(p, Op) and p.fn == "or" else []
            if scalars and isinstance(p, Op):
                test = Op("or", (*p.args,)) if len(p.args) == len(scalars) else None
                rest = [a for a in p.args if a not in scalars]
                if test is None and len(rest) == 1 and len(scalars) == 1:
                    off = scalars[0]
                    on = off.args[0] if isinstance(off, Op) and off.fn == "not" else Op("not", (off,))
                    codes.append(f"{self.show(rest[0], frame, COMPARE)} if {self.show(on)} else None")
                    continue
            codes.append(self.show(p, frame))
        return codes

    def logic(self, e: Op, frame: tuple[str, ...]) -> tuple[str, int]:
        scalar = self.scalar(e)
        if e.fn == "not":
            word = "not " if scalar else "~"
            return f"{word}{self.show(e.args[0], frame, ATOM)}", COMPARE if scalar else UNARY
        word = f" {e.fn} " if scalar else {"and": " & ", "or": " | "}[e.fn]
        parts = []
        for a in e.args:
            code = self.show(a, frame, LOW)
            parts.append(code if isinstance(a, Ref | Opt) else f"({code})")
        return word.join(parts), LOW

    # ---- natural frames --------------------------------------------------------------------------------------------

    def frame(self, e: Expr, wanted: Iterable[str]) -> tuple[str, ...]:
        """An order of the wanted axes that needs the fewest transpositions: that of the largest reference."""
        wanted = list(wanted)
        best: tuple[str, ...] = ()
        for ref in x.refs(e):
            _, axes = self.view(ref)
            if len(axes) > len(best):
                best = axes
        known = [a for a in best if a in wanted]
        missing = [a for a in wanted if a not in known]
        return tuple(missing + known)


Show = Callable[[Expr], str]
