"""Small arguments for a definition, from its text alone: lengths, arrays and options that go together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.text import standing
from derive.text.annotations import Domain, NoRoom, Unread
from derive.text.arrays import Datum, Grid, Meter, Value
from derive.text.evaluate import Run
from derive.text.numbers import Outside, real
from derive.text.parse import DOTS, Argument, Definition, Library, Option

#: How real numbers are drawn, in the order in which they are tried: a definition with a logarithm needs positive ones.
STYLES = ("any", "positive", "fractions", "probabilities")
DRAWS, USUAL = 300, 40  #: attempts at lengths, most of which may not go together; so many of them with usual lengths
LEADING = ((2,), (2, 3), (), (1, 2), (3,))


@dataclass(frozen=True)
class Case:
    """Arguments for a kernel.

    Attributes:
        arrays: what a caller passes for each argument: an array, a list of arrays, or None.
        options: the value of every option.
        certain: whether the text alone says that these shapes go together; in lists, and for axes of different names
            on which one index stands, it may not.
    """

    text: Definition
    library: Library
    arrays: Mapping[str, Any]
    options: Mapping[str, Any]
    certain: bool = True

    @property
    def words(self) -> str:
        """The call, in words."""
        shown = [f"{name}={_shown(value)}" for name, value in self.arrays.items() if value is not None]
        return ", ".join([*shown, *(f"{name}={value!r}" for name, value in self.options.items())])

    def run(self, meter: Meter, shifts: Mapping[str, Any] | None = None) -> Run:
        """The definition there. ``shifts`` are added to arrays: lists of numbers, element by element."""
        arrays = {
            a.name: _grid(self, a, self.arrays[a.name], None if shifts is None else shifts.get(a.name, 0))
            for a in self.text.arguments
        }
        anchor = None if shifts is None else lambda: self.run(Meter())
        return Run(self.text, self.library, arrays, self.options, meter, anchor=anchor)


def _shown(value: Any) -> str:
    """An array's numbers where they are few, else its shape."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value.tolist()) if value.size <= 9 else f"{value.dtype}{value.shape}"


def _grid(case: Case, a: Argument, value: Any, shift: Any) -> Value:
    """An argument for the second reader: fractions, or decimals where something is added."""
    if value is None:
        return None
    if isinstance(value, list):
        shifts = shift if isinstance(shift, list) else [shift] * len(value)
        found = [_grid(case, a, v, s) for v, s in zip(value, shifts, strict=True)]
        return [g for g in found if isinstance(g, Grid)]
    array = in_order(case, a, np.asarray(value))
    elements: list[Any]
    if a.sort in ("Real", "State"):
        elements = [Fraction(float(v)) for v in array.ravel()]
        if shift is not None and a.smooth:
            added = [shift] * array.size if np.ndim(shift) == 0 else list(in_order(case, a, shift).ravel())
            elements = [real(e) + d for e, d in zip(elements, added, strict=True)]
    elif a.sort == "Integer":
        elements = [Datum(v) for v in array.ravel()]
        for e in elements:
            e.origin = a.name
    else:
        elements = [bool(v) for v in array.ravel()]
    return Grid(array.shape, tuple(elements))


def moved(case: Case, axes: tuple[str, ...], rank: int) -> tuple[int, int] | None:
    """Where an option says that an axis stands, and where it stands in the text."""
    for option in case.text.options:
        if option.kind == "Axis" and option.axis in axes:
            place = axes.index(option.axis)
            return int(case.options[option.name]), place if DOTS not in axes[:place] else place - len(axes)
    return None


def in_order(case: Case, a: Argument, array: Any) -> Any:
    """A caller's array with its axes as the text has them."""
    move = moved(case, tuple("*".join(slot) for slot in a.slots), array.ndim)
    return array if move is None else np.moveaxis(array, *move)


def values(option: Option, library: Library) -> list[Any]:
    """What an option may be, the default first."""
    other: dict[str, list[Any]] = {
        "Positive": [0.25, 2.5],
        "Scalar": [-0.75, 1.5, 0.0],
        "Probability": [0.75],
        "Fraction": [0.25, 1.0],
        "Count": [2, 1, 3],
        "Natural": [1, 2, 0],
        "Integer": [1, -1, 0, 2],
        "Flag": [True, False],
        "Axis": [0, 1, -2],
        "Choice": list(option.words),
        "Activation": [n for n in ("sigmoid", "leaky_relu", "gelu") if n in library],
    }
    if option.counts:  # one number for all, and in each place another one
        few = other[option.kind]
        return [option.default, few[0], *(filled(option.counts, iter([*few[n:], *few] * 8)) for n in range(len(few)))]
    small = [option.default] if not (option.kind == "Count" and option.axis and option.default > 4) else []
    return small + [v for v in other[option.kind] if v != option.default]


def filled(counts: tuple[int, ...], numbers: Iterator[Any]) -> Any:
    """Numbers in the places of an option that has several."""
    return tuple(filled(counts[1:], numbers) for _ in range(counts[0])) if counts else next(numbers)


