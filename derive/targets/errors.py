"""A picture of what rounding does to a function: the measured error over the input's range, ours and PyTorch's."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from derive.targets.svg import ACCENT, STYLE, svg

ERRORS = Path("docs/assets/accuracy.json")  # python -m tests.accuracy.record
BINS, REACH = 60, 15.0
WIDTH, HEIGHT, LEFT, FOOT = 440, 150, 46, 20
LEAST, MOST = -1, 5  # powers of ten


def load(path: Path) -> dict[str, Any]:
    """The record; none where nothing was measured."""
    return parsed(path.read_text(encoding="utf-8")) if path.exists() else {}


@lru_cache(maxsize=1)
def parsed(text: str) -> dict[str, Any]:
    """A record of this text: every page of a build asks for its own."""
    found: dict[str, Any] = json.loads(text)
    return found


def measured(name: str, definition: str, root: Path) -> tuple[str, ...]:
    """The blocks of a page on it; none where nothing was measured."""
    drawn = picture(name, definition, load(root / ERRORS))
    said = (
        "The largest error in each part of the range, in float64, against Arb (`python -m tests.accuracy.record`); "
        "in a tail where a function is ill-conditioned, the rounding of its argument alone costs more than a unit."
    )
    return (f'<div class="gb-pictures" data-search-exclude>{drawn}</div>', said) if drawn else ()


def picture(name: str, definition: str, record: Mapping[str, Any]) -> str:
    """Errors of value and slope over [-REACH, REACH], in units in the last place; nothing without a measurement of
    this definition."""
    entry = record.get(name)
    if not entry or entry["definition"] != definition:
        return ""
    shown = [what for what in ("value", "slope") if max(max(own[what]) for own in entry["errors"].values()) > 0]
    return "".join(_plot(name, what, entry["errors"]) for what in shown)


def _plot(name: str, what: str, errors: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    parts = []
    for power in range(LEAST, MOST + 1):
        down = _down(10.0**power)
        label = f"{10**power:g}" if power < 4 else f"10{'⁴⁵'[power - 4]}"
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{down:.1f}" y2="{down:.1f}" {STYLE} opacity="0.15"/>')
        parts.append(f'<text x="{LEFT - 16}" y="{down + 4:.1f}" class="gb-tick">{label}</text>')
    for at in (-15, -10, -5, 0, 5, 10, 15):
        across = LEFT + (at + REACH) / (2 * REACH) * (WIDTH - LEFT)
        label = str(at).replace("-", "\u2212")
        parts.append(f'<text x="{across:.1f}" y="{HEIGHT - 4}" class="gb-tick">{label}</text>')
    worst = {who: max(own[what]) for who, own in errors.items()}
    if "torch" in errors:
        parts.append(f'<polyline points="{_line(errors["torch"][what])}" {STYLE} stroke-dasharray="5 4"/>')
    line = _line(errors["gradbook"][what])
    parts.append(f'<polyline points="{line}" fill="none" stroke="{ACCENT}" stroke-width="2.5"/>')
    parts.append(f'<text x="{LEFT + 6}" y="12" class="gb-key" fill="{ACCENT}">error of the {what}, in ulp</text>')
    title = f"error of the {what} of {name} in units in the last place: here at most {worst['gradbook']:.2g}"
    if "torch" in errors:
        parts.append(f'<text x="{LEFT + 190}" y="12" class="gb-key" fill="currentColor">PyTorch (dashed)</text>')
        title += f", in PyTorch {worst['torch']:.2g}"
    return svg(WIDTH, HEIGHT, f"{title}; from {-REACH:g} to {REACH:g}", parts)


def _line(values: Sequence[float]) -> str:
    step = (WIDTH - LEFT) / len(values)
    points = [(LEFT + (n + side) * step, _down(v)) for n, v in enumerate(values) for side in (0, 1)]
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in points)


def _down(value: float) -> float:
    power = min(max(math.log10(value) if value > 0 else LEAST, LEAST), MOST)
    return 18 + (MOST - power) / (MOST - LEAST) * (HEIGHT - FOOT - 22)
