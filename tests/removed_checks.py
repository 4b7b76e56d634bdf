"""Takes out one check of the arguments after another and asks whether a test notices: `python -m tests.removed_checks`.

A check is a ``raise`` or a call that raises, each condition under which it is reached, each type that is let in or
kept out, each bound of an option's range and each row of a table of kinds. One at a time is taken out of a module's
syntax tree, in a process of its own, whose kernels then run under the argument fuzzer and, where that sees nothing,
under tests of the runtime. No file is written. What nobody notices is reported; what cannot be noticed is listed below
with the reason. Ends with 1 if there is more.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.util
import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from time import monotonic
from types import ModuleType

import pytest

from tests.evidence.shared import LAYERS
from tests.fuzz import arguments, calls

#: Modules of the runtime, and which of their functions; all, where none is named.
MODULES: dict[str, tuple[str, ...]] = {
    "values": (),
    "reading": (),
    "examine": (),
    "signature": (),
    "arrays": ("output_size",),
}
#: Calls that raise, or prepare a check.
CHECKS = {"misfit", "check_range"}
#: The layers first that have something of everything.
FIRST = (
    "conv2d", "embedding", "lstm", "mlp", "attention", "softmax", "sgd", "leaky_relu", "mse", "batch_norm",
    "max_pool2d", "inverted_dropout", "residual", "clip_by_global_norm",
)  # fmt: skip
TESTS = ("test_values.py", "test_signature.py", "test_options.py::test_anything_else_is_refused_by_name")
CALLS = 60
#: `derive` has been imported by this process when pytest finds the plugin that the project installs in it.
IMPORTED = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
LIMIT = 150  # seconds, after which a process is taken to hang, which is noticed too

#: What no test can notice, by what is taken out, and why.
EQUIVALENT: dict[str, str] = {
    "reading: integers: without condition 0 in or of: a.dtype.kind == 'u'": "no signed integer is beyond; only slower",
}


@dataclass(frozen=True)
class Removal:
    """One check that is taken out of a module: the node's number in the tree, and what is done to it."""

    module: str
    node: int
    how: str
    what: str

    def __str__(self) -> str:
        return f"{self.module}: {self.what}"


# ---- what can be taken out -------------------------------------------------------------------------------------------


def raises(statement: ast.stmt) -> bool:
    """Whether a statement is a check's end."""
    if isinstance(statement, ast.Raise):
        return True
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    return call.func.attr in CHECKS or ast.unparse(call.func) == "checks.append"


def removals(module: str, tree: ast.Module) -> Iterator[Removal]:
    """All that can be taken out of a module."""
    where: dict[ast.AST, str] = {}
    for scope in ast.walk(tree):  # from outside in
        if isinstance(scope, ast.FunctionDef):
            where |= dict.fromkeys(ast.walk(scope), scope.name)
        elif isinstance(scope, ast.Assign | ast.AnnAssign) and scope not in where:
            target = scope.target if isinstance(scope, ast.AnnAssign) else scope.targets[0]
            where |= dict.fromkeys(ast.walk(scope), ast.unparse(target))
    kinds = {
        value: ast.unparse(key).strip("'")
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is not None
    }
    alone = {s for node in ast.walk(tree) if isinstance(node, ast.If) and len(node.body) == 1 for s in node.body}
    for number, node in enumerate(ast.walk(tree)):
        place = where.get(node, "")
        if MODULES[module] and place not in MODULES[module]:
            continue

        def found(how: str, piece: ast.AST, number: int = number, place: str = place) -> Removal:
            return Removal(
                module, number, how, f"{place}: {how} in or of: {' '.join(ast.unparse(piece).split())[:150]}"
            )

        match node:
            case ast.If(test=test, body=body) if any(map(raises, body)):
                yield found("never", test)
                if isinstance(test, ast.BoolOp):
                    for n, operand in enumerate(test.values):
                        yield found(f"without condition {n}", operand)
            case ast.ExceptHandler(body=body) if any(isinstance(s, ast.Raise) and s.exc for s in body):
                yield found("passed on", body[0])
            case ast.FunctionDef(body=[*_, last]) if raises(last):
                yield found("end", last)
            case ast.Expr() if raises(node) and node not in alone:
                yield found("call", node)
            case ast.Call(func=ast.Name(id="Kind"), args=[_, _, holds, _]):
                kind = kinds[node]
                yield Removal(module, number, "read", f"OPTIONS: what is read for {kind}")
                if isinstance(holds, ast.Lambda) and isinstance(holds.body, ast.Constant):
                    continue
                yield Removal(module, number, "holds", f"OPTIONS: the range of {kind}")
                if isinstance(holds, ast.Lambda):
                    parts = holds.body.values if isinstance(holds.body, ast.BoolOp) else [holds.body]
                    for n, part in enumerate(parts):
                        bounds = len(part.ops) if isinstance(part, ast.Compare) else 1
                        for b in range(bounds):
                            yield Removal(module, number, f"bound {n} {b}", f"OPTIONS: bound {n}.{b} of {kind}")
            case ast.Dict(values=values) if place == "FITS":
                for n, value in enumerate(values):
                    yield Removal(module, number, f"row {n}", f"FITS: the dtypes of {kinds[value]}")
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.BinOp() as types]) if place != "unchanged":
                for n, kind in enumerate(alternatives(types)):
                    yield found(f"without type {n}, {ast.unparse(kind)},", node)
            case ast.Return(value=ast.BoolOp() as test) if place in ("is_number", "is_finite"):
                for n, operand in enumerate(test.values):
                    yield found(f"without condition {n}", operand)


