"""Every element of a large case beside a kernel of ours in float64, a piece of the rows at a time.

Where no equation sums along the leading axes, a row's results are those of the row alone, and gradients of what has no
such axes are sums over rows: the kernel is run on pieces that fit a cache, the last and the first of them first, until
there is no more time. Other layers are run whole, where that is not too much.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derive.evidence import kernels, layout
from derive.evidence.kernels import Arrays
from derive.evidence.layout import Case
from derive.notation.expr import ELLIPSIS, Reduce, walk
from derive.notation.layer import Layer

PIECE = 1 << 20  # elements of the arguments that a kernel is run on at once
WHOLE = 1 << 24  # and of those that cannot be cut
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

    def add(self, first: int, got: Any, ours: Any) -> None:
        """A piece of the flat result, from a place on."""
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
            kept += [(float(size[p]), first + int(p), float(got[p]), float(ours[p])) for p in places]
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
    leads = {n: ELLIPSIS in t.axes for n, t in case.layer.tensors.items()}
    done, rows = 0, 1
    for piece, part_of_case, u, rows in pieces(case, cotangents):
        if done and time.perf_counter() > end:
            break
        ours = _run(kernel, part_of_case, u, "backward" in results)
        for part, own in results.items():
            for name, value in own.items():
                if layout.listed(case.layer, case.layer.tensors[name]) or name not in ours[part]:
                    continue
                key, array = (part, name), layout.inner(case, name, value)
                mine = layout.inner(part_of_case, name, ours[part][name])
                if piece is None:
                    found.setdefault(key, Beside()).add(0, array, mine)
                elif leads[name]:
                    row = array.size // max(1, array.shape[0])
                    found.setdefault(key, Beside()).add(piece.start * row, array[piece], mine)
                else:
                    sums[key] = sums.get(key, 0.0) + mine
        done += rows if piece is None else piece.stop - piece.start
    if done >= rows:  # a sum over all rows is known when all are
        for (part, name), total in sums.items():
            found.setdefault((part, name), Beside()).add(0, layout.inner(case, name, results[part][name]), total)
    return found, done / max(1, rows)


def _run(kernel: Any, case: Case, u: Arrays, graded: bool) -> dict[str, Arrays]:
    wide = kernels.cast(case, np.float64)
    u = {n: np.asarray(v, np.float64) if not isinstance(v, list) else v for n, v in u.items()}
    with np.errstate(all="ignore"):
        outputs, saved = kernels.forward(kernel, wide)
        return {"forward": outputs, "backward": kernels.backward(kernel, wide, u, saved) if u and graded else {}}


def pieces(case: Case, cotangents: Arrays) -> Iterator[tuple[slice | None, Case, Arrays, int]]:
    """Rows of a case, with the case and cotangents of these rows, and how many rows there are; all at once, or nothing,
    where a row is not computed alone."""
    arrays = [a for v in case.tensors.values() if v is not None for a in (v if isinstance(v, list) else [v])]
    count = sum(np.size(a) for a in arrays)
    leading = case.leading.get(None, ())
    if count <= PIECE or len(leading) != 1 or leading[0] < 2 or not separate(case):
        if count <= WHOLE:
            yield None, case, cotangents, 1
        return
    rows, layer = leading[0], case.layer
    step = max(1, rows * PIECE // count)
    starts = list(range(0, rows, step))
    rest = np.random.default_rng(rows).permutation(starts[1:-1]).tolist()
    for start in dict.fromkeys([starts[-1], starts[0], *rest]):
        piece = slice(start, min(rows, start + step))

        def cut(name: str, value: Any, piece: slice = piece) -> Any:
            own = value is not None and ELLIPSIS in layer.tensors[name].axes
            return value[piece] if own else value

        tensors = {n: cut(n, v) for n, v in case.tensors.items()}
        yield piece, replace(case, tensors=tensors), {n: cut(n, v) for n, v in cotangents.items()}, rows


def separate(case: Case) -> bool:
    """Whether the results of a row, along the first axis of every array that has it, are those of the row alone."""
    layer: Layer = case.layer
    summed = any(ELLIPSIS in n.over for e in layer.equations for n in walk(e.body) if isinstance(n, Reduce))
    mine = [t for t in (*layer.inputs, *(layer.tensors[o] for o in layer.outputs)) if ELLIPSIS in t.axes]
    first = all(t.axes[0] == ELLIPSIS and not t.sequence and not _turned(case, t) for t in mine)
    return not summed and first and all(ELLIPSIS in layer.tensors[o].axes for o in layer.outputs)


def _turned(case: Case, tensor: Any) -> bool:
    """Whether an option puts another axis before the rows."""
    move = layout.moved(case, tensor)
    return move is not None and move[0] != move[1]
