"""A default is of its option's kind, or refused where it stands."""

from __future__ import annotations

import pytest

from derive.notation.define import load_project
from derive.notation.errors import DefinitionError
from tests.notation.reading import defined


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    load_project()


DEFAULTS = {
    "Positive": ("0", "-1", "0.0", '"one"', "None", "True", "1e400", "1j", "x", "[1]", "inf"),
    "Scalar": ("1 / 3", "2 ** -3", '"one"', "None", "True", "1e400", "1j", "x", "1 / 0", "10 ** 400"),
    "Probability": ("0", "1.5", "-0.5", "True"),
    "Fraction": ("-0.1", "1.1", "None"),
    "Count": ("2 * 3", "0", "-1", "1.5", "1 / 2", "True", '"1"'),
    "Natural": ("-1", "0.5", "False"),
    "Integer": ("0.5", "1e400", "None"),
    "Axis[i]": ("0.5", '"last"', "None"),
    "Flag": ("0", "1", "None", '"yes"'),
    'Choice["a", "b"]': ('"c"', "0", "None", "a"),
    "Activation": ('"softmax"', '"nothing"', "None", "relu", "1"),
}


@pytest.mark.parametrize(("kind", "default"), [(kind, value) for kind, values in DEFAULTS.items() for value in values])
def test_a_default_is_of_its_kind(kind: str, default: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        defined(f"x: Real[i], a: {kind} = {default}", "y[i] = x[i]\nreturn y")
    assert "mine.py:5" in str(caught.value)
    assert "^" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        ("Positive", "1e-5", 1e-5),
        ("Scalar", "-2", -2),
        ("Scalar", "+0.5", 0.5),
        ("Probability", "1", 1),
        ("Natural", "0", 0),
        ("Flag", "True", True),
    ],
)
def test_defaults_are_numbers(kind: str, default: str, value: object) -> None:
    (option,) = defined(f"x: Real[i], a: {kind} = {default}", "y[i] = x[i]\nreturn y")[0].options
    assert option.default == value
    assert type(option.default) is type(value)