def alternatives(types: ast.expr) -> list[ast.expr]:
    """The types of ``A | B | C``."""
    return [*alternatives(types.left), types.right] if isinstance(types, ast.BinOp) else [types]


def without(removal: Removal, tree: ast.Module) -> ast.Module:
    """The tree without one check."""
    tree = copy.deepcopy(tree)
    node = next(n for number, n in enumerate(ast.walk(tree)) if number == removal.node)
    how, *numbers = removal.how.replace(",", "").split()
    match node, how:
        case ast.If(), "never":
            node.test = ast.Constant(False)
        case ast.If(test=ast.BoolOp() as test) | ast.Return(value=ast.BoolOp() as test), "without":
            test.values[int(numbers[1])] = ast.Constant(isinstance(test.op, ast.And))
        case ast.ExceptHandler(), "passed":
            node.body = [ast.Raise()]
        case ast.FunctionDef(), "end":
            node.body[-1] = ast.Pass()
        case ast.Expr(), "call":
            node.value = ast.Constant(None)
        case ast.Call(), "read":
            node.args[1] = expression("lambda v: v")
        case ast.Call(), "holds":
            node.args[2] = expression("lambda v: True")
        case ast.Call(args=[_, _, ast.Lambda() as holds, _]), "bound":
            n, b = map(int, numbers)
            part = holds.body.values[n] if isinstance(holds.body, ast.BoolOp) else holds.body
            weaker = expression("True") if not isinstance(part, ast.Compare) else less(part, b)
            if isinstance(holds.body, ast.BoolOp):
                holds.body.values[n] = weaker
            else:
                holds.body = weaker
        case ast.Dict(), "row":
            row = node.values[int(numbers[0])]
            assert isinstance(row, ast.Tuple)
            row.elts[0] = ast.Constant("biufcmMOSUV")
        case ast.Call(args=[_, types]), "without":
            kept = alternatives(types)
            del kept[int(numbers[1])]
            node.args[1] = ast.Tuple(kept, ast.Load())
        case _:
            raise AssertionError(removal)
    return ast.fix_missing_locations(tree)


def less(part: ast.Compare, bound: int) -> ast.expr:
    """A chain of comparisons without one of them."""
    terms = [part.left, *part.comparators]
    pairs = [ast.Compare(terms[n], [op], [terms[n + 1]]) for n, op in enumerate(part.ops) if n != bound]
    return ast.BoolOp(ast.And(), [ast.Constant(True), ast.Constant(True), *pairs])


def expression(code: str) -> ast.expr:
    return ast.parse(code, mode="eval").body


# ---- whether it is noticed -------------------------------------------------------------------------------------------


