"""Where no known mistake fits, it is said what the definition keeps and a candidate does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.evidence import inputs
from derive.evidence.numbers import FLOAT
from derive.evidence.truth import traced
from derive.judge.decide import judge
from derive.judge.relations import relations
from tests.evidence.shared import LAYERS


def layer_norm(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    return gamma * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon) + beta


def clipped(dy: Any, x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    """Its gradients, of a cotangent that is clipped first."""
    dy = np.clip(dy, -0.7, 0.7)
    r = 1 / np.sqrt(x.var(-1, keepdims=True) + epsilon)
    x_hat, g, rows = (x - x.mean(-1, keepdims=True)) * r, dy * gamma, tuple(range(dy.ndim - 1))
    dx = r * (g - g.mean(-1, keepdims=True) - x_hat * (g * x_hat).mean(-1, keepdims=True))
    return dx, (dy * x_hat).sum(rows), dy.sum(rows)


def leaking(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    """The last number of all is added everywhere."""
    return layer_norm(x, gamma, beta, epsilon) + 0.1 * x.reshape(-1)[-1:].sum()


def over_all(p: Any, t: Any, smooth: float = 1.0, reduction: str = "mean") -> Any:
    """Sums over the batch, too."""
    own = 1 - (2 * np.sum(p * t) + smooth) / (np.sum(p) + np.sum(t) + smooth)
    return np.full(p.shape[:1], own) if reduction == "none" else own * (len(p) if reduction == "sum" else 1)


def damped(x: Any, y: Any, epsilon: float = 1e-8) -> Any:
    """The product of lengths is never small."""
    return (x * y).sum(-1) / (np.linalg.norm(x, axis=-1) * np.linalg.norm(y, axis=-1) + 0.3)


BROKEN: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("layer_norm", {"forward": layer_norm, "backward": clipped}, "it is not linear in the cotangent"),
    ("layer_norm", {"forward": leaking}, "what stands elsewhere along the first axis of ... changes it"),
    ("dice", {"forward": over_all}, "what stands elsewhere along b changes it"),
    ("cosine_similarity", {"forward": damped}, "twice x changes it, and should not"),
)


@pytest.mark.parametrize(("layer", "how", "words"), BROKEN, ids=[w for *_, w in BROKEN])
def test_what_the_definition_keeps_is_named(layer: str, how: dict[str, Any], words: str) -> None:
    report = judge(layer, seed=3, budget=8, **how)
    assert report.verdict == "wrong"
    assert words in report.diagnosis


#: What a definition keeps, and one that it does not.
KEPT = (
    ("softmax_cross_entropy_labels", "backward", "linear", True),
    ("layer_norm", "forward", "twice x changes", False),
    ("relu", "forward", "of twice x", True),
    ("l2_normalize", "forward", "twice x changes", True),
    ("layer_norm", "forward", "elsewhere along i", False),
    ("layer_norm", "forward", "elsewhere along the first axis of ...", True),
    ("layer_norm", "forward", "positions along i", True),
    ("cumprod", "forward", "positions along i", False),
)


@pytest.mark.parametrize(("name", "part", "words", "kept"), KEPT)
def test_a_relation_is_held_against_the_definition_itself(name: str, part: str, words: str, kept: bool) -> None:
    layer = LAYERS[name][-1]
    case = inputs.cases(layer, 2, 1, inputs.Plan((3, 4, 5), ((3,),), (2,)))[0]
    u = inputs.cotangents(case, 2)
    found = [r for r in relations(case, part) if words in r.words]
    assert found
    for relation in found:
        before = traced(case, u, None, FLOAT).of(part)
        after = traced(*relation.change(case, u), None, FLOAT).of(part)
        same = all(
            np.isclose(after[n][i], v, rtol=1e-9, atol=1e-12)
            for n, e in before.items()
            for i, v in relation.expected(n, e).items()
        )
        assert same is kept
