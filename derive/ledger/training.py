"""What shows S24 to S38: stability, training, initialisation, regularisation, skips and attention."""

from __future__ import annotations

import itertools
import math
import warnings
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import sympy

from derive.ledger.scalars import near, refuses


def s24() -> None:
    from reference import clip_by_global_norm

    def clip(*g: Any, tau: float = 1.0) -> Any:
        return clip_by_global_norm.forward([np.asarray(a, dtype=np.float64) for a in g], tau=tau)[0]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a, b = clip([3.0], [[0.0, 4.0]], tau=1.0)
        near(a, [0.6])
        near(b, [[0.0, 0.8]])  # over both together
        near(clip([3.0, 4.0], tau=5.0)[0], [3.0, 4.0])
        near(clip([3e200, 4e200])[0], [0.6, 0.8])  # 1e200 squared overflows
        near(clip([3e-200, 4e-200], tau=1e-200)[0] * 1e200, [0.6, 0.8])  # and its inverse underflows
        assert clip([0.0, 0.0])[0].tolist() == [0.0, 0.0]


def batch(seed: int = 0, mean: float = 0.0) -> Any:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(mean, 1.0, size=(11, 3, 2)),
        rng.normal(size=3),
        rng.normal(size=3),
        np.zeros(3),
        np.ones(3),
    )


def wide(c: Any) -> Any:
    """A number for each channel, to stand beside [b, c, ...]."""
    return np.asarray(c)[None, :, None]


def s25() -> None:
    from reference import batch_norm

    x, gamma, beta, running_mean, running_var = batch(mean=3.0)
    outputs = batch_norm.forward(x, gamma, beta, running_mean, running_var, momentum=1.0)[0]
    near(outputs.new_mean, x.mean(axis=(0, 2)))


def s26() -> None:
    from reference import batch_norm

    x, gamma, beta, running_mean, running_var = batch()
    n = x.size // 3
    outputs = batch_norm.forward(x, gamma, beta, running_mean, running_var, momentum=1.0)[0]
    near(outputs.new_var, x.var(axis=(0, 2)) * n / (n - 1))  # running: divided by N - 1
    near(
        outputs.y,
        wide(gamma) * (x - wide(x.mean(axis=(0, 2)))) / np.sqrt(wide(x.var(axis=(0, 2))) + 1e-5) + wide(beta),
    )
    far = (x + 1e6).astype(np.float32)
    exact = far.astype(np.float64).var(axis=(0, 2)) * n / (n - 1)
    single = [a.astype(np.float32) for a in (gamma, beta, running_mean, running_var)]
    # float32 is 0.06 apart at 1e6: the variance is right to what the rounding of the mean leaves
    near(batch_norm.forward(far, *single, momentum=1.0)[0].new_var, exact, 0.02)
    one_pass = np.square(far).mean(axis=(0, 2)) - np.square(far.mean(axis=(0, 2)))
    assert np.abs(one_pass - exact).max() > exact.max(), "in one pass there is no right digit"


def s27() -> None:
    from reference import batch_norm

    x, _, _, running_mean, running_var = batch(mean=-2.0)
    x_hat = batch_norm.forward(x, np.ones(3), np.zeros(3), running_mean, running_var)[0].y
    assert np.abs(x_hat.mean(axis=(0, 2))).max() < 1e-14
    near(x_hat.var(axis=(0, 2)), x.var(axis=(0, 2)) / (x.var(axis=(0, 2)) + 1e-5))


def s28() -> None:
    from reference import batch_norm, batch_norm_inference

    x, gamma, beta, running_mean, running_var = batch(mean=1.0)
    outputs, saved = batch_norm.forward(x, gamma, beta, running_mean, running_var, momentum=0.1)
    dy = np.random.default_rng(4).normal(size=x.shape)
    cotangent = (dy, np.zeros(3), np.zeros(3))
    try:
        found = batch_norm.backward(dy, saved)
    except (TypeError, ValueError):
        found = batch_norm.backward(cotangent, saved)
    r = 1 / np.sqrt(x.var(axis=(0, 2)) + 1e-5)
    x_hat = (x - wide(x.mean(axis=(0, 2)))) * wide(r)
    g = dy * wide(gamma)
    near(found.x, wide(r) * (g - wide(g.mean(axis=(0, 2))) - x_hat * wide((g * x_hat).mean(axis=(0, 2)))))
    near(found.gamma, (dy * x_hat).sum(axis=(0, 2)))
    near(found.beta, dy.sum(axis=(0, 2)))
    near(outputs.new_mean, 0.9 * running_mean + 0.1 * x.mean(axis=(0, 2)))
    y = batch_norm_inference.forward(x, gamma, beta, running_mean, running_var)[0]
    near(y, wide(gamma) * (x - wide(running_mean)) / np.sqrt(wide(running_var) + 1e-5) + wide(beta))


