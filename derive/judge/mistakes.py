"""The mistakes that people make in a layer, each with a small input that shows it.

They are the changes to its equations that the judge explains wrong kernels with (derive.evidence.mutate,
derive.judge.changes); derive.judge.known says which of them implementations are known for, the commonest first. Those
that show are taken, of different kinds and in different equations where there are such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.evidence import inputs, world
from derive.evidence.layout import Elements
from derive.evidence.numbers import FLOAT, MP, TRANSCENDENTAL, Numbers
from derive.judge.changes import difference
from derive.judge.known import TWICE, WRITTEN, Candidate, candidates, equations, exchanged
from derive.judge.small import Small, shrunk, small
from derive.notation import expr as x
from derive.notation.expr import Op, Reduce, Ref
from derive.notation.layer import Equation, Layer

Results = dict[str, Elements]
FEW = 5
SHOWN, LEAST = 0.05, 0.02  # the share of the larger number by which the two differ at least, and by how much
LARGE = (1000.0, 100.0)  # what numbers are multiplied with, for functions to overflow
TINY = 0.001  # and for what is added to a variance to matter
ROUGH = 1e-2  # both tolerances of the usual check
SQUARE, LESS, AXES = 4, 2, 8  # every size of it; of layers with equations of more indices than so many
FAR = 1e6
FAINT = 0.2  # what a difference counts for where the right number is nearly 0
EVALUATED = 1500  # times that equations are evaluated for a layer
TRIED = 60  # mutants of a kind that are looked at


@dataclass(frozen=True)
class Mistake:
    """A mistake and the case that shows it.

    Attributes:
        kind: one of RANKS. what: the option that is ignored, else nothing.
        part: ``forward`` or ``backward``. place: the equation's among those of the part.
        before: the equation. after: as the mistake has it; the same where it is the arithmetic that fails.
        name: of the result, an output or the input that a gradient is of. index: of its element.
        right, wrong: its values there.
        accepted: the usual checks that see nothing: ``values``, ``ones``.
    """

    kind: str
    what: str
    part: str
    place: int
    before: Equation
    after: Equation
    at: Small
    name: str
    index: tuple[int, ...]
    right: float
    wrong: float
    accepted: tuple[str, ...] = ()

    @property
    def usual(self) -> int:
        """How long every axis is in a usual check."""
        return usual_size(self.at.case.layer)


def found(derivation: Derivation) -> tuple[Mistake, ...]:
    """At most FEW mistakes of a layer, in the order of its equations."""
    seeker = Seeker(derivation)
    chosen: list[Mistake] = []
    if written := seeker.as_written():
        chosen.append(written)
    ranked = sorted(candidates(derivation), key=lambda c: c.rank)
    for again in (False, True):
        tried: dict[str, int] = {}
        for c in ranked:
            if len(chosen) == FEW:
                break
            alike = sum(m.kind == c.kind and m.what == c.what for m in chosen)
            here = sum((m.part, m.place) == (c.part, c.place) for m in chosen)
            full = alike >= (2 if again and c.kind in TWICE else 1) or here >= (1 if c.part == "forward" else 3)
            if full or tried.get(c.kind, 0) >= TRIED or any(m.after == c.mutant.after for m in chosen):
                continue
            tried[c.kind] = tried.get(c.kind, 0) + 1
            if mistake := seeker.shown(c):
                chosen.append(mistake)
    return tuple(sorted(chosen, key=lambda m: (m.kind != WRITTEN, m.part != "forward", m.place)))


# ---- where they show -------------------------------------------------------------------------------------------------

Apart = tuple[str, tuple[int, ...], float, float]  # a result, its element, its value and another


class Seeker:
    """Looks for small cases at which mistakes of a layer show."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self.pools: dict[float, list[Small]] = {}
        self.left = EVALUATED // (10 if inputs.composed(derivation.layer) else 1)

    def pool(self, times: float) -> list[Small]:
        if times not in self.pools:
            self.pools[times] = small(self.derivation.layer, times)
        return self.pools[times]

    def shown(self, c: Candidate) -> Mistake | None:
        """A mistake at the shortest case at which it shows, or none."""
        after, backward = c.mutant.after, c.part == "backward"

        def seen(one: Small) -> Apart | None:
            self.left -= 1
            return apart(right(self.derivation, one, c.part), wrong(self.derivation, one, c.part, c.place, after))

        times = TINY if c.kind == "epsilon beside the root" else 1.0
        pool = self.pool(times)
        before, _ = difference(c.mutant.before.body, after.body)
        if c.kind == "transposed" and isinstance(before, Ref) and (two := exchanged(self.derivation, before)):
            pool = [s for s in pool if square(s, two)]  # others do not fit at all
        if c.kind == "divided by N - 1":  # not by 1, which could be anything
            pool = [s for s in pool if any(n > 2 for n in s.case.sizes.values())]
        one = next((s for s in pool if self.left > 0 and seen(s)), None)
        if one is None:
            return None
        if times == 1:
            one = shrunk(one, lambda s: seen(s) is not None, backward)
        found = seen(one)
        assert found
        accepted = self.usual(c.part, c.place, after)
        return Mistake(c.kind, c.what, c.part, c.place, c.mutant.before, after, one, *found, accepted)

    def usual(self, part: str, n: int, after: Equation) -> tuple[str, ...]:
        """The usual checks that accept a mistake.

        ``values``: allclose with both tolerances ROUGH at normal numbers, all sizes alike, options at their defaults.
        ``ones``: the same of gradients along a cotangent of ones, as y.sum().backward() has it.
        """
        ways = ("values", "ones") if part == "backward" else ("values",)
        return tuple(
            w for w in ways if w in self.usually and _accepts(self.derivation, self.usually[w], part, n, after)
        )

    @cached_property
    def usually(self) -> dict[str, Small]:
        """The case of the usual checks, along a random cotangent and along ones."""
        size = usual_size(self.derivation.layer)
        plan = inputs.Plan((size,), ((size,),), (2,), attempts=8)
        try:
            case = inputs.build(self.derivation.layer, inputs.Random(np.random.default_rng(0)), plan, 0)
        except (inputs.NoArguments, ArithmeticError):
            return {}
        drawn = inputs.cotangents(case)
        return {"values": Small(case, drawn), "ones": Small(case, {o: _ones(v) for o, v in drawn.items()})}

    def as_written(self) -> Mistake | None:
        """Where the definition, evaluated in double precision as it stands, gives no number; or none."""
        layer = self.derivation.layer
        functions = {n.fn for e in layer.equations for n in x.walk(e.body) if isinstance(n, Op)}
        if not functions & set(TRANSCENDENTAL):
            return None
        for times in LARGE:
            for one in self.pool(times):
                if not one.length[0] and (found := fails(self.derivation, one)):
                    one = shrunk(one, lambda s: fails(self.derivation, s) is not None, False)
                    found = fails(self.derivation, one) or found
                    first = layer.equations[0]
                    return Mistake(WRITTEN, "", "forward", 0, first, first, one, *found, self.at_usual_numbers())
        return None

    def at_usual_numbers(self) -> tuple[str, ...]:
        """Whether the usual check accepts the equations as they are written."""
        one = self.usually.get("values")
        if one is None:
            return ()
        good = right(self.derivation, one, "forward")
        bad = _tried(lambda: values(self.derivation, one, "forward", numbers=IEEE))
        return ("values",) if alike(good, bad) else ()


