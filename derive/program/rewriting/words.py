"""Words of programs that no definition has: what the right sides of rows say, and which module of a runtime has them.

``runtime hypot`` is a function of a runtime, ``library sinh`` one of the library of arrays or numbers: no layer has
such a name.
"""

from __future__ import annotations

WORDS: dict[str, str] = {
    "asinh": "tails",
    "hypot": "tails",
    "log1mexp": "tails",
    "log_add": "tails",
    "log_cosh": "tails",
    "less_tanh": "tails",
    "expm1_less": "tails",
    "less_log1p": "tails",
    "log_cdf": "tails",
    "log1p_power": "tails",
    "power_share": "tails",
    "row_norm": "tails",
    "sinh": "",
    "cosh": "",
}
