"""Recurrences."""

from __future__ import annotations

import numpy as np

from tests.generality.probes.cases import F, between, given, group, normal, simplex, torch, whole

case = group("recurrence")


def simple(x, h, W, U, c=0, activation="tanh"):
    out = []
    for row in x:
        h = getattr(torch, activation)(row @ W.T + h @ U.T + c)
        out.append(h)
    return torch.stack(out)


def gated(x, h, W, U, c, e):
    out = []
    for row in x:
        a, s = (row @ W.T + c).chunk(3, -1), (h @ U.T + e).chunk(3, -1)
        r, z = torch.sigmoid(a[0] + s[0]), torch.sigmoid(a[1] + s[1])
        h = (1 - z) * torch.tanh(a[2] + r * s[2]) + z * h
        out.append(h)
    return torch.stack(out)


def lstm(x, h, c, W, U, b, p=None, length=None, P=None):
    hs, cs = [], []
    for t, row in enumerate(x):
        i, f, g, o = (row @ W.T + h @ U.T + b).chunk(4, -1)
        if p is not None:
            i, f = i + p[0] * c, f + p[1] * c
        new_c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        new_h = torch.sigmoid(o if p is None else o + p[2] * new_c) * torch.tanh(new_c)
        if P is not None:
            new_h = new_h @ P.T
        if length is not None:
            on = (t < length)[:, None]
            new_h, new_c = torch.where(on, new_h, h), torch.where(on, new_c, c)
        h, c = new_h, new_c
        hs.append(h)
        cs.append(c)
    return torch.stack(hs), torch.stack(cs)


def stacked(x, h, c, W, U, b):
    for one in zip(h, c, W, U, b, strict=True):
        x = lstm(x, *one)[0]
    return x


def scanned(A, u, h):
    """h = A h + u, over the first axis."""
    out = []
    for a, v in zip(A, u, strict=True):
        h = a * h + v
        out.append(h)
    return torch.stack(out)


def selective(x, delta, A, B, C, D, h):
    p = F.softplus(delta)
    hs = scanned(torch.exp(p[..., None] * A), p[..., None] * B[:, :, None] * x[..., None], h)
    return (hs * C[:, :, None]).sum(-1) + D * x


def state_space(u, A, B, C, x):
    out = []
    for row in u:
        x = x @ A.T + B * row[:, None]
        out.append(x @ C)
    return torch.stack(out)


def averaged(x, y, decay):
    out = []
    for row in x:
        y = decay * y + (1 - decay) * row
        out.append(y)
    return torch.stack(out)


def averaged_from_first(x, decay):
    return torch.cat([x[:1], averaged(x[1:], x[0], decay)])


def second_order(x, a, c, y):
    before, out = torch.zeros_like(y), []
    for row in x:
        y, before = a * y + c * before + row, y
        out.append(y)
    return torch.stack(out)


def kalman(z, m, p, q, r, a):
    means, variances = [], []
    for row in z:
        prior = a**2 * p + q
        gain = prior / (prior + r)
        m, p = a * m + gain * (row - a * m), (1 - gain) * prior
        means.append(m)
        variances.append(p)
    return torch.stack(means), torch.stack(variances)


def hidden(obs, start, A, B):
    a = start
    for row in obs:
        a = (a @ A) * B[:, row].T
    return a.sum(-1).log()


def hidden_log(obs, start, A, B):
    a = start
    for row in obs:
        a = torch.logsumexp(a[:, :, None] + A, 1) + B[:, row].T
    return torch.logsumexp(a, -1)


def chain(e, s, A):
    for row in e:
        s = torch.logsumexp(s[:, :, None] + A, 1) + row
    return torch.logsumexp(s, -1)


def best(e, s, A):
    for row in e:
        s = (s[:, :, None] + A).amax(1) + row
    return s.amax(-1)


def alignments(logp, label, a, blank):
    """The forward algorithm over labels with blanks between; ``a`` is what is there before the first step."""
    zeros = torch.zeros(label.shape[0], 2, dtype=logp.dtype)
    two_back = torch.cat([torch.full((label.shape[0], 2), -1), label[:, :-2]], 1)
    skip = (label != blank) & (label != two_back)
    for row in logp:
        before = torch.cat([zeros, a], 1)
        a = (before[:, 2:] + before[:, 1:-1] + skip * before[:, :-2]) * row.gather(1, label).exp()
    return -(a[:, -1] + a[:, -2]).log()


def euler(x, W, c, dt):
    for w, v in zip(W, c, strict=True):
        x = x + dt * torch.tanh(x @ w.T + v)
    return x


LSTM = [normal(*s) for s in ((2, 5), (2, 5), (20, 4), (20, 5), (20,))]
SQUARE = [normal(*s) for s in ((3, 3), (3, 3), (12, 3), (12, 3), (12,))]
PARTS = [normal(*s) for s in ((2, 5), (5, 4), (5, 5), (5,))]
X, X3 = normal(6, 2, 4), normal(3, 3, 3)

case("rnn_cell", lambda x, h, W, U, b: torch.tanh(x @ W.T + h @ U.T + b), normal(2, 3, 4), normal(2, 3, 5),
     normal(5, 4), normal(5, 5), normal(5))  # fmt: skip
