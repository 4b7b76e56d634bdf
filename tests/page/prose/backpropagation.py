"""The chapter on backpropagation: what its formulas are compared with, from kernels, differences and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import reference
from tests.page.prose import ledger_networks as networks
from tests.page.prose import ledger_scalars as of
from tests.page.prose.page import Names, Prose
from tests.page.prose.values import difference

PAGE = Prose(ranges={"l": (1, 2, 3), "i": range(1, 7), "j": range(1, 7), "n": range(1, 8)})
column = of.column


def network_of(names: Names) -> Callable[[int, Any], float]:
    """The loss as a function of what a layer holds: `after(1, h)` runs the layers above it."""
    W, b, h = names["W"], names["b"], names["h"]
    by_output = names[r"\partial L / \partial h"][3]

    def after(layer: int, held: Any) -> float:
        above = {n: v for n, v in W.items() if n > layer}
        y = networks.forward(above, b, held)[0].T if above else held
        return float(np.sum(by_output * y)) + 0 * float(np.sum(h[3]))

    return after


def jacobian(of_value: Callable[[Any], Any], at: Any) -> Any:
    """The derivatives of each element of a column by each element of an array."""
    return np.stack([difference(lambda v, i=i: of_value(v)[i], at) for i in range(len(of_value(at)))])


@PAGE.names("network|chain-rule|error-signal|four-equations|cost")
def network(rng: np.random.Generator) -> Names:
    names = dict(networks.network(rng))
    W, b, h, z = names["W"], names["b"], names["h"], names["z"]
    after = network_of(names)

    def sums(n: int, weights: Any, held: Any) -> Any:
        return column(reference.linear.forward(held.T, weights, b[n][:, 0])[0])

    return names | {
        "x": h[0],
        r"\partial L / \partial z": names[r"\delta"],
        r"\delta": names[r"\overline{z}"],
        r"\partial L / \partial W": names["by W"],
        r"\partial L / \partial b": names["by b"],
        r"\partial L / \partial h": {n: difference(lambda v, n=n: after(n, v), h[n]) for n in h},
        r"\partial z / \partial W": {n: jacobian(lambda v, n=n: sums(n, v, h[n - 1]), W[n]) for n in W},
        r"\partial z / \partial h": {n - 1: jacobian(lambda v, n=n: sums(n, W[n], v), h[n - 1])[:, :, 0] for n in W},
        "M_f": names["forward count"], "M_b": names["backward count"],
        "M_z": networks.BATCH * sum(v.size for v in z.values()),
    }  # fmt: skip


@PAGE.names("activations")
def activations(_: np.random.Generator) -> Names:
    names: dict[str, Any] = {"x": np.array([-3.1, -0.6, 0.0, 0.4, 2.7]), r"\alpha": 0.01}
    for name, layer in (
        (r"\sigma", reference.sigmoid), (r"\tanh", reference.tanh), (r"\mathrm{ReLU}", reference.relu),
        (r"\mathrm{LReLU}", reference.leaky_relu),
    ):  # fmt: skip
        names[name] = lambda x, layer=layer: layer.forward(np.asarray(x, dtype=float))[0]
        names[name + "'"] = lambda x, layer=layer: of.slope(layer, np.asarray(x, dtype=float))
    return names


@PAGE.names("loss")
def loss(rng: np.random.Generator) -> Names:
    names = of.scalars(rng)
    return {"z": names["z"], "y": names["y"], "t": names["t"], "L": float(names["cross entropy"])}


@PAGE.names("softmax-at-the-end")
def softmax_at_the_end(rng: np.random.Generator) -> Names:
    z = rng.normal(size=(5, 1))
    names = of.softmaxes(rng)["ones"]
    return {
        **names, "L": 3, "y": column(reference.softmax.forward(z[:, 0])[0]),
        r"\partial y / \partial z": jacobian(lambda v: reference.softmax.forward(v[:, 0])[0], z)[:, :, 0],
    }  # fmt: skip


@PAGE.names("in-numbers")
def in_numbers(_: np.random.Generator) -> Names:
    """The network of the example: its arrays are given, all else comes from the kernels."""
    W = {1: np.array([[1.0, 1], [1, -1]]), 2: np.array([[1.0, 2], [0, -1]])}
    b = {1: np.array([[1.0], [-1]]), 2: np.array([[0.0], [4]])}
    x, t, alpha = np.array([[1.0], [2]]), np.array([[1.0], [0]]), 0.1

    def run(W: Any, b: Any) -> tuple[float, Any, Any]:
        z, saved = reference.mlp.forward(x.T, [*W.values()], [v[:, 0] for v in b.values()])
        value, kept = reference.softmax_cross_entropy.forward(z, t.T, reduction="sum")
        return float(value), saved, reference.softmax_cross_entropy.backward(1.0, kept)

    value, saved, by_z = run(W, b)
    by_z = by_z if isinstance(by_z, np.ndarray) else by_z[0]
    grads = reference.mlp.backward(by_z, saved)
    by = {
        "W": {n: difference(lambda v, n=n: run({**W, n: v}, b)[0], W[n]) for n in W},
        "b": {n: difference(lambda v, n=n: run(W, {**b, n: v})[0], b[n]) for n in W},
    }
    stepped = dict(enumerate(reference.sgd.forward([*W.values()], list(grads.W), alpha=alpha)[0], 1))
    moved = {n: b[n] - alpha * column(grads.b[n - 1]) for n in b}
    z = {n: column(v) for n, v in enumerate(saved.z, 1)}
    return {
        "x": x, "t": t, "W": W, "b": b, "z": z, "L": value, "L_1": run(stepped, moved)[0], r"\alpha": alpha,
        "h": {1: column(saved[1][1][0]), 2: column(reference.softmax.forward(z[2][:, 0])[0])},
        r"\delta": {n: column(g) for n, g in enumerate(grads.b, 1)},
        r"\partial L / \partial W": by["W"], r"\partial L / \partial b": by["b"],
        r"\mathrm{ReLU}": reference.relu.value, r"\mathrm{ReLU}'": lambda v: of.slope(reference.relu, v),
        r"\mathrm{softmax}": lambda v: column(reference.softmax.forward(v[:, 0])[0]),
    }  # fmt: skip


@PAGE.names("mini-batches")
def mini_batches(rng: np.random.Generator) -> Names:
    """The mean loss over a batch, differentiated; each example's delta by a backward pass of its own."""
    sizes = networks.WIDTHS
    W = {n: rng.normal(size=(sizes[n], sizes[n - 1])) for n in (1, 2, 3)}
    b = {n: rng.normal(size=(sizes[n], 1)) for n in (1, 2, 3)}
    x, t = rng.normal(size=(7, sizes[0])), rng.dirichlet(np.ones(sizes[3]), size=7)

    def run(W: Any, b: Any, x: Any, t: Any) -> tuple[float, Any, Any]:
        z, saved = reference.mlp.forward(x, [*W.values()], [v[:, 0] for v in b.values()], activation="tanh")
        value, kept = reference.softmax_cross_entropy.forward(z, t, reduction="mean")
        by_z = reference.softmax_cross_entropy.backward(1.0, kept)
        return float(value), saved, by_z if isinstance(by_z, np.ndarray) else by_z[0]

    alone = [run(W, b, x[n : n + 1], t[n : n + 1]) for n in range(7)]
    grads = [reference.mlp.backward(by_z, saved) for _, saved, by_z in alone]
    h = {0: x} | {n: np.concatenate([saved[1][n][0] for _, saved, _ in alone]) for n in (1, 2)}
    return {
        "B": 7, "h": h, r"\delta": {n: np.stack([g.b[n - 1] for g in grads]) for n in W},
        r"\partial L / \partial W": {n: difference(lambda v, n=n: run({**W, n: v}, b, x, t)[0], W[n]) for n in W},
        r"\partial L / \partial b": {n: difference(lambda v, n=n: run(W, {**b, n: v}, x, t)[0], b[n]) for n in W},
    }  # fmt: skip


