"""``python -m tests.sums``: the largest error of float16 and float32 sums, over layers, functions and layouts.

In units of the derived bound with a wide accumulation; exit status 1 if one is not below 1.
"""

from __future__ import annotations

import argparse
import sys

from tests.sums.layers import FORMATS, LAYOUTS, ROWS, errors


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sums", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the simplest layers (1000000)")
    rows = parser.parse_args().rows
    worst = 0.0
    for dtype, form in FORMATS.items():
        found = [error for name in ROWS for layout in LAYOUTS for error in errors(name, form, layout, rows)]
        largest = max(found, key=lambda e: e.units)
        print(f"{dtype}: {len(found)} results, the largest error is {largest.units:.2f} of the bound: {largest.where}")
        worst = max(worst, largest.units)
    return int(not worst < 1)


if __name__ == "__main__":
    sys.exit(main())
