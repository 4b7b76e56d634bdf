"""Pictures for the book, drawn as SVG inside the page: curves of elementwise layers and the graph of the
equations.

Colours are the text's own and the theme's accent, so both themes work and the page prints. No numbers are
typed here: a curve is the layer's own equations evaluated point by point.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from html import escape

from derive.calculus.derivation import Derivation
from derive.notation import expr as x
from derive.notation.expr import ELLIPSIS, Expr, Num, Op, Opt, Reduce, Ref, Size
from derive.notation.layer import Layer

ACCENT = "var(--md-accent-fg-color, #3f51b5)"
STYLE = 'fill="none" stroke="currentColor"'
UNICODE = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "lambda": "λ", "mu": "μ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "var": "σ²", "inv_std": "r", "mask": "M", "total": "Z",
    "noise": "ξ",
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp,
    "log": math.log,
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
    "abs": abs,
    "floor": math.floor,
    "round": round,
    "stop_gradient": float,
    "max": max,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "and": lambda *a: float(all(a)),
    "or": lambda *a: float(any(a)),
    "not": lambda a: float(not a),
    "iverson": float,
}
WIDTH, HEIGHT, REACH = 440, 220, 6.0


def evaluate(e: Expr, values: Mapping[str, float]) -> float:
    """An elementwise expression at one point: tensors and options by name.

    Raises:
        KeyError: a function that has no scalar value here.
        ValueError: a number outside its domain: a root of a negative one, which ``**`` makes complex.
    """
    match e:
        case Num(value):
            return float(value)
        case Opt("pi"):
            return math.pi
        case Opt(name) | Ref(name, _):
            return values[name]
        case Op("add", args):
            return math.fsum(evaluate(a, values) for a in args)
        case Op("mul", args):
            return math.prod(evaluate(a, values) for a in args)
        case Op("pow", (a, b)):
            return math.pow(evaluate(a, values), evaluate(b, values))
        case Op("where", (c, a, b)):
            return evaluate(a if evaluate(c, values) else b, values)
        case Op(fn, args):
            return float(FUNCTIONS[fn](*(evaluate(a, values) for a in args)))
    raise KeyError(f"no value for {e!r}")


def curves(derivation: Derivation) -> str:
    """The layer and its derivative over [-6, 6], for an elementwise layer of one real input; else nothing."""
    layer = derivation.layer
    if not layer.elementwise or layer.inputs[0].kind != "real":
        return ""
    options = {o.name: float(o.default) for o in layer.options if isinstance(o.default, (int, float))}
    points = [REACH * (2 * n / 240 - 1) for n in range(241)]
    try:
        lines = [_follow(derivation, options, at) for at in points]
    except (KeyError, ArithmeticError, ValueError):
        return ""
    return _plot(points, [line[0] for line in lines], [line[1] for line in lines], layer.name)


def _follow(derivation: Derivation, options: dict[str, float], at: float) -> tuple[float, float]:
    layer, adjoint = derivation.layer, derivation.adjoint
    values = {**options, layer.inputs[0].name: at, adjoint.cotangents[layer.outputs[0]]: 1.0}
    for equation in (*layer.equations, *adjoint.auxiliary, *derivation.backward):
        values[equation.target] = evaluate(equation.body, values)
    return values[layer.outputs[0]], values[derivation.gradients[layer.inputs[0].name]]


def _plot(points: list[float], first: list[float], second: list[float], name: str) -> str:
    low, high = min(*first, *second, 0), max(*first, *second, 1)
    low, high = max(low, -2.0), min(high, 3.0)
    low, high = low - 0.08 * (high - low), high + 0.08 * (high - low)

    def place(a: float, b: float) -> str:
        return f"{(a + REACH) / (2 * REACH) * WIDTH:.1f},{(high - b) / (high - low) * HEIGHT:.1f}"

    def line(values: list[float]) -> str:
        inside = [place(a, b) for a, b in zip(points, values, strict=True) if low <= b <= high]
        return " ".join(inside)

    zero = f"{(high - 0) / (high - low) * HEIGHT:.1f}"
    parts = [
        f'<line x1="0" x2="{WIDTH}" y1="{zero}" y2="{zero}" {STYLE} opacity="0.35"/>',
        f'<line x1="{WIDTH / 2}" x2="{WIDTH / 2}" y1="0" y2="{HEIGHT}" {STYLE} opacity="0.35"/>',
    ]
    for at in (-4, -2, 2, 4):
        across = (at + REACH) / (2 * REACH) * WIDTH
        label = str(at).replace("-", "\u2212")
        parts.append(f'<text x="{across:.1f}" y="{float(zero) + 14:.1f}" class="gb-tick">{label}</text>')
    for at in range(math.ceil(low), math.floor(high) + 1):
        if at:
            down = (high - at) / (high - low) * HEIGHT
            parts.append(
                f'<line x1="{WIDTH / 2 - 3}" x2="{WIDTH / 2 + 3}" y1="{down:.1f}" y2="{down:.1f}" {STYLE} '
                f'opacity="0.5"/>'
            )
            parts.append(f'<text x="{WIDTH / 2 + 12}" y="{down + 4:.1f}" class="gb-tick">{at}</text>')
    parts.append(f'<polyline points="{line(first)}" fill="none" stroke="{ACCENT}" stroke-width="2.5"/>')
    parts.append(f'<polyline points="{line(second)}" {STYLE} stroke-width="1.5" stroke-dasharray="5 4"/>')
    parts.append(f'<text x="8" y="16" class="gb-key" fill="{ACCENT}">{escape(name)}</text>')
    parts.append('<text x="8" y="32" class="gb-key" fill="currentColor">derivative (dashed)</text>')
    return svg(WIDTH, HEIGHT, f"{name} and its derivative", parts)


def svg(width: float, height: float, title: str, parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'role="img"'
        f' class="gb-svg"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


# ---- the graph of the equations ----------------------------------------------------------------------------

FILLED = 'fill="currentColor" fill-opacity="0.16"'
BOX, TALL, COLUMN, ROW, TOP = 66.0, 30.0, 112.0, 46.0, 14.0


@dataclass
class Node:
    name: str
    column: int
    row: float = 0.0
    dummy: bool = False

    @property
    def at(self) -> tuple[float, float]:
        return self.column * COLUMN + BOX / 2 + 4, self.row * ROW + TALL / 2 + TOP


def graph(layer: Layer, saved: Collection[str] = ()) -> str:
    """Which tensor is made from which, inputs on the left; dashed: a recurrence reads an earlier step.

    What is ``saved`` for backward is filled, and a line below says so.
    """
    edges, back = _edges(layer)
    columns = _columns(layer, edges)
    nodes, paths = _layout(columns, edges)
    drawn, dashed = f'{STYLE} opacity="0.45"', f'{STYLE} opacity="0.6" stroke-dasharray="4 3"'
    parts = [f'<path d="{_curve([nodes[n].at for n in path])}" {drawn}/>' for path in paths]
    parts += [f'<path d="{_loop(nodes[a].at, nodes[b].at)}" {dashed}/>' for a, b in back]
    parts += [_box(layer, node, node.name in saved) for node in nodes.values() if not node.dummy]
    width = max(n.at[0] for n in nodes.values()) + BOX / 2 + 4
    height = max(n.at[1] for n in nodes.values()) + TALL / 2 + 4 + (ROW / 2 if back else 0)
    title = f"which tensor of {layer.name} is made from which"
    if kept := [n for n in nodes if n in saved]:
        title += f"; kept for backward: {', '.join(map(unicode_name, kept))}"
        parts.append(f'<rect x="4" y="{height + 5:.1f}" width="18" height="12" rx="3" {FILLED} stroke="currentColor"/>')
        parts.append(f'<text x="28" y="{height + 15:.1f}" class="gb-key" fill="currentColor">kept for backward</text>')
        width, height = max(width, 150.0), height + 22
    return svg(width, height, title, parts)


def _edges(layer: Layer) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Edges forwards, and those that close a recurrence."""
    known = [t.name for t in layer.inputs]
    ahead: dict[tuple[str, str], None] = {}
    back: dict[tuple[str, str], None] = {}
    for equation in layer.equations:
        for name in x.tensors(equation.body):
            late = name not in known
            (back if late else ahead).setdefault((name, equation.target))
        begins = any(isinstance(i, Num) for i in equation.left)  # h[-1] = ...: the recurrence comes later
        if equation.target not in known and not begins:
            known.append(equation.target)
    return list(ahead), [e for e in back if e not in ahead]


