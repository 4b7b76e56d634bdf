"""Steps of optimisers compared with torch.optim, which can be differentiated through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.peers.row import Row, normal

WORDS = {"alpha": "lr", "mu": "momentum", "damping": "dampening", "epsilon": "eps", "decay": "weight_decay"}
SHAPES = [(2, 3), (4,), ()]


def stepped(optimiser: str, *kept: str, rho: str = "rho", **fixed: Any) -> Callable[..., Any]:
    """One step of a class of torch.optim, from what it keeps for each parameter: the parameters, and what it keeps."""

    def theirs(_: Any, W: Any, dW: Any, *states: Any, step: int = 1, **options: Any) -> Any:
        import torch

        words = {(rho if k == "rho" else WORDS.get(k, k)): v for k, v in options.items()} | fixed
        if "beta1" in words:
            words["betas"] = words.pop("beta1"), words.pop("beta2")
        parameters = [w.clone() for w in W]
        made = getattr(torch.optim, optimiser)(parameters, differentiable=True, **words)
        for n, (p, g) in enumerate(zip(parameters, dW, strict=True)):
            p.retain_grad()
            p.grad = g
            made.state[p] = {name: s[n].clone() for name, s in zip(kept, states, strict=True)}
            made.state[p]["step"] = torch.tensor(step - 1.0, dtype=torch.float64)
        made.step()
        return parameters, *([made.state[p][name] for p in parameters] for name in kept)

    return theirs


def with_squares(*of: int) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    """Parameters, their gradients and states; those at these places are squares, as they are in use."""

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        given = normal(*[SHAPES] * (3 + max(of) - 2))(rng)
        return tuple([a**2 for a in arrays] if n in of else arrays for n, arrays in enumerate(given))

    return draw


def lion(_: Any, W: Any, dW: Any, m: Any, alpha: float, beta1: float, beta2: float, decay: float) -> Any:
    """Algorithm 2 of Chen et al. 2023."""
    c = [(beta1 * m + (1 - beta1) * g).sign() for m, g in zip(m, dW, strict=True)]
    y = [w - alpha * (c + decay * w) for w, c in zip(W, c, strict=True)]
    return y, [beta2 * m + (1 - beta2) * g for m, g in zip(m, dW, strict=True)]


ADAM = {"alpha": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.01}
RMS = {"alpha": 0.2, "rho": 0.8, "epsilon": 0.01}

ROWS = {
    "momentum": Row(
        stepped("SGD", "momentum_buffer"),
        normal(SHAPES, SHAPES, SHAPES),
        ({"alpha": 0.1, "mu": 0.7}, {"alpha": 0.3, "mu": 0.9, "damping": 0.4}),
    ),
    "nesterov": Row(
        stepped("SGD", "momentum_buffer", nesterov=True), normal(SHAPES, SHAPES, SHAPES), ({"alpha": 0.1, "mu": 0.7},)
    ),
    "rmsprop": Row(stepped("RMSprop", "square_avg", rho="alpha"), with_squares(2), (RMS, RMS | {"rho": 0.5})),
    "adagrad": Row(stepped("Adagrad", "sum"), with_squares(2), ({"alpha": 0.1, "epsilon": 0.01},)),
    "adadelta": Row(stepped("Adadelta", "square_avg", "acc_delta"), with_squares(2, 3), (RMS, RMS | {"rho": 0.5})),
    "adam": Row(stepped("Adam", "exp_avg", "exp_avg_sq"), with_squares(3), (ADAM, ADAM | {"step": 3})),
    "adamw": Row(
        stepped("AdamW", "exp_avg", "exp_avg_sq"),
        with_squares(3),
        (ADAM | {"decay": 0.1}, ADAM | {"step": 3, "decay": 0}),
    ),
    "lion": Row(lion, normal(SHAPES, SHAPES, SHAPES), ({"alpha": 0.1, "beta1": 0.8, "beta2": 0.95, "decay": 0.2},)),
    "clip_by_value": Row(lambda F, g, tau=1.0: [a.clamp(-tau, tau) for a in g], normal(SHAPES), ({}, {"tau": 0.3})),
    "ema": Row(
        lambda F, W, a, decay=0.99: [a.lerp(w, 1 - decay) for w, a in zip(W, a, strict=True)],
        normal(SHAPES, SHAPES),
        ({}, {"decay": 0.2}),
    ),
}