def cases(
    text: Definition, library: Library, seed: int, turn: int, chosen: Mapping[str, str], style: str = "any"
) -> Iterator[Case]:
    """Attempts at one case: turn 0 has the defaults and lengths that differ, later ones walk through the rest."""
    rng = np.random.default_rng((seed, turn))
    for attempt in range(DRAWS):
        case = _attempt(text, library, rng, turn, attempt, chosen, style)
        if case is not None:
            yield case


def _attempt(
    text: Definition,
    library: Library,
    rng: np.random.Generator,
    turn: int,
    attempt: int,
    chosen: Mapping[str, str],
    style: str,
) -> Case | None:
    options = {}
    for n, option in enumerate(text.options):
        known = values(option, library)
        first = 0 if turn == 0 else (turn + n) % len(known)  # while the smallest of a few cases is looked for
        pick = first if attempt < 6 else int(rng.integers(len(known)))
        options[option.name] = chosen.get(option.name, known[pick])
    square = turn % 3 == 1
    dots = LEADING[(turn + attempt) % len(LEADING)] if attempt < 8 else LEADING[int(rng.integers(len(LEADING)))]
    lengths = _lengths(text, library, rng, options, square and attempt < USUAL, dots, attempt >= USUAL)
    if lengths is None:
        return None
    for option in text.options:
        rank = max((len(a.slots) + (len(dots) - 1) * (DOTS in a.axes) for a in text.arguments), default=0)
        if option.kind == "Axis" and not -rank <= options[option.name] < rank:
            return None
    count = {e: lengths.get(e, 1 + (turn + attempt) % 2 if attempt > 3 else 2) for e in sorted(text.entries)}
    own: dict[tuple[int, str], Any] = {}
    loose = attempt % 3 != 0  # entries of lists with lengths of their own
    shapes: dict[str, Any] = {}
    for a in text.arguments:
        entries = range(count[a.entries]) if a.entries else [None]
        shared = any(DOTS in other.axes for other in text.arguments if not other.entries)
        found = [tuple(_shape(a, lengths, own, entry, rng, loose, shared)) for entry in entries]
        shapes[a.name] = found if a.entries else found[0]
    arrays: dict[str, Any] = {}
    for a in text.arguments:
        drawn = [_draw(a, shape, rng, style, turn) for shape in (shapes[a.name] if a.entries else [shapes[a.name]])]
        arrays[a.name] = drawn if a.entries else None if a.sort == "Mask" and turn % 2 == 0 else drawn[0]
    case = Case(text, library, arrays, options, not crossed(text) and not (text.entries and loose))
    case = _turned(case, arrays)
    return _pointed(case, rng) if any(a.sort == "Integer" for a in text.arguments) else case


def _lengths(
    text: Definition,
    library: Library,
    rng: np.random.Generator,
    options: Mapping[str, Any],
    square: bool,
    dots: tuple[int, ...],
    unusual: bool,
) -> dict[str, Any] | None:
    """The lengths of the axes of arrays that are no lists; None where they do not go together."""
    given = {o.axis: options[o.name] for o in text.options if o.kind == "Count" and o.axis}
    axes = dict.fromkeys(axis for a in text.arguments if not a.entries for axis in a.axes)
    listed = dict.fromkeys(axis for a in text.arguments if a.entries for axis in a.axes if axis in text.lengths)
    free = [axis for axis in axes if axis != DOTS and axis not in text.lengths and axis not in given]
    few = [2, 3, 4] if len(free) < 4 else [2, 3] if len(free) <= 8 else [2, 2, 3]
    # of few lengths each is drawn once before one is drawn again, in another order
    usual = [int(n) for _ in range(0, max(len(free), 1), len(few)) for n in rng.permutation(few)]
    pool = [int(n) for n in rng.integers(1, 8, max(len(free), 1))] if unusual else usual
    found: dict[str, Any] = {axis: pool[0 if square else n] for n, axis in enumerate(free)}
    found |= given | {DOTS: tuple(pool[0] for _ in dots) if square else dots}
    run = Run(text, library, None, options)
    run.fixed |= found
    for axis in text.lengths:
        try:
            length = run.length(axis, {}, None)
        except NoRoom:
            return None
        except Unread:  # it depends on what stands in lists
            continue
        if length < 1:
            return None
        if axis in axes or axis in listed:
            found[axis] = length
    sizes = [n for v in found.values() for n in (v if isinstance(v, tuple) else (v,))]
    return found if all(n >= 1 for n in sizes) and math.prod(sizes) < 5000 else None


def _shape(
    a: Argument,
    lengths: Mapping[str, Any],
    own: dict[tuple[int, str], Any],
    entry: int | None,
    rng: np.random.Generator,
    loose: bool,
    shared: bool,
) -> Iterator[int]:
    """One array's shape; ``shared``: whether ... stands for the axes of an argument that is no list."""

    def length(axis: str) -> Any:
        if entry is None or (axis in lengths and (axis != DOTS or shared) and not loose):
            return lengths[axis]
        if not loose:
            return own.setdefault((0, axis), (2, 3) if axis == DOTS else 2 if not lengths else 3)
        drawn = LEADING[int(rng.integers(len(LEADING)))] if axis == DOTS else int(rng.integers(2, 4))
        return own.setdefault((entry, axis), drawn)

    for slot in a.slots:
        if slot == (DOTS,):
            yield from length(DOTS)
        else:
            yield math.prod(length(axis) for axis in slot)


