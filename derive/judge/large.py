"""Large cases: single elements of results and gradients, each evaluated by itself.

The definition says which arguments an element depends on, so an interpreter that computes what is asked for, over
arguments that are read where they lie, gives the truth and the allowed error of an element without a second tensor of
that size; long sums are made of many terms at once (derive.judge.wide). Which elements: the first and the last ones,
the least and the greatest, some at random, and those that are furthest from a kernel of ours in float64, where the
case is small enough to run it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from derive.calculus.derivation import Derivation
from derive.command.kernels import kernel
from derive.evidence import enclosure, inputs, kernels, layout, world
from derive.evidence.balls import exactly
from derive.evidence.enclosure import Analysis, Part
from derive.evidence.evaluation import Undecided
from derive.evidence.kernels import Arrays
from derive.evidence.large import large
from derive.evidence.layout import Case, Elements
from derive.evidence.running import WORKING, Manner, arithmetic_of, seeded
from derive.judge.allowed import LEAST as FORGIVEN
from derive.judge.allowed import Measured, ulps, without_radius
from derive.judge.arithmetic import UNITS, Arithmetic
from derive.judge.beside import SUSPECT, Beside, beside, wavering
from derive.judge.plan import Design, Trial
from derive.judge.vectors import Rules
from derive.judge.wide import Wide
from derive.notation.define import home
from derive.notation.errors import DefinitionError
from derive.notation.expr import Op, Reduce, walk
from derive.notation.layer import Layer, Tensor

OURS = 1 << 22  # elements up to which all are looked at for what is no number
RANDOM, EDGE = 12, 3  # elements of each kind
QUICK = 4  # times fewer where there are many such cases
TERMS = 100_000  # arguments that the elements of a result may read; beyond, it is compared with ours alone
ENOUGH = 16  # elements enclosed, from which on a result is not compared with ours besides
SURE = 2.0  # seconds to enclose what is far from ours
LONG, EMPHASIS = 1000, 8  # from which length on the last of an axis is so many times larger
SHOWN = 4  # times more than what rounding may take of a sum
LEAST = 0.05  # seconds for a result, where those before it took all
NARROW = -32  # the exponent of a roundoff above which float64 has digits to spare for the truth
ROUGH = {"float64": 1e-9, "float32": 1e-3}  # of a result's largest; 2e-2 in narrower ones, and its own rounding
Index = tuple[int, ...]


class TooLarge(ArithmeticError):
    """An element depends on more arguments than are read one by one."""


class Left:
    """How many arguments may still be read, and until when: an element of a recurrence reads few, again and again."""

    def __init__(self) -> None:
        self.count, self.end = TERMS, math.inf

    def take(self) -> None:
        self.count -= 1
        self.look()
        if self.count < 0:
            raise TooLarge

    def look(self) -> None:
        if time.perf_counter() > self.end:
            raise TooLarge


class Read(dict[Index, Any]):
    """Elements of an array, converted when they are asked for."""

    def __init__(self, array: Any, convert: Callable[[Any], Any], left: Left) -> None:
        super().__init__()
        self.array, self.convert, self.lengths, self.left = array, convert, array.shape, left

    def get(self, index: Index, default: Any = None) -> Any:
        self.left.look()
        if not dict.__contains__(self, index):
            if index not in self:
                return default
            self.left.take()
            self[index] = self.convert(self.array[index])
        return self[index]

    def __contains__(self, index: object) -> bool:
        return isinstance(index, tuple) and all(0 <= i < n for i, n in zip(index, self.lengths, strict=True))


def read(case: Case, tensor: Tensor, value: Any, convert: Callable[[Any], Any], left: Left) -> Elements:
    """An argument's elements at the equations' indices, read where they lie."""
    if value is None or layout.listed(case.layer, tensor):
        return layout.elements(case, tensor.name, value, convert)
    return Read(layout.inner(case, tensor.name, value), convert, left)


def interpreter(
    derivation: Derivation,
    case: Case,
    cotangents: Arrays,
    manner: Manner | None,
    exponent: int,
    left: Left,
    kind: Any = np.longdouble,
) -> Wide:
    """The definition and its gradient, lazily, in balls: exact ones, or with what rounding may do (a manner).
    ``kind``: of the middles of those balls that are computed many at once."""
    numbers = exactly() if manner is None else arithmetic_of(exponent, (), None, manner)
    real = (
        numbers.exact
        if manner is None
        else seeded(numbers, exponent if manner.kept is None else manner.kept, manner.moved)
    )
    kinds: dict[str, Callable[[Any], Any]] = {"real": real, "integer": int, "boolean": bool}
    layer = case.layer
    given = {
        t.name: read(case, t, v, kinds[t.kind], left) for t in layer.inputs if (v := case.tensors[t.name]) is not None
    }
    names = derivation.adjoint.cotangents
    given |= {names[o]: read(case, layer.tensors[o], v, real, left) for o, v in cotangents.items() if o in names}
    equations = layer.equations + derivation.adjoint.auxiliary + derivation.backward
    known = world.known_tensors(derivation.tensors, derivation.backward)
    rules = Rules(kind, None if manner is None else exponent, manner)
    return Wide(case, equations, known, numbers, given, rules=rules, look=left.look)


class Asked(dict[Index, Any]):
    """A result's elements, computed when they are asked for."""

    def __init__(self, run: Wide, name: str) -> None:
        super().__init__()
        self.run, self.name = run, name

    def get(self, index: Index, default: Any = None) -> Any:
        return self.run.element(self.name, index)


