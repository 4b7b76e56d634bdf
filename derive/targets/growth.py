"""How long a build takes by the number of layers: a section of docs/speed.md, from the figures of
`python -m benchmarks.growth`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from derive.targets.svg import ACCENT, STYLE, svg
from derive.targets.words import table

FIGURES = Path("docs/assets/growth.json")
BEND = 1.5  # how much longer a layer may take in the whole project than in a quarter of it
WIDTH, HEIGHT, LEFT, FOOT = 440, 180, 46, 24
Point = Mapping[str, float]

SAID = """\
Layers of the project that call no others, a part of them and all, derived and printed, kernel and page, in processor
time on one core (`python -m benchmarks.growth`). A layer takes as long among many as among few:
{per} ms, and {median} ms of it are its derivation, in the median."""


def growth(path: Path) -> Iterator[str]:
    """The section; nothing where nobody has measured."""
    if not path.exists():
        return
    points: list[Point] = json.loads(path.read_text(encoding="utf-8"))
    last = points[-1]
    yield "## How long a build takes"
    yield SAID.format(per=f"{1e3 * last['seconds'] / last['layers']:.0f}", median=f"{1e3 * last['median']:.0f}")
    yield f'<div class="gb-pictures" data-search-exclude>{curve(points)}</div>'
    rows = ((f"{p['layers']:g}", f"{p['seconds']:.1f} s", f"{1e3 * p['seconds'] / p['layers']:.0f} ms") for p in points)
    yield table(("layers", "processor time", "a layer"), rows)


def bend(points: Sequence[Point]) -> float:
    """How much longer a layer takes among all than among the fewest."""
    first, last = points[0], points[-1]
    return (last["seconds"] / last["layers"]) / (first["seconds"] / first["layers"])


def curve(points: Sequence[Point]) -> str:
    """Seconds over layers, and the straight line from nothing to the last point."""
    most, longest = points[-1]["layers"], max(p["seconds"] for p in points)

    def at(layers: float, seconds: float) -> str:
        across = LEFT + layers / most * (WIDTH - LEFT - 20)
        return f"{across:.1f},{HEIGHT - FOOT - seconds / longest * (HEIGHT - FOOT - 20):.1f}"

    line = " ".join([at(0, 0), *(at(p["layers"], p["seconds"]) for p in points)])
    parts = [
        f'<polyline points="{at(0, 0)} {at(most, points[-1]["seconds"])}" {STYLE} stroke-dasharray="5 4"/>',
        f'<polyline points="{line}" fill="none" stroke="{ACCENT}" stroke-width="2.5"/>',
        f'<polyline points="{at(0, longest)} {at(0, 0)} {at(most, 0)}" {STYLE} opacity="0.4"/>',
        f'<text x="{LEFT - 40}" y="24" class="gb-tick">{longest:.0f} s</text>',
    ]
    for p in points:
        across = at(p["layers"], 0).partition(",")[0]
        parts.append(f'<text x="{across}" y="{HEIGHT - 6}" text-anchor="middle" class="gb-tick">{p["layers"]:g}</text>')
    title = f"seconds of a build over the number of layers, up to {most:g}; dashed: in proportion to their number"
    return svg(WIDTH, HEIGHT, title, parts)
