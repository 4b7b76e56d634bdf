"""Layers made of layers: what is derived of them is right, and costs no more than their parts together."""

from __future__ import annotations

from typing import Any

import pytest

from derive.calculus.composite import Composite
from derive.calculus.derivation import derive
from derive.calculus.order import groups
from derive.calculus.parts import by_parts
from derive.evidence import inputs, layout, world
from derive.evidence.layout import Case
from derive.evidence.numbers import MP
from derive.evidence.truth import traced
from derive.notation import expr as x
from derive.notation.define import read_source
from derive.notation.layer import Layer

HEAD = "from __future__ import annotations\nfrom derive import layer\n\n\n"


def defined(text: str, name: str) -> Layer:
    return read_source(HEAD + text, "mine.py")[name][0]


COMPOSITES = {
    "stream": '''
@layer(cites="t")
def stream(x: Real[..., t, i], g: Real[i], c: Real[i], Wq: Real[e, i], bq: Real[e], Wk: Real[e, i], bk: Real[e],
           Wv: Real[i, i2], bv: Real[i], causal: Flag = True):
    """A residual stream: a norm, attention whose queries and keys lie along one axis, a sum."""
    i2 = axis(size(i))
    n = layer_norm(x, g, c)
    Q = linear(n, Wq, bq)
    K = linear(n, Wk, bk)
    V = linear(n, Wv, bv)
    O = attention(Q, K, V, causal=causal)
    y[..., t, i] = x[..., t, i] + O[..., t, i]
    return y
''',
    "masked": '''
@layer(cites="t")
def masked(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], m: Boolean[..., q, k]):
    """What is given twice, and a result that is used twice."""
    O = attention(Q, K, V, m)
    y[..., q, v] = O[..., q, v] * O[..., q, v] + sum(d, Q[..., q, d])
    return y
''',
    "deep": '''
@layer(cites="t")
def deep(x: Real[..., k], W: Real[l][o, i], b: Real[l][o], A: Real[i, k], a: Real[i]):
    """A list of layers, in which an entry reads the one before it, behind a part."""
    n = linear(x, A, a)
    h[-1, ..., i] = n[..., i]
    z[l] = linear(h[l - 1], W[l], b[l])
    h[l, ..., o] = tanh(z[l, ..., o]) * size(l)
    y[..., o] = h[size(l) - 1, ..., o]
    return y
''',
    "lists": '''
@layer(cites="t")
def lists(x: Real[..., i], W: Real[l][o, i], b: Real[l][o]):
    """A part that has lists itself."""
    y = mlp(x, W, b, activation="gelu", output="tanh")
    z[..., o] = y[..., o] ** 2
    return z
''',
    "recurrent": '''
@layer(cites="t")
def recurrent(x: Real[t, ..., i], h0: Real[..., n], c0: Real[..., n], W: Real[gate * n, i], U: Real[gate * n, m],
              b: Real[gate * n], V: Real[o, n], a: Real[o]):
    """A part that is a recurrence."""
    gate = axis(4)
    m = axis(size(n))
    h, c = lstm(x, h0, c0, W, U, b)
    y = linear(h, V, a)
    return y
''',
    "nested": '''
@layer(cites="t")
def inner(x: Real[..., i], s: Real[..., o], W: Real[o, i], b: Real[o], activation: Activation = "tanh"):
    """A part of a part."""
    y = residual(x, s, W, b, activation=activation)
    return y


@layer(cites="t")
def nested(x: Real[..., i], W: Real[i, i2], b: Real[i], g: Real[i], c: Real[i]):
    """A part whose own part has options and a layer for one."""
    i2 = axis(size(i))
    s[..., i] = g[i] * x[..., i]
    r = inner(x, s, W, b, activation="gelu")
    n = layer_norm(r, g, c, epsilon=0.5)
    y = residual(n, x, W, b, activation="sigmoid")
    return y
''',
    "losses": '''
@layer(cites="t")
def losses(x: Real[b, i], W: Real[o, i], a: Real[o], p: Real[b, o], weight: Scalar = 0.5):
    """Choices, and a gradient that reaches an input on three ways."""
    z = linear(x, W, a)
    e = mse(z, p, reduction="sum")
    f = mse(p, z)
    y = e + weight * f + mean((b, o), z[b, o] ** 2)
    return y
''',
}  # fmt: skip