def s29() -> None:
    from reference import sgd

    W, dW = [np.array([1.0, 2.0]), np.array([[3.0]])], [np.array([10.0, -10.0]), np.array([[1.0]])]
    new = sgd.forward(W, dW, alpha=0.1)[0]
    near(new[0], [0.0, 3.0])
    near(new[1], [[2.9]])


def s30() -> None:
    from reference.training.digits import Recipe, train_digits

    result = train_digits(Recipe(hidden=(64,), epochs=12, patience=None))
    assert result.history[-1].loss < result.history[0].loss / 2
    assert result.test_accuracy > 0.9, result.test_accuracy


def s31() -> None:
    from reference.training.stopping import Criteria, Epoch

    def epoch(n: int, loss: float = 1.0, norm: float = 1.0, validation: float = 1.0) -> Epoch:
        return Epoch(n, 0.1, loss, norm, validation, 0.5)

    cases = {
        "loss": (Criteria(loss_below=0.1), [epoch(1), epoch(2, loss=0.05)]),
        "gradient norm": (Criteria(gradient_below=0.1), [epoch(1), epoch(2, norm=0.05)]),
        "validation": (Criteria(patience=2), [epoch(1), epoch(2, validation=2.0), epoch(3, validation=1.5)]),
        "max epochs": (Criteria(max_epochs=3), [epoch(1), epoch(2), epoch(3)]),
    }
    for criterion, (criteria, history) in cases.items():
        for n in range(1, len(history)):
            assert criteria.check(history[:n]) is None, f"{criterion} stops too early"
        stop = criteria.check(history)
        assert stop is not None
        assert stop.criterion == criterion
        assert stop.epoch == len(history)


def s32() -> None:
    from reference import xavier

    n_in, n_out, v = sympy.symbols("n_in n_out v", positive=True)
    # Var(sum_i W_i x_i) = n_in v Var(x) for independent W of mean 0; backwards n_out v Var(delta)
    forward, backward = n_in * v, n_out * v
    assert sympy.solve([forward - 1, backward - 1], [v], dict=True) == [], "no v keeps both"
    (found,) = sympy.solve((forward + backward) / 2 - 1, v)
    assert sympy.simplify(found - 2 / (n_in + n_out)) == 0
    gains = [g.subs({v: found}).subs({n_in: 300, n_out: 100}) for g in (forward, backward)]
    assert gains == [sympy.Rational(3, 2), sympy.Rational(1, 2)]
    assert [g.subs({v: found}).subs({n_out: n_in}) for g in (forward, backward)] == [1, 1]
    noise = np.random.default_rng(5).normal(size=(100, 300))
    W = xavier.forward(noise)[0]
    near(W, noise * math.sqrt(2 / 400))
    near(W.var(), 2 / 400, 0.03)


def s33() -> None:
    from reference import he, relu

    z, sigma = sympy.symbols("z sigma", positive=True)
    normal = sympy.exp(-(z**2) / (2 * sigma**2)) / (sigma * sympy.sqrt(2 * sympy.pi))
    second = sympy.integrate(z**2 * normal, (z, 0, sympy.oo))  # E[relu(z)^2]
    assert sympy.simplify(second - sigma**2 / 2) == 0
    uniform = sympy.integrate(
        z**2 / (2 * sigma), (z, 0, sigma)
    )  # any symmetric law: here on [-sigma, sigma], variance s^2/3
    assert sympy.simplify(uniform - sigma**2 / 6) == 0
    n, v = sympy.symbols("n v", positive=True)
    assert sympy.solve(n * v * sympy.Rational(1, 2) - 1, v) == [2 / n]  # Var(z) = n v E[relu(z_before)^2]
    shifted = mpmath.quad(lambda a: a**2 * mpmath.npdf(a, 1, 1), [0, 1, 4, 12])
    assert abs(shifted - 1.925) < 1e-3, "mean 1, variance 1: not 1/2"
    rng = np.random.default_rng(6)
    noise = rng.normal(size=(200, 300))
    W = he.forward(noise)[0]
    near(W, noise * math.sqrt(2 / 300))
    h = rng.normal(size=(2000, 300))
    for _ in range(8):  # the second moment of z stays
        z_l = relu.forward(h)[0] @ he.forward(rng.normal(size=(300, 300)))[0].T
        h = z_l
    assert 0.7 < float(np.square(h).mean()) < 1.4