@PAGE.names("clipping")
def clipping(rng: np.random.Generator) -> Names:
    g = rng.normal(size=(5, 1))
    tau = 0.4 * float(np.linalg.norm(g))
    clipped = reference.clip_by_global_norm.forward([g[:2], g[2:]], tau=tau)[0]
    return {"g": g, r"\tau": tau, "after g": np.concatenate(list(clipped))}


@PAGE.names("batch-normalisation")
def batch_normalisation(rng: np.random.Generator) -> Names:
    return of.normalisation(rng)


@PAGE.names("training")
def training(rng: np.random.Generator) -> Names:
    names = of.training(rng)
    b, by_b = rng.normal(size=(3, 1)), rng.normal(size=(3, 1))
    after = reference.sgd.forward([b], [by_b], alpha=names[r"\alpha"])[0][0]
    return {**names, "b": b, r"\partial L / \partial b": by_b, "after b": after}


def weights(kernel: Any) -> Names:
    """What an initialiser makes of noise that is as often 1 as -1, so that its variance is exactly 1."""
    outs, ins = 6, 4
    noise = np.where(np.indices((outs, ins)).sum(axis=0) % 2, 1.0, -1.0)
    return {"W": kernel.forward(noise)[0], "d_{in}": ins, "d_{out}": outs, r"\mathrm{Var}": np.var}


