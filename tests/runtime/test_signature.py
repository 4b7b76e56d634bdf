"""A call is looked up by what it was examined for, and by nothing less."""

from __future__ import annotations

import numpy as np
import pytest

from reference.layers import embedding, grouped_query_attention, inverted_dropout, sgd


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_is_not_taken_for_an_array() -> None:
    """`*` of matrices is another product: after the same call with arrays, one must not reach the kernel."""
    rng = np.random.default_rng(1)
    x, m, dy = (rng.standard_normal((3, 3)) for _ in range(3))
    for wrap in (np.asarray, np.asmatrix):
        y, saved = inverted_dropout.forward(wrap(x), wrap(m), p=0.5)
        np.testing.assert_array_equal(np.asarray(y), x * m / 0.5)
        np.testing.assert_array_equal(np.asarray(inverted_dropout.backward(wrap(dy), saved).x), dy * m / 0.5)
        (step,), saved = sgd.forward([wrap(x)], [wrap(m)], alpha=0.5)
        np.testing.assert_array_equal(np.asarray(step), x - 0.5 * m)
        np.testing.assert_array_equal(np.asarray(sgd.backward([wrap(dy)], saved).dW[0]), -0.5 * dy)


def test_cotangents_of_lists_are_checked_in_every_call() -> None:
    arrays = [np.ones((2, 3)), np.ones(4)]
    _, saved = sgd.forward(arrays, arrays)
    for _ in range(2):
        sgd.backward(arrays, saved)
        with pytest.raises(ValueError, match=r"dW|y.*has shapes \[\(2, 3\)\]"):
            sgd.backward(arrays[:1], saved)
        with pytest.raises(ValueError, match=r"has shapes \[\(4,\), \(2, 3\)\]"):
            sgd.backward(arrays[::-1], saved)
        assert sgd.backward([a.astype(np.float32) for a in arrays], saved).W[0].dtype == np.float64


def test_a_label_that_is_ignored_is_no_position() -> None:
    """Asked in the first call of its kind, when arguments are examined, and in the second, when they are known."""
    table = np.ones((3, 2))
    for _ in range(2):
        y, _ = embedding.forward(table, np.array([0, -1, 2]))
        np.testing.assert_array_equal(y, [[1, 1], [0, 0], [1, 1]])


def test_nothing_times_any_length_is_nothing() -> None:
    """Of no groups there are no heads, whatever a group has; of heads there is a group."""
    query, key = np.ones((2, 0, 4, 3)), np.ones((2, 0, 5, 3))
    O, saved = grouped_query_attention.forward(query, key, key)
    assert O.shape == query.shape
    assert grouped_query_attention.backward(O, saved).Q.shape == query.shape
    with pytest.raises(ValueError, match="not a multiple of 0"):
        grouped_query_attention.forward(np.ones((2, 6, 4, 3)), key, key)
