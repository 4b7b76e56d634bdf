"""What statements compute, as NumPy code: element by element, reductions, matrix products, scatters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import ascii_letters

from derive.notation import expr as x
from derive.notation.affine import affine
from derive.notation.expr import ELLIPSIS, Expr, Op, Pos, Ref, Size
from derive.notation.layer import Layer
from derive.program.ir import Array, Contract, Fold, Map, Scatter, Single
from derive.program.outside import within
from derive.targets.numpy.expressions import Printer
from derive.targets.numpy.views import ATOM, PRODUCT, UNARY

REDUCERS = {"sum": "sum_over", "mean": "mean", "max": "max_over"}


@dataclass
class Values:
    """Prints the value of one statement after another.

    Attributes:
        layer, tensors: for axes.
        printer: prints expressions, and notes what they use.
        inside: names of what the loop that is being printed makes.
        constant: matrices that stay the same in that loop, by name: laid out once before it.
    """

    layer: Layer
    tensors: Mapping[str, Array]
    printer: Printer
    inside: frozenset[str] = field(default_factory=frozenset, kw_only=True)
    constant: dict[str, str] = field(default_factory=dict, kw_only=True)

    def value(self, s: Single) -> tuple[str, int, tuple[str, ...]]:
        """Code, level and axes of what a statement computes, without the loop's axis."""
        p = self.printer
        axes = tuple(a for a in s.axes if a != p.loop)
        match s:
            case Map(body=Op("less_mean" | "less_share" as fn, (f, row, Pos(), *there))) if there and p.loop is None:
                p.functions |= {fn, "leaving_out"}
                operands = f"{p.show(f, axes)}, {p.show(row, axes)}"
                return f"leaving_out({fn}, {operands}, {self.conditions_of(tuple(there), axes)})", ATOM, axes
            case Map(body=body):
                code, level = p.node(body, axes)
                if len([a for a in axes if a not in x.free(body)]) and axes:
                    code, level = self.broadcast(code, axes), ATOM
                return code, level, axes
            case Fold(body=Op("mul", parts)) if s.there:
                code, _, axes = self.fold(s, axes)
                first = max(parts, key=lambda f: len(x.free(f)))
                others = x.mul(*(f for f in parts if f is not first))
                return self.excluding(code, s.there, first, others, axes), ATOM, axes
            case Fold():
                return self.fold(s, axes)
            case Contract():
                return self.contract(s, axes)
            case Scatter():
                return self.scatter(s, axes), ATOM, axes

    def scatter(self, s: Scatter, axes: tuple[str, ...]) -> str:
        """Sums of values by what an integer array says; axes that it shares with the result stay."""
        p = self.printer
        over = tuple(i for i in s.over if not p.is_number(i))
        own = tuple(i for i in x.free(s.index) if not p.is_number(i))
        summed = tuple(i for i in over if i in own)
        shared = tuple(a for a in axes if a in own)
        rest = tuple(a for a in axes if a not in own and a != s.axis)
        idle = [i for i in over if i not in own]  # summed, but the same place for all of them
        frame = (*summed, *shared, *rest, *idle)
        code = p.show(s.values, frame)
        if set(frame) - set(x.free(s.values)):
            code = self.broadcast(code, frame)
        if idle:
            places = ", ".join(str(len(frame) - 1 - n) for n in range(len(idle)))
            code = f"np.add.reduce({code}, axis=({places},))"
        index = p.integers(s.index, (*summed, *shared))
        if not within(s.index, s.axis, 0, self.layer):
            p.functions.add("scattered_inside")
            code = f"scattered_inside({code}, {index}, {p.size(s.axis)}{f', {len(shared)}' if shared else ''})"
        elif len(summed) == 1 and not shared:
            p.functions.add("scatter_add")
            code = f"scatter_add({code}, {index}, {p.size(s.axis)})"
        else:
            p.functions.add("scattered")
            code = f"scattered({code}, {index}, {p.size(s.axis)}{f', {len(shared)}' if shared else ''})"
        return self.permuted(code, (s.axis, *shared, *rest), axes)

    def broadcast(self, code: str, axes: tuple[str, ...]) -> str:
        self.printer.functions.add("filled")
        loop = self.printer.loop
        like = next((t.name for t in self.layer.inputs if t.sequence and t.axes == (loop, *axes)), None)
        dtype = self.printer.of_dims("dtype")
        if like is not None:  # entries of a list have shapes of their own
            return f'filled({code}, SIGNATURE.within("{like}", dims)[{loop}], {dtype})'
        sizes = ", ".join(self.printer.size(a) for a in axes)
        shape = f"({sizes}{',' if len(axes) == 1 else ''})"
        if self.printer.as_given and axes == (ELLIPSIS,):
            shape = f"{self.printer.own}.shape" if self.printer.own else f"dims.rest or {shape}"
        return f"filled({code}, {shape}, {dtype})"

    def permuted(self, code: str, now: tuple[str, ...], wanted: tuple[str, ...]) -> str:
        return code if now == wanted else self.printer.align(code, now, wanted)

    def fold(self, s: Fold, axes: tuple[str, ...]) -> tuple[str, int, tuple[str, ...]]:
        p = self.printer
        over = tuple(a for a in s.over if p.axis(a) != p.loop)
        if s.op in ("norm", "squares") and not s.axes:
            assert isinstance(s.body, Ref)
            function = {"norm": "global_norm", "squares": "sum_of_squares"}[s.op]
            p.functions.add(function)
            whole = s.body.tensor if s.body.tensor in p.lists else f"[{p.show(s.body, p.frame(s.body, over))}]"
            return f"{function}({whole})", ATOM, axes
        p.fill = "-np.inf" if s.op in ("max", "argmax", "largest") else "0"
        if not over:
            code, level = p.node(s.body, axes)
            p.fill = "0"
            return code, level, axes
        if s.op in ("square_sum", "norm"):
            return self.squares(s, axes, over), ATOM, axes
        if s.op in ("sum", "mean"):
            apart = self.row_dot(s, axes + over) if len(over) == 1 and axes else None
            apart = apart or self.overlap(s, axes, over)
            if apart is not None and s.op == "mean":
                return f"{apart} / {p.show(s.count, (), UNARY)}", PRODUCT, axes
            if apart is not None:
                return apart, ATOM, axes
        if isinstance(s.body, Op) and s.body.fn == "run":
            return self.run_sum(s.body, axes), ATOM, axes
        by_rows = s.op in ("exp_sum", "log_sum", "log_sum_exp")
        positions = s.op in ("argmax", "largest")
        frame = axes + over if positions or by_rows else p.frame(s.body, axes + over)
        terms = s.body.args[0] if isinstance(s.body, Op) and s.body.fn == "of" else s.body
        array, spans = self.apart(terms, frame) if positions else ("", "")
        code = array or p.show(terms, frame)
        missing = [a for a in frame if a not in x.free(terms)]
        if missing:
            code = self.broadcast(code, frame)
        p.fill = "0"
        if positions:
            p.functions.add(s.op)
            return f"{s.op}({code}, {len(over)}{spans})", ATOM, axes
        places = [frame.index(a) for a in over]
        if by_rows:
            p.functions.add(s.op)
            more, flat = "", len(over) > 1
            if flat:  # the arrays' own sizes: a block has fewer rows than the call
                p.functions.add("as_rows")
            if isinstance(s.body, Op) and s.body.fn == "of":
                own = frame if s.op == "log_sum_exp" else axes
                other = p.show(s.body.args[1], own)
                more = f", as_rows({other}, {len(over)})" if flat and own == frame else f", {other}"
            return f"{s.op}({f'as_rows({code}, {len(over)})' if flat else code}{more})", ATOM, axes
        axis = str(places[0]) if len(places) == 1 else f"({', '.join(map(str, sorted(places)))})"
        if len(places) == len(frame):
            axis = "None"
        left = tuple(a for a in frame if a not in over)
        if s.op == "max" and self.windowed(s.body):
            p.functions.add("window_max")
            comma = "," if len(places) == 1 else ""
            code = f"window_max({code}, ({', '.join(map(str, sorted(places)))}{comma}))"
            return self.permuted(code, left, axes), ATOM, axes
        p.functions.add(REDUCERS[s.op])
        count = f", count={p.show(s.count)}" if s.op == "mean" else ""
        return self.permuted(f"{REDUCERS[s.op]}({code}, axis={axis}{count})", left, axes), ATOM, axes

    def run_sum(self, e: Op, axes: tuple[str, ...]) -> str:
        """``run_sum(x, axis, first, last)``: a sum over runs of positions."""
        p = self.printer
        body, index, first, last = e.args
        assert isinstance(index, Pos)
        (of,) = dict.fromkeys((*x.free(first), *x.free(last)))
        frame = p.frame(body, x.free(body))
        p.functions.add("run_sum")
        bounds = ", ".join(p.integers(b, (of,)) for b in (first, last))
        code = f"run_sum({p.show(body, frame)}, {frame.index(index.index)}, {bounds})"
        now = tuple(of if a == index.index else a for a in frame)
        code = self.permuted(code, now, tuple(a for a in axes if a in now))
        return (
            code if {*now} == {*axes} else self.broadcast(p.align(code, tuple(a for a in axes if a in now), axes), axes)
        )

    def row_dot(self, s: Fold, frame: tuple[str, ...]) -> str | None:
        """A sum of products of two whole arrays along their last axis."""
        match s.body:
            case Op("mul", (a, b)) if self.full(a, frame) and self.full(b, frame):
                self.printer.functions.add("row_dot")
                return f"row_dot({self.printer.show(a, frame)}, {self.printer.show(b, frame)})"
        return None

    def apart(self, e: Expr, frame: tuple[str, ...]) -> tuple[str, str]:
        """An array that is read through windows, and these as further arguments; empty where there are none."""
        p = self.printer
        if not self.windowed(e):
            return "", ""
        assert isinstance(e, Ref)
        p.apart = []
        code, axes = p.view(e)
        spans, p.apart = p.apart, None
        if not spans or {*axes} != {*frame}:
            return "", ""
        order = ", ".join(str(axes.index(a)) for a in frame)
        return code, f", ({order}), {', '.join(spans)}"

    def windowed(self, e: Expr) -> bool:
        """Whether an expression is an array that is read through windows."""
        indices = e.index if isinstance(e, Ref) and self.printer.is_view(e) else ()
        return any(x.free(i) and x.plain(i) is None and not isinstance(i, Ref) for i in indices)

    def full(self, e: Expr, frame: tuple[str, ...]) -> bool:
        """Whether an expression is an array, or a sum with one, that has the axes of a frame in their order."""
        match e:
            case Ref():
                return self.printer.view(e)[1] == frame
            case Op("add" | "group", args):
                return any(self.full(a, frame) for a in args)
        return False

    def squares(self, s: Fold, axes: tuple[str, ...], over: tuple[str, ...]) -> str:
        """``square_sum(e, axis)``, and its root."""
        p = self.printer
        frame = p.frame(s.body, axes + over)
        if tuple(a for a in frame if a not in over) != axes:
            frame = axes + over
        places = sorted(frame.index(a) for a in over)
        word = "row_norm" if s.op == "norm" else "square_sum"
        p.functions.add(word)
        where = str(places[0]) if len(places) == 1 else f"({', '.join(map(str, places))})"
        if over == (ELLIPSIS,) == frame:  # any number of axes, where it is an entry of a list
            where = "None"
        left = tuple(a for a in frame if a not in over)
        return self.permuted(f"{word}({p.show(s.body, frame)}, {where})", left, axes)

    def overlap(self, s: Fold, axes: tuple[str, ...], over: tuple[str, ...]) -> str | None:
        """A sum over a window's positions, read at ``(p + padding - k) / stride``, as one addition a position."""
        p = self.printer
        places: dict[Expr, str] = {}
        for ref in x.walk(s.body):
            if isinstance(ref, Ref):
                for e, axis in zip(ref.index, self.tensors[ref.tensor].axes, strict=True):
                    if isinstance(e, Op) and e.fn == "exactdiv" and places.setdefault(e, axis) != axis:
                        return None
        spans = []
        targets: dict[str, str] = {}
        for e, axis in places.items():
            assert isinstance(e, Op)
            above, stride = e.args
            target = [i for i in x.free(above) if i in axes]
            tap = [i for i in x.free(above) if i in over]
            if len(target) != 1 or len(tap) != 1 or target[0] in targets:
                return None
            along = affine(above, target[0])
            inside = affine(along[1], tap[0]) if along is not None and along[0] == x.ONE else None
            if inside is None:
                return None
            step, offset = inside
            targets[target[0]] = axis
            numbers = [Size(p.axis(target[0])), Size(p.axis(tap[0])), stride, x.neg(step), x.neg(offset)]
            spans.append((axes.index(target[0]), tap[0], ", ".join(p.show(n) for n in numbers)))
        if not spans or {tap for _, tap, _ in spans} != set(over):
            return None
        body = x.transform(s.body, lambda e: Pos(places[e]) if e in places else None)
        if any(t in x.free(body) for t in targets):
            return None
        before, p.taps = p.taps, frozenset(over)
        code = p.show(body, tuple(targets.get(a, a) for a in axes))
        p.taps = before
        p.functions.add("overlap_add")
        taps = ", ".join(tap for _, tap, _ in spans)
        table = ", ".join(f"{place}: ({numbers})" for place, _, numbers in spans)
        return f"overlap_add(lambda {taps}: {code}, {{{table}}})"

    def contract(self, s: Contract, axes: tuple[str, ...]) -> tuple[str, int, tuple[str, ...]]:
        p = self.printer
        own = tuple(a for a in axes if a in (*x.free(s.a), *x.free(s.b), *x.free(s.scale)))
        if own != axes:  # the same along what no factor has
            narrow, level, _ = self.contract(s, own)
            narrow = narrow if level == ATOM else f"({narrow})"
            return self.broadcast(p.align(narrow, own, axes), axes), ATOM, axes
        over = [a for a in s.over if p.axis(a) != p.loop]
        ia = p.frame(s.a, [i for i in x.free(s.a) if p.axis(i) != p.loop])
        ib = p.frame(s.b, [i for i in x.free(s.b) if p.axis(i) != p.loop])
        a, b = p.show(s.a, ia, UNARY), p.show(s.b, ib, UNARY)
        code = self.matmul(a, ia, b, ib, axes, over) or self.matmul(b, ib, a, ia, axes, over)
        if code is None and p.loop is not None and not p.in_entries:
            code = self.matrices(a, ia, b, ib, axes) or self.matrices(b, ib, a, ia, axes)
        if code is None:
            letters = self.letters(ia + ib + axes)
            pattern = f"{letters(ia)},{letters(ib)}->{letters(axes)}"
            p.functions.add("contract")
            code = f'contract("{pattern}", {p.show(s.a, ia)}, {p.show(s.b, ib)})'
        if s.there:
            code = self.excluding(code, s.there, s.a, s.b, axes)
        level = ATOM
        if s.scale != x.ONE:
            p.inline["%"] = (code, level, axes)
            stand_in = Ref("%", tuple(Pos(i) for i in axes))
            p.tensors = {**p.tensors, "%": Array("%", axes)}
            code, level = p.node(x.mul(s.scale, stand_in), axes)
            del p.inline["%"]
        return code, level, axes

    def excluding(self, code: str, there: tuple[Expr, ...], a: Expr, b: Expr, axes: tuple[str, ...]) -> str:
        """A sum of products with the conditions under which it has a term, as far as one operand has their indices."""
        p = self.printer
        frames = {e: p.frame(e, x.free(e)) for e in (a, b)}
        first, rest = max(((a, b), (b, a)), key=lambda pair: sum({*x.free(c)} <= {*frames[pair[0]]} for c in there))
        fits = tuple(c for c in there if {*x.free(c)} <= {*frames[first]})
        if not fits or p.loop is not None:
            return code
        letters = self.letters(frames[first] + frames[rest] + axes)
        pattern = f"{letters(frames[first])},{letters(frames[rest])}->{letters(axes)}"
        p.functions.add("excluding")
        operands = ", ".join(p.show(e, frames[e]) for e in (first, rest))
        return f'excluding(lambda: {code}, "{pattern}", {operands}, {self.conditions_of(fits, frames[first])})'

    def conditions_of(self, there: tuple[Expr, ...], frame: tuple[str, ...]) -> str:
        """The name of a function that gives conditions, aligned to a frame."""
        p = self.printer
        test = there[0] if len(there) == 1 else Op("and", there)
        return self.function_of(tuple(p.masked(test, frame, frame) or [p.test(c, frame) for c in there]))

    def function_of(self, codes: tuple[str, ...]) -> str:
        """The name of a function that gives conditions; it is written where they are wanted first."""
        raise NotImplementedError

    def matmul(
        self, a: str, ia: tuple[str, ...], b: str, ib: tuple[str, ...], axes: tuple[str, ...], over: list[str]
    ) -> str | None:
        """``matrix_product(a, b)`` where at most transposing the last two axes makes it one."""
        if len(over) == 1 == len(ib) and len(ia) == 2 and axes == tuple(i for i in ia if i not in over):
            self.printer.functions.add("matrix_product")
            return f"matrix_product({a if ia[1:] == ib else f'{a}.T'}, {b})"
        if len(over) != 1 or len(ia) != len(ib) or len(axes) != len(ia) or len(ia) not in (2, 3):
            return None
        batch = axes[:-2]
        if ia[:-2] != batch or ib[:-2] != batch:
            return None
        m, n = axes[-2:]
        k = over[0]
        if {*ia[-2:]} != {m, k} or {*ib[-2:]} != {k, n}:
            return None
        flip = ".T" if not batch else ".swapaxes(-1, -2)"
        left = a if ia[-2:] == (m, k) else a + flip
        right = b if ib[-2:] == (k, n) else b + flip
        self.printer.functions.add("matrix_product")
        return f"matrix_product({left}, {right})"

    def matrices(self, a: str, ia: tuple[str, ...], b: str, ib: tuple[str, ...], axes: tuple[str, ...]) -> str | None:
        """A matrix product where several indices make up the rows or columns of a matrix; as a loop repeats it."""
        p = self.printer
        over = tuple(i for i in ia if i not in axes)
        rows, columns = (tuple(i for i in own if i not in over) for own in (ia, ib))
        if axes != rows + columns or not rows or not columns:
            return None
        left, right = self.matrix(a, ia, rows, over), self.matrix(b, ib, over, columns)
        if left is None or right is None:
            return None
        sizes = ", ".join(map(p.size, axes))
        p.functions.add("matrix_product")
        return f"matrix_product({left}, {right})" + (f".reshape({sizes})" if len(axes) > 2 else "")

    def matrix(self, code: str, own: tuple[str, ...], rows: tuple[str, ...], columns: tuple[str, ...]) -> str | None:
        """An array as a matrix; one that a loop does not change is laid out before it."""
        p = self.printer
        if own not in (rows + columns, columns + rows):
            return None
        turned = own != rows + columns
        sizes = (" * ".join(map(p.size, group)) for group in ((columns, rows) if turned else (rows, columns)))
        flat = code if len(own) == 2 else f"{code}.reshape({', '.join(sizes)})"
        if code.isidentifier() and code not in self.inside and (flat != code or turned):
            name = f"{code}_transposed" if turned else f"{code}_matrix"
            self.constant[name] = f"np.ascontiguousarray({flat}.T)" if turned else flat
            return name
        return f"{flat}.T" if turned else flat

    def letters(self, indices: tuple[str, ...]):  # type: ignore[no-untyped-def]
        table: dict[str, str] = {}
        initial = {i: self.printer.decode(i)[0] for i in indices}
        free = iter(ascii_letters)
        for i in indices:
            if i in table:
                continue
            first = initial[i] if initial[i] in ascii_letters and initial[i] not in table.values() else None
            table[i] = first or next(c for c in free if c not in table.values() and c not in initial.values())
        return lambda names: "".join(table[i] for i in names)
