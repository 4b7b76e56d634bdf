"""Which results of a printed function may share memory with what was passed in, what is saved, or each other.

The printed code is read as it will run: every expression has the set of memories that its value may lie in. What an
operation allocates is a memory of its own; a view has its array's; of a call that is not known to allocate, the result
may lie in any argument. Where the sets of a result and of something else meet, the kernel is to look (`own`), so what
is said here is never too little.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from derive.program.rewriting.words import WORDS

#: Functions of NumPy and of the runtime whose results lie in memory of their own, or in what is passed as out.
ALLOCATE = frozenset(
    word
    for line in (
        "add subtract multiply divide negative maximum minimum square sqrt exp log tanh sin cos power abs sign where",
        "empty zeros ones full full_like zeros_like empty_like arange matmul vecdot reduce",
        "chosen contract copysign divide_where either exp_decay exp_sum expm1_decay filled gelu gelu_derivative",
        "gelu_with_derivative global_norm largest argmax less_one_hot log_sum log_sum_exp logistic logistic_slope mean",
        "softplus erf normal_cdf normal_pdf exactly less_mean less_share matrix_product sum_over excluding leaving_out",
        "overlap_add ratio room row_dot row_exp scatter_add square_sum sum_of_squares window_max xdivy xlogy own",
    )
    for word in line.split()
).union(WORDS)
#: Methods whose results do.
COPY = frozenset({"copy", "astype", "take", "dot", "sum"})
#: Functions of other layers, whose results share nothing: the rule that is kept here.
LAYER = frozenset({"forward", "backward", "jvp", "double_backward"})

Memories = frozenset[str]
NONE: Memories = frozenset()


@dataclass
class Reading:
    """Reads one function.

    Attributes:
        helpers: functions of the same module, by name.
        memories: of every name that has been assigned.
        arrays: names that were assigned an array: what is written into it is copied.
    """

    helpers: dict[str, ast.FunctionDef]
    memories: dict[str, Memories] = field(default_factory=dict)
    arrays: set[str] = field(default_factory=set)

    def run(self, statements: Iterable[ast.stmt]) -> list[ast.expr]:
        """Read statements; what they return."""
        returned = []
        for s in statements:
            match s:
                case ast.Assign(targets=[target], value=value):
                    self.assign(target, value)
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        self.assign(target, value)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    self.assign(target, value)
                case ast.For(target=target, iter=over, body=body):
                    self.put(target, self.of(over))
                    returned += self.run(body) + self.run(body)  # what comes last is there in the next round
                case ast.If(body=body, orelse=orelse):
                    returned += self.run(body) + self.run(orelse)
                case ast.Return(value=ast.expr() as value):
                    returned.append(value)
        return returned

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple):
            parts = self.parts(value, len(target.elts))
            for t, m in zip(target.elts, parts, strict=True):
                self.put(t, m)
            return
        if isinstance(target, ast.Name) and isinstance(value, ast.Call) and name_of(value.func) in ("empty", "zeros"):
            self.arrays.add(target.id)
        self.put(target, self.of(value))

    def put(self, target: ast.expr, memories: Memories) -> None:
        """A value goes to a name, or into a list; what is written into an array stays where it was."""
        match target:
            case ast.Name(id=name):
                self.memories[name] = self.memories.get(name, NONE) | memories
            case ast.Tuple(elts=elts):
                for t in elts:
                    self.put(t, memories)
            case ast.Starred(value=inner):
                self.put(inner, memories)
            case ast.Subscript(value=ast.Name(id=name)) if name not in self.arrays:
                self.put(ast.Name(name), memories)

    def parts(self, value: ast.expr, count: int) -> list[Memories]:
        """The memories of each of several values."""
        match value:
            case ast.Tuple(elts=elts) if len(elts) == count:
                return [self.of(e) for e in elts]
            case ast.Call(func=func):
                name = name_of(func)
                if name in self.helpers and isinstance(func, ast.Name):
                    return self.helper(value, self.helpers[name], count)
                if name == "forward" and count == 2:  # its result, and what it saved
                    return [self.fresh(value), self.given(value)]
                if name in LAYER | ALLOCATE:
                    return [self.fresh(value, n) for n in range(count)]
                if is_signature(func):
                    return [self.fresh(value, n) for n in range(count)]
        return [self.of(value)] * count

    def fresh(self, node: ast.expr, part: int = 0) -> Memories:
        return frozenset({f"{node.lineno}:{node.col_offset}:{part}"})

    def given(self, call: ast.Call) -> Memories:
        """Everything that goes into a call."""
        values = [*call.args, *(k.value for k in call.keywords)]
        if isinstance(call.func, ast.Attribute):
            values.append(call.func.value)
        return NONE.union(*map(self.of, values))

    def helper(self, call: ast.Call, function: ast.FunctionDef, count: int) -> list[Memories]:
        """What a function of the module returns, by the memories of its arguments here."""
        inner = Reading(self.helpers)
        inner.memories = {a.arg: frozenset({a.arg}) for a in function.args.args}
        passed = dict(zip((a.arg for a in function.args.args), map(self.of, call.args), strict=False))
        passed |= {k.arg: self.of(k.value) for k in call.keywords if k.arg}
        found = [NONE] * count
        for value in inner.run(function.body):
            parts = inner.parts(value, count) if count > 1 else [inner.of(value)]
            for n, memories in enumerate(parts):
                here = (passed.get(m, NONE if m in inner.memories else frozenset({f"{function.name}.{m}"}))
                        for m in memories)  # fmt: skip
                found[n] = found[n].union(*here)
        return [f | self.fresh(call, n) for n, f in enumerate(found)]

    def of(self, e: ast.expr) -> Memories:
        """The memories that the value of an expression may lie in."""
        match e:
            case ast.Name(id=name):
                return self.memories.get(name, NONE)
            case ast.Constant():
                return NONE
            case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.BoolOp():
                return self.fresh(e)
            case ast.Subscript(value=ast.Name(id="dims")):  # a size
                return NONE
            case ast.Subscript(value=value) | ast.Attribute(value=value) | ast.Starred(value=value):
                return self.of(value)
            case ast.IfExp(body=body, orelse=orelse):
                return self.of(body) | self.of(orelse)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                return NONE.union(*map(self.of, elts))
            case ast.ListComp(elt=elt, generators=generators) | ast.GeneratorExp(elt=elt, generators=generators):
                for g in generators:
                    self.put(g.target, self.of(g.iter))
                return self.of(elt)
            case ast.Call(func=func, keywords=keywords):
                return self.call(e, name_of(func), keywords)
        return self.fresh(e) | NONE.union(*(self.of(n) for n in ast.walk(e) if isinstance(n, ast.Name)))

    def call(self, e: ast.Call, name: str, keywords: list[ast.keyword]) -> Memories:
        if name in self.helpers and isinstance(e.func, ast.Name):
            return self.helper(e, self.helpers[name], 1)[0]
        out = NONE.union(*(self.of(k.value) for k in keywords if k.arg == "out"))
        if name in ALLOCATE | LAYER or (isinstance(e.func, ast.Attribute) and name in COPY):
            return self.fresh(e) | out
        if is_signature(e.func):
            return self.fresh(e)  # an argument, or what was saved
        return self.fresh(e) | self.given(e)


def name_of(e: ast.expr) -> str:
    """The last word of what is called."""
    return e.id if isinstance(e, ast.Name) else e.attr if isinstance(e, ast.Attribute) else ""


def is_signature(function: ast.expr) -> bool:
    """Whether it is a method of the module's signature: it gives what the caller passed, or forward saved."""
    return isinstance(function, ast.Attribute) and name_of(function.value) == "SIGNATURE"


