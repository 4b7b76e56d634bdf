"""What the ledger's statements about functions, losses, normalisation and training speak of."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

import reference
from reference.training.advice import geometric_sizes, remarks
from tests.page.prose.page import Names
from tests.page.prose.values import Row, difference

FAR = np.array([-1e6, -15.0, 0.0, 15.0, 1e6])  # where a range's ends are looked for
NEAR = FAR[1:-1]  # the same, where an open end is not yet rounded to


def slope(layer: Any, x: Any) -> Any:
    """An elementwise kernel's derivative."""
    return layer.backward(np.ones_like(x), layer.forward(x)[1]).x


def column(values: Any) -> Any:
    return np.asarray(values, dtype=float).reshape(-1, 1)


def by_element(values: Any) -> dict[int, float]:
    return dict(enumerate(np.ravel(values).tolist(), 1))


def range_of(function: Callable[[Any], Any], at: Any = NEAR) -> Callable[[Any, Names], str]:
    """Whether an interval is what a function's values fill: every end is reached if it is closed, else only nearly."""

    def test(row: Any, _: Names) -> str:
        if not isinstance(row, Row) or len(row.items) != 2:
            return "no interval"
        values = function(at)
        for end, bracket, best in ((row.items[0], row.left, values.min()), (row.items[1], row.right, values.max())):
            near = best > 1e5 if end == np.inf else best < -1e5 if end == -np.inf else abs(best - end) < 1e-6
            if not near or (bracket in "[]") != (best == end):
                return f"the values reach {best}, not {end} with {bracket}"
        return ""

    return test


def scalars(rng: np.random.Generator) -> Names:
    x = np.concatenate([rng.uniform(-3, 3, 6), [0.0]])
    alpha = inspect.signature(reference.leaky_relu.forward).parameters["alpha"].default
    z, t = rng.normal(size=5), rng.dirichlet(np.ones(5))
    y = reference.softmax.forward(z)[0]
    return {
        "x": x, r"\alpha": alpha, r"\sigma": reference.sigmoid.value(x), r"\tanh": reference.tanh.value,
        "z": column(z), "t": column(t), "y": column(y), "sigmoid": reference.sigmoid.value(x),
        "slope": slope(reference.sigmoid, x), "slope far out": slope(reference.sigmoid, np.array([-30.0, 30.0])),
        "tanh slope": slope(reference.tanh, x), "relu": reference.relu.value(x), "relu slope": slope(reference.relu, x),
        "leaky": reference.leaky_relu.forward(x)[0], "leaky slope": slope(reference.leaky_relu, x),
        "softmax": by_element(y), "cross entropy": reference.cross_entropy.forward(y[None], t[None])[0],
        "places": np.array([20.0, 0.3]), "far places": np.array([40.0, 0.3]),
    }  # fmt: skip


class KernelLog:
    """log y, of which only t log y is asked: minus what the kernel for cross-entropy makes of t and y."""

    def __init__(self, y: Any) -> None:
        self.y = float(y)

    def __rmul__(self, t: float) -> float:
        return -float(reference.cross_entropy.forward(np.array([[self.y]]), np.array([[t]]))[0])


def softmaxes(rng: np.random.Generator) -> Names:
    z, dy = rng.normal(size=(2, 5))
    y, saved = reference.softmax.forward(z)
    found: dict[str, Any] = {
        "of softmax": {
            "y": column(y),
            r"\overline{y}": column(dy),
            r"\overline{z}": column(reference.softmax.backward(dy, saved).z),
        }
    }
    for words, total in (("ones", 1.0), ("twos", 2.0)):
        t = rng.dirichlet(np.ones(5)) * total
        gradient = difference(lambda v, t=t: reference.softmax_cross_entropy.forward(v, t, reduction="sum")[0], z)
        h = {3: column(y)}
        found[words] = {"t": column(t), "h": h, r"\delta": {3: column(gradient)}}
        found[f"gradient of {words}"] = column(gradient)
        found[f"wrong by {words}"] = column(gradient - (y - t))
    return found


def normalisation(rng: np.random.Generator) -> Names:
    x, dy = rng.normal(2, 3, size=6), rng.normal(size=6)
    gamma, beta, epsilon = rng.uniform(0.5, 2), rng.normal(), 0.1
    one = np.ones(1)
    out, saved = reference.batch_norm.forward(
        x[:, None], gamma * one, beta * one, 0 * one, one, momentum=1.0, epsilon=epsilon
    )
    grads = reference.batch_norm.backward(dy[:, None], saved)
    variance = float(out.new_var[0]) * (len(x) - 1) / len(x)
    return {
        "x": x, "y": out.y[:, 0], r"\hat{x}": saved.x_hat.reshape(-1), r"\gamma": gamma, r"\beta": beta,
        r"\epsilon": epsilon, r"\mu_B": float(out.new_mean[0]), r"\sigma_B": np.sqrt(variance), "B": 6,
        r"\overline{x}": grads.x[:, 0], r"\overline{y}": dy, "g": gamma * dy, "r": float(np.ravel(saved.inv_std)[0]),
        r"\mathrm{mean}": np.mean, "mean": x.mean(), "deviation": np.mean((x - x.mean()) ** 2), "length": len(x),
    }  # fmt: skip


