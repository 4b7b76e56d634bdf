"""Reads functions applied to numbers: the words of the notation, elementwise layers, and reductions over indices."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from derive.notation import expr as x
from derive.notation.calls import Calls
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Pos, Reduce, Size
from derive.notation.functions import FUNCTIONS, PLACES, SHORT, SHORT_REDUCTIONS, STOP, WHOLE, WHOLE_REDUCTIONS
from derive.notation.layer import Layer
from derive.notation.options import items, name_of
from derive.notation.words import INSTEAD, KINDS, WORDS

#: A whole number may stand for a real one, and a boolean array counts 0 or 1; a condition is not a number.
Kind = Literal["real", "integer", "boolean", "condition"]
Typed = tuple[Expr, Kind]
ALLOWED = "an expression has + - * / **, comparisons, a if c else b, sums and functions"


def holds(layer: Layer) -> bool:
    """Whether an elementwise layer holds something where it is."""
    return any(isinstance(n, Op) and n.fn == STOP for n in x.walk(layer.equations[0].body))


def written_out(layer: Layer, argument: Expr, options: tuple[Expr, ...]) -> Expr:
    """An elementwise layer's equation at an argument, its options as given or at their defaults."""
    defaults = tuple(Num(Fraction(repr(o.default))) for o in layer.options)
    values = dict(zip([Opt(o.name) for o in layer.options], options or defaults, strict=True))
    at = layer.inputs[0].ref()
    return x.transform(
        layer.equations[0].body, lambda e: argument if e == at else values.get(e) if isinstance(e, Opt) else None
    )


