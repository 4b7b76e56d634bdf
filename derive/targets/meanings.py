"""What the symbols table says of names that have one meaning beside others."""

from __future__ import annotations

from derive.notation.layer import Layer

#: What the symbols table says of some names: the words, the role in which it is so, and a tensor beside which it is.
#: A name alone says little: beta is a shift beside x_hat, a slope in swish, a threshold in smooth_l1.
MEANINGS: dict[str, tuple[str, str, str]] = {
    "mu": ("mean", "intermediate", "var"),
    "var": ("variance, divided by N", "intermediate", "mu"),
    "inv_std": ("one over the standard deviation", "intermediate", "var"),
    "x_hat": ("normalised input", "intermediate", "x"),
    "gamma": ("scale", "input", "x_hat"),
    "beta": ("shift", "input", "x_hat"),
    "mask": ("where it may look; all of it, if left out", "input", "Q"),
    "total": ("normaliser of a row", "intermediate", "Q"),
    "causal": ("whether position q sees only k ≤ q", "option", "Q"),
    "epsilon": ("added to the variance", "option", "inv_std"),
}


def meaning(layer: Layer, name: str, role: str) -> str:
    """What is known of a name beside what the table says of everything; "" where it may mean another thing."""
    words, known, beside = MEANINGS.get(name, ("", "", ""))
    role = "input" if role == "state" else role
    return words if role == known and beside in layer.tensors else ""
