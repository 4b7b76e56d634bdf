"""Misprints that say the same in other words, with the reason: nothing can catch them.

A row is (pages, pattern, reason): page names separated by spaces or "*", and a regular expression that the
whole mutated equation matches. Before a formula outside the forward and backward sections stand its kind and a colon.
"""

from __future__ import annotations

import re

MASKED = "attention softcap_attention sliding_window_attention"
EQUIVALENT: tuple[tuple[str, str, str], ...] = (
    (MASKED, r".*Z_\{\\ast,q\} > 0.*", "Z is a sum of exponentials and zeros: never below 0"),
    (MASKED, r"E_\{\\ast,q,k\} = -.*", "P is E over its sum, which has the same sign"),
    ("batch_norm", r".*running.*\\text\{if \} (n (\\ne|\\ge)|\\rho >) 0.*", "no page is checked with an empty batch"),
    ("batch_norm", r".*\\text\{if \} n > 0 \\\\ (?!\\mathrm\{running).*", "no page is checked with an empty batch"),
    ("leaky_relu elu selu celu prelu", r"y_.*x_\{[^}]*\} \\ge 0.*", "at 0 both cases are 0"),
    ("prelu", r".*\{cases\} 0 & \\text\{if \} x_\{b,c,\\ast\} \\ge 0 \\\\ x_.*", "at 0 both cases are 0"),
    ("celu", r".*x_\{\\ast\} \\ge 0 \\\\ \\exp.*", "at 0 both cases are 1"),
    (
        "square_relu",
        r".*(\\max\\left\(0, x_\{\\ast\}\\right\)( \\left\[ x_\{\\ast\} (\\ne|\\ge) 0 \\right\])?|"
        r"x_\{\\ast\} \\left\[ x_\{\\ast\} > 0 \\right\])( \\dot\{x\}_\{\\ast\})?",
        "what is not above 0 is 0 in the maximum already, or by the condition",
    ),
    (
        "relu6 hard_tanh hard_sigmoid hard_swish",
        r"y_.*(< (-3|0|\\mathrm\{low\})|> (3|6|\\mathrm\{high\})) .*",
        "where the pieces meet they are equal",
    ),
    (
        "relu6 hard_tanh hard_sigmoid hard_swish",
        r"(step|accumulation|collected|line): .*(< (-3|0|\\mathrm\{low\})|> (3|6|\\mathrm\{high\})) .*",
        "no draw of a step is where two pieces meet: there, a slope is chosen",
    ),
    (
        "pad_constant",
        r"tangent: \\dot\{y\}_\{\\ast,j\} = .*\\dot\{x\}_\{\\ast,j - \\mathrm\{before\}\}",
        "outside there is no tangent either, whatever the condition says of it",
    ),
    ("cosine_annealing one_cycle", r".*\\cos\\left\(-.*", "cos is even"),
    ("cosine_annealing one_cycle", r".*\\text\{if \} \\mathrm\{time\} \\le .*", "where the pieces meet they are equal"),
    ("soft_shrink", r"y_.* < \\mathrm\{lambd\} .*", "where the pieces meet they are equal"),
    (
        "relu6 hard_tanh threshold hard_shrink soft_shrink",
        r"(collected|line): \\overline\{x\}_\{\\ast\} = \\overline\{x\}_\{\\ast\} .*",
        "the adjoint is either 0 where the condition is, or itself",
    ),
    (
        "elu selu celu hard_swish square_relu hinge_embedding huber smooth_l1",
        r"count: (1 |2 )?N_\{\\ast\}",
        "of two cases the longer one is counted; the reader takes the shorter one, too",
    ),
    ("clip_by_global_norm", r"(y|\\overline\{g\})_.*< \\tau.*", "where the norm is tau the cases agree"),
    (
        "clip_by_global_norm",
        r"\\overline\{\\mathrm\{norm\}\} = .*( = \\tau|< \\tau|\\\\ 1 & ).*",
        "the adjoint of the norm is used only where the norm exceeds tau",
    ),
    (
        "clip_by_global_norm",
        r"(step|accumulation|line): .*\\mathrm\{norm\} < \\tau.*",
        "no draw has a norm of exactly tau: there, a subgradient is chosen",
    ),
    (
        "l2_normalize weight_norm",
        r"step: .*\[ \\epsilon \\le .*\\sqrt\{(s_\{[^{}]*\}|\\max\\left\(s_\{[^{}]*\}, -\\epsilon\\right\))\}\}",
        "where epsilon is not the larger one the maximum is the other",
    ),
    ("l1_normalize", r".*\\operatorname\{sign\}\\left\(y_\{.*", "y has the sign of x"),
    ("stack", r".*s \\le 0.*", "s is never below 0"),
    (
        "diagonal_matrix",
        r"(D_|\\overline\{x\}_|accumulation|collected|line).* i = j .*",
        "where i = j the one stands for the other",
    ),
    ("diagonal_matrix", r"note: \\sum_\{\\ast,i,j\}.*", "D is 0 but where i = j"),
    ("diagonal_matrix", r"count: .*", "j is as long as i"),
    (
        "straight_through_round straight_through_sign",
        r"y_\{\\ast\} = (?!.*\\operatorname\{sg\}).*",
        "of a value sg says nothing, and of a slope the gradient does",
    ),
    ("clip_by_value", r"y_.*(\\ge \\tau|\\le -\\tau).*", "at a bound both cases are the bound"),
    (
        "hinge hinge_embedding margin_ranking l1_loss huber smooth_l1 pinball",
        r"shown: \\mathrm\{loss\} = [\d.]+",
        "the loss has that value there, too",
    ),
    ("hinge", r"mistake: \\overline\{y\}_\{\\ast\} = -\\overline\{L\}_\{\\ast\} t_\{\\ast\}", "[1 > 0] is 1"),
    ("hinge_embedding cosine_embedding", r".*\\text\{if \} t_\{\\ast\} (\\ge 1|> 0).*", "a label is 1 or -1"),
    (
        "huber smooth_l1",
        r".*((\\ge|\\le) -?\\(beta|delta)) .*",
        "where the pieces meet they and their slopes are equal",
    ),
    (
        "lstm lstm_cell tanh_shrink rnn rnn_cell reverse_rnn mish gelu_tanh softcap_attention gru gru_cell",
        r".*\\tanh\\left\(-.*\\right\)\^\{2\}.*",
        "the square of tanh is even",
    ),
    ("diagonal", r"\\overline\{A\}.*\[ i = j .*_\{\\ast,j\}", "where i = j the one stands for the other"),
    (
        "alibi_attention",
        r"S_\{.*\\left\(k - [bh]\\right\)|S_\{.* \\left\(k \+ q\\right\)|S_\{.*N_\{h\}\}\} k",
        "what a row has more of in every score leaves its softmax as it is",
    ),
    ("alibi_attention grouped_query_attention", r"E_\{.* = -.*", "P is E over its sum, which has the same sign"),
    ("alibi_attention grouped_query_attention", r"P_\{.*Z_\{.*\} > 0.*", "Z is a sum of exponentials and zeros"),
    (
        "straight_through_sign",
        r".*-1 \\le -(\\max\\left\(x_\{\\ast\}, (1|-0|-2)\\right\)|x_\{\\ast\}) .*",
        "the larger of x and what is at most 1 is at most 1 where x is",
    ),
    (
        "fake_quantize",
        r"\\mathrm\{kept\}_.*",
        "what is stopped takes it away again: no value shows it, and its slope stands in the gradient",
    ),
    ("multi_label_soft_margin", r"(?!second).*t_\{\\ast,i\} \\ge 1.*", "t is 0 or 1"),
    (
        "info_nce",
        r"\\overline\{S\}_\{b,c\} = \\overline\{L\}_\{c\} .*",
        "of a mean every example has the same adjoint",
    ),
    (
        "reduce_prod",
        r"\\overline\{p\}_.*\[ i \\ge N_\{i\} - 1 .*",
        "i is never above N_i - 1",
    ),
    (
        "cosine_embedding",
        r"\\overline\{c\}_.* - \\mathrm\{margin\} \\ge 0 .*",
        "no draw has a cosine of exactly the margin: there, a subgradient is chosen",
    ),
    (
        "selective_scan",
        r"\\overline\{\\mathrm\{h0\}\}_\{.*\} = \\overline\{h\}_\{-2,.*",
        "before the first step delta counts as zero, and exp(0) is 1: from step -2 to -1 nothing changes",
    ),
    ("cosine_similarity", r".*\\epsilon\^\{2\} < [rs]_.*", "no draw is where a length is epsilon"),
    (
        "cosine_similarity",
        r".*(\\max\\left\([rs]_\{\\ast\}, -|\{2 [rs]_|[xy]_\{\\ast,[ij]\}\}\{[rs]_|\}\{[rs]_\{\\ast\}\^).*",
        "where the condition holds the larger one is the length",
    ),
    ("focal", r".*t_\{\\ast\} \\ge 1.*", "t is 0 or 1"),
    ("pinball", r"L_\{.*r_\{\\ast\} > 0.*", "at 0 both cases are 0"),
    (
        "sinusoidal_positions rotary_embedding",
        r".*\\cos\\left\(-.*",
        "cos is even",
    ),
    (
        "sinusoidal_positions rotary_embedding",
        r".*([wi] \\le 0|w \\ge 1).*",
        "w and what runs along it are 0 or 1",
    ),
    ("attention", r"line: \\overline\{S\}.*\\frac\{E_.*", "E is 0 where the condition does not hold"),
    ("attention", r"fact: \\sum_\{k\} P_\{q,\\ast,k\} = 1", "every row sums to 1"),
    (MASKED, r"line: .*Z_\{\\ast,q\} \\ge 0.*", "Z is a sum of exponentials and zeros: never below 0"),
    ("argmax argmin", r"note: -?\\(sum|max)_\{\\ast\} .*", "a place has no slope: the gradient of all of them is 0"),
    ("batch_norm layer_norm center", r"fact: -\\sum_.* = 0", "0 is its own negative"),
    ("mlp", r".*\\text\{if \} l \\ne N_\{l\} - 1.*", "l is never above N_l - 1"),
    ("mlp", r".*\\left\[ l \\ge N_\{l\} - 1 \\right\].*", "l is never above N_l - 1"),
)


def rows(page: str) -> list[tuple[str, str]]:
    """(pattern, reason) of the rows that a page has."""
    return [(pattern, why) for pages, pattern, why in EQUIVALENT if pages == "*" or page in pages.split()]


def reason(page: str, tex: str) -> str:
    """Why the mutant says the same; "" where no row says so."""
    return next((why for pattern, why in rows(page) if re.fullmatch(pattern, tex)), "")
