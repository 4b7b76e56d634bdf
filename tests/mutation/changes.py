"""Small changes to a module's text, one at a time: what a slip of the pen would leave.

An operator, a condition, a constant, a returned value, a dropped statement. Only the changed piece is written anew, so
that every other line stays what and where it was. Left alone is what no run can notice: annotations, docstrings, the
words of errors, assertions and what stands for type checkers.
"""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff

KINDS = ("operator", "condition", "constant", "returned", "dropped")
OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
    ast.And: ast.Or, ast.Or: ast.And,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
#: What a function may return in place of what it does, by how its annotation begins.
RETURNED = {"bool": "not ({})", "int": "({}) + 1", "float": "({}) + 1", "str": '""', "list": "[]", "tuple": "()",
            "dict": "{{}}", "set": "set()", "frozenset": "frozenset()", "Expr": "None", "Array": "-({})"}  # fmt: skip
#: Calls whose words are for people.
SAID = {"fail", "error", "misfit", "Stuck", "DefinitionError", "note", "warn", "NotImplementedError"}


@dataclass(frozen=True)
class Change:
    """One change: a module's path, the piece's lines and columns (from 1 and 0, in bytes), and its new text."""

    path: str
    kind: str
    scope: str
    first: int
    begin: int
    last: int
    end: int
    text: str

    def applied(self, source: str) -> str:
        lines = source.split("\n")
        head = lines[self.first - 1].encode()[: self.begin].decode()
        tail = lines[self.last - 1].encode()[self.end :].decode()
        added = (head + self.text + tail).split("\n")
        blank = [""] * (self.last - self.first + 1 - len(added))
        return "\n".join(lines[: self.first - 1] + added + blank + lines[self.last :])

    def diff(self, source: str) -> str:
        old, new = (t.splitlines(keepends=True) for t in (source, self.applied(source)))
        return "".join(line for line in unified_diff(old, new, self.path, self.path, n=0) if line.strip() not in "+-")

    def key(self, source: str) -> str:
        """The same while the module's text is."""
        return hashlib.sha256(f"{self}{hashlib.sha256(source.encode()).hexdigest()}".encode()).hexdigest()[:12]


def lines_of(change: Change, source: str) -> tuple[int, int]:
    """The first and the last line of which one runs when what is changed does.

    Of a simple statement all its lines; of a condition its own; of a default, which runs when the module is read, the
    function's; of what stands outside of functions, the module's.
    """
    if not change.scope:
        return 1, source.count("\n") + 1
    around = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.stmt) and within(change, n)]
    inner = around[-1]  # ast.walk goes from the outside in
    if isinstance(inner, ast.FunctionDef | ast.ClassDef):
        return inner.lineno, inner.end_lineno or inner.lineno
    if hasattr(inner, "body") or isinstance(inner, ast.Match):
        return change.first, change.last
    return inner.lineno, inner.end_lineno or inner.lineno


def within(change: Change, node: ast.stmt) -> bool:
    begin, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    return begin <= (change.first, change.begin) and (change.last, change.end) <= end


def skipped(tree: ast.Module) -> set[ast.AST]:
    """Pieces that are left alone, with all that is in them."""
    found: set[ast.AST] = set()

    def leave(*nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                found.update(ast.walk(node))

    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(args=arguments, returns=returns):
                leave(
                    returns, *(a.annotation for a in [*arguments.args, *arguments.kwonlyargs, *arguments.posonlyargs])
                )
            case ast.AnnAssign(annotation=annotation):
                leave(annotation)
            case ast.Expr(value=ast.Constant(value=str())) | ast.Assert() | ast.Import() | ast.ImportFrom():
                leave(node)
            case ast.JoinedStr():
                leave(node)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                leave(node)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in SAID:
                leave(*node.args, *node.keywords)
            case ast.Raise(exc=ast.Call() as call):
                leave(*call.args, *call.keywords)
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                leave(node)
    return found


def scopes(tree: ast.Module) -> dict[ast.AST, str]:
    """The function that a piece is in, as ``Class.method``; nothing outside of all."""
    found: dict[ast.AST, str] = {}

    def visit(node: ast.AST, names: tuple[str, ...], inside: bool) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names, inside = (*names, node.name), inside or isinstance(node, ast.FunctionDef)
        found[node] = ".".join(names) if inside else ""
        for child in ast.iter_child_nodes(node):
            visit(child, names, inside)

    visit(tree, (), False)
    return found


def changes(path: str, source: str) -> Iterator[Change]:
    """Every change of a module."""
    tree = ast.parse(source)
    left, where = skipped(tree), scopes(tree)
    returns = {n: f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}

    def change(kind: str, node: ast.AST, text: str) -> Change:
        place = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        return Change(path, kind, where[node], *place, text)

    for node in ast.walk(tree):
        if node in left:
            continue
        match node:
            case ast.BinOp() | ast.BoolOp() | ast.Compare():
                for other in swapped(node):
                    yield change("operator", node, f"({ast.unparse(other)})")
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                yield change("operator", node, f"({ast.unparse(operand)})")
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) if test not in left:
                yield change("condition", test, f"(not ({ast.unparse(test)}))")
            case ast.comprehension(ifs=tests):
                for test in tests:
                    yield change("condition", test, "True")
            case ast.match_case(guard=ast.expr() as guard):
                yield change("condition", guard, "True")
            case ast.Constant(value=bool() as value):
                yield change("constant", node, str(not value))
            case ast.Constant(value=int() | float() as value):
                yield change("constant", node, repr(value + 1))
            case ast.Return(value=ast.expr() as value):
                function = returns[node]
                kind = ast.unparse(function.returns).split("[")[0].split(" ")[0] if function.returns else ""
                if kind in RETURNED and not (isinstance(value, ast.Constant) and value.value is None):
                    text = RETURNED[kind].format(ast.unparse(value))
                    if text != ast.unparse(value):
                        yield change("returned", value, text)
            case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
                yield change("dropped", node, "pass")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield change("dropped", node, "pass")


def swapped(node: ast.BinOp | ast.BoolOp | ast.Compare) -> Iterator[ast.expr]:
    """The expression with one operator in place of another."""
    if isinstance(node, ast.Compare):
        for n, op in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[n] = OPERATORS[type(op)]()  # type: ignore[assignment]
            yield other
    elif type(node.op) in OPERATORS:
        another = copy.copy(node)
        another.op = OPERATORS[type(node.op)]()  # type: ignore[assignment]
        yield another
