"""The problems of KernelBench's level 1 whose layer exists: their layer, the lengths of its axes, its options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        layer: ours. shape: lengths of its axes. batch: the axis that is cut. options: of the layer.
        tail: the input whose last column is forgotten, and its axis; None: the last number of a result is wrong.
        note: what differs from the problem.
    """

    number: int
    words: str
    layer: str
    shape: dict[str, int]
    batch: str
    options: dict[str, Any] = field(default_factory=dict)
    tail: tuple[str, int] | None = None
    note: str = ""


def elementwise(number: int, words: str, layer: str, **options: Any) -> Problem:
    return Problem(number, words, layer, {"...": 4096 * 393216}, "...", options)


def windows(
    number: int, words: str, layer: str, x: tuple[int, ...], kernel: tuple[int, ...], out: int = 0, **options: Any
) -> Problem:
    """A convolution or pooling over the last axes; ``out``: channels of the result."""
    batch, channels, *space = x
    shape = {"b": batch, **dict(zip("pqr", space, strict=False))}
    groups = options.get("groups", 1)
    if out and layer == "pointwise_conv2d":
        shape |= {"c": channels, "o": out}
    elif out:
        shape |= {"g": groups, "c": channels // groups, "o": out // groups, **dict(zip("klm", kernel, strict=False))}
    elif kernel:
        shape |= {"c": channels, **dict(zip("klm", kernel, strict=False))}
    else:
        shape |= {"c": channels}
    return Problem(number, words, layer, shape, "b", options)


def row(number: int, words: str, layer: str, rows: int, columns: int, **more: Any) -> Problem:
    return Problem(number, words, layer, {"...": rows, "i": columns}, "...", **more)


def product(number: int, words: str, layer: str, i: int, k: int, j: int, batch: int = 0, note: str = "") -> Problem:
    inner = -2 if layer == "matmul_left_transposed" else -1
    shape = {"i": i, "k": k, "j": j}
    if layer == "matmul_shared":
        return Problem(number, words, layer, shape | {"...": batch}, "...", tail=("A", inner), note=note)
    return Problem(
        number, words, layer, shape | {"...": batch or 1}, "..." if batch else "i", tail=("A", inner), note=note
    )


def cube(number: int, words: str, layer: str) -> Problem:
    """128x4096x4095, reduced along the second axis: images one below the other."""
    shape = {"...": 4095, "i": 4096}
    return Problem(
        number, words, layer, shape, "...", {"axis": 0}, ("x", 0), "one image of 128: no batch before the axis"
    )


HEADS = {"...": 32 * 32, "q": 512, "k": 512, "d": 1024, "v": 1024}
SQUARE = {"...": 32768 * 32768}
PROBLEMS = [
    product(1, "Square matrix multiplication", "matmul", 4096, 4096, 4096),
    product(2, "Standard matrix multiplication", "matmul", 2048, 8192, 4096),
    product(3, "Batched matrix multiplication", "matmul", 512, 1024, 2048, 128),
    Problem(4, "Matrix vector multiplication", "matvec", {"...": 1, "i": 2048, "j": 1048576}, "i", {}, ("A", -1)),
    product(6, "Matmul with large K dimension", "matmul", 256, 524288, 256),
    product(7, "Matmul with small K dimension", "matmul", 32768, 64, 32768),
    product(8, "Matmul with irregular shapes", "matmul", 8205, 2949, 5921),
    product(9, "Tall skinny matrix multiplication", "matmul", 32768, 32, 32768),
    product(10, "3D tensor matrix multiplication", "matmul_shared", 1024, 2048, 768, 16),
    product(11, "4D tensor matrix multiplication", "matmul_shared", 512, 256, 768, 2048, "two leading axes as one"),
    Problem(12, "Matmul with diagonal matrices", "diagonal_matmul", {"...": 1, "i": 4096, "j": 4096}, "i"),
    product(13, "Matmul for symmetric matrices", "matmul", 4096, 4096, 4096, note="symmetry is not used"),
    product(14, "Matmul for upper triangular matrices", "upper_triangular_matmul", 4096, 4096, 4096),
    product(15, "Matmul for lower triangular matrices", "lower_triangular_matmul", 4096, 4096, 4096),
    product(16, "Matmul with transposed A", "matmul_left_transposed", 2048, 8192, 4096),
    product(17, "Matmul with transposed B", "matmul_right_transposed", 2048, 8192, 4096),
    elementwise(19, "ReLU", "relu"),
    elementwise(20, "LeakyReLU", "leaky_relu"),
    elementwise(21, "Sigmoid", "sigmoid"),
    elementwise(22, "Tanh", "tanh"),
    row(23, "Softmax", "softmax", 4096, 393216),
    row(24, "LogSoftmax", "log_softmax", 4096, 393216),
    elementwise(25, "Swish", "swish"),
    elementwise(26, "GELU", "gelu"),
    elementwise(27, "SELU", "selu"),
    elementwise(28, "HardSigmoid", "hard_sigmoid"),
    elementwise(29, "Softplus", "softplus"),
    elementwise(30, "Softsign", "softsign"),
    elementwise(31, "ELU", "elu"),
    elementwise(32, "HardTanh", "hard_tanh"),
    Problem(33, "BatchNorm", "batch_norm", {"b": 64, "c": 64, "...": 512 * 512}, "b"),
    Problem(34, "InstanceNorm", "instance_norm", {"b": 112, "c": 64, "...": 512 * 512}, "b"),
    Problem(35, "GroupNorm", "group_norm", {"b": 112, "g": 8, "c": 8, "...": 512 * 512}, "b", {"groups": 8}),
    row(36, "RMSNorm", "rms_norm", 112 * 512 * 512, 64, note="features last"),
    Problem(37, "FrobeniusNorm", "frobenius_normalize", {"...": 112 * 64 * 512 * 512}, "..."),
    row(38, "L1Norm", "l1_normalize", 32768, 65535),
    row(39, "L2Norm", "l2_normalize", 32768, 65535),
    Problem(40, "LayerNorm", "layer_norm_nd", {"b": 16, "...": 64 * 256 * 256}, "b"),
    windows(41, "Max Pooling 1D", "max_pool1d", (64, 192, 65536), (), window=8, stride=1, padding=4, dilation=3),
    windows(42, "Max Pooling 2D", "max_pool2d", (32, 64, 512, 512), (), window=4, stride=1, padding=1),
    windows(43, "Max Pooling 3D", "max_pool3d", (16, 32, 128, 128, 128), (), window=3, stride=2, padding=1, dilation=3),
    windows(44, "Average Pooling 1D", "avg_pool1d", (64, 128, 65536), (), window=8, stride=1, padding=4),
    windows(45, "Average Pooling 2D", "avg_pool2d", (16, 64, 2048, 2048), (), window=11, stride=11),
    windows(46, "Average Pooling 3D", "avg_pool3d", (16, 32, 128, 128, 256), (), window=3, stride=2, padding=1),
    cube(47, "Sum reduction over a dimension", "reduce_sum"),
    cube(48, "Mean reduction over a dimension", "reduce_mean"),
    cube(49, "Max reduction over a dimension", "reduce_max"),
    windows(50, "conv 2D square, AlexNet's first", "conv2d", (256, 3, 224, 224), (11, 11), 96, stride=4, padding=2),
    cube(51, "Argmax over a dimension", "argmax"),
    cube(52, "Argmin over a dimension", "argmin"),
    cube(53, "Min reduction over a dimension", "reduce_min"),
    windows(54, "conv 3D square", "conv3d", (16, 3, 64, 64, 64), (3, 3, 3), 64),
    windows(55, "conv 2D asymmetric input", "conv2d", (8, 64, 512, 1024), (3, 3), 128),
    windows(56, "conv 2D asymmetric", "conv2d", (8, 64, 512, 256), (5, 7), 128),
    windows(57, "conv transposed 2D square", "conv_transpose2d", (8, 64, 1024, 1024), (3, 3), 64),
    windows(59, "conv 3D asymmetric input", "conv3d", (16, 3, 256, 256, 10), (3, 3, 1), 64),
    windows(60, "conv 3D asymmetric kernel", "conv3d", (16, 3, 64, 64, 64), (3, 5, 7), 64),
    windows(62, "conv 2D asymmetric kernel", "conv2d", (8, 32, 512, 512), (5, 9), 64),
    windows(63, "conv 2D square", "conv2d", (16, 16, 1024, 1024), (3, 3), 128),
    windows(64, "conv transposed 1D", "conv_transpose1d", (64, 128, 65536), (3,), 128),
    windows(65, "conv transposed 2D asymmetric kernel", "conv_transpose2d", (8, 64, 512, 512), (3, 7), 64),
    windows(66, "conv 3D asymmetric", "conv3d", (8, 3, 16, 128, 128), (3, 5, 7), 64),
    windows(67, "conv 1D", "conv1d", (32, 64, 131072), (3,), 128),
    windows(69, "conv transposed 2D asymmetric", "conv_transpose2d", (64, 64, 128, 256), (3, 5), 128),
    windows(71, "conv transposed 2D asymmetric input", "conv_transpose2d", (8, 32, 512, 1024), (3, 3), 32),
    windows(74, "conv transposed 1D dilated", "conv_transpose1d", (32, 32, 131072), (5,), 64, dilation=3),
    windows(
        75, "conv transposed 2D strided grouped padded dilated", "conv_transpose2d", (16, 32, 128, 256), (3, 5), 64,
        stride=(2, 3), padding=((1, 1), (2, 2)), dilation=(2, 1), groups=4,
    ),
    windows(76, "conv 1D dilated strided", "conv1d", (64, 64, 524280), (3,), 128, stride=3, dilation=4),
    windows(
        78, "conv transposed 2D asymmetric padded", "conv_transpose2d", (8, 32, 512, 1024), (3, 7), 32,
        padding=((1, 1), (3, 3)),
    ),
    windows(
        79, "conv transposed 1D padded strided dilated", "conv_transpose1d", (16, 32, 131072), (3,), 64, stride=2,
        padding=1, dilation=2,
    ),
    windows(
        80, "conv 2D dilated padded", "conv2d", (8, 32, 512, 512), (5, 9), 64, padding=((2, 2), (4, 4)),
        dilation=(2, 3),
    ),
    windows(
        81, "conv transposed 2D dilated padded strided", "conv_transpose2d", (16, 32, 64, 128), (3, 3), 64, stride=5,
        padding=1, dilation=2,
    ),
    windows(82, "conv depthwise 2D", "depthwise_conv2d", (16, 64, 512, 512), (3, 3)),
    windows(83, "conv depthwise 2D asymmetric kernel", "depthwise_conv2d", (64, 8, 512, 512), (3, 1)),
    windows(84, "conv depthwise 2D asymmetric input", "depthwise_conv2d", (64, 128, 256, 512), (3, 3)),
    windows(85, "conv depthwise 2D asymmetric", "depthwise_conv2d", (32, 128, 128, 256), (3, 7)),
    windows(87, "conv pointwise 2D", "pointwise_conv2d", (16, 64, 1024, 1024), (), 128),
    Problem(88, "MinGPTNewGelu", "gelu_tanh", {"...": 8192 * 8192}, "..."),
    row(89, "cumsum", "cumsum", 32768, 32768),
    row(91, "cumsum reverse", "reverse_cumsum", 32768, 32768),
    row(92, "cumsum exclusive", "exclusive_cumsum", 32768, 32768),
    row(93, "masked cumsum", "masked_cumsum", 32768, 32768),
    Problem(94, "MSELoss", "mse", SQUARE, "...", {}, ("y", -1), "of rows one after another"),
    row(95, "CrossEntropyLoss", "softmax_cross_entropy_labels", 32768, 4096, tail=("z", -1)),
    Problem(96, "HuberLoss", "huber", SQUARE, "...", {}, ("y", -1), "of rows one after another"),
    Problem(97, "ScaledDotProductAttention", "attention", HEADS, "...", note="two leading axes as one"),
    row(98, "KLDivLoss", "kl_div", 16384, 16384, tail=("log_q", -1)),
    Problem(99, "TripletMarginLoss", "triplet_margin", {"...": 32768, "d": 8192}, "...", {}, ("a", -1)),
    Problem(100, "HingeLoss", "hinge", SQUARE, "...", {}, ("y", -1), "labels of the shape of the scores"),
]  # fmt: skip
BY_NUMBER = {p.number: p for p in PROBLEMS}
