"""What somebody may have meant by a word that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def meant(word: str, words: Iterable[str], otherwise: str = "") -> str:
    """``did you mean relu or gelu?`` of words like the given one; ``otherwise`` if there are none."""
    near = difflib.get_close_matches(word, list(words), 3, 0.6)
    near += [w for w in words if w.lower() == word.lower() and w not in near]
    return f"did you mean {' or '.join(near)}?" if near else otherwise
