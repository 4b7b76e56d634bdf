"""The ledger: what each of its statements says."""

from __future__ import annotations

from typing import Any

import numpy as np

import reference
from tests.page.prose import ledger_networks as networks
from tests.page.prose import ledger_scalars as of
from tests.page.prose.page import TRUE, Names, Prose
from tests.page.prose.values import same

PAGE = Prose(ranges={"l": (1, 2, 3), "i": range(1, 6), "j": range(1, 6)})
PAGE.names("S0[3-9]|S1[01]|s0[4-9]|s11")(of.scalars)
PAGE.names("S0[12]|S1[2-9]|S2[0-3]|s15|s16|s2[03]|S37|s37")(networks.network)
PAGE.names("S15|s15|S16|s16")(of.softmaxes)
PAGE.names("S2[5-8]|s28")(of.normalisation)
PAGE.names("S24|s24|S29|S3[2-68]|s3[2-58]")(of.training)
says = PAGE.says


def where(condition: Any) -> Any:
    """A condition on samples holds where it should, and only there."""
    return lambda value, w: np.array_equal(value, condition(w))


def within(name: str, condition: Any) -> Any:
    """A case is worth what is named where it should be."""
    return lambda value, w: same(np.broadcast_to(value, w["x"].shape)[condition(w)], w[name][condition(w)])


def nothing_left(layer: Any) -> Any:
    """A slope by the rounded value: 0 at the first of two places, right at the second."""
    return lambda value, w: value[0] == 0 and same(value[1], of.slope(layer, np.array([0.3]))[0])


says("S01", "A layer maps ⟦⟧ numbers to ⟦⟧", "sizes before", "sizes")
says("S02", "A hidden layer applies ⟦⟧ to ⟦⟧ of the layer before", "activation", "sum of one layer",
     names=lambda w: w["one layer"])  # fmt: skip
says("S03", "The logistic function is ⟦⟧", "sigmoid")
says("[Ss]04", "Its derivative is ⟦⟧, its range ⟦⟧; it vanishes for large ⟦⟧", "slope",
     of.range_of(reference.sigmoid.value),
     lambda v, w: same(v, np.abs(w["x"])) and bool(np.all(w["slope far out"] < 1e-12)))  # fmt: skip
LARGE = {"names": lambda w: {"x": w["far places"], r"\sigma": reference.sigmoid.value(w["far places"])}}
says("s04", "In float64, ⟦⟧ of the rounded ⟦⟧ is 0 at ⟦⟧ where the truth is",
     nothing_left(reference.sigmoid), lambda v, w: same(v, reference.sigmoid.value(w["far places"])),
     where(lambda w: [True, False]), **LARGE)  # fmt: skip
says("s04", "the kernel evaluates ⟦⟧, which keeps it",
     lambda v, w: np.allclose(v, of.slope(reference.sigmoid, w["far places"]), rtol=1e-9, atol=0), **LARGE)  # fmt: skip
says("s04", "⟦⟧ rounds to 1", lambda v, w: v == 1, names={r"\sigma": reference.sigmoid.value})
says("[Ss]06", "Its derivative is ⟦⟧, its range ⟦⟧; it is odd", "tanh slope", of.range_of(reference.tanh.value))
MEDIUM = {"names": lambda w: {"x": w["places"], "y": reference.tanh.value(w["places"])}}
says("s06", "In float64, ⟦⟧ of the rounded ⟦⟧ is 0 at ⟦⟧ where the truth is", nothing_left(reference.tanh),
     lambda v, w: same(v, reference.tanh.value(w["places"])), where(lambda w: [True, False]), **MEDIUM)  # fmt: skip
says("S07", "ReLU is ⟦⟧, its range ⟦⟧", "relu", of.range_of(reference.relu.value, of.FAR))
says("[Ss]08", "Its derivative is 1 for ⟦⟧, else 0; units can die", where(lambda w: w["relu slope"] == 1))
says("[Ss]09", "Leaky ReLU is ⟦⟧ for ⟦⟧, else ⟦⟧, with ⟦⟧ about 0.01", within("leaky", lambda w: w["x"] > 0),
     where(lambda w: w["x"] > 0), within("leaky", lambda w: w["x"] <= 0),
     lambda v, w: abs(v - 0.01) < 1e-12)  # fmt: skip
says("s09", "leaves the derivative out: it is 1 for ⟦⟧, else ⟦⟧; derived", where(lambda w: w["leaky slope"] == 1),
     within("leaky slope", lambda w: w["x"] <= 0))  # fmt: skip
says("S10", "Softmax is ⟦⟧", "softmax")
says("[Ss]11", "The loss is ⟦⟧", "cross entropy")
says("s11", "With ⟦⟧: as written, a target of 0 at a probability of 0 gives NaN", TRUE, names={r"\log": of.KernelLog})
says("S12", "The gradient for ⟦⟧ and ⟦⟧ is that for ⟦⟧ times a Jacobian", "W", "b",
     lambda v, w: same(v, w["h again"]) and w["by h"])  # fmt: skip
says("S13", "⟦⟧ is the gradient for ⟦⟧", r"\delta", TRUE)
says("S13", "⟦⟧ on the network's page", r"\delta")
says(
    "S14", "The forward pass keeps ⟦⟧ and ⟦⟧", "z again", lambda v, w: same(w["h again"], {n: v[n] for n in (1, 2, 3)})
)
says("S14", "⟦⟧ is a named field of what forward returns; ⟦⟧ is what its linear layers keep of their inputs",
     lambda v, w: same(v, {n: networks.column(z[0]) for n, z in enumerate(w["saved"].z, 1)}),
     lambda v, w: same({n: v[n] for n in range(3)}, {n: networks.column(s[0][0]) for n, s in enumerate(w["saved"][1])}),
     )  # fmt: skip
