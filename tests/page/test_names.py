"""Pages of definitions whose tensors, options, indices and functions have any names: read back, and the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derive.command import pageleg
from derive.command.build import generate, write
from derive.notation.define import REGISTRY, load_project
from tests.page.compare import check
from tests.page.reader import read
from tests.page.score import kernel

HEAD = "from __future__ import annotations\nfrom derive import layer\n\n\n"
DEFINITION = '''@layer(cites="x")
def LAYER(INPUT: Real[..., INDEX, k], W: Real[INDEX, o], OPTION: Scalar = 2.0):
    """Words."""
    MIDDLE[..., INDEX, k] = OPTION * INPUT[..., INDEX, k] ** 2
    OUTPUT[..., k, o] = sum(INDEX, MIDDLE[..., INDEX, k] * W[INDEX, o])
    return OUTPUT
'''
ROLES = {"LAYER": "odd", "INPUT": "x", "INDEX": "i", "OPTION": "p", "MIDDLE": "h", "OUTPUT": "y"}
NAMES = ["N", "e", "d", "α", "ψ", "É", "变量", "naïve", "d_k", "two_words_long", "x_", "hat", "x_hat", "y_hat", "sigma"]
NAMES += ["sum", "max", "frac", "left", "text", "ast", "delta", "epsilon", "varphi", "Sigma", "dx", "t_x"]
NAMES += ["inv_std", "var", "total", "eta", "chi", "Alpha", "partial", "overline", "dot", "mathrm", "a", "A"]


def problems(folder: Path, text: str, *layers: str) -> list[str]:
    """What the pages' own reader finds wrong with the pages of a file."""
    load_project()
    folder.mkdir(exist_ok=True)
    file, out = folder / "mine.py", folder / f"kernels_{abs(hash(text))}"
    file.write_text(HEAD + text, encoding="utf-8")
    try:
        write(generate(file=file, out=out))
        pages = [read(pageleg.rendered((out / f"{n}.md").read_text(encoding="utf-8")), n) for n in layers]
        return [p for n, page in zip(layers, pages, strict=True) for p in check(page, kernel(n, out), 4)]
    finally:
        for name in [n for n, v in REGISTRY.items() if v[0].file == str(file)]:
            del REGISTRY[name]


@pytest.mark.parametrize("role", ROLES)
def test_any_name_is_printed_so_that_it_is_read(tmp_path, role):
    from derive.notation.read import DefinitionError

    refused = 0
    for name in NAMES[list(ROLES).index(role) :: 3]:
        names = ROLES | {role: name}
        text = re.sub("|".join(ROLES), lambda m, names=names: names[m[0]], DEFINITION)
        try:
            assert problems(tmp_path, text, name if role == "LAYER" else "odd") == [], f"{role} is called {name}"
        except DefinitionError:
            refused += 1
    assert refused < 5


FUNCTION = '''@layer(cites="x")
def NAME(x: Real[...]):
    """Words."""
    y[...] = x[...] ** 3 + 2 * x[...]
    return y


@layer(cites="x")
def uses(x: Real[..., i], w: Real[i]):
    """Words."""
    y[..., i] = w[i] * NAME(x[..., i]) - leaky_relu(x[..., i])
    return y
'''


OPTION = '''@layer(cites="x")
def option(x: Real[..., i], skip: Real[..., o], W: Real[o, i], b: Real[o], f: Activation = "NAME"):
    """Words."""
    z = residual(x, skip, W, b, activation="NAME")
    y[..., o] = f(z[..., o]) + W[o, 0]
    return y
'''


@pytest.mark.parametrize("name", ["cube", "my_cube", "c", "κ", "relu", "sigmoid", "leaky_relu"])
def test_functions_of_ones_own_are_printed_by_their_names(tmp_path, name):
    """Those with the name of one of the project's, which an option or a layer of the project may be given, too."""
    text = f"{FUNCTION}\n\n{OPTION}".replace("NAME", name)
    if name == "leaky_relu":
        text = text.replace(" - leaky_relu(x[..., i])", "")
    assert problems(tmp_path, text, name, "uses", "option") == []


def test_a_page_that_names_another_function_is_noticed(tmp_path, monkeypatch):
    from derive.targets import latex

    monkeypatch.setattr(latex.Latex, "function", lambda self, fn: r"\operatorname{relu}")
    assert problems(tmp_path, FUNCTION.replace("NAME", "cube"), "uses")
