"""Losses of regions that should overlap."""

from __future__ import annotations

from derive import layer


@layer(cites="Milletari, Navab and Ahmadi 2016, arXiv:1606.04797; the smoothing as usual")
def dice(
    p: 0 <= Real[b, ...] <= 1,
    t: 0 <= Real[b, ...] <= 1,
    smooth: Positive = 1.0,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """One minus Dice's coefficient, the overlap of predicted and true regions of each example."""
    overlap[b] = sum(..., p[b, ...] * t[b, ...])
    total[b] = sum(..., p[b, ...] + t[b, ...])
    L[b] = 1 - (2 * overlap[b] + smooth) / (total[b] + smooth)
    loss = reduced(reduction, L[b])
    return loss


@layer(cites="Salehi, Erdogmus and Gholipour 2017, arXiv:1706.05721")
def tversky(
    p: 0 <= Real[b, ...] <= 1,
    t: 0 <= Real[b, ...] <= 1,
    alpha: Fraction = 0.5,
    beta: Fraction = 0.5,
    smooth: Positive = 1.0,
    reduction: Choice["mean", "sum", "none"] = "mean",
):
    """One minus Tversky's index: overlap, with false positives weighed by alpha and false negatives by beta."""
    hit[b] = sum(..., p[b, ...] * t[b, ...])
    extra[b] = sum(..., p[b, ...] * (1 - t[b, ...]))
    missed[b] = sum(..., (1 - p[b, ...]) * t[b, ...])
    L[b] = 1 - (hit[b] + smooth) / (hit[b] + alpha * extra[b] + beta * missed[b] + smooth)
    loss = reduced(reduction, L[b])
    return loss