says("s15", "For an elementwise ⟦⟧. Softmax has a full Jacobian", "activation")
says("s15", "the product with its diagonal alone is wrong, and ⟦⟧ is right", TRUE, names=lambda w: w["of softmax"])
says("[Ss]16", "Softmax with cross-entropy gives ⟦⟧", TRUE, names=lambda w: w["ones"])
says("s16", "If ⟦⟧. In general it is", TRUE, names=lambda w: w["ones"])
says("s16", "In general it is ⟦⟧: with targets that sum to 2 the document's form is wrong by ⟦⟧", "gradient of twos",
     "wrong by twos", names=lambda w: w["twos"])  # fmt: skip
says("S18", "The gradient for ⟦⟧ is ⟦⟧", "W", "by W")
says("S19", "The gradient for ⟦⟧ is ⟦⟧", "b", "by b")
says("S21", "The forward pass costs of the order of ⟦⟧", "products")
says("S21", "Exactly ⟦⟧ multiplications and as many additions", "forward count")
says(
    "S22",
    "The backward pass costs of the same order⟦⟧ multiplications: twice the forward pass, nearly",
    "backward count",
)
says("[Ss]23", "Activations take memory of the order of ⟦⟧", "numbers kept")
says("s23", "A batch takes ⟦⟧ times that (twice over where ⟦⟧ and ⟦⟧ are both kept), beside ⟦⟧ for the weights",
     "many kept", "z again", lambda v, w: same(w["h again"], {n: v[n] for n in (1, 2, 3)}), "weights")  # fmt: skip
says("[Ss]24", "if the gradient's norm is above ⟦⟧, scale it to ⟦⟧",
     lambda v, w: v == w[r"\tau"] and w["clipped"]["below"] == 1 > w["clipped"]["above"],
     lambda v, w: same(v, w["clipped"]["norm"]))  # fmt: skip
says("S25", "Batch normalisation: ⟦⟧ is the mean over the batch", "mean")
says("S26", "⟦⟧ is the mean squared deviation, divided by ⟦⟧", "deviation", "length")
says("s28", "are left out. Derived: ⟦⟧ with ⟦⟧ and ⟦⟧", TRUE, TRUE, TRUE)
says("S29", "An update is ⟦⟧, the same for ⟦⟧", TRUE, lambda v, w: same(v, w["b"]) and w["bias update"])
says("[Ss]32", "Xavier: weights of variance ⟦⟧", "xavier")
says("s32", "Keeping the variance forward asks for ⟦⟧, backward for ⟦⟧, with independent weights",
     lambda v, w: w["keeps forward"](v), lambda v, w: w["keeps backward"](v))  # fmt: skip
says("s32", "Both hold only where ⟦⟧", TRUE, names={"d_{in}": 4, "d_{out}": 4})
says("[Ss]33", "He: weights of variance ⟦⟧ for ReLU", "he")
says(
    "s33",
    "If ⟦⟧ is symmetric about 0: then ⟦⟧, derived by integration",
    "symmetric",
    TRUE,
)
says("[Ss]34", "L2: add ⟦⟧ to the loss", "penalty", names=lambda w: w["all W"])
says("s34", "The gradient, left out, is ⟦⟧; derived", "penalty gradient")
says("[Ss]35", "Dropout multiplies by ⟦⟧, Bernoulli with parameter ⟦⟧", lambda v, w: w["dropped"](v), "kept")
says("s35", "So ⟦⟧ is the probability to keep, and ⟦⟧: inference must scale by ⟦⟧, or training by ⟦⟧, which", "kept",
     TRUE, "inference", "inverted")  # fmt: skip
says("S36", "Rules of thumb: ⟦⟧, ranges for rate, batch and ⟦⟧", TRUE,
     lambda v, w: w["advice"](v), names=lambda w: w["halved"])  # fmt: skip
says("[Ss]37", "Skip: ⟦⟧", TRUE, names=lambda w: {"h": w["skip"], **w["block"]})


def accepted(value: Any, w: Names) -> bool:
    """Whether a block of each pair of widths is accepted where the statement says so."""
    found = {}
    for layer in (2, 3):
        width, before = networks.WIDTHS[layer], networks.WIDTHS[layer - 2]
        try:
            reference.residual.forward(np.ones((1, 2)), np.ones((1, before)), np.ones((width, 2)), np.ones(width))
            found[layer] = True
        except ValueError:
            found[layer] = False
    return bool(value == found)


says("s37", "If ⟦⟧; otherwise there is nothing to add, and it is an error. The gradient reaches ⟦⟧ unchanged", accepted,
     lambda v, w: w["skip gradient"] and same(v, {n: w["skip"][n - 2] for n in v}) and set(v) == {2, 3},
     names=lambda w: {"h": w["skip"]})  # fmt: skip
says("[Ss]38", "Attention is ⟦⟧", "O")
says("s38", "are left out. Derived: ⟦⟧. A row that may look nowhere gives zeros", TRUE)

PAGE.equivalent |= {
    r"\\sigma\( 41 \)": "the logistic function of 41 rounds to 1, too",
    r"0 +\\log +[17] = 0": "0 times any logarithm is 0",
    r"0 +\\exp 0 = 0": "0 times any number is 0",
}
