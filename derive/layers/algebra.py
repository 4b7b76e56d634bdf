"""Products of vectors and matrices, distances, and parts of matrices."""

from __future__ import annotations

from derive import layer


@layer(cites="Binet 1812; Cayley 1858")
def matmul(A: Real[..., i, k], B: Real[..., k, j]):
    """The product of two matrices, one for each leading index."""
    C[..., i, j] = sum(k, A[..., i, k] * B[..., k, j])
    return C


@layer(cites="Binet 1812; Cayley 1858; the transposed left factor of BLAS")
def matmul_left_transposed(A: Real[..., k, i], B: Real[..., k, j]):
    """The product of the transpose of one matrix with another, one for each leading index."""
    C[..., i, j] = sum(k, A[..., k, i] * B[..., k, j])
    return C


@layer(cites="Binet 1812; Cayley 1858; the transposed right factor of BLAS")
def matmul_right_transposed(A: Real[..., i, k], B: Real[..., j, k]):
    """The product of one matrix with the transpose of another, one for each leading index."""
    C[..., i, j] = sum(k, A[..., i, k] * B[..., j, k])
    return C


@layer(cites="Binet 1812; Cayley 1858; one right factor for all, as in a linear layer")
def matmul_shared(A: Real[..., i, k], B: Real[k, j]):
    """The products of many matrices with one that they share."""
    C[..., i, j] = sum(k, A[..., i, k] * B[k, j])
    return C


@layer(cites="Cayley 1858")
def matvec(A: Real[..., i, j], x: Real[..., j]):
    """The product of a matrix and a vector, one for each leading index."""
    y[..., i] = sum(j, A[..., i, j] * x[..., j])
    return y


@layer(cites="Gibbs 1881, Elements of Vector Analysis")
def dot(x: Real[..., i], y: Real[..., i]):
    """The scalar product of two vectors, one for each leading index."""
    s[...] = sum(i, x[..., i] * y[..., i])
    return s


@layer(cites="Grassmann 1862, Die Ausdehnungslehre")
def outer(x: Real[..., i], y: Real[..., j]):
    """All products of an element of one vector and an element of another."""
    z[..., i, j] = x[..., i] * y[..., j]
    return z


@layer(cites="Tenenbaum and Freeman 2000; nn.Bilinear")
def bilinear(x: Real[..., i], y: Real[..., j], W: Real[o, i, j], b: Real[o]):
    """A form that is linear in each of two inputs, one for each output, and a bias."""
    z[..., o] = sum((i, j), W[o, i, j] * x[..., i] * y[..., j]) + b[o]
    return z


@layer(cites="Sylvester 1852; x' A x")
def quadratic_form(x: Real[..., i], A: Real[i, j]):
    """The quadratic form of a square matrix at each vector."""
    j = axis(size(i))
    y[...] = sum((i, j), x[..., i] * A[i, j] * x[..., j])
    return y


@layer(cites="Golub and Van Loan 2013, Matrix Computations, 1.2")
def diagonal_matmul(a: Real[..., i], B: Real[..., i, j]):
    """The product of a diagonal matrix, of which the diagonal is given, and a matrix."""
    C[..., i, j] = a[..., i] * B[..., i, j]
    return C


@layer(cites="Golub and Van Loan 2013, Matrix Computations, 1.2")
def lower_triangular_matmul(A: Real[..., i, k], B: Real[..., k, j]):
    """The product of the lower triangle of one matrix, with its diagonal, and another matrix."""
    L[..., i, k] = A[..., i, k] if k <= i else 0
    C[..., i, j] = sum(k, L[..., i, k] * B[..., k, j])
    return C


@layer(cites="Golub and Van Loan 2013, Matrix Computations, 1.2")
def upper_triangular_matmul(A: Real[..., i, k], B: Real[..., k, j]):
    """The product of the upper triangle of one matrix, with its diagonal, and another matrix."""
    U[..., i, k] = A[..., i, k] if k >= i else 0
    C[..., i, j] = sum(k, U[..., i, k] * B[..., k, j])
    return C


@layer(cites="Golub and Van Loan 2013, Matrix Computations, 1.2")
def tril(x: Real[..., i, j], diagonal: Integer = 0):
    """The lower triangle of a matrix: zeros above the diagonal, or above one that is further up."""
    y[..., i, j] = x[..., i, j] if j <= i + diagonal else 0
    return y


@layer(cites="Golub and Van Loan 2013, Matrix Computations, 1.2")
def triu(x: Real[..., i, j], diagonal: Integer = 0):
    """The upper triangle of a matrix: zeros below the diagonal, or below one that is further up."""
    y[..., i, j] = x[..., i, j] if j >= i + diagonal else 0
    return y


@layer(cites="Cayley 1858")
def transpose(x: Real[..., i, j]):
    """Rows become columns."""
    y[..., j, i] = x[..., i, j]
    return y


@layer(cites="Taber 1890; the sum of the diagonal")
def trace(A: Real[..., i, j]):
    """The sum of the diagonal of a square matrix."""
    j = axis(size(i))
    y[...] = sum(i, A[..., i, i])
    return y


@layer(cites="numpy.diagonal")
def diagonal(A: Real[..., i, j]):
    """The diagonal of a square matrix."""
    j = axis(size(i))
    y[..., i] = A[..., i, i]
    return y


@layer(cites="Euclid; epsilon is added to each difference, as in PyTorch")
def pairwise_distance(x: Real[..., i], y: Real[..., i], epsilon: Scalar = 1e-6):
    """The Euclidean distance of two vectors, one for each leading index."""
    d[...] = sqrt(sum(i, (x[..., i] - y[..., i] + epsilon) ** 2))
    return d


@layer(cites="Euclid; the metric sqeuclidean of scipy.spatial.distance.cdist")
def cdist_squared(x: Real[..., i, d], y: Real[..., j, d]):
    """The squared distance of each vector of one set from each of another."""
    D[..., i, j] = sum(d, (x[..., i, d] - y[..., j, d]) ** 2)
    return D


@layer(cites="torch.diag_embed")
def diagonal_matrix(x: Real[..., i]):
    """The matrix with this diagonal and zeros elsewhere."""
    j = axis(size(i))
    D[..., i, j] = x[..., i] if i == j else 0
    return D


@layer(cites="Euclid; the metric euclidean of scipy.spatial.distance.cdist")
def cdist(x: Real[..., i, d], y: Real[..., j, d]):
    """The distance of each vector of one set from each of another."""
    D[..., i, j] = sqrt(sum(d, (x[..., i, d] - y[..., j, d]) ** 2))
    return D


@layer(cites="the cosine of the angle between two vectors; Salton, Wong and Yang 1975")
def cosine_similarity(x: Real[..., i], y: Real[..., i], epsilon: Positive = 1e-8):
    """The cosine of the angle between two vectors; squared lengths count as epsilon's square where below it."""
    r[...] = sum(i, x[..., i] ** 2)
    s[...] = sum(i, y[..., i] ** 2)
    c[...] = sum(i, x[..., i] * y[..., i]) / (sqrt(max(r[...], epsilon**2)) * sqrt(max(s[...], epsilon**2)))
    return c