@PAGE.names("xavier")
def xavier(_: np.random.Generator) -> Names:
    return weights(reference.xavier)


@PAGE.names("he")
def he(rng: np.random.Generator) -> Names:
    z = rng.normal(size=50)
    return {
        **weights(reference.he),
        "z": np.concatenate([z, -z]),
        "E": of.mean_of,
        r"\mathrm{ReLU}": reference.relu.value,
    }


@PAGE.names("weight-decay")
def weight_decay(rng: np.random.Generator) -> Names:
    W = {n: rng.normal(size=(n + 1, n)) for n in (1, 2, 3)}
    by_loss = {n: rng.normal(size=v.shape) for n, v in W.items()}
    decay = rng.uniform(0.1, 0.5)

    def total(W: Any) -> float:
        penalty = reference.l2_penalty.forward([*W.values()], weight_decay=decay)[0]
        return sum(float(np.sum(by_loss[n] * v)) for n, v in W.items()) + float(penalty)

    return {
        "W": W, "L": sum(float(np.sum(by_loss[n] * v)) for n, v in W.items()), r"\lambda": decay, "J": total(W),
        r"\partial L / \partial W": by_loss,
        r"\partial J / \partial W": {n: difference(lambda v, n=n: total({**W, n: v}), W[n]) for n in W},
    }  # fmt: skip


@PAGE.names("dropout|rules-of-thumb|attention")
def others(rng: np.random.Generator) -> Names:
    names = of.training(rng)
    return {**names, "d": names["halved"]["d"]}


@PAGE.names("skip")
def skip(rng: np.random.Generator) -> Names:
    names = networks.network(rng)
    return {"h": names["skip"], **names["block"], r"\sigma": reference.tanh.value}


PAGE.equivalent |= {
    r"x = .* h \^\{\(l\)\} \\in .*": "what a layer holds has as many rows as its biases",
    r"\\sigma\( 41 \) = 1": "the logistic function of 41 rounds to 1, too",
    r".*\\sum_i  t _i = 1.*": "targets have the sum 1 as well",
    r".*\\partial +b .*": "biases are added to the sums: a derivative by one is that by the other",
    r".*\\mathrm\{ReLU\}\( h \^.*": "ReLU changes nothing that it has made",
    r".*\\mathrm\{softmax\}\( h \^.*": "softmax of numbers that are alike is alike",
    r"\\Vert g \\Vert > +g": "a norm is larger than every element",
}
