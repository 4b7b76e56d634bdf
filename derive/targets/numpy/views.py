"""References as NumPy code: views of arrays, and how they are aligned to a frame, the order of axes of a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from derive.calculus.reverse import linear
from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Op, Pos, Ref, Size
from derive.notation.layer import Layer, Tensor

LOW, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(6)


def size_name(axis: str) -> str:
    return "rows" if axis == ELLIPSIS else f"n_{axis}"


@dataclass
class Views:
    """What the expressions of one function body are printed with.

    Attributes:
        layer: for axes and options.
        tensors: every array by name.
        extended: arrays that begin at position -1 along an axis: their position t is stored at t + 1.
        lists: arrays held as Python lists along the sequence axis.
        local: inside a loop, arrays that live for one position only: written without the loop's index.
        loop: the axis of the loop that is being printed.
        inline: arrays that are used once and printed where they are used: name to (code, level, axes).
        functions: elementwise layers and runtime functions used, to be imported.
        sizes: axes whose size is used.
        fill: what stands outside an array that is read through a window.
        taps: positions in a window that the code being printed has as integers.
        apart: where given, the spans of windows are put there, and the array is printed without them.
        decode: a name of the definition as it was typed; see derive.targets.numpy.names.
    """

    layer: Layer
    tensors: dict[str, Tensor]
    extended: dict[str, str] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)
    loop: str | None = None
    inline: dict[str, tuple[str, int, tuple[str, ...]]] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    layers_used: set[str] = field(default_factory=set)
    sizes: dict[str, None] = field(default_factory=dict)
    fill: str = "0"
    taps: frozenset[str] = frozenset()
    apart: list[str] | None = None
    decode: Callable[[str], str] = str

    def scalar(self, e: Expr) -> bool:
        """Whether an expression is a plain Python number in the kernel."""
        if isinstance(e, Pos):
            return self.axis(e.index) == self.loop or e.index in self.taps
        if isinstance(e, Ref):
            return str(self.tensors[e.tensor].kind) == "number"
        return all(self.scalar(c) for c in x.children(e))

    def axis(self, index: str) -> str:
        return self.layer.axis(index)

    def size(self, axis: str) -> str:
        axis = self.axis(axis)
        match self.layer.sizes.get(axis):
            case Size(same):
                axis = self.axis(same)
        self.sizes.setdefault(axis)
        return size_name(axis)

    def view(self, ref: Ref) -> tuple[str, tuple[str, ...]]:
        """Code for a reference as an array, and the indices of its axes."""
        if ref.tensor in self.inline:
            code, level, inner_axes = self.inline[ref.tensor]
            own = self.tensors[ref.tensor].axes
            new = {a: x.plain(e) or a for a, e in zip(own, ref.index, strict=True)}
            return code if level == ATOM else f"({code})", tuple(new.get(a, a) for a in inner_axes)
        slots: list[str] = []
        axes: list[str] = []
        affine: list[tuple[int, Expr]] = []
        gathers = [e for e in ref.index if isinstance(e, Ref)]
        gathered = {i for e in gathers for i in x.free(e)}
        placed = False
        own = self.tensors[ref.tensor].axes
        for place, (e, axis) in enumerate(zip(ref.index, own, strict=True)):
            extended = self.extended.get(ref.tensor) == axis
            i = x.plain(e)
            if place == 0 and ref.tensor in self.local and self.loop in own[:1]:
                continue
            if x.free(e) and all(self.axis(f) == self.loop or f in self.taps for f in x.free(e)):
                slots.append(self.show(x.add(e, x.ONE) if extended else e))
            elif isinstance(e, Ref):
                code, inner = self.view(e)
                slots.append(code)
                if not placed:
                    axes += inner
                placed = True
            elif i is not None and i in gathered:
                slots.append(f"np.arange({self.length(i, gathers)})")
                if not placed:
                    axes.append(i)
                placed = True
            elif i is not None:
                slots.append("1:" if extended else ":")
                axes.append(i)
            elif not x.free(e):
                slots.append(self.show(x.add(e, x.ONE) if extended else e))
            elif extended and x.sub(e, x.num(-1)) == Pos(x.free(e)[0]):
                slots.append(":-1")
                axes.append(x.free(e)[0])
            else:
                affine.append((len(axes), e))
                slots.append(":")
                axes.append("?")
        while slots and slots[-1] == ":":
            slots.pop()
        code = ref.tensor + (f"[{', '.join(slots)}]" if slots else "")
        if len(slots) == len(gathers) == 1 and isinstance(ref.index[0], Ref):
            code = f"{ref.tensor}.take({slots[0]}, axis=0)"
        if ref.tensor in self.lists and len(slots) > 1:
            code = f"{ref.tensor}[{slots[0]}][{', '.join(slots[1:])}]"
        if affine:
            spans = [self.span(place, e) for place, e in affine]
            if self.apart is None:
                self.functions.add("windows")
                filled = f", fill={self.fill}" if self.fill != "0" else ""
                code = f"windows({code}, {', '.join(text for text, _ in spans)}{filled})"
            else:
                self.apart += [text for text, _ in spans]
            for (place, _), (_, indices) in zip(reversed(affine), reversed(spans), strict=True):
                axes[place : place + 1] = indices
        return code, tuple(axes)

    def length(self, index: str, gathers: list[Ref]) -> str:
        """How many positions an index has here: inside a function for some rows, fewer than the axis."""
        for e in gathers:
            code, inner = self.view(e)
            if inner[:1] == (index,):
                return f"len({code})"
        return self.size(index)

    def span(self, place: int, e: Expr) -> tuple[str, list[str]]:
        """``(2, (n_i, n_k), (stride, dilation), -padding, 1)`` for an affine index, and the indices it runs over."""
        spread: Expr = x.ONE
        if isinstance(e, Op) and e.fn == "exactdiv":
            e, spread = e.args
        indices = x.free(e)
        steps, rest = [], e
        for i in indices:
            step, rest = linear(rest, i)
            steps.append(self.show(step))
        counts = ", ".join(self.size(i) for i in indices)
        comma = "," if len(indices) == 1 else ""
        text = f"({place}, ({counts}{comma}), ({', '.join(steps)}{comma}), {self.show(rest)}, {self.show(spread)})"
        return text, indices

    def align(self, code: str, axes: tuple[str, ...], frame: tuple[str, ...]) -> str:
        """Transpose and add axes of length 1, so that an array broadcasts in the frame."""
        wanted = [a for a in frame if a in axes]
        if list(axes) != wanted:
            order = [axes.index(a) for a in wanted]
            code = f"{code}.T" if order == [1, 0] else f"{code}.transpose({', '.join(map(str, order))})"
        slots = [":" if a in axes else "None" for a in frame]
        while slots and slots[0] == "None":
            slots.pop(0)
        if "None" in slots:
            if code.endswith("[..., 0]") and slots == [":"] * (len(slots) - 1) + ["None"]:
                return code.removesuffix("[..., 0]")
            while slots[-1] == ":":
                slots.pop()
            code = f"{code}[{', '.join(slots)}]"
        return code

    def frame(self, e: Expr, wanted: Iterable[str]) -> tuple[str, ...]:
        """An order of the wanted axes that needs the fewest transpositions: that of the largest reference."""
        wanted = list(wanted)
        best: tuple[str, ...] = ()
        for ref in x.refs(e):
            _, axes = self.view(ref)
            if len(axes) > len(best):
                best = axes
        known = [a for a in best if a in wanted]
        missing = [a for a in wanted if a not in known]
        return tuple(missing + known)

    def show(self, e: Expr, frame: tuple[str, ...] = (), level: int = LOW) -> str:
        """Code of an expression, in parentheses where it binds less than ``level``."""
        raise NotImplementedError
