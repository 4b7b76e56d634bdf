"""A sum beside a condition: what only some of its arrays have is summed first, so that no array has too many axes."""

from __future__ import annotations

from tests.program.programs import around

SEGMENTS = """
def segments(x: Real[n], seg: Integer[n], groups: Count[g] = 3):
    y[g] = log(sum(n, exp(x[n]) if seg[n] == g else 0))
    return y
"""
MASKED = """
def masked(A: Boolean[n, m], x: Real[n, d], z: Real[m, d], w: Real[n, o], v: Real[m, o]):
    y = sum((n, m, d, o), x[n, d] * z[m, d] * w[n, o] * v[m, o] if A[n, m] else 0)
    return y
"""


def test_no_pairs_are_made_of_the_elements_of_segments() -> None:
    """What an element is given is read from its segment: no label is compared with another."""
    _, after = around(SEGMENTS, "selected", "double_backward")
    assert not any("seg[n'] == seg[n]" in line or "seg[n] == seg[n']" in line for line in after), after
    assert "sum_seg_ddx_x[g] = sum(n', (ddx[n'] * exp_x[n'] if seg[n'] == g else 0))" in after, after


def test_what_stands_beside_a_condition_is_summed_first_where_few_arrays_have_its_index() -> None:
    _, after = around(MASKED, "named_reductions")
    assert "sum_x_z[n, m] = sum(d, x[n, d] * z[m, d])" in after, after
    assert "y = sum((n, m, o), (w[n, o] * v[m, o] * sum_x_z[n, m] if A[n, m] else 0))" in after, after
