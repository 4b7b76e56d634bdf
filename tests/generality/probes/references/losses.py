"""Losses."""

from __future__ import annotations

from tests.generality.probes.cases import (
    F,
    bits,
    flags,
    given,
    group,
    normal,
    positive,
    signs,
    simplex,
    torch,
    unit,
    whole,
)

case = group("losses")
ENDS = given([-800.0, -40.0, -1.0, 0.5, 1.0, 40.0, 800.0])
SHAPES = ((3, 4), (3, 3))


def reduced(loss, reduction):
    return loss if reduction == "none" else getattr(loss, reduction)()


def averaged(name, reference, *draws, **options):
    """The mean, where the definition has no choice."""
    case(name, lambda *a, **o: reference(*a, **o).mean(), *draws, **options)


def chosen(name, reference, *draws, **options):
    """Every reduction; the reference gives what is reduced."""

    def one(*arguments, reduction, **rest):
        return reduced(reference(*arguments, **rest), reduction)

    for reduction in ("mean", "sum", "none"):
        case(name, one, *draws, reduction=reduction, **options)


# ---- cross-entropy ---------------------------------------------------------------------------------------------------


def entropy(p, t):
    return -torch.special.xlogy(t, p) - torch.special.xlogy(1 - t, 1 - p)


def logits(z, t):
    return -t * F.logsigmoid(z) - (1 - t) * F.logsigmoid(-z)


def weighted(z, t, w, pw):
    return -w * (pw * t * F.logsigmoid(z) + (1 - t) * F.logsigmoid(-z))


def full(z, t, w, smoothing=0.0, ignore=-100, reduction="mean"):
    scores = z.log_softmax(-1)
    counted = t != ignore
    label = torch.where(counted, t, 0)
    own, every = w[label] * scores.gather(-1, label[:, None])[:, 0], (w * scores).sum(-1)
    loss = torch.where(counted, -(1 - smoothing) * own - smoothing / z.shape[-1] * every, 0.0)
    total = torch.where(counted, w[label], 0.0).sum()
    return loss.sum() / total if reduction == "mean" else reduced(loss, reduction)


chosen("bce", entropy, unit(3, 4), unit(3, 4))
chosen("bce_with_logits", logits, normal(3, 4), unit(3, 4))
chosen("bce_with_logits", logits, ENDS, unit(7), each=True)
chosen("bce_logits_weighted", weighted, normal(3, 4), unit(3, 4), positive(3, 4), positive(4))
chosen("bce_logits_weighted", weighted, ENDS, unit(7), positive(7), positive(7), each=True)
chosen("nll", lambda p, t: -p.gather(-1, t[..., None])[..., 0], normal(5, 4), whole(4, 5))
for reduction in ("mean", "sum", "none"):
    for t, smoothing, ignore in (([0, 3, -100, 1, 2], 0.2, -100), ([0, 3, 1, 1, 2], 0.0, 1)):
        case(
            "cross_entropy_full",
            full,
            normal(5, 4),
            given(t),
            positive(4),
            smoothing=smoothing,
            ignore=ignore,
            reduction=reduction,
        )
    for smoothing in (0.1, 0.0):
        case(
            "label_smoothing",
            lambda z, t, smoothing, reduction: F.cross_entropy(z, t, label_smoothing=smoothing, reduction=reduction),
            normal(5, 4),
            whole(4, 5),
            smoothing=smoothing,
            reduction=reduction,
        )
case("cross_entropy_weighted", full, normal(5, 4), whole(4, 5), positive(4))
case("cross_entropy_weighted", full, normal(3, 3), whole(3, 3), positive(3))
chosen("kl_div", lambda x, t, log_target: torch.special.xlogy(t, t) - t * x, normal(3, 4), simplex(3, 4),
       log_target=False)  # fmt: skip
chosen("kl_div", lambda x, t, log_target: t.exp() * (t - x), normal(3, 4), normal(3, 4), log_target=True)

# ---- margins and distances -------------------------------------------------------------------------------------------


def margins(x, t, p, margin):
    own = x.gather(-1, t[:, None])
    other = torch.arange(x.shape[-1]) != t[:, None]
    return torch.where(other, F.relu(margin - own + x) ** p, 0.0).sum(-1) / x.shape[-1]


def margins_of_labels(x, t):
    pairs = t[..., None, :] & ~t[..., :, None]
    return torch.where(pairs, F.relu(1 - x[..., None, :] + x[..., :, None]), 0.0).sum((-1, -2)) / x.shape[-1]


def far(a, b, epsilon):
    return ((a - b + epsilon) ** 2).sum(-1).sqrt()


def cosine_embedding(a, b, t, margin):
    c = (a * b).sum(-1) / (((a**2).sum(-1) + 1e-12) * ((b**2).sum(-1) + 1e-12)).sqrt()
    return torch.where(t == 1, 1 - c, F.relu(c - margin))