def sampled(
    derivation: Derivation,
    trial: Trial,
    results: dict[str, Arrays],
    arithmetic: Arithmetic,
    end: float,
    note: Callable[[str], None],
    quick: bool = False,
) -> Iterator[Measured]:
    """Some elements of every result of a large case, in units of what is allowed; until a moment of perf_counter.

    ``note``: is told what there was no time for. ``quick``: few elements, those that are furthest from a kernel of ours
    above all.
    """
    case = trial.case
    mine = own(case.layer)
    now = time.perf_counter()
    half = now + (end - now) / 2
    ours, share = ({}, 0.0) if mine is None else beside(mine, case, trial.cotangents, results, half)
    if 0 < share < 1:
        note(f"{case.words}: there was time to compare {share:.0%} of the rows with ours")
    exact: Wide | None = None
    form, left = arithmetic.form, Left()
    kind = np.float64 if form.working.exponent > NARROW else np.longdouble

    def bounds(*_: Any, **__: Any) -> dict[str, Elements]:
        run = interpreter(derivation, case, trial.cotangents, arithmetic.manner, form.working.exponent, left, kind)
        names = {o: o for o in case.layer.outputs} if part == "forward" else derivation.gradients
        return {n: Asked(run, t) for n, t in names.items()}

    for part, given in results.items():
        analysis = Analysis(Part(lambda *_: {}, bounds), form, enclosure.size_of_inputs(case), part, least=FORGIVEN)
        with kernels.precision():
            exact = exact or interpreter(derivation, case, trial.cotangents, None, 0, left, kind)
        for name, value in given.items():
            tensor = name if part == "forward" else derivation.gradients.get(name, "")
            if not tensor or layout.listed(case.layer, case.layer.tensors[name]):
                continue
            array = layout.inner(case, name, value)
            near = ours.get((part, name))
            chosen = list(suspects(array, near.places if near else [], QUICK if quick and near else 1))
            left.count, left.end = TERMS, max(end, time.perf_counter() + LEAST)
            found = _measured(part, name, tensor, array, chosen, exact, analysis, end)
            if near is not None and len(found.got) >= ENOUGH:  # those that are furthest from ours among them
                found.compared = near.size
            if found.got or near is None:
                yield found
            if len(found.got) < ENOUGH and near is not None and found.ok:
                far = rough(part, name, array.shape, near, analysis, arithmetic)
                steps = len(case.layer.equations) + len(derivation.backward)  # each of which rounds
                if not far.ok and near.far[0][0] < np.inf:
                    waver = steps * wavering(mine, case, trial.cotangents, part, name, 2.0**arithmetic.unit)
                    far = rough(part, name, array.shape, near, analysis, arithmetic, waver)
                left.count, left.end = TERMS, time.perf_counter() + SURE
                yield confirmed(far, tensor, array, exact, analysis)


