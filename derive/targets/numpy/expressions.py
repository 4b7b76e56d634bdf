"""Scalar expressions as NumPy expressions over whole arrays, aligned to a frame: the order of axes of the result."""

from __future__ import annotations

from fractions import Fraction

from derive.notation import expr as x
from derive.notation.expr import Expr, Given, Num, Op, Opt, Part, Pos, Ref, Size, Slots
from derive.notation.functions import sign_of
from derive.notation.several import numbers, text
from derive.targets.numpy.arithmetic import UFUNCS, Arithmetic, decimal
from derive.targets.numpy.conditions import Conditions
from derive.targets.numpy.views import ATOM, COMPARE, LOW, PRODUCT, SUM, UNARY

#: Functions of reference.runtime.functions and arrays, by their name in the notation.
RUNTIME = {
    "erf": "erf",
    "xlogy": "xlogy",
    "xdivy": "xdivy",
    "negative_part": "negative_part",
    "floor": "floor",
    "round": "nearest",
}

#: What Python itself does with numbers.
OPERATORS = {"add", "mul", "where", "iverson", "and", "or", "not", "==", "!=", "<", "<=", ">", ">=", "group"}


class Printer(Conditions, Arithmetic):
    """Prints expressions of one function body; see Views for the attributes."""

    def show(self, e: Expr, frame: tuple[str, ...] = (), level: int = LOW) -> str:
        code, own = self.node(e, frame)
        return f"({code})" if own < level else code

    def node(self, e: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        code, level = self.operation(e, frame)
        if not (isinstance(e, Op) and self.strong(e)):
            return code, level
        self.functions.add("plain")
        return f"plain({code})", ATOM

    def operation(self, e: Expr, frame: tuple[str, ...]) -> tuple[str, int]:
        match e:
            case Num(value):
                if value.denominator == 1:
                    return str(value), ATOM if value >= 0 else UNARY
                if decimal(value):
                    return repr(float(value)), ATOM if value >= 0 else UNARY
                return f"{value.numerator} / {value.denominator}", PRODUCT
            case Opt("inf"):
                return "np.inf", ATOM
            case Opt("pi"):
                return (self.typed("exact_pi") if self.functional else "math.pi"), ATOM
            case Opt(name, at):
                return name + "".join(f"[{n}]" for n in at), ATOM
            case Size(axis):
                return self.size(axis), ATOM
            case Pos(index):
                return self.position(index, frame), ATOM
            case Ref():
                code, axes = self.view(e)
                aligned = self.align(code, axes, frame)
                if not self.counting and self.kind(e) == "discrete":
                    return self.as_real(aligned), ATOM
                if aligned == code and e.tensor in self.inline:
                    return self.inline[e.tensor][:2]
                return aligned, ATOM
            case Op("add", args):
                return self.sum(args, frame), SUM
            case Op("mul", _):
                return self.product(e, frame)
            case Op("pow", (base, exponent)):
                return self.power(e, base, exponent, frame)
            case Op("where", _) if (of := sign_of(e)) is not None and not self.scalar(of):
                self.functions.add("sign")
                return f"sign({self.show(of, frame)})", ATOM
            case Op("where", (c, a, b)):
                return self.where(c, a, b, frame)
            case Op("iverson", (c,)):
                test = f"({self.test(c, frame)})"
                if self.counting or self.scalar(c):
                    return test, ATOM
                return self.as_real(test) if x.free(c) else f"{self.of_dims('dtype')}.type{test}", ATOM
            case Op("and" | "or" | "not", _):
                return self.logic(e, frame)
            case Op("==" | "!=" as fn, (Num() as a, b)) if not isinstance(b, Num):
                return self.operation(Op(fn, (b, a)), frame)  # as a person writes it
            case Op("==" | "!=" | "<" | "<=" | ">" | ">=" as fn, (a, b)):
                before, self.counting = self.counting, "real" not in (self.kind(a), self.kind(b))
                code = f"{self.show(a, frame, SUM)} {fn} {self.beside(a, b, frame)}"
                self.counting = before
                return code, COMPARE
            case Op("floordiv", _) if not self.counting and not self.scalar(e) and self.kind(e) == "discrete":
                return self.as_real(f"({self.integers(e, frame)})"), ATOM  # exact before it is rounded
            case Op("floordiv", (a, b)):
                above, below = self.show(a, frame, PRODUCT), self.show(b, frame, ATOM)
                return f"{f'({above})' if isinstance(a, Op) and a.fn == 'mul' else above} // {below}", PRODUCT
            case Op("exactdiv", (a, b)):
                self.functions.add("exactly")
                return f"exactly({self.integers(a, frame)}, {self.integers(b, frame)})", ATOM
            case Op("max", args):
                if self.scalar(e):
                    return f"max({', '.join(self.show(a) for a in args)})", ATOM
                first, *rest = sorted(args, key=self.scalar)
                if len(rest) == 1 and isinstance(rest[0], Num) and (rest[0] != x.ZERO or self.own):
                    self.functions.add("at_least")
                    return f"at_least({self.show(rest[0])}, {self.show(first, frame)})", ATOM
                codes = [self.show(first, frame), *(self.beside(first, a, frame) for a in rest)]
                return f"np.maximum({', '.join(codes)})", ATOM
            case Op("group", (a,)):
                return self.node(a, frame)
            case Op("row_exp", (f, *over)):
                self.functions.add("row_exp")
                places = [frame.index(i.index) for i in over if isinstance(i, Pos)]
                return f"row_exp({self.show(f, frame)}, axis={places[0] if len(places) == 1 else tuple(places)})", ATOM
            case Op("less_mean" | "less_share" as fn, (f, p, Pos(), *_)):
                self.functions.add(fn)
                return f"{fn}({self.show(f, frame)}, {self.show(p, frame)})", ATOM
            case Op("less_one_hot", (y, Ref() as t)):
                self.functions.add("less_one_hot")
                return f"less_one_hot({self.show(y, frame)}, {self.view(t)[0]})", ATOM
            case Op(fn, args) if self.scalar(e) or self.strong(e):
                codes = [self.show(a) for a in args]
                if fn not in UFUNCS:
                    codes[0] = f"np.asarray({codes[0]}, dtype={self.of_dims('dtype')})"
                code = f"{self.function(fn)}({', '.join(codes)})"
                if self.scalar(e):
                    self.functions.add("plain")
                    code = f"plain({code})"
                return code, ATOM
            case Op(fn, args):
                return f"{self.function(fn)}({', '.join(self.asked(a, frame) for a in args)})", ATOM
        raise TypeError(f"the NumPy target has no word for {e!r}")

    def as_real(self, code: str) -> str:
        """Whole numbers as real ones."""
        return self.typed("balls", code) if self.functional else f"{code}.astype({self.of_dims('dtype')})"

    def typed(self, word: str, *codes: str) -> str:
        """A word of the runtime that asks for the type."""
        self.functions.add(word)
        return f"{word}({', '.join((*codes, self.of_dims('dtype')))})"

    def strong(self, e: Op) -> bool:
        """Whether weak numbers are given to a function of NumPy, which would make a float64 of them."""
        if e.fn in OPERATORS or x.free(e) or not self.weak.intersection(x.tensors(e)):
            return False
        return e.fn != "pow" or (isinstance(n := e.args[1], Num) and n.value in (Fraction(1, 2), 2))

    def function(self, fn: str) -> str:
        if fn in UFUNCS:
            return UFUNCS[fn]
        if fn.startswith("runtime "):
            self.functions.add(fn.split()[1])
            return fn.split()[1]
        if fn in ("value", "derivative", "second_derivative"):
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

    def invoked(self, call: Part) -> str:
        """A call of a function of another layer's kernel."""
        self.layers_used.add(call.layer)
        groups = [[self.whole(slots, e) for slots, e in group] for group in call.groups]
        if call.function == "forward":
            arguments = groups[0]
        else:
            bare = {"backward": (0, 1), "double_backward": (0,)}.get(call.function, ())
            arguments = [
                group[0] if len(group) == 1 and n in bare else f"({', '.join(group)}{',' * (len(group) == 1)})"
                for n, group in enumerate(groups)
            ]
        arguments += [f"{name}={self.given(value)}" for name, value in call.options]
        return f"{call.layer}.{call.function}({', '.join(arguments)})"

    def whole(self, slots: Slots, e: Expr) -> str:
        """An array as another layer's function takes it; None stands for zeros."""
        if not isinstance(e, Ref):
            return "None"
        code, _ = self.view(e)
        sizes = ", ".join(" * ".join(self.size(a) for a in slot) for slot in slots)
        return f"{code}.reshape({sizes})" if slots else code

    def given(self, value: Given) -> str:
        """What an option is given."""
        if isinstance(value, tuple):
            found = (*numbers(value),)
            whole = next((o.name for o in self.layer.options if o.shape and o.elements == found), "")
            return whole or text(value, self.given)
        if isinstance(value, str):
            return f'"{value}"'
        if isinstance(value, Num) and value.value.denominator > 1:
            return repr(float(value.value))
        return str(value) if isinstance(value, bool) else self.show(value)

    def position(self, index: str, frame: tuple[str, ...]) -> str:
        if self.axis(index) == self.loop or index in self.taps:
            return index
        if self.functional and not self.counting:
            return self.align(self.typed("positions", self.size(index)), (index,), frame)
        kind = "" if self.counting else f", dtype={self.of_dims('dtype')}"
        return self.align(f"np.arange({self.size(index)}{kind})", (index,), frame)
