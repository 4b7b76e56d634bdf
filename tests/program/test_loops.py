"""The contract is enough: a plain printer makes loops of every program, and they compute what the definition says.

The loops are run on Arb balls, as kernels are in the definition leg, over its cases: what comes back is a proven
enclosure of what the program gives at these numbers, to more than 60 digits. It has to meet the enclosure of what the
definition gives, differentiated as it is evaluated (derive.evidence.truth): no tolerance is chosen.
"""

from __future__ import annotations

import ast
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.cli import main
from derive.evidence import compare, inputs, kernels, layout
from derive.evidence.layout import Case
from derive.evidence.result import Tally
from derive.evidence.truth import truth
from derive.notation import expr as x
from derive.notation.define import REGISTRY, load_project, read_source
from derive.notation.expr import Op
from derive.notation.layer import Layer
from derive.program import ir
from derive.program.compile import compile, program_of
from derive.program.rewriting.words import WORDS
from derive.targets import loops
from derive.targets.loops import words
from derive.targets.loops.call import Kernel

load_project()
LAYERS = [layer for variants in REGISTRY.values() for layer in variants]
FUNCTIONS = ("forward", "backward", "jvp", "double_backward")
Results = dict[str, dict[str, Any]]  # arrays by function and name
Change = Callable[[ir.KernelProgram], ir.KernelProgram]


def named(layer: Layer) -> str:
    return "-".join([layer.name, *(value for _, value in layer.choice)])


# ---- running loops -------------------------------------------------------------------------------------------------


class Whole(int):
    """A length of which quotients and roots are exact."""

    def ball(self) -> Any:
        return flint.arb(int(self))

    def sqrt(self) -> Any:
        return self.ball().sqrt()

    def __add__(self, other: Any) -> Any:
        return Whole(int(self) + other) if isinstance(other, int) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        return Whole(int(self) * other) if isinstance(other, int) else NotImplemented

    def __truediv__(self, other: Any) -> Any:
        return self.ball() / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.ball()

    __radd__, __rmul__ = __add__, __mul__


def exact_root(value: Any) -> Any:
    return value.sqrt() if hasattr(value, "sqrt") else flint.arb(value).sqrt()


@cache
def program(name: str) -> ir.KernelProgram:
    return program_of(name)


def exact_words() -> dict[str, Any]:
    with kernels.precision():
        return {"sqrt": exact_root, "pi": flint.arb.pi()}


@cache
def on_balls(name: str, change: Change = lambda p: p) -> Kernel:
    """A layer's loops, to be run on balls; its parts' as they are."""
    return Kernel(change(program(name)), on_balls, exact_words(), Whole)


@cache
def on_floats(name: str) -> Kernel:
    return Kernel(program(name), on_floats)


def run(kernel: Kernel, case: Case, cotangents: kernels.Arrays, along: kernels.Arrays) -> Results:
    """All that loops compute at a case."""
    layer = case.layer
    given, options = kernels.arguments(case), kernels.options(case)
    u, v = list(cotangents.values()), [along[t.name] for t in layer.differentiable]
    forward = kernel.forward(*given, **options)
    found = {
        "forward": {o: forward[o] for o in layer.outputs},
        "backward": kernel.backward(u, forward["saved"]),
        "jvp": kernel.jvp(given, v, **options),
        "double_backward": kernel.double_backward(u, given, v, **options),
    }
    variant = next(v for v in kernel.program.variants if v.layer.choice == layer.choice)
    back = {c: o for o, c in variant.functions["double_backward"].given("cotangent").items()}
    return {f: {back.get(n, n): a for n, a in own.items()} for f, own in found.items()}


