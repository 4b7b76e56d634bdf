"""The Jacobian of the worked example as a picture: which output depends on which input, and how strongly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from derive.evidence import layout
from derive.notation.expr import ELLIPSIS
from derive.targets.example.case import Example
from derive.targets.svg import svg, unicode_name
from derive.targets.words import html

CELL, GAP, EDGE, TOP = 42.0, 5.0, 46.0, 40.0
WIDEST, TALLEST = 24, 16  # a larger one is not drawn
PLUS, MINUS = "var(--gb-plus, #1d6fd1)", "var(--gb-minus, #c2410c)"
DIGITS = 2
ROOM = 3  # indices that a cell is wide enough for
Place = tuple[int, ...]


def picture(example: Example, bare: bool) -> Iterator[str]:
    """A figure, and what is seen in it; nothing for a layer without gradient, or where it has too many elements.

    Args:
        bare: whether ``...`` stands for no axis: its index is then left out.
    """
    if example.main is None:
        return
    output, name = example.main
    rows, columns = (places_of(example, n, bare) for n in (output, name))
    if len(rows) > TALLEST or len(columns) > WIDEST:
        return
    values = example.jacobian()
    written, read = (said_of(example, n, bare) for n in (output, name))
    drawn = draw(values, rows, columns, written, read)
    first = [
        next((a for a in example.derivation.tensors[n].axes if not (bare and a == ELLIPSIS)), "")
        for n in (output, name)
    ]
    said = " ".join(sentences(values, rows, columns, first[0] == first[1] != ""))
    yield (
        f'<figure class="gb-jacobian" data-output="{html(output)}" data-input="{html(name)}" data-search-exclude>'
        f"{drawn}<figcaption>{said}</figcaption></figure>"
    )


def places_of(example: Example, name: str, bare: bool) -> list[Place]:
    """The indices of all elements."""
    axes = example.derivation.tensors[name].axes
    kept = [n for n, a in enumerate(axes) if not (bare and a == ELLIPSIS)]
    return [tuple(i[n] for n in kept) for i in layout.every(example.case, name)]


@dataclass(frozen=True)
class Labels:
    """What is written at rows or columns: their indices, without those that are 0 everywhere if not all are written."""

    name: str
    place: str
    texts: list[str]


def said_of(example: Example, name: str, bare: bool) -> Labels:
    """Of more indices than find room, those along axes that have more than one element, and the axes' names."""
    indices = places_of(example, name, bare)
    axes = [a for a in example.derivation.tensors[name].axes if not (bare and a == ELLIPSIS)]
    long = len(indices[0]) > ROOM if indices else False
    kept = [n for n in range(len(axes)) if not long or any(i[n] for i in indices)]
    place = f" at {','.join(axes[n] for n in kept)}" if kept and long else ""
    return Labels(unicode_name(name), place, [",".join(str(i[n]) for n in kept) for i in indices])


def short(value: float) -> str:
    """Two digits, as in a cell."""
    if value == 0:
        return "0"
    text = f"{value:.{DIGITS}g}"
    if "e" in text:
        text = f"{float(text):f}".rstrip("0") if abs(value) < 1 else str(int(float(text)))
    return text.replace("-", "\u2212")


def draw(values: list[list[float]], rows: list[Place], columns: list[Place], output: Labels, read: Labels) -> str:
    largest = max((abs(v) for row in values for v in row), default=0.0) or 1.0
    across, down = places(columns, EDGE), places(rows, TOP)
    parts = [
        f'<text x="{EDGE:g}" y="12" class="gb-key" fill="currentColor">\u2202{output.name} / \u2202{read.name}: '
        f"rows {output.name}{output.place}, columns {read.name}{read.place}</text>"
    ]
    for at, text in zip(across, read.texts, strict=True):
        parts.append(f'<text x="{at + CELL / 2:g}" y="{TOP - 6:g}" class="gb-tick">{text}</text>')
    for at, text in zip(down, output.texts, strict=True):
        parts.append(f'<text x="{EDGE / 2:g}" y="{at + CELL / 2 + 4:g}" class="gb-tick">{text}</text>')
    for row, b in zip(values, down, strict=True):
        for v, a in zip(row, across, strict=True):
            colour = f'fill="{PLUS if v > 0 else MINUS}" fill-opacity="{0.1 + 0.5 * abs(v) / largest:.2f}"'
            parts.append(
                f'<rect x="{a:g}" y="{b:g}" width="{CELL:g}" height="{CELL:g}" {colour if v else FAINT}/>'
                f'<text x="{a + CELL / 2:g}" y="{b + CELL / 2 + 4:g}" class="gb-cell">{short(v)}</text>'
            )
    title = f"derivatives of {output.name} with respect to {read.name}: {len(rows)} rows of {len(columns)} numbers"
    width = max(across[-1] + CELL + 2, EDGE + 200.0)
    return svg(width, down[-1] + CELL + 2, title, parts)


FAINT = 'fill="currentColor" fill-opacity="0.04"'


def places(indices: list[Place], start: float) -> list[float]:
    """Where cells begin; a gap where the first of several indices changes."""
    found, at = [], start
    for n, i in enumerate(indices):
        if n:
            at += CELL + (GAP if len(i) > 1 and i[0] != indices[n - 1][0] else 0)
        found.append(at)
    return found


def sentences(values: list[list[float]], rows: list[Place], columns: list[Place], shared: bool) -> Iterator[str]:
    """What one sees, each said only where it holds of the numbers; ``shared`` is the first axis of both."""
    square, single = rows == columns, len(rows) == 1
    inside = [(i, j, v) for i, row in zip(rows, values, strict=True) for j, v in zip(columns, row, strict=True)]
    zeros = sum(v == 0 for _, _, v in inside)
    diagonal = square and all(v == 0 for i, j, v in inside if i != j)
    if single:
        yield "One output: its row is the gradient."
    elif diagonal:
        yield "Only the diagonal: an output depends on the input at its own place and on no other."
    elif shared and len({i[0] for i in rows}) > 1 and all(v == 0 for i, j, v in inside if i[0] != j[0]):
        yield "Blocks along the diagonal: positions that differ in the first index do not mix."
    elif zeros == 0:
        yield "No zero: every output depends on every input."
    if zeros and not (diagonal and zeros == len(inside) - len(rows)):
        yield f"{zeros} of {len(inside)} entries are zero."
    if square and not diagonal and symmetric(values):
        yield "It is symmetric."
    if len(columns) > 1 and zeros < len(inside) and all(map(balanced, values)):
        yield "Every row adds up to zero: to first order, the same added to all inputs changes nothing."


def balanced(row: list[float]) -> bool:
    return abs(sum(row)) <= 1e-9 * max(map(abs, row))


def symmetric(values: list[list[float]]) -> bool:
    largest = max(abs(v) for row in values for v in row)
    return all(
        abs(values[n][m] - values[m][n]) <= 1e-9 * largest for n in range(len(values)) for m in range(len(values))
    )
