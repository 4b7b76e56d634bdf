"""Names in generated modules: those of the definition and those of the kernel never meet.

While a module is printed, every name that comes from the definition (tensors, options, indices, and what calculus made
of them) is written in an alphabet that no text of the kernel's own uses. So ``d⟨x⟩`` and ``⟨dx⟩``, ``np`` and ``⟨np⟩``
are different words, whatever a definition calls its tensors. When the module is done, `spelled` writes all of them in
their own letters: a definition's name always as it was typed, since callers use it; a name of the kernel's own gives
way to it with a ``_`` at its end.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, is_dataclass, replace
from itertools import count
from string import ascii_letters
from typing import Any

from derive.notation.define import REGISTRY
from derive.notation.expr import CONSTANTS, Num, Op, Opt, Part, Pos, Reduce, Ref, Size, given
from derive.notation.layer import Call, Equation, Layer, Option, Slot, Tensor
from derive.program.ir import (
    Array,
    Both,
    Contract,
    Fold,
    Function,
    Invoke,
    KernelProgram,
    Loop,
    Make,
    Map,
    Parameter,
    Rows,
    Scatter,
    Variant,
)

FIRST = 0x20000  # from here on: letters that Python takes in identifiers, and nobody writes mathematics with


class Alphabet:
    """Stand-ins for the letters of a definition's names and, others, for those of layers' names; and back."""

    def __init__(self, names: Iterable[str], words: str) -> None:
        """``words`` is text that is printed as it is: its characters stand for nothing else."""
        letters = sorted({c for name in names for c in name if c.isidentifier()})
        used = set(words).union(letters)
        spare = (c for c in map(chr, count(FIRST)) if c not in used and c.isidentifier())
        self.names = {ord(c): next(spare) for c in letters}
        self.layers = {ord(c): next(spare) for c in letters}
        self.back = {ord(there): chr(c) for table in (self.names, self.layers) for c, there in table.items()}

    def name(self, name: str) -> str:
        return name.translate(self.names)

    def layer(self, name: str) -> str:
        return name.translate(self.layers)

    def decode(self, text: str) -> str:
        return text.translate(self.back)

    def stands_for(self, identifier: str) -> str:
        """Whether a word is all a definition's ``name``, all a ``layer``'s, or of the kernel's ``own`` making."""
        letters = {c for c in identifier if c.isidentifier()}
        for kind, table in (("name", self.names), ("layer", self.layers)):
            if letters <= set(table.values()):
                return kind
        return "own"


# ---- into the alphabet ---------------------------------------------------------------------------------------------

#: What of a type is a name, or holds names; the rest stays as it is.
HOLDERS: dict[type, tuple[str, ...]] = {
    Opt: ("name",),
    Size: ("axis",),
    Pos: ("index",),
    Ref: ("tensor", "index"),
    Op: ("args",),
    Reduce: ("over", "body"),
    Part: ("groups", "over"),
    Slot: ("parts",),
    Tensor: ("name", "axes", "slots"),
    Option: ("name", "axis"),
    Equation: ("target", "left", "body"),
    Layer: ("tensors", "options", "outputs", "state_outputs", "sizes", "same", "begins_early"),
    Array: ("name", "axes"),
    Parameter: ("name", "of"),
    Map: ("name", "left", "axes", "body", "like"),
    Fold: ("name", "left", "axes", "over", "body", "there", "count"),
    Both: ("first", "second"),
    Contract: ("name", "left", "axes", "over", "a", "b", "scale", "there"),
    Scatter: ("name", "left", "axes", "axis", "index", "over", "values"),
    Make: ("name",),
    Loop: ("axis", "body", "local"),
    Rows: ("axis", "body", "given", "results"),
    Function: ("parameters", "arrays", "statements", "results", "saved", "equations", "zeros"),
    Num: (),
}


@dataclass(frozen=True)
class Encoder:
    """Writes what a derivation holds in an alphabet.

    Attributes:
        functions: options that stand for a function.
        layers: layers that are functions of one number.
    """

    alphabet: Alphabet
    functions: frozenset[str]
    layers: frozenset[str]

    def __call__(self, value: Any) -> Any:
        match value:
            case str():
                return self.alphabet.name(value)
            case Opt(name) if name in CONSTANTS:
                return value
            case Op(fn, args):
                return Op(self.function(fn), self(args))
            case Part(options=options):
                kept = tuple((name, given(o, self)) for name, o in options)
                called = self.alphabet.layer(value.layer)
                return replace(value, layer=called, groups=self(value.groups), over=self(value.over), options=kept)
            case Invoke(call=call, results=results):
                return Invoke(self(call), tuple((field, self(ref)) for field, ref in results))
            case Variant(layer=layer, functions=functions):
                return Variant(self(layer), {name: self(f) for name, f in functions.items()})
            case KernelProgram(variants=variants):
                own = tuple(map(self.alphabet.layer, value.own))
                return replace(value, variants=self(variants), own=own)
            case Layer(steps=steps, choice=choice):
                equations = tuple(self(e) for s in steps for e in (s.equations if isinstance(s, Call) else (s,)))
                chosen = tuple((self(name), word) for name, word in choice)
                return replace(self.fields(value), steps=equations, choice=chosen)
            case dict():
                return {self(k): self(v) for k, v in value.items()}
            case tuple() | list() | frozenset():
                return type(value)(self(v) for v in value)
        return self.fields(value) if is_dataclass(value) else value

    def fields(self, value: Any) -> Any:
        return replace(value, **{name: self(getattr(value, name)) for name in HOLDERS[type(value)]})

    def function(self, fn: str) -> str:
        """An option that chooses a function is a name of the definition, another layer is one; ``'`` marks slopes."""
        name = fn.rstrip("'")
        if name in self.functions:
            return self(name) + fn[len(name) :]  # type: ignore[no-any-return]
        return self.alphabet.layer(name) + fn[len(name) :] if name in self.layers else fn


