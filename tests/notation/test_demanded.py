"""What a definition reads some elements of alone is made there: a root of 0 that nobody reads has no slope."""

from __future__ import annotations

from derive.notation.text import show_equation
from tests.notation.reading import defined

PAIRS = """
m = axis(size(n))
D[n, m] = sqrt(sum(d, (r[n, d] - r[m, d]) ** 2))
E = sum((n, m), q[n] * q[m] / D[n, m] if n < m else 0)
"""


def equations(more: str = "", results: str = "E") -> list[str]:
    (layer,) = defined("r: Real[n, d], q: Real[n]", f"{PAIRS}{more}\nreturn {results}")
    return [show_equation(e) for e in layer.equations]


def test_a_root_is_made_where_it_is_read() -> None:
    assert equations()[0] == "D[n, m] = (sqrt(sum(d, (r[n, d] - r[m, d])**2)) if n < m else 0)"


def test_one_that_is_a_result_or_read_elsewhere_is_whole() -> None:
    whole = "D[n, m] = sqrt(sum(d, (r[n, d] - r[m, d])**2))"
    assert equations(results="E, D")[0] == whole
    assert equations("s[n] = sum(m, D[n, m])", "E, s")[0] == whole


SHARES = """
S[b] = sum(k, exp(s[b, k]))
P[b, c] = exp(s[b, c]) / S[b]
y = -sum((b, c), log(P[b, c]) if b <= c else 0)
return y
"""


def test_what_is_above_0_has_a_slope_everywhere() -> None:
    """A share of exponentials in a case would be no softmax: its logarithm was infinite at large logits."""
    (layer,) = defined("s: Real[b, c]", SHARES)
    assert [show_equation(e) for e in layer.equations][1] == "P[b, c] = exp(s[b, c]) / S[b]"
