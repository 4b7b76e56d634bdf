"""The smallest definitions that showed a fault."""

from __future__ import annotations

import math

from tests.generality.probes.cases import F, flags, given, group, normal, positive, torch, unit, whole

case = group("reproducers")
message = group("messages")


def running(x, decay=1.0):
    out, y = [], torch.zeros_like(x[0])
    for row in x:
        y = decay * y + row
        out.append(y)
    return torch.stack(out)


def windows(x, window):
    return x.unfold(0, window, 1)


def soft(e, s, A):
    out = []
    for row in e:
        s = torch.logsumexp(s[:, None] + A, 0) + row
        out.append(s)
    return torch.stack(out)


def grid(x):
    s, t = x.shape
    y = {}
    zero = torch.zeros((), dtype=x.dtype)
    for i in range(s):
        for j in range(t):
            y[i, j] = y.get((i - 1, j), zero) + y.get((i, j - 1), zero) + x[i, j]
    return torch.stack([torch.stack([y[i, j] for j in range(t)]) for i in range(s)])


def two_back(x):
    y, before, out = torch.zeros_like(x[0]), torch.zeros_like(x[0]), []
    for row in x:
        y, before = y + before + row, y
        out.append(y)
    return torch.stack(out)


def at(x, index):
    """Elements at places, 0 outside."""
    inside = (index >= 0) & (index < len(x))
    return torch.where(inside, x[index.clamp(0, len(x) - 1)], 0.0)


def beside(x, z):
    return torch.cat([x, z])


def only_largest(s):
    q = torch.softmax(s, -1)
    return torch.where(q == q.amax(-1, keepdim=True), q, 0.0)


def reversed_position(x, z):
    i, j = torch.arange(len(x))[:, None], torch.arange(len(z))
    return torch.where(j <= i, x[:, None] * z, z.flip(0))


for t, b in ((6, 2), (3, 3)):
    x = normal(t, b)
    case("r_reversed", lambda x: running(x).flip(0), x)
    case("r_strided", lambda x: running(x)[::2], x)
    case("r_gather_state", lambda x, last: running(x)[last, torch.arange(len(last))], x, whole(t, b))
    case("r_begin_zero", lambda x: running(x, 0.5), x)
    case("r_begin_end", lambda x: running(x.flip(0), 0.5).flip(0), x)
    case("r_last", lambda x: running(x, 0.5)[-1], x)
    message("m_two_step", two_back, x)
    message("m_two_recurrences", grid, x)
    case("r_logsumexp_recurrence", soft, normal(t, b), normal(b), normal(b, b))
    case("r_logsumexp_recurrence", soft, normal(t, b, scale=300), normal(b), normal(b, b))
case("r_hankel", lambda B, n, m: at(B, torch.arange(n)[:, None] + torch.arange(m)), normal(7), n=4, m=3)
case("r_hankel", lambda B, n, m: at(B, torch.arange(n)[:, None] + torch.arange(m)), normal(4), n=4, m=3)
for v, d, b, n in ((6, 3, 4, 5), (3, 3, 3, 3)):
    case("r_gather", lambda B, s: B[:, s].T, normal(d, v), whole(v, n))
    case("r_gather_same", lambda B, s: B[torch.arange(len(B)), s], normal(b, v), whole(v, b))
    case("r_gather_rows", lambda B, s: B.gather(1, s), normal(b, v), whole(v, b, n))
    case("r_gather_2d", lambda E, s: E[s], normal(v, d), whole(v, b, n))
    case(("r_two_gathers", "r_two_gathers_named"), lambda U, V, s, t: (U[s] * V[t]).sum(-1), normal(v, d), normal(v, d),
         whole(v, b), whole(v, b))  # fmt: skip
    case("r_top", only_largest, normal(b, v))
    case("r_log_prob", lambda A, x: (A @ x).log(), unit(b, d), unit(d))
    case("r_sum_log", lambda x: x.mean(-1).log(), unit(b, d))
    message("m_minus_inf", lambda x, m: torch.softmax(x.masked_fill(~m, -math.inf), -1), normal(b, v),
         lambda r, b=b, v=v: flags(b, v)(r) | (whole(v, b)(r)[:, None] == range(v)))  # fmt: skip
    message("m_softmax_in_expression", lambda x, w: torch.softmax(x, -1) @ w, normal(b, v), normal(v))
    message(("m_prod",), lambda x: x.prod(-1), normal(b, v))
    message("m_min_reduce", lambda x: x.amin(-1), normal(b, v))
    case("r_digit_axis", lambda x, z: torch.outer(x, z), normal(v), normal(d))
    case("r_digit_mean", lambda x, z: x.mean() * z.mean(), normal(v), normal(d))
    case("r_digit_matmul", lambda x, W, V: F.relu(x @ W.T) @ V.T, normal(b, v), normal(d, v), normal(n, d))
    case("r_digit_position", reversed_position, normal(v), normal(d))
    case("r_digit12", lambda x, W: x @ W.T, normal(b, v), normal(d, v))
    case("r_digit_relu", lambda x, W, V: F.relu(x @ W.T) @ V.T, normal(b, v), normal(d, v), normal(n, d))
    case(("r_concat", "r_concat_sum"), beside, normal(v), normal(d))
for n in (1, 0, 3):
    case("r_pad", lambda x, n: F.pad(x, (0, n)), normal(4), n=n)
for p in (3.0, 1.5, 1.0):
    case("r_power", lambda x, p: x.abs() ** p, normal(5), p=p)
for w in (2, 3):
    case("r_max_window", lambda x, window: windows(x, window).amax(-1), normal(6), window=w)
    case("r_norm_window", lambda x, window: windows(x, window).norm(dim=-1), normal(6), window=w)
    case("r_var_window", lambda x, window: (windows(x, window) ** 2).mean(-1), normal(6), window=w)
    case("r_logsumexp_window", lambda x, window: windows(x, window).logsumexp(-1), normal(6), window=w)
    case("r_logsumexp_window", lambda x, window: windows(x, window).logsumexp(-1), normal(6, scale=800), window=w)
for n in (6, 3):
    x = normal(n)
    message("m_min", lambda x: torch.clamp(x, max=0), x)
    message("m_mod", lambda x: torch.where(torch.arange(len(x)) % 2 == 0, x, 0.0), x)
    message("m_chain", lambda x: torch.where(torch.arange(len(x)) < 3, x, 0.0), x)
    case("r_axis_ignored", lambda x: F.pad(x, (0, len(x))), x)
    case("r_causal", lambda x, W: at(x, torch.arange(len(x))[:, None] - 2 * torch.arange(len(W))) @ W, x, normal(3))
    case(
        "r_centred",
        lambda x, W: at(x, torch.arange(len(x))[:, None] + torch.arange(len(W)) - (len(W) - 1) // 2) @ W,
        x,
        normal(4),
    )
    case("r_negative_relu", lambda x: F.relu(-x), x)
    case("r_negative_relu_sum", lambda x: F.relu(-x) + x**2, x)
    case("r_abs_twice", lambda x: torch.exp(-x.abs()), x)
message("m_diagonal", lambda x: x.trace(), normal(4, 4))
for heads in (1, 2):
    case("r_heads_list", lambda x, W, heads: sum((w @ x).sum() for w in W), normal(3), [normal(4, 3), normal(4, 3)],
         heads=heads)  # fmt: skip
case("r_power", lambda x, p: x.abs() ** p, given([0.0, 1.0, -2.0]), p=3.0)
case("r_sum_log", lambda x: x.mean(-1).log(), positive(4, 4))
