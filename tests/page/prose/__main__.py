"""python -m tests.page.prose SITE [--misprints]: execute the formulas of the pages that are no layer's."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.page.prose.page import is_layer, pages
from tests.page.prose.score import scored


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.page.prose")
    parser.add_argument("site", type=Path)
    parser.add_argument("--misprints", action="store_true", help="try every misprint of every formula")
    given = parser.parse_args()
    passed = True
    site = pages(given.site)
    for name in (n for n in site if not is_layer(n)):
        score = scored(name, site, given.misprints)
        print(score.line(), *score.lines(), sep="\n")
        passed &= score.passed
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
