"""A layer in a notebook: its equations, gradient and kernel as HTML with MathML, or as LaTeX."""

from __future__ import annotations

from collections.abc import Iterable

from derive.calculus.derivation import derive
from derive.notation.layer import Layer
from derive.targets.displayed import backward_equations, forward_equations, shown
from derive.targets.latex import Latex
from derive.targets.symbols import Symbols
from derive.targets.words import html as plain
from derive.targets.words import visible


def sections(layer: Layer) -> dict[str, list[str]]:
    """The equations of a layer and of its gradient, in TeX."""
    symbols = Symbols((derive(layer),))
    derivation, printer = shown(derive(layer), symbols), Latex(symbols)
    return {
        "forward": forward_equations(derivation, printer),
        "backward": backward_equations(derivation, printer),
    }


def html(layer: Layer) -> str:
    """What a notebook shows of a layer."""
    from derive.command.kernels import source
    from derive.targets.mathml import mathml

    head = f"<p><strong>{plain(layer.name)}</strong> {plain(visible(layer.summary))}</p>"
    shown = [
        f"<p><em>{title}</em></p>" + "".join(f"<div>{mathml(tex, display=True)}</div>" for tex in lines)
        for title, lines in sections(layer).items()
        if lines
    ]
    kernel = f"<details><summary>kernel</summary><pre>{plain(source(layer))}</pre></details>"
    return f'<div class="gradbook">{head}{"".join(shown)}{kernel}</div>'


def latex(layer: Layer) -> str:
    """The equations of a layer and of its gradient, one below the other, aligned at their equality signs."""
    return "$$" + aligned(line for lines in sections(layer).values() for line in lines) + "$$"


def aligned(lines: Iterable[str]) -> str:
    rows = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"
