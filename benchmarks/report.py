"""The table of medians and ratios, and whether the project's bounds on them hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.timing import Row, geometric_mean

MEAN_BY_HAND = 0.7  # generated over hand-written, geometric mean of all rows: at most this
WORST_BY_HAND = 1.1  # and on no row more than this
MEAN_AUTOGRAD = 1 / 4  # generated over autograd, geometric mean of all rows: at most this
BOUNDS = {"mean by hand": MEAN_BY_HAND, "worst by hand": WORST_BY_HAND, "mean autograd": MEAN_AUTOGRAD}


@dataclass(frozen=True)
class Verdict:
    holds: bool
    lines: tuple[str, ...]


def duration(seconds: float | None) -> str:
    """Three significant digits in microseconds or milliseconds."""
    if seconds is None:
        return "-"
    value, unit = (seconds * 1e3, "ms") if seconds >= 1e-3 else (seconds * 1e6, "µs")
    return f"{value:#.3g}".rstrip(".") + f" {unit}"


def shown(ratio: float | None, limit: float) -> str:
    if ratio is None:
        return "-"
    return f"[bold red]{ratio:.2f} ![/]" if ratio > limit else f"{ratio:.2f}"


def print_rows(rows: Sequence[Row], names: Sequence[str]) -> None:
    """One line a layer, size and precision: median of every contender, and ratios of gradbook's to theirs."""
    table = Table(box=box.SIMPLE_HEAD, title="median of forward + backward; '/ x' is gradbook's time over x's")
    for column in ("layer", "size", "dtype"):
        table.add_column(column, no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    others = [name for name in names if name != "gradbook"]
    for name in others:
        table.add_column(f"/ {name}", justify="right", no_wrap=True)
    for row in rows:
        limits = [WORST_BY_HAND if name == "by hand" else float("inf") for name in others]
        ratios = [shown(row.ratio(name), limit) for name, limit in zip(others, limits, strict=True)]
        times = [duration(row.seconds.get(name)) for name in names]
        table.add_row(row.layer, row.size, row.dtype, *times, *ratios)
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a log has no width of its own
    console.print(table)


def judge(rows: Sequence[Row]) -> Verdict:
    """Compare the ratios with the bounds; what was not timed is said, and bounds nothing."""
    lines: list[str] = []
    holds = True
    for name, bound in (("by hand", MEAN_BY_HAND), ("autograd", MEAN_AUTOGRAD), ("torch", None)):
        ratios = [ratio for row in rows if (ratio := row.ratio(name)) is not None]
        if not ratios:
            lines.append(f"{name}: not timed")
            holds = holds and name != "by hand"
            continue
        mean = geometric_mean(ratios)
        line = f"gradbook / {name}: geometric mean {mean:.3f} of {len(ratios)} rows, worst {max(ratios):.2f}"
        if bound is not None:
            line += f" (bound {bound:g}: {'holds' if mean <= bound else 'BROKEN'})"
            holds = holds and mean <= bound
        lines.append(line)
        for key in ("size", "dtype"):
            for value in dict.fromkeys(getattr(row, key) for row in rows):
                part = [row.ratio(name) for row in rows if getattr(row, key) == value]
                lines.append(f"    {value:8} {geometric_mean([ratio for ratio in part if ratio]):.3f}")
    slow = sum((row.ratio("by hand") or 0.0) > WORST_BY_HAND for row in rows)
    lines.append(f"rows above {WORST_BY_HAND} of by hand, marked !: {slow} ({'BROKEN' if slow else 'holds'})")
    return Verdict(holds and not slow, tuple(lines))