def _columns(layer: Layer, edges: list[tuple[str, str]]) -> dict[str, int]:
    column = dict.fromkeys((t.name for t in layer.inputs), 0) | dict.fromkeys((e.target for e in layer.equations), 1)
    for _ in layer.equations:
        for start, end in edges:
            column[end] = max(column[end], column[start] + 1)
    ends = {end for _, end in edges}
    for name in column:  # what is made from nothing stands just before what first needs it
        if name not in ends:
            column[name] = max(0, min((column[b] for a, b in edges if a == name), default=1) - 1)
    return column


def _layout(columns: dict[str, int], edges: list[tuple[str, str]]) -> tuple[dict[str, Node], list[list[str]]]:
    """Rows by averaging over neighbours; an edge over several columns gets a place of its own in each."""
    nodes = {name: Node(name, column) for name, column in columns.items()}
    paths = []
    for start, end in edges:
        between = [f"{start}>{end}@{c}" for c in range(columns[start] + 1, columns[end])]
        for name in between:
            nodes[name] = Node(name, int(name.rsplit("@", 1)[1]), dummy=True)
        paths.append([start, *between, end])
    levels: dict[int, list[str]] = {}
    for name, node in nodes.items():
        levels.setdefault(node.column, []).append(name)
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for a, b in (link for path in paths for link in itertools.pairwise(path)):
        before.setdefault(b, []).append(a)
        after.setdefault(a, []).append(b)
    for sweep in range(6):
        for level in sorted(levels, reverse=bool(sweep % 2)):
            names = levels[level]
            toward = {n: [nodes[m].row for m in (*before.get(n, ()), *after.get(n, ()))] for n in names}
            if sweep:
                names.sort(key=lambda n: sum(toward[n]) / len(toward[n]) if toward[n] else 0.0)
            for place, name in enumerate(names):
                nodes[name].row = place - (len(names) - 1) / 2
    lowest = min(n.row for n in nodes.values())
    for node in nodes.values():
        node.row -= lowest
    return nodes, paths


