"""References as NumPy code: views of arrays, and how they are aligned to a frame, the order of axes of a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from derive.notation import expr as x
from derive.notation.affine import affine
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Pos, Ref, Size
from derive.notation.layer import Layer
from derive.program.ir import Array, Single, Statement
from derive.program.outside import within

LOW, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(6)


def after(e: Expr) -> Expr:
    """The place after another one: where it is stored in an array that begins at -1."""
    if isinstance(e, Op) and e.fn == "exactdiv":
        above, below = e.args
        return Op("exactdiv", (x.add(above, below), below))
    return x.add(e, x.ONE)


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
        masks: masks that may be None and are read in a way that asks for an array.
        as_given: the axes ``...`` are not made one: the kernel has no others.
        own: the array whose type counts, in a function of arrays as they are, which has no ``dims``.
        dims_used: whether ``dims`` was needed.
        weak: numbers that may be Python's own, which do not widen an array that they meet; NumPy's float64 would.
        aligned: arrays that have axes of length 1 where they are read, and the index that makes them.
        counting: integers are wanted: what is printed is a place in an array, or compared with one.
        functional: what is printed is the argument of a function, and there is no data in it.
    """

    layer: Layer
    tensors: Mapping[str, Array]
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
    counting: bool = False
    functional: bool = False
    masks: set[str] = field(default_factory=set)
    as_given: bool = False
    aligned: dict[str, str] = field(default_factory=dict)
    own: str = ""
    dims_used: bool = False
    weak: set[str] = field(default_factory=set)

    def of_dims(self, word: str) -> str:
        """``dims.dtype`` or ``dims.zero``; in a function of arrays as they are, what stands for it there."""
        self.dims_used = self.dims_used or not self.own
        if not self.own:
            return f"dims.{word}"
        return f"{self.own}.{word}" if word == "dtype" else "0"

    def scalar(self, e: Expr) -> bool:
        """Whether an expression is a plain Python number in the kernel."""
        if isinstance(e, Pos):
            return self.axis(e.index) == self.loop or e.index in self.taps
        if isinstance(e, Ref):
            return str(self.tensors[e.tensor].kind) == "number"
        return all(self.scalar(c) for c in x.children(e))

    def kind(self, e: Expr) -> str:
        """What an expression is in NumPy: a Python ``number``, an array of ``real`` numbers, or of ``discrete`` ones.

        Positions, labels and conditions are discrete: as numbers they are cast, for integers beside float32 would give
        float64, and conditions can be neither added nor negated.
        """
        match e:
            case Ref(tensor, index) if index:
                return "real" if str(self.tensors[tensor].kind) not in ("integer", "boolean") else "discrete"
            case _ if self.scalar(e):
                return "number"
            case Pos() | Op("iverson" | "and" | "or" | "not" | "==" | "!=" | "<" | "<=" | ">" | ">=", _):
                return "discrete"
            case Op("add" | "mul" | "pow" | "max" | "abs" | "floordiv" | "exactdiv", args):
                kinds = {self.kind(a) for a in args}
                return "real" if "real" in kinds else "discrete"
            case Op("where", (_, a, b)):
                kinds = {self.kind(a), self.kind(b)}
                return "discrete" if "discrete" in kinds and "real" not in kinds else "real"
        return "real"

    def axis(self, index: str) -> str:
        return self.layer.axis(index)

    @property
    def in_entries(self) -> bool:
        """Whether a loop goes over the entries of lists, whose arrays have lengths of their own."""
        return self.loop is not None and self.loop == self.layer.sequence_axis

    def is_part_of_entry(self, s: Statement) -> bool:
        """Whether a statement makes a part of an entry of a list."""
        return isinstance(s, Single) and s.name in self.lists and not all(x.free(e) for e in s.left[1:])

    def size(self, axis: str) -> str:
        axis = self.axis(axis)
        match self.layer.sizes.get(axis):
            case Size(same):
                axis = self.axis(same)
        for t in self.layer.inputs if self.in_entries else ():
            axes = list(map(self.axis, t.axes[1:])) if t.sequence else []
            if axis in axes and ELLIPSIS not in axes[: axes.index(axis)] and axis not in self.layer.sizes:
                self.dims_used = True
                return f'SIGNATURE.within("{t.name}", dims)[{self.loop}][{axes.index(axis)}]'
        self.sizes.setdefault(axis)
        return size_name(axis)

    def view(self, ref: Ref) -> tuple[str, tuple[str, ...]]:
        """Code for a reference as an array, and the indices of its axes."""
        if ref.tensor in self.inline:
            code, level, inner_axes = self.inline[ref.tensor]
            own = self.tensors[ref.tensor].axes
            new = {a: x.plain(e) or a for a, e in zip(own, ref.index, strict=True)}
            return code if level == ATOM else f"({code})", tuple(new.get(a, a) for a in inner_axes)
        if ref.tensor in self.layer.masks:
            self.masks.add(ref.tensor)
        if not self.is_view(ref):
            return self.elements(ref)
        slots: list[str] = []
        axes: list[str] = []
        affine: list[tuple[int, Expr]] = []
        gathers = [e for e in ref.index if isinstance(e, Ref)]
        gathered = {i for e in gathers for i in x.free(e)}
        placed = False
        own = self.tensors[ref.tensor].axes
        entry = ref.tensor in self.local and self.loop in own[:1]  # of the list that a loop makes
        for place, (e, axis) in enumerate(zip(ref.index, own, strict=True)):
            extended = self.extended.get(ref.tensor) == axis
            i = x.plain(e)
            if place == 0 and entry:
                continue
            if x.free(e) and all(map(self.is_number, x.free(e))):
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
            elif i is not None and self.along(i, ref, place):
                slots.append("1:" if extended else ":")
                axes.append(i)
            elif not x.free(e):
                slots.append(self.show(x.add(e, x.ONE) if extended else e))
            elif extended and x.sub(e, x.num(-1)) == Pos(x.free(e)[0]):
                slots.append(":-1")
                axes.append(x.free(e)[0])
            else:
                affine.append((len(axes), after(e) if extended else e))
                slots.append(":")
                axes.append("?")
        while slots and slots[-1] == ":":
            slots.pop()
        code = ref.tensor + (f"[{', '.join(slots)}]" if slots else "")
        if len(slots) == len(gathers) == 1 and isinstance(ref.index[0], Ref):
            code = f"{ref.tensor}.take({slots[0]}, axis=0)"
        if ref.tensor in self.lists and len(slots) > 1 and not entry:
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

    # ---- which references are views --------------------------------------------------------------------------------

    def is_number(self, index: str) -> bool:
        """Whether an index is one number in the code being printed."""
        return self.axis(index) == self.loop or index in self.taps

    def along(self, index: str, ref: Ref, place: int) -> bool:
        """Whether an index runs along all of a tensor's axis; entries of lists have lengths of their own."""
        axis = self.tensors[ref.tensor].axes[place]
        ragged = {a for name in self.lists for a in self.tensors[name].axes[1:]}
        return self.length_of(index) == self.length_of(axis) or index in ragged or axis in ragged

    def length_of(self, axis: str) -> str:
        """The axis that says how long an axis is."""
        axis = self.axis(axis)
        match self.layer.sizes.get(axis):
            case Size(same):
                return self.axis(same)
        return axis

    def is_view(self, ref: Ref) -> bool:
        """Whether slices, windows and one array of indices say it: each index once, and nowhere outside unseen."""
        seen: list[str] = []
        gathers: list[int] = []
        for place, e in enumerate(ref.index):
            if place == 0 and (ref.tensor in self.local or ref.tensor in self.lists):
                continue
            indices = [i for i in x.free(e) if not self.is_number(i)]
            if isinstance(e, Ref) and indices:
                gathers.append(place)
                if not within(e, self.tensors[ref.tensor].axes[place], 0, self.layer):
                    return False
                if self.extended.get(ref.tensor) == self.tensors[ref.tensor].axes[place]:
                    return False
                if e.tensor not in self.layer.tensors:
                    return False  # where a maximum is: an empty axis has no such position
                if len(indices) < len(e.index) or any(x.plain(i) is None for i in e.index) or not self.is_view(e):
                    return False
            elif not indices:
                if not self.inside(e, ref, place):
                    return False
            elif not (x.plain(e) or self.is_affine(e, indices)):
                return False
            seen += indices
        shared = {i for i in seen if seen.count(i) > 1}
        if len(gathers) > 1 or not shared:
            return len(gathers) < 2
        places = [p for p, e in enumerate(ref.index) if isinstance(e, Pos) and e.index in shared]
        index = ref.index[gathers[0]] if gathers else None
        return isinstance(index, Ref) and len(index.index) == 1 and [abs(p - gathers[0]) for p in places] == [1]

    def inside(self, e: Expr, ref: Ref, place: int) -> bool:
        """Whether one number as an index is surely inside the array."""
        axis = self.tensors[ref.tensor].axes[place]
        i, extended = x.plain(e), self.extended.get(ref.tensor) == axis
        if i is not None:
            return self.along(i, ref, place)
        size = self.layer.sizes.get(self.axis(axis))
        match e:
            case Num(value):
                return (extended and value == -1) or (isinstance(size, Num) and 0 <= value < size.value)
            case Op("add", (Pos(i), Num(value))) | Op("add", (Size(i), Num(value))):
                return extended and value == -1 and self.length_of(i) == self.length_of(axis)
        return False

    def is_affine(self, e: Expr, indices: list[str]) -> bool:
        """Whether an index is a sum of indices, each times a number."""
        if isinstance(e, Op) and e.fn == "exactdiv":
            e, below = e.args
            if x.free(below):
                return False
        for i in indices:
            found = affine(e, i)
            if found is None:
                return False
            step, e = found
            if any(isinstance(n, Ref | Pos) or (isinstance(n, Op) and n.fn == "pow") for n in x.walk(step)):
                return False
        return not any(isinstance(n, Ref) or (isinstance(n, Pos) and not self.is_number(n.index)) for n in x.walk(e))

    def elements(self, ref: Ref) -> tuple[str, tuple[str, ...]]:
        """Code for a reference that no view is, element by element, and the indices of its axes."""
        own = self.tensors[ref.tensor].axes
        name, places = ref.tensor, list(range(len(ref.index)))
        if ref.tensor in self.local and self.loop in own[:1]:
            places.pop(0)
        elif ref.tensor in self.lists:
            extended = self.extended.get(name) == own[0]
            name += f"[{self.show(x.add(ref.index[0], x.ONE) if extended else ref.index[0])}]"
            places.pop(0)
        every, whole = list(places), list[str]()
        for place in every:
            i = x.plain(ref.index[place])
            others = [j for p in every if p != place for j in x.free(ref.index[p])]
            if i is None or i in others or self.is_number(i) or not self.along(i, ref, place):
                continue
            if self.extended.get(ref.tensor) != own[place]:
                whole.append(i)
                places.remove(place)
        if every[: len(places)] != places:  # axes that are read as they are come last
            order = [*places, *(p for p in every if p not in places)]
            name += f".transpose({', '.join(str(every.index(p)) for p in order)})"
        indices = (i for p in places for i in x.free(ref.index[p]))
        frame = tuple(i for i in dict.fromkeys(indices) if not self.is_number(i))
        gathers = [e for e in ref.index if isinstance(e, Ref)]
        shared = {i for e in gathers for i in x.free(e)}  # in a function for some rows, as many as those have
        codes = []
        for p in places:
            e = after(ref.index[p]) if self.extended.get(ref.tensor) == own[p] else ref.index[p]
            if isinstance(e, Pos) and e.index in frame and e.index in shared:
                codes.append(self.align(f"np.arange({self.length(e.index, gathers)})", (e.index,), frame))
            else:
                codes.append(self.integers(e, frame))
        self.functions.add("element")
        filled = f", fill={self.fill}" if self.fill != "0" else ""
        return f"element({name}, {', '.join(codes)}{filled})", (*frame, *whole)

    def integers(self, e: Expr, frame: tuple[str, ...]) -> str:
        """Code of an expression in integers: a place in an array, or one side of a comparison of places."""
        before, self.counting = self.counting, True
        code = self.show(e, frame)
        self.counting = before
        return code

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
        indices = [i for i in x.free(e) if not self.is_number(i)]
        steps, rest = [], e
        for i in indices:
            found = affine(rest, i)
            assert found is not None  # is_view has looked
            steps.append(self.show(found[0]))
            rest = found[1]
        counts = ", ".join(self.size(i) for i in indices)
        comma = "," if len(indices) == 1 else ""
        text = f"({place}, ({counts}{comma}), ({', '.join(steps)}{comma}), {self.show(rest)}, {self.show(spread)})"
        return text, indices

    def align(self, code: str, axes: tuple[str, ...], frame: tuple[str, ...]) -> str:
        """Transpose and add axes of length 1, so that an array broadcasts in the frame."""
        if code in self.aligned:
            return code
        wanted = [a for a in frame if a in axes]
        if list(axes) != wanted:
            order = [axes.index(a) for a in wanted]
            code = f"{code}.T" if order == [1, 0] else f"{code}.transpose({', '.join(map(str, order))})"
        slots = [":" if a in axes else "None" for a in frame]
        while slots and slots[0] == "None":
            slots.pop(0)
        if "None" in slots:
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