def _measured(
    part: str,
    name: str,
    tensor: str,
    array: Any,
    chosen: list[Index],
    exact: Wide,
    analysis: Analysis,
    end: float,
) -> Measured:
    found = Measured(part, name, 0.0, (), "", 0.0, (), {}, {})
    failing = []
    for n, i in enumerate(chosen):
        if n >= 2 and time.perf_counter() > end:
            break
        try:
            with kernels.precision():
                true = exact.element(tensor, i) + 0
            with kernels.precision(WORKING):
                judged = enclosure.outcome(float(array[i]), true, analysis, name, i)
        except Undecided:
            continue
        except TooLarge:
            break
        found.got[i], found.true[i] = float(array[i]), float(true)
        if judged is None:
            found.unclaimed += 1
            continue
        if judged[0] > 1:
            failing.append(i)
        if judged[0] > found.worst:
            found.worst, found.at, found.words = judged[0], i, without_radius(judged[1])
            found.ulps = ulps(found.got[i], found.true[i], analysis)
    found.failing = tuple(failing)
    return found


def confirmed(found: Measured, tensor: str, array: Any, exact: Wide, analysis: Analysis) -> Measured:
    """What is far from ours, enclosed where it can be: a share of the largest element is no bound of an error."""
    if found.ok:
        return found
    own = _measured(found.part, found.name, tensor, array, list(found.failing[:EDGE]), exact, analysis, math.inf)
    if not own.got:
        return found
    own.compared = found.compared if own.ok else 0
    return own


def rough(
    part: str, name: str, shape: Index, near: Beside, analysis: Analysis, arithmetic: Arithmetic, waver: float = 0.0
) -> Measured:
    """A result that depends on too much, beside ours in float64, in units of a share of its largest element, or of
    what rounding does to ours, if that is more."""
    largest = max(near.largest, float(np.finfo(np.float64).tiny))
    limit = max(waver, (ROUGH.get(arithmetic.storage, 2e-2) + 2.0 ** UNITS[arithmetic.storage]) * largest)
    indices = {p: tuple(int(n) for n in np.unravel_index(p, shape)) for _, p, _, _ in near.far}
    failing = tuple(indices[p] for size, p, _, _ in near.far if size > limit)
    size, place, got, true = near.far[0] if near.far else (0.0, 0, 0.0, 0.0)
    at = indices.get(place, ())
    words = f"got {got}, ours in float64 {true:.8g}"
    own = {at: got}, {at: true}
    away = ulps(got, true, analysis)
    return Measured(part, name, size / limit, at, words, away, failing, *own, compared=near.size)


