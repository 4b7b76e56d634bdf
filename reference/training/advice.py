"""Rules of thumb for the shape of a network and its training, as data and as functions.

They are where to start, not laws: leaving a range is a warning, never an error.
"""

import warnings
from typing import NamedTuple


class Range(NamedTuple):
    """The values of one setting that usually work."""

    low: float
    high: float
    meaning: str

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


RECOMMENDED = {
    "layers": Range(2, 5, "linear maps, the output's included"),
    "alpha": Range(0.001, 0.1, "learning rate, best with a schedule"),
    "batch_size": Range(32, 256, "examples a step"),
    "weight_decay": Range(0.0001, 0.01, "lambda of the penalty lambda/2 sum W^2"),
}


class AdviceWarning(UserWarning):
    """A setting lies outside the range that usually works."""


def remarks(**settings: float) -> list[str]:
    """Compare settings with RECOMMENDED: one sentence for each that lies outside.

    Raises:
        TypeError: a setting that RECOMMENDED doesn't know.
    """
    if unknown := sorted(set(settings) - set(RECOMMENDED)):
        raise TypeError(f"no recommendation for {', '.join(unknown)}; there is one for {', '.join(RECOMMENDED)}")
    return [
        f"{name} = {value:g} is outside the usual {RECOMMENDED[name].low:g} to {RECOMMENDED[name].high:g}"
        f" ({RECOMMENDED[name].meaning})"
        for name, value in settings.items()
        if value not in RECOMMENDED[name]
    ]


def advise(**settings: float) -> None:
    """Turn every one of the `remarks` into an AdviceWarning."""
    for remark in remarks(**settings):
        warnings.warn(remark, AdviceWarning, stacklevel=2)


def geometric_sizes(inputs: int, outputs: int, layers: int) -> list[int]:
    """Return the sizes [d_0, ..., d_L] of L layers, each hidden one the geometric mean of its neighbours.

    d_l = sqrt(d_{l-1} d_{l+1}) for every hidden l says that log d_l is linear in l, so the whole chain is
    settled by its ends: d_l = d_0^(1 - l/L) d_L^(l/L), here rounded to the nearest integer.

    >>> geometric_sizes(64, 4, 2)
    [64, 16, 4]
    >>> geometric_sizes(1000, 1, 3)
    [1000, 100, 10, 1]

    Raises:
        ValueError: a size or the number of layers is less than 1.
    """
    if min(inputs, outputs, layers) < 1:
        raise ValueError(f"inputs, outputs and layers must be at least 1, not {inputs}, {outputs} and {layers}")
    hidden = [round(inputs ** (1 - k / layers) * outputs ** (k / layers)) for k in range(1, layers)]
    return [inputs, *hidden, outputs]
