"""The smallest case that shows what is wrong: Hypothesis makes arguments of few and small numbers, and shrinks them.

What it tries differs from the case found in nothing that matters by itself: the same variant of the layer, each option
as it was or at its default, axes as long as there or shorter, whole numbers and halves, or numbers of the magnitude of
that case. Where only a layout, a length or a call before shows the mistake, there is no smaller case.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from derive.evidence import inputs, layout
from derive.evidence.inputs import Array, Plan
from derive.evidence.layout import Case, Shape, Value
from derive.judge.allowed import Measured
from derive.judge.bridge import plain_option
from derive.judge.plan import Design, Trial
from derive.notation.domain import Domain
from derive.notation.several import short

if TYPE_CHECKING:
    from derive.judge.session import Failure, Session

FEW = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 0.5, -0.5, 1.5, 5.0)  # the first is the simplest
INSIDE = (0.5, 0.25, 0.75, 0.125)  # where a domain is declared, of its length
LEADING = ((), (1,), (2,), (1, 1), (1, 2))  # shapes of `...`
LONGEST = 4  # of an axis
TRIES = 400  # cases asked for; time may end before


class Enough(Exception):
    """The time for shrinking is over."""


@dataclass
class Small:
    """A Source that asks Hypothesis for few and small numbers.

    Attributes:
        values: to choose from, what is simplest first.
    """

    draw: Callable[[Any], Any]
    values: tuple[float, ...]

    def pick(self, choices: list[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def shuffled(self, choices: list[Any]) -> list[Any]:
        """In this order, from any of them on: an axis may have the length of another one."""
        n = self.draw(st.integers(0, len(choices) - 1))
        return [*choices[n:], *choices[:n]]

    def reals(self, shape: Shape, within: Domain | None) -> Array:
        pool = self.values if within is None else tuple(inputs.placed(within, np.asarray(INSIDE)))
        return self.array(shape, pool, np.float64)

    def integers(self, shape: Shape, least: int, below: int) -> Array:
        return self.array(shape, range(least, max(least + 1, below)), np.int64)

    def booleans(self, shape: Shape) -> Array:
        return self.array(shape, (True, False), np.bool_)

    def array(self, shape: Shape, pool: Any, kind: Any) -> Array:
        count = int(np.prod(shape))
        drawn = self.draw(st.lists(st.sampled_from(pool), min_size=count, max_size=count))
        return np.asarray(drawn, kind).reshape(shape)


@dataclass(frozen=True)
class Smallest:
    """A case of few numbers, with what it shows.

    Attributes:
        name: of the result that is wrong: ``y``, ``dx``. got, true: its values there, and those it should have.
        arguments, options, cotangents: with which it is called.
    """

    name: str
    arguments: Mapping[str, Any]
    options: Mapping[str, Any]
    cotangents: Mapping[str, Any]
    got: Any
    true: Any

    def __str__(self) -> str:
        given = [*self.arguments.items(), *self.options.items()]
        shown = ", ".join(f"{n}={written(v)}" for n, v in given)
        u = "".join(f", d{n}={written(v)}" for n, v in self.cotangents.items())
        got, true = written(self.got), written(self.true)
        if got == true:  # the digits that differ
            got, true = written(self.got, 17), written(self.true, 17)
        return f"{shown}{u}: {self.name} is {got}, and should be {true}"

    def told(self) -> dict[str, Any]:
        """For JSON."""
        own = {"arguments": self.arguments, "options": self.options, "cotangents": self.cotangents}
        return {"result": self.name, "got": self.got, "true": self.true, **own}


def smallest(session: Session, end: float) -> Smallest | None:
    """The smallest case found until a moment of perf_counter at which the first result that is wrong is wrong."""
    failure = min(session.failures, key=lambda f: f.size, default=None)
    if failure is None or _by_circumstance(failure.trial.design):
        return None
    label = next((m.part, m.name) for m in failure.measured if not m.ok)
    best: list[tuple[Trial, Measured]] = []

    def fails(trial: Trial) -> bool:
        if time.perf_counter() > end:
            raise Enough
        for m in session.quietly(trial, failure.derivation, label[0]):
            if m.name == label[1] and not m.ok:
                best.append((trial, m))
                return True
        return False

    rules = settings(
        max_examples=TRIES,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    with contextlib.suppress(Enough, HypothesisException):
        find(trials(failure, label[0], session.arithmetic), fails, settings=rules)
    return shown(session, *best[-1], label[0]) if best else None


def _by_circumstance(design: Design) -> bool:
    """Whether a case is made for what small numbers do not have: a layout, a length, a call before."""
    return bool(design.change or design.turned or design.long or design.empty or design.reshaped)


def trials(failure: Failure, part: str, arithmetic: Any) -> st.SearchStrategy[Trial]:
    """Cases that are like one, and smaller."""

    @st.composite
    def made(draw: Any) -> Trial:
        try:
            case = smaller(failure.trial, draw)
        except inputs.NoArguments:
            reject()
        layer, source = case.layer, Small(draw, FEW)
        real = {t.name for t in layer.inputs if t.kind == "real"}
        tensors = {n: arithmetic.rounded(v) if n in real else v for n, v in case.tensors.items()}
        case = replace(case, tensors=tensors)
        u = {o: cotangent(source, layout.shape_of(case, o), part) for o in layer.differentiable_outputs}
        u = {o: arithmetic.rounded(v) for o, v in u.items()}
        design = Design("the smallest case", extreme=failure.trial.design.extreme)
        return replace(failure.trial, design=design, case=case, cotangents=u, later=None)

    return made()


def smaller(old: Trial, draw: Any) -> Case:
    """Arguments like those of a case: of its options or their defaults, of axes as long or shorter.

    Raises:
        derive.evidence.inputs.NoArguments: these do not go together.
    """
    how, layer = old.design.how, old.case.layer
    scale, offset = float(how.get("scale", 1.0)), float(how.get("offset", 0.0) or how.get("constant", 0.0))
    usual = scale == 1.0 and not offset
    values = FEW if usual else (*FEW[:2], *(offset + scale * k for k in FEW[1:6]))
    values += tuple(v for v in how.get("special", ()) if v not in FEW)
    longest = min(LONGEST, max([2, *old.case.sizes.values()]))
    own = old.case.options
    options = {
        o.name: draw(st.sampled_from(list(dict.fromkeys((_default(o, old.case), own[o.name]))))) for o in layer.options
    }
    absent = frozenset(n for n, v in old.case.tensors.items() if v is None)
    places = [int(options[o.name]) for o in layer.options if o.kind == "Axis"]
    leading = tuple(s for s in LEADING if all(-len(s) <= p + 1 and p <= len(s) for p in places))
    plan = Plan(tuple(range(1, longest + 1)), leading, (1, 2), attempts=3, options=options, absent=absent)
    return inputs.build(layer, Small(draw, values), plan)


def _default(option: Any, case: Case) -> Any:
    """What is simplest of an option; a choice is that of the variant."""
    return case.options[option.name] if option.kind == "Choice" else option.default


def cotangent(source: Small, shape: Any, part: str) -> Value:
    """Small numbers for a gradient; ones where a forward is wrong, which asks for none."""
    if isinstance(shape, list):
        return [cotangent(source, s, part) for s in shape]
    return np.ones(shape) if part == "forward" else source.array(shape, (1.0, 0.0, *FEW[2:]), np.float64)


def shown(session: Session, trial: Trial, m: Measured, part: str) -> Smallest:
    case = trial.case
    got, true = (layout.array(case, m.name, v, float) for v in (m.got, m.true))
    given = {n: listed(case.tensors[n]) for n in session.given if case.tensors[n] is not None}
    forms = session.depths
    options = {n: plain_option(short(case.options[n], forms.get(n, range(9)))) for n in session.options}
    u = {n: listed(v) for n, v in trial.cotangents.items()} if part == "backward" else {}
    return Smallest(m.label, given, options, u, listed(got), listed(true))


def listed(value: Value) -> Any:
    """Arrays as lists, which JSON has."""
    if isinstance(value, list):
        return [listed(v) for v in value]
    return np.asarray(value).tolist()


def written(value: Any, digits: int = 7) -> str:
    """Numbers as a person would write them, to so many digits; arrays as nested lists."""
    if isinstance(value, list):
        return f"[{', '.join(written(v, digits) for v in value)}]"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.{digits}g}"
    return repr(value) if isinstance(value, str) else str(value)