def source(module: str) -> Path:
    spec = importlib.util.find_spec(f"reference.runtime.{module}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def tree_of(module: str) -> ast.Module:
    return ast.parse(source(module).read_text())


def replaced(module: str, tree: ast.Module) -> None:
    """Let this process run with a module made from a tree, and everything that has been imported of it anew."""
    for name in [n for n in sys.modules if n.split(".")[0] == "reference"]:
        del sys.modules[name]
    package = importlib.import_module("reference.runtime")
    made = ModuleType(f"reference.runtime.{module}")
    made.__file__ = str(source(module))
    sys.modules[made.__name__] = made
    setattr(package, module, made)
    exec(compile(tree, str(made.__file__), "exec"), made.__dict__)


def noticed(removal: Removal, tree: ast.Module) -> str:
    """What notices a removal, or nothing."""
    replaced(removal.module, tree)
    order = sorted(LAYERS, key=lambda n: FIRST.index(n) if n in FIRST else len(FIRST))
    for names in (order[:6], None, order):
        if names is None:
            folder = Path(__file__).parent / "runtime"
            tests = [str(folder / test) for test in TESTS]
            with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()):
                if pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", IMPORTED, *tests]):
                    return f"tests: {said.getvalue()[-200:]}"
            continue
        for name in names:
            if faults := arguments.run(name, CALLS, 0, stop=True):
                return f"fuzzer: {faults[0]:.200}"
    return ""


def attempt(removal: Removal, tree: ast.Module, says: bool = False) -> None:
    """In a process of its own: status 0 if nothing notices the removal."""
    signal.alarm(LIMIT)
    try:
        found = noticed(removal, tree)
    except BaseException as error:
        found = f"import: {error!r}"
    if says and found:
        print(f"With nothing taken out: {found}", flush=True)
    os._exit(1 if found else 0)


def sound() -> bool:
    """Whether nothing is noticed where nothing is taken out: without that, all that follows would be empty."""
    module = next(iter(MODULES))
    nothing = Removal(module, -1, "", "nothing")
    process = multiprocessing.get_context("fork").Process(target=attempt, args=(nothing, tree_of(module), True))
    process.start()
    process.join()
    return process.exitcode == 0


def survivors(chosen: list[Removal], workers: int, report: Callable[[Removal, bool], None]) -> list[Removal]:
    """Removals that nothing notices."""
    context = multiprocessing.get_context("fork")
    left, running, found = list(chosen), {}, []
    while left or running:
        while left and len(running) < workers:
            removal = left.pop(0)
            tree = without(removal, tree_of(removal.module))
            compile(tree, removal.module, "exec")  # what is no program is no removal, and an error of this one
            process = context.Process(target=attempt, args=(removal, tree))
            process.start()
            running[process.sentinel] = removal, process
        for sentinel in wait(list(running)):
            removal, process = running.pop(sentinel)  # type: ignore[index]
            process.join()
            alive = process.exitcode == 0
            report(removal, alive)
            found += [removal] * alive
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.removed_checks", description=__doc__)
    parser.add_argument("words", nargs="*", help="only removals that have one of these words in them")
    parser.add_argument("--list", action="store_true", help="what would be taken out")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    chosen = [r for m in MODULES for r in removals(m, tree_of(m))]
    chosen = [r for r in chosen if not given.words or any(w in str(r) for w in given.words)]
    if given.list:
        print(*chosen, f"{len(chosen)} checks", sep="\n")
        return 0
    for name in LAYERS:
        calls.cases(name)  # once, before processes are copied from this one
    begin = monotonic()
    if not sound():
        return 1

    def report(removal: Removal, alive: bool) -> None:
        if alive and str(removal) not in EQUIVALENT:
            print(f"NOT NOTICED  {removal}", flush=True)

    alive = survivors(chosen, given.workers, report)
    new = [r for r in alive if str(r) not in EQUIVALENT]
    stale = [e for e in EQUIVALENT if e not in map(str, alive)] if not given.words else []
    for entry in stale:
        print(f"NO LONGER SO  {entry} is noticed, or is gone: take it out of EQUIVALENT")
    print(
        f"{len(chosen)} checks taken out one by one, {len(chosen) - len(alive)} noticed, "
        f"{len(alive) - len(new)} that cannot be, {len(new)} not noticed; {monotonic() - begin:.0f} s"
    )
    return 1 if new or stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
