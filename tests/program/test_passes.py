"""Each pass of the compiler, by what it changes in a program that a person can read."""

from __future__ import annotations

import pytest

from derive.calculus.derivation import derive
from derive.calculus.parts import by_parts
from derive.notation import expr as x
from derive.notation.define import REGISTRY, load_project
from derive.notation.expr import Op, Pos, Ref
from derive.program import compile as compiler
from derive.program.adjoints import known
from derive.program.typed import check_draft
from tests.program.programs import ALL, changed, derivation, drafts

SCAN = """
def scan(x: Real[t, n], A: Real[n, m], b: Real[n]):
    m = axis(size(n))
    h[-1, n] = 0
    h[t, n] = x[t, n] + b[n] + sum(m, A[n, m] * h[t - 1, m])
    return h
"""

#: What a pass does to a definition: the lines that it takes away, and those that it puts there.
CASES = {
    "let_go": (
        "def rounded(x: Real[b, i]):\n    y[b, i] = x[b, i] + stop_gradient(round(x[b, i]) - x[b, i])\n    return y",
        ["y[b, i] = x[b, i] + stop_gradient(round(x[b, i]) - x[b, i])"],
        ["y[b, i] = round(x[b, i])"],
    ),
    "own_functions": (
        "def soft(x: Real[...]):\n    y[...] = x[...] * exp(x[...])\n    return y",
        ["y[...] = x[...] * exp(x[...])", "dx[...] = dy[...] * exp(x[...]) * (x[...] + 1)"],
        ["y[...] = value(x[...])", "dx[...] = dy[...] * (exp(x[...]) + x[...] * exp(x[...]))"],
    ),
    "shared_roots": (
        "def scaled(x: Real[b, c], v: Real[c] > 0):\n    y[b, c] = x[b, c] / sqrt(v[c] + 1)\n    return y",
        [
            "y[b, c] = x[b, c] / sqrt(v[c] + 1)",
            "dv[c] = -1 / 2 * sum(b, dy[b, c] * y[b, c]) / (v[c] + 1)",
            "dx[b, c] = dy[b, c] / sqrt(v[c] + 1)",
        ][::2],
        ["root_v[c] = sqrt(v[c] + 1)", "y[b, c] = x[b, c] / root_v[c]", "dx[b, c] = dy[b, c] / root_v[c]"],
    ),
    "shared": (
        "def gate(x: Real[n], g: Real[n]):\n    y[n] = x[n] * sigmoid(g[n])\n    return y",
        ["y[n] = x[n] * sigmoid(g[n])", "dx[n] = dy[n] * sigmoid(g[n])"],
        ["sigmoid_g[n] = sigmoid(g[n])", "y[n] = x[n] * sigmoid_g[n]", "dx[n] = dy[n] * sigmoid_g[n]"],
    ),
    "constants_inlined": (
        "def average(x: Real[i]):\n    z[i] = x[i] ** 2\n    y = sum(i, z[i]) / size(i)\n    return y",
        ["dz[i] = dy / size(i)", "dx[i] = 2 * dz[i] * x[i]"],
        ["dx[i] = 2 * dy * x[i] / size(i)"],
    ),
    "pushed": (
        "def scan(x: Real[t], a: Real):\n    h[-1] = 0\n    h[t] = a * h[t - 1] + x[t]\n    return h",
        ["dh_total[t] = dh[t] + dh_total[t + 1] * a"],
        ["dh_total[t] = dh_total[t] + dh[t]", "dh_total[t - 1] = dh_total[t - 1] + dh_total[t] * a"],
    ),
    "named_reductions": (
        "def two(x: Real[i], v: Real[i]):\n    y[i] = x[i] * sum(j, x[j] * v[j]) - sum(k, v[k] * x[k])\n    return y",
        [
            "y[i] = x[i] * sum(j, x[j] * v[j]) - sum(k, v[k] * x[k])",
            "dv[i] = x[i] * sum(j, dy[j] * (x[j] - 1))",
            "dx[i] = dy[i] * sum(j, v[j] * x[j]) + v[i] * sum(j, dy[j] * (x[j] - 1))",
        ],
        [
            "sum_x_v = sum(j, x[j] * v[j])",
            "y[i] = x[i] * sum_x_v - sum_x_v",
            "sum_dy_x = sum(j, dy[j] * (x[j] - 1))",
            "dv[i] = x[i] * sum_dy_x",
            "dx[i] = dy[i] * sum_x_v + v[i] * sum_dy_x",
        ],
    ),
    "undivided": (
        "def own(s: Real[b, c]):\n    c = axis(size(b))\n    P[b, c] = exp(s[b, c]) / sum(c, exp(s[b, c]))\n"
        "    y = -sum(b, log(P[b, b]))\n    return y",
        [
            "dP[b, c] = -[b == c] * dy / P[b, b]",
            "sum_P_dP[b] = sum(c2, P[b, c2] * dP[b, c2])",
            "ds[b, c] = P[b, c] * (dP[b, c] - sum_P_dP[b])",
        ],
        [
            "P_dP[b, c] = -[b == c] * dy",
            "sum_P_dP[b] = sum(c2, P_dP[b, c2])",
            "ds[b, c] = P_dP[b, c] - P[b, c] * sum_P_dP[b]",
        ],
    ),
    "needed": (
        "def unused(x: Real[i]):\n    z[i] = x[i] ** 3\n    y[i] = x[i] ** 2\n    return y",
        ["z[i] = x[i]**3"],
        [],
    ),
    "accurate": (
        "def one(x: Real[i]):\n    y[i] = log(1 + x[i] ** 2)\n    return y",
        ["y[i] = log(x[i]**2 + 1)"],
        ["y[i] = library log1p(x[i]**2)"],
    ),
    "absent": (
        "def masked(x: Real[i, j], v: Real[j], m: Boolean[j]):\n"
        "    e[i, j] = x[i, j] if m[j] else 0\n    y[i] = sum(j, e[i, j] * v[j])\n    return y",
        ["y[i] = sum(j, e[i, j] * v[j])", "dv[j] = sum(i, dy[i] * e[i, j])"],
        ["y[i] = sum(j, there(e[i, j] * v[j], m[j]))", "dv[j] = sum(i, there(dy[i] * e[i, j], m[j]))"],
    ),
    "unless": (
        "def bend(x: Real[i], v: Real[i]):\n    y[i] = max(x[i], v[i])\n    return y",
        ["dv[i] = dy[i] * [v[i] > x[i]]", "dx[i] = dy[i] * [v[i] <= x[i]]"],
        ["dv[i] = dy[i] * [not v[i] <= x[i]]", "dx[i] = dy[i] * [not v[i] > x[i]]"],
    ),
    "selected": (
        "def spread(x: Real[b, p], W: Real[k], stride: Count = 1):\n    i = axis((size(p) - 1) * stride + size(k))\n"
        "    y[b, i] = sum((p, k), W[k] * x[b, p] if stride * p + k == i else 0)\n    return y",
        [
            "y[b, i] = sum((p, k), (W[k] * x[b, p] if stride * p + k == i else 0))",
            "dW[k] = sum((b, p, i), there(dy[b, i] * x[b, p] * [stride * p + k == i], stride * p + k == i))",
            "dx[b, p] = sum((i, k), there(dy[b, i] * (W[k] if stride * p + k == i else 0), stride * p + k == i))",
        ],
        [
            "y[b, i] = sum(k, there(W[k] * x[b, (i - k) / stride], i - k >= 0, i - k < stride * size(p), "
            "stride * ((i - k) // stride) == i - k))",
            "dW[k] = sum((b, p), there(dy[b, stride * p + k] * x[b, p], stride * p + k < size(i)))",
            "dx[b, p] = sum(k, there(dy[b, stride * p + k] * W[k], stride * p + k < size(i)))",
        ],
    ),
    "in_runs": (
        "def running(x: Real[b, t, d], w: Real[t]):\n"
        "    y[b, t, d] = sum(s, w[s] * x[b, s, d] if s <= t else 0) / (t + 1)\n    return y",
        [
            "sum_w_x[b, t, d] = sum(s, (w[s] * x[b, s, d] if s <= t else 0))",
            "dw[t] = sum((b, t', d), there(dy[b, t', d] * (x[b, t, d] if t <= t' else 0) / (t' + 1), t <= t'))",
            "dx[b, t, d] = sum(t', there(dy[b, t', d] * (w[t] if t <= t' else 0) / (t' + 1), t <= t'))",
        ],
        [
            "sum_w_x[b, t, d] = sum(s, run(w[s] * x[b, s, d], s, 0, t + 1))",
            "dw_along_t[b, t, d] = sum(t', run(dy[b, t', d] / (t' + 1), t', t, size(t)))",
            "dw[t] = sum((b, d), x[b, t, d] * dw_along_t[b, t, d])",
            "dx[b, t, d] = w[t] * dw_along_t[b, t, d]",
        ],
    ),
    "in_pairs": (
        "def bilinear(x: Real[b, i], A: Real[k, i, j], v: Real[b, j]):\n"
        "    y[b, k] = sum((i, j), x[b, i] * A[k, i, j] * v[b, j])\n    return y",
        [
            "y[b, k] = sum((i, j), x[b, i] * A[k, i, j] * v[b, j])",
            "dv[b, j] = sum((k, i), dy[b, k] * x[b, i] * A[k, i, j])",
            "dx[b, i] = sum((k, j), dy[b, k] * v[b, j] * A[k, i, j])",
        ],
        [
            "y_along_i[b, k, j] = sum(i, x[b, i] * A[k, i, j])",
            "y[b, k] = sum(j, v[b, j] * y_along_i[b, k, j])",
            "dv_along_k[b, i, j] = sum(k, dy[b, k] * A[k, i, j])",
            "dv[b, j] = sum(i, x[b, i] * dv_along_k[b, i, j])",
            "dx[b, i] = sum(j, v[b, j] * dv_along_k[b, i, j])",
        ],
    ),
    "parted": (
        "def cube(x: Real[i]):\n    y[i] = x[i] ** 3\n    return y",
        ["y[i] = x[i]**3", "dx[i] = 3 * dy[i] * x[i]**2"],
        ["forward:", "    y[i] = x[i]**3", "backward:", "    dx[i] = 3 * dy[i] * x[i]**2"],
    ),
    "scheduled": (
        "def scan(x: Real[t], a: Real):\n    h[-1] = 0\n    h[t] = a * h[t - 1] + x[t]\n    return h",
        [
            "    h[t] = a * h[t - 1] + x[t]",
            "    dh_total[t] = dh_total[t] + dh[t]",
            "    dh_total[t - 1] = dh_total[t - 1] + dh_total[t] * a",
            "    da = sum(t, dh_total[t] * h[t - 1])",
        ],
        [
            "    for t:",
            "        h[t] = a * h[t - 1] + x[t]",
            "    for t backwards:",
            "        dh_total[t] = dh_total[t] + dh[t]",
            "        dh_total[t - 1] = dh_total[t - 1] + dh_total[t] * a",
            "    da = sum(t: dh_total[t] * h[t - 1])",
        ],
    ),
    "computed_once": (
        "def bell(x: Real[i], v: Real[i]):\n    y[i] = v[i] * exp(-(x[i] ** 2))\n"
        "    z[i] = exp(-(x[i] ** 2)) + v[i]\n    return y, z",
        [
            "    y[i] = v[i] * exp(-x[i]**2)",
            "    z[i] = exp(-x[i]**2) + v[i]",
            "    dv[i] = dz[i] + dy[i] * exp(-x[i]**2)",
            "    dx[i] = -2 * x[i] * exp(-x[i]**2) * (dz[i] + dy[i] * v[i])",
        ],
        [
            "    exp_x[i] = exp(-x[i]**2)",
            "    y[i] = v[i] * exp_x[i]",
            "    z[i] = exp_x[i] + v[i]",
            "    exp_x2[i] = exp(-x[i]**2)",
            "    dv[i] = dz[i] + dy[i] * exp_x2[i]",
            "    dx[i] = -2 * x[i] * exp_x2[i] * (dz[i] + dy[i] * v[i])",
        ],
    ),
    "in_blocks": (
        "def twice(x: Real[b, c], g: Real[c]):\n"
        "    z[b, c] = x[b, c] * g[c] + 1\n    y[b, c] = z[b, c] * z[b, c] + x[b, c]\n    return y",
        [
            "    z[b, c] = x[b, c] * g[c] + 1",
            "    y[b, c] = z[b, c] * z[b, c] + x[b, c]",
            "    dz[b, c] = 2 * dy[b, c] * z[b, c]",
            "    dg[c] = sum(b: dz[b, c] * x[b, c])",
            "    dx[b, c] = dy[b, c] + dz[b, c] * g[c]",
        ],
        [
            "    some b at a time, for z, y:",
            "        z[b, c] = x[b, c] * g[c] + 1",
            "        y[b, c] = z[b, c] * z[b, c] + x[b, c]",
            "    some b at a time, for dg, dx:",
            "        dz[b, c] = 2 * dy[b, c] * z[b, c]",
            "        dg[c] = sum(b: dz[b, c] * x[b, c])",
            "        dx[b, c] = dy[b, c] + dz[b, c] * g[c]",
        ],
    ),
    "added_in_place": (
        "def net(x: Real[t, n], A: Real[n, m], b: Real[n]):\n    m = axis(size(n))\n    z[t, n] = x[t, n] + b[n]\n"
        "    h[-1, n] = 0\n    s[t, n] = z[t, n] + sum(m, A[n, m] * h[t - 1, m])\n"
        "    h[t, n] = sigmoid(s[t, n])\n    return h",
        ["    z[t, n] = x[t, n] + b[n]", "        s[t, n] = z[t, n] + sum_A_h[t, n]"],
        ["    s[t, n] = x[t, n] + b[n]", "        s[t, n] = s[t, n] + sum_A_h[t, n]"],
    ),
    "assigned_first": (
        SCAN,
        ["        dh_total[t - 1, n] = dh_total[t - 1, n] + sum_dh_total_A[t, n]"],
        ["        dh_total[t - 1, n] = sum_dh_total_A[t, n]"],
    ),
    "together": (
        "def peak(x: Real[i, k]):\n    y[i] = max(k, x[i, k])\n    return y",
        ["        argmax_y[i] = argmax(k: x[i, k])"],
        ["        argmax_y[i] = argmax(k: x[i, k]) (found with it)"],
    ),
    "means": (
        "def average(x: Real[i]):\n    y = sum(i, x[i]) / size(i)\n    return y",
        ["    sum_x = sum(i: x[i])", "    y = sum_x / size(i)"],
        ["    y = mean(i: x[i]) over size(i)"],
    ),
    "read_once": (
        "def dense(x: Real[n, i], W: Real[o, i], b: Real[o]):\n"
        "    y[n, o] = sum(i, x[n, i] * W[o, i]) + b[o]\n    return y",
        ["    sum_x_W[n, o] = product(i: x[n, i], W[o, i])"],
        ["    sum_x_W[n, o] = product(i: x[n, i], W[o, i]) (read next)"],
    ),
    "allocated": (
        "def steps(x: Real[t, n], a: Real[n]):\n    h[-1, n] = 0\n    z[t, n] = a[n] * h[t - 1, n]\n"
        "    h[t, n] = z[t, n] + x[t, n]\n    return h",
        [],
        [
            "    h is made, with nothing in it",
            "    dh_total is made, with zeros at the end in it",
            "    dz is made, with nothing in it",
        ],
    ),
    "ordered": (
        "def unit(x: Real[i], v: Real[i], on: Flag = True):\n    s = sum(i, x[i])\n"
        "    y[i] = 3 * v[i] / (s ** 2 * sqrt(size(i))) * (1 if on else 0)\n    return y",
        [
            "    y[i] = 3 * v[i] * (1 if on else 0) / (s**2 * sqrt(size(i)))",
            "    dv[i] = (3 * dy[i] / (sqrt(size(i)) * s**2) if on else 0)",
            "    dx[i] = (-6 * sum_dy_v / (sqrt(size(i)) * s**3) if on else 0)",
        ],
        [
            "    y[i] = ((v[i] / s) * ((3 / s) / sqrt(size(i))) if on else 0)",
            "    dv[i] = ((dy[i] / s) * ((3 / s) / sqrt(size(i))) if on else 0)",
            "    dx[i] = (-(((6 * sum_dy_v / s) / s) / s) / sqrt(size(i)) if on else 0)",
        ],
    ),
    "roomy": (
        "def scaled(x: Real[i], s: Scalar = 2):\n    y[i] = s * x[i]\n    return y",
        ["    y[i] = s * x[i]", "    dx[i] = dy[i] * s"],
        ["    y[i] = s * x[i] (in memory like x)", "    dx[i] = dy[i] * s (in memory like dy)"],
    ),
    "roomy, a product": (
        "def dense(x: Real[n, i], W: Real[o, i], b: Real[o], c: Real[o]):\n"
        "    y[n, o] = sum(i, x[n, i] * W[o, i]) + b[o] * c[o]\n    return y",
        ["    y[n, o] = sum_x_W[n, o] + b[o] * c[o]"],
        ["    y[n, o] = sum_x_W[n, o] + b[o] * c[o] (in memory like sum_x_W)"],
    ),
    "over_nothing": (
        "def scaled(x: Real[b, c], W: Real[o, c]):\n"
        "    y[b, o] = sum(c, x[b, c] * W[o, c] / mean(c, W[o, c]))\n    return y",
        [],
        ["    y is 0 where c is empty"],
    ),
    "over_nothing, of outputs": (
        "def gate(x: Real[b, c, h], W: Real[c]):\n"
        "    y[b, c, h] = x[b, c, h] * exp(W[c] * mean(h, x[b, c, h]))\n    return y",
        [],
        ["    W is 0 where h is empty"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_pass(name: str) -> None:
    text, before, after = CASES[name]
    assert changed(text, name.partition(",")[0]) == (before, after)


def test_what_the_program_cannot_show_has_no_case() -> None:
    assert {step.__name__ for step in compiler.passes()} == {
        *(name.partition(",")[0] for name in CASES),
        "with_numbers",
        "with_arrays",
    }


def test_arrays_are_declared() -> None:
    (draft,) = (d for d in drafts(derivation(SCAN)) if d.functions[0].name == "forward")
    *_, (_, done) = compiler.stages(draft)
    arrays = done.functions[0].arrays
    assert (arrays["h"].starts, arrays["x"].starts) == ((-1, 0), (0, 0))
    assert arrays["h"].early == "t"


def test_what_needs_no_data_is_a_number() -> None:
    text = "def scaled(x: Real[i], p: Scalar = 2):\n    a = sqrt(p)\n    y[i] = x[i] * a\n    return y"
    (draft,) = (d for d in drafts(derivation(text)) if d.functions[0].name == "forward")
    *_, (_, done) = compiler.stages(draft)
    assert {n: a.kind for n, a in done.functions[0].arrays.items()} == {"x": "real", "a": "number", "y": "real"}


@pytest.mark.sampled("layer")
@pytest.mark.parametrize("layer", load_project())
def test_every_program_is_sound_after_every_pass(layer: str) -> None:
    elementwise = [n for n, v in REGISTRY.items() if v[0].elementwise]
    for draft in (d for variant in REGISTRY[layer] for d in drafts(by_parts(derive(variant)))):
        check_draft(draft, elementwise)
        for _, stage in compiler.stages(draft, ALL):
            check_draft(stage, elementwise)


def test_before_the_beginning_only_what_begins_there_is_read() -> None:
    h, a, c = (Ref(name, (x.num(-1), Pos("n"))) for name in ("h", "a", "c"))
    here = x.iverson(Op(">=", (x.num(-1), x.ZERO)))
    assert known(x.mul(h, here), {"h": 0}) == x.ZERO
    assert known(x.mul(h, x.add(x.mul(a, c), x.mul(h, here))), {"h": 0}) == x.ZERO
    assert known(x.mul(h, x.add(a, x.power(h, x.num(2)))), {"h": 0}) == x.mul(h, x.power(h, x.num(2)))
    assert known(Ref("h", (x.num(-2), Pos("n"))), {"h": 0}) == x.ZERO
