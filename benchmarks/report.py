"""The table of times and ratios, and whether the project's bounds on them hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.timing import Row, geometric_mean

MANY = 100_000  # elements of a call whose arithmetic outweighs what a call costs by itself
WORST_BY_HAND = 1.3  # generated over hand-written: on no row of so many elements more than this
MEANS = {  # generated over that, geometric mean of all rows, by hand of those with so many elements: at most this
    "by hand": 0.9,
    "autograd": 1 / 2,  # a tenth for tiny calls, which are few among the rows
    "before": 1.05,
}
BOUNDS = {
    "mean by hand": MEANS["by hand"],
    "worst by hand": WORST_BY_HAND,
    "many": MANY,
    "mean autograd": MEANS["autograd"],
}


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
    """One line a layer, size and precision: time of every contender, and ratios of gradbook's to theirs."""
    table = Table(box=box.SIMPLE_HEAD, title="forward + backward; '/ x' is gradbook's time over x's")
    for column in ("layer", "size", "dtype"):
        table.add_column(column, no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    others = [name for name in names if name != "gradbook"]
    for name in others:
        table.add_column(f"/ {name}", justify="right", no_wrap=True)
    for row in rows:
        limits = [WORST_BY_HAND if name == "by hand" and row.elements > MANY else float("inf") for name in others]
        ratios = [shown(row.ratio(name), limit) for name, limit in zip(others, limits, strict=True)]
        times = [duration(row.seconds.get(name)) for name in names]
        table.add_row(row.layer, row.size, row.dtype, *times, *ratios)
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a log has no width of its own
    console.print(table)


def judge(rows: Sequence[Row]) -> Verdict:
    """Compare the ratios with the bounds; what was not timed is said, and bounds nothing.

    Those to hand-written code bound the rows of many elements: what is smaller measures calls.
    """
    lines: list[str] = []
    many = [row for row in rows if row.elements > MANY]
    means: list[tuple[str, float]] = []
    for name in dict.fromkeys(name for row in rows for name in ("by hand", *row.seconds) if name != "gradbook"):
        judged = many if name == "by hand" else rows
        ratios = [ratio for row in judged if (ratio := row.ratio(name)) is not None]
        if not ratios:
            lines.append(f"{name}: not timed")
            continue
        means.append((name, geometric_mean(ratios)))
        lines.append(
            f"gradbook / {name}: geometric mean {means[-1][1]:.3f} of {len(ratios)} rows, worst {max(ratios):.2f}"
        )
        for key in ("size", "dtype"):
            for value in dict.fromkeys(getattr(row, key) for row in rows):
                part = [row.ratio(name) for row in rows if getattr(row, key) == value]
                lines.append(f"    {value:8} {geometric_mean([ratio for ratio in part if ratio]):.3f}")
    slow = sum((row.ratio("by hand") or 0.0) > WORST_BY_HAND for row in many)
    lines.append(f"rows of more than {MANY:,} elements above {WORST_BY_HAND} of by hand, marked !: {slow}")
    broken = [
        f"{mean:.3f} of {name} in the mean, not {MEANS[name]:g}" for name, mean in means if mean > MEANS.get(name, mean)
    ]
    broken += [f"{slow} rows above {WORST_BY_HAND} of by hand"] if slow else []
    broken += [] if any("by hand" in row.seconds for row in rows) else ["nothing to compare with"]
    lines.append(f"BROKEN: {'; '.join(broken)}" if broken else "all bounds hold")
    return Verdict(not broken, tuple(lines))
