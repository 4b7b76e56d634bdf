"""Hidden Markov models and state spaces."""

from __future__ import annotations

from derive import layer


@layer(cites="Rabiner 1989; Baum et al. 1970")
def hmm_forward(e: Real[t, ..., i], s0: Real[..., i], A: Real[j, i]):
    """The forward algorithm: the logarithm of a sequence's likelihood under a hidden Markov model, given logarithms."""
    j = axis(size(i))
    f[-1, ..., i] = s0[..., i]
    f[t, ..., i] = log(sum(j, exp(f[t - 1, ..., j] + A[j, i]))) + e[t, ..., i]
    p[...] = log(sum(i, exp(f[size(t) - 1, ..., i])))
    return p


@layer(cites="Viterbi 1967; Rabiner 1989")
def viterbi(e: Real[t, ..., i], s0: Real[..., i], A: Real[j, i]):
    """The score of the best path through a hidden Markov model, given logarithms; its gradient is the path."""
    j = axis(size(i))
    f[-1, ..., i] = s0[..., i]
    f[t, ..., i] = max(j, f[t - 1, ..., j] + A[j, i]) + e[t, ..., i]
    best[...] = max(i, f[size(t) - 1, ..., i])
    return best


@layer(cites="Gu and Dao 2023, arXiv:2312.00752")
def selective_scan(
    x: Real[t, ..., d],
    delta: Real[t, ..., d] > 0,
    A: Real[d, n] <= 0,
    B: Real[t, ..., n],
    C: Real[t, ..., n],
    D: Real[d],
    h0: Real[..., d, n],
):
    """A linear state space whose step, input and output depend on the data (Mamba's S6)."""
    h[-1, ..., d, n] = h0[..., d, n]
    h[t, ..., d, n] = (
        exp(delta[t, ..., d] * A[d, n]) * h[t - 1, ..., d, n] + delta[t, ..., d] * B[t, ..., n] * x[t, ..., d]
    )
    y[t, ..., d] = sum(n, C[t, ..., n] * h[t, ..., d, n]) + D[d] * x[t, ..., d]
    return y
