"""A page made by hand and a stub kernel: the reader, the comparison and the mutation score."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, NamedTuple

import markdown
import numpy as np
import pytest

from derive.targets.mathml import FormulaError, MathExtension
from tests.page.compare import check
from tests.page.glyphs import glyphs
from tests.page.inputs import Draw
from tests.page.mutate import mutants
from tests.page.parser import parse
from tests.page.reader import Page, read
from tests.page.score import score
from tests.page.support import table
from tests.page.symbols import PageError

SIGMOID = r"""
# sigmoid

An inline $x_{\ast}$ is no claim.

## Symbols {#symbols}

| symbol | code name | shape | meaning |
|---|---|---|---|
| $x$ | `x` | `[...]` | input |
| $y$ | `y` | `[...]` | output: squashed |

## Forward {#forward}

$$
y_{\ast} = \frac{1}{1 + \exp\left(-x_{\ast}\right)}
$$

## Backward {#backward}

$$\overline{x}_{\ast} = y_{\ast} \left(1 - y_{\ast}\right) \overline{y}_{\ast}$$

## Derivation {#derivation}

$$\overline{x}_{\ast} = \text{not a claim}$$
"""

LOSS = r"""
## Symbols {#symbols}

| symbol | code name | shape | meaning |
|---|---|---|---|
| $y$ | `y` | `[..., i]` | input |
| $\alpha$ | `alpha` | option | a positive number; default `1` |
| $\mathrm{reduction}$ | `reduction` | option | one of `mean`, `sum`; default `mean` |
| $L$ | `L` | `[...]` | intermediate |
| $R$ | `loss` | `[]` | output |

## Forward {#forward}

$$L_{\ast} = \alpha \sum_{i} y_{\ast,i}^{2}$$

$$R = \frac{1}{N_{\ast}} \sum_{\ast} L_{\ast}$$

## Backward {#backward}

$$\overline{y}_{\ast,i} = \frac{2 \alpha y_{\ast,i} \overline{R}}{N_{\ast}}$$

## With `reduction="none"` {#variant-none}

### Symbols that differ {#symbols-none}

| symbol | code name | shape | meaning |
|---|---|---|---|
| $R$ | `loss` | `[...]` | output |

### Forward {#forward-none}

$$L_{\ast} = \alpha \sum_{i} y_{\ast,i}^{2}$$

$$R_{\ast} = L_{\ast}$$

### Backward {#backward-none}

