"""KernelBench, level 1: what is no layer of the project."""

from __future__ import annotations

from derive import layer


@layer(cites="KernelBench, level 1, problem 5")
def matrix_scalar_multiplication(A: Real[i, j], s: Real):
    """A matrix times a number."""
    C[i, j] = A[i, j] * s
    return C


@layer(cites="KernelBench, level 1, problem 18")
def matmul_with_transposed_both(A: Real[k, i], B: Real[j, k]):
    """The product of the transposes of two matrices."""
    C[i, j] = sum(k, A[k, i] * B[j, k])
    return C


@layer(cites="KernelBench, level 1, problem 38")
def l1_norm(x: Real[n, i]):
    """Divide by the mean of absolute values."""
    size_of[n] = mean(i, abs(x[n, i]))
    y[n, i] = x[n, i] / size_of[n]
    return y


@layer(cites="KernelBench, level 1, problem 98")
def kl_div_loss(p: Real[n, i] > 0, t: Real[n, i] > 0):
    """The divergence of predicted probabilities p from targets t, for each example."""
    L = sum((n, i), t[n, i] * (log(t[n, i]) - log(p[n, i]))) / size(n)
    return L


@layer(cites="KernelBench, level 1, problem 99")
def triplet_margin_loss(a: Real[n, i], p: Real[n, i], q: Real[n, i], margin: Scalar = 1.0):
    """How much nearer than by a margin p should be to a than q is, in the mean; as PyTorch adds 1e-6 to differences."""
    near[n] = sqrt(sum(i, (a[n, i] - p[n, i] + 1e-6) ** 2))
    far[n] = sqrt(sum(i, (a[n, i] - q[n, i] + 1e-6) ** 2))
    L = mean(n, max(0, near[n] - far[n] + margin))
    return L


@layer(cites="KernelBench, level 1, problem 100")
def hinge_loss(y: Real[n, i], t: Real[i]):
    """The mean of what products with a target of 1 or -1 lack to 1."""
    L = mean((n, i), max(0, 1 - y[n, i] * t[i]))
    return L