def met(lines: Iterable[str], results: dict[str, str], kept: Iterable[str], helpers: Iterable[str]) -> dict[str, str]:
    """Results that may share memory, and the names of what they may share it with, as arguments of `own`.

    Args:
        lines: of a function, as printed so far.
        results: what it returns, as code, by name.
        kept: names that are saved.
        helpers: the functions of the module that it may call, as text.
    """
    functions = {f.name: f for text in helpers for f in ast.parse(text).body if isinstance(f, ast.FunctionDef)}
    reading = Reading(functions)
    body = next(s for s in ast.parse("\n".join([*lines, "    pass\n"])).body if isinstance(s, ast.FunctionDef))
    reading.run(body.body)
    passed = (
        n.id
        for s in ast.walk(body)
        if isinstance(s, ast.Assign) and isinstance(s.value, ast.Call) and is_signature(s.value.func)
        for target in s.targets
        for n in ast.walk(target)
        if isinstance(n, ast.Name)
    )
    kept = set(kept)
    others = {name: reading.memories.get(name, NONE) for name in dict.fromkeys((*passed, *kept))}
    found = {}
    for name, code in results.items():
        memories = reading.of(ast.parse(code, mode="eval").body)
        same = ["saved" if other in kept else other for other, m in others.items() if m & memories]
        if same:
            found[name] = ", ".join(dict.fromkeys(same))
        others[code if code.isidentifier() else ""] = memories
    return found
