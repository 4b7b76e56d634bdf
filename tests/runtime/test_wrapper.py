"""What stands around the mathematics of a kernel: signatures and words for readers, and what is saved."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
from typing import Any, NamedTuple

import numpy as np
import pytest

from derive.evidence import kernels
from reference import batch_norm, layer_norm, linear, mlp, softmax
from reference.runtime.signature import Array, Dims, Signature, inside
from tests.evidence.shared import LAYERS

X, GAMMA = np.random.default_rng(1).standard_normal((4, 3)), np.array([1.0, -2.0, 0.5])


@pytest.mark.sampled("name")
@pytest.mark.parametrize("name", LAYERS)
def test_signatures_are_those_of_the_definition(name: str) -> None:
    kernel, layer = kernels.kernel_of(name), LAYERS[name][0]
    parameters = inspect.signature(kernel.forward).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == [t.name for t in layer.inputs]
    assert {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY} == {
        o.name: o.default for o in layer.options
    }
    assert list(inspect.signature(kernel.backward).parameters)[1:] == ["saved"]
    assert list(inspect.signature(kernel.jvp).parameters)[:2] == ["primals", "tangents"]


@pytest.mark.parametrize("function", ["forward", "backward", "jvp", "double_backward"])
def test_help_says_what_is_taken_and_what_is_raised(function: str) -> None:
    text = pydoc.plain(pydoc.render_doc(getattr(layer_norm, function)))
    assert "ValueError" in text
    assert "TypeError" in text
    assert "dims" not in text


def test_what_is_saved_has_names_and_can_be_copied() -> None:
    _, saved = layer_norm.forward(X, GAMMA, GAMMA)
    assert saved._fields == ("gamma", "inv_std", "x_hat", "dims")
    wanted = layer_norm.backward(X, saved)
    for again in (copy.deepcopy(saved), pickle.loads(pickle.dumps(saved))):
        assert type(again) is layer_norm.Saved
        for a, b in zip(layer_norm.backward(X, again), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("saved", [(), None, linear.forward(X, X, np.ones(4))[1], layer_norm.Saved(*"abcd")])
def test_what_forward_has_not_saved_is_refused(saved: Any) -> None:
    with pytest.raises(TypeError, match=r"^layer_norm: saved is not what forward of layer_norm returned"):
        layer_norm.backward(X, saved)
    with pytest.raises(TypeError, match=r"^layer_norm: saved is not what"):
        layer_norm.backward(X, tuple(layer_norm.forward(X, GAMMA, GAMMA)[1]))  # type: ignore[arg-type]


def test_types_of_results() -> None:
    y, saved = softmax.forward(X)
    assert type(y) is np.ndarray
    assert type(softmax.backward(y, saved)) is softmax.Gradients
    out, saved_ = batch_norm.forward(X, GAMMA, GAMMA, GAMMA, GAMMA)
    assert type(out) is batch_norm.Outputs
    assert type(batch_norm.double_backward(out.y, (X, *[GAMMA] * 4), (X, GAMMA, GAMMA))) is batch_norm.Second
    np.testing.assert_array_equal(batch_norm.backward(out, saved_).x, batch_norm.backward(out.y, saved_).x)


class Kept(NamedTuple):
    """What `twice` keeps."""

    y: Array
    dims: Dims


SIGNATURE = Signature("twice", inputs=("plans[i]",), outputs=("y[i]",), options={"own_": ("Scalar", 2.0)})


@SIGNATURE.forward(Kept)
def twice(dims: Dims, plans: Array, *, own_: float = 2.0) -> tuple[Array, Any]:
    """Parameters with names that what stands around has for itself."""
    y = plans * own_
    return y, (y, dims)


def test_names_of_parameters_are_the_callers() -> None:
    for value in (3.0, 3, np.float32(3)):
        y, saved = twice(plans=GAMMA, own_=value)
        np.testing.assert_array_equal(y, 3 * GAMMA)
        assert not np.shares_memory(y, saved.y)  # it is kept, and the caller may write to his own
    assert inside(twice)(saved.dims, GAMMA)[0].tolist() == (2 * GAMMA).tolist()


def test_calls_like_the_one_before_are_known_by_shape_dtype_class_and_options() -> None:
    for _ in range(2):
        for x in (GAMMA, GAMMA[:2], GAMMA.astype(np.float32), np.asfortranarray(GAMMA), [1.0, 2.0]):
            for value in (2.0, -1.0):
                y, saved = twice(x, own_=value)  # type: ignore[arg-type]
                np.testing.assert_array_equal(y, value * np.asarray(x))
                assert saved.dims["i"] == len(x)


def test_lists_that_fit_come_through_as_they_are() -> None:
    """A call of a network is looked up like any other: to look at its lists anew took more than its arithmetic."""
    rng = np.random.default_rng(0)
    x, W, b = rng.standard_normal((8, 16)), [rng.standard_normal((4, 16))], [rng.standard_normal(4)]
    _, saved = mlp.forward(x, W, b)
    assert saved.dims.direct


@pytest.mark.parametrize(("x", "direct"), [("x[l, i]", False), ("x[l, i]: state", True), ("x[i, k]", True)])
def test_what_has_a_row_for_every_entry_of_a_list_is_brought_back(x: str, direct: bool) -> None:
    """Its gradient is computed entry by entry, as a list; a caller is to have an array."""
    signature = Signature("rows", inputs=(x, "W[l][j]"), outputs=("z[l][]",))
    *_, dims = signature.examine([np.ones((2, 3)), [np.ones(3), np.ones(3)]], [])
    assert dims.direct == direct
