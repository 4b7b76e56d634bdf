"""Conventions of normalisation and of optimisers; see derive.conventions."""

from __future__ import annotations

from derive.convention import Convention

OF_NORMS_AND_STEPS: tuple[Convention, ...] = (
    Convention(
        ("clip_by_value",),
        "NaN in a gradient",
        "stays: it is beyond no bound, and its slope is 1",
        "PyTorch the same",
        "np.isnan(clip_by_value.forward([np.array([np.nan])])[0][0][0])",
    ),
    Convention(
        ("clip_by_value",),
        "an element of tau or -tau",
        "nothing is changed; the gradient is that of the identity",
        "PyTorch the same; JAX shares it evenly",
        "clip_by_value.backward([np.array([5.0, 7])], clip_by_value.forward([np.array([1.0, -1])])[1]).g[0].tolist() "
        "== [5, 7]",
        at="tie",
    ),
    Convention(
        ("lion",),
        "a mean of 0, or NaN",
        "has the sign 0; NaN stays in the mean that is kept",
        "PyTorch the same; JAX has NaN for the sign of NaN",
        "lion.forward(*[[np.array([v])] for v in (1.0, np.nan, 0.0)], decay=0.0)[0].y[0][0] == 1",
        at="tie",
    ),
    Convention(
        ("l1_normalize", "l2_normalize", "weight_norm"),
        "a norm below epsilon",
        "epsilon divides, so 0 stays 0; `l2_normalize` and `weight_norm` compare the square of the norm with it",
        "PyTorch compares the norm, TensorFlow its square; `weight_norm` of PyTorch divides by 0",
        "l2_normalize.forward(np.zeros(3))[0].tolist() == [0, 0, 0]",
        at="tie",
    ),
    Convention(
        ("frobenius_normalize",),
        "an array of zeros",
        "NaN, as 0 / 0 is",
        "PyTorch the same",
        "np.isnan(frobenius_normalize.forward(np.zeros(3))[0]).all()",
        at="nothing",
    ),
    Convention(
        ("local_response_norm",),
        "the channels nearby",
        "of an even width, one more before than behind; a mean over the width, at the borders too",
        "PyTorch the same; ONNX has one more behind",
        "np.allclose(local_response_norm.forward(np.ones((1, 3)), width=2, alpha=1.0, beta=1.0)[0], "
        "[[2 / 3, 0.5, 0.5]])",
    ),
)
