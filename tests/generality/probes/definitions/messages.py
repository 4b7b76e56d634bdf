"""What the reader says to constructs, most of which it lacks."""
from __future__ import annotations

from derive import layer


@layer(cites="t")
def m_min(x: Real[...]):
    """x"""
    y[...] = min(0, x[...])
    return y


@layer(cites="t")
def m_mod(x: Real[i]):
    """x"""
    y[i] = x[i] if i % 2 == 0 else 0
    return y


@layer(cites="t")
def m_floor(x: Real[i]):
    """x"""
    y[i] = x[i] - floor(x[i])
    return y


@layer(cites="t")
def m_chain(x: Real[i]):
    """x"""
    y[i] = x[i] if 0 <= i < 3 else 0
    return y


@layer(cites="t")
def m_fixed(x: Real[i, 3]):
    """x"""
    y[i] = x[i, 0] + x[i, 2]
    return y


@layer(cites="t")
def m_optional(x: Real[i], b: Real[i] = None):
    """x"""
    y[i] = x[i] + b[i]
    return y


@layer(cites="t")
def m_softmax_in_expression(x: Real[b, i], v: Real[i]):
    """x"""
    y[b] = sum(i, softmax(x[b, i]) * v[i])
    return y


@layer(cites="t")
def m_call_of_call(x: Real[b, i], W: Real[o, i], c: Real[o]):
    """x"""
    y = linear(relu(x), W, c)
    return y


@layer(cites="t")
def m_call_of_sum(x: Real[b, i], a: Real[b, i], g: Real[i], c: Real[i]):
    """x"""
    y = layer_norm(x + a, g, c)
    return y


@layer(cites="t")
def m_return_expression(x: Real[b, i]):
    """x"""
    return x[b, i] + 1


@layer(cites="t")
def m_prod(x: Real[b, i]):
    """x"""
    y[b] = prod(i, x[b, i])
    return y


@layer(cites="t")
def m_min_reduce(x: Real[b, i]):
    """x"""
    y[b] = min(i, x[b, i])
    return y


@layer(cites="t")
def m_loop(x: Real[b, i]):
    """x"""
    for k in range(3):
        y[b, i] = x[b, i]
    return y


@layer(cites="t")
def m_augmented(x: Real[b, i]):
    """x"""
    y[b, i] = x[b, i]
    y[b, i] += 1
    return y


@layer(cites="t")
def m_tuple_option(x: Real[p], stride: Count = (2, 1)):
    """x"""
    i = axis(size(p) // stride)
    y[i] = x[stride * i]
    return y


@layer(cites="t")
def m_minus_inf(x: Real[b, i], m: Boolean[b, i]):
    """x"""
    s[b, i] = x[b, i] if m[b, i] else -inf
    y[b, i] = exp(s[b, i]) / sum(j, exp(s[b, j]))
    return y


@layer(cites="t")
def m_redefined(x: Real[b, i]):
    """x"""
    h[b, i] = exp(x[b, i])
    h[b, i] = h[b, i] + 1
    return h


@layer(cites="t")
def m_transposed_call(x: Real[b, s, c], W: Real[o, s], k: Real[o]):
    """x"""
    y = linear(x[b, c, s], W, k)
    return y


@layer(cites="t")
def m_diagonal(x: Real[i, i]):
    """x"""
    y = sum(i, x[i, i])
    return y


@layer(cites="t")
def m_two_step(x: Real[t, b]):
    """x"""
    y[-1, b] = 0
    y[-2, b] = 0
    y[t, b] = y[t - 1, b] + y[t - 2, b] + x[t, b]
    return y


@layer(cites="t")
def m_two_recurrences(x: Real[s, t]):
    """x"""
    y[-1, t] = 0
    y[s, -1] = 0
    y[s, t] = y[s - 1, t] + y[s, t - 1] + x[s, t]
    return y
