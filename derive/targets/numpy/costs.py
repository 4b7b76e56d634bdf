"""What NumPy pays for: the numbers by which the compiler's passes decide."""

from __future__ import annotations

from derive.program.rows import Costs

COSTS = Costs(
    in_blocks=frozenset({"forward", "backward"}),  # the functions that are called again and again
    worth=2,
    windows=3,
    long=("runtime logistic", "runtime logistic_slope"),
)
