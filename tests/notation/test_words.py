"""The words of the notation: none is a layer's name, each takes what its signature says, others are answered."""

from __future__ import annotations

import pytest

from derive.notation.define import load_project
from derive.notation.errors import DefinitionError
from derive.notation.words import INSTEAD, RESERVED, WORDS
from tests.notation.reading import X, defined


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_no_layer_is_called_like_a_word_of_the_notation(word: str) -> None:
    with pytest.raises(DefinitionError, match="is a word of the notation"):
        defined(X, "y[i] = x[i]\nreturn y", name=word)


@pytest.mark.parametrize("word", sorted(set(INSTEAD) - set(load_project())))
def test_what_people_write_is_answered_with_what_to_write(word: str) -> None:
    for written in (word, f"torch.{word}"):
        with pytest.raises(DefinitionError) as caught:
            defined(X, f"y[i] = {written}(x[i])\nreturn y")
        assert f"{written} is not a function of the notation" in str(caught.value)
        said = INSTEAD[word] if INSTEAD[word].startswith("there is ") else f"write {INSTEAD[word]}"
        assert str(caught.value).endswith(f"\n  {said}")


@pytest.mark.parametrize("word", sorted(set(INSTEAD) & set(load_project())))
def test_a_layer_of_that_name_is_answered_with_how_it_is_called(word: str) -> None:
    for written in (word, f"torch.{word}"):
        with pytest.raises(DefinitionError, match="a layer takes whole arrays") as caught:
            defined(X, f"y[i] = 1 + {written}(x[i])\nreturn y")
        assert f"{written} is not a function of the notation" in str(caught.value)


@pytest.mark.parametrize("word", [w for w in WORDS if w not in ("axis", "state", "reduced")])
@pytest.mark.parametrize("count", range(5))
def test_every_word_takes_what_its_signature_says(word: str, count: int) -> None:
    """No number of arguments but the declared ones is read."""
    arguments = ", ".join(
        [
            "i" if "index" in WORDS[word].forms[0][0] or "indices" in WORDS[word].forms[0][0] else "1 + x[0]",
            *["x[0]"] * 4,
        ][:count]
    )
    if count in {len(f) for f in WORDS[word].forms}:
        defined(X, f"y = {word}({arguments}) + sum(i, x[i])\nreturn y")
    else:
        with pytest.raises(DefinitionError, match=rf"odd: {word} takes "):
            defined(X, f"y = {word}({arguments}) + sum(i, x[i])\nreturn y")
