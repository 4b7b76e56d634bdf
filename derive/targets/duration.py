"""A picture of how long a step takes by the size of its inputs: the kernel's, NumPy's by hand and PyTorch's."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from derive.targets.errors import measured
from derive.targets.svg import ACCENT, STYLE, svg

FIGURES = Path("docs/assets/sizes.json")  # python -m benchmarks.sizes
WHO = {"gradbook": "this kernel", "by hand": "NumPy by hand", "torch": "PyTorch"}
LINES = {
    "gradbook": f'fill="none" stroke="{ACCENT}" stroke-width="2.5"',
    "by hand": f'{STYLE} stroke-dasharray="5 4"',
    "torch": f'{STYLE} stroke-dasharray="1.5 3"',
}
UNITS = {-6: "1 µs", -5: "10 µs", -4: "100 µs", -3: "1 ms", -2: "10 ms", -1: "100 ms", 0: "1 s"}
WIDTH, HEIGHT, LEFT, TOP, FOOT = 440, 190, 54, 22, 20

SAID = (
    "How long a forward and a backward pass take in float32 by the number of elements of all inputs: "
    "`python -m benchmarks.sizes`, all in turn in one process, on one thread, of processor time the fastest sample. "
    "Only a few layers, one of a family, are recorded, on a machine that was busy with other things."
)


def figures(name: str, definition: str, root: Path) -> dict[str, tuple[str, ...]]:
    """What was measured of a layer, the blocks of its page by the field of a Page."""
    return {"errors": measured(name, definition, root), "times": duration(name, definition, root)}


def duration(name: str, definition: str, root: Path) -> tuple[str, ...]:
    """The blocks of a page on it; none where this definition was not timed."""
    place = root / FIGURES
    entry = json.loads(place.read_text(encoding="utf-8")).get(name) if place.exists() else None
    if not entry or entry["definition"] != definition:
        return ()
    return f'<div class="gb-pictures" data-search-exclude>{curve(name, entry["points"])}</div>', SAID


def curve(name: str, points: Sequence[Mapping[str, Any]]) -> str:
    """Seconds over elements, both as powers of ten."""
    times = [t for p in points for t in p["seconds"].values()]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    first, last = (math.log10(points[n]["elements"]) for n in (0, -1))

    def across(elements: float) -> float:
        return LEFT + (math.log10(elements) - first) / (last - first) * (WIDTH - LEFT - 12)

    def down(seconds: float) -> float:
        return TOP + (high - math.log10(seconds)) / (high - low) * (HEIGHT - TOP - FOOT)

    parts = []
    for power in range(low, high + 1):
        at = down(10.0**power)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{at:.1f}" y2="{at:.1f}" {STYLE} opacity="0.15"/>')
        parts.append(f'<text x="2" y="{at + 4:.1f}" class="gb-tick">{UNITS[power]}</text>')
    for power in range(math.ceil(first), math.floor(last) + 1):
        label = f"{10**power:,}".replace(",", "\u2009")
        at = across(10.0**power)
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - 4}" text-anchor="middle" class="gb-tick">{label}</text>')
    key = LEFT + 6
    for who, style in LINES.items():
        found = [(p["elements"], p["seconds"][who]) for p in points if who in p["seconds"]]
        if not found:
            continue
        line = " ".join(f"{across(n):.1f},{down(t):.1f}" for n, t in found)
        parts.append(f'<polyline points="{line}" {style}/>')
        parts.append(f'<line x1="{key}" x2="{key + 26}" y1="8" y2="8" {style}/>')
        colour = ACCENT if who == "gradbook" else "currentColor"
        parts.append(f'<text x="{key + 32}" y="12" class="gb-key" fill="{colour}">{WHO[who]}</text>')
        key += 122
    least, most = points[0]["elements"], points[-1]["elements"]
    return svg(WIDTH, HEIGHT, f"time of a step of {name} over the number of elements, {least:,} to {most:,}", parts)
