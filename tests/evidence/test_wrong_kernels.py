"""The ladder kills wrong kernels: one of each class here, all of them by ``python -m tests.evidence.wrong_kernels``."""

from __future__ import annotations

import pytest

from tests.evidence.wrong.kernel import Wrong
from tests.evidence.wrong_kernels import killed_by, wrong_kernels

#: Layers whose legs take little time.
QUICK = {
    "clip_by_global_norm", "cross_entropy", "dropout", "embedding", "gelu", "he", "identity", "inverted_dropout",
    "l2_penalty", "leaky_relu", "linear", "log_softmax", "mse", "relu", "residual", "sgd", "sigmoid", "softmax",
    "softmax_cross_entropy_labels", "tanh", "xavier",
}  # fmt: skip


def one_of_each() -> list[Wrong]:
    found: dict[str, Wrong] = {}
    for wrong in wrong_kernels():
        if wrong.layer in QUICK:
            found.setdefault(wrong.kind, wrong)
    return list(found.values())


@pytest.mark.parametrize("wrong", one_of_each(), ids=lambda w: f"{w.kind}: {w}")
def test_it_is_killed(wrong: Wrong) -> None:
    assert killed_by(wrong)


def test_there_are_enough_of_them() -> None:
    kernels = wrong_kernels()
    assert len({str(w) for w in kernels}) == len(kernels) >= 100
    assert len({w.layer for w in kernels}) >= 28
