"""Import this before NumPy: linear-algebra libraries then use one thread, for every contender alike."""

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
