"""The parts of a definition, from its source text: arguments, options, lengths, statements, results."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from derive.text.annotations import ANYWHERE, Domain, Unread, base, default_of, domain
from derive.text.several import in_places
from derive.text.words import KINDS, NUMBERS, OVER_INDICES, SHORT, SORTS

DOTS = "..."


@dataclass(frozen=True)
class Argument:
    """An array of the signature: ``W: Real[l][g * o, i]`` has entries l and slots ((g, o), (i,))."""

    name: str
    sort: str
    slots: tuple[tuple[str, ...], ...]
    entries: str = ""
    domain: Domain = ANYWHERE

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes as equations name them, products split."""
        return tuple(axis for slot in self.slots for axis in slot)

    @property
    def smooth(self) -> bool:
        """Whether it has a gradient."""
        return self.sort == "Real"


@dataclass(frozen=True)
class Option:
    """A keyword: ``groups: Count[g] = 1`` has axis g, ``Choice["a", "b"]`` has words, ``Count[2]`` two numbers.

    What an option of several numbers is given is a nested tuple with one for each of its places.
    """

    name: str
    kind: str
    default: Any
    axis: str = ""
    words: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Statement:
    """``target[left] = value``; a call of a layer has a part and may have several targets, some of them lists.

    ``y[b, h * w] = x[b, h, w]`` has b, h and w on the left, and the product (h, w).
    """

    targets: tuple[tuple[str, tuple[ast.expr, ...]], ...]
    value: ast.expr
    part: str = ""
    lists: tuple[bool, ...] = ()
    products: tuple[tuple[str, ...], ...] = ()

    @property
    def words(self) -> str:
        names = ", ".join(f"{n}[{', '.join(map(ast.unparse, left))}]" if left else n for n, left in self.targets)
        return f"{names} = {ast.unparse(self.value)}"


@dataclass(frozen=True, eq=False)
class Definition:
    """One definition as its text has it."""

    name: str
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    lengths: Mapping[str, ast.expr]
    statements: tuple[Statement, ...]
    results: tuple[str, ...]
    states: tuple[str, ...]
    code: dict[ast.AST, Any] = field(default_factory=dict, repr=False)

    def option(self, name: str) -> Option | None:
        return next((o for o in self.options if o.name == name), None)

    @cached_property
    def tensors(self) -> set[str]:
        return {a.name for a in self.arguments} | {*self.targets}

    @cached_property
    def targets(self) -> dict[str, list[tuple[Statement, int]]]:
        """The statements that give a tensor, and the place of it on their left."""
        found: dict[str, list[tuple[Statement, int]]] = {}
        for s in self.statements:
            for n, (name, _) in enumerate(s.targets):
                found.setdefault(name, []).append((s, n))
        return found

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """Indices that count the entries of lists."""
        return tuple(sorted({a.entries for a in self.arguments if a.entries}))

    def listed(self, name: str) -> bool:
        """Whether a result is a list: whether its first index counts entries, or a called layer gives one."""
        lefts = [s.targets[n][1] for s, n in self.targets[name]]
        given = any(s.lists[n] for s, n in self.targets[name] if n < len(s.lists))
        return given or any(left and self.index(left[0]) in self.entries for left in lefts)

    @property
    def products(self) -> set[tuple[str, ...]]:
        return {slot for a in self.arguments for slot in a.slots if len(slot) > 1}

    @property
    def smooth_arguments(self) -> tuple[Argument, ...]:
        return tuple(a for a in self.arguments if a.smooth)

    @property
    def smooth_results(self) -> tuple[str, ...]:
        return tuple(r for r in self.results if r not in self.states)

    @cached_property
    def elementwise(self) -> bool:
        """One number in, one number out: what may be called inside an expression."""
        match self.statements:
            case (Statement(targets=((_, (left,)),), value=value, part=""),) if is_dots(left):
                calls = (
                    n
                    for n in ast.walk(value)
                    if isinstance(n, ast.Call) and ast.unparse(n.func) in (*OVER_INDICES, *SHORT)
                )
                if any(all(self.index(i) is not None for i in parts(a)) for call in calls for a in call.args[:1]):
                    return False
                return [(a.sort, a.slots, a.entries) for a in self.arguments] == [("Real", ((DOTS,),), "")]
        return False

    def index(self, node: ast.AST) -> str | None:
        """The name of the index that a node is, if it is one."""
        if is_dots(node):
            return DOTS
        if isinstance(node, ast.Name) and node.id not in self.tensors and self.option(node.id) is None:
            return node.id
        return None


