"""Structure."""

from __future__ import annotations

from derive import layer


@layer(cites="batched matrix product")
def matmul(A: Real[..., i, k], B: Real[..., k, j]):
    """Matrix products, one for each leading index."""
    C[..., i, j] = sum(k, A[..., i, k] * B[..., k, j])
    return C


@layer(cites="matrix product, second factor shared by all")
def matmul_broadcast(A: Real[..., i, k], B: Real[k, j]):
    """Matrix products with one second factor."""
    C[..., i, j] = sum(k, A[..., i, k] * B[k, j])
    return C


@layer(cites="Tenenbaum and Freeman 2000")
def bilinear(x: Real[..., i], y: Real[..., j], A: Real[k, i, j], b: Real[k]):
    """A bilinear map of two inputs."""
    z[..., k] = sum((i, j), x[..., i] * A[k, i, j] * y[..., j]) + b[k]
    return z


@layer(cites="outer product")
def outer(x: Real[..., i], y: Real[..., j]):
    """All products."""
    z[..., i, j] = x[..., i] * y[..., j]
    return z


@layer(cites="PyTorch EmbeddingBag")
def embedding_bag_sum(E: Real[v, d], t: Integer[b, n]):
    """The sum of the rows of a bag of tokens."""
    y[b, d] = sum(n, E[t[b, n], d])
    return y


@layer(cites="PyTorch EmbeddingBag")
def embedding_bag_mean(E: Real[v, d], t: Integer[b, n]):
    """The mean of the rows of a bag of tokens."""
    y[b, d] = mean(n, E[t[b, n], d])
    return y


@layer(cites="PyTorch EmbeddingBag")
def embedding_bag_max(E: Real[v, d], t: Integer[b, n]):
    """The largest of the rows of a bag of tokens."""
    y[b, d] = max(n, E[t[b, n], d])
    return y


@layer(cites="PyTorch EmbeddingBag")
def embedding_bag_choice(E: Real[v, d], t: Integer[b, n], mode: Choice["sum", "mean"] = "mean"):
    """The sum or mean of the rows of a bag of tokens."""
    y[b, d] = mean(n, E[t[b, n], d]) if mode == "mean" else sum(n, E[t[b, n], d])
    return y


@layer(cites="torch.gather over axis 0")
def gather(x: Real[i, j], t: Integer[n, j]):
    """Pick rows, for each column its own."""
    y[n, j] = x[t[n, j], j]
    return y


@layer(cites="concatenation, by zeros outside")
def concat(a: Real[..., i], b: Real[..., j]):
    """Put two along one axis."""
    k = axis(size(i) + size(j))
    y[..., k] = a[..., k] + b[..., k - size(i)]
    return y


@layer(cites="concatenation, by cases")
def concat_case(a: Real[..., i], b: Real[..., j]):
    """Put two along one axis."""
    k = axis(size(i) + size(j))
    y[..., k] = a[..., k] if k < size(i) else b[..., k - size(i)]
    return y


@layer(cites="split in two of given sizes")
def split(x: Real[..., n], first: Count = 2):
    """The first so many, and the rest."""
    i = axis(first)
    j = axis(size(n) - first)
    a[..., i] = x[..., i]
    b[..., j] = x[..., j + first]
    return a, b


@layer(cites="stack")
def stack(a: Real[..., i], b: Real[..., i]):
    """Two along a new axis."""
    s = axis(2)
    y[..., s, i] = a[..., i] if s == 0 else b[..., i]
    return y


@layer(cites="zero padding")
def pad_zero(x: Real[..., i], left: Natural = 2, right: Natural = 1):
    """Zeros on both sides."""
    j = axis(size(i) + left + right)
    y[..., j] = x[..., j - left]
    return y


@layer(cites="constant padding")
def pad_constant(x: Real[..., i], left: Natural = 2, right: Natural = 1, value: Scalar = 0.5):
    """A constant on both sides."""
    j = axis(size(i) + left + right)
    y[..., j] = x[..., j - left] if j >= left and j < left + size(i) else value
    return y


@layer(cites="reflection padding")
def pad_reflect(x: Real[..., i], left: Natural = 2, right: Natural = 1):
    """Mirror at the ends."""
    j = axis(size(i) + left + right)
    y[..., j] = x[..., size(i) - 1 - abs(size(i) - 1 - abs(j - left))]
    return y


@layer(cites="reflection padding by cases")
def pad_reflect_case(x: Real[..., i], left: Natural = 2, right: Natural = 1):
    """Mirror at the ends."""
    j = axis(size(i) + left + right)
    y[..., j] = x[..., left - j] if j < left else x[..., j - left] if j < left + size(i) else x[..., 2 * size(i) - 2 + left - j]
    return y


@layer(cites="replication padding")
def pad_replicate(x: Real[..., i], left: Natural = 2, right: Natural = 1):
    """Repeat the ends."""
    j = axis(size(i) + left + right)
    y[..., j] = x[..., 0] if j < left else x[..., j - left] if j < left + size(i) else x[..., size(i) - 1]
    return y


@layer(cites="replication padding")
def pad_replicate_max(x: Real[..., i], left: Natural = 2, right: Natural = 1):
    """Repeat the ends."""
    j = axis(size(i) + left + right)
    y[..., j] = x[..., -max(-size(i) + 1, -max(0, j - left))]
    return y


