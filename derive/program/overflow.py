"""Whether a program may overflow on the way to a result that does not.

It may where numbers are added, which cancel, or where a product is multiplied again, maybe by something small. A single
product, quotient or function that is out of range is out of range for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.notation import expr as x
from derive.notation.expr import Expr, Op
from derive.program.ir import Both, Contract, Fold, Invoke, Loop, Make, Map, Rows, Scatter, Statement

MINUS = x.num(-1)
SUMS = {"add", "less_mean", "less_share"}
CHOICES = {"where", "iverson", "and", "or", "not", "==", "!=", "<", "<=", ">", ">="}  # of numbers that are there


def may_overflow_on_the_way(statements: Iterable[Statement]) -> bool:
    """Whether a result may be in range although something before it is not."""
    made: set[str] = set()
    for s in flat(statements):
        if isinstance(s, Contract | Scatter | Invoke) or (isinstance(s, Fold) and s.op not in ("max", "argmax")):
            return True
        again = bool(made & set(x.tensors(s.body)))
        if any(isinstance(n, Op) and n.fn in SUMS and x.tensors(n) for n in x.walk(s.body)):
            return True
        if products(s.body) > (not again):
            return True
        if again or any(isinstance(n, Op) and n.fn not in CHOICES for n in x.walk(s.body)):
            made.add(s.name)
    return False


def flat(statements: Iterable[Statement]) -> Iterator[Map | Fold | Contract | Scatter | Invoke]:
    """Statements one after another, those inside loops too."""
    for s in statements:
        if isinstance(s, Loop | Rows):
            yield from flat(s.body)
        elif isinstance(s, Both):
            yield from (s.first, s.second)
        elif not isinstance(s, Make):
            yield s


def products(e: Expr) -> int:
    """How many products with data are made one after another; factors that are numbers count as one, -1 as none."""
    muls = (n.args for n in x.walk(e) if isinstance(n, Op) and n.fn == "mul" and x.tensors(n))
    return sum(len({bool(x.tensors(a)) and n for n, a in enumerate(args, 1) if a != MINUS}) - 1 for args in muls)
