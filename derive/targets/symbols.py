"""What a page calls things: tensors, options, indices and functions to symbols of the TeX dialect.

A symbol is a letter, a Greek command or ``\\mathrm{name}``, possibly under an accent: ``\\overline`` for an
adjoint, ``\\dot`` for a tangent or the derivative of a function, ``\\ddot`` for its second one. No two things on one
page share a symbol; where the table's first choice is taken, the name itself is printed upright.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from derive.calculus.derivation import Derivation
from derive.notation import expr as x
from derive.notation.errors import Stuck
from derive.notation.expr import ELLIPSIS, Expr, Op, Opt, Pos, Reduce, Ref
from derive.notation.layer import Equation, Layer, Option, Tensor
from derive.notation.options import OPTION_KINDS
from derive.notation.text import show
from derive.targets.meanings import meaning
from derive.targets.words import code

SPELLED = {"lambda": "lamda", "Lambda": "lamda"}  # as Unicode does
GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Phi",
        "Psi",
        "Omega",
    ]
)

#: The Greek letters themselves, where they have a command.
GREEK_LETTERS = {
    unicodedata.lookup(f"GREEK {'SMALL' if n.islower() else 'CAPITAL'} LETTER {SPELLED.get(n, n).upper()}"): n
    for n in GREEK
}

#: Names with a symbol of their own, best first.
PREFERRED: dict[str, tuple[str, ...]] = {
    "var": (r"\sigma^{2}",),
    "inv_std": ("r",),
    "total": ("Z",),
    "mask": ("M",),
    "noise": (r"\xi",),
    "weight_decay": (r"\lambda",),
    "momentum": (r"\rho",),
    "stride": ("s",),
    "padding": ("m", r"\rho"),
    "dilation": ("d", r"\delta"),
    "padding_index": (r"\mathrm{pad}",),
    "activation": (r"\sigma", r"\phi"),
    "output": (r"\phi", r"\psi"),
}

#: The adjoint of an output that is also used within (the bar is the cotangent that the caller gives).
TOTALS: dict[str, tuple[str, ...]] = {
    "h": (r"\eta",),
    "c": (r"\chi",),
    "y": (r"\upsilon",),
    "s": (r"\sigma",),
}

#: Letters for a second, third ... index along an axis.
SUCCESSORS: dict[str, str] = {
    "i": "jkm",
    "o": "uvw",
    "n": "mk",
    "k": "jl",
    "l": "mkn",
    "j": "km",
    "q": "rs",
    ELLIPSIS: "",
}
ALPHABET = "ijkmnuvwabcdefghlopqrstxyz"
CAPITALS = "ABCDEFGHIJKLMOPQRSTUVWXYZ"  # without N, a length


@dataclass(frozen=True)
class Row:
    """One line of a page's symbols table.

    Attributes:
        tex: the symbol.
        code: the name in the kernel.
        shape: the axes, in the letters of the page; "option" or "function".
        meaning: role and kind, a colon, and what it is.
    """

    tex: str
    code: str
    shape: str
    meaning: str


@dataclass
class Symbols:
    """The names of one page. ``layer`` is the default variant; ``derivations`` are all variants.

    Attributes:
        slopes: the derivatives of elementwise layers that the page has met.
    """

    derivations: tuple[Derivation, ...]
    taken: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    slopes: dict[str, Callable[..., Expr]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for derivation in self.derivations:
            for index in page_indices(derivation):
                self._letter(index)
        for derivation in self.derivations:
            layer = derivation.layer
            for name in layer.tensors:
                self._name(name, f"tensor {name}")
            for option in layer.options:
                self._name(option.name, f"option {option.name}")
                if option.kind == "Activation":
                    self._claim(option.name + "'", (accent("dot", self.names[option.name]),))
                    self._claim(option.name + "''", (accent("ddot", self.names[option.name]),))
            self._adjoints(derivation)

    @property
    def layer(self) -> Layer:
        return self.derivations[0].layer

    # ---- choosing ------------------------------------------------------------------------------------------

    def _name(self, name: str, owner: str) -> None:
        if name not in self.names:
            self._claim(name, (*PREFERRED.get(name, ()), *spellings(name)), owner)

    def _claim(self, name: str, candidates: Iterable[str], owner: str = "") -> None:
        if name in self.names:
            return
        candidates = list(candidates)
        last = upright(name)
        # an index letter may also be a tensor's name if the author chose so, but never by the table above
        own = {name, f"\\{name}"}
        for tex in [*candidates, last, f"\\mathrm{{{last[8:-1]}*}}"]:
            clash = tex in self.taken or (tex in self.letters.values() and tex not in own)
            if not clash and not (tex == r"\sigma" and r"\sigma^{2}" in self.taken):
                self.names[name] = tex
                self.taken[tex] = owner or name
                return
        raise ValueError(f"no symbol is left for {name}")

    def _letter(self, index: str) -> None:
        if index in self.letters:
            return
        if index == ELLIPSIS:
            self.letters[index] = r"\ast"
        elif len(index) == 1 and index.isascii():
            self.letters[index] = index
        elif not index.isdigit():
            used = {
                *self.letters.values(),
                *(i for d in self.derivations for i in page_indices(d) if len(i) == 1),
                *(name for d in self.derivations for name in d.layer.tensors),
            }
            free = (c for c in (*index, *ALPHABET, *CAPITALS) if c.isascii() and c.isalpha() and c not in used)
            self.letters[index] = next(free, "")
            if not self.letters[index]:
                raise Stuck(
                    f"no letter is left on the page for the axis {index}", "give axes that play the same part one name"
                )

    def _adjoints(self, derivation: Derivation) -> None:
        adjoint = derivation.adjoint
        for output, cotangent in adjoint.cotangents.items():
            self._claim(cotangent, (accent("overline", self.names[output]),))
        for tensor, name in adjoint.names.items():
            self._claim(tensor, spellings(tensor))  # what a call is given
            bar = accent("overline", self.names[tensor])
            self._claim(name, (bar, *TOTALS.get(tensor, ()), r"\delta"))
        for name in derivation.tensors:
            if name.startswith("argmax_"):
                self._claim(name, ("a", r"\alpha"))
            else:
                self._claim(name, spellings(name))

    # ---- asking --------------------------------------------------------------------------------------------

    def symbol(self, name: str, at: tuple[int, ...] = ()) -> str:
        """The symbol of a tensor, an option or one of its numbers, or a function; a name that is nowhere on the page
        stands upright."""
        if name in ("pi", "inf"):
            return {"pi": r"\pi", "inf": r"\infty"}[name]
        below = f"_{{{','.join(map(str, at))}}}" if at else ""
        return (self.names.get(name) or upright(name)) + below

    def index_letters(self, *expressions: Expr, fixed: Mapping[str, str] | None = None) -> dict[str, str]:
        """Letters for the indices of one equation: i2 becomes the first letter after i that nothing else
        uses. Those that have one already are ``fixed``."""
        wanted = sorted({i for e in expressions for i in every_index(e)})
        found = {i: letters[i] for letters in (self.letters, fixed or {}) for i in wanted if i in letters}
        avoid = set(found.values()) | set(self.names.values())
        for i in wanted:
            if i in found:
                continue
            stem = x.origin(i)
            if stem == ELLIPSIS:
                found[i] = rf"\ast_{{{1 + len(i) - len(stem)}}}"
                continue
            stem = stem.rstrip("0123456789") or stem
            letter = self.letters.get(stem, stem[0])
            options = (letter, *SUCCESSORS.get(letter, ""), *ALPHABET)
            lengths = {c for a, c in self.letters.items() if not self.alike(a, stem)}  # that say another length
            found[i] = next((c for c in options if c not in avoid | lengths), "")
            found[i] = found[i] or next(c for c in options if c not in avoid)
            avoid.add(found[i])
        return found

    def alike(self, one: str, two: str) -> bool:
        """Whether two indices run along one axis."""
        return any(d.layer.axis(one) == d.layer.axis(two) for d in self.derivations)

    def shape(self, tensor: Tensor, layer: Layer) -> str:
        """``[b, g*c, p]``: the axes as a caller sees them, in the letters of the page; a list's length first.

        What a caller gets back is put together as the inputs are: [b, g*o, i] and not [b, g, o, i].
        """
        slots = [slot.parts for slot in tensor.slots]
        known = {a for t in layer.inputs for a in t.axes}  # another index along t is no axis of its own to a caller
        rest = () if slots else tuple(a if a in known else layer.axis(a) for a in tensor.axes)
        while rest:
            whole = (p for p in sorted(layer.products) if tensor.role == "output" and rest[: len(p)] == p)
            slots.append(next(whole, rest[:1]))
            rest = rest[len(slots[-1]) :]
        words = ["*".join("..." if a == ELLIPSIS else self.letters.get(a, a) for a in parts) for parts in slots]
        listed = tensor.role == "output" and tensor.axes[:1] == (layer.sequence_axis,)
        if tensor.sequence or listed:
            return f"[{words[0]}][{', '.join(words[1:])}]"
        return f"[{', '.join(words)}]"

    def rows(self) -> list[Row]:
        """The symbols table: arguments in order, options, intermediates, outputs, then cotangents and
        adjoints."""
        found: dict[str, Row] = {}
        for derivation in self.derivations:
            layer, adjoint = derivation.layer, derivation.adjoint
            tensors, gradients = derivation.tensors, set(derivation.gradients.values())
            below = self._below(layer)
            for tensor in layer.inputs:
                self._row(found, layer, tensor, below.get(tensor.name, ""), meaning(layer, tensor.name, tensor.role))
            for option in layer.options:
                for number in option.elements:
                    found.setdefault(show(number), self._option(layer, option, number))
                if option.kind == "Activation":
                    for prime, words in (("'", "derivative"), ("''", "second derivative")):
                        name = option.name + prime
                        row = Row(self.symbol(name), name, "function", f"{words} of {option.name}")
                        found.setdefault(name, row)
            for tensor in sorted(layer.tensors.values(), key=lambda t: t.role == "output"):
                self._row(found, layer, tensor, "", meaning(layer, tensor.name, tensor.role))
            for output, name in adjoint.cotangents.items():
                words = f"cotangent of `{output}`, given to backward"
                self._row(found, layer, replace(layer.tensors[output], name=name), "", words)
            for source, name in adjoint.names.items():
                kind = "gradient" if name in gradients else "adjoint"
                words = f"{kind} of `{source}`" + (", over all paths" if name.endswith("_total") else "")
                self._row(found, layer, replace(tensors[name], name=name), "", words)
            for name, tensor in tensors.items():
                words = "position of the maximum, row-major" if name.startswith("argmax_") else ""
                self._row(found, layer, replace(tensor, name=name, role="intermediate"), "", words)
        return list(found.values())

    def _row(self, found: dict[str, Row], layer: Layer, tensor: Tensor, below: str, meaning: str) -> None:
        if tensor.name not in found:
            tex, role = self.symbol(tensor.name), describe(tensor) + below
            if tex.startswith("\\overline{"):  # what it is the adjoint of says the rest
                role, meaning = meaning, ""
            found[tensor.name] = Row(
                tex, tensor.name, self.shape(tensor, layer), f"{role}: {meaning}" if meaning else role
            )

    def _below(self, layer: Layer) -> dict[str, str]:
        """For each integer input that is used as an index: the axis into which it points."""
        axes: dict[str, set[str]] = {}
        for node in (n for e in layer.equations for n in x.walk(e.body) if isinstance(n, Ref)):
            for place, i in enumerate(node.index):
                if isinstance(i, Ref):
                    axes.setdefault(i.tensor, set()).add(layer.tensors[node.tensor].axes[place])
        return {name: f" below {self.letters.get(a, a)}" for name, own in axes.items() for a in sorted(own)[:1]}

    def _option(self, layer: Layer, option: Option, number: Opt) -> Row:
        """The row of an option, or of one of its numbers."""
        tex = self.symbol(option.name, number.at)
        if option.kind == "Count" and option.axis:
            tex = f"N_{{{self.letters.get(option.axis, option.axis)}}}"
        words = OPTION_KINDS[option.kind]
        if option.choices:
            words = "one of " + ", ".join(map(code, option.choices))
        if said := meaning(layer, option.name, "option"):
            words += f", {said}"
        value = number.of({option.name: option.default})
        default = "" if value is None else f"; default {code(str(value))}"
        return Row(tex, show(number), "option", words + default)


def describe(tensor: Tensor) -> str:
    """A tensor's kind and role, in the words of the table."""
    role = "input without gradient" if tensor.role == "state" else tensor.role
    words = [tensor.kind, role] if tensor.kind != "real" else [role]
    if tensor.optional:
        words.insert(0, "optional")
    if tensor.sequence:
        words[-1] += ", a list of arrays"
    if tensor.domain:
        words[-1] += f", {tensor.domain}"
    return " ".join(words)


