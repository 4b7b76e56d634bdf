"""What says a problem of KernelBench that no composition is for: layers of the project, or what is missing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """Layers of the project, and with what."""

    layers: tuple[str, ...]
    how: str = ""


def each(text: str) -> dict[tuple[int, int], Said]:
    """Lines of a number, or two with a dash, layers with plus signs between, and how after a comma."""
    found = {}
    for line in text.strip().splitlines():
        word, rest = line.strip().split(" ", 1)
        names, _, how = rest.partition(", ")
        first, _, last = word.partition("-")
        level, n = first.split(".")
        for k in range(int(n), int(last or n) + 1):
            found[int(level), k] = Said(tuple(names.split(" + ")), how)
    return found


LAYERS = each("""
    1.1-4 matmul
    1.6-9 matmul
    1.10-11 matmul_shared
    1.12 diagonal_matmul
    1.13 matmul
    1.14 upper_triangular_matmul
    1.15 lower_triangular_matmul
    1.16 matmul_left_transposed
    1.17 matmul_right_transposed
    1.19 relu
    1.20 leaky_relu
    1.21 sigmoid
    1.22 tanh
    1.23 softmax
    1.24 log_softmax
    1.25 silu
    1.26 gelu
    1.27 selu
    1.28 hard_sigmoid
    1.29 softplus
    1.30 softsign
    1.31 elu
    1.32 hard_tanh
    1.33 batch_norm
    1.34 instance_norm, with scale 1 and shift 0
    1.35 group_norm
    1.36 rms_norm, with scale 1 and the channels last
    1.37 frobenius_normalize
    1.39 l2_normalize
    1.40 layer_norm_nd
    1.41 max_pool1d
    1.42 max_pool2d
    1.43 max_pool3d
    1.44 avg_pool1d
    1.45 avg_pool2d
    1.46 avg_pool3d
    1.47 reduce_sum
    1.48 reduce_mean
    1.49 reduce_max
    1.50 conv2d
    1.51 argmax
    1.52 argmin
    1.53 reduce_min
    1.54 conv3d
    1.55-56 conv2d
    1.57 conv_transpose2d
    1.58 conv_transpose3d
    1.59-60 conv3d
    1.61 conv_transpose3d
    1.62-63 conv2d
    1.64 conv_transpose1d
    1.65 conv_transpose2d
    1.66 conv3d
    1.67 conv1d
    1.68 conv_transpose3d
    1.69 conv_transpose2d
    1.70 conv_transpose3d
    1.71 conv_transpose2d
    1.72-73 conv_transpose3d
    1.74 conv_transpose1d
    1.75 conv_transpose2d
    1.76 conv1d
    1.77 conv_transpose3d
    1.78 conv_transpose2d
    1.79 conv_transpose1d
    1.80 conv2d
    1.81 conv_transpose2d
    1.82-85 depthwise_conv2d
    1.86 depthwise_conv2d + conv2d
    1.87 conv2d
    1.88 gelu_tanh
    1.89 cumsum
    1.90 cumprod
    1.91 reverse_cumsum
    1.92 exclusive_cumsum
    1.93 masked_cumsum
    1.94 mse
    1.95 softmax_cross_entropy_labels
    1.96 huber
    1.97 attention
    3.1-3 mlp
""")

_NETWORKS = {7, 9, 10, 14, 15, 16, 18, 19, 20, *range(22, 28), 29, 30, 45}  # of level 3, not written yet

MISSING: dict[tuple[int, int], str] = {
    (2, 11): "normalising grouped channels over the batch, in a composition",
    **{(3, n): "a composition, not written yet" for n in _NETWORKS},
}