def suspects(array: Any, places: list[int], fewer: int = 1) -> Iterator[Index]:
    """Which elements to look at: the suspicious ones first; so many times fewer than there might be."""
    if not array.size:
        return
    rng = np.random.default_rng(array.size)
    suspect, edge, some = (max(1, n // fewer) for n in (SUSPECT, EDGE, RANDOM))
    flat = array.reshape(-1)
    places = [*places[:suspect], *places[SUSPECT : SUSPECT + suspect]]
    if flat.size <= OURS:
        places += np.flatnonzero(~np.isfinite(flat))[:edge].tolist()
    places += [int(np.argmax(flat)), int(np.argmin(flat)), *range(min(edge, flat.size))]
    places += [*range(max(0, flat.size - edge), flat.size), *rng.integers(flat.size, size=some).tolist()]
    if array.ndim and array.shape[-1] > 1:  # the ends of some rows
        width = array.shape[-1]
        places += [int(r) * width + width - 1 for r in rng.integers(flat.size // width, size=edge)]
    for place in dict.fromkeys(int(p) for p in places):
        yield tuple(int(i) for i in np.unravel_index(place, array.shape))


def summed(layer: Layer) -> bool:
    """Whether a definition adds up, and no exponential of what it adds up, which would leave nothing of the others."""
    parts = [n for e in layer.equations for n in walk(e.body)]
    return any(isinstance(n, Reduce) and n.op == "sum" for n in parts) and not any(
        isinstance(n, Op) and n.fn in ("exp", "max") for n in parts
    )


def chooses(layer: Layer) -> bool:
    """Whether a definition takes the largest of an array's elements."""
    return any(isinstance(n, Reduce) and n.op != "sum" for e in layer.equations for n in walk(e.body))


def peaked(array: Any, rng: np.random.Generator) -> None:
    """Make what is last along every long axis the largest or the least: one that is forgotten shows nowhere else."""
    size = 1 + 2 * float(np.max(np.abs(array), initial=0.0))
    for axis, length in enumerate(array.shape):
        if length >= LONG and array.flags.writeable:
            at = (slice(None),) * axis + (-1,)
            array[at] = rng.choice([-size, size], array[at].shape) + array[at] / 4


def emphasised(value: Any, unit: float, most: float = math.inf) -> None:
    """Make what is last along every long axis larger: of a long sum the last term shows in what it is allowed to lose.
    Of n terms one is a share of 1 / n, and in some order of summation rounding may take n units. ``most``: the largest
    that there may be."""
    for array in layout.flat(value) if value is not None else ():
        for axis, length in enumerate(array.shape):
            if length >= LONG and array.flags.writeable:
                last = (slice(None),) * axis + (-1,)
                array[last] *= max(EMPHASIS, SHOWN * length**2 * unit)
                if most < math.inf:
                    array[last] = np.clip(array[last], -most, most)


_OWN: dict[tuple[str, str, str], Any] = {}


def own(layer: Layer) -> Any:
    """Our kernel of a layer: the one that was generated or, for somebody's own definition, one made in memory; None
    where there is none. A definition may have the name of one of ours and be another."""
    if Path(layer.file).parent == home():
        return kernels.kernel_of(layer.name)
    key = layer.file, layer.name, layer.source
    if key not in _OWN:
        try:
            _OWN[key] = kernel(layer)
        except DefinitionError:  # what cannot be printed can be enclosed
            _OWN[key] = None
    return _OWN[key]


def trial(
    layer: Layer,
    variant: int,
    arithmetic: Arithmetic,
    seed: int,
    shape: dict[str, int],
    options: Mapping[str, Any] | None = None,
) -> Trial | None:
    """One large case: of the lengths and options given, or of more elements than a block of most kernels."""
    rng = np.random.default_rng((seed, variant, 1 << 20))
    if shape:
        rest = {a: n for a, n in shape.items() if a != "..."}
        leading = ((shape["..."],),) if "..." in shape else ((2,), (3,))
        plan = inputs.Plan((2, 3, 4, 5), leading, (2,), trusted=True, fixed=rest, options=options or {}, most=math.inf)
        case = inputs.build(layer, inputs.Random(rng, np.float64), plan, 0)
    else:
        case = large(layer, seed % (1 << 31))
    words = f"a large case, {', '.join(f'{a} = {n}' for a, n in case.sizes.items())}"
    whole = {t.name for t in layer.inputs if t.kind != "real"}

    def given(values: Arrays) -> Arrays:
        return {n: v if n in whole else arithmetic.rounded(v) for n, v in values.items()}

    tensors = given(case.tensors)
    case = replace(case, tensors=tensors, words=words)
    cotangents = given(inputs.cotangents(case, seed % (1 << 31)))
    if summed(layer):
        ends = [tensors[t.name] for t in layer.inputs if t.kind == "real" and t.domain is None]
        most = math.inf
        if arithmetic.kept is not None:  # its square and some others' sum are numbers, too
            most = math.sqrt(arithmetic.form.working.largest) / 4
        for value in (*ends, *cotangents.values()):
            emphasised(value, 2.0 ** UNITS[arithmetic.working], most)
    if chooses(layer):
        for t in layer.inputs:
            if t.kind == "real" and t.domain is None and isinstance(tensors[t.name], np.ndarray):
                peaked(tensors[t.name], rng)
    tensors, cotangents = given(tensors), given(cotangents)  # numbers of the format again, whatever they were made
    case = replace(case, tensors=tensors)
    most = max(
        (math.prod(np.shape(v)) for v in case.tensors.values() if v is not None and not isinstance(v, list)), default=0
    )
    if not most:
        return None
    design = Design("a large case", probe=False)
    return Trial(f"{layer.name}.{variant}.large.{arithmetic.storage}.{seed:x}", design, case, cotangents)
