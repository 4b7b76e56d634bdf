"""Conventions of linear algebra, reductions and structure; see derive.conventions."""

from __future__ import annotations

from derive.convention import Convention

PRODUCTS = (
    *("matmul", "matmul_left_transposed", "matmul_right_transposed", "matmul_shared", "matvec", "dot", "outer"),
    *("bilinear", "quadratic_form", "diagonal_matmul", "lower_triangular_matmul", "upper_triangular_matmul"),
)
TRIANGLES = ("tril", "triu", "lower_triangular_matmul", "upper_triangular_matmul")
SUMS_ALONG = (
    *("reduce_sum", "reduce_mean", "reduce_sum_square", "reduce_l2", "cumsum", "reverse_cumsum", "exclusive_cumsum"),
    *("center", "difference", "reduce_var", "reduce_std"),
    *("cdist_squared", "cdist", "cosine_similarity", "pairwise_distance", "reduce_logsumexp"),
)
LENGTHS = ("pairwise_distance", "reduce_l2")
PUT_TOGETHER = ("concatenate", "pad_constant", "pad_circular", "pad_replicate", "pad_reflect")
PLACES = ("gather", "gather_rows")

OF_STRUCTURE: tuple[Convention, ...] = (
    Convention(
        TRIANGLES,
        "NaN or infinity outside the triangle",
        "stays out of values and of gradients: elements are chosen, not multiplied by 0",
        "PyTorch, JAX and NumPy the same for the triangle itself, and for its product with finite numbers",
        "tril.forward(np.array([[1, np.nan], [2, 3]]))[0].tolist() == [[1, 0], [2, 3]]",
    ),
    Convention(
        ("lower_triangular_matmul", "upper_triangular_matmul"),
        "NaN or infinity in the other factor, beside a zero of the triangle",
        "takes no part",
        "PyTorch and JAX give NaN: 0 times NaN in the product",
        "lower_triangular_matmul.forward(np.ones((2, 2)), np.array([[1], [np.nan]]))[0][0, 0] == 1",
    ),
    Convention(
        ("reduce_max", "reduce_min"),
        "several largest, or smallest, elements",
        "the first one gets the whole gradient",
        "PyTorch: one of them, which is not told, for `max`, shared evenly for `amax`; JAX shares it evenly",
        "grad(reduce_max, np.array([2.0, 2, 1])).x.tolist() == [1, 0, 0] "
        "and grad(reduce_min, np.array([1.0, 1, 2])).x.tolist() == [1, 0, 0]",
        at="tie",
    ),
    Convention(
        ("reduce_max", "reduce_min"),
        "NaN",
        "is the result, and the first one gets the gradient",
        "PyTorch the same for `max` and `min`; NaN in all gradients for `amax` and `amin`",
        "np.isnan(reduce_min.forward(np.array([1.0, np.nan]))[0]) "
        "and grad(reduce_min, np.array([1.0, np.nan])).x.tolist() == [0, 1]",
    ),
    Convention(
        ("argmax", "argmin"),
        "several largest, or smallest, elements; NaN",
        "the first one; the first NaN",
        "NumPy, PyTorch and JAX the same, PyTorch without a promise",
        "argmax.forward(np.array([1.0, 3, 3]))[0] == 1 and argmin.forward(np.array([1.0, np.nan, 0]))[0] == 1",
        at="tie",
    ),
    Convention(
        ("argmax", "argmin"),
        "the gradient",
        "0: a place does not move with the numbers",
        "PyTorch and JAX have none",
        "grad(argmax, np.array([1.0, 2])).x.tolist() == [0, 0]",
    ),
    Convention(
        ("argmax", "argmin"),
        "an axis of length 0",
        "0, where nothing is",
        "NumPy, PyTorch and JAX refuse",
        "argmax.forward(np.zeros((1, 0)))[0].tolist() == [0]",
        at="empty",
    ),
    Convention(
        ("reduce_max", "reduce_min", "reduce_logsumexp"),
        "an axis of length 0",
        "minus infinity, which is below all numbers; of the smallest, infinity",
        "PyTorch and JAX the same for logsumexp, and an error for the largest and smallest",
        "reduce_max.forward(np.zeros((1, 0)))[0][0] == -inf == reduce_logsumexp.forward(np.zeros((1, 0)))[0][0] "
        "and reduce_min.forward(np.zeros((1, 0)))[0][0] == inf",
        at="empty",
    ),
    Convention(
        ("reduce_sum", "reduce_sum_square", "reduce_l2", "matmul", "dot"),
        "an axis of length 0",
        "0",
        "all frameworks the same",
        "reduce_sum.forward(np.zeros((1, 0)))[0][0] == 0 == reduce_l2.forward(np.zeros((1, 0)))[0][0]",
        at="empty",
    ),
    Convention(
        ("reduce_mean",),
        "an axis of length 0",
        "NaN, as 0 / 0 is; the gradient is as empty as what it belongs to",
        "PyTorch, JAX and NumPy the same; NumPy warns",
        "np.isnan(reduce_mean.forward(np.zeros((1, 0)))[0][0])",
        at="empty",
    ),
    Convention(
        ("reduce_logsumexp",),
        "nothing but -inf; inf",
        "minus infinity, and NaN as gradient; of inf NaN for both",
        "PyTorch and JAX the same of nothing but -inf; of inf infinity, and NaN as its gradient",
        "reduce_logsumexp.forward(np.full(2, -inf))[0] == -inf",
        at="nothing",
    ),
    Convention(
        ("reduce_log_sum",),
        "a sum of 0, or NaN",
        "minus infinity, and an infinite gradient; NaN",
        "PyTorch the same",
        "np.isnan(reduce_log_sum.forward(np.array([np.nan]))[0])",
    ),
    Convention(
        LENGTHS,
        "a length of 0",
        "value 0, gradient 0",
        "PyTorch the same; JAX gives NaN as gradient",
        "grad(reduce_l2, np.zeros(2)).x.tolist() == [0, 0] "
        "and grad(pairwise_distance, np.ones(2), np.ones(2), epsilon=0.0).x.tolist() == [0, 0]",
        at="tie",
    ),
    Convention(
        ("pairwise_distance",),
        "epsilon",
        "is added to each difference x − y, so that exchanging x and y changes the result a little",
        "PyTorch the same",
        "pairwise_distance.forward(np.array([3.0]), np.array([1.0]), epsilon=0.5)[0] == 2.5",
    ),
    Convention(
        ("cumprod",),
        "0 among the elements",
        "nothing is divided by it: the gradients are the products of all the others",
        "PyTorch and JAX the same",
        "grad(cumprod, np.array([2.0, 0, 3, 0])).x.tolist() == [1, 22, 0, 0]",
    ),
    Convention(
        ("cumprod", "reduce_prod"),
        "NaN or infinity in an argument, a cotangent or a tangent",
        "in what depends on it; and multiplied by 0, the slope of the 1 that products begin with",
        "PyTorch and JAX have it only in what depends on it",
        "np.isnan(cumprod.jvp((np.array([np.nan, 1]),), (np.ones(2),))).all()",
    ),
    Convention(
        ("masked_cumsum",),
        "NaN or infinity in what the mask leaves out",
        "stays out of values and of gradients",
        "PyTorch and JAX give NaN where a mask of zeros and ones is multiplied",
        "masked_cumsum.forward(np.array([np.nan, 1]), np.array([False, True]))[0].tolist() == [0, 1]",
    ),
    Convention(
        ("exclusive_cumsum",),
        "the first sum",
        "0: the sum of nothing",
        "TensorFlow's `cumsum(exclusive=True)` the same",
        "exclusive_cumsum.forward(np.array([3.0, 4]))[0].tolist() == [0, 3]",
    ),
    Convention(
        PLACES,
        "a negative place, or one beyond the end",
        "an error",
        "PyTorch the same; NumPy counts negative ones from the end, as JAX does, which gives NaN beyond the end",
    ),
    Convention(
        PLACES,
        "a place that occurs twice",
        "its element collects both gradients",
        "all frameworks the same",
        "grad(gather, np.ones(2), np.array([1, 1])).x.tolist() == [0, 3]",
    ),
    Convention(
        ("reduce_l1",),
        "an element of 0, or NaN",
        "has the slope 0: the sign of both; NaN is the result",
        "PyTorch the same; JAX has 1 at 0, and -1 for NaN",
        "grad(reduce_l1, np.array([0.0, -2, np.nan])).x.tolist() == [0, -1, 0]",
        at="tie",
    ),
    Convention(
        ("reduce_var",),
        "what the sum of squares is divided by",
        "the length less the correction, which is 0 by default: the variance of a population",
        "NumPy and JAX the same, who call it ddof; PyTorch has 1 by default",
        "reduce_var.forward(np.array([3.0, 1]))[0] == 1 "
        "and reduce_var.forward(np.array([3.0, 1]), correction=1)[0] == 2",
    ),
    Convention(
        ("reduce_std",),
        "a constant row",
        "0, where a root has no slope: the gradient is NaN, with NumPy's warning",
        "PyTorch has the gradient 0, JAX NaN",
        'np.isnan(np.errstate(invalid="ignore")(grad)(reduce_std, np.array([2.0, 2])).x).all()',
    ),
    Convention(
        ("reduce_std",),
        "what the sum of squares is divided by",
        "the length less the correction, which is 0 by default",
        "NumPy and JAX the same, who call it ddof; PyTorch has 1 by default",
        "reduce_std.forward(np.array([3.0, 1]))[0] == 1",
    ),
    Convention(
        ("reduce_prod",),
        "0 among the elements, or none",
        "nothing is divided by it: the gradients are the products of all the others; the product of none is 1",
        "PyTorch and JAX the same",
        "grad(reduce_prod, np.array([2.0, 0, 3])).x.tolist() == [0, 6, 0] and reduce_prod.forward(np.zeros(0))[0] == 1",
    ),
    Convention(
        ("split",),
        "which elements",
        "the first so many, and the rest, which may be none",
        "PyTorch's `tensor_split` the same",
        "split.forward(np.arange(3.0), first=3)[0].b.shape == (0,)",
    ),
    Convention(
        ("pad_circular",),
        "more places than the axis has",
        "goes round more than once",
        "NumPy the same; PyTorch goes round once at most",
        "pad_circular.forward(np.array([1.0, 2]), before=3, after=0)[0].tolist() == [2, 1, 2, 1, 2]",
    ),
    Convention(
        ("pad_reflect",),
        "more places than there are elements beside the first, or the last",
        "0 where the reflection has ended",
        "NumPy reflects it again; PyTorch refuses",
        "pad_reflect.forward(np.array([1.0, 2]), before=3, after=0)[0].tolist() == [0, 1, 2, 1, 2]",
    ),
    Convention(
        ("pad_replicate",),
        "an axis of length 0",
        "0: there is no first or last element",
        "PyTorch and NumPy refuse",
        "pad_replicate.forward(np.zeros(0))[0].tolist() == [0, 0]",
        at="empty",
    ),
    Convention(
        ("roll",),
        "a shift that is negative, or longer than the axis",
        "goes the other way; goes round more than once",
        "NumPy, PyTorch and JAX the same",
        "roll.forward(np.arange(3.0), shift=-4)[0].tolist() == [1, 2, 0]",
    ),
    Convention(
        (
            *("transpose", "diagonal", "trace", "flip", *PLACES, "roll", "split", "stack", "diagonal_matrix"),
            *PUT_TOGETHER,
            *("unfold", "upsample_nearest2d", "flatten", "split_heads", "merge_heads", "patches"),
        ),
        "NaN or infinity in an argument, a cotangent or a tangent",
        "in the elements that it goes to, nowhere else",
        "PyTorch and JAX the same",
        "np.isnan(flip.forward(np.array([np.nan, 1.0]))[0]).tolist() == [False, True]",
    ),
)
