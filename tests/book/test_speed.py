"""The page on speed says what the benchmark's figures say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derive.command.build import ROOT
from derive.targets.growth import BEND, FIGURES, bend
from derive.targets.speed import speed

MACHINE = {"processor": "abacus", "python": "3.11", "numpy": "2.4"}
BOUNDS = {"mean by hand": 0.9, "worst by hand": 1.3, "mean autograd": 0.5, "many": 100_000}
SHAPES = {"tiny": "calls", "tall": "many rows"}


def row(size: str, dtype: str, **seconds: float) -> dict[str, object]:
    elements = {"tiny": 128, "tall": 1 << 20}[size]
    return {"layer": "relu", "size": size, "dtype": dtype, "seconds": seconds, "elements": elements}


def figures(rows: list[dict[str, object]]) -> dict[str, object]:
    return {"machine": MACHINE, "times": "medians", "shapes": SHAPES, "bounds": BOUNDS, "rows": rows}


def page(tmp_path: Path, figures: object) -> str:
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(figures), encoding="utf-8")
    return speed(path)


def test_ratios_and_means(tmp_path: Path) -> None:
    rows = [
        row("tiny", "float32", gradbook=4e-6, **{"by hand": 2e-6}, torch=8e-6),
        row("tiny", "float64", gradbook=1e-6, **{"by hand": 2e-6}, torch=8e-6),
        row("tall", "float32", gradbook=5e-3, **{"by hand": 10e-3}),
        row("tall", "float64", gradbook=14e-3, **{"by hand": 10e-3}),
    ]
    text = page(tmp_path, figures(rows))
    assert "| [relu](layers/relu.md) | tiny | 4.00 µs · 1.00 µs | **2.00** · 0.50 |  | 0.50 · 0.12 |" in text
    assert "| [relu](layers/relu.md) | tall | 5.00 ms · 14.0 ms | 0.50 · **1.40** |  |  |" in text
    assert "| tiny | 1.00 |  | 0.25 |" in text
    assert "| tall | 0.84 |  |  |" in text
    assert "| tall | many rows |" in text
    assert "times are\nmedians." in text
    assert "more than 100,000 elements 0.9 of NumPy by hand's time in the mean (reached)" in text
    assert "none above 1.3 of it (not in 1 of 2)" in text
    assert "abacus" in text


def test_layers_of_ones_own_are_there_where_they_were_measured(tmp_path: Path) -> None:
    rows = [row("tall", "float32", gradbook=5e-3, **{"by hand": 10e-3})]
    assert "own" not in page(tmp_path, figures(rows))
    own = [
        {"kernel": "fold", "dtype": d, "seconds": {"gradbook": t, "torch": 4e-3}}
        for d, t in (("float32", 2e-3), ("float64", 8e-3))
    ]
    (tmp_path / "against_torch.json").write_text(json.dumps({"rows": own}), encoding="utf-8")
    assert "| fold | 2.00 ms · 8.00 ms | 0.50 · 2.00 |" in page(tmp_path, figures(rows))


@pytest.mark.parametrize(
    "other", [[], {"rows": []}, figures([{"layer": "relu"}]), {"machine": MACHINE, "bounds": BOUNDS, "rows": []}]
)
def test_other_files_are_refused(tmp_path: Path, other: object) -> None:
    with pytest.raises(ValueError, match="measure again with python -m benchmarks"):
        page(tmp_path, other)


def test_how_long_a_build_takes_is_there_where_it_was_measured(tmp_path: Path) -> None:
    rows = [row("tall", "float32", gradbook=5e-3, **{"by hand": 10e-3})]
    assert "build takes" not in page(tmp_path, figures(rows))
    points = [
        {"layers": 50, "seconds": 10.0, "median": 0.02},
        {"layers": 100, "seconds": 30.0, "median": 0.025},
    ]
    (tmp_path / "growth.json").write_text(json.dumps(points), encoding="utf-8")
    text = page(tmp_path, figures(rows))
    assert "| 100 | 30.0 s | 300 ms |" in text
    assert "300 ms, and 25 ms of it" in text
    assert "up to 100" in text
    assert bend(points) == pytest.approx(1.5)


def test_a_build_grows_as_the_number_of_layers() -> None:
    points = json.loads((ROOT / FIGURES).read_text(encoding="utf-8"))
    assert points[-1]["layers"] > 4 * points[0]["layers"] * 0.6
    assert bend(points) <= BEND
    assert points[-1]["median"] < 0.1, "the derivation of a layer, in seconds, in the median"
