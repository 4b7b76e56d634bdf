"""Breaking a long line of generated code changes nothing of what it says."""

from __future__ import annotations

import ast

import pytest

from derive.targets.numpy.layout import wrap_code

LONG = "an_array_of_some_length"
TERMS = f"{LONG} * a + {LONG} * b - {LONG} // c"


@pytest.mark.parametrize(
    "operator", ["==", "<=", ">", "|", "&", "+", "-", "*", "/", "//", "@", "and", "or", "if b else"]
)
def test_long_lines_mean_the_same(operator: str) -> None:
    for code in (f"{TERMS} {operator} {TERMS}", f"({TERMS}) {operator} {LONG} {operator} {TERMS} > {TERMS}"):
        for line in (f"    return {code}", f"    x = f({code}, {LONG})", f"    x = ({code}) & ({code})"):
            wrapped = "\n".join(wrap_code(line))
            assert "\n" in wrapped
            before, after = (ast.dump(ast.parse("def g():\n" + text)) for text in (line, wrapped))
            assert before == after


@pytest.mark.parametrize(
    "code",
    [
        f"windows({LONG}, (2, (n_i, n_k), (1, 1), 0, 1), ({TERMS})).transpose(0, 1, 3, 2)",
        f"inside(forward)(dims, {LONG}, window={LONG}, stride={LONG}, padding={LONG})",
        f"~({TERMS} <= {TERMS})",
        f"g(lambda: {LONG}({TERMS}, {TERMS}), {LONG})",
        f"({TERMS}, {TERMS})",
    ],
)
def test_lines_with_one_place_to_break_are_broken(code: str) -> None:
    line = f"    x = {code}"
    wrapped = wrap_code(line)
    assert len(line) > 100
    assert max(map(len, wrapped)) <= 120
    before, after = (ast.dump(ast.parse("def g():\n" + text)) for text in (line, "\n".join(wrapped)))
    assert before == after


NAMES = ", ".join(f"name_{n}" for n in range(25))
WORDS = ", ".join(f'"x{n}[a, b]: state"' for n in range(12))


@pytest.mark.parametrize(
    "line",
    [
        f"    {NAMES} = saved",
        f"    {NAMES[:90]} = layer.double_backward(dims, {LONG})",
        f"    return y, ({NAMES})",
        f"    x = f(({WORDS}), {LONG})",
        f"    x = ({WORDS},)",
    ],
)
def test_many_names_stand_on_as_few_lines_as_they_need(line: str) -> None:
    wrapped = wrap_code(line)
    assert max(map(len, wrapped)) <= 120
    assert len(wrapped) <= 12
    before, after = (ast.dump(ast.parse("def g():\n" + text)) for text in (line, "\n".join(wrapped)))
    assert before == after