def accent(kind: str, tex: str) -> str:
    return f"\\{kind}{{{tex}}}"


def upright(name: str) -> str:
    return "\\mathrm{" + name.replace("_", r"\_") + "}"


def spellings(name: str) -> tuple[str, ...]:
    """How a name is written by itself: ``x``, ``\\mu``, ``\\hat{x}``, else upright."""
    if name in GREEK:
        return (f"\\{name}",)
    if name in GREEK_LETTERS:
        return (f"\\{GREEK_LETTERS[name]}",)
    if len(name) == 1 and name.isascii() and name != "N":  # N is the length of an axis
        return (name,)
    if name.endswith("_hat"):
        return (accent("hat", spellings(name[:-4])[0]),)
    return (upright(name),)


def every_index(e: Expr) -> set[str]:
    """Every index in an expression, bound ones included."""
    found = {node.index for node in x.walk(e) if isinstance(node, Pos)}
    return found | {i for node in x.walk(e) if isinstance(node, Reduce) for i in node.over}


def equation_expressions(equation: Equation) -> tuple[Expr, Expr]:
    return equation.lhs, equation.body


def page_indices(derivation: Derivation) -> list[str]:
    """Indices that the author named, in order of appearance."""
    layer = derivation.layer
    named = [a for t in layer.tensors.values() for a in t.axes]
    named += sorted({i for e in layer.equations for i in every_index(Op("add", equation_expressions(e)))})
    named += list(layer.sizes)
    axes = {a for t in layer.tensors.values() for a in t.axes} | {*layer.sizes}  # t2 may be another axis than t

    def second(i: str) -> bool:
        return i not in axes and i[-1].isdigit() and i.rstrip("0123456789") in {*named, ELLIPSIS}

    return [i for i in dict.fromkeys(named) if not second(i)]