for s in SHAPES:
    averaged("l1_loss", lambda y, t: (y - t).abs(), normal(*s), normal(*s))
    for delta in (0.8, 2.5):
        averaged("huber", lambda y, t, delta: F.huber_loss(y, t, delta=delta, reduction="none"),
                 normal(*s, scale=2), normal(*s), delta=delta)  # fmt: skip
        averaged("smooth_l1", lambda y, t, beta: F.smooth_l1_loss(y, t, beta=beta, reduction="none"),
                 normal(*s, scale=2), normal(*s), beta=delta)  # fmt: skip
    averaged("hinge", lambda y, t: F.relu(1 - t * y), normal(*s), signs(*s))
    averaged("soft_margin", lambda x, t: -F.logsigmoid(t * x), normal(*s), signs(*s, kind=float))
    for margin in (0.7, -0.3):
        averaged("hinge_embedding", lambda x, t, margin: torch.where(t == 1, x, F.relu(margin - x)),
                 normal(*s), signs(*s), margin=margin)  # fmt: skip
        averaged("margin_ranking", lambda a, b, t, margin: F.relu(-t * (a - b) + margin),
                 normal(*s), normal(*s), signs(*s), margin=margin)  # fmt: skip
        averaged("cosine_embedding", cosine_embedding, normal(*s), normal(*s), signs(s[0]), margin=margin)
    for p in (1, 2):
        averaged("multi_margin", margins, normal(*s), whole(s[1], s[0]), p=p, margin=0.8)
    averaged("multilabel_soft_margin", lambda x, t: logits(x, t).mean(-1), normal(*s), bits(*s))
    averaged("multilabel_margin", margins_of_labels, normal(*s), flags(*s))
    averaged("triplet", lambda a, p, n, margin, epsilon: F.relu(far(a, p, epsilon) - far(a, n, epsilon) + margin),
             normal(*s), normal(*s), normal(*s), margin=1.0, epsilon=1e-6)  # fmt: skip
averaged("soft_margin", lambda x, t: -F.logsigmoid(t * x), ENDS, signs(7, kind=float), each=True)
averaged("multilabel_soft_margin", lambda x, t: logits(x, t).mean(-1), ENDS, bits(7), each=True)

# ---- likelihoods -----------------------------------------------------------------------------------------------------


def poisson(x, t, log_input, full, epsilon):
    stirling = torch.where(t > 1, t * t.log() - t + (2 * torch.pi * t).log() / 2, 0.0) if full else 0.0
    return (x.exp() - t * x if log_input else x - t * (x + epsilon).log()) + stirling


def focal(z, t, alpha, gamma):
    p = torch.sigmoid(z)
    q = p * t + (1 - p) * (1 - t)
    return -(alpha * t + (1 - alpha) * (1 - t)) * (1 - q) ** gamma * q.log()


def contrastive(a, b, t, margin):
    r = (((a - b) ** 2).sum(-1) + 1e-12).sqrt()
    return t * r**2 + (1 - t) * F.relu(margin - r) ** 2


def alignments(p, ext):
    """Minus the logarithm of the sum over alignments, step by step."""
    ext = ext.tolist()
    a = [torch.ones((), dtype=p.dtype)] + [torch.zeros((), dtype=p.dtype)] * (len(ext) - 1)
    for row in p:
        before = [torch.zeros((), dtype=p.dtype)] * 2 + a
        a = [
            row[label]
            * (before[s + 2] + before[s + 1] + (before[s] if s > 1 and label != ext[s - 2] else torch.zeros(())))
            for s, label in enumerate(ext)
        ]
    return -(a[-1] + a[-2]).log()


for log_input in (True, False):
    for is_full in (True, False):
        averaged("poisson_nll", poisson, positive(3, 4), given([[1.0, 3, 0.5, 2], [4, 1, 1, 5], [2, 2, 3, 0.2]]),
                 log_input=log_input, full=is_full, epsilon=1e-8)  # fmt: skip
averaged("gaussian_nll", lambda x, t, var, epsilon: (torch.clamp(var, min=epsilon).log() + (x - t) ** 2 / torch.clamp(
    var, min=epsilon)) / 2, normal(3, 4), normal(3, 4), positive(3, 4), epsilon=1e-6)  # fmt: skip
averaged("focal", focal, normal(3, 4), bits(3, 4), alpha=0.25, gamma=2.0)
averaged("focal", focal, normal(3, 4, scale=5), unit(3, 4), alpha=0.6, gamma=1.5)
for b, d in ((5, 4), (3, 3)):
    case("info_nce", lambda q, k, tau: F.cross_entropy(q @ k.T / tau, torch.arange(len(q))), normal(b, d), normal(b, d),
         tau=0.3)  # fmt: skip
    averaged("contrastive", contrastive, normal(b, d), normal(b, d), bits(b), margin=4.0)
case("ctc", alignments, simplex(9, 5), given([0, 1, 0, 2, 0, 2, 0]))
case("ctc", alignments, simplex(5, 5), given([0, 3, 0, 4, 0]))
for tau in (0.8, 0.3):
    averaged("pinball", lambda y, t, tau: torch.maximum(tau * (t - y), (tau - 1) * (t - y)), normal(3, 4), normal(3, 4),
             tau=tau)  # fmt: skip
case("dice", lambda p, t, epsilon: 1 - ((2 * (p * t).sum((1, 2)) + epsilon) / (p.sum((1, 2)) + t.sum(
    (1, 2)) + epsilon)).mean(), unit(3, 4, 2), unit(3, 4, 2), epsilon=1.0)  # fmt: skip
case("vae_kl", lambda m, v: (-(1 + v - m**2 - v.exp()).sum(-1) / 2).mean(), normal(3, 4), normal(3, 4))