@pytest.mark.parametrize("name", COMPOSITES)
def test_what_is_written_out_is_the_gradient(name: str) -> None:
    """Gradients, tangents and second gradients of the equations shown are those of the definition."""
    layer = defined(COMPOSITES[name], name)
    found = derive(layer)
    assert isinstance(found, Composite)
    assert by_parts(found).layer is layer
    for seed, case in enumerate(inputs.cases(layer, 0, 3, inputs.SMALL)):
        cotangents, along = inputs.cotangents(case, seed), inputs.tangents(case, seed)
        true = traced(case, cotangents, along, MP)
        given = elements(case, along)
        for equations in (found.adjoint.equations, found.backward):
            run = world.backward(found, case, cotangents, MP, equations)
            same(world.gradients(found, run), true.backward)
        moved = {found.tangent.names[n]: v for n, v in given.items()}
        run = world.tangent(found, case, MP, moved)
        same({o: run.values(found.tangent.names[o], o) for o in true.jvp}, true.jvp)
        second = found.second
        values = {found.adjoint.cotangents[o]: v for o, v in elements(case, cotangents).items()}
        values |= {second.adjoint.cotangents[g]: given[n] for n, g in found.gradients.items()}
        run = world.second(found, case, MP, values)
        wanted = found.adjoint.cotangents | {t.name: t.name for t in layer.differentiable}
        got = {n: run.values(second.names[w], n) for n, w in wanted.items() if w in second.names}
        same(got, {n: own for n, own in true.double_backward.items() if n in got})


def elements(case: Case, arrays: dict[str, Any]) -> dict[str, Any]:
    return {n: layout.elements(case, n, v, MP.exact) for n, v in arrays.items()}


def same(got: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name, values in wanted.items():
        for i, v in values.items():
            assert abs(got[name][i] - v) <= 1e-40 * max(1, abs(v)), (name, i, got[name][i], v)


def blocks(count: int) -> str:
    """A definition of blocks, written out one after another."""
    arguments, lines, before = [], [], "x"
    for n in range(count):
        k = f"_{chr(97 + n)}"
        arguments.append(
            f"g{k}: Real[i], c{k}: Real[i], Wu{k}: Real[w, i], bu{k}: Real[w], Wd{k}: Real[i, w], bd{k}: Real[i]"
        )
        lines += [
            f"n{k} = layer_norm({before}, g{k}, c{k})",
            f"u{k} = linear(n{k}, Wu{k}, bu{k})",
            f"a{k}[..., w] = gelu(u{k}[..., w])",
            f"f{k} = linear(a{k}, Wd{k}, bd{k})",
            f"y{k}[..., i] = {before}[..., i] + f{k}[..., i]",
        ]
        before = f"y{k}"
    body = "".join(f"    {line}\n" for line in lines)
    head = f'@layer(cites="t")\ndef blocks(x: Real[..., i], {", ".join(arguments)}):\n    """Blocks."""\n'
    return f"{head}{body}    return {before}\n"


def work(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many nodes are built in deriving that many blocks, second order and tangents included."""
    layer = defined(blocks(count), "blocks")
    done = [0]
    rebuild = x.rebuild

    def counted(*arguments: Any) -> Any:
        done[0] += 1
        return rebuild(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(x, "rebuild", counted)
        found = derive(layer)
        assert found.tangent
        assert found.second
    return done[0]


def test_work_is_linear_in_the_number_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2, 6 and 10 blocks: each four more cost the same. What is quadratic would cost twice as much the second
    time."""
    few, some, many = (work(n, monkeypatch) for n in (2, 6, 10))
    assert many - some <= 1.3 * (some - few)


def test_a_part_is_derived_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from derive.calculus import parts

    names: list[str] = []

    def noted(layer: Layer, *more: Any) -> Any:
        names.append(layer.name)
        return derive(layer, *more)

    monkeypatch.setattr(parts, "derive", noted)
    derive(defined(blocks(3), "blocks"))
    assert sorted(names) == ["layer_norm", "linear"]


def test_groups_stand_after_what_they_need() -> None:
    needs = [[3], [0, 2], [1], [], [4, 1]]
    assert groups(needs) == [[3], [0], [1, 2], [4]]
    long = 20_000
    assert groups([[n + 1] for n in range(long)] + [[]]) == [[n] for n in range(long, -1, -1)]
    assert groups([[(n + 1) % long] for n in range(long)]) == [list(range(long))]
