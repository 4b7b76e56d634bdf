"""What shows S12 to S23: backpropagation through a network, and what it costs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy

from derive.calculus.derivation import Derivation, derive
from derive.ledger.scalars import near
from derive.notation.define import load_project
from derive.notation.expr import refs, tensors
from derive.targets.cost import cost, elements, kept, size

WIDTHS = (3, 5, 4, 2)
BATCH = 7


@dataclass
class Example:
    """A network with what the document's own formulas give for it, step by step in NumPy."""

    x: Any
    W: list[Any]
    b: list[Any]
    dy: Any
    z: list[Any] = field(default_factory=list)
    h: list[Any] = field(default_factory=list)
    delta: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        h = self.x
        for W, b in zip(self.W, self.b, strict=True):
            self.z.append(h @ W.T + b)
            h = np.tanh(self.z[-1])
            self.h.append(h)
        delta = self.dy * (1 - self.h[-1] ** 2)  # S15
        self.delta = [delta]
        for n in range(len(self.W) - 2, -1, -1):  # S17
            delta = (delta @ self.W[n + 1]) * (1 - self.h[n] ** 2)
            self.delta.insert(0, delta)


def example(seed: int = 0) -> Example:
    rng = np.random.default_rng(seed)
    W = [rng.normal(size=(o, i)) for i, o in itertools.pairwise(WIDTHS)]
    b = [rng.normal(size=o) for o in WIDTHS[1:]]
    return Example(rng.normal(size=(BATCH, WIDTHS[0])), W, b, rng.normal(size=(BATCH, WIDTHS[-1])))


def gradients(e: Example) -> Any:
    from reference import mlp

    _, saved = mlp.forward(e.x, e.W, e.b, activation="tanh", output="tanh")
    return mlp.backward(e.dy, saved)


def network() -> Derivation:
    return derive(load_project()["mlp"][0])


def s12() -> None:
    derivation = derive(load_project()["residual"][0])
    bar = derivation.adjoint.names
    for parameter in ("W", "b"):
        equation = next(e for e in derivation.backward if e.target == bar[parameter])
        assert bar["z"] in tensors(equation.body), "it goes through the gradient for z"
    (call,) = derivation.layer.calls
    steps = [s for s in derive(call.part).adjoint.steps if s.ref.tensor in ("W", "b")]
    assert all(s.equation.target == "z" for s in steps)
    assert len(steps) == 2


def s13() -> None:
    derivation = network()
    definition = next(e for e in derivation.layer.equations if e.target == "z")
    assert {"W", "b", "h"} <= set(tensors(definition.body))
    assert any(e.target == derivation.adjoint.names["z"] for e in derivation.backward)


def s14() -> None:
    from reference import mlp

    e = example()
    _, (z, saved_z, *_) = mlp.forward(e.x, e.W, e.b, activation="tanh", output="tanh")
    for (x, *_), h in zip(saved_z, [e.x, *map(np.tanh, z[:-1])], strict=True):
        near(x, h)


def s15() -> None:
    from reference import softmax

    e = example()
    near(gradients(e).b[-1], e.delta[-1].sum(0))
    z, dy = np.array([0.3, -1.0, 2.0]), np.array([1.0, 0.5, -2.0])
    y, saved = softmax.forward(z)
    full = y * (dy - (dy * y).sum())
    near(softmax.backward(dy, saved).z, full)
    assert np.abs(dy * y * (1 - y) - full).max() > 0.01, "the diagonal alone is wrong"


def s16() -> None:
    from reference import softmax, softmax_cross_entropy

    z = np.array([0.3, -1.0, 2.0])
    y = softmax.forward(z)[0]
    for t in (np.array([0.2, 0.5, 0.3]), np.array([1.0, 0.5, 0.5])):
        _, saved = softmax_cross_entropy.forward(z, t)
        dz = softmax_cross_entropy.backward(np.float64(1), saved).z
        near(dz, y * t.sum() - t)
        assert np.allclose(dz, y - t) == (t.sum() == 1), "y - t needs targets that sum to 1"


def s17() -> None:
    e = example()
    found = gradients(e)
    for n in range(len(e.W)):
        near(found.b[n], e.delta[n].sum(0))
    derivation = network()
    bar = derivation.adjoint.names
    reads = {r.tensor for q in derivation.backward if q.target in (bar["z"], bar["h"]) for r in refs(q.body)}
    assert {bar["z"], "W"} <= reads, "a recurrence over layers, backwards"


