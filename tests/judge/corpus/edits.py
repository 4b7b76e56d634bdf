"""Printed kernels with one thing in their source changed: real NumPy, by hand-chosen kinds of mistakes.

The changes are made to the statements of the kernel, which is fused and factored, and not to the equations that the
judge's diagnosis changes. One that gives the same numbers everywhere is no mistake and left out: whether it does is
seen by running it beside the right one, once: ``python -m tests.judge.corpus.edits`` chooses again, into edits.json.
"""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from derive.evidence import inputs, kernels
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case
from tests.evidence.shared import LAYERS
from tests.judge.corpus.wrong import Wrong

LIST = Path(__file__).with_suffix(".json")
EACH = 2  # of one kind in one function of a layer
MOST = 9  # in one function of a layer
SEEN = 1e-3  # of the largest element: a change that is smaller everywhere is not counted on
NEXT: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
ANY = r"it is ours|it is 0|copy of|convention"
#: What a diagnosis must say of a change of each kind: that a formula is another one, and which change gives it.
CAUSES = {
    "term dropped": r"without the|as 0|cut off|with .* for |0 everywhere|copy of|times|absolute|everywhere",
    "sign": r"sign|-1|-2|negat|with .* for |without the|times",
    "factor dropped": r"without the|with .* for |times|ones|dropped|exchanged",
    "divisor dropped": r"times|without the|sum for a mean|with .* for ",
    "mean for sum": r"1/|mean|times|with .* for |without the",
    "sum for mean": r"times|sum for a mean|size|without the",
    "comparison": r"0 everywhere|convention|tie|with .* for |option|wrong only|bracket",
    "constant": r"times|with .* for |without the",
    "wrong array": r"with .* for |without the|copy of|times|ones|exchanged|everywhere|factor",
    "not transposed": r"transposed|with .* for |index|exchanged",
    "epsilon beside the root": r"epsilon",
    "off by one": r"off by one|with .* for |without|last|window|N - 1|first",
    "wrong index": r"with .* for |without|index|off by one|exchanged|last|first|turned",
    "condition ignored": r"with .* for |without|mask|option|condition|reduction",
    "indices exchanged": r"transposed|index|exchanged|with .* for |order",
    "function left out": r"with .* for |without|exponent|times",
}


def source(layer: str) -> tuple[str, ast.Module]:
    path = kernels.kernel_of(layer).__file__
    assert path is not None
    text = Path(path).read_text(encoding="utf-8")
    return path, ast.parse(text)


