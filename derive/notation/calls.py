"""Reads calls: layers used inside another one."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Given, Num, Opt, Pos, Reduce, Ref, Slots
from derive.notation.layer import Call, Layer, Option, Tensor, merged
from derive.notation.options import NUMBERS, OPTION_KINDS, items, name_of
from derive.notation.several import filled
from derive.notation.together import Together

#: Which kinds of numbers an option may be given, for each kind: those that lie within it.
WITHIN = {
    "Scalar": {"Scalar", "Positive", "Probability", "Fraction", "Count", "Natural", "Integer"},
    "Positive": {"Positive", "Probability", "Count"},
    "Probability": {"Probability"},
    "Fraction": {"Fraction", "Probability"},
    "Integer": {"Integer", "Natural", "Count"},
    "Natural": {"Natural", "Count"},
    "Count": {"Count"},
}


HOME = Path(__file__).resolve().parent.parent / "layers"  #: where the project's own definitions are


@dataclass
class Calls(Together):
    """Reads ``z[l] = linear(h[l - 1], W[l], b[l])``.

    Attributes:
        target, left: what the equation that is being read defines, and the indices on a statement's left.
        begun: recurrences whose beginning is given, and the places of the step among their indices.
    """

    target: str = ""
    left: list[str] = field(default_factory=list)
    begun: dict[str, frozenset[int]] = field(default_factory=dict)

    def number(self, node: ast.expr) -> tuple[Expr, Literal["real", "integer", "boolean", "condition"]]:
        """An expression of numbers, and whether it is a whole number."""
        raise NotImplementedError

    def index(self, node: ast.expr) -> Expr:
        """An expression in index position."""
        raise NotImplementedError

    def check_entry(self, node: ast.AST, name: str, index: tuple[Expr, ...]) -> None:
        """Entries of lists are read one by one."""
        raise NotImplementedError

    def introduce(self, node: ast.AST, name: str, left: tuple[Expr, ...]) -> None:
        """Make the tensor on the left of an equation known."""
        raise NotImplementedError

    def check_steps(self, node: ast.AST, body: Expr) -> None:
        """A recurrence reads the step before."""
        raise NotImplementedError

    def call(self, node: ast.Assign, target: ast.expr, value: ast.Call) -> None:
        name = name_of(value.func)
        found = [self.result(item) for item in items(target)]
        self.left = [e.index for _, lead in found[:1] for e in lead if isinstance(e, Pos)]
        options = self.call_options(value, self.known[name][0])
        part = self.variant(self.known[name], dict(options))
        single = self.single(value, part, dict(options))
        given = self.call_arguments(value, part, single)
        arguments = (*(ref for ref, _ in given), *(None for _ in part.inputs[len(given) :]))
        axes = self.matched(value, part, given, single)
        results = self.call_results(target, part, axes, found)
        self.check_lead(node, value, [ref.index[: len(ref.index) - len([*chain(*own)])] for ref, own in given])
        call = Call(part, results, arguments, options, tuple(sorted(axes.items())), node.lineno)
        known = self.declared()
        self.sizes |= {here: call.here(e) for a, e in part.sizes.items() for here in axes[a][:1] if here not in known}
        named = {r.tensor for r in results}
        for tensor, left in {
            e.target: e.left for e in call.equations
        }.items():  # the last has no beginning of the part's
            if tensor in self.tensors and tensor not in named | set(self.begun):
                mend = f"give another name to one of the two, or to {results[0].tensor}"
                self.fail(node, f"{part.name} has an intermediate that is called {tensor} here, as above", mend)
            self.introduce(node, tensor, left)
        for ref, output in zip(results, part.outputs, strict=False):
            self.stay_together(ref.tensor, call, part.tensors[output])
        self.steps += [call] if self.takes(part, call) else call.equations

    def takes(self, part: Layer, call: Call) -> bool:
        """Whether a part's kernel knows every function that it may be given here.

        It knows those of the project, and those that stand before it in its own file. With another one the part is
        written out.
        """
        for option in part.options:
            if option.kind == "Activation":
                chosen = call.option(option.name)
                own = [
                    n for n in self.known if self.is_elementwise(n) and self.known[n][0].file == self.definition.file
                ]
                if not all(self.knows(part, name) for name in ([chosen] if isinstance(chosen, str) else own)):
                    return False
        return True

    def knows(self, part: Layer, name: str) -> bool:
        """Whether a function stands before a part in one file, or is the project's."""
        other, order = self.known[name][0], list(self.known)
        if other.file == part.file:
            return order.index(name) < order.index(part.name)
        return Path(other.file).parent == HOME

    def result(self, node: ast.expr) -> tuple[str, tuple[Expr, ...]]:
        """What a result is called, and the leading indices that the part knows nothing of."""
        if not name_of(node.value if isinstance(node, ast.Subscript) else node):
            self.fail(node, "a result has a name", "write z = linear(x, W, b)")
        name, lead = self.leading(node)
        plain = all((isinstance(e, Pos) and e.index != ELLIPSIS) or e == x.num(-1) for e in lead)
        if not plain or len(set(lead)) < len(lead):
            mend = f"write {name} = ...: its axes follow from the arguments; in brackets stand indices that lead theirs"
            self.fail(node, "not the leading indices of a result", mend)
        return name, lead

    def call_results(
        self,
        target: ast.expr,
        part: Layer,
        axes: dict[str, tuple[str, ...]],
        found: list[tuple[str, tuple[Expr, ...]]],
    ) -> tuple[Ref, ...]:
        """What the part's outputs are called here."""
        if len(found) > len(part.outputs):
            self.fail(target, f"{part.name} gives {', '.join(part.outputs)} only", "name no more results")
        if len({lead for _, lead in found}) > 1:
            self.fail(target, "the results have different leading indices", "give them the same ones")
        if len({name for name, _ in found}) < len(found):
            self.fail(target, "two results of one name", "give each its own")
        return tuple(
            Ref(name, lead + tuple(Pos(here) for a in part.tensors[output].axes for here in axes[a]))
            for (name, lead), output in zip(found, part.outputs, strict=False)
        )

    def check_lead(self, node: ast.Assign, value: ast.Call, leads: list[tuple[Expr, ...]]) -> None:
        """What leads the arguments leads the results, and the other way round."""
        inside = {i for lead in leads for e in lead for i in x.free(e)}
        loose = sorted(inside - set(self.left))
        if loose:
            target = self.text(node.targets[0])
            self.fail(
                value, f"index {loose[0]} is on the right but not on the left", f"write {target}[{loose[0]}] = ..."
            )
        if set(self.left) - inside:
            i = sorted(set(self.left) - inside)[0]
            self.fail(
                node.targets[0], f"no argument has the index {i}", f"write it at an argument too, or leave {i} out"
            )

    def leading(self, node: ast.expr) -> tuple[str, tuple[Expr, ...]]:
        """A tensor's name and the indices written: ``h[l - 1]``."""
        if isinstance(node, ast.Subscript):
            return name_of(node.value), tuple(self.index(s) for s in items(node.slice))
        return name_of(node), ()

    # ---- arguments and options -------------------------------------------------------------------------------------

    def single(self, value: ast.Call, part: Layer, options: dict[str, Given]) -> frozenset[str]:
        """Axes of the part's products that are one position long, and that the arrays given do not have.

        ``x[b, g * c, p, q]`` takes ``x[b, c, p, q]`` where the option that counts g is 1.
        """
        products = {a for t in part.inputs for slot in t.slots if len(slot.parts) > 1 for a in slot.parts}
        ones = {o.axis for o in part.options if o.axis in products and options.get(o.name, o.default) in (1, x.ONE)}
        for node, t in zip(value.args, part.inputs, strict=False):
            name, lead = self.leading(node)
            if ones.intersection(t.axes) and ELLIPSIS not in t.axes and name in self.tensors:
                missing = len(t.axes) - len(self.tensors[name].axes) + len(lead)
                if missing == len(ones.intersection(t.axes)):
                    return frozenset(filter(None, ones))
        return frozenset()

    def call_arguments(self, value: ast.Call, part: Layer, single: frozenset[str]) -> list[tuple[Ref, Slots]]:
        """What the part's inputs are here, and the axes that the part sees; masks at the end may be left out."""
        missing = part.inputs[len(value.args) :]
        if len(value.args) > len(part.inputs) or not all(t.optional for t in missing):
            wanted = ", ".join(t.name for t in part.inputs)
            self.fail(value, f"{part.name} takes {len(part.inputs)} tensors", f"call it as {part.name}({wanted})")
        return [self.call_argument(n, part, t, single) for n, t in zip(value.args, part.inputs, strict=False)]

    def call_argument(self, node: ast.expr, part: Layer, formal: Tensor, single: frozenset[str]) -> tuple[Ref, Slots]:
        inner = node.value if isinstance(node, ast.Subscript) else node
        if name_of(inner) not in self.tensors:
            near = difflib.get_close_matches(name_of(inner), self.tensors, 1)
            mend = "pass tensors defined above, with the leading indices if any"
            if not isinstance(inner, ast.Name):
                mend += "; give the expression an equation of its own: a[..., i] = ..."
            elif near:
                mend = f"did you mean {near[0]}? {mend}"
            self.fail(node, "not a tensor of this definition", mend)
        name, lead = self.leading(node)
        own = self.tensors[name]
        wanted = [a for a in formal.axes if a not in single]
        groups: Slots = tuple((a,) for a in own.axes)
        together = self.merged(own)
        if ELLIPSIS not in formal.axes and len(groups) - len(lead) != len(wanted) == len(together) - len(lead):
            groups = together  # two axes that are one to a caller of this layer stand where the part has one
        if own.slots and own.role not in ("input", "state"):  # put together where it was made
            groups = together
        spare = len(groups) - len(lead) - len(wanted)
        if spare and (ELLIPSIS not in formal.axes or spare < -1):
            mend = f"{part.name} takes {len(wanted)} axes there, after leading indices in brackets if any"
            whole = ", ".join(t.name if t is not formal else name for t in part.inputs if not t.optional)
            mend += f"; of whole arrays: {self.target or 'y'} = {part.name}({whole})" if lead else ""
            what = f"{name}[{', '.join(own.axes)}] does not fit {formal.name}[{', '.join(wanted)}]"
            self.fail(node, what, mend)
        if own.kind != formal.kind:
            self.fail(node, f"{name} is {own.kind}, {part.name}'s {formal.name} {formal.kind}", "pass another")
        if formal.sequence != (own.sequence and not lead):
            what = "a list of arrays" if formal.sequence else "one array"
            mend = (
                f"pass a list, declared Real[l][...]: {name}" if formal.sequence else f"pass an entry of it: {name}[l]"
            )
            self.fail(node, f"{part.name}'s {formal.name} is {what}", mend)
        if ELLIPSIS in (*(x.plain(e) for e in lead), *own.axes[: len(lead)]):
            self.fail(node, "... is not a leading index", f"write {name}, whose leading axes are passed on")
        groups = groups[len(lead) :]
        axes = (*chain(*groups),)
        if any("." in a and a != ELLIPSIS for a in axes):
            self.fail(node, f"{name} has not all its steps yet", "read it at t - 1, where t is the step on the left")
        ref = Ref(name, lead + tuple(map(Pos, axes)))
        self.check_steps(node, ref)
        self.check_entry(node, name, lead)
        return ref, groups

    def merged(self, tensor: Tensor) -> Slots:
        """A tensor's axes, those that the signature has as one together."""
        return merged(tensor, self.find, {s.parts for t in self.tensors.values() for s in t.slots if len(s.parts) > 1})

    def call_options(self, value: ast.Call, part: Layer) -> tuple[tuple[str, Given], ...]:
        options = {o.name: o for o in part.options if o.kind != "Axis"}
        found: list[tuple[str, Given]] = []
        for keyword in value.keywords:
            if keyword.arg is None:
                self.fail(keyword.value, "** stands before what is not read", "write the options out")
            if keyword.arg not in options:
                mend = f"its options are: {', '.join(options)}" if options else "it has none"
                if keyword.arg in part.tensors:
                    mend = f"tensors are passed by place: {part.name}({', '.join(t.name for t in part.inputs)})"
                near = difflib.get_close_matches(keyword.arg, options, 1)
                mend = f"did you mean {near[0]}? {mend}" if near else mend
                self.fail(keyword, f"{part.name} has no option {keyword.arg!r} here", mend)
            found.append((keyword.arg, self.option_value(keyword.value, part, options[keyword.arg])))
        return tuple(found)

    def option_value(self, node: ast.expr, part: Layer, option: Option) -> Given:
        """What an option is given; a decimal is the floating-point number that the kernel is given."""
        own = next((o for o in self.options if o.name == name_of(node)), None)
        what = f"{part.name}'s {option.name} is {OPTION_KINDS[option.kind]}"
        mend = f"give it that, or an option of kind {option.kind}"
        word = node.value if isinstance(node, ast.Constant) else None
        match option.kind:
            case "Choice":
                what, chosen = f"{what}: {', '.join(map(repr, option.choices))}", self.chosen.get(name_of(node), word)
                if not isinstance(chosen, str) or chosen not in option.choices:
                    self.fail(node, what, mend)
                return chosen
            case "Activation":
                if own is not None and own.kind == "Activation":
                    return Opt(own.name)
                chosen = word if word is not None else name_of(node)
                if not isinstance(chosen, str) or not self.is_elementwise(chosen):
                    self.fail(node, what, mend)
                return chosen
            case "Flag":
                if own is not None and own.kind == "Flag":
                    return Opt(own.name)
                if not isinstance(word, bool):
                    self.fail(node, what, mend)
                return word
        if option.shape:
            return self.option_values(node, part, option, own)
        e, kind = self.number(node)
        whole, holds = NUMBERS[option.kind]
        fine = kind == "integer" or not whole
        if isinstance(e, Num):
            fine = fine and holds(e.value)
        elif own is not None:
            fine = own.kind in WITHIN[option.kind]
        if any(isinstance(n, Ref | Pos | Reduce) for n in x.walk(e)):
            self.fail(node, f"{part.name}'s {option.name} is one number for all", mend)
        if not fine:
            self.fail(node, what, mend)
        return Num(Fraction(float(e.value))) if isinstance(e, Num) and kind != "integer" else e

    def option_values(self, node: ast.expr, part: Layer, option: Option, own: Option | None) -> Given:
        """What an option of several numbers is given: one for all, a tuple with one for each, or such an option."""
        if own is not None and own.shape:
            if own.shape != option.shape or own.kind not in WITHIN[option.kind]:
                mend = f"declare {own.name} so, or give a tuple"
                self.fail(node, f"{part.name}'s {option.name} is {option.declared}", mend)
            return filled(own.shape, iter(own.elements))  # type: ignore[no-any-return]
        inner = replace(option, shape=option.shape[1:])
        if not isinstance(node, ast.Tuple):
            return self.option_value(node, part, replace(option, shape=()))
        if len(node.elts) != option.shape[0]:
            what = f"{part.name}'s {option.name} is {option.declared}, and is given {len(node.elts)} here"
            self.fail(node, what, "give it one number for all, or a tuple with one for each")
        return tuple(self.option_value(e, part, inner) for e in node.elts)

    def bound_options(self, node: ast.Call, name: str, given: dict[str, Given]) -> tuple[Expr, ...]:
        """All options of an elementwise layer that is called inside an equation, in the order of its signature."""
        values: list[Expr] = []
        for option in self.known[name][0].options:
            value = given.get(option.name, option.default)
            if isinstance(value, bool | int | float):
                value = Num(Fraction(value))
            if isinstance(value, str) or option.kind in ("Choice", "Activation"):
                self.fail(node, f"{name} is called with its own {option.name} only", f"write out what {name} is")
            values.append(value)  # type: ignore[arg-type]
        return tuple(values)

    def variant(self, variants: tuple[Layer, ...], options: dict[str, Given]) -> Layer:
        """The variant of a part for the choices that a call makes."""
        return next(v for v in variants if all(options.get(name, chosen) == chosen for name, chosen in v.choice))

    # ---- axes ------------------------------------------------------------------------------------------------------

    def matched(
        self, node: ast.Call, part: Layer, arguments: list[tuple[Ref, Slots]], single: frozenset[str]
    ) -> dict[str, tuple[str, ...]]:
        """What every axis and index of a part is called here; nothing for one that arrays here do not have."""
        axes: dict[str, tuple[str, ...]] = dict.fromkeys(single, ())
        lists = {ref.tensor for ref, _ in arguments if self.tensors[ref.tensor].sequence}
        for (ref, mine), formal in zip(arguments, part.inputs, strict=False):
            for theirs, own in aligned(tuple(a for a in formal.axes if a not in single), mine):
                taken = {a for names in axes.values() for a in names}
                known = axes.get(theirs) or tuple(a if a not in taken else self.another(a, taken) for a in own)
                axes.setdefault(theirs, known)
                if len(known) != len(own) or (ELLIPSIS in known) != (ELLIPSIS in own):
                    shown = " and ".join(f"[{', '.join(names)}]" for names in (known, own))
                    self.fail(node, f"{part.name}'s axis {theirs} is both {shown} here", "make them the same")
                if theirs != ELLIPSIS and ELLIPSIS in own:
                    mend = f"{part.name} takes {formal.name}[{', '.join(formal.axes)}]"
                    self.fail(node, f"{ref.tensor}'s ... stands where {part.name} has the axis {theirs}", mend)
                if ref.tensor in lists:
                    axes[theirs] = own
                elif not lists:
                    for a, b in zip(own, known, strict=True):
                        self.one_length(node, part, a, b)
        taken = self.declared() | {a for t in self.tensors.values() for a in t.axes} | {*chain(*axes.values())}
        bodies = [e for equation in part.equations for e in (equation.lhs, equation.body)]
        indices = [i for e in bodies for n in x.walk(e) for i in named(n)]
        for i in dict.fromkeys((*part.sizes, *indices)):
            along = axes.get(part.axis(i), ())
            if i not in axes and part.axis(i) in single:
                axes[i] = ()
            elif i not in axes and len(along) == 1:  # j runs along i
                axes[i] = (self.another(along[0], chain(*axes.values())),)
            elif i not in axes:
                others = taken | self.words | self.made
                name = x.numbered(i if i not in others else f"{part.name}_{i}", others)
                self.made.add(name)
                axes[i] = (self.names.get(name, name),)
        return axes

    def another(self, along: str, taken: Iterable[str]) -> str:
        """A name for another index along an axis: i2 along i."""
        name = x.numbered(along, {*taken, *self.words, *self.tensors, along})
        self.parent.setdefault(name, self.find(along))
        return name

    def one_length(self, node: ast.Call, part: Layer, a: str, b: str) -> None:
        """Two axes that a part takes for one: two whose length is known must have been said to be equally long."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return
        if {a, b} <= self.declared() and self.length(a) != self.length(b):
            self.fail(node, f"{part.name} needs {a} and {b} of one length", f"say so above: {a} = axis(size({b}))")
        self.unify(a, b)


def aligned(formal: tuple[str, ...], own: Slots) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A part's axes and what an argument has there; ``...`` takes what the others leave."""
    at = 0
    for axis in formal:
        width = len(own) - len(formal) + 1 if axis == ELLIPSIS else 1
        yield axis, (*chain(*own[at : at + width]),)
        at += width


def named(e: Expr) -> tuple[str, ...]:
    """The indices that a node names."""
    return (e.index,) if isinstance(e, Pos) else e.over if isinstance(e, Reduce) else ()
