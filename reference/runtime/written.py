"""Functions written out for one signature, so that a call on small arrays spends its time in NumPy."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from reference.runtime.patterns import Dims, Pattern

Zeros = Mapping[str, tuple[str, ...]]  #: results that are 0 where one of these axes is empty
NO_ZEROS: Zeros = {}

#: The beginning of every function that takes a kernel's arguments: a call like one before is looked up, arrays and
#: options that are new are examined.
LOOKED_UP = """
    {plain}try:
        $key = ({key},)
        $known, $dims = $last[0]
        if $key != $known:
            $dims = $plans.get($key)
            if $dims is not None:
                $last[0] = $key, $dims
    except ($AttributeError, $TypeError):  # not arrays, or options that cannot be looked up
        $dims = None
    if $dims is None:
        {bound}{options}$dims = $examined(({inputs}), ({options}))
    elif $dims.direct:
        {checks}{bound}= {inputs}
    else:
        {bound}= $again(({inputs}), $dims)
{spared}"""
BUILTINS = {
    w.__name__: w
    for w in (AttributeError, TypeError, FloatingPointError, float, int, bool, str, list, tuple, isinstance)
}


def compiled(name: str, code: str, parameters: Iterable[str], scope: dict[str, Any]) -> Callable[..., Any]:
    """The function called ``$name`` in a text.

    Words with a ``$`` are the text's own: they are written so that no parameter is called alike.
    """
    mark = "own_"
    while any(p.startswith(mark) for p in parameters):
        mark += "_"
    names = {f"{mark}{word}": value for word, value in {**BUILTINS, **scope}.items()}
    exec(re.sub(r"\$(?=\w)", mark, code), names)
    made: Callable[..., Any] = names[f"{mark}{name}"]
    return made


def listed(items: Iterable[str]) -> str:
    """``a, b, ``: entries of a tuple, to which others may be added."""
    return "".join(f"{item}, " for item in items)


def lines(statements: Iterable[str], depth: int = 1) -> str:
    """Statements that stand before something else at their depth."""
    return "".join(f"{s}\n{'    ' * depth}" for s in statements)


def by_name(options: Iterable[str]) -> list[str]:
    return [f"{o}={o}" for o in options]


def spread(names: Sequence[str], patterns: Sequence[Pattern]) -> list[str]:
    """Names, those of lists so that a tuple has their entries."""
    return [f"*{n}" if p.sequence else n for n, p in zip(names, patterns, strict=True)]


def ownership(
    results: Sequence[str], patterns: Sequence[Pattern], others: Sequence[str], several: str
) -> dict[str, str]:
    """Whether results are ``alone``: nothing else refers to them, nor they to memory that is not theirs; and the lines
    that set them ``apart`` where they may not be.

    Args:
        others: what they may share memory with.
        several: the class of tuple that holds them, if any.
    """
    count = "$BOTH" if several else "$ALONE"
    tests, steps = [], []
    for n, (r, p) in enumerate(zip(results, patterns, strict=True)):
        given = f"({listed([*others, *results[:n]])})"
        if p.sequence:
            tests.append(f"{r} is None")
            steps.append(f"{r} = None if {r} is None else $own_entries({r}, {given})")
        else:
            tests.append(f"({r}.__class__ is not $ndarray or ({r}.base is None and $references({r}) == {count}))")
            steps.append(f"if not {tests[-1]}:\n            {r} = $own({r}, {given})")
    steps += [f"$result = $new({several}, ({listed(results)}))"] if several else []
    return {"alone": " and ".join(tests) or "True", "apart": "\n        ".join(steps or ["pass"])}


def emptied(zeros: Zeros, parts: Sequence[str], whole: bool = False) -> str:
    """The lines that put 0 for results that are sums over nothing; ``whole`` where the results as one are used, too."""
    if not zeros:
        return ""
    again = f"\n        $result = $new($Gradients, ({listed(parts)}))" if whole else ""
    new = f"$over_nothing($dims, $zeros, $names, ({listed(parts)}))"
    return f"if 0 in $dims.values():\n        {listed(parts)}= {new}{again}\n    "


def over_nothing(dims: Dims, zeros: Zeros, names: Iterable[str], results: Iterable[Any]) -> list[Any]:
    """Results, those that are sums over an empty axis as zeros."""
    empty = {name for name, axes in zeros.items() if any(dims[a] == 0 for a in axes)}
    return [np.zeros_like(a) if n in empty else a for n, a in zip(names, results, strict=True)]


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a function's parameters and of what it returns."""
    return inspect.get_annotations(function, eval_str=True)


def called(arguments: str, rows: str, large: str) -> str:
    """A call of the mathematics: for some rows after another, if there is much."""
    whole = f"$function({arguments})"
    return f"$in_rows({arguments}) if $dims.{large} else {whole}" if rows else whole
