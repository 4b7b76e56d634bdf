"""Scalar expressions as NumPy expressions over whole arrays, aligned to a frame: the order of axes of the result."""

from __future__ import annotations

from derive.notation.expr import Expr, Num, Op, Opt, Pos, Ref, Size
from derive.targets.numpy.arithmetic import UFUNCS, Arithmetic
from derive.targets.numpy.conditions import Conditions
from derive.targets.numpy.views import ATOM, COMPARE, LOW, PRODUCT, SUM, UNARY

#: Functions of reference.runtime.functions and arrays, by their name in the notation.
RUNTIME = {
    "within": "within",
    "row_shift": "row_shift",
    "exp_decay": "exp_decay",
    "unbounded_exp": "unbounded_exp",
    "erf": "erf",
    "xlogy": "xlogy",
    "xdivy": "xdivy",
    "shifted_exp": "shifted_exp",
    "copysign": "copysign",
    "negative_part": "negative_part",
}


class Printer(Arithmetic, Conditions):
    """Prints expressions of one function body; see Views for the attributes."""

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
                return f"{self.show(a, frame, SUM)} {fn} {self.beside(a, b, frame)}", COMPARE
            case Op("floordiv", (a, b)):
                return f"{self.show(a, frame, PRODUCT)} // {self.show(b, frame, UNARY)}", PRODUCT
            case Op("max", args):
                if self.scalar(e):
                    return f"max({', '.join(self.show(a) for a in args)})", ATOM
                first, *rest = sorted(args, key=self.scalar)
                codes = [self.show(first, frame), *(self.beside(first, a, frame) for a in rest)]
                return f"np.maximum({', '.join(codes)})", ATOM
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

    def position(self, index: str, frame: tuple[str, ...]) -> str:
        if self.axis(index) == self.loop or index in self.taps:
            return index
        return self.align(f"np.arange({self.size(index)})", (index,), frame)
