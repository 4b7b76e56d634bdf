"""What a condition leaves out of a recurrence takes no part in its gradient, through whatever it is read."""

from __future__ import annotations

from tests.program.programs import around

THROUGH_A_PRODUCT = """
def gated(x: Real[t, b, n], length: Integer[b], h0: Real[b, n], U: Real[n, m]):
    m = axis(size(n))
    h[-1, b, n] = h0[b, n]
    s[t, b, n] = x[t, b, n] + sum(m, U[n, m] * h[t - 1, b, m])
    g[t, b, n] = tanh(s[t, b, n])
    f[t, b, n] = g[t, b, n] + x[t, b, n] ** 2
    h[t, b, n] = f[t, b, n] * g[t, b, n] if t < length[b] else h[t - 1, b, n]
    return h
"""
THROUGH_PARTS = """
def halves(x: Real[t, b, two * n], length: Integer[b], h0: Real[b, n], U: Real[two * n, m]):
    two = axis(2)
    m = axis(size(n))
    h[-1, b, n] = h0[b, n]
    s[t, b, two, n] = x[t, b, two, n] + sum(m, U[two, n, m] * h[t - 1, b, m])
    f[t, b, n] = tanh(s[t, b, 0, n])
    g[t, b, n] = tanh(s[t, b, 1, n])
    h[t, b, n] = f[t, b, n] * g[t, b, n] if t < length[b] else h[t - 1, b, n]
    return h
"""


def test_an_adjoint_that_is_made_of_one_which_is_chosen_is_chosen_too() -> None:
    """A NaN behind an example's end is in s, and in a slope there: 0 times it would go to the steps before."""
    _, after = around(THROUGH_A_PRODUCT, "absent")
    assert "ds[t, b, n] = (dg[t, b, n] * tanh_slope_s[t, b, n] if t < length[b] else 0)" in after


def test_what_holds_for_all_parts_of_an_array_holds_for_the_array() -> None:
    _, after = around(THROUGH_PARTS, "absent")
    parts = [line for line in after if line.startswith("ds[")]
    assert len(parts) == 2
    assert all(line.endswith("if t < length[b] else 0)") for line in parts)
    assert any("there(ds[t, b, two, n] * h[t - 1, b, m], t < length[b])" in line for line in after), after
