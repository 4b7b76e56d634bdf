"""Compares a kernel with the second reader: values, gradients, tangents and second gradients, in float64.

The text's values are exact to 60 digits, and so are its slopes: central differences of the second reader's forward with
steps of 1e-20 (1e-14 for second ones), whose own error is below 1e-25. What is left is the kernel's rounding. A kernel
is right where it agrees to half of a double's digits, 2**-26 of the size of what is compared, or to 2**-44 of the
largest number met on the way, which rounding may leave of it where terms cancel: far above what a right kernel loses
and far below what a wrong axis, sign or keyword makes. How many digits a kernel keeps is the enclosure's to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from derive.text.annotations import Mismatch, NoRoom, Unread
from derive.text.arrays import Grid, Meter
from derive.text.cases import STYLES, Case, cases, moved
from derive.text.numbers import MP, Outside, real
from derive.text.parse import Definition, Library
from derive.text.results import Numbers, combined, flat, listed, merged, named, picked, products, quiet
from derive.text.small import small

HALF, ROUNDING = 2.0**-26, 2.0**-44
STEP, SECOND = MP.mpf(10) ** -20, MP.mpf(10) ** -14
ATTEMPTS, TRIES = 40, 6  #: draws of arguments for one case, and of numbers for one kind of them


@dataclass
class Report:
    """What was compared.

    Attributes:
        checks: numbers and shapes compared. worst: the largest difference in units of what is allowed.
        wrong: where kernel and text disagree. kinks: slopes left out because the text has two there.
        notes: what could not be compared, and why. refused: what a kernel said to shapes that may not go together.
    """

    name: str
    checks: int = 0
    worst: float = 0.0
    wrong: list[str] = field(default_factory=list)
    kinks: int = 0
    notes: dict[str, int] = field(default_factory=dict)
    refused: str = ""

    def note(self, reason: str) -> None:
        self.notes[reason] = self.notes.get(reason, 0) + 1

    def hold(self, holds: bool, words: str) -> bool:
        self.checks += 1
        if not holds:
            self.wrong.append(words)
        return holds

    def near(self, got: Any, wanted: Any, allowed: float, words: str) -> bool:
        """One number; what is not a number agrees with nothing."""
        error = abs(float(real(got) - wanted)) if math.isfinite(got) else math.inf
        if allowed > 0 and error / allowed <= 1:
            self.worst = max(self.worst, error / allowed)
        return self.hold(error <= allowed, f"{words}: got {float(got):.10g}, the text says {float(wanted):.10g}")


@dataclass
class Point:
    """A case with what the text says there."""

    case: Case
    results: dict[str, list[Grid]]
    meter: Meter

    def elements(self, name: str) -> list[Any]:
        return [real(e) for grid in self.results[name] for e in grid.elements]


def find(
    text: Definition, library: Library, seed: int, turn: int, chosen: Mapping[str, str], attempts: int = ATTEMPTS
) -> Point | str:
    """Arguments at which the text has finite values; or why there are none."""
    reason = "no arguments were found that go together"
    for style in STYLES:
        left, draws = TRIES, attempts
        for case in small(cases(text, library, seed, turn, chosen, style)):
            meter = Meter()
            try:
                return Point(case, evaluate(case, meter), meter)
            except Mismatch as error:
                reason = str(error)
                draws -= not isinstance(error, NoRoom)  # other lengths are drawn, as for the text's own windows
            except Outside as error:
                reason = f"no arguments were found with a finite value: {error}"
                left -= 1
            if not left or not draws:
                break
    return reason


def evaluate(case: Case, meter: Meter, shifts: Mapping[str, Any] | None = None) -> dict[str, list[Grid]]:
    """Every result of the text.

    Raises:
        Outside: one of them is not finite. Unread: the second reader does not know.
    """
    run = case.run(meter, shifts)
    found = {}
    for name in case.text.results:
        value = run.result(name)
        found[name] = value if isinstance(value, list) else [value] if value is not None else []
        if not all(isinstance(e, int) or MP.isfinite(real(e)) for grid in found[name] for e in grid.elements):
            raise Outside(f"{name} is not finite")
    return found


# ---- the kernel's side ---------------------------------------------------------------------------------------------


class Comparison:
    """One kernel at one point."""

    def __init__(self, point: Point, kernel: Any, report: Report, seed: int, each: bool) -> None:
        self.point, self.kernel, self.report, self.each = point, kernel, report, each
        self.case, self.text = point.case, point.case.text
        self.inputs = tuple(self.case.arrays[a.name] for a in self.text.arguments)
        self.rng = np.random.default_rng(seed)
        self.names = tuple(a.name for a in self.text.smooth_arguments)
        self.values: dict[Any, Any] = {}
        self.held = False

    def call(self, function: str, *arguments: Any, options: bool = True) -> Any:
        """A function of the kernel; None where it raised, which is told."""
        try:
            return quiet(getattr(self.kernel, function), *arguments, **(self.case.options if options else {}))
        except Exception as error:
            if isinstance(error, ValueError) and not self.case.certain and function == "forward":
                self.report.refused = str(error)
            else:
                self.tell(function, f"{type(error).__name__}: {error}")
            return None

    def tell(self, function: str, words: str) -> None:
        self.report.hold(False, f"{function} at {self.case.words}: {words}")

    def like(self, value: Any) -> Any:
        """Random directions: no two alike, none zero."""
        if isinstance(value, list):
            return [self.like(v) for v in value]
        drawn = self.rng.integers(-64, 65, np.shape(value)) / 32 + 1 / 64
        return np.asarray(drawn, np.float64)

    def run(self) -> bool:
        """Compare everything; whether the kernel took the arguments."""
        answer = self.call("forward", *self.inputs)
        if answer is None:
            return not self.case.certain
        outputs = named(self.text.results, answer[0] if len(self.text.results) > 1 else (answer[0],))
        if not self.forward(outputs):
            return True
        smooth = self.text.smooth_results
        if not smooth or not self.names:
            return True
        self.u = {name: self.like(outputs[name]) for name in smooth}
        self.v = {a: self.like(self.case.arrays[a]) for a in self.names}
        joined = self.u[smooth[0]] if len(smooth) == 1 else tuple(self.u[name] for name in smooth)
        self.jvp(self.call("jvp", self.inputs, tuple(self.v[n] for n in self.names)))
        self.backward(self.call("backward", joined, answer[1], options=False))
        if hasattr(self.kernel, "double_backward"):
            along = tuple(self.v[n] for n in self.names)
            self.second(self.call("double_backward", joined, self.inputs, along))
        return True

    def forward(self, outputs: dict[str, Any]) -> bool:
        right = True
        for name, value in outputs.items():
            grids, wanted = self.point.results[name], self.point.elements(name)
            shapes = [np.shape(v) for v in listed(value)]
            right &= self.report.hold(
                isinstance(value, list) == self.text.listed(name)
                and len(shapes) == len(grids)
                and all(s in self.turned(name, grid) for s, grid in zip(shapes, grids, strict=True)),
                f"forward at {self.case.words}: {name} has shape {shapes}, the text says {[g.shape for g in grids]}",
            )
            if not right:
                continue
            allowed = HALF * max((abs(float(w)) for w in wanted), default=0) + ROUNDING * self.point.meter.reach
            for n, (got, want) in enumerate(zip(flat(self.case, name, value), wanted, strict=True)):
                words = f"forward at {self.case.words}: {name}, element {n}"
                if self.point.meter.close and abs(float(real(got) - want)) > allowed:
                    self.report.note("a comparison that rounding decides")
                    return False
                right &= self.report.near(got, want, allowed, words)
        return right

    def turned(self, name: str, grid: Grid) -> list[tuple[int, ...]]:
        """The shapes a caller may see, with axes where an option wants them."""
        s, n = self.text.targets[name][-1]
        axes = tuple(str(self.text.index(item)) for item in s.targets[n][1])
        found = []
        for shape in merged(self.case, name, grid):
            move = moved(self.case, axes, len(shape))
            found.append(shape if move is None else np.moveaxis(np.empty(shape, bool), move[1], move[0]).shape)
        return found

    # ---- slopes ----------------------------------------------------------------------------------------------------

    def at(self, *steps: tuple[str, Any]) -> Numbers:
        """The text's smooth results with directions added: ``("v", h)`` moves every input along v."""
        key = (self.held, *sorted((w, str(h)) for w, h in steps if h))
        if key not in self.values:
            shifts: dict[str, Any] = {}
            for which, h in steps:
                for name, direction in self.direction(which).items():
                    shifts[name] = combined(shifts.get(name), direction, h)
            found = evaluate(self.case, Meter(reach=math.inf, held=self.held), shifts)
            self.values[key] = {n: [real(e) for g in found[n] for e in g.elements] for n in self.text.smooth_results}
        return self.values[key]  # type: ignore[no-any-return]

    def direction(self, which: str) -> dict[str, Any]:
        """``v``: every input; ``d``: another one; ``d x``: x alone."""
        if which == "v":
            return self.v
        if not hasattr(self, "d"):
            self.d = {a: self.like(self.case.arrays[a]) for a in self.names}
        return self.d if which == "d" else {which[2:]: self.d[which[2:]]}

    def weighed(self, numbers: Numbers) -> Any:
        """The sum of cotangents times results."""
        return sum(
            (
                MP.mpf(float(w)) * n
                for name, u in self.u.items()
                for w, n in zip(flat(self.case, name, u), numbers[name], strict=True)
            ),
            MP.mpf(0),
        )

    def slope(self, which: str, value: Callable[[Numbers], Any]) -> tuple[Any, bool]:
        """A central difference, and whether both sides agree with it."""
        try:
            before, here, after = (value(self.at((which, h))) for h in (-STEP, 0 * STEP, STEP))
        except Outside:
            return MP.mpf(0), False
        left, right = (here - before) / STEP, (after - here) / STEP
        size = HALF * HALF * (abs(left) + abs(right)) + MP.mpf(10) ** -15 * (1 + self.point.meter.reach)
        return (left + right) / 2, bool(abs(left - right) <= size)

    def either(self, got: float, wanted: Any, allowed: float, slope: Callable[[], tuple[Any, bool]]) -> Any:
        """What a slope should be: at a tie of a comparison also that of the case taken, where a kernel has that.

        Of ``x if abs(x) > 0 else 0`` the slope at 0 is 1, and that of the case taken there, 0, is as right.
        """
        if math.isfinite(got) and abs(float(real(got) - wanted)) <= allowed:
            return wanted
        self.held = True
        try:
            other, smooth = slope()
        finally:
            self.held = False
        return other if smooth and abs(float(real(got) - other)) <= allowed else wanted

    def allowed(self, size: float) -> float:
        return HALF * size + ROUNDING * (1 + self.point.meter.reach)

    def jvp(self, answer: Any) -> None:
        if answer is not None:
            for name, value in named(self.text.smooth_results, answer).items():
                self.along("jvp", name, value, f"that of {name}")

    def along(self, function: str, name: str, value: Any, words: str) -> None:
        """What should be the slopes of a result's elements along v."""
        if not self.shaped(function, words, value, self.u[name]):
            return
        got = flat(self.case, name, value)
        find = [partial(self.slope, "v", partial(picked, name, n)) for n in range(len(got))]
        slopes = [slope() for slope in find]
        allowed = self.allowed(max((abs(float(wanted)) for wanted, _ in slopes), default=0.0))
        for n, (wanted, smooth) in enumerate(slopes):
            if smooth and (math.isfinite(got[n]) or not self.point.meter.singular):
                where = f"{function} at {self.case.words}: {words}, element {n}"
                self.report.near(got[n], self.either(got[n], wanted, allowed, find[n]), allowed, where)
            else:
                self.report.kinks += 1

    def shaped(self, function: str, name: str, value: Any, like: Any) -> bool:
        """Whether something has the shapes it should have."""
        shapes, wanted = [np.shape(v) for v in listed(value)], [np.shape(v) for v in listed(like)]
        words = f"{function} at {self.case.words}: {name} has shape {shapes}, not {wanted}"
        return self.report.hold(shapes == wanted and isinstance(value, list) == isinstance(like, list), words)

    def backward(self, answer: Any) -> None:
        if answer is None:
            return
        gradients = dict(zip(self.names, answer, strict=True)) if len(answer) == len(self.names) else {}
        if not self.report.hold(bool(gradients), f"backward gives {len(answer)} gradients of {', '.join(self.names)}"):
            return
        good = [n for n in self.names if self.shaped("backward", f"that of {n}", gradients[n], self.case.arrays[n])]
        self.directions("backward", gradients, good, partial(self.slope, value=self.weighed))

    def directions(
        self, function: str, got: dict[str, Any], names: list[str], slope: Callable[[str], tuple[Any, bool]]
    ) -> None:
        """Compare gradients with slopes: all inputs moved at once, and each by itself where that is asked for.

        Where all at once agree as closely as each by itself must, to a share of the smallest, so does each.
        """
        whole = len(names) == len(self.names)
        if not self.each and whole:
            self.contracted(function, "d", got, partial(slope, "d"))
        elif not (whole and not self.point.meter.singular and self.together(function, got, *slope("d"))):
            for n in names:
                self.contracted(function, f"d {n}", {n: got[n]}, partial(slope, f"d {n}"))

    def together(self, function: str, got: dict[str, Any], wanted: Any, smooth: bool) -> bool:
        """Whether all gradients agree with the slope along a random direction, to what is allowed of the smallest."""
        terms = [products(value, self.direction("d")[n]) for n, value in got.items()]
        if not smooth or not all(map(math.isfinite, chain.from_iterable(terms))):
            return False
        allowed = self.allowed(min((sum(map(abs, own)) for own in terms), default=0.0))
        value = math.fsum(chain.from_iterable(terms))
        near = abs(float(real(value) - wanted)) <= allowed
        return near and self.report.near(value, wanted, allowed, f"{function} at {self.case.words}: all gradients")

    def contracted(self, function: str, which: str, got: dict[str, Any], slope: Callable[[], tuple[Any, bool]]) -> None:
        """The sum of gradients times a direction against a slope, and whether that is one."""
        wanted, smooth = slope()
        terms = [t for n, value in got.items() for t in products(value, self.direction("d")[n])]
        if not smooth or (self.point.meter.singular and not all(map(math.isfinite, terms))):
            self.report.kinks += 1
            return
        size = sum(map(abs, terms)) + abs(float(wanted))
        of = f"the gradient of {', '.join(got)} along a random direction"
        value = math.fsum(terms) if all(map(math.isfinite, terms)) else math.nan
        allowed = self.allowed(size)
        words = f"{function} at {self.case.words}: {of}"
        self.report.near(value, self.either(value, wanted, allowed, slope), allowed, words)

    def second(self, answer: Any) -> None:
        if answer is None:
            return
        smooth = self.text.smooth_results
        count = len(smooth) + len(self.names)
        if not self.report.hold(len(answer) == count, f"double_backward gives {len(answer)} gradients, not {count}"):
            return
        for name, value in zip(smooth, answer, strict=False):
            self.along("double_backward", name, value, f"that of the cotangent of {name}")
        got = dict(zip(self.names, answer[len(smooth) :], strict=True))
        good = [n for n in self.names if self.shaped("double_backward", f"that of {n}", got[n], self.case.arrays[n])]
        self.directions("double_backward", got, good, self.curvature)

    def curvature(self, which: str) -> tuple[Any, bool]:
        """The second slope of the weighed results along v and another direction, and whether all sides agree."""
        h = SECOND
        try:
            f = {(a, b): self.weighed(self.at(("v", a * h), (which, b * h))) for a in (-1, 0, 1) for b in (-1, 0, 1)}
        except Outside:
            return MP.mpf(0), False
        corners = [(f[a, b] - f[a, 0] - f[0, b] + f[0, 0]) * a * b / h**2 for a in (-1, 1) for b in (-1, 1)]
        mean = sum(corners) / 4
        size = HALF * HALF * sum(map(abs, corners)) + MP.mpf(10) ** -10 * (1 + self.point.meter.reach)
        smooth = all(abs(c - mean) <= size for c in corners)
        return mean, smooth and self.slope("v", self.weighed)[1] and self.slope(which, self.weighed)[1]


def compare(
    text: Definition,
    library: Library,
    kernel: Any,
    chosen: Mapping[str, str],
    turns: range,
    seed: int = 0,
    each: bool = True,
) -> Report:
    """A kernel against the text of its definition at one case a turn.

    Args:
        chosen: the words of choices that are fixed.
        each: compare the gradient of every input by itself; all at once otherwise.
    """
    report = Report(text.name)
    for turn in turns:
        try:
            point = find(text, library, seed, turn, chosen)
            if isinstance(point, str):
                report.note(point)
                continue
            Comparison(point, kernel, report, seed + turn, each).run()
        except (Unread, RecursionError) as error:
            report.note(str(error))
            if not report.checks:
                break
        if report.wrong:
            break
    if report.refused and not report.checks:
        report.wrong.append(f"forward takes no shapes that the text allows: {report.refused}")
    return report