def changes(node: ast.AST, names: list[str]) -> Iterator[tuple[str, ast.AST]]:
    """The mistakes that can be made at one node."""
    match node:
        case ast.BinOp(left, ast.Add(), right):
            yield "term dropped", left
            yield "term dropped", right
            yield "sign", ast.BinOp(left, ast.Sub(), right)
        case ast.BinOp(left, ast.Sub(), right):
            yield "term dropped", left
            yield "term dropped", ast.UnaryOp(ast.USub(), right)
            yield "sign", ast.BinOp(left, ast.Add(), right)
        case ast.BinOp(left, ast.Mult(), right):
            yield "factor dropped", left
            yield "factor dropped", right
        case ast.BinOp(left, ast.Div(), _):
            yield "divisor dropped", left
        case ast.UnaryOp(ast.USub(), operand) if not isinstance(operand, ast.Constant):
            yield "sign", operand
        case ast.Compare(left, [op], [right]) if type(op) in NEXT:
            yield "comparison", ast.Compare(left, [NEXT[type(op)]()], [right])
        case ast.IfExp(_, body, orelse):
            yield "condition ignored", body
            yield "condition ignored", orelse
        case ast.Constant(bool()):
            pass
        case ast.Constant(float(value)):
            yield "constant", ast.Constant(2 * value)
        case ast.Name(name, ast.Load()) if name in names:
            for other in names:
                if other != name:
                    yield "wrong array", ast.Name(other, ast.Load())
        case ast.Subscript(value, ast.Slice(ast.Constant(1), None, None), ctx):
            yield "off by one", ast.Subscript(value, ast.Slice(None, ast.Constant(-1), None), ctx)
        case ast.Subscript(value, ast.Tuple([*first, ast.Constant(int(index))]), ast.Load()):
            for other in range(4):
                if other != index:
                    yield "wrong index", ast.Subscript(value, ast.Tuple([*first, ast.Constant(other)]), ast.Load())
        case ast.Call(ast.Attribute(value, "swapaxes"), _, _):
            yield "not transposed", value
        case ast.Call(ast.Attribute(ast.Name("np"), "sqrt"), [ast.BinOp(left, ast.Add(), ast.Name("epsilon"))], _):
            root = ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "sqrt", ast.Load()), [left], [])
            yield "epsilon beside the root", ast.BinOp(root, ast.Add(), ast.Name("epsilon", ast.Load()))
            yield "function left out", ast.BinOp(left, ast.Add(), ast.Name("epsilon", ast.Load()))
        case ast.Call(ast.Name("mean"), [a], keywords):
            yield (
                "sum for mean",
                ast.Call(ast.Name("sum_over", ast.Load()), [a], [k for k in keywords if k.arg == "axis"]),
            )
        case ast.Call(ast.Name("sum_over"), args, keywords):
            yield (
                "mean for sum",
                ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "mean", ast.Load()), args, keywords),
            )
        case ast.Call(ast.Name("range"), [ast.Name() as n], _):
            yield "off by one", ast.Call(ast.Name("range", ast.Load()), [ast.BinOp(n, ast.Sub(), ast.Constant(1))], [])
            yield "off by one", ast.Call(ast.Name("range", ast.Load()), [ast.Constant(1), n], [])
        case ast.Call(ast.Attribute(ast.Name("np"), "arange"), [n], _):
            yield "off by one", ast.BinOp(copy.deepcopy(node), ast.Add(), ast.Constant(1))  # type: ignore[arg-type]
        case ast.Constant(str(value)) if "->" in value:
            given, gives = value.split("->")
            for n in range(len(gives) - 1):
                swapped = gives[:n] + gives[n + 1] + gives[n] + gives[n + 2 :]
                yield "indices exchanged", ast.Constant(f"{given}->{swapped}")


def edited(layer: str, part: str) -> Iterator[tuple[str, str, Callable[[], ast.Module]]]:
    """Every change to one function: its kind, in words, and what makes the module."""
    _, tree = source(layer)
    tree.body = [s for s in tree.body if getattr(s, "name", "") not in ("jvp", "double_backward")]
    place = next(n for n, s in enumerate(tree.body) if isinstance(s, ast.FunctionDef) and s.name == part)
    function = tree.body[place]
    assert isinstance(function, ast.FunctionDef)
    body = ast.Module(function.body, [])
    nodes = list(ast.walk(body))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    stored |= {a.arg for a in function.args.args} - {"dims", "saved"}
    names = sorted(n for n in stored if not n.startswith("n_") and n != "dims")
    for at, node in enumerate(nodes):
        for kind, other in changes(node, names):
            if isinstance(node, ast.Constant) and node in [getattr(s, "value", None) for s in function.body[:1]]:
                continue  # the docstring
            words = f"{part}: {ast.unparse(other)} for {ast.unparse(node)}"
            yield kind, words, partial(replaced, tree, place, at, other)


def replaced(tree: ast.Module, place: int, at: int, other: ast.AST) -> ast.Module:
    """The module with one node of one function replaced."""
    module = copy.deepcopy(tree)
    own = module.body[place]
    assert isinstance(own, ast.FunctionDef)
    Replace(list(ast.walk(ast.Module(own.body, [])))[at], other).visit(own)
    return ast.fix_missing_locations(module)