$$\overline{y}_{\ast,i} = 2 \alpha y_{\ast,i} \overline{R}_{\ast}$$
"""


class GradientsX(NamedTuple):
    x: Any


class GradientsY(NamedTuple):
    y: Any


def sigmoid(slip: float = 0.0) -> Any:
    def forward(x: Any) -> Any:
        y = 1 / (1 + np.exp(-x))
        return y, y

    return SimpleNamespace(forward=forward, backward=lambda dy, y: GradientsX(dy * y * (1 - y) * (1 + slip)))


def loss_forward(y: Any, *, alpha: float, reduction: str) -> Any:
    each = alpha * (y * y).sum(-1)
    return (each.mean(), (y, alpha, each.size)) if reduction == "mean" else (each, (y, alpha, 1))


LOSS_LAYER = SimpleNamespace(
    forward=loss_forward,
    backward=lambda dy, saved: GradientsY(2 * saved[1] * saved[0] * np.asarray(dy)[..., None] / saved[2]),
)


def built(text: str, name: str = "layer") -> Page:
    return read(markdown.markdown(text, extensions=[MathExtension(), "tables", "attr_list"]), name)


def test_a_page_is_read() -> None:
    (page,) = built(SIGMOID).variants
    assert page.cells == [("x", "x", "[...] input"), ("y", "y", "[...] output: squashed")]
    assert [c.section for c in page.claims] == ["forward", "backward"]
    assert page.claims[0].tex == r"y_{\ast} = \frac{1}{1 + \exp\left(-x_{\ast}\right)}"
    assert page.choice == {}


def test_variants_are_read_from_headings() -> None:
    page = built(LOSS)
    assert [v.choice for v in page.variants] == [{"reduction": "mean"}, {"reduction": "none"}]
    assert [len(v.claims) for v in page.variants] == [3, 3]
    assert page.variants[1].symbols.by_name["loss"].axes == ("...",)
    assert check(page, LOSS_LAYER) == []


def test_what_is_drawn_is_what_is_annotated() -> None:
    for claim in [c for page in (SIGMOID, LOSS) for v in built(page).variants for c in v.claims]:
        wanted, drawn = glyphs(claim)
        assert wanted == drawn


def test_page_and_kernel_agree() -> None:
    assert check(built(SIGMOID), sigmoid()) == []


def test_a_kernel_off_by_a_billionth_part_is_seen() -> None:
    (first, *_) = check(built(SIGMOID), sigmoid(slip=1e-8))
    assert "bar x" in first


def test_every_misprint_of_the_sigmoid_is_caught() -> None:
    results = list(score(built(SIGMOID), sigmoid()))
    assert len(results) > 20
    assert [str(r) for r in results if not r.caught] == []


def test_every_misprint_of_the_loss_is_caught() -> None:
    assert [str(r) for r in score(built(LOSS), LOSS_LAYER) if not r.caught] == []


def test_of_every_claim_as_many_misprints_are_tried_as_of_the_others() -> None:
    each = Counter(r.tex for r in score(built(LOSS), LOSS_LAYER, most=4))
    claims = {c.tex for variant in built(LOSS).variants for c in variant.claims}
    assert each.keys() == claims
    assert max(each.values()) == -(-4 // len(claims))


def test_the_first_few_misprints_are_at_any_place() -> None:
    s = table("x | x | x[..., i] input\nW | W | W[o, i] input\ny | y | y[..., o] output")
    e = parse(r"y_{\ast,o} = \sum_{i} W_{o,i} x_{\ast,i} - 2 W_{o,0}", s)
    every = [m.change for m in mutants(e, s)]
    assert any("2 to" in change or "0 to" in change for change in every[: len(every) // 3])  # the text ends with them
    assert every == [m.change for m in mutants(e, s)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SIGMOID.replace("{#symbols}", "{#names}"), "no symbol table"),
        (SIGMOID.replace("{#forward}", "{#onwards}"), "no display equation"),
        (SIGMOID.replace(r"1 + \exp", r"1 + \cosh"), "cosh is no symbol"),
        (SIGMOID.replace("output: squashed", "intermediate"), "no row of the symbol table is called output"),
        (SIGMOID.replace(r"y_{\ast} = \frac", r"x_{\ast} = \frac"), "no equation defines the output y"),
    ],
)
def test_a_page_outside_the_conventions_is_an_error(text: str, why: str) -> None:
    with pytest.raises(PageError, match=why):
        check(built(text), sigmoid())


def test_an_equation_that_nothing_checks_is_reported() -> None:
    text = SIGMOID.replace("## Backward", "$$z_{\\ast} = y_{\\ast}$$\n\n## Backward").replace(
        "| $y$", "| $z$ | `z` | `[...]` | intermediate |\n| $y$"
    )
    assert any("nothing checks the equation of z" in problem for problem in check(built(text), sigmoid()))


def test_mutants_are_what_a_misprint_is() -> None:
    s = table("x | x | x[..., i] input\nW | W | W[o, i] input\ny | y | y[..., o] output")
    found = {m.tex for m in mutants(parse(r"y_{\ast,o} = \sum_{i} W_{o,i} x_{\ast,i} - 2 W_{o,0}", s), s)}
    for tex in (
        r"y_{\ast,o} = \sum_{i} W_{o,i} x_{\ast,i} + 2 W_{o,0}",
        r"y_{\ast,o} = \sum_{i} W_{i,o} x_{\ast,i} - 2 W_{o,0}",
        r"y_{\ast,o} = \sum_{i} W_{o,i} x_{i,\ast} - 2 W_{o,0}",
        r"y_{\ast,o} = \sum_{i} W_{o,o} x_{\ast,i} - 2 W_{o,0}",
        r"y_{\ast,o} = \sum_{i} W_{o,i} - 2 W_{o,0}",
        r"y_{\ast,o} = \max_{i} W_{o,i} x_{\ast,i} - 2 W_{o,0}",
        r"y_{\ast,o} = \sum_{i} W_{o,i} x_{\ast,i} - 3 W_{o,0}",
        r"y_{\ast,o} = \sum_{i} W_{o,i} x_{\ast,i} - 2 W_{o,1}",
        r"y_{\ast,o} = \sum_{i} W_{o,i} x_{\ast,i}",
        r"y_{o,\ast} = \sum_{i} W_{o,i} x_{\ast,i} - 2 W_{o,0}",
    ):
        assert tex in found
    for tex in found:
        parse(tex, s)


def test_renaming_and_order_are_no_misprints() -> None:
    s = table("x | x | x[i] input\nR | R | R[] output\nm | m | m[i] boolean input")
    e = parse(r"R = \sum_{i,j} x_{i} x_{j} \left[ m_{i} \land i = j \right]", s)
    found = {m.tex for m in mutants(e, s)}
    assert r"R = \sum_{i,j} x_{j} x_{i} \left[ m_{i} \land i = j \right]" not in found
    assert r"R = \sum_{i,j} x_{i} x_{i} \left[ m_{i} \land i = j \right]" in found
    assert r"R = \sum_{i,j} x_{i} x_{j} \left[ m_{i} \lor i = j \right]" in found


def test_a_formula_that_cannot_be_converted_names_itself() -> None:
    with pytest.raises(FormulaError, match=r"(?s)\\frax\{1\}.*Unknown command"):
        built("## Symbols\n\n$$\\frax{1}{2}$$")
    with pytest.raises(FormulaError, match="must end with"):
        built("$$x_{i}\n\nand more")


def test_dollars_in_code_and_in_prose_are_left_alone() -> None:
    html = markdown.markdown(r"`$x$` costs \$5 or $ 6 and $x_{i}$.", extensions=[MathExtension()])
    assert html.count("<math") == 1
    assert "<code>$x$</code> costs $5 or $ 6" in html
    assert "data-search-exclude" in html


def test_the_bar_is_above() -> None:
    html = markdown.markdown(r"$$\overline{x}$$", extensions=[MathExtension()])
    assert "\u203e" in html
    assert "\u0332" not in html


LABELS = table(
    r"""
    t             | t      | t[...] integer input, in [-1, 1]
    s             | s      | s[...] integer input, -1 or 1
    \mathrm{level} | level  | option a number; default -1.0
    y             | y      | y[...] output
    """
)


def test_integers_are_drawn_from_all_that_the_table_says() -> None:
    draws = [Draw(LABELS, [], {}, seed).tensors for seed in range(20)]
    assert set(np.concatenate([d["t"] for d in draws]).tolist()) == {-1, 0, 1}
    assert set(np.concatenate([d["s"] for d in draws]).tolist()) == {-1, 1}


def test_a_number_of_an_option_is_whole_where_there_are_ties() -> None:
    levels = {Draw(LABELS, [], {}, seed, ties=True).options["level"] for seed in range(40)}
    assert levels == {-1.0, -2.0}
