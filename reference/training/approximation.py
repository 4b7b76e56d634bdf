"""One hidden layer that comes as close to a function on an interval as is asked, written down instead of trained.

The network of relu units with kinks at x_0 < ... < x_n draws the broken line through (x_k, f(x_k)):

    y(x) = f(x_0) + sum_k (s_k - s_{k-1}) relu(x - x_k),   s_k = (f(x_{k+1}) - f(x_k)) / (x_{k+1} - x_k),  s_{-1} = 0

On each piece the line lies between two values of f that are at most h = (b - a) / n apart, so for a continuous f

    |f(x) - y(x)| <= omega(h),   the largest change of f over a distance of h, which goes to 0 with h;

where f is twice differentiable, |f(x) - y(x)| <= h^2 / 8 max |f''| (the remainder of linear interpolation).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from reference.training.network import Network


def interpolating(f: Callable[[Any], Any], low: Any, high: Any, units: int) -> Network:
    """Return an mlp 1 - units - 1 that draws the broken line of f through units + 1 points at equal distances.

    Args:
        f: a function of one number.
        low: where the interval begins; with fractions the network is exact.
        high: where it ends.
        units: hidden units, and pieces of the line.

    Raises:
        ValueError: there are no units, or the interval is empty.
    """
    if units < 1 or not low < high:
        raise ValueError(f"there must be a unit and an interval, not {units} and [{low}, {high}]")
    ends = [low + (high - low) * k / units for k in range(units + 1)]
    values = [f(x) for x in ends]
    slopes = [(values[k + 1] - values[k]) / (ends[k + 1] - ends[k]) for k in range(units)]
    bends = [slope - before for slope, before in zip(slopes, [slopes[0] - slopes[0], *slopes], strict=False)]
    one = slopes[0] - slopes[0] + 1
    W = [np.array([[one]] * units), np.array([bends])]
    return Network(W, [np.array([-x for x in ends[:-1]]), np.array([values[0]])])


def error_bound(curvature: float, low: float, high: float, units: int) -> float:
    """Return how far from f that line can be on the interval, where |f''| is at most `curvature`."""
    return curvature * ((high - low) / units) ** 2 / 8
