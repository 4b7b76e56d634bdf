"""Attention and positions."""

from __future__ import annotations

from derive import layer


@layer(cites="S38; Vaswani et al. 2017, arXiv:1706.03762")
def attention(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], mask: Mask[..., q, k], causal: Flag = False):
    """Scaled dot-product attention; a row that may look nowhere gives zeros."""
    S[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d))
    E[..., q, k] = exp(S[..., q, k]) if mask[..., q, k] and (k <= q or not causal) else 0
    total[..., q] = sum(k, E[..., q, k])
    P[..., q, k] = E[..., q, k] / total[..., q] if total[..., q] != 0 else 0
    O[..., q, v] = sum(k, P[..., q, k] * V[..., k, v])
    return O


@layer(cites="Raffel et al. 2020, arXiv:1910.10683")
def biased_attention(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], B: Real[..., q, k]):
    """Attention with a bias added to its scores, which may be a mask of 0 and minus infinity."""
    S[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d)) + B[..., q, k]
    P[..., q, k] = exp(S[..., q, k]) / sum(j, exp(S[..., q, j]))
    O[..., q, v] = sum(k, P[..., q, k] * V[..., k, v])
    return O


@layer(cites="Shaw, Uszkoreit and Vaswani 2018, arXiv:1803.02155; Raffel et al. 2020, arXiv:1910.10683")
def relative_bias_attention(Q: Real[b, h, q, d], K: Real[b, h, k, d], V: Real[b, h, k, v], table: Real[h, r]):
    """Attention with a bias for each head and distance, read from a table about its middle; beyond an end, the end."""
    B[h, q, k] = table[h, min(size(r) - 1, max(0, k - q + size(r) // 2))]
    S[b, h, q, k] = sum(d, Q[b, h, q, d] * K[b, h, k, d]) / sqrt(size(d)) + B[h, q, k]
    P[b, h, q, k] = exp(S[b, h, q, k]) / sum(j, exp(S[b, h, q, j]))
    O[b, h, q, v] = sum(k, P[b, h, q, k] * V[b, h, k, v])
    return O


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762")
def scaled_attention(Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], scale: Positive = 1.0):
    """Attention with a scale of choice in place of one over the root of the width."""
    S[..., q, k] = scale * sum(d, Q[..., q, d] * K[..., k, d])
    P[..., q, k] = exp(S[..., q, k]) / sum(j, exp(S[..., q, j]))
    O[..., q, v] = sum(k, P[..., q, k] * V[..., k, v])
    return O


@layer(cites="Beltagy, Peters and Cohan 2020, arXiv:2004.05150")
def sliding_window_attention(
    Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], mask: Mask[..., q, k], window: Natural[2] = 1
):
    """Attention to nearby positions: so many before, and so many behind."""
    S[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d))
    E[..., q, k] = exp(S[..., q, k]) if mask[..., q, k] and q - k <= window[0] and k - q <= window[1] else 0
    total[..., q] = sum(k, E[..., q, k])
    P[..., q, k] = E[..., q, k] / total[..., q] if total[..., q] != 0 else 0
    O[..., q, v] = sum(k, P[..., q, k] * V[..., k, v])
    return O


@layer(cites="Gemma Team 2024, arXiv:2408.00118")
def softcap_attention(
    Q: Real[..., q, d],
    K: Real[..., k, d],
    V: Real[..., k, v],
    mask: Mask[..., q, k],
    cap: Positive = 50.0,
    causal: Flag = False,
):
    """Attention whose scores are kept between -cap and cap by a hyperbolic tangent."""
    A[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d))
    S[..., q, k] = cap * tanh(A[..., q, k] / cap)
    E[..., q, k] = exp(S[..., q, k]) if mask[..., q, k] and (k <= q or not causal) else 0
    total[..., q] = sum(k, E[..., q, k])
    P[..., q, k] = E[..., q, k] / total[..., q] if total[..., q] != 0 else 0
    O[..., q, v] = sum(k, P[..., q, k] * V[..., k, v])
    return O


@layer(cites="Ainslie et al. 2023, arXiv:2305.13245; Shazeer 2019, arXiv:1911.02150")
def grouped_query_attention(
    Q: Real[b, g * r, q, d], K: Real[b, g, k, d], V: Real[b, g, k, v], mask: Mask[b, q, k], causal: Flag = False
):
    """Attention whose heads share keys and values in groups; of one group, multi-query attention."""
    S[b, g, r, q, k] = sum(d, Q[b, g, r, q, d] * K[b, g, k, d]) / sqrt(size(d))
    E[b, g, r, q, k] = exp(S[b, g, r, q, k]) if mask[b, q, k] and (k <= q or not causal) else 0
    total[b, g, r, q] = sum(k, E[b, g, r, q, k])
    P[b, g, r, q, k] = E[b, g, r, q, k] / total[b, g, r, q] if total[b, g, r, q] != 0 else 0
    O[b, g, r, q, v] = sum(k, P[b, g, r, q, k] * V[b, g, k, v])
    return O


