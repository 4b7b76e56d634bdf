"""Activations."""

from __future__ import annotations

from tests.generality.probes.cases import F, given, group, normal, torch

case = group("activations")
X = normal(4, 6, scale=3)
#: Where the simple formulas overflow or cancel: every element is compared with its own size.
ENDS = given([-800.0, -40.0, -1.0, 0.5, 1.0, 40.0, 800.0])


def sparsemax(z):
    ordered = z.sort(-1, descending=True).values
    k = torch.arange(1, z.shape[-1] + 1)
    on = 1 + k * ordered > ordered.cumsum(-1)
    tau = (torch.where(on, ordered, 0).sum(-1, keepdim=True) - 1) / on.sum(-1, keepdim=True)
    return F.relu(z - tau)


def hard_swish(x):
    """PyTorch's own has 1/6 rounded to float32 in its gradient."""
    return x * torch.clamp(x + 3, 0, 6) / 6


for draw in (X, ENDS):
    each = draw is ENDS
    for alpha in (1.0, 0.5):
        case("elu", lambda x, alpha: F.elu(x, alpha), draw, each=each, alpha=alpha)
        case(("celu", "celu_min"), lambda x, alpha: F.celu(x, alpha), draw, each=each, alpha=alpha)
    case("selu", lambda x: F.selu(x), draw, each=each)
    case(("silu", "silu_written"), lambda x: x * torch.sigmoid(x), draw, each=each)
    case("mish", lambda x: x * torch.tanh(-F.logsigmoid(-x)), draw, each=each)
    case("softplus", lambda x: -F.logsigmoid(-x), draw, each=each)
    case(("log_sigmoid", "log_sigmoid_neg"), lambda x: F.logsigmoid(x), draw, each=each)
    case("softsign", lambda x: F.softsign(x), draw, each=each)
    case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), draw)
    for beta, threshold in ((2.0, 1.0), (1.0, 20.0)):
        case(
            "softplus_threshold",
            lambda x, beta, threshold: torch.where(beta * x > threshold, x, -F.logsigmoid(-beta * x) / beta),
            draw,
            each=each,
            beta=beta,
            threshold=threshold,
        )
case("elu", lambda x, alpha: torch.where(x > 0, x, alpha * torch.expm1(x)), X, alpha=-0.7)
case("swish", lambda x, beta: x * torch.sigmoid(beta * x), X, given(0.7))
for beta in (0.7, -1.3):
    case("swish_option", lambda x, beta: x * torch.sigmoid(beta * x), X, beta=beta)
case("hard_sigmoid", lambda x: torch.clamp(x / 6 + 0.5, 0, 1), X)
case(("hard_swish", "hard_swish_max"), hard_swish, X)
for low, high in ((-0.5, 2.0), (-3.0, -1.0)):
    case("hard_tanh", lambda x, low, high: torch.clamp(x, low, high), X, low=low, high=high)
case("relu6", lambda x: F.relu6(x), normal(4, 6, scale=9))
case("prelu", lambda x, a: F.prelu(x, a), normal(2, 3, 4), normal(3))
case("prelu", lambda x, a: F.prelu(x, a), normal(2, 2, 2, 2), normal(2))
for level, value in ((0.3, 5.0), (-1.0, -2.0)):
    case("threshold", lambda x, level, value: F.threshold(x, level, value), X, level=level, value=value)
case("hardshrink", lambda x, lam: F.hardshrink(x, lam), X, lam=0.7)
case("softshrink", lambda x, lam: F.softshrink(x, lam), X, lam=0.7)
case("tanhshrink", lambda x: x - torch.tanh(x), X)
case(("glu", "glu_affine"), lambda x: F.glu(x), normal(3, 8))
case(("glu", "glu_affine"), lambda x: F.glu(x), normal(2, 2))
for sizes in ((3, 4, 5), (3, 3, 3)):
    n, i, o = sizes
    case("swiglu", lambda x, W, V: F.silu(x @ W.T) * (x @ V.T), normal(n, i), normal(o, i), normal(o, i))
    case("geglu", lambda x, W, V: F.gelu(x @ W.T) * (x @ V.T), normal(n, i), normal(o, i), normal(o, i))
case("softmin", lambda z: torch.softmax(-z, -1), X)
case("softmin", lambda z, axis: torch.softmax(-z, axis), X, axis=0)
case("sparsemax", sparsemax, normal(5, 6))
case("sparsemax", sparsemax, normal(4, 4, scale=0.1))
for tau in (0.7, -0.9):
    case("softmax_temperature", lambda z, tau: F.softmax(z / tau, -1), normal(3, 5), given(tau))
for n, i, o, k in ((3, 4, 5, 2), (3, 3, 3, 3)):
    case(
        "maxout",
        lambda x, W, b: (torch.einsum("oki,ni->nok", W, x) + b).amax(-1),
        normal(n, i),
        normal(o, k, i),
        normal(o, k),
    )
