"""Steps of optimisers and schedules of learning rates."""

from __future__ import annotations

import math

from tests.generality.probes.cases import F, between, given, group, normal, positive, torch, whole

case = group("optimisers")
LIST = [normal(3, 4), normal(5)]


def momentum(W, g, v, lr, mu, damp):
    new = mu * v + (1 - damp) * g
    return W - lr * new, new


def momentum_list(W, g, v, lr, mu):
    new = [mu * b + a for a, b in zip(g, v, strict=True)]
    return [a - lr * b for a, b in zip(W, new, strict=True)], new


def nesterov(W, g, v, lr, mu):
    new = mu * v + g
    return W - lr * (g + mu * new), new


def rmsprop(W, g, s, lr, rho, epsilon):
    new = rho * s + (1 - rho) * g**2
    return W - lr * g / (new.sqrt() + epsilon), new


def adagrad(W, g, s, lr, epsilon):
    new = s + g**2
    return W - lr * g / (new.sqrt() + epsilon), new


def adam(W, g, m, s, step, lr, beta1, beta2, epsilon, decay=0.0):
    new_m = beta1 * m + (1 - beta1) * g
    new_s = beta2 * s + (1 - beta2) * g**2
    root = (new_s / (1 - beta2**step)).sqrt() + epsilon
    return (1 - lr * decay) * W - lr * (new_m / (1 - beta1**step)) / root, new_m, new_s


def lion(W, g, m, lr, beta1, beta2, decay):
    return (1 - lr * decay) * W - lr * torch.sign(beta1 * m + (1 - beta1) * g), beta2 * m + (1 - beta2) * g


def adadelta(W, g, s, d, lr, rho, epsilon):
    new = rho * s + (1 - rho) * g**2
    step = (d + epsilon).sqrt() / (new + epsilon).sqrt() * g
    return W - lr * step, new, rho * d + (1 - rho) * step**2


for s in ((3, 4), (3, 3)):
    W = normal(*s)
    for lr in (0.1, -0.02):
        case("momentum_step", momentum, W, W, W, lr=lr, mu=0.9, damp=0.2)
        case("nesterov_step", nesterov, W, W, W, lr=lr, mu=0.9)
        case("rmsprop_step", rmsprop, W, W, positive(*s), lr=lr, rho=0.99, epsilon=1e-8)
        case("adagrad_step", adagrad, W, W, positive(*s), lr=lr, epsilon=1e-10)
        options = {"step": 3, "lr": lr, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
        case("adam_step", adam, W, W, W, positive(*s), **options)
        case("adamw_step", adam, W, W, W, positive(*s), decay=0.1, **options)
        case("lion_step", lion, W, W, W, lr=lr, beta1=0.9, beta2=0.99, decay=0.1)
        case("lion_sign", lambda W, g, m, lr, beta1: W - lr * torch.sign(beta1 * m + (1 - beta1) * g), W, W, W, lr=lr,
             beta1=0.9)  # fmt: skip
        case("adadelta_step", adadelta, W, W, positive(*s), positive(*s), lr=lr, rho=0.9, epsilon=1e-6)
case("momentum_list", momentum_list, LIST, LIST, LIST, lr=0.1, mu=0.9)
case("clip_by_value", lambda g, tau: [a.clamp(-tau, tau) for a in g], LIST, tau=0.7)
case("ema", lambda W, a, decay: [decay * y + (1 - decay) * x for x, y in zip(W, a, strict=True)], LIST, LIST, decay=0.9)
case(
    "lars",
    lambda W, g, lr, trust: [a - lr * trust * a.norm() / b.norm() * b for a, b in zip(W, g, strict=True)],
    [normal(3, 4), normal(2, 5)],
    [normal(3, 4), normal(2, 5)],
    lr=0.1,
    trust=0.01,
)
case("cosine_schedule", lambda t, total, high, low: low + (high - low) * (1 + (math.pi * t / total).cos()) / 2,
     between(0, 50, 5), total=50.0, high=0.1, low=0.01)  # fmt: skip
case("warmup", lambda t, total, high: high * torch.clamp(t / total, max=1), between(10, 100, 5), total=50.0, high=0.1)
case("step_decay", lambda t, every, factor, start: start * factor ** (t // every).double(), whole(100, 5), every=30,
     factor=0.1, start=0.1)  # fmt: skip
for start in (0.1, -2.0):
    case("exponential_decay", lambda t, factor, start: start * factor**t, between(0, 6, 5), factor=0.9, start=start)
for power in (2.0, 1.5):
    case("polynomial_decay", lambda t, total, power, start: start * F.relu(1 - t / total) ** power, between(5, 60, 5),
         total=40.0, power=power, start=0.1)  # fmt: skip
case("noam", lambda t, width, total: width**-0.5 * torch.minimum(t**-0.5, t * total**-1.5), between(20, 200, 5),
     width=64, total=100.0)  # fmt: skip
case("polynomial_decay", lambda t, total, power, start: start * F.relu(1 - t / total) ** power,
     given([10.0, 70.0, 39.0]), total=40.0, power=3.0, start=0.1)  # fmt: skip