def disagreement(layer: Layer, kernel: Kernel, cases: list[Case]) -> str:
    """Where loops are not what the definition says; empty where they are."""
    for n, case in enumerate(cases):
        u, v = inputs.cotangents(case, n), inputs.tangents(case, n)
        true = truth(case, u, v)
        with kernels.precision():
            found = run(kernel, compare.balls(case), compare.balls_of(u), compare.balls_of(v))
            for function, arrays in found.items():
                tally = Tally(function, layer.name, 0.0, unit="digits")
                compare.meet(kernels.elements(case, arrays, kernels.to_ball), true.of(function), case, tally)
                if arrays and not tally.result().passed:
                    return f"{function}: {tally.result().detail}"
    return ""


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", LAYERS, ids=named)
def test_loops_compute_what_the_definition_says(layer: Layer) -> None:
    assert disagreement(layer, on_balls(layer.name), inputs.every(layer, 0, compare.PLAN)) == ""


#: What no layer of the project has: each is a kind.
OTHERS = {
    "two recurrences that need each other": """
def both(x: Real[t, i], p0: Real[i], q0: Real[i]):
    p[-1, i] = p0[i]
    q[-1, i] = q0[i]
    p[t, i] = q[t - 1, i] * x[t, i]
    q[t, i] = p[t - 1, i] + q[t - 1, i] / 2 + p[t, i] ** 2
    return p, q
""",
    "a layer without gradient, whose backward does nothing": """
def hot(t: Integer[...], classes: Count[k] = 3):
    y[..., k] = 1 if t[...] == k else 0
    return y
""",
    "a gather with two kinds of index, and a scatter": """
def gathered(E: Real[v, d], t: Integer[...], u: Real[..., d]):
    y[...] = sum(d, E[t[...], d] * u[..., d])
    return y
""",
    "shared weights, and an axis as long as another": """
def twice(x: Real[..., i], W: Real[o, i], b: Real[o]):
    i = axis(size(o))
    u = linear(x, W, b)
    a[..., o] = tanh(u[..., o])
    y = linear(a, W, b)
    return y
""",
    "a layer in a recurrence": """
def cells(x: Real[t, ..., i], h0: Real[..., n], W: Real[n, i], U: Real[n, m], b: Real[n], c: Real[n]):
    m = axis(size(n))
    h[-1, ..., n] = h0[..., n]
    u[t] = linear(x[t], W, b)
    v[t] = linear(h[t - 1], U, c)
    h[t, ..., n] = tanh(u[t, ..., n] + v[t, ..., n])
    return h
""",
    "a product of axes, and rows over two": """
def shuffled(x: Real[b, c * r, p], factor: Count[r] = 2):
    e[b, c, r, p] = exp(x[b, c, r, p])
    s[b, c] = sum((r, p), e[b, c, r, p])
    y[b, c, r, p] = e[b, c, r, p] / s[b, c]
    return y
""",
    "lists that are summed over": """
def apart(g: Real[l][...], v: Real[l][...], a: Scalar = 0.5):
    s = sum((l, ...), g[l, ...] * v[l, ...])
    y[l, ...] = g[l, ...] * s + a * v[l, ...]
    return y
""",
}


@pytest.fixture
def other(request: pytest.FixtureRequest) -> Iterator[Layer]:
    before = set(REGISTRY)
    source = f"from derive import layer\n\n\n@layer(cites='none')\n{OTHERS[request.param].strip()}\n"
    (variants,) = read_source(source, "others.py").values()
    yield variants[0]
    for name in set(REGISTRY) - before:
        del REGISTRY[name]


@pytest.mark.parametrize("other", OTHERS, indirect=True)
def test_loops_of_other_definitions(other: Layer) -> None:
    kernel = Kernel(compile([derive(other)]), on_balls, exact_words(), Whole)
    assert disagreement(other, kernel, inputs.cases(other, 0, 3, compare.PLAN)) == ""