@dataclass
class Applications(Calls):
    """Reads ``sum(i, x[i])``, ``exp(x[i])``, ``relu(x[i])``.

    Attributes:
        inside: the indices of the reductions around what is being read.
        hidden: indices that a reduction inside reduces once more, and where.
        counted: axes of lists' entries whose length is asked for, where, and of which lists.
        over_entries: whether something is summed over the entries of a list.
    """

    inside: list[str] = field(default_factory=list)
    hidden: dict[str, ast.AST] = field(default_factory=dict)
    counted: dict[str, tuple[ast.AST, list[str]]] = field(default_factory=dict)
    over_entries: bool = False

    def value(self, node: ast.expr) -> Expr:
        return self.number(node)[0]

    def function_call(self, node: ast.Call) -> Typed:
        name = name_of(node.func)
        if not name:
            shown = self.text(node.func)
            last = shown.split(".")[-1]
            mend = f"write {WORDS[last].example}" if last in WORDS else ALLOWED
            self.fail(
                node.func, f"{shown} is not a function of the notation", self.instead(last) if last in INSTEAD else mend
            )
        if self.is_activation(name):
            return self.elementwise(node, name, ())
        own = (name in self.known and name in SHORT) or (name in SHORT_REDUCTIONS and self.is_elementwise(name))
        own = own and not self.is_reduction(node)
        if name in WORDS and not own:
            return self.word(node, name)
        if name in self.known and self.is_elementwise(name):
            return self.elementwise(node, name, self.known[name][0].options)
        self.fail(node, f"{name} is not a function of the notation", self.instead(name))

    def is_reduction(self, node: ast.Call) -> bool:
        """Whether a word is called as a reduction over indices, not as a layer of that name."""
        indices = len(node.args) == 2 and not node.keywords and self.is_indices(node.args[0])
        return name_of(node.func) in SHORT_REDUCTIONS and indices

    def in_equation(self, value: ast.Call, word: str) -> bool:
        """Whether a layer's name stands for something inside an equation: a number, or a reduction called so too."""
        return self.is_elementwise(word) or self.is_reduction(value)

    def instead(self, name: str) -> str:
        """What to write in place of a function that there is not."""
        if name in self.tensors:
            return f"{name} is a tensor: its indices stand in square brackets"
        if name in self.known:
            part = self.known[name][0]
            call = f"{', '.join(part.outputs)} = {name}({', '.join(t.name for t in part.inputs)})"
            return f"a layer takes whole arrays: write {call} as a statement of its own, and use what it gives"
        if name in INSTEAD:
            return INSTEAD[name] if INSTEAD[name].startswith("there ") else f"write {INSTEAD[name]}"
        elementwise = [n for n in self.known if self.is_elementwise(n)]
        near = difflib.get_close_matches(name, [*WORDS, *elementwise], 1)
        functions = ", ".join(sorted({*FUNCTIONS, "sqrt"}))
        mend = f"functions are {functions}, and elementwise layers: {', '.join(elementwise)}"
        return f"did you mean {near[0]}? {mend}" if near else mend

    def is_activation(self, name: str) -> bool:
        return any(o.name == name and o.kind == "Activation" for o in self.options)

    def elementwise(self, node: ast.Call, name: str, options: tuple[object, ...]) -> Typed:
        """An elementwise layer, or one that an option chooses, of a number; options that are given follow it."""
        if len(node.args) != 1 or isinstance(node.args[0], ast.Starred):
            what = f"{name} takes one number" + (", and its options by keyword" if options else "")
            example = f"{name}(x[..., i]" + "".join(f", {o.name}={o.default}" for o in options) + ")"  # type: ignore[attr-defined]
            self.fail(node, what, f"write {example}")
        if node.keywords and not options:
            self.fail(node.keywords[0], f"{name} has no option {node.keywords[0].arg!r}", f"write {name}(x[..., i])")
        argument = self.value(node.args[0])
        given = dict(self.call_options(node, self.known[name][0])) if node.keywords else {}
        bound = self.bound_options(node, name, given) if given else ()
        if name in self.known and holds(self.known[name][0]):  # a function that is not what its slope is of
            return written_out(self.known[name][0], argument, bound), "real"
        return Op(name, (argument, *bound)), "real"

    def check_call(self, node: ast.Call, name: str) -> tuple[str, ...]:
        """A call of a word against its signature; the form that it has."""
        word = WORDS[name]
        if node.keywords:
            keyword = node.keywords[0]
            self.fail(keyword, f"{name} has no keyword {keyword.arg!r}", f"write {word.example}")
        form = next((f for f in word.forms if len(f) == len(node.args)), None)
        if form is None or any(isinstance(a, ast.Starred) for a in node.args):
            wanted = " and ".join(KINDS[k] for k in word.forms[0])
            count = len(node.args)
            what = f"{name} takes {wanted}, and here {'is' if count == 1 else 'are'} {count or 'none'}"
            self.fail(node, what, f"write {word.example}")
        return form

    def word(self, node: ast.Call, name: str) -> Typed:
        word = WORDS[name]
        if word.place != "anywhere":
            where = "as the whole right side of an equation" if word.place == "right" else "in the return"
            self.fail(node, f"{name} stands only {where}", f"write {word.example}")
        form = self.check_call(node, name)
        args = node.args
        if form == ("indices", "number") and (("number", "number") not in word.forms or self.is_indices(args[0])):
            return self.reduction(node, name, args[0], args[1])
        if name == "size":
            return self.size(args[0]), "integer"
        values = [self.number(a) for a in args]
        kinds = {kind for _, kind in values}
        outside = {"sqrt": lambda v: v < 0, "log": lambda v: v <= 0}.get(name)
        if outside is not None and isinstance(first := values[0][0], Num) and outside(first.value):
            self.fail(node, "not a real number", f"take {name} of what is positive")
        if name == "sqrt":
            return x.sqrt(values[0][0]), "real"
        kind: Kind = "integer" if name in WHOLE and kinds == {"integer"} else "real"
        numbers = tuple(e for e, _ in values)
        if name == "min":  # the first of equals gets the gradient, as of max
            return x.neg(Op("max", tuple(map(x.neg, numbers)))), kind
        return SHORT[name][1](*numbers) if name in SHORT else Op(name, numbers), kind

    def reduction(self, node: ast.Call, name: str, indices: ast.expr, body: ast.expr) -> Typed:
        over = tuple(map(self.index_name, items(indices)))
        if not over:
            self.fail(indices, f"{name} over nothing", f"write {WORDS[name].example}")
        for i, place in zip(over, items(indices), strict=True):
            if over.count(i) > 1:
                self.fail(place, f"{i} stands twice", "name each index once")
        outer = {i: place for i, place in zip(over, items(indices), strict=True) if i in (*self.left, *self.inside)}
        own = [i for i in over if i not in outer and self.is_own(i)]
        before = {i: self.parent.pop(i) for i in own if i in self.parent}
        self.inside += over
        e, kind = self.number(body)
        e, over = self.apart(before, e, over)
        self.check_hidden(over, e)
        del self.inside[len(self.inside) - len(over) :]
        if outer:  # another index of the same axis, so that no index is two things
            here = {i: self.another(i, {*x.free(e), *x.bound(e), *over}) for i in outer if i != ELLIPSIS}
            here |= {i: x.fresh(i, {*x.free(e), *x.bound(e), *over, i}) for i in outer if i == ELLIPSIS}
            e, over = x.rename(e, {i: Pos(to) for i, to in here.items()}), tuple(here.get(i, i) for i in over)
            self.hidden |= outer
        counted = next((t.axes[0] for t in self.tensors.values() if t.sequence), None)
        if name in ("max", "min", *PLACES) and counted in over:
            mend = f"sum({counted}, ...) goes over them, and {name} over the axes of one array"
            self.fail(node, f"there is no {name} over the entries of a list", mend)
        self.over_entries |= counted in over
        if name in ("mean", "var", "std") or not {*over} <= {*x.free(e)}:
            self.check_counted(node, over)
        whole = name in PLACES or (name in WHOLE_REDUCTIONS and kind == "integer")
        made = SHORT_REDUCTIONS[name](over, e) if name in SHORT_REDUCTIONS else Reduce(name, over, e)
        return made, "integer" if whole else "real"

    def is_own(self, index: str) -> bool:
        """Whether an index is no axis's name, so that it is each reduction's own."""
        axes = {a for t in self.tensors.values() for a in t.axes}
        return index not in {ELLIPSIS, *axes, *self.sizes} and index not in self.parent.values()

    def apart(self, before: dict[str, str], e: Expr, over: tuple[str, ...]) -> tuple[Expr, tuple[str, ...]]:
        """A reduction along other axes than those that its indices ran along in one before has indices of other names.

        Args:
            before: what the indices were known to run along.
        """
        for i, axis in before.items():
            now = self.parent.get(i)
            if now is not None and self.find(now) != self.find(axis):
                new = x.numbered(i, {i, *self.words, *self.tensors, *self.parent, *x.free(e), *x.bound(e)})
                self.parent = {k: new if v == i else v for k, v in self.parent.items()} | {new: now}
                e, over = x.rename(e, {i: Pos(new)}), tuple(new if o == i else o for o in over)
            self.parent[i] = axis
        return e, over

    def check_counted(self, node: ast.AST, over: Iterable[str]) -> None:
        """How many elements ``...`` has is no number where only lists have it: their entries differ."""
        holders = [t for t in self.tensors.values() if ELLIPSIS in t.axes]
        if ELLIPSIS in over and all(t.sequence for t in holders):
            names = " and ".join(t.name for t in holders)
            what = f"the entries of {names} have shapes of their own, so nothing says how many elements ... has"
            self.fail(node, what, f"name the axes of an entry, {holders[0].name}: Real[{holders[0].axes[0]}][i, j]")
        for axis in over:
            lists = [t.name for t in self.tensors.values() if t.sequence and axis in t.axes[1:]]
            if lists and axis not in self.sizes:
                self.counted.setdefault(axis, (node, lists))

    def check_hidden(self, outer: Iterable[str], e: Expr) -> None:
        """An index that is reduced inside although it stands outside too is used outside: else nobody meant it."""
        for i in outer:
            place = self.hidden.pop(i, None)
            if place is not None and i not in x.free(e):
                where = "on the left" if i in self.left else "around this"
                self.fail(
                    place, f"{i} is {where}, and here it is reduced", f"use another index here, that runs along {i}"
                )

    def size(self, node: ast.expr) -> Expr:
        if not isinstance(node, ast.Name) and not (isinstance(node, ast.Constant) and node.value is Ellipsis):
            self.fail(node, "size takes an index", "write size(i) for the length of the axis i")
        tensor = self.tensors.get(name_of(node))
        if tensor is not None or any(o.name == name_of(node) for o in self.options):
            axes = ", or ".join(f"size({a})" for a in tensor.axes) if tensor is not None else ""
            mend = f"write {axes}" if axes else "write size(i) for the axis i"
            self.fail(node, f"{name_of(node)} is not an index", mend)
        axis = self.index_name(node)
        self.check_counted(node, (axis,))
        return Size(axis)

    def reduced(self, node: ast.Call) -> Expr:
        """``reduced(reduction, L[...])``: the mean, the sum or the loss itself."""
        self.check_call(node, "reduced")
        name = name_of(node.args[0])
        if name not in self.chosen:
            mend = 'declare reduction: Choice["mean", "sum", "none"] = "mean"'
            self.fail(node.args[0], "reduced takes an option of kind Choice", mend)
        option = next(o for o in self.options if o.name == name)
        wrong = [w for w in option.choices if w not in ("mean", "sum", "none")]
        if wrong:
            free = tuple(x.free(self.value(node.args[1])))
            total = f"sum(({', '.join(free)}), {self.text(node.args[1])})"
            mend = f'reduced knows "mean", "sum" and "none"; write the others out, as {total} / size({free[0]}) '
            mend += f'if {name} == "{wrong[0]}" else {total}'
            self.fail(node.args[0], f"{name} may be {wrong[0]!r}", mend if free else 'write "mean", "sum" or "none"')
        body = self.value(node.args[1])
        over = tuple(x.free(body))
        if self.chosen[name] == "mean":
            self.check_counted(node, over)
        match self.chosen[name]:
            case "mean":
                return x.mul(*(x.power(Size(i), x.num(-1)) for i in over), x.reduce("sum", over, body))
            case "sum":
                return x.reduce("sum", over, body)
        return body

    def is_indices(self, node: ast.expr) -> bool:
        return all(
            (isinstance(n, ast.Name) and n.id not in {*self.tensors, *x.CONSTANTS, *(o.name for o in self.options)})
            or (isinstance(n, ast.Constant) and n.value is Ellipsis)
            for n in items(node)
        )

    def index_name(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and node.value is Ellipsis:
            self.used.setdefault(ELLIPSIS, node)
            return ELLIPSIS
        if not isinstance(node, ast.Name) or not self.is_indices(node):
            self.fail(node, "not an index", "the indices come first, by their names: sum(i, x[..., i])")
        self.used.setdefault(node.id, node)
        return node.id
