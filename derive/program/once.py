"""What one pass over arrays can find: two results of one call, a mean, a reduction that the next statement reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest

from derive.notation import expr as x
from derive.notation.expr import Expr, Num, Op, Ref, Size
from derive.program.draft import Draft
from derive.program.in_place import references
from derive.program.ir import Both, Contract, Fold, Loop, Map, Rows, Statement

Block = tuple[Statement, ...]


def blocks(statements: Block, change: Callable[[Block, str], Block], axis: str = "") -> Block:
    """Statements with every run of them changed, those inside loops first; a run is given the axis of its loop."""
    inside = (
        replace(s, body=blocks(s.body, change, s.axis if isinstance(s, Loop) else axis))
        if isinstance(s, Loop | Rows)
        else s
        for s in statements
    )
    return change(tuple(inside), axis)


def together(draft: Draft) -> Draft:
    """A maximum and where it is are found at once; so are the two results of a function that has two."""

    def change(statements: Block, _: str) -> Block:
        out: list[Statement] = []
        done: set[int] = set()
        for n, s in enumerate(statements):
            if n in done:
                continue
            rest = range(n + 1, len(statements)) if has_two(s) else ()
            later = next((k for k in rest if belongs(s, statements[k])), None)
            if later is not None and isinstance(s, Map | Fold):
                done.add(later)
                out.append(Both(s, statements[later]))  # type: ignore[arg-type]
            else:
                out.append(s)
        return tuple(out)

    return draft.each_function(lambda f: blocks(f.statements, change))


def has_two(s: Statement) -> bool:
    """Whether what computes a statement may have a second result."""
    match s:
        case Fold(op="max"):
            return True
        case Map(body=Op(fn, _)):
            return fn.startswith("first of ")
    return False


def belongs(first: Statement, second: Statement) -> bool:
    """Whether a statement is the second result of what computes the first."""
    match first, second:
        case Fold(op="max"), Fold(op="argmax"):
            return (first.left, first.over, first.body) == (second.left, second.over, second.body)
        case Map(body=Op(fn, args)), Map(body=Op(other, same)):
            return first.left == second.left and (fn.replace("first", "second", 1), args) == (other, same)
    return False


def means(draft: Draft) -> Draft:
    """A sum that is divided by sizes, and nothing else: it may overflow where the mean does not."""

    def changed(uses: Counter[str]) -> Callable[[Block, str], Block]:
        def change(statements: Block, axis: str) -> Block:
            out: list[Statement] = []
            for s in statements:
                last = out[-1] if out else None
                if isinstance(last, Fold) and isinstance(s, Map) and uses[last.name] == 1:
                    count = divided_by(s.body, Ref(last.name, last.left))
                    if last.op == "sum" and not last.there and count is not None and s.left == last.left:
                        out[-1] = replace(last, name=s.name, op="mean", count=count)
                        continue
                out.append(s)
            return tuple(out)

        return change

    return draft.each_function(lambda f: blocks(f.statements, changed(uses_of(f.statements, f.needed))))


def divided_by(e: Expr, total: Ref) -> Expr | None:
    """The product of sizes that a total is divided by; None where there is something else."""
    sizes = [f.args[0] for f in x.factors(e) if isinstance(f, Op) and f.fn == "pow" and f.args[1] == x.num(-1)]
    if sizes and all(isinstance(n, Size) for n in sizes) and len(sizes) + 1 == len(x.factors(e)):
        return x.mul(*sizes) if total in x.factors(e) else None
    return None


def read_once(draft: Draft) -> Draft:
    """A reduction that is read once, by the next statement, needs no name."""

    def marked(uses: Counter[str]) -> Callable[[Block, str], Block]:
        def mark(statements: Block, axis: str) -> Block:
            return tuple(
                replace(s, inline=True)
                if isinstance(s, Fold | Contract) and uses[s.name] == 1 and may_follow(s, after, axis)
                else s
                for s, after in zip_longest(statements, statements[1:])
            )

        return mark

    return draft.each_function(lambda f: blocks(f.statements, marked(uses_of(f.statements, f.needed))))


def may_follow(s: Fold | Contract, after: Statement | None, axis: str) -> bool:
    """Whether a statement can be computed where the next one reads it: not what a loop adds up, nor one place."""
    here = (not axis or axis in s.axes) and not (isinstance(s, Fold) and s.op == "mean")  # which the definition names
    return here and not any(isinstance(e, Num) for e in s.left) and isinstance(after, Map) and reads(after, s.name)


def reads(s: Map, name: str) -> bool:
    """Whether a statement reads an array as it is, not at places of its own."""
    refs = [n for n in x.walk(s.body) if isinstance(n, Ref) and n.tensor == name]
    return bool(refs) and all(None not in (own := [*map(x.plain, r.index)]) and len({*own}) == len(own) for r in refs)


def uses_of(statements: Block, needed: tuple[str, ...]) -> Counter[str]:
    """How often arrays are read; more than once, if they are needed afterwards."""
    return Counter(r.tensor for r in references(statements)) + Counter(dict.fromkeys(needed, 2))