#: Both are right to 60 digits, in floats they differ by rounding alone: some hundred operations of 2**-53 each, of
#: numbers as large as the largest on the way, which in these cases is at most some ten times the largest result.
CLOSE = 1e-12


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", LAYERS, ids=named)
def test_loops_and_kernels_agree_in_floats(layer: Layer) -> None:
    kernel, derivation = kernels.kernel_of(layer.name), derive(layer)
    for n, case in enumerate(inputs.cases(layer, 7)):
        u, v = inputs.cotangents(case, n), inputs.tangents(case, n)
        outputs, saved = kernels.forward(kernel, case)
        theirs = {
            "forward": outputs,
            "backward": kernels.backward(kernel, case, u, saved),
            "jvp": kernels.jvp(kernel, case, v),
            "double_backward": kernels.double_backward(kernel, derivation, case, u, v),
        }
        for function, arrays in run(on_floats(layer.name), case, u, v).items():
            for name, ours in arrays.items():
                a, b = (layout.elements(case, name, value, float) for value in (ours, theirs[function][name]))
                scale = max([1.0, *map(abs, b.values())])
                worst = max((abs(a[i] - b[i]) for i in b), default=0.0)
                assert worst <= CLOSE * scale, f"{function}: {name} differs by {worst:.1g} ({case.words})"


# ---- what the comparison notices -----------------------------------------------------------------------------------


def changed(change: Callable[[ir.Function], ir.Function], only: tuple[str, ...] = FUNCTIONS) -> Change:
    """A program with a change to each of some functions."""

    def apply(p: ir.KernelProgram) -> ir.KernelProgram:
        variants = (
            replace(v, functions={n: change(f) if n in only else f for n, f in v.functions.items()}) for v in p.variants
        )
        return replace(p, variants=tuple(variants))

    return apply


def statements(change: Callable[[Any], Any], f: ir.Function) -> ir.Function:
    """A function with a change to each statement, in loops too."""

    def visit(s: Any) -> Any:
        return replace(s, body=tuple(map(visit, s.body))) if isinstance(s, ir.Loop) else change(s)

    return replace(f, statements=tuple(map(visit, f.statements)))


def summed_as_largest(s: Any) -> Any:
    return replace(s, op="max") if isinstance(s, ir.Fold) and s.op == "sum" else s


def beginning_at_zero(f: ir.Function) -> ir.Function:
    """Position -1 is the array's first no more."""
    return replace(f, arrays={n: replace(a, starts=tuple(0 for _ in a.starts)) for n, a in f.arrays.items()})


def turned_about(f: ir.Function) -> ir.Function:
    turned = (replace(s, backwards=not s.backwards) if isinstance(s, ir.Loop) else s for s in f.statements)
    return replace(f, statements=tuple(turned))


def without_conditions(s: Any) -> Any:
    if isinstance(s, ir.Map):
        body = x.transform(s.body, lambda e: e.args[1] if isinstance(e, Op) and e.fn == "where" else None)
        return replace(s, body=body)
    return s


def one_further(s: Any) -> Any:
    """Every index with an offset is one place off."""

    def visit(e: x.Expr) -> x.Expr | None:
        if isinstance(e, x.Ref) and any(isinstance(i, Op) for i in e.index):
            return replace(e, index=tuple(x.add(i, x.ONE) if isinstance(i, Op) else i for i in e.index))
        return None

    return replace(s, a=x.transform(s.a, visit), b=x.transform(s.b, visit)) if isinstance(s, ir.Contract) else s


def swapped(s: Any) -> Any:
    """A part's results are taken for one another."""
    if isinstance(s, ir.Invoke) and len(s.results) > 1 and s.call.function == "backward":
        (first, _), (_, ref), *rest = s.results
        return replace(s, results=((first, s.results[0][1]), (first, ref), *rest))
    return s