for activation in ("tanh", "relu", "sigmoid"):
    case("rnn", simple, X, *PARTS, activation=activation)
case("rnn", simple, X3, normal(3, 3), normal(3, 3), normal(3, 3), normal(3), activation="tanh")
case("gru", gated, X, *(normal(*s) for s in ((2, 5), (15, 4), (15, 5), (15,), (15,))))
case("lstm_peephole", lstm, X, *LSTM, normal(3, 5))
case("lstm_peephole", lstm, X3, *SQUARE, normal(3, 3))
case("lstm_lengths", lambda x, length, *rest: lstm(x, *rest, length=length), normal(6, 3, 4), given([6, 2, 0]),
     *(normal(*s) for s in ((3, 5), (3, 5), (20, 4), (20, 5), (20,))))  # fmt: skip
case(
    "birnn",
    lambda x, h, g, W, U, c, Wb, Ub, cb: (simple(x, h, W, U, c), simple(x.flip(0), g, Wb, Ub, cb).flip(0)),
    X,
    *(normal(*s) for s in ((2, 5), (2, 5), (5, 4), (5, 5), (5,), (5, 4), (5, 5), (5,))),
)
case(
    "bilstm_concat",
    lambda x, *w: torch.stack([lstm(x, *w[:5])[0], lstm(x.flip(0), *w[5:])[0].flip(0)], 2),
    X,
    *LSTM,
    *LSTM,
)
case("backward_rnn", lambda x, h, W, U: simple(x.flip(0), h, W, U).flip(0), X, *PARTS[:3])
case("lstm2", lambda x, *w: lstm(lstm(x, *w[:5])[0], *w[5:])[0], X, *LSTM,
     *(normal(*s) for s in ((2, 3), (2, 3), (12, 5), (12, 3), (12,))))  # fmt: skip
for depth in (1, 2, 3):
    case("lstm_stack", stacked, normal(6, 2, 5),
         *([normal(*s)] * depth for s in ((2, 5), (2, 5), (20, 5), (20, 5), (20,))))  # fmt: skip
case("lstm_projected", lambda x, h, c, W, U, b, P: lstm(x, h, c, W, U, b, P=P), X,
     *(normal(*s) for s in ((2, 3), (2, 5), (20, 4), (20, 3), (20,), (3, 5))))  # fmt: skip
case("scan", lambda A, x, B, h: scanned(A.transpose(0, 1), (B * x).transpose(0, 1), h),
     normal(2, 6, 3), normal(2, 6, 3), normal(2, 6, 3), normal(2, 3))  # fmt: skip
case(
    "mamba_scan",
    selective,
    *(normal(6, 2, 3), normal(6, 2, 3), between(-2.0, -0.1, 3, 4), normal(6, 2, 4), normal(6, 2, 4)),
    *(normal(3), normal(2, 3, 4)),
)
case("ssm", state_space, *(normal(*s) for s in ((6, 2), (4, 4), (4,), (4,), (2, 4))))
for decay in (0.7, 0.0):
    case("ema", averaged, normal(6, 2, 3), normal(2, 3), decay=decay)
    case("ema_first", averaged_from_first, normal(6, 2, 3), decay=decay)
case("cumsum", lambda x: x.cumsum(0), normal(6, 2))
case("cumsum", lambda x: x.cumsum(0), normal(3, 3))
case("fibonacci_ar2", second_order, normal(6, 3), normal(3), normal(3), normal(3))
for a in (0.9, -0.5):
    case("kalman", kalman, normal(6, 3), normal(3), between(0.1, 2.0, 3), q=0.1, r=0.5, a=a)
case("hmm_forward", hidden, whole(5, 6, 2), simplex(2, 3), simplex(3, 3), simplex(3, 5))
case("hmm_log", hidden_log, whole(5, 6, 2), normal(2, 3), normal(3, 3), normal(3, 5))
case("hmm_log", hidden_log, whole(5, 60, 2), normal(2, 3), normal(3, 3, shift=-40), normal(3, 5, shift=-300))
case("crf_score", chain, normal(6, 2, 3), normal(2, 3), normal(3, 3))
case("crf_score", chain, normal(60, 2, 3, scale=100, shift=-500), normal(2, 3), normal(3, 3))
case("viterbi", best, normal(6, 2, 3), normal(2, 3), normal(3, 3))
LABELS = given([[0, 1, 0, 2, 0, 2, 0], [0, 3, 0, 1, 0, 4, 0]])
START = given([[1.0, 0, 0, 0, 0, 0, 0]] * 2)
case("ctc", alignments, lambda r: np.log(simplex(8, 2, 5)(r)), LABELS, START, blank=0)
case("ode_euler", lambda x, W, c, dt: euler(x, W, c, dt), normal(2, 4), normal(6, 4, 4), normal(6, 4), dt=0.1)
for steps in (1, 2, 5):
    case("ode_euler_steps", lambda x, W, c, dt, steps: euler(x, [W] * steps, [c] * steps, dt), normal(2, 4),
         normal(4, 4), normal(4), dt=0.1, steps=steps)  # fmt: skip
