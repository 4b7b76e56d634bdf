"""Every element of a large case beside a kernel of ours in float64, a piece of the rows at a time.

Where no equation sums along an axis, the leading ones or a channel's, what is computed at a position is that of the
position alone, and gradients of what has no such axis are sums over positions: the kernel is run on pieces that fit a
cache, the last and the first of them first, until there is no more time. A mean or sum of losses is that of the losses,
of which each is its row's. Other layers are run whole, where that is not too much.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from derive.evidence import kernels, layout
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case
from derive.notation.expr import ELLIPSIS, Expr, Pos, Reduce, Ref, Size, children, walk
from derive.notation.layer import Layer

PIECE = 1 << 20  # elements of the arguments that a kernel is run on at once
WHOLE = 1 << 24  # and of those that cannot be cut
SINGLE = 2.0**24  # of float32's units of roundoff in 1
SUSPECT = 8  # elements of each kind that are kept


@dataclass
class Beside:
    """One result and ours.

    Attributes:
        size: how many elements were compared. largest: the largest magnitude of ours.
        far, apart: places in the flat result, theirs and ours, of the elements that differ most, in all and in their
            share of ours.
    """

    size: int = 0
    largest: float = 0.0
    far: list[tuple[float, int, float, float]] = field(default_factory=list)
    apart: list[tuple[float, int, float, float]] = field(default_factory=list)

    def add(self, got: Any, ours: Any, place: Callable[[int], int] = int) -> None:
        """A piece of the result; ``place``: from one in it to one in the flat result."""
        got, ours = np.asarray(got, np.float64).reshape(-1), np.asarray(ours, np.float64).reshape(-1)
        if not got.size:
            return
        self.size += got.size
        self.largest = max(self.largest, float(np.max(np.abs(ours))))
        with np.errstate(all="ignore"):
            away = np.where(np.isfinite(got), np.abs(got - ours), np.where(np.isfinite(ours), np.inf, 0.0))
            share = away / (np.abs(ours) + np.finfo(np.float64).tiny)
        for kept, size in ((self.far, away), (self.apart, share)):
            places = np.argpartition(size, max(0, size.size - SUSPECT))[-SUSPECT:]
            kept += [(float(size[p]), place(int(p)), float(got[p]), float(ours[p])) for p in places]
            kept.sort(key=lambda k: -k[0])
            del kept[SUSPECT:]

    @property
    def places(self) -> list[int]:
        """The suspicious elements, those furthest from ours first."""
        return [p for kept in (self.far, self.apart) for _, p, _, _ in kept]


def beside(
    kernel: Any, case: Case, cotangents: Arrays, results: dict[str, Arrays], end: float
) -> tuple[dict[tuple[str, str], Beside], float]:
    """Every result of a part (``forward``, ``backward``) beside a kernel of ours, until a moment of perf_counter; and
    which share of the rows there was time for."""
    found: dict[tuple[str, str], Beside] = {}
    sums: dict[tuple[str, str], Any] = {}
    whole, (case, cotangents, share) = case, of_rows(case, cotangents)
    done, rows = 0, 1
    for piece, part_of_case, u, rows in pieces(case, cotangents):
        if done and time.perf_counter() > end:
            break
        ours = _run(kernel, part_of_case, u, "backward" in results)
        for part, own in results.items():
            for name, value in own.items():
                if layout.listed(case.layer, case.layer.tensors[name]) or name not in ours[part]:
                    continue
                key, mine = (part, name), layout.inner(part_of_case, name, ours[part][name])
                array = layout.inner(whole, name, value)
                if part == "forward" and share:
                    sums[key] = sums.get(key, 0.0) + float(np.sum(mine)) * share
                elif piece is None:
                    found.setdefault(key, Beside()).add(array, mine)
                elif piece.axis in case.layer.tensors[name].axes:
                    at, begin = piece.of(case, name, array.ndim, mine.shape)
                    place = partial(_place, shape=array.shape, part=mine.shape, axis=at, begin=begin)
                    cut = array[(slice(None),) * at + (slice(begin, begin + mine.shape[at]),)]
                    found.setdefault(key, Beside()).add(cut, mine, place)
                else:
                    sums[key] = sums.get(key, 0.0) + mine
        done += rows if piece is None else piece.stop - piece.start
    if done >= rows:  # a sum over all rows is known when all are
        for (part, name), total in sums.items():
            found.setdefault((part, name), Beside()).add(layout.inner(whole, name, results[part][name]), total)
    return found, done / max(1, rows)


def wavering(kernel: Any, case: Case, cotangents: Arrays, part: str, name: str, unit: float) -> float:
    """How far a result of ours moves with rounding to a unit: with arguments that are moved by it, which may choose
    another path, and computed in float32, where nothing is left of what is 0 but for rounding. 0 where the case is too
    large to be computed at once."""
    if sum(np.size(a) for v in case.tensors.values() if v is not None for a in layout.flat(v)) > WHOLE:
        return 0.0
    rng = np.random.default_rng(0)

    def moved(value: Any) -> Any:
        if value is None or isinstance(value, list):
            return None if value is None else [moved(v) for v in value]
        array = np.asarray(value)
        return array * (1 + unit * rng.uniform(-1, 1, array.shape)) if array.dtype.kind == "f" else array

    def ours(own: Case, kind: Any) -> Any:
        found = _run(kernel, own, cotangents, part == "backward", kind)[part][name]
        return np.asarray(layout.inner(case, name, found), np.float64)

    with np.errstate(all="ignore"):
        true = ours(case, np.float64)
        away = [ours(replace(case, tensors={n: moved(v) for n, v in case.tensors.items()}), np.float64) - true]
        away.append((ours(case, np.float32) - true) * (unit * SINGLE))
    return max((float(np.max(np.abs(a), initial=0)) for a in away), default=0.0)


@dataclass(frozen=True)
class Piece:
    """Positions from one to another along an axis; of the leading axes, along the first of them."""

    axis: str
    start: int
    stop: int

    def raw(self, case: Case, name: str) -> int | None:
        """The axis of an array as a caller has it; None where it has none."""
        tensor = case.layer.tensors[name]
        if self.axis not in tensor.axes:
            return None
        before = 0
        for part, size in layout.bind(name, layout.slots(case.layer, tensor), layout.shape_of(case, name)):
            if self.axis in part:
                return before
            before += len(size)
        return None

    def of(self, case: Case, name: str, ndim: int, shape: tuple[int, ...]) -> tuple[int, int]:
        """The axis of an array of the equations' axes, and where the piece begins there."""
        at = case.layer.tensors[name].axes.index(self.axis)
        return at, self.start * (shape[at] // (self.stop - self.start))


def _place(p: int, shape: tuple[int, ...], part: tuple[int, ...], axis: int, begin: int) -> int:
    """A place in a flat piece as one in the flat whole."""
    index = [int(n) for n in np.unravel_index(p, part)]
    index[axis] += begin
    return int(np.ravel_multi_index(index, shape))


def of_rows(case: Case, cotangents: Arrays) -> tuple[Case, Arrays, float]:
    """For a mean or a sum of losses: the losses themselves, with the cotangents that lead to its gradients, and what
    share of the result each of them is; 0 for everything else."""
    from derive.notation.define import REGISTRY

    layer, out = case.layer, case.layer.outputs[0]
    how = dict(layer.choice).get("reduction", "none")
    variants = [v for v in REGISTRY.get(layer.name, ()) if v.source == layer.source]
    plain = [v for v in variants if dict(v.choice) == {**dict(layer.choice), "reduction": "none"}]
    if how == "none" or not plain or len(layer.outputs) > 1 or out not in cotangents:
        return case, cotangents, 0.0
    none = plain[0]
    if none.equations[:-1] != layer.equations[:-1]:  # a mean of another kind
        return case, cotangents, 0.0
    options = {**case.options, **({"reduction": "none"} if "reduction" in case.options else {})}
    own = replace(case, layer=none, options=options)
    shape = layout.shape_of(own, out)
    share = 1.0 / max(1, int(np.prod(shape))) if how == "mean" else 1.0
    u = np.broadcast_to(np.asarray(cotangents[out], np.float64) * share, shape)
    return own, {out: u}, share


def _run(kernel: Any, case: Case, u: Arrays, graded: bool, kind: Any = np.float64) -> dict[str, Arrays]:
    wide = kernels.cast(case, kind)
    u = {n: np.asarray(v, kind) if not isinstance(v, list) else v for n, v in u.items()}
    with np.errstate(all="ignore"):
        outputs, saved = kernels.forward(kernel, wide)
        return {"forward": outputs, "backward": kernels.backward(kernel, wide, u, saved) if u and graded else {}}


def pieces(case: Case, cotangents: Arrays) -> Iterator[tuple[Piece | None, Case, Arrays, int]]:
    """Positions of a case along an axis, with the case and cotangents of these, and how many positions there are; all
    at once, or nothing, where none is computed alone."""
    arrays = [a for v in case.tensors.values() if v is not None for a in (v if isinstance(v, list) else [v])]
    count = sum(np.size(a) for a in arrays)
    axis, rows = along(case) if count > PIECE else ("", 0)
    if not axis or count // rows > WHOLE:
        if count <= WHOLE:
            yield None, case, cotangents, 1
        return
    step = max(1, rows * PIECE // count)
    starts = list(range(0, rows, step))
    rest = np.random.default_rng(rows).permutation(starts[1:-1]).tolist()
    for start in dict.fromkeys([starts[-1], starts[0], *rest]):
        piece = Piece(axis, start, min(rows, start + step))

        def cut(name: str, value: Any, piece: Piece = piece) -> Any:
            at = None if value is None else piece.raw(case, name)
            return value if at is None else value[(slice(None),) * at + (slice(piece.start, piece.stop),)]

        tensors = {n: cut(n, v) for n, v in case.tensors.items()}
        yield piece, replace(case, tensors=tensors), {n: cut(n, v) for n, v in cotangents.items()}, rows


def along(case: Case) -> tuple[str, int]:
    """The axis along which positions are computed alone, and its length; "" where there is none."""
    leading = case.leading.get(None, ())
    if leading and leading[0] > 1 and separate(case):
        return ELLIPSIS, leading[0]
    layer = case.layer
    if any(o.kind == "Axis" for o in layer.options) or any(t.sequence for t in layer.inputs):
        return "", 0
    for axis in dict.fromkeys(a for t in layer.inputs for a in t.axes if a != ELLIPSIS):
        if case.sizes.get(axis, 0) > 1 and alone(layer, axis):
            return axis, case.sizes[axis]
    return "", 0


def alone(layer: Layer, axis: str) -> bool:
    """Whether what is computed at a position along a named axis reads nothing of other positions."""
    mine = [*layer.inputs, *(layer.tensors[o] for o in layer.outputs)]
    simple = all((axis,) in layout.slots(layer, t) for t in mine if axis in t.axes)
    given = any(o.axis == axis for o in layer.options) or any(Size(axis) in walk(e) for e in layer.sizes.values())
    if not simple or given or not all(axis in layer.tensors[o].axes for o in layer.outputs):
        return False
    return not any(_mixed(layer, axis, e.body) for e in layer.equations)


def _mixed(layer: Layer, axis: str, e: Expr) -> bool:
    """Whether an expression reads an axis in another way than at the position itself."""
    if (isinstance(e, Reduce) and axis in e.over) or e in (Pos(axis), Size(axis)):
        return True
    if isinstance(e, Ref):
        pairs = list(zip(layer.tensors[e.tensor].axes, e.index, strict=True))
        other = [i for a, i in pairs if not (a == axis and i == Pos(axis))]
        return any(a == axis and i != Pos(axis) for a, i in pairs) or any(_mixed(layer, axis, i) for i in other)
    return any(_mixed(layer, axis, c) for c in children(e))


def separate(case: Case) -> bool:
    """Whether the results of a row, along the first axis of every array that has it, are those of the row alone."""
    layer: Layer = case.layer
    summed = any(ELLIPSIS in n.over for e in layer.equations for n in walk(e.body) if isinstance(n, Reduce))
    mine = [t for t in (*layer.inputs, *(layer.tensors[o] for o in layer.outputs)) if ELLIPSIS in t.axes]
    first = all(t.axes[0] == ELLIPSIS and not t.sequence and not _turned(case, t) for t in mine)
    return not summed and first and all(ELLIPSIS in layer.tensors[o].axes for o in layer.outputs)


def _turned(case: Case, tensor: Any) -> bool:
    """Whether an option takes the first axis, or puts one before the rows."""
    move = layout.moved(case, tensor)
    rank = len(layout.shape_of(case, tensor.name))
    return move is not None and (rank == 0 or 0 in (move[0] % rank, move[1] % rank))
