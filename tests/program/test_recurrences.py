"""Recurrences: steps that divide or take a root, a logarithm or a power; every way of saying how one runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.evidence import compare, inputs, world
from derive.evidence.layout import Case
from derive.evidence.numbers import FLOAT
from derive.evidence.steps import steps
from derive.notation import define
from derive.notation import expr as x
from derive.program.compile import compile
from tests.fuzz.test_found import definition
from tests.fuzz.worker import Outcome, attempt
from tests.generality import support
from tests.program.test_loops import Kernel, Whole, disagreement, exact_words, on_balls

STEPS = [
    "x[t, b] / y[t - 1, b]",
    "x[t, b] / (y[t - 1, b] + h0[b])",
    "y[t - 1, b] / x[t, b]",
    "sqrt(abs(y[t - 1, b])) * x[t, b] + 1",
    "sqrt(x[t, b] ** 2 + y[t - 1, b] ** 2)",
    "log(1 + y[t - 1, b] ** 2) * x[t, b]",
    "log(x[t, b] ** 2) * y[t - 1, b]",
    "x[t, b] ** y[t - 1, b]",
    "abs(y[t - 1, b]) ** x[t, b] + h0[b]",
    "xlogy(y[t - 1, b], x[t, b] ** 2) + h0[b]",
    "xdivy(x[t, b], y[t - 1, b])",
    "x[t, b] / y[t - 1, b] if y[t - 1, b] > 0 else x[t, b]",
    "x[t, b] * y[t - 1, b] / sqrt(sum(j, y[t - 1, j] ** 2))",
]


@pytest.mark.parametrize("step", STEPS)
def test_steps_that_are_not_defined_everywhere(step: str) -> None:
    body = f"y[-1, b] = h0[b]\ny[t, b] = {step}\nreturn y"
    assert attempt(definition("x: Real[t, b], h0: Real[b]", body)) == Outcome("agrees")


#: Every way of saying where a recurrence begins, which way it runs and how far back it reads.
WAYS = {
    "two steps back": """
        y[-2, b] = h0[b]
        y[-1, b] = 2 * h0[b]
        y[t, b] = y[t - 1, b] * y[t - 2, b] + x[t, b]""",
    "two steps back, before which there is nothing": """
        y[-1, b] = h0[b]
        y[t, b] = y[t - 1, b] * x[t, b] + sum(j, y[t - 2, j] * h0[j])""",
    "three steps back through an intermediate": """
        y[-3, b] = h0[b]
        y[-2, b] = y[-3, b] ** 2
        y[-1, b] = y[-3, b] - y[-2, b]
        a[t, b] = tanh(y[t - 3, b] + x[t, b])
        y[t, b] = a[t, b] * y[t - 1, b] + y[t - 2, b]""",
    "read behind its end": """
        r[-1, b] = h0[b]
        r[t, b] = r[t - 1, b] * x[t, b]
        y[b] = r[size(t), b] + r[size(t) + 1, b] * 2""",
    "read before its beginning, where there are few steps": """
        r[-1, b] = h0[b]
        r[t, b] = r[t - 1, b] * x[t, b]
        y[b] = r[size(t) - 4, b] * r[2, b]""",
    "from 0": """
        y[0, i] = x[0, i] * h0[i]
        y[t, b] = y[t - 1, b] * x[t, b]""",
    "from 0, with a sum along the steps": """
        y[0, i] = sum(t, x[t, i]) * h0[i]
        y[t, b] = y[t - 1, b] * x[t, b]""",
    "from 0 and 1": """
        y[0, b] = x[0, b]
        y[1, b] = h0[b] * y[0, b] * x[1, b]
        y[t, b] = y[t - 1, b] * y[t - 2, b] + x[t, b]""",
    "from 0, where the step divides by what comes before": """
        y[0, b] = h0[b]
        y[t, b] = x[t, b] / x[t - 1, b] + y[t - 1, b] * sqrt(x[t - 1, b] ** 2)""",
    "two arrays from 0": """
        m[0, b] = x[0, b]
        p[0, b] = m[0, b] * h0[b]
        m[t, b] = p[t - 1, b] * x[t, b] + m[t - 1, b]
        p[t, b] = m[t, b] * x[t, b]
        y[t, b] = m[t, b] + p[t, b]""",
    "from the end": """
        y[size(t), b] = h0[b]
        y[t, b] = y[t + 1, b] * x[t, b] + x[t, b] ** 2""",
    "from the last": """
        y[size(t) - 1, b] = x[size(t) - 1, b] * h0[b]
        y[t, b] = y[t + 1, b] * x[t, b]""",
    "from the end, two steps on, through an intermediate": """
        y[size(t) + 1, b] = h0[b]
        y[size(t), b] = 1
        a[t, b] = tanh(y[t + 2, b] * x[t, b]) * t
        y[t, b] = a[t, b] + y[t + 1, b] * x[t + 1, b]""",
    "from the end, and read elsewhere": """
        g[size(t), b] = h0[b]
        g[t, b] = g[t + 1, b] * x[t, b]
        y[t, b] = g[t + 1, b] + g[0, b] * g[t, b] + g[size(t) - 1 - t, b]""",
    "a gate that looks at the state, with one weight for all steps": """
        y[-1, b] = x[0, b]
        y[t, b] = sigmoid(x[t, b] + h0[b] * y[t - 1, b]) * y[t - 1, b]""",
    "both ways": """
        f[-1, b] = h0[b]
        f[t, b] = f[t - 1, b] * x[t, b]
        g[size(t), b] = f[size(t) - 1, b]
        g[t, b] = g[t + 1, b] * x[t, b] + f[t, b]
        y[t, b] = f[t, b] * g[t, b]""",
    "advantages": """
        delta[t, b] = x[t, b] + 0.9 * x[t + 1, b] - x[t, b] ** 2
        y[size(t) - 1, b] = delta[size(t) - 1, b]
        y[t, b] = delta[t, b] + 0.9 * 0.8 * y[t + 1, b] * h0[b]""",
}


#: Recurrences over two axes, x[s, t].
OVER_TWO = {
    "sums": """
        y[-1, t] = 0
        y[s, -1] = 0
        y[s, t] = y[s - 1, t] + y[s, t - 1] - y[s - 1, t - 1] + x[s, t] ** 2""",
    "edges and a corner": """
        y[-1, t] = a[t]
        y[s, -1] = x[s, 0]
        y[-1, -1] = 2
        y[s, t] = y[s - 1, t] * x[s, t] + y[s, t - 1] * y[s - 1, t - 1]""",
    "an edge inside a function": """
        y[-1, t] = a[t]
        y[s, -1] = 0
        y[s, t] = sin(x[s, t] * y[s - 1, t] + y[s, t - 1])""",
    "the best alignment": """
        p[-1, t] = -t - 1
        p[s, -1] = -s - 1
        m[s, t] = max(p[s - 1, t], p[s, t - 1]) - 1
        p[s, t] = max(p[s - 1, t - 1] + x[s, t] * a[t], m[s, t])
        y = p[size(s) - 1, size(t) - 1]""",
    "two steps back, and read elsewhere": """
        p[-1, t] = a[t]
        p[s, -1] = 1
        p[s, t] = p[s - 2, t] * x[s, t] + p[s, t - 1] / 2
        y[s, t] = p[s - 1, t] * p[s, t]""",
}


@pytest.mark.parametrize("way", OVER_TWO)
def test_recurrences_over_two_axes(way: str, tmp_path: Path) -> None:
    signature, body = "x: Real[s, t], a: Real[t]", f"{dedent(OVER_TWO[way]).strip()}\nreturn y"
    body = body.replace("return y", "return y" if "a[t]" in body else "z[t] = a[t] * y[0, t]\nreturn y, z")
    assert attempt(definition(signature, body)) == Outcome("agrees")
    with support.own_registry():
        support.check(*support.built(tmp_path, support.definition(signature, body)), count=2)


@pytest.mark.parametrize("way", WAYS)
def test_ways_of_writing_a_recurrence(way: str, tmp_path: Path) -> None:
    signature, body = "x: Real[t, b], h0: Real[b]", f"{dedent(WAYS[way]).strip()}\nreturn y"
    assert attempt(definition(signature, body)) == Outcome("agrees")
    with support.own_registry():
        support.check(*support.built(tmp_path, support.definition(signature, body)), count=2)


#: Recurrences whose step is another layer, or that go with other results.
WITH_OTHERS = {
    "a layer from the end": (
        "x: Real[t, b, n], h0: Real[b, n], g: Real[n], e: Real[n]",
        """
        h[size(t), b, n] = h0[b, n]
        z[t, b, n] = h[t + 1, b, n] * x[t, b, n]
        h[t] = layer_norm(z[t], g, e)""",
    ),
    "a layer from 0": (
        "x: Real[t, b, n], g: Real[n], e: Real[n]",
        """
        h[0, b, n] = x[0, b, n]
        z[t, b, n] = h[t - 1, b, n] * x[t, b, n]
        h[t] = layer_norm(z[t], g, e)""",
    ),
    "a layer two steps back": (
        "x: Real[t, b, n], g: Real[n], e: Real[n]",
        """
        h[-2, b, n] = 1
        h[-1, b, n] = x[0, b, n]
        z[t, b, n] = h[t - 1, b, n] * x[t, b, n] + h[t - 2, b, n]
        h[t] = layer_norm(z[t], g, e)""",
    ),
    "from the end, two results of which one is made of the other": (
        "r: Real[t, b], v: Real[t, b], last: Real[b], on: Mask[t, b]",
        """
        n[t, b] = v[t + 1, b] if t < size(t) - 1 else last[b]
        delta[t, b] = r[t, b] + 0.9 * (n[t, b] if on[t, b] else 0) - v[t, b]
        a[size(t), b] = 0
        a[t, b] = delta[t, b] + 0.8 * (a[t + 1, b] if on[t, b] else 0)
        h[t, b] = a[t, b] * v[t, b]
        u[t, b] = a[t, b] + h[t, b]""",
    ),
}


@pytest.mark.parametrize("way", WITH_OTHERS)
def test_recurrences_with_other_layers_and_results(way: str, tmp_path: Path) -> None:
    signature, body = WITH_OTHERS[way]
    body = f"{dedent(body).strip()}\nreturn h{', a, u' if 'u[t' in body else ''}"
    with support.own_registry():
        support.check(*support.built(tmp_path, support.definition(signature, body)), count=2)


def test_a_definition_is_evaluated_as_it_was_typed() -> None:
    """The normal form is compared with what the definition says, not with itself."""
    text = support.definition("x: Real[t]", "y[size(t)] = 1\ny[t] = y[t + 1] * x[t]\nreturn y")
    with support.own_registry():
        (layer,) = define.read_source(support.HEAD + text, "typed.py")["odd"]
    nothing = replace(layer, steps=tuple(replace(e, body=x.ZERO) for e in layer.equations))
    for one in (layer, nothing):
        run = world.forward(Case(one, {"x": np.array([2.0, 3.0, 5.0])}), FLOAT)
        assert [run.element("y", (t,)) for t in range(3)] == [30, 15, 5]


def test_evidence_of_a_recurrence_from_the_end(tmp_path: Path) -> None:
    """An adjoint begins where its tensor does though nothing reads it there; a long run does not nest."""
    body = "y[size(t)] = 1\ny[t] = y[t + 1] * x[t] - y[t + 2]\nreturn y"
    with support.own_registry():
        (derivation,), _ = support.built(tmp_path, support.definition("x: Real[t]", body))
        found = steps(derivation)
    assert found.passed, found.detail
    case = Case(derivation.layer, {"x": np.ones(3000)})
    assert world.forward(case, FLOAT).element("y", (2999,)) == 1
    assert abs(world.forward(case, FLOAT).element("y", (0,))) <= 1


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("x: Real[t, b], h0: Real[b]", WAYS["from the end, two steps on, through an intermediate"]),
        ("x: Real[t, b], h0: Real[b]", WAYS["from 0 and 1"]),
        ("x: Real[s, t], a: Real[t]", OVER_TWO["edges and a corner"]),
    ],
)
def test_loops_of_recurrences(signature: str, body: str) -> None:
    """The plain printer, to 60 digits against the definition as it was typed."""
    text = support.definition(signature, f"{dedent(body).strip()}\nreturn y")
    with support.own_registry():
        (layer,) = define.read_source(support.HEAD + text, "loops.py")["odd"]
        kernel = Kernel(compile([derive(layer)]), on_balls, exact_words(), Whole)
        assert disagreement(layer, kernel, inputs.cases(layer, 0, 2, compare.PLAN)) == ""


NEIGHBOURS = {
    "ahead": "h[-1, j] = 0\nh[i, j] = h[i - 1, j + 1] + x[i, j] ** 2",
    "behind": "h[-1, j] = 0\nh[i, j] = h[i - 1, j - 1] * x[i, j] + x[i, j]",
    "both": "h[-1, j] = 0\nh[i, j] = (h[i - 1, j - 1] - h[i - 1, j + 1]) * x[i, j] + x[i, j]",
    "further": "h[-1, j] = 1\nh[i, j] = h[i - 1, j + 2] * x[i, j]",
    "from the end": "h[size(i), j] = 0\nh[i, j] = h[i + 1, j + 1] * 0.5 + x[i, j] ** 2",
}


@pytest.mark.parametrize("case", NEIGHBOURS)
def test_a_step_reads_neighbours_along_another_axis(case: str, tmp_path: Path) -> None:
    """Backward adds to a step before, at another place of the other axis: it runs along the steps all the same."""
    with support.own_registry():
        derivations, kernel = support.built(
            tmp_path, support.definition("x: Real[i, j]", NEIGHBOURS[case] + "\nreturn h")
        )
        support.check(derivations, kernel, 4)