@layer(cites="Press, Smith and Lewis 2022, arXiv:2108.12409")
def alibi_attention(Q: Real[b, h, q, d], K: Real[b, h, k, d], V: Real[b, h, k, v], mask: Mask[b, q, k]):
    """Causal attention with biases that fall with distance, at a slope of its own for each head."""
    S[b, h, q, k] = sum(d, Q[b, h, q, d] * K[b, h, k, d]) / sqrt(size(d)) + 2 ** (-8 * (h + 1) / size(h)) * (k - q)
    E[b, h, q, k] = exp(S[b, h, q, k]) if mask[b, q, k] and k <= q else 0
    total[b, h, q] = sum(k, E[b, h, q, k])
    P[b, h, q, k] = E[b, h, q, k] / total[b, h, q] if total[b, h, q] != 0 else 0
    O[b, h, q, v] = sum(k, P[b, h, q, k] * V[b, h, k, v])
    return O


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762; Srivastava et al. 2014")
def dropout_attention(
    Q: Real[..., q, d], K: Real[..., k, d], V: Real[..., k, v], m: Real[..., q, k], p: Probability = 0.9
):
    """Attention with inverted dropout of its probabilities, by a mask m of zeros and ones; p is the probability to keep."""
    S[..., q, k] = sum(d, Q[..., q, d] * K[..., k, d]) / sqrt(size(d))
    P[..., q, k] = exp(S[..., q, k]) / sum(j, exp(S[..., q, j]))
    O[..., q, v] = sum(k, P[..., q, k] * m[..., q, k] / p * V[..., k, v])
    return O


@layer(cites="Su et al. 2021, arXiv:2104.09864")
def rotary_embedding(x: Real[..., t, two * d], base: Positive = 10000.0, first: Natural = 0):
    """Turn pairs of features, one of each half, by angles that grow with the position."""
    two = axis(2)
    angle[t, d] = (t + first) * base ** (-d / size(d))
    turned[..., t, two, d] = -x[..., t, 1, d] if two == 0 else x[..., t, 0, d]
    y[..., t, two, d] = x[..., t, two, d] * cos(angle[t, d]) + turned[..., t, two, d] * sin(angle[t, d])
    return y


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762")
def sinusoidal_positions(x: Real[..., t, d * two], base: Positive = 10000.0):
    """Add to each position the sines and cosines of its angles, in turn."""
    two = axis(2)
    angle[t, d] = t * base ** (-d / size(d))
    y[..., t, d, two] = x[..., t, d, two] + (sin(angle[t, d]) if two == 0 else cos(angle[t, d]))
    return y


@layer(cites="Vaswani et al. 2017, arXiv:1706.03762; torch.nn.MultiheadAttention with an additive mask")
def multi_head_attention(
    x: Real[b, t, i],
    z: Real[b, s, j],
    Wq: Real[h * d, i],
    bq: Real[h * d],
    Wk: Real[h * d, j],
    bk: Real[h * d],
    Wv: Real[h * v, j],
    bv: Real[h * v],
    Wo: Real[o, h * v],
    bo: Real[o],
    B: Real[b, t, s],
    heads: Count[h] = 1,
):
    """Attention of several heads from x to z, with projections; what is added to the scores may be minus infinity."""
    Q[b, h, t, d] = sum(i, Wq[h, d, i] * x[b, t, i]) + bq[h, d]
    K[b, h, s, d] = sum(j, Wk[h, d, j] * z[b, s, j]) + bk[h, d]
    V[b, h, s, v] = sum(j, Wv[h, v, j] * z[b, s, j]) + bv[h, v]
    S[b, h, t, s] = sum(d, Q[b, h, t, d] * K[b, h, s, d]) / sqrt(size(d)) + B[b, t, s]
    P[b, h, t, s] = exp(S[b, h, t, s]) / sum(r, exp(S[b, h, t, r]))
    A[b, h, t, v] = sum(s, P[b, h, t, s] * V[b, h, s, v])
    y[b, t, o] = sum((h, v), Wo[o, h, v] * A[b, h, t, v]) + bo[o]
    return y
