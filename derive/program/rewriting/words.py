"""Words of programs that no definition has: what the right sides of rows say, and which module of a runtime has them.

A target prints a word as a call of the function of that name; a word without a module is the array library's own.
"""

from __future__ import annotations

WORDS: dict[str, str] = {
    "asinh": "tails",
    "hypot": "tails",
    "log1mexp": "tails",
    "log_add": "tails",
    "log_cosh": "tails",
    "less_tanh": "tails",
    "sinh": "",
    "cosh": "",
}
