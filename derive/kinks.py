"""Conventions of activations with kinks, gates and parameters; see derive.conventions."""

from __future__ import annotations

from derive.convention import Convention

KINKS: tuple[Convention, ...] = (
    Convention(
        ("relu6", "hard_tanh", "hard_sigmoid", "hard_swish"),
        "x where two lines meet",
        "the gradient is that of the level one, 0, and of `hard_swish` the one outside: 0 at -3, 1 at 3",
        "PyTorch the same",
        "grad(relu6, np.array([0, 6.0])).x.tolist() == [0, 0] == grad(hard_tanh, np.array([-1, 1.0])).x.tolist() "
        "and grad(hard_sigmoid, np.array([-3, 3.0])).x.tolist() == [0, 0] "
        "and grad(hard_swish, np.array([-3, 3.0])).x.tolist() == [0, 2]",
        at="tie",
    ),
    Convention(
        ("threshold", "hard_shrink", "soft_shrink"),
        "x just at the level, or as far from 0 as lambd",
        "is not above it: replaced, and no gradient",
        "PyTorch the same",
        "grad(threshold, np.ones(1)).x[0] == 0 == grad(hard_shrink, np.array([-0.5])).x[0] "
        "and grad(soft_shrink, np.array([0.5])).x[0] == 0",
        at="tie",
    ),
    Convention(
        ("elu", "selu", "celu", "prelu"),
        "x = 0",
        "value 0, and the gradient of the negative side",
        "PyTorch the same",
        "grad(elu, np.zeros(1), alpha=3.0).x[0] == 3 and grad(celu, np.zeros(1), alpha=3.0).x[0] == 1 "
        "and grad(prelu, np.zeros((1, 1)), np.full(1, 3.0)).x[0, 0] == 3",
        at="tie",
    ),
    Convention(
        ("square_relu", "reglu"),
        "0 under the rectifier",
        "value 0, gradient 0",
        "PyTorch the same",
        "grad(reglu, np.ones((1, 1)), np.zeros((1, 1)), np.ones((1, 1))).W[0, 0] == 0",
        at="tie",
    ),
    Convention(
        ("prelu",),
        "NaN",
        "is not above 0: value NaN, gradient a",
        "PyTorch the same",
        "grad(prelu, np.full((1, 1), np.nan), np.full(1, 3.0)).x[0, 0] == 3",
    ),
    Convention(
        ("reglu", "maxout"),
        "NaN or infinity in an argument, a cotangent or a tangent",
        "is the largest, and NaN in every product that it stands in, with a slope of 0 too",
        "PyTorch the same",
        "np.isnan(reglu.forward(np.full(1, np.nan), np.ones((1, 1)), np.ones((1, 1)))[0]).all()",
    ),
    Convention(
        ("elu", "selu", "celu", "hard_swish"),
        "a second derivative of 0 and a cotangent or tangent of NaN or infinity",
        "NaN: it is multiplied",
        "PyTorch the same",
        "np.isnan(elu.double_backward(np.full(1, np.nan), (np.ones(1),), (np.ones(1),)).x[0])",
    ),
    Convention(
        ("softsign",),
        "x = 0, inf or -inf",
        "gradient 1 at 0; at infinity value NaN, which infinity over infinity is, and gradient 0",
        "PyTorch the same, and NaN as gradient at infinity",
        "grad(softsign, np.zeros(1)).x[0] == 1",
    ),
    Convention(
        ("relu6", "hard_tanh", "hard_sigmoid", "threshold", "hard_shrink", "soft_shrink"),
        "NaN",
        "stays NaN, and gets the gradient of what is kept: 1, of `hard_sigmoid` 1/6",
        "PyTorch the same, but 0 for `hard_sigmoid`",
        "np.isnan(threshold.forward(np.array([np.nan]))[0]).all() and grad(threshold, np.array([np.nan])).x[0] == 1 "
        "and grad(hard_sigmoid, np.array([np.nan])).x[0] == 1 / 6",
    ),
    Convention(
        ("elu", "selu", "celu", "hard_swish", "square_relu"),
        "NaN",
        "NaN, in the gradient too",
        "PyTorch the same but for gradients of what it takes for positive: 1 for `elu`, `celu` and `hard_swish`",
        "np.isnan(grad(elu, np.array([np.nan])).x[0]) and np.isnan(grad(hard_swish, np.array([np.nan])).x[0])",
    ),
    Convention(
        ("hard_swish",),
        "x = -inf",
        "0, the limit",
        "PyTorch gives NaN: 0 times infinity",
        "hard_swish.forward(np.array([-inf]))[0][0] == 0",
    ),
    Convention(
        ("softmin",),
        "inf among the scores; only inf, -inf or NaN among them",
        "probability 0; NaN in the whole row",
        "PyTorch the same",
        "softmin.forward(np.array([0, inf]))[0].tolist() == [1, 0]",
    ),
    Convention(
        ("maxout",),
        "several largest maps",
        "the first one gets the whole gradient",
        "PyTorch: one of them for `max`, shared evenly for `amax`",
        "grad(maxout, np.ones((1, 1)), np.ones((1, 2, 1)), np.zeros((1, 2))).b.tolist() == [[1, 0]]",
        at="tie",
    ),
    Convention(
        ("glu",),
        "which half is the gate",
        "the second; the features are the last axis",
        "PyTorch the same",
        "glu.forward(np.array([3.0, 0.0]))[0][0] == 1.5",
    ),
    Convention(
        ("swiglu", "geglu", "reglu"),
        "weights",
        "stored [out, in], without biases; W is under the activation",
        "the original paper the same",
        "swiglu.forward(np.ones(3), np.zeros((2, 3)), np.ones((2, 3)))[0].tolist() == [0, 0]",
    ),
    Convention(
        ("straight_through_round", "fake_quantize"),
        "as near to two whole numbers",
        "the even one; the gradient passes",
        "NumPy, PyTorch and JAX the same",
        "straight_through_round.forward(np.array([0.5, 1.5, -2.5]))[0].tolist() == [0, 2, -2] "
        "and grad(straight_through_round, np.array([0.5])).x[0] == 1",
        at="tie",
    ),
    Convention(
        ("straight_through_sign",),
        "x = 0, and x = 1 or -1",
        "the sign of 0 is 0; at 1 and -1 the gradient passes as it does between them",
        "Hubara et al. have 1 for the sign of 0; PyTorch's `sign` and `clamp` the same as here",
        "straight_through_sign.forward(np.array([0.0, 1, -1]))[0].tolist() == [0, 1, -1] "
        "and grad(straight_through_sign, np.array([0.0, 1, -1])).x.tolist() == [1, 2, 3]",
        at="tie",
    ),
    Convention(
        ("fake_quantize",),
        "what rounds to low or high, or beyond",
        "at both ends the gradient passes; beyond them it is 0",
        "PyTorch the same",
        "grad(fake_quantize, np.array([0.0, 1.2, 1.3]), scale=1.0, low=0, high=1).x.tolist() == [1, 2, 3] "
        "and grad(fake_quantize, np.array([-0.6, 1.6]), scale=1.0, low=0, high=1).x.tolist() == [0, 0]",
    ),
    Convention(
        ("vector_quantize",),
        "rows of the codebook as near as one another",
        "the first one",
        "`argmin` of NumPy and JAX the same, of PyTorch without a promise",
        "vector_quantize.forward(np.zeros((1, 1)), np.array([[1.0], [-1.0]]))[0].y.tolist() == [[1]]",
        at="tie",
    ),
    Convention(
        ("straight_through_round", "straight_through_sign", "fake_quantize", "vector_quantize"),
        "NaN",
        "stays NaN in the value, of the sign it is 0; of a codebook the first row that is NaN away",
        "PyTorch has NaN for the sign of NaN",
        "np.isnan(straight_through_round.forward(np.full(1, np.nan))[0][0])",
    ),
)
