"""The page on speed says what the benchmark's figures say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derive.targets.speed import speed

MACHINE = {"processor": "abacus", "python": "3.11", "numpy": "2.4"}
BOUNDS = {"mean by hand": 0.7, "worst by hand": 1.1, "mean autograd": 0.25}


def row(size: str, dtype: str, **seconds: float) -> dict[str, object]:
    return {"layer": "relu", "size": size, "dtype": dtype, "seconds": seconds}


def page(tmp_path: Path, figures: object) -> str:
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(figures), encoding="utf-8")
    return speed(path)


def test_ratios_and_means(tmp_path: Path) -> None:
    rows = [
        row("tiny", "float32", gradbook=4e-6, **{"by hand": 2e-6}, torch=8e-6),
        row("tiny", "float64", gradbook=1e-6, **{"by hand": 2e-6}, torch=8e-6),
        row("large", "float32", gradbook=5e-3, **{"by hand": 10e-3}),
    ]
    text = page(tmp_path, {"machine": MACHINE, "bounds": BOUNDS, "rows": rows})
    assert "| [relu](layers/relu.md) | tiny | 4.00 µs · 1.00 µs | **2.00** · 0.50 |  | 0.50 · 0.12 |" in text
    assert "| [relu](layers/relu.md) | large | 5.00 ms | 0.50 |  |  |" in text
    assert "| tiny | 1.00 |  | 0.25 |" in text
    assert "| large | 0.50 |  |  |" in text
    assert "0.7 of NumPy by hand's time in the mean (not reached)" in text
    assert "no row above 1.1 of NumPy by hand (not in 1 of 3)" in text
    assert "abacus" in text


@pytest.mark.parametrize(
    "figures", [[], {"rows": []}, {"machine": MACHINE, "bounds": BOUNDS, "rows": [{"layer": "relu"}]}]
)
def test_other_files_are_refused(tmp_path: Path, figures: object) -> None:
    with pytest.raises(ValueError, match="measure again with python -m benchmarks"):
        page(tmp_path, figures)