def training(rng: np.random.Generator) -> Names:
    W, dW, b, db = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=3)
    alpha, tau, decay = rng.uniform(0.1, 0.5), rng.uniform(0.5, 2), rng.uniform(0.1, 0.5)
    after = reference.sgd.forward([W, b], [dW, db], alpha=alpha)[0]
    penalty, saved = reference.l2_penalty.forward([W, W[:2]], weight_decay=decay)
    return {
        "W": W, "b": b, r"\partial L / \partial W": dW, r"\alpha": alpha, "after W": after[0], r"\tau": tau,
        "bias update": np.allclose(after[1], b - alpha * db), "clipped": clipped(tau), r"\lambda": decay,
        "all W": {"W": {1: W, 2: W[:2]}}, "penalty": float(penalty),
        "penalty gradient": reference.l2_penalty.backward(np.float64(1), saved).W[0],
        **initial(), **dropouts(rng), **he_names(rng),
        "halved": {"d": dict(enumerate(geometric_sizes(64, 4, 2))), r"\lambda": 5e-3},
        "advice": lambda v: not remarks(weight_decay=v) and remarks(weight_decay=100 * v), **attentions(rng),
    }  # fmt: skip


def clipped(tau: float) -> dict[str, float]:
    """The norms of gradients after clipping at tau, just below and above, and far above."""
    found = {}
    for words, norm in (("below", 0.999 * tau), ("above", 1.001 * tau), ("far", 9 * tau)):
        g = [np.array([0.6 * norm]), np.array([[0.8 * norm]])]
        y = reference.clip_by_global_norm.forward(g, tau=tau)[0]
        found[words] = float(np.sqrt(sum(np.sum(v**2) for v in y))) / norm
    return found | {"norm": found["far"] * 9 * tau}


def initial() -> dict[str, Any]:
    """The variances that the kernels give to weights, and what keeps that of signals, over all sign patterns."""
    ins, outs = 4, 6
    noise = np.ones((outs, ins))

    def gain(v: float, width: int) -> float:
        """How the mean square changes through weights of variance v, all signs in turn."""
        signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * width)).reshape(width, -1).T
        return float(
            np.mean(reference.linear.forward(np.ones((1, width)), np.sqrt(v) * signs, np.zeros(len(signs)))[0] ** 2)
        )

    return {
        "d_{in}": ins, "d_{out}": outs, "xavier": float(reference.xavier.forward(noise)[0][0, 0] ** 2),
        "he": float(reference.he.forward(noise)[0][0, 0] ** 2), "keeps forward": lambda v: abs(gain(v, ins) - 1) < 1e-9,
        "keeps backward": lambda v: abs(gain(v, outs) - 1) < 1e-9,
    }  # fmt: skip


def mean_of(samples: Any) -> float:
    """The expectation over equally likely outcomes; of one number there is none to speak of."""
    if np.ndim(samples) != 1:
        raise ValueError("an expectation of what does not vary")
    return float(np.mean(samples))


def he_names(rng: np.random.Generator) -> dict[str, Any]:
    half = rng.normal(size=50)
    return {
        "z": np.concatenate([half, -half]),
        "symmetric": -np.concatenate([-half, half]),
        "E": mean_of,
        r"\mathrm{relu}": reference.relu.value,
        r"\mathrm{Var}": np.var,
    }


def dropouts(rng: np.random.Generator) -> dict[str, Any]:
    m, h = np.array([1.0, 1.0, 1.0, 0.0, 0.0]), rng.normal()
    p = float(m.mean())
    trained = reference.inverted_dropout.forward(np.ones(5), m, p=p)[0]
    expected = float(np.mean(reference.dropout.forward(np.full(5, h), m)[0]))
    x = np.arange(5.0)
    return {
        "m": m, "h": h, "p": p, "E": mean_of,
        "dropped": lambda v: np.array_equal(reference.dropout.forward(x, m)[0], x * v),
        "kept": float(np.count_nonzero(m) / m.size), "inference": expected / h, "inverted": float(trained.max()),
    }  # fmt: skip


def attentions(rng: np.random.Generator) -> dict[str, Any]:
    Q, K, V, dO = rng.normal(size=(3, 2)), rng.normal(size=(4, 2)), rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    O, _ = reference.attention.forward(Q, K, V)
    S = Q @ K.T / np.sqrt(2)
    by_scores = difference(lambda s: np.sum(dO * (reference.softmax.forward(s)[0] @ V)), S)
    return {
        "Q": Q, "K": K, "V": V, "d_k": 2, "O": O, r"\overline{O}": dO,
        r"\mathrm{softmax}": lambda s: reference.softmax.forward(s)[0],
        "P": reference.softmax.forward(S)[0], r"\overline{P}": difference(lambda p: np.sum(dO * (p @ V)), S),
        r"\overline{S}": by_scores, r"\mathrm{rowsum}": lambda a: np.repeat(a.sum(axis=1, keepdims=True), 4, axis=1),
    }  # fmt: skip