BROKEN: dict[str, tuple[str, Change]] = {
    "a sum that is a maximum": ("layer_norm", changed(partial(statements, summed_as_largest))),
    "the same in backward": ("layer_norm", changed(partial(statements, summed_as_largest), ("backward",))),
    "the same in jvp": ("layer_norm", changed(partial(statements, summed_as_largest), ("jvp",))),
    "the same in second order": ("layer_norm", changed(partial(statements, summed_as_largest), ("double_backward",))),
    "a recurrence without its position -1": ("lstm", changed(beginning_at_zero)),
    "a recurrence from the other end": ("lstm", changed(turned_about, ("backward",))),
    "a case that is not chosen": ("leaky_relu", changed(partial(statements, without_conditions))),
    "a window one further": ("conv2d", changed(partial(statements, one_further))),
    "results of a part for one another": ("residual", changed(partial(statements, swapped))),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_program_is_noticed(what: str) -> None:
    name, change = BROKEN[what]
    layer = REGISTRY[name][0]
    kernel = on_balls(name, change)
    assert kernel.text != on_balls(name).text
    with suppress(IndexError, TypeError, ValueError):  # arrays of another shape cannot be read, or be compared
        assert disagreement(layer, kernel, inputs.every(layer, 0, compare.PLAN)) != ""


# ---- what the printer is -------------------------------------------------------------------------------------------


def imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_printer_needs_the_contract_alone() -> None:
    files = sorted(Path(loops.__file__).parent.glob("*.py"))
    assert len(files) > 2
    for file in files:
        for module in imported(file.read_text(encoding="utf-8")):
            assert not module.startswith(("numpy", "sympy", "reference", "derive.targets.numpy", "derive.calculus"))


def test_every_word_of_a_program_is_a_function_here() -> None:
    missing = {word for word in WORDS if not callable(getattr(words, word, None))}
    assert missing == set()


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_printed_loops_are_python_that_needs_no_numpy(name: str) -> None:
    assert {*imported(on_floats(name).text)} <= {"derive.targets.loops.words", "derive.targets.loops.call"}


def test_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "layer_norm", "--as", "loops"]) == 0
    assert "y[row][i] = gamma[i] * x_hat[row][i] + beta[i]" in capsys.readouterr().out


def test_shown_loops_run_by_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command prints is a module that calls the loops of its parts."""
    assert main(["show", "lstm", "--as", "loops"]) == 0
    out = capsys.readouterr().out
    (tmp_path / "shown.py").write_text(out[out.index('"""lstm') :], encoding="utf-8")
    program = "import shown, math; r = [[[1.0]], [[2.0]]]; w = [[[0.5]]] * 4; b = [[0.0]] * 4; z = [[0.0]]\n"
    program += "print(*(v[0][0] for v in shown.forward(dict(t=2, n=1, j=1) | {'...': 1}, r, z, z, w, w, b)['c']))"
    own = [str(Path(loops.__file__).parents[3]), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(own)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    first, second = map(float, done.stdout.split())
    sigmoid = 1 / (1 + math.exp(-0.5))
    assert first == pytest.approx(sigmoid * math.tanh(0.5), rel=1e-15)
    assert second > first


# ---- what stands outside -------------------------------------------------------------------------------------------


def test_what_a_mask_leaves_out_takes_no_part() -> None:
    """A NaN behind a mask shows nowhere: a sum says which of its terms there are."""
    rng = np.random.default_rng(0)
    Q, K, V = rng.normal(size=(1, 2, 3)), rng.normal(size=(1, 4, 3)), rng.normal(size=(1, 4, 2))
    mask = np.ones((1, 2, 4), bool)
    mask[:, :, 1] = False
    V[0, 1] = K[0, 1] = math.nan
    found = on_floats("attention").forward(Q, K, V, mask)
    assert np.isfinite(found["O"]).all()
    gradients = on_floats("attention").backward([rng.normal(size=(1, 2, 2))], found["saved"])
    assert np.isfinite(gradients["Q"]).all()


def test_exponents_of_any_size() -> None:
    """The program says how exponentials are kept in range: nothing overflows that the kernel keeps."""
    z = np.array([[1e4, 1e4 - 1, -1e4], [-800.0, -801, -802]])
    kernel = kernels.kernel_of("softmax")
    ours = on_floats("softmax").forward(z)["y"]
    assert np.allclose(ours, kernel.forward(z)[0], rtol=1e-14, atol=0)
    loss = on_floats("softmax_cross_entropy_labels").forward(z, np.array([2, 0]))["loss"]
    assert loss == pytest.approx(kernels.kernel_of("softmax_cross_entropy_labels").forward(z, np.array([2, 0]))[0])
