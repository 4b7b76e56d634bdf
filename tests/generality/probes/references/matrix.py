"""Questions from matrix calculus."""

from __future__ import annotations

import math

import numpy as np

from tests.generality.probes.cases import (
    F,
    bits,
    definite,
    given,
    group,
    normal,
    positive,
    signs,
    simplex,
    torch,
    whole,
)

case = group("matrix")


def logistic(X, w, b, t, lam):
    z = X @ w + b
    return F.binary_cross_entropy_with_logits(z, t) + lam / 2 * (w**2).sum()


def biased(Q, K, V, m, causal):
    scores = Q @ K.mT / math.sqrt(Q.shape[-1])
    q, k = torch.arange(scores.shape[-2])[:, None], torch.arange(scores.shape[-1])
    scores = scores - m[:, None, None] * (q - k)
    return (scores.masked_fill(k > q, -math.inf) if causal else scores).softmax(-1) @ V


def cut(W, x):
    d = (W.sum(1) * x * x).sum()
    return (d - x @ W @ x) / d


for m, n in ((4, 6), (3, 3)):
    A, x, b = normal(m, n), normal(n), normal(m)
    case(("least_squares", "least_squares_residual"), lambda A, x, b: ((A @ x - b) ** 2).sum(), A, x, b)
    case("least_norm", lambda A, x, b: (A @ x - b).norm(), A, x, b)
    case("lse_linear", lambda A, x: (A @ x).logsumexp(0), A, x)
    case("lse_linear", lambda A, x: (A @ x).logsumexp(0), normal(m, n, scale=500), x)
    case("sine", lambda x, y: (x @ y).sin(), x, normal(n))
    case("softmax_linear", lambda A, x: (A @ x).softmax(0), A, x)
    case("orthogonality", lambda A: ((A.T @ A - torch.eye(A.shape[1])) ** 2).sum(), A)
    case("total_variation", lambda x: x.diff(dim=0).abs().sum() + x.diff(dim=1).abs().sum(), A)
    case("entropy", lambda p: torch.special.entr(p).sum(-1), simplex(m, n))
    case("geometric_mean", lambda x: x.log().mean(-1).exp(), positive(m, n))
    for X in (normal(m, n), normal(m, n, scale=1000)):
        case("logistic_regression", logistic, X, normal(n), given(0.3), bits(m), lam=0.1)
        case("logistic_pm", lambda X, w, t: -F.logsigmoid(t * (X @ w)).mean(), X, normal(n), signs(m, kind=float))
    case(
        "gaussian_diag",
        lambda x, mu, s: torch.distributions.Normal(mu, s.exp()).log_prob(x).sum(),
        normal(m, n),
        normal(n),
        normal(n),
    )
    case("svm", lambda X, w, b, t, C: (w**2).sum() / 2 + C * F.relu(1 - t * (X @ w + b)).sum(), normal(m, n),
         normal(n), given(0.1), signs(m, kind=float), C=0.7)  # fmt: skip
    case("poisson_regression", lambda X, w, t: ((X @ w).exp() - t * (X @ w)).sum(), normal(m, n, scale=0.5), normal(n),
         lambda r, m=m: whole(5, m)(r).astype(float))  # fmt: skip
    case(
        "elastic_net",
        lambda X, w, t, lam, ratio: (
            ((X @ w - t) ** 2).mean() / 2 + lam * (ratio * w.abs().sum() + (1 - ratio) / 2 * (w**2).sum())
        ),
        normal(m, n),
        normal(n),
        normal(m),
        lam=0.1,
        ratio=0.3,
    )
    case(
        "factorisation",
        lambda X, U, V, lam: ((X - U @ V) ** 2).sum() + lam * ((U**2).sum() + (V**2).sum()),
        normal(m, n),
        normal(m, 2),
        normal(2, n),
        lam=-0.1,
    )
    case("rbf_kernel", lambda x, y, gamma: torch.exp(-gamma * ((x[:, None] - y) ** 2).sum(-1)), normal(m, 3),
         normal(n, 3), gamma=0.5)  # fmt: skip
    case(
        "factorisation_machine",
        lambda x, w, V, c: c + x @ w + ((x @ V) ** 2 - (x**2) @ (V**2)).sum(-1) / 2,
        normal(m, n),
        normal(n),
        normal(n, 3),
        given(0.2),
    )
    case(
        "two_layer",
        lambda x, W, b, v, c, t: ((torch.sigmoid(x @ W.T + b) @ v + c - t) ** 2).mean(),
        normal(m, 3),
        normal(n, 3),
        normal(n),
        normal(n),
        given(0.2),
        normal(m),
    )
case(("quadratic_form", "quadratic_form_same", "quadratic_form_other"), lambda A, x: x @ A @ x, normal(5, 5), normal(5))
case("trace_quadratic", lambda A, X: (X.T @ A @ X).trace(), normal(5, 5), normal(5, 3))
case("trace_quadratic", lambda A, X: (X.T @ A @ X).trace(), normal(3, 3), normal(3, 3))
case("log_det_two", torch and torch.logdet, lambda r: np.eye(2) + normal(3, 2, 2, scale=0.1)(r))
for n in (4, 1):
    case("mahalanobis", lambda x, mu, P: ((x - mu) @ P * (x - mu)).sum(-1).sqrt(), normal(3, n), normal(n), definite(n))
for lam in (0.1, -0.2):
    case("kernel_ridge", lambda K, a, y, lam: ((y - K @ a) ** 2).sum() + lam * a @ K @ a, normal(5, 5), normal(5),
         normal(5), lam=lam)  # fmt: skip
for causal in (True, False):
    case("attention_alibi", biased, normal(2, 5, 3), normal(2, 5, 3), normal(2, 5, 4), positive(2), causal=causal)
case("attention_alibi", biased, normal(2, 4, 3), normal(2, 6, 3), normal(2, 6, 3), positive(2), causal=False)
case("normalised_cut", cut, positive(5, 5), normal(5))
case("rayleigh", lambda A, x: x @ A @ x / (x @ x), normal(5, 5), normal(5))
case("trace_three", lambda A, B, C: (A @ B @ C).trace(), normal(3, 4), normal(4, 5), normal(5, 3))
case("trace_three", lambda A, B, C: (A @ B @ C).trace(), normal(3, 3), normal(3, 3), normal(3, 3))
