"""The words of a definition's text: kinds of arguments, and what is called with indices."""

from __future__ import annotations

SORTS = ("Real", "State", "Integer", "Boolean", "Mask")
KINDS = (
    "Positive",
    "Scalar",
    "Probability",
    "Fraction",
    "Count",
    "Natural",
    "Integer",
    "Flag",
    "Axis",
    "Choice",
    "Activation",
)
NUMBERS = KINDS[:7]  #: of which an option may have several: ``Count[2]``
#: Words that are called with indices; a layer may have the name of those that are short for others.
OVER_INDICES = ("sum", "mean", "max", "min", "size")
PLACES = ("argmax", "argmin")
SHORT = ("logsumexp", "var", "std", *PLACES)
REDUCTIONS = ("sum", "mean", "max", "min", *SHORT)
