"""Conventions of convolution and pooling; see derive.conventions."""

from __future__ import annotations

from derive.convention import Convention

OF_WINDOWS: tuple[Convention, ...] = (
    Convention(
        ("avg_pool1d", "avg_pool2d", "avg_pool3d"),
        "outside the array",
        "zero, and counted; not counted where `count_include_pad` is False, which leaves the mean of what is inside",
        "PyTorch the same; TensorFlow and JAX's `nn.avg_pool` of Flax count or do not, too; ONNX does not by default",
        "avg_pool1d.forward(np.ones((1, 1, 1)), padding=(1, 0))[0].item() == 0.5 and "
        "avg_pool1d.forward(np.ones((1, 1, 1)), padding=(1, 0), count_include_pad=False)[0].item() == 1",
    ),
    Convention(
        ("avg_pool1d", "avg_pool2d"),
        "a window that lies outside, and nothing there counts",
        "NaN, as 0 / 0 is; no gradient comes from it",
        "PyTorch takes no padding beyond half a window",
        at="empty",
    ),
    Convention(
        ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        "where no element of the input comes to, and output_padding",
        "the bias alone; `output_padding` lengthens the result at its end, where windows may still reach",
        "PyTorch the same, with one number for both ends in `padding`; Keras computes it for `same`",
        "conv_transpose1d.forward(np.ones((1, 1, 2)), np.ones((1, 1, 1)), np.full(1, 7.0), stride=2, "
        "output_padding=1)[0].tolist() == [[[8, 7, 8, 7]]]",
    ),
    Convention(
        ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        "order of the weights' axes",
        "[in, out, ...], as of the convolution whose gradient it is",
        "PyTorch the same; Keras [..., out, in]; JAX's `conv_transpose` flips unless `transpose_kernel` is set",
        "conv_transpose1d.forward(np.ones((1, 2, 1)), np.ones((2, 3, 1)), np.zeros(3))[0].shape == (1, 3, 1)",
    ),
    Convention(
        ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        "NaN or infinity in W, or in a cotangent, where there is no element of the input",
        "NaN: outside the input and between two of its elements is the number 0, and multiplied",
        "PyTorch multiplies what there is alone",
        "np.isnan(conv_transpose1d.forward(np.ones((1, 1, 1)), np.array([[[np.nan, 1.0]]]), np.zeros(1))[0]).all()",
    ),
    Convention(
        ("global_avg_pool2d", "global_avg_pool1d", "global_avg_pool3d"),
        "no positions",
        "NaN, as 0 / 0 is, without a warning",
        "PyTorch the same",
        "np.isnan(global_avg_pool2d.forward(np.ones((1, 1, 0, 2)))[0].item())",
        at="empty",
    ),
    Convention(
        ("global_max_pool2d", "global_max_pool1d", "global_max_pool3d"),
        "no positions",
        "minus infinity, as of any maximum of nothing",
        "PyTorch refuses it",
        "global_max_pool2d.forward(np.ones((1, 1, 0, 2)))[0].item() == -np.inf",
        at="empty",
    ),
    Convention(
        ("global_max_pool2d", "global_max_pool1d", "global_max_pool3d"),
        "several largest elements",
        "the first one, row by row, gets the whole gradient",
        "PyTorch: `adaptive_max_pool2d` the same, `amax` shares it evenly; JAX shares it evenly",
        "grad(global_max_pool2d, np.zeros((1, 1, 2, 2))).x.ravel().tolist() == [1, 0, 0, 0]",
        at="tie",
    ),
    Convention(
        ("unfold",),
        "outside the array",
        "zero",
        "PyTorch the same",
        "unfold.forward(np.ones((1, 1, 1, 1)), window=1, padding=1)[0].ravel().tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]",
    ),
    Convention(
        ("adaptive_avg_pool2d",),
        "lengths that do not divide",
        "window i goes from floor(i p / n) to ceil((i + 1) p / n), so that neighbours may share an element",
        "PyTorch the same; TensorFlow Addons asks for lengths that divide",
        "adaptive_avg_pool2d.forward(np.array([[[[1.0, 2, 4]]]]), bins=(1, 2))[0].tolist() == [[[[1.5, 3]]]]",
    ),
)