@layer(cites="circular padding")
def pad_circular(x: Real[..., i], left: Natural = 2, right: Natural = 1):
    """Go round."""
    j = axis(size(i) + left + right)
    y[..., j] = x[..., (j - left) % size(i)]
    return y


@layer(cites="circular padding by cases")
def pad_circular_case(x: Real[..., i], left: Natural = 2, right: Natural = 1):
    """Go round."""
    j = axis(size(i) + left + right)
    y[..., j] = x[..., j - left + size(i)] if j < left else x[..., j - left] if j < left + size(i) else x[..., j - left - size(i)]
    return y


@layer(cites="distances of all pairs")
def cdist(a: Real[..., i, d], b: Real[..., j, d]):
    """The distance of each of one set from each of another."""
    y[..., i, j] = sqrt(sum(d, (a[..., i, d] - b[..., j, d]) ** 2))
    return y


@layer(cites="squared distances of all pairs")
def cdist_squared(a: Real[..., i, d], b: Real[..., j, d]):
    """The squared distance of each of one set from each of another."""
    y[..., i, j] = sum(d, (a[..., i, d] - b[..., j, d]) ** 2)
    return y


@layer(cites="flip")
def flip(x: Real[..., i]):
    """Backwards."""
    y[..., i] = x[..., size(i) - 1 - i]
    return y


@layer(cites="roll")
def roll(x: Real[..., i], shift: Natural = 1):
    """Shift round, by less than the length."""
    y[..., i] = x[..., i - shift] if i >= shift else x[..., i - shift + size(i)]
    return y


@layer(cites="roll, by zeros outside")
def roll_sum(x: Real[..., i], shift: Natural = 1):
    """Shift round, by less than the length."""
    y[..., i] = x[..., i - shift] + x[..., i - shift + size(i)]
    return y


@layer(cites="transpose")
def transpose(x: Real[..., i, j]):
    """Exchange the last two axes."""
    y[..., j, i] = x[..., i, j]
    return y


@layer(cites="tril")
def tril(x: Real[..., i, j], diagonal: Integer = 0):
    """The lower triangle."""
    y[..., i, j] = x[..., i, j] if j <= i + diagonal else 0
    return y


@layer(cites="one-hot")
def one_hot(t: Integer[...], classes: Count[c] = 5):
    """Indicators of an index."""
    y[..., c] = 1 if t[...] == c else 0
    return y


@layer(cites="broadcast")
def broadcast_to(x: Real[i], times: Count[b] = 3):
    """Repeat along a new first axis."""
    y[b, i] = x[i]
    return y


@layer(cites="diagonal")
def diagonal(x: Real[..., i, j]):
    """The diagonal of a square matrix."""
    j = axis(size(i))
    y[..., i] = x[..., i, i]
    return y


@layer(cites="trace")
def trace(x: Real[i, i]):
    """The sum of the diagonal of a square matrix."""
    y = sum(i, x[i, i])
    return y


@layer(cites="Lin et al. 2013")
def global_average_pool(x: Real[b, c, ...]):
    """The mean over all positions."""
    y[b, c] = mean(..., x[b, c, ...])
    return y


@layer(cites="LeCun et al. 1989")
def avg_pool1d(x: Real[b, c, p], window: Count = 2, stride: Count = 2):
    """The mean of each window."""
    k = axis(window)
    i = axis((size(p) - window) // stride + 1)
    y[b, c, i] = mean(k, x[b, c, stride * i + k])
    return y


@layer(cites="Waibel et al. 1989")
def conv1d(x: Real[b, c, p], W: Real[o, c, k], bias: Real[o], stride: Count = 1, padding: Natural = 0, dilation: Count = 1):
    """One-dimensional convolution."""
    i = axis((size(p) + 2 * padding - dilation * (size(k) - 1) - 1) // stride + 1)
    z[b, o, i] = sum((c, k), W[o, c, k] * x[b, c, stride * i + dilation * k - padding]) + bias[o]
    return z


@layer(cites="Zeiler et al. 2010")
def conv_transpose1d(x: Real[b, c, p], W: Real[c, o, k], bias: Real[o]):
    """One-dimensional transposed convolution, stride 1."""
    i = axis(size(p) + size(k) - 1)
    z[b, o, i] = sum((c, k), W[c, o, k] * x[b, c, i - k]) + bias[o]
    return z


@layer(cites="Shi et al. 2016")
def pixel_shuffle(x: Real[b, c * r * s, h, w], up: Count[r] = 2):
    """Channels to space."""
    s = axis(up)
    y[b, c, h, r, w, s] = x[b, c, r, s, h, w]
    return y


@layer(cites="nearest neighbour")
def upsample_nearest(x: Real[b, c, p], scale: Count = 2):
    """Repeat every element."""
    i = axis(size(p) * scale)
    y[b, c, i] = x[b, c, i // scale]
    return y


@layer(cites="median or top-k")
def topk_mask(x: Real[..., i], k: Count = 2):
    """Keep what fewer than k others exceed."""
    y[..., i] = x[..., i] if sum(j, 1 if x[..., j] > x[..., i] else 0) < k else 0
    return y