def crossed(text: Definition) -> bool:
    """Whether an index of one array's axis stands on another's, with no word on whether they are equally long."""
    own = {axis for a in text.arguments for axis in a.axes} - {*text.lengths, DOTS}
    axes = {a.name: a.axes for a in text.arguments if not a.entries}
    for s in text.statements:
        for name, items, call in standing.reads(text, s):
            target = text.targets[name][-1][0].targets[0][1] if name in text.targets else ()
            there = axes.get(name, tuple(text.index(i) or "" for i in target))
            here = [text.index(i) for i in items]
            pairs = [*zip(here, there, strict=False), *([] if call else zip(here[::-1], there[::-1], strict=False))]
            if len(here) == len(there) and any(i in own and j in own and i != j for i, j in pairs):
                return True
    return False


def _draw(a: Argument, shape: tuple[int, ...], rng: np.random.Generator, style: str, turn: int) -> Any:
    if a.sort in ("Boolean", "Mask"):
        return rng.integers(0, 3, shape) > 0
    if a.sort == "Integer":
        return np.zeros(shape, np.int64)
    if style == "any" and turn % 4 == 3 and a.domain == Domain():  # ties and kinks: few numbers that are equal and zero
        return np.resize([0, *rng.integers(-1, 2, 96)], shape).astype(np.float64)
    low, high = {"any": (-128, 129), "positive": (16, 129), "fractions": (4, 61), "probabilities": (4, 61)}[style]
    drawn = np.asarray(rng.integers(low, high, shape) / 64)
    drawn = np.where(drawn == 0, 0.75, drawn)
    domain = a.domain
    if domain.simplex or (style == "probabilities" and drawn.ndim):
        along = a.axes.index(domain.simplex) if domain.simplex else -1
        along = along if DOTS not in a.axes[: along + 1] else along - len(a.axes)
        parts = np.moveaxis(np.abs(drawn), along, -1)
        parts = np.floor(parts / parts.sum(-1, keepdims=True) * 64) / 64  # exactly one in all
        parts[..., 0] += 1 - parts.sum(-1)
        return np.moveaxis(parts, -1, along)
    if domain.low is not None and domain.high is not None:
        share = np.abs(drawn) / 4 + 1 / 128  # in (0, 1)
        return np.asarray(float(domain.low) + share * float(domain.high - domain.low))
    if domain.low is not None:
        return np.abs(drawn) + float(domain.low)
    return drawn if domain.high is None else float(domain.high) - np.abs(drawn)


def _turned(case: Case, arrays: Mapping[str, Any]) -> Case:
    """The same with axes where an option wants them."""
    found = dict(arrays)
    for a in case.text.arguments:
        value = found[a.name]
        move = (
            moved(case, tuple("*".join(slot) for slot in a.slots), np.ndim(value))
            if isinstance(value, np.ndarray)
            else None
        )
        if move is not None:
            found[a.name] = np.moveaxis(value, move[1], move[0])
    return Case(case.text, case.library, found, case.options, case.certain)


def _pointed(case: Case, rng: np.random.Generator) -> Case:
    """Integers that stay inside what they point into, which an evaluation with zeros and one with ones tell."""
    below: dict[str, int] = {}
    arrays = dict(case.arrays)
    integers = [a for a in case.text.arguments if a.sort == "Integer"]
    choices = [o for o in case.text.options if o.kind == "Choice"]
    other = [{o.name: word} for o in choices for word in o.words if word != case.options[o.name]]
    for start, chosen in itertools.product((0, 1), ({}, *other)):  # a kernel asks the same of them whatever is chosen
        trial = arrays | {a.name: _filled(arrays[a.name], [start]) for a in integers}
        meter = Meter()
        run = Case(case.text, case.library, trial, {**case.options, **chosen}).run(meter)
        for name in case.text.targets:  # kernels refuse what points outside even where nothing comes of it
            with suppress(Unread, Outside):
                run.result(name)
        for name, n in meter.below.items():
            below[name] = min(n, below.get(name, n))
    for a in integers:
        low, high = (0, below[a.name]) if a.name in below else (-1, 3)
        if a.domain.below:
            high = min(high if a.name in below else 9, case.run(Meter()).length(a.domain.below, {}, None))
        low = low if a.domain.low is None else max(low, int(a.domain.low) + a.domain.strict)
        high = high if a.domain.high is None else min(high, int(a.domain.high) + (not a.domain.strict))
        drawn = rng.choice([-1, 1], 97) if a.domain.signs else rng.integers(low, max(high, low + 1), 97)
        arrays[a.name] = _filled(arrays[a.name], drawn.tolist())
    return Case(case.text, case.library, arrays, case.options, case.certain)


def _filled(value: Any, numbers: list[int]) -> Any:
    """An array, or a list of arrays, of the same shape with these numbers, over and over."""
    return [_filled(v, numbers) for v in value] if isinstance(value, list) else np.resize(numbers, np.shape(value))
