"""The kernels against the page: the same inputs to both, every output and every gradient compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from tests.page.arithmetic import FLOAT, EvaluationError
from tests.page.evaluator import Evaluator
from tests.page.inputs import Draw, together
from tests.page.reader import Page, Variant
from tests.page.symbols import PageError, Symbols
from tests.page.tree import Call, Equation, Ref, walk

TOLERANCE = 1e-9  # relative to the largest element of what is compared; both sides are float64
NOTHING = 1e-12  # where that is zero
TRIALS, ATTEMPTS = 20, 40
MOST, AT_ONCE = 30_000, 12  # elements of a result times those of an argument; of so many draws, the least
MODES = ((False, False), (True, False), (False, True), (True, True))  # ties, small; in turn


class Layer(Protocol):
    """A kernel module."""

    def forward(self, *tensors: Any, **options: Any) -> tuple[Any, Any]: ...
    def backward(self, dy: Any, saved: Any) -> Any: ...


@dataclass(frozen=True)
class Difference:
    """Where the page and the kernel disagree."""

    key: str
    index: tuple[int, ...]
    page: Any
    kernel: Any
    why: str = ""

    def __str__(self) -> str:
        if self.why:
            return f"{self.key}: {self.why}"
        return f"{self.key}{list(self.index)}: the page says {self.page}, the kernel {self.kernel}"


@dataclass(frozen=True)
class Trial:
    """Inputs, and what the kernel made of them: by key ("y", "bar x"), a flat list for each array.

    ``memo`` has the elements that the page's equations give.
    """

    values: Mapping[str, Any]
    kernel: Mapping[str, Any]
    what: str
    memo: Mapping[str, dict[tuple[int, ...], Any]] = field(default_factory=dict)


def output_names(symbols: Symbols, equations: Sequence[Equation]) -> list[str]:
    """Outputs in order: what the table calls so."""
    defined = {e.key for e in equations}
    named = [r.name for r in symbols.by_name.values() if r.role == "output"]
    if not named:
        raise PageError("no row of the symbol table is called output")
    if missing := [n for n in named if n not in defined]:
        raise PageError(f"no equation defines the output {missing[0]}")
    return named


def given_cotangents(equations: Sequence[Equation]) -> list[str]:
    """Names of adjoints that equations use and none defines."""
    defined = {e.key for e in equations}
    used = (node for e in equations for node in walk(e.right) if isinstance(node, Ref) and node.accent == "bar")
    return list(dict.fromkeys(n.name for n in used if n.key not in defined))


def run_kernel(layer: Layer, draw: Draw) -> Trial:
    """Forward and backward on one draw. Raises what the kernel raises."""
    symbols, equations = draw.symbols, draw.equations
    names = output_names(symbols, equations)
    result, saved = layer.forward(*draw.tensors.values(), **together(draw.options))
    if hasattr(result, "_fields"):
        outputs = dict(zip(result._fields, result, strict=True))
    elif len(names) == 1:
        outputs = {names[0]: result}
    else:
        raise PageError(f"the page has the outputs {', '.join(names)}, the kernel gives one")
    if sorted(outputs) != sorted(names):
        raise PageError(f"the page has the outputs {', '.join(names)}, the kernel {', '.join(outputs)}")
    kernel: dict[str, Any] = dict(outputs)
    cotangents: dict[str, Any] = {}
    has_backward = any(e.key.startswith("bar ") for e in equations)
    if has_backward:
        wanted = given_cotangents(equations)
        if unknown := [n for n in wanted if n not in outputs]:
            raise PageError(
                f"the page uses the adjoint of {unknown[0]}, which no equation defines and which is no output"
            )
        several = [n for n in outputs if symbols.by_name[n].role == "output" and n in wanted] or list(outputs)
        cotangents = {n: draw.cotangent(outputs[n]) for n in several}
        dy = tuple(cotangents.values()) if len(several) > 1 else cotangents[several[0]]
        grads = layer.backward(dy, saved)
        kernel |= {f"bar {n}": g for n, g in zip(grads._fields, grads, strict=True)}
    options = "".join(f" {k}={v!r}" for k, v in draw.options.items())
    what = f"sizes {draw.sizes}{options}{', with ties' if draw.ties else ''}"
    given = {k: v for k, v in draw.tensors.items() if v is not None}
    values = {**given, **draw.options, **{f"bar {n}": c for n, c in cotangents.items()}}
    values |= functions(layer, draw)
    return Trial(values, {k: [flat(a) for a in v] if isinstance(v, list) else flat(v) for k, v in kernel.items()}, what)


def functions(layer: Layer, draw: Draw) -> dict[str, Any]:
    """The functions that another page defines, as the kernel of that page computes them, one number at a time.

    Those of a user's own layer with the name of one of the project are the user's.
    """
    called = {n.fn for e in draw.equations for n in walk(e.right) if isinstance(n, Call)}
    called |= {v for v in draw.options.values() if isinstance(v, str)}
    kernels = {name: k for name in sorted(called) if hasattr(k := getattr(layer, name, None), "derivative")}

    def of(function: Any) -> Any:
        return lambda *arguments: float(function(*map(np.float64, arguments)))

    found = {}
    for name, kernel in kernels.items():
        if name not in FLOAT.functions or not kernel.__name__.startswith("reference."):
            found |= {name: of(kernel.value), f"{name}'": of(kernel.derivative)}
            found[f"{name}''"] = of(kernel.second_derivative)
    return found


def flat(array: Any) -> list[float]:
    found: list[float] = np.asarray(array, dtype=float).ravel().tolist()
    return found


def trials(variant: Variant, layer: Layer, count: int = TRIALS) -> list[Trial]:
    """Draws for which page and kernel have values, the MODES in turn; each is made once.

    Raises PageError if there are none.
    """
    slots = next((known for of, known in variant.drawn if of is layer), None)
    if slots is None:
        variant.drawn.append((layer, slots := []))
    failure: Exception | None = None
    for slot in range(len(slots), count):
        ties, small = MODES[slot % len(MODES)]
        trial: Trial | None = None
        large: list[tuple[int, int, Trial]] = []
        for attempt in range(ATTEMPTS):
            positive = attempt > 3 and attempt % 2 == 1
            draw = Draw(
                variant.symbols,
                variant.equations,
                variant.choice,
                1000 * slot + attempt,
                ties,
                small,
                positive,
            )
            try:
                ran = _run(layer, draw)
                largest = max(np.size(a) for v in ran.values.values() for a in (v if isinstance(v, list) else [v]))
                size = largest * max(len(list(_numbers(v))) for v in ran.kernel.values())
                if size > MOST and len(large) < AT_ONCE:
                    large.append((size, attempt, ran))
                    if len(large) < AT_ONCE and attempt < ATTEMPTS - 1:
                        continue
                    ran = min(large)[-1]
                trial = _evaluated(variant, ran)
                break
            except PageError as error:
                raise PageError(f"{variant}: {error}") from None
            except (ValueError, ArithmeticError) as error:
                failure = error
        slots.append(trial)
    found: list[Trial] = [t for t in slots[:count] if t is not None]
    if not found:
        raise PageError(f"{variant}: no inputs found for which both have values: {failure}") from failure
    return found


def _run(layer: Layer, draw: Draw) -> Trial:
    """Raises EvaluationError, or what the kernel raises, where that has no value."""
    with np.errstate(all="ignore"):
        trial = run_kernel(layer, draw)
    if not all(map(math.isfinite, _numbers(trial.kernel))):
        raise EvaluationError("the kernel's result is not finite")
    return trial


def _evaluated(variant: Variant, trial: Trial) -> Trial:
    """Raises EvaluationError where the page has no value."""
    evaluator = Evaluator(variant.equations, variant.symbols, trial.values)
    for key in trial.kernel:
        if key in evaluator.targets:
            evaluator.array(key)
    return replace(trial, memo=evaluator.memo)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    else:
        for v in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(v)


def differences(
    equations: Sequence[Equation],
    symbols: Symbols,
    trial: Trial,
    memo: Mapping[str, dict[tuple[int, ...], Any]] | None = None,
    only: frozenset[str] | None = None,
) -> Iterator[Difference]:
    """Every element where the two disagree, one at a time, so that a caller may stop at the first.

    ``only`` limits the comparison to some keys; ``memo`` brings values known from before.
    """
    try:
        evaluator = Evaluator(equations, symbols, trial.values, memo=memo)
    except EvaluationError as error:
        yield Difference("sizes", (), None, None, str(error))
        return
    for key, kernel in trial.kernel.items():
        if only is not None and key not in only:
            continue
        if key not in evaluator.targets:
            yield Difference(key, (), None, None, "the kernel gives it, no equation of the page defines it")
            continue
        yield from _compare(evaluator, key, kernel)


def _compare(evaluator: Evaluator, key: str, kernel: Any) -> Iterator[Difference]:
    row = evaluator.symbols.by_name[key.split()[-1]]
    if not row.sequence or (kernel and isinstance(kernel[0], float)):  # numbers, one for each entry of a list
        kernel = [kernel]
    try:
        indices = evaluator.indices(key)
    except EvaluationError as error:
        yield Difference(key, (), None, None, str(error))
        return
    if len(indices) != sum(map(len, kernel)):
        yield Difference(
            key, (), None, None, f"the page has {len(indices)} elements, the kernel {sum(map(len, kernel))}"
        )
        return
    scale = max([abs(v) for part in kernel for v in part], default=0.0)
    for index, truth in zip(indices, [v for part in kernel for v in part], strict=True):
        try:
            value = evaluator.element(key, index)
            wrong = not abs(value - truth) <= TOLERANCE * max(1.0, scale)
        except (EvaluationError, OverflowError, TypeError, RecursionError) as error:
            yield Difference(key, index, None, truth, str(error))
            return
        if wrong:
            yield Difference(key, index, value, truth)


def unverified(variant: Variant, trial: Trial) -> list[str]:
    """Keys of claims that nothing compared depends on: their equations could say anything."""
    equations = variant.equations
    uses: dict[str, set[str]] = {}
    for e in equations:
        found = {n.key for n in walk(e.right) if isinstance(n, Ref)}
        found |= {f"size {n.axis}" for n in walk(e.right) if hasattr(n, "axis")}
        uses.setdefault(e.key, set()).update(found)
    reached: set[str] = set()
    todo = [k for k in trial.kernel if k in uses] + [k for k in uses if k.startswith("size ")]
    while todo:
        key = todo.pop()
        if key not in reached:
            reached.add(key)
            todo += uses.get(key, ())
    return sorted(set(uses) - reached)


def check(page: Page, layer: Layer, count: int = TRIALS) -> list[str]:
    """Everything in which page and kernel disagree, in words; empty where they agree. Raises PageError."""
    problems: list[str] = []
    for variant in page.variants:
        runs = trials(variant, layer, count)
        problems += [f"{variant}: nothing checks the equation of {k}" for k in unverified(variant, runs[0])]
        for trial in runs:
            found = next(differences(variant.equations, variant.symbols, trial, trial.memo), None)
            if found:
                problems.append(f"{variant}: {found}\n  on {trial.what}")
    return problems
