"""Pooling by means, and over all positions."""

from __future__ import annotations

from derive import layer


@layer(cites="LeCun et al. 1989")
def avg_pool1d(
    x: Real[b, c, p], window: Count = 2, stride: Count = 2, padding: Natural[2] = 0, count_include_pad: Flag = True
):
    """The mean of each window of one axis; what lies outside is zero, and counts unless it is said not to."""
    k = axis(window)
    i = axis((size(p) + padding[0] + padding[1] - window) // stride + 1)
    n[i] = (
        window
        if count_include_pad
        else sum(k, 1 if 0 <= stride * i + k - padding[0] and stride * i + k - padding[0] < size(p) else 0)
    )
    total[b, c, i] = sum(k, x[b, c, stride * i + k - padding[0]])
    y[b, c, i] = total[b, c, i] / n[i]
    return y


@layer(cites="LeCun et al. 1989")
def avg_pool2d(
    x: Real[b, c, p, q],
    window: Count[2] = 2,
    stride: Count[2] = 2,
    padding: Natural[2, 2] = 0,
    count_include_pad: Flag = True,
):
    """The mean of each window; what lies outside is zero, and counts unless it is said not to."""
    k = axis(window[0])
    l = axis(window[1])
    i = axis((size(p) + padding[0, 0] + padding[0, 1] - window[0]) // stride[0] + 1)
    j = axis((size(q) + padding[1, 0] + padding[1, 1] - window[1]) // stride[1] + 1)
    n[i, j] = (
        window[0] * window[1]
        if count_include_pad
        else sum(k, 1 if 0 <= stride[0] * i + k - padding[0, 0] and stride[0] * i + k - padding[0, 0] < size(p) else 0)
        * sum(l, 1 if 0 <= stride[1] * j + l - padding[1, 0] and stride[1] * j + l - padding[1, 0] < size(q) else 0)
    )
    total[b, c, i, j] = sum((k, l), x[b, c, stride[0] * i + k - padding[0, 0], stride[1] * j + l - padding[1, 0]])
    y[b, c, i, j] = total[b, c, i, j] / n[i, j]
    return y


@layer(cites="Lin, Chen and Yan 2014, arXiv:1312.4400")
def global_avg_pool2d(x: Real[b, c, p, q]):
    """The mean of each channel over all positions."""
    y[b, c] = mean((p, q), x[b, c, p, q])
    return y


@layer(cites="Oquab et al. 2015")
def global_max_pool2d(x: Real[b, c, p, q]):
    """The largest of each channel over all positions; ties go to the first."""
    y[b, c] = max((p, q), x[b, c, p, q])
    return y


@layer(cites="Lin, Chen and Yan 2014, arXiv:1312.4400")
def global_avg_pool1d(x: Real[b, c, p]):
    """The mean of each channel over all positions of one axis."""
    y[b, c] = mean(p, x[b, c, p])
    return y


@layer(cites="Oquab et al. 2015")
def global_max_pool1d(x: Real[b, c, p]):
    """The largest of each channel over all positions of one axis; ties go to the first."""
    y[b, c] = max(p, x[b, c, p])
    return y


@layer(cites="Lin, Chen and Yan 2014, arXiv:1312.4400")
def global_avg_pool3d(x: Real[b, c, p, q, r]):
    """The mean of each channel over all positions of three axes."""
    y[b, c] = mean((p, q, r), x[b, c, p, q, r])
    return y


@layer(cites="Oquab et al. 2015")
def global_max_pool3d(x: Real[b, c, p, q, r]):
    """The largest of each channel over all positions of three axes; ties go to the first."""
    y[b, c] = max((p, q, r), x[b, c, p, q, r])
    return y


@layer(cites="He et al. 2014, arXiv:1406.4729")
def adaptive_avg_pool2d(x: Real[b, c, p, q], bins: Count[2] = 2):
    """The mean of each of so many windows, as equal as they can be, that cover both axes."""
    i = axis(bins[0])
    j = axis(bins[1])
    rows[i] = ((i + 1) * size(p) + bins[0] - 1) // bins[0] - i * size(p) // bins[0]
    columns[j] = ((j + 1) * size(q) + bins[1] - 1) // bins[1] - j * size(q) // bins[1]
    total[b, c, i, j] = sum(
        (p, q),
        x[b, c, p, q]
        if i * size(p) // bins[0] <= p
        and p < ((i + 1) * size(p) + bins[0] - 1) // bins[0]
        and j * size(q) // bins[1] <= q
        and q < ((j + 1) * size(q) + bins[1] - 1) // bins[1]
        else 0,
    )
    y[b, c, i, j] = total[b, c, i, j] / (rows[i] * columns[j])
    return y


@layer(cites="He et al. 2014, arXiv:1406.4729")
def adaptive_avg_pool1d(x: Real[b, c, p], bins: Count[i] = 2):
    """The mean of each of so many windows, as equal as they can be, that cover one axis."""
    n[i] = ((i + 1) * size(p) + bins - 1) // bins - i * size(p) // bins
    total[b, c, i] = sum(
        p, x[b, c, p] if i * size(p) // bins <= p and p < ((i + 1) * size(p) + bins - 1) // bins else 0
    )
    y[b, c, i] = total[b, c, i] / n[i]
    return y
