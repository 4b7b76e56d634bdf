"""The handwritten digits of scikit-learn, split into three parts that share no example.

1797 images of 8 x 8 pixels in ten classes, from the optical recognition set of the UCI repository (E.
Alpaydin and C. Kaynak, 1998). They ship inside scikit-learn: nothing is fetched.
"""

from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

PIXEL_MAXIMUM = 16  # the images count the set pixels of 4 x 4 blocks


class MissingDependencyError(ImportError):
    """An optional package is needed for what was asked; the message holds the command that installs it."""


class Examples(NamedTuple):
    """Inputs with their labels, row by row."""

    x: NDArray[Any]  # [batch, features], float
    t: NDArray[np.int64]  # [batch], the class of each row


class Split(NamedTuple):
    """Three disjoint parts: one to learn from, one to decide when to stop, one to be judged by."""

    training: Examples
    validation: Examples
    test: Examples


def load_digits(*, seed: int = 0, validation: float = 0.15, test: float = 0.2, dtype: DTypeLike = np.float64) -> Split:
    """Return the digits, scaled to [0, 1], as three stratified parts.

    Args:
        seed: which examples go where; equal seeds give equal splits.
        validation: share of every class kept aside for validation.
        test: share of every class held out for the final judgement.
        dtype: of the images.

    Returns:
        A Split; every x is [batch, 64] in [0, 1], every t is [batch] in 0..9.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
        ValueError: a share is not positive, or nothing is left to train on.
    """
    try:
        datasets = import_module("sklearn.datasets")  # here, not above: it takes a second, and few need it
    except ImportError as error:
        raise MissingDependencyError(
            "the digits data set ships inside scikit-learn, which is not installed: pip install scikit-learn"
        ) from error
    images, labels = datasets.load_digits(return_X_y=True)
    x = (np.asarray(images) / PIXEL_MAXIMUM).astype(dtype)
    t = np.asarray(labels, dtype=np.int64)
    parts = stratified(t, (1 - validation - test, validation, test), np.random.default_rng(seed))
    return Split(*(Examples(x[rows], t[rows]) for rows in parts))


def stratified(t: NDArray[np.int64], shares: tuple[float, ...], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Deal the rows of t into parts so that every class has, to one row, the given share in each part.

    Args:
        t: [batch], the class of each row.
        shares: positive, with sum 1.
        rng: decides which rows go where, and their order.

    Raises:
        ValueError: a share is not positive, or they don't add up to 1.
    """
    if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"the shares of a split must be positive and have sum 1, not {shares}")
    ends = np.cumsum(shares)[:-1]
    parts: list[list[NDArray[np.int64]]] = [[] for _ in shares]
    for label in np.unique(t):
        rows = rng.permutation(np.flatnonzero(t == label))
        for part, piece in zip(parts, np.split(rows, np.rint(ends * len(rows)).astype(int)), strict=True):
            part.append(piece)
    return [rng.permutation(np.concatenate(part)) for part in parts]
