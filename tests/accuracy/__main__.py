"""Accuracy of every elementwise function, value and slope: ``python -m tests.accuracy``."""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from derive.notation.errors import DefinitionError
from tests.accuracy.functions import functions
from tests.accuracy.measure import LIMIT, PLAIN, measured, points

FORMATS = {"float16": np.float16, "float32": np.float32, "float64": np.float64}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.accuracy",
        description="Measures every elementwise function of the project, of the probes and of textbooks' spellings "
        "against Arb: value and slope, options at several values, over the whole line. The error is in units of "
        f"roundoff times |g| + |x g'| and may be {LIMIT:g}; of {', '.join(p.partition('-')[2] for p in PLAIN)} it is "
        "in units in the last place.",
        epilog="Exit status: 0 all are within the limit; 1 one is not; 2 there is no such function.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a name such as spellings-arsinh; none: all")
    parser.add_argument("--points", type=int, default=300, help="how many a function and setting, about (300)")
    parser.add_argument("--seed", type=int, default=0, help="draws other points (0)")
    parser.add_argument("--format", choices=FORMATS, default="float64")
    parser.add_argument("--failing", action="store_true", help="list only what is not within the limit")
    arguments = parser.parse_args()
    chosen = [f for f in functions() if not arguments.names or any(n in f.name for n in arguments.names)]
    if not chosen:
        print(f"no elementwise function has {' or '.join(arguments.names)} in its name", file=sys.stderr)
        return 2
    begin, wrong, dtype = time.perf_counter(), [], FORMATS[arguments.format]
    print(f"{'function':<60}{'value':<34}{'slope':<34}points")
    for number, found in enumerate(chosen, 1):
        if sys.stderr.isatty():
            print(f"\r{number}/{len(chosen)} {found.name:<60}", end="\r", file=sys.stderr)
        try:
            with found.kernel() as kernel:
                for options in found.settings():
                    x = points(found, options, arguments.points, dtype, arguments.seed)
                    value, slope = measured(found, kernel, options, x)
                    bad = not max(value.error, slope.error) <= LIMIT or not value.measured
                    name = f"{'✗' if bad else ' '} {found.name} {', '.join(f'{n}={v}' for n, v in options.items())}"
                    wrong += [name] * bad
                    if bad or not arguments.failing:
                        print(f"{name:<60}{value!s:<34}{slope!s:<34}{value.measured}/{len(x)}", flush=True)
        except DefinitionError as error:
            wrong.append(found.name)
            print(f"✗ {found.name} cannot be built: {str(error).splitlines()[0]}", flush=True)
    print(f"{len(chosen)} functions in {time.perf_counter() - begin:.0f} s; {len(wrong)} settings beyond {LIMIT:g}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
