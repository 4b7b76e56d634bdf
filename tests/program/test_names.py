"""Names of definitions: a kernel never mistakes a tensor, an option or an index for a name of its own."""

from __future__ import annotations

import keyword
import re
import types

import numpy as np
import pytest

from derive.calculus.derivation import derive
from derive.command.kernels import kernel_source
from derive.notation.define import REGISTRY, load_file, load_project

DEFINITION = """from __future__ import annotations
from derive import layer


@layer(cites="x")
def odd(INPUT: Real[..., INDEX], W: Real[INDEX], OPTION: Scalar = 2.0):
    \"\"\"Words.\"\"\"
    MIDDLE[..., INDEX] = exp(OPTION * INPUT[..., INDEX]) * W[INDEX]
    OUTPUT[...] = sum(INDEX, MIDDLE[..., INDEX] ** 2)
    return OUTPUT
"""
ROLES = {"INPUT": "x", "INDEX": "i", "OPTION": "p", "MIDDLE": "h", "OUTPUT": "y"}


def built(folder, roles):
    """The module of DEFINITION with these names."""
    text = re.sub("|".join(ROLES), lambda m: (ROLES | roles)[m[0]], DEFINITION)
    file = folder / "names.py"
    file.write_text(text, encoding="utf-8")
    try:
        variants = load_file(file)["odd"]
        source = kernel_source(tuple(map(derive, variants)))
    finally:
        REGISTRY.pop("odd", None)
    module = types.ModuleType("odd")
    exec(compile(source, "odd.py", "exec"), module.__dict__)
    return module, source


def words_of_kernels(folder) -> list[str]:
    """Every word that a kernel of this form has, whatever its own names are."""
    load_project()
    _, source = built(folder, {})
    words = set(re.findall(r"[^\W\d]\w*", source)) | {f"d{w}" for w in ("x", "y", "dx")} | {"t_x", "ddx", "dx_", "t_h"}
    return sorted(w for w in words if not keyword.iskeyword(w) and w not in {*ROLES.values(), "W", "odd"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("names")


@pytest.fixture(scope="module")
def plain(folder):
    load_project()
    return built(folder, {})[0]


X, W = np.random.default_rng(1).standard_normal((2, 3)), np.random.default_rng(2).standard_normal(3)
DY = np.random.default_rng(3).standard_normal(2)


def results(kernel, option):
    """What all four functions give; an earlier and a later value of the option."""
    found = []
    for value in (0.5, -1.5):
        chosen = {option: value}
        y, saved = kernel.forward(X, W, **chosen)
        found += [y, *kernel.backward(DY, saved), kernel.jvp((X, W), (W * X, W * W), **chosen)]
        found += kernel.double_backward(DY, (X, W), (W * X, W * W), **chosen)
    return found


#: Words that Python or the runtime could mistake, beside every word of a kernel.
OTHERS = ["self", "cls", "match", "case", "type", "plans", "patterns", "examined", "a0", "o0", "e", "key", "α", "Ωmega"]
OTHERS += ["naïve", "list", "zip", "len", "bind", "count", "index", "result", "result_type", "axis2", "i2", "arguments"]


@pytest.mark.parametrize("role", ROLES)
def test_every_word_of_a_kernel_is_a_name_like_any_other(role, folder, plain):
    """Refused by the reader with the reason, or the same numbers, in all four functions. Each word has one role."""
    from derive.notation.read import DefinitionError

    wanted, refused = results(plain, "p"), []
    for name in [*words_of_kernels(folder), *OTHERS][list(ROLES).index(role) :: len(ROLES)]:
        try:
            kernel, source = built(folder, {role: name})
        except DefinitionError as error:
            refused.append((name, str(error)))
            continue
        got = results(kernel, name if role == "OPTION" else "p")
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, err_msg=f"{role} is called {name}\n{source}")
    assert all(f"{name} " in reason for name, reason in refused)
    assert len(refused) < 6, refused


@pytest.mark.parametrize("name", ["exp_x", "dh_", "sum_dh__x", "ddh"])
def test_an_option_may_be_called_as_an_array_of_the_kernel_is(name, folder, plain):
    kernel, source = built(folder, {"OPTION": name})
    for a, b in zip(results(kernel, name), results(plain, "p"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, err_msg=source)


def test_two_names_that_differ_by_what_calculus_puts_before_them(folder, plain):
    roles = {"INPUT": "x", "MIDDLE": "dx", "OUTPUT": "ddx", "OPTION": "t_x", "INDEX": "dx_"}
    kernel, _ = built(folder, roles)
    for a, b in zip(results(kernel, "t_x"), results(plain, "p"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_gradients_are_called_as_the_definition_calls_its_inputs(folder):
    kernel, _ = built(folder, {"INPUT": "np", "OUTPUT": "Gradients"})
    assert kernel.Gradients._fields == ("np", "W")
    assert kernel.Second._fields == ("dGradients", "np", "W")


def test_names_of_the_definition_are_never_changed(folder):
    _, source = built(folder, {"INPUT": "tuple", "OPTION": "np"})
    assert "def forward(dims: Dims, tuple: Array, W: Array, *, np: float = 2.0)" in source
    assert "import numpy as np_" in source
    assert "from builtins import tuple as tuple_" in source
