"""Right kernels that write where they should not, or give what is not theirs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.evidence.wrong.kernel import mapped, single
from tests.evidence.wrong.results import times


@single("saved", "tanh")
def worn_out(k: Any) -> dict[str, Any]:
    """A second call of backward with what was saved gives another answer."""

    def forward(x: Any) -> Any:
        y, saved = k.forward(x)
        return y, [saved, 0]

    def backward(dy: Any, saved: Any) -> Any:
        saved[1] += 1
        g = k.backward(dy, saved[0])
        return g if saved[1] == 1 else mapped(g, times(2))

    return {"forward": forward, "backward": backward}


@single("written to", "sgd")
def step_in_place(k: Any) -> dict[str, Any]:
    """The weights are updated in place."""

    def forward(W: Any, dW: Any, **options: Any) -> Any:
        y, saved = k.forward(W, dW, **options)
        for w, a in zip(W, y, strict=True):
            w[...] = a
        return y, saved

    return {"forward": forward}


@single("written to", "relu")
def cotangent_in_place(k: Any) -> dict[str, Any]:
    """The cotangent is overwritten with the gradient."""

    def backward(dy: Any, saved: Any) -> Any:
        g = k.backward(dy, saved)
        if isinstance(dy, np.ndarray):
            dy[...] = g.x
        return g

    return {"backward": backward}


@single("shared memory", "identity")
def its_own_input(k: Any) -> dict[str, Any]:
    """The result is the input itself."""
    return {"forward": lambda x: (x, k.forward(x)[1])}


@single("shared memory", "residual")
def its_own_cotangent(k: Any) -> dict[str, Any]:
    """A gradient is the cotangent itself."""
    return {"backward": lambda dy, saved: k.backward(dy, saved)._replace(skip=dy)}


@single("shared memory", "softmax")
def saved_is_returned(k: Any) -> dict[str, Any]:
    """What is returned is what backward needs."""

    def forward(z: Any, axis: int = -1) -> Any:
        y, _ = k.forward(z, axis=axis)
        return y, (y, axis)

    def backward(dy: Any, saved: Any) -> Any:
        y, axis = saved
        dz = y * (dy - (dy * y).sum(axis=axis, keepdims=True))
        return SimpleNamespace(z=dz)

    return {"forward": forward, "backward": backward}