def s18() -> None:
    e = example()
    found = gradients(e)
    for n, before in enumerate([e.x, *e.h[:-1]]):
        near(found.W[n], e.delta[n].T @ before)


def s19() -> None:
    e = example()
    e = Example(e.x[:1], e.W, e.b, e.dy[:1])  # one example: the gradient is delta itself
    found = gradients(e)
    for n in range(len(e.W)):
        near(found.b[n], e.delta[n][0])


def s20() -> None:
    from reference import mlp, softmax_cross_entropy

    e = example()
    t = np.eye(WIDTHS[-1])[np.arange(BATCH) % WIDTHS[-1]]

    def both(x: Any, t: Any, reduction: str) -> Any:
        y, saved = mlp.forward(x, e.W, e.b, activation="tanh")
        _, kept_by_loss = softmax_cross_entropy.forward(y, t, reduction=reduction)
        return mlp.backward(softmax_cross_entropy.backward(np.float64(1), kept_by_loss).z, saved)

    batch, total = both(e.x, t, "mean"), both(e.x, t, "sum")
    single = [both(e.x[n : n + 1], t[n : n + 1], "mean") for n in range(BATCH)]
    for n in range(len(e.W)):
        near(batch.W[n], sum(g.W[n] for g in single) / BATCH)
        near(batch.b[n], sum(g.b[n] for g in single) / BATCH)
        near(total.W[n], sum(g.W[n] for g in single))


class Counted:
    """A number that counts the multiplications and additions made with any of its kind."""

    made = {"multiply": 0, "add": 0}  # noqa: RUF012

    def __init__(self, value: float) -> None:
        self.value = value

    def __mul__(self, other: Counted) -> Counted:
        Counted.made["multiply"] += 1
        return Counted(self.value * other.value)

    def __add__(self, other: Counted) -> Counted:
        Counted.made["add"] += 1
        return Counted(self.value + other.value)


def counted(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    out = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        out[index] = Counted(float(rng.normal()))
    return out


def lists() -> dict[str, list[int]]:
    return {"i": list(WIDTHS[:-1]), "o": list(WIDTHS[1:])}


def s21() -> None:
    from reference import linear

    products = sum(o * i for i, o in itertools.pairwise(WIDTHS))
    layer = load_project()["mlp"][0]
    formula = cost(layer, layer.equations)
    assert formula.multiply.value({"...": BATCH}, lists()) == BATCH * products
    assert formula.add.value({"...": BATCH}, lists()) == BATCH * products
    rng = np.random.default_rng(3)
    Counted.made = {"multiply": 0, "add": 0}
    h = counted((BATCH, WIDTHS[0]), rng)
    for i, o in itertools.pairwise(WIDTHS):  # the kernel itself, on numbers that count
        h = linear.forward(h, counted((o, i), rng), counted((o,), rng))[0]
    assert Counted.made == {"multiply": BATCH * products, "add": BATCH * products}, Counted.made


def s22() -> None:
    derivation = network()
    back = cost(derivation.layer, derivation.backward, derivation.tensors).multiply
    ahead = cost(derivation.layer, derivation.layer.equations).multiply
    n, o, i = size("..."), size("o"), size("i")
    assert sympy.expand(ahead.each - n * o * i) == 0
    assert sympy.expand(back.each - 2 * n * o * i - n * o) == 0
    wide = sympy.Symbol("d", positive=True)
    ratio = (back.each / ahead.each).subs({o: wide, i: wide, n: 1})
    assert sympy.limit(ratio, wide, sympy.oo) == 2


def s23() -> None:
    derivation = network()
    names, amount = kept(derivation)
    activations = [name for name in names if derivation.layer.tensors[name].role == "intermediate"]
    own = elements(derivation.layer, activations)
    assert sympy.expand(own.each - len(activations) * size("...") * size("o")) == 0
    assert 1 <= len(activations) <= 2
    assert own.once == 0
    one, many = (own.value({"...": n}, lists()) for n in (1, BATCH))
    assert one == len(activations) * sum(WIDTHS[1:])
    assert many == BATCH * one, "a batch takes B times as much"
    weights = amount.value({"...": BATCH}, lists()) - many
    assert weights >= sum(o * i for i, o in itertools.pairwise(WIDTHS)), "the weights come on top"
