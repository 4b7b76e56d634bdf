"""Recurrences in their normal form: each begins at -1, runs forward along one axis and reads one step back.

A definition may say more than that, and each way of saying it is another way of writing the same recurrence:

* From the end, ``y[size(t)] = a; y[t] = f(y[t + 1], x[t])``: turned round it runs forward,
  ``r[-1] = a; r[t] = f(r[t - 1], x[size(t) - 1 - t])`` and ``y[t] = r[size(t) - 1 - t]``.
* Beginning at 0 or later, ``y[0] = a; y[t] = f(y[t - 1])``: the step is a case,
  ``y[t] = a if t == 0 else f(y[t - 1])``.
* Several steps back, ``y[t] = f(y[t - 1], y[t - 2])``: what was there before is an array of its own (the companion
  form), ``p[-1] = y[-2]; p[t] = y[t - 1]`` and ``y[t] = f(y[t - 1], p[t - 1])``.
* Over two axes, ``y[s, t] = f(y[s - 1, t], y[s, t - 1])``: a diagonal is found at once, from the one before.

So only the reader knows of them: calculus, programs and targets have the normal form alone.
"""

from __future__ import annotations

from dataclasses import replace

from derive.notation import expr as x
from derive.notation.layer import Equation, Layer
from derive.notation.recurrences.back import one_back
from derive.notation.recurrences.beginning import begun_apart, begun_before
from derive.notation.recurrences.diagonal import along_diagonals
from derive.notation.recurrences.turned import turned


def normal(layer: Layer) -> Layer:
    """The layer with every recurrence in normal form."""
    if not any(x.plain(i) is None for s in layer.steps if isinstance(s, Equation) for i in s.left):
        return layer
    found = layer
    for change in (along_diagonals, begun_apart, turned, begun_before, one_back):
        found = change(found)
    return found if found is layer else replace(found, written=layer)
