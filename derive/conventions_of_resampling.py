"""Conventions of channels that become pixels, of windows put together, of windows as equal as can be, of distances.

See derive.conventions.
"""

from __future__ import annotations

from derive.convention import Convention

PIXELS = ("pixel_shuffle", "pixel_unshuffle")
ADDED = ("fold", "adaptive_avg_pool1d", "cosine_similarity", "cdist", "embedding_bag")

OF_RESAMPLING: tuple[Convention, ...] = (
    Convention(
        ("fold", "adaptive_avg_pool1d", "channel_shuffle", *PIXELS),
        "NaN or infinity in an argument, a cotangent or a tangent",
        "in the elements that it goes to, nowhere else",
        "PyTorch and JAX the same",
        "np.isnan(adaptive_avg_pool1d.forward(np.array([[[np.nan, 1, 1]]]))[0]).tolist() == [[[True, False]]]",
    ),
    Convention(
        ADDED,
        "a sum, square or product on the way is beyond the format",
        "computed again in float64, and in longdouble where that is wider, so that a result in range comes out",
        "PyTorch, TensorFlow and JAX give infinity or NaN",
        "cosine_similarity.forward(*np.full((2, 2), 3e38, np.float32))[0] == 1",
        at="range",
    ),
    Convention(
        PIXELS,
        "order of the channels",
        "of the channels of one group the first of two factors is the row of a square, the second its column",
        "PyTorch, and ONNX's `DepthToSpace` with mode CRD, the same; TensorFlow's `depth_to_space`, and mode DCR, "
        "have the group last",
        "pixel_shuffle.forward(np.arange(8.0).reshape(1, 8, 1, 1))[0].tolist() "
        "== [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]",
    ),
    Convention(
        ("fold",),
        "the shape of the argument, and of the result",
        "the windows' axes are axes, [..., k, l, i, j], as `unfold` gives them; the result is as long as the windows "
        "and their places reach",
        "PyTorch has one axis for k and l, one for i and j, and the result's lengths as an option",
        "fold.forward(np.ones((1, 1, 2, 2, 2, 1)))[0].tolist() == [[[[1, 1], [2, 2], [1, 1]]]]",
    ),
    Convention(
        ("adaptive_avg_pool1d",),
        "lengths that do not divide",
        "window i goes from floor(i p / n) to ceil((i + 1) p / n), so that neighbours may share an element",
        "PyTorch the same",
        "adaptive_avg_pool1d.forward(np.array([[[1.0, 2, 4]]]))[0].tolist() == [[[1.5, 3]]]",
    ),
    Convention(
        ("cosine_similarity",),
        "vectors shorter than epsilon",
        "count as epsilon long, each by itself; the value of a vector of zeros is 0",
        "PyTorch has the same value, and a gradient as if the length were not bounded",
        "cosine_similarity.forward(np.zeros(2), np.ones(2))[0] == 0",
    ),
    Convention(
        ("cdist",),
        "two vectors that are equal",
        "value 0, gradient 0",
        "PyTorch the same; JAX gives NaN as gradient of a root of a sum of squares",
        "grad(cdist, np.ones((1, 2)), np.ones((1, 2))).x.tolist() == [[0, 0]]",
    ),
    Convention(
        ("embedding_bag",),
        "a bag with no tokens",
        "a sum of 0; a mean of NaN, as 0 / 0 is, and its gradient too",
        "PyTorch gives 0 for both",
        "embedding_bag.forward(np.ones((1, 1)), np.zeros((1, 0), int), mode='sum')[0].item() == 0 "
        "and np.isnan(embedding_bag.forward(np.ones((1, 1)), np.zeros((1, 0), int), mode='mean')[0].item())",
        at="empty",
    ),
)