def usual_size(layer: Layer) -> int:
    """How long every axis is in a usual check."""
    for e in layer.equations:
        reduced = {i for n in x.walk(e.body) if isinstance(n, Reduce) for i in n.over}
        if len(reduced.union(e.indices)) > AXES:
            return LESS
    return SQUARE


def square(one: Small, axes: tuple[str, str]) -> bool:
    """Whether two axes are of one length, and not of one element."""
    lengths = [one.case.sizes.get(one.case.layer.axis(a), 0) for a in axes]
    return lengths[0] == lengths[1] > 1


def right(derivation: Derivation, one: Small, part: str) -> Results:
    """The results of the unchanged equations, kept with the case; nothing where they have no values."""
    if part not in one.known:
        one.known[part] = _tried(lambda: values(derivation, one, part))
    found: Results = one.known[part]
    return found


def wrong(derivation: Derivation, one: Small, part: str, n: int, after: Equation) -> Results:
    """The results with another equation for the n-th; nothing where they have no values."""
    return _tried(lambda: values(derivation, one, part, (n, after)))


def _tried(values: Callable[[], Results]) -> Results:
    try:
        with np.errstate(all="ignore"):
            return values()
    except (ArithmeticError, ValueError, LookupError, TypeError, StopIteration, RecursionError):
        return {}  # a change may leave nothing that can be computed