def s34() -> None:
    from reference import l2_penalty

    W = [np.array([1.0, -2.0]), np.array([[3.0]])]
    R, saved = l2_penalty.forward(W, weight_decay=0.1)
    near(R, 0.05 * 14)
    for got, w in zip(l2_penalty.backward(np.float64(1), saved).W, W, strict=True):
        near(got, 0.1 * w)


def s35() -> None:
    from reference import dropout, inverted_dropout

    p, h = Fraction(4, 5), np.array([Fraction(3), Fraction(-7, 2), Fraction(1, 3)], dtype=object)
    plain, inverted = h * 0, h * 0
    for bits in itertools.product((0, 1), repeat=3):  # every mask, with its probability: an exact expectation
        weight = p ** sum(bits) * (1 - p) ** (3 - sum(bits))
        mask = np.array([Fraction(b) for b in bits], dtype=object)
        plain = plain + weight * dropout.forward(h, mask)[0]
        inverted = inverted + weight * inverted_dropout.forward(h, mask, p=p)[0]
    assert list(plain) == list(p * h), "E[h m] = p h: inference must scale by p"
    assert list(inverted) == list(h), "E[h m / p] = h: inference needs nothing"


def s36() -> None:
    from reference.training.advice import RECOMMENDED, geometric_sizes, remarks
    from reference.training.schedule import SCHEDULES

    assert geometric_sizes(64, 4, 2) == [64, 16, 4]  # 16 = sqrt(64 * 4)
    ranges = {name: (r.low, r.high) for name, r in RECOMMENDED.items()}
    assert ranges == {
        "layers": (2, 5),
        "alpha": (0.001, 0.1),
        "batch_size": (32, 256),
        "weight_decay": (0.0001, 0.01),
    }
    assert remarks(alpha=0.01) == []
    assert len(remarks(alpha=1.0)) == 1
    rate = SCHEDULES["cosine"](0.1, 10)
    assert rate(0) == 0.1
    assert rate(10) < rate(5) < rate(0)


def s37() -> None:
    from reference import residual

    rng = np.random.default_rng(7)
    x, W, b = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    skip, dy = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    y, saved = residual.forward(x, skip, W, b, activation="tanh")
    near(y, np.tanh(x @ W.T + b) + skip)
    assert np.array_equal(residual.backward(dy, saved).skip, dy), "the identity path"
    refuses(lambda: residual.forward(x, skip[:, :3], W, b), "skip")


def s38() -> None:
    from reference import attention

    rng = np.random.default_rng(8)
    Q, K, V = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 6))
    O, saved = attention.forward(Q, K, V, None)
    E = np.exp(Q @ K.transpose(0, 2, 1) / math.sqrt(3))
    P = E / E.sum(-1, keepdims=True)
    near(O, P @ V)
    dO = rng.normal(size=O.shape)
    dP = dO @ V.transpose(0, 2, 1)
    dS = P * (dP - (dO * O).sum(-1, keepdims=True))
    found = attention.backward(dO, saved)
    near(found.Q, dS @ K / math.sqrt(3))
    near(found.K, dS.transpose(0, 2, 1) @ Q / math.sqrt(3))
    near(found.V, P.transpose(0, 2, 1) @ dO)
    mask = np.ones((2, 4, 5), dtype=bool)
    mask[:, 1] = False
    assert not attention.forward(Q, K, V, mask)[0][:, 1].any(), "a row that may look nowhere"
    ahead = attention.forward(Q, Q, Q, None, causal=True)[0]
    changed = Q.copy()
    changed[:, -1] += 1
    near(attention.forward(changed, changed, changed, None, causal=True)[0][:, :-1], ahead[:, :-1])