class Replace(ast.NodeTransformer):
    """One node for another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return copy.deepcopy(self.new) if node is self.old else self.generic_visit(node)


def loaded(layer: str, module: ast.Module) -> Any:
    """The functions of an edited module."""
    path, _ = source(layer)
    found = ModuleType(f"stranger_{layer}")
    exec(compile(module, path, "exec"), found.__dict__)
    return SimpleNamespace(forward=found.__dict__["forward"], backward=found.__dict__["backward"])


@cache
def probes(layer: str) -> list[tuple[Case, Arrays]]:
    """Arguments at which a mistake must show: ordinary numbers, and some at kinks."""
    found = []
    for variant in LAYERS[layer]:
        some = [*inputs.every(variant, 7, inputs.Plan((2, 3, 4, 5), ((2,), (3,)), (2, 3)))][:6]
        found += [(case, inputs.cotangents(case, 3)) for case in some]
    return found


def numbers(kernel: Any, case: Case, u: Arrays) -> list[Any]:
    results, saved = kernels.forward(kernel, case)
    gradients = kernels.backward(kernel, case, u, saved) if u else {}
    every = [*results.values(), *gradients.values()]
    return [np.asarray(a) for v in every for a in (v if isinstance(v, list) else [v])]


def differs(layer: str, kernel: Any) -> bool:
    """Whether it runs, gives results of the right shapes, and wrong numbers by more than rounding."""
    right, seen = kernels.kernel_of(layer), False
    for case, u in probes(layer):
        with np.errstate(all="ignore"):
            wanted = numbers(right, case, u)
            try:
                found = numbers(kernel, case, u)
            except Exception:
                return False
        if [a.shape for a in found] != [a.shape for a in wanted]:
            return False
        for a, b in zip(found, wanted, strict=True):
            if a.dtype.kind == "f" and a.size:
                scale = float(np.max(np.abs(b[np.isfinite(b)]), initial=1e-30))
                seen |= bool(np.any(~np.isfinite(a) & np.isfinite(b)) or np.nanmax(np.abs(a - b)) > SEEN * scale)
    return seen


def chosen(layer: str) -> list[dict[str, str]]:
    """Some mistakes of every kind that fits the layer, the same ones each time."""
    found = []
    for part in ("forward", "backward"):
        every = list(edited(layer, part))
        rng = np.random.default_rng(len(layer) + len(every))
        kinds: dict[str, int] = {}
        for n in rng.permutation(len(every)).tolist():
            kind, words, make = every[n]
            if kinds.get(kind, 0) >= EACH or sum(kinds.values()) >= MOST:
                continue
            try:
                kernel = loaded(layer, make())
            except Exception:
                continue
            if differs(layer, kernel):
                kinds[kind] = kinds.get(kind, 0) + 1
                found.append({"part": part, "kind": kind, "words": words})
    return found


@cache
def listed() -> dict[str, list[dict[str, str]]]:
    """The mistakes that were chosen, by layer."""
    found: dict[str, list[dict[str, str]]] = json.loads(LIST.read_text(encoding="utf-8"))
    return found


def edits(layer: str) -> list[Wrong]:
    """Those of one layer that its printed kernel still has room for."""
    found = []
    every = {words: make for part in ("forward", "backward") for _, words, make in edited(layer, part)}
    for n, told in enumerate(listed().get(layer, [])):
        if told["words"] in every:
            make = partial(strange, layer, every[told["words"]])
            name, kind = f"{layer}/edit/{told['part']}-{n}", told["kind"]
            found.append(Wrong(name, layer, told["part"], kind, told["words"], f"raised|{CAUSES[kind]}", make))
    return found


def strange(layer: str, make: Callable[[], ast.Module]) -> tuple[Any, None]:
    """A module as judge takes it."""
    return loaded(layer, make()), None


if __name__ == "__main__":
    LIST.write_text(json.dumps({n: chosen(n) for n in sorted(LAYERS)}, indent=1) + "\n", encoding="utf-8")