def values(
    derivation: Derivation, one: Small, part: str, change: tuple[int, Equation] | None = None, numbers: Numbers = FLOAT
) -> Results:
    """The results of a part, with another equation for one of its."""
    own = list(equations(derivation, part))
    if change:
        own[change[0]] = change[1]
    if part == "backward":
        return world.gradients(derivation, world.backward(derivation, one.case, one.cotangents, numbers, tuple(own)))
    case = replace(one.case, layer=replace(one.case.layer, steps=tuple(own), written=None))
    run = world.forward(case, numbers)
    return {o: run.values(o, o) for o in case.layer.outputs}


def apart(good: Results, bad: Results) -> Apart | None:
    """The result and its element in which two differ most, if that shows in a few digits."""
    most: tuple[float, Apart] | None = None
    for name, own in good.items():
        if bad.get(name, {}).keys() != own.keys():
            return None
        for index, value in own.items():
            a, b = float(value), float(bad[name][index])
            if not (np.isfinite(a) and np.isfinite(b)):
                return None
            far = abs(a - b)
            shows = far > max(LEAST, SHOWN * max(abs(a), abs(b)))
            far *= 1 if a == 0 or abs(a) > LEAST else FAINT
            if shows and (most is None or far > most[0] * 1.01):
                most = far, (name, index, a, b)
    return most and most[1]


def _ones(value: Any) -> Any:
    return [_ones(v) for v in value] if isinstance(value, list) else np.ones_like(value)


def _accepts(derivation: Derivation, one: Small, part: str, n: int, after: Equation) -> bool:
    return alike(right(derivation, one, part), wrong(derivation, one, part, n, after))


def alike(good: Results, bad: Results) -> bool:
    """Whether allclose accepts some results for others."""
    if not good or good.keys() != bad.keys():
        return False
    pairs = [(v, bad[name].get(i, np.nan)) for name, own in good.items() for i, v in own.items()]
    a, b = (np.array(side, float) for side in zip(*pairs, strict=True))
    return bool(np.allclose(b, a, rtol=ROUGH, atol=ROUGH))


# ---- the equations as they are written -------------------------------------------------------------------------------


def _power(a: Any, b: Any) -> Any:
    return np.float64(a) ** (int(b) if b.denominator == 1 else float(b))


#: Exponentials of infinities as large numbers: a function that has a name is right there, too.
BOUNDED = replace(MP, functions=MP.functions | {"exp": lambda a: MP.functions["exp"](max(min(a, FAR), -FAR))})
#: Double precision as processors have it, with infinities and NaN.
IEEE = replace(
    FLOAT,
    name="as written",
    exact=np.float64,
    functions=FLOAT.functions | {n: getattr(np, n) for n in ("exp", "log", "sin", "cos")},
    power=_power,
    raised=np.power,
    named=(BOUNDED, np.float64),
)


def fails(derivation: Derivation, one: Small) -> Apart | None:
    """An element of an output that is a number, and none in double precision."""
    good = _tried(lambda: values(derivation, one, "forward", numbers=MP))
    bad = _tried(lambda: values(derivation, one, "forward", numbers=IEEE))
    for name, own in good.items():
        for index, value in own.items():
            if np.isfinite(a := float(value)) and bad and not np.isfinite(b := float(bad[name][index])):
                return name, index, a, b
    return None