def _curve(points: list[tuple[float, float]]) -> str:
    words = []
    for n, ((a, b), (c, d)) in enumerate(itertools.pairwise(points)):
        start = a + BOX / 2 if n == 0 else a
        end = c - BOX / 2 if n == len(points) - 2 else c
        middle = (start + end) / 2
        words.append(
            ("M" if n == 0 else "L")
            + f"{start:.1f} {b:.1f} C{middle:.1f} {b:.1f} {middle:.1f} {d:.1f} {end:.1f} {d:.1f}"
        )
    return " ".join(words)


def _loop(start: tuple[float, float], end: tuple[float, float]) -> str:
    (a, b), (c, d) = start, end
    low = max(b, d) + ROW * 0.75
    if start == end:
        a, c = a + BOX / 4, c - BOX / 4
    return f"M{a:.1f} {b + TALL / 2:.1f} C{a:.1f} {low:.1f} {c:.1f} {low:.1f} {c:.1f} {d + TALL / 2:.1f}"


def _box(layer: Layer, node: Node, saved: bool) -> str:
    a, b = node.at
    role = layer.tensors[node.name].role
    colour = ACCENT if role == "output" else "currentColor"
    shape = (
        f'<rect x="{a - BOX / 2:.1f}" y="{b - TALL / 2:.1f}" width="{BOX:g}" height="{TALL:g}" '
        f'rx="{15 if role in ("input", "state") else 4}"'
        f' fill="var(--md-default-bg-color, #fff)" stroke="{colour}" '  # hides the lines behind it
        f'stroke-width="{1.8 if role == "output" else 1.1}"/>'
    )
    if saved:
        shape += shape.replace('fill="var(--md-default-bg-color, #fff)"', FILLED)
    label, note = unicode_name(node.name), _note(layer, node.name)
    lines = [label] if len(label) <= 8 else label.split("_", 1)
    text = ""
    for n, line in enumerate(lines):
        down = b + 4 + 11 * (n - (len(lines) - 1) / 2)
        small = " gb-small" if len(label) > 6 else ""
        text += f'<text x="{a:.1f}" y="{down:.1f}" class="gb-node{small}" fill="{colour}">{escape(line)}</text>'
    if note:
        across, down = a + BOX / 2 - 4, b - TALL / 2 - 2
        text += f'<text x="{across:.1f}" y="{down:.1f}" class="gb-note">{escape(note)}</text>'
    return shape + text


def _note(layer: Layer, name: str) -> str:
    """The reductions that make a tensor, as a small mark on its box."""
    signs = {"sum": "Σ", "max": "max", "argmax": "argmax"}
    found: dict[str, None] = {}
    for equation in layer.equations:
        if equation.target == name:
            for node in x.walk(equation.body):
                if isinstance(node, Reduce):
                    below = {Op("pow", (Size(i), Num(Fraction(-1)))) for i in node.over}
                    mean = node.op == "sum" and below <= set(x.walk(equation.body))
                    over = " ".join("∗" if i == ELLIPSIS else i for i in node.over)
                    found.setdefault(f"{'mean' if mean else signs[node.op]} {over}")
    return ", ".join(found)


def unicode_name(name: str) -> str:
    if name in UNICODE:
        return UNICODE[name]
    if name.endswith("_hat"):
        return unicode_name(name[:-4]) + "\u0302"
    return name