def is_dots(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def parts(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


class Library(Mapping[str, Definition]):
    """Definitions by name, parsed when they are asked for."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = dict(sources)
        self.known: dict[str, Definition] = {}

    def __getitem__(self, name: str) -> Definition:
        if name not in self.known:
            self.known[name] = parse(self.sources[name], self)
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.sources)

    def __len__(self) -> int:
        return len(self.sources)


def parse(source: str, library: Library) -> Definition:
    """Read one definition.

    Raises:
        Unread: something in it is unknown.
    """
    body = ast.parse(textwrap.dedent(source)).body
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise Unread("not one function")
    function = body[0]
    signature = function.args
    if signature.vararg or signature.kwarg or signature.posonlyargs:
        raise Unread(f"{function.name}: a signature with *, ** or /")
    required = len(signature.args) - len(signature.defaults)
    defaults = [*([None] * required), *signature.defaults, *signature.kw_defaults]
    arguments, options = [], []
    for a, default in zip(signature.args + signature.kwonlyargs, defaults, strict=True):
        found = _declared(a, default)
        arguments += [found] if isinstance(found, Argument) else []
        options += [found] if isinstance(found, Option) else []
    lengths: dict[str, ast.expr] = {}
    statements: list[Statement] = []
    results: list[str] = []
    states: list[str] = []
    lines = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    for line in lines[:-1]:
        match line:
            case ast.Assign([ast.Name(id=name)], ast.Call(func=ast.Name(id="axis"), args=[length], keywords=[])):
                if name in lengths:
                    raise Unread(f"{function.name}: two lengths of {name}")
                lengths[name] = length
            case ast.Assign([target], value):
                own = {
                    *(a.name for a in arguments),
                    *(o.name for o in options),
                    *(n for s in statements for n, _ in s.targets),
                }
                statements.append(_statement(function.name, target, value, library, own))
            case _:
                raise Unread(f"{function.name}: {ast.unparse(line)} is not an equation")
    if not lines or not isinstance(lines[-1], ast.Return) or lines[-1].value is None:
        raise Unread(f"{function.name}: the last line is not a return")
    for item in parts(lines[-1].value):
        match item:
            case ast.Name(id=name):
                results.append(name)
            case ast.Call(func=ast.Name(id="state"), args=names, keywords=[]) if all(
                isinstance(n, ast.Name) for n in names
            ):
                states += [n.id for n in names if isinstance(n, ast.Name)]
                results += [n.id for n in names if isinstance(n, ast.Name)]
            case _:
                raise Unread(f"{function.name} returns {ast.unparse(item)}")
    found_all = Definition(
        function.name,
        tuple(arguments),
        tuple(options),
        lengths,
        tuple(statements),
        tuple(results),
        tuple(states),
    )
    _check(found_all)
    return found_all


def _declared(a: ast.arg, default: ast.expr | None) -> Argument | Option:
    if a.annotation is None:
        raise Unread(f"{a.arg} has no annotation")
    annotation, within = domain(a.annotation)
    kind, brackets = base(annotation)
    if kind in SORTS and (default is None or kind not in KINDS) and len(brackets) < 3:
        if default is not None and not (kind == "Mask" and isinstance(default, ast.Constant) and default.value is None):
            raise Unread(f"{a.arg} has a default")
        entries = ""
        if len(brackets) == 2:
            match brackets.pop(0):
                case ast.Name(id=entries):
                    pass
                case _:
                    raise Unread(f"the entries of {a.arg} are counted by no name")
        return Argument(a.arg, kind, tuple(_slot(s) for b in brackets for s in parts(b)), entries, within)
    if kind not in KINDS or default is None:
        raise Unread(f"{a.arg}: {ast.unparse(a.annotation)}")
    inner = [s for b in brackets for s in parts(b)]
    axis = next((s.id for s in inner if isinstance(s, ast.Name)), "")
    words = tuple(s.value for s in inner if isinstance(s, ast.Constant) and isinstance(s.value, str))
    counts = tuple(s.value for s in inner if isinstance(s, ast.Constant) and isinstance(s.value, int))
    if counts and (len(counts) < len(inner) or kind not in NUMBERS):
        raise Unread(f"{a.arg}: {ast.unparse(a.annotation)}")
    return Option(a.arg, kind, in_places(default_of(kind, default), counts), axis, words, counts)


def _slot(node: ast.expr) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Constant(value=value) if value is Ellipsis:
            return (DOTS,)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _slot(left) + _slot(right)
    raise Unread(f"the axis {ast.unparse(node)}")


def _statement(name: str, target: ast.expr, value: ast.expr, library: Library, own: set[str]) -> Statement:
    targets: list[tuple[str, tuple[ast.expr, ...]]] = []
    products: list[tuple[str, ...]] = []
    for item in parts(target):
        match item:
            case ast.Name(id=tensor):
                targets.append((tensor, ()))
            case ast.Subscript(value=ast.Name(id=tensor), slice=left):
                items: list[ast.expr] = []
                for index in parts(left):
                    if isinstance(index, ast.BinOp) and isinstance(index.op, ast.Mult):
                        products.append(_slot(index))
                        items += [ast.Name(id=axis, ctx=ast.Load()) for axis in products[-1]]
                    else:
                        items.append(index)
                targets.append((tensor, tuple(items)))
            case _:
                raise Unread(f"{name}: the left side {ast.unparse(item)}")
    part = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
    called = part != name
    match value:
        case ast.Call(args=[over, _], keywords=[]) if part in SHORT:  # over indices, not the layer of that name
            called &= any(isinstance(n, ast.Name) and n.id in own for n in parts(over))
    called = called and part in library and not library[part].elementwise
    if len(targets) > 1 and not called:
        raise Unread(f"{name}: several targets of {ast.unparse(value)}")
    if not called:
        return Statement(tuple(targets), value, products=tuple(products))
    lists = tuple(library[part].listed(result) for result in library[part].results)
    return Statement(tuple(targets), value, part, lists)


def _check(text: Definition) -> None:
    """Nothing that has two meanings."""
    names = [a.name for a in text.arguments] + [o.name for o in text.options]
    targets = {*text.targets}
    if len(set(names)) < len(names) or targets & set(names):
        raise Unread(f"{text.name}: one name for two things")
    axes = {axis for a in text.arguments for axis in (*a.axes, a.entries)} | set(text.lengths)
    if axes & ({*names} | targets):
        raise Unread(f"{text.name}: {min(axes & ({*names} | targets))} is an axis and something else")
    if len(set(text.results)) < len(text.results) or not set(text.results) <= targets:
        raise Unread(f"{text.name}: what is returned")
    for a in text.arguments:
        if a.axes.count(DOTS) > 1:
            raise Unread(f"{text.name}: two ... of {a.name}")