def encoder_of(program: KernelProgram) -> Encoder:
    """The encoder for one layer's module."""
    layer = program.layer
    functions = frozenset(o.name for o in layer.options if o.kind == "Activation")
    layers = frozenset(n for n, v in REGISTRY.items() if v[0].elementwise).union(program.own) - functions
    parts = (c.part.source for c in layer.calls)
    words = (layer.source, layer.doc, layer.cites, layer.file, *(c for o in layer.options for c in o.choices))
    alphabet = Alphabet((ascii_letters, "_", layer.source, *parts, *REGISTRY), "".join(words))
    return Encoder(alphabet, functions, layers)


# ---- and back ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """A name in a module's text: where it stands (line from 1, byte from 0) and what it is."""

    line: int
    column: int
    text: str


def words_of(tree: ast.Module, text: str) -> Iterator[Word]:
    """Every name that a module binds or reads; attributes, keywords and strings are not names of its own."""
    lines = text.split("\n")
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                yield Word(node.lineno, node.col_offset, name)
            case ast.arg(arg=name):
                yield Word(node.lineno, node.col_offset, name)
            case ast.alias(name=name) if node.asname:
                after = lines[node.lineno - 1].encode()[node.col_offset :].decode().index(f" as {node.asname}") + 4
                ahead = lines[node.lineno - 1].encode()[node.col_offset :].decode()[:after]
                yield Word(node.lineno, node.col_offset + len(ahead.encode()), node.asname)
            case ast.Call(func=ast.Name(id="in_blocks") | ast.Attribute(value=ast.Name(id="SIGNATURE"))):
                yield from results_named(node)
            case ast.Subscript(value=ast.Attribute(attr="out"), slice=ast.Constant() as key):
                yield Word(key.lineno, key.col_offset + 1, str(key.value))


def results_named(call: ast.Call) -> Iterator[Word]:
    """``@in_blocks(out=("y",))`` names parameters of the function below it, ``SIGNATURE.forward`` what it saves."""
    for keyword in call.keywords:
        for node in ast.walk(keyword.value) if keyword.arg in ("out", "saved") else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
                yield Word(node.lineno, node.col_offset + 1, node.value)


def targets(tree: ast.Module) -> Iterator[tuple[ast.Name, int]]:
    """The names that a module's own assignments bind, and the lines where these end."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                yield target, node.end_lineno or 0


def offered(tree: ast.Module) -> dict[str, int]:
    """What a module offers its callers, and the lines where it is complete."""
    made = (n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef))
    return {n.name: n.end_lineno or 0 for n in made} | {t.id: line for t, line in targets(tree)}


def imported(tree: ast.Module) -> dict[str, ast.alias]:
    """Names that imports without ``as`` bind."""
    nodes = (n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom))
    return {a.name: a for n in nodes for a in n.names if not a.asname}


def spelled(text: str, alphabet: Alphabet) -> str:
    """A module with every name in its own letters.

    A definition's names are as they were typed. Layers and names of the kernel's own end in ``_`` where a definition
    has such a name. What is called differently outside, by callers or by Python, keeps its name there and gets the
    other one beside it.
    """
    tree = ast.parse(text)
    words = set(words_of(tree, text))
    final = names_of(sorted(words, key=lambda w: (w.line, w.column)), alphabet)
    places = {(t.lineno, t.col_offset) for t, _ in targets(tree)}  # assignments of what a module offers
    new = {w: w.text if (w.line, w.column) in places else final[w.text] for w in words}
    head: list[str] = []
    after: dict[int, str] = {}
    known, bound = offered(tree), imported(tree)
    for word, chosen in final.items():
        plain = alphabet.decode(word)
        if chosen == plain:
            continue
        if word in bound:
            new[Word(bound[word].lineno, bound[word].col_offset, word)] = f"{plain} as {chosen}"
        elif word in known:
            after[known[word]] = f"{chosen} = {plain}"
        elif hasattr(builtins, plain):
            head.append(f"from builtins import {plain} as {chosen}")
    lines = [line.encode() for line in text.split("\n")]
    for w, chosen in sorted(new.items(), key=lambda item: (item[0].line, -item[0].column)):
        line, end = lines[w.line - 1], w.column + len(w.text.encode())
        lines[w.line - 1] = line[: w.column] + chosen.encode() + line[end:]
    first = min((n.lineno for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)), default=1)
    out: list[str] = []
    for number, content in enumerate(lines, 1):
        out += head if number == first else []
        out.append(alphabet.decode(content.decode()))
        out += ["", "", after[number]] if number in after else []
    return "\n".join(out)


def names_of(words: Iterable[Word], alphabet: Alphabet) -> dict[str, str]:
    """What every word of a module is called in the end: the definition's names first, then layers, then the rest."""
    kinds = {w.text: alphabet.stands_for(w.text) for w in words}
    final = {word: alphabet.decode(word) for word, kind in kinds.items() if kind == "name"}
    taken = set(final.values())
    for word in sorted((w for w, kind in kinds.items() if kind != "name"), key=lambda w: kinds[w] == "own"):
        name = alphabet.decode(word)
        while name in taken:
            name += "_"
        taken.add(name)
        final[word] = name
    return final
