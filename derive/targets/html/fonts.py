"""STIX Two Math (SIL Open Font License), cut down to the characters that are shown.

The font comes inside the wheel of `ziamath`, so the repository carries no font file. Browsers draw a MathML
identifier of one letter in italics, which are characters of their own in the font.
"""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

FONT = "STIXTwoMath-Regular.ttf"
FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
TEX = re.compile(r"<annotation\b.*?</annotation>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
ROOT_SIGN = "\N{SQUARE ROOT}"  # an element in MathML, not a character
MATHEMATICAL = [0x210E, *range(0x1D400, 0x1D800)]  # the letter-like planck constant is the italic h


def source() -> Path:
    """The font's file.

    Raises:
        ImportError: `ziamath` is not installed.
    """
    spec = find_spec("ziamath")  # found, not imported
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        if (file := Path(place) / "fonts" / FONT).is_file():
            return file
    raise ImportError(f"{FONT} is part of ziamath, which is not installed")


def characters(pages: Sequence[str]) -> frozenset[str]:
    """The characters in the formulas of pages in HTML, italics that stand for letters and the root sign too."""
    import html

    plain = {c for page in pages for m in FORMULA.findall(page) for c in html.unescape(TAG.sub("", TEX.sub("", m)))}
    drawn = {ROOT_SIGN for page in pages if "<msqrt" in page or "<mroot" in page}
    return frozenset(plain | drawn | {italic for c in plain for italic in italics().get(c, ())})


@cache
def italics() -> dict[str, tuple[str, ...]]:
    """A letter to its mathematical forms that only slope: Latin and Greek, not bold, script or sans-serif."""
    found: dict[str, tuple[str, ...]] = {}
    for code in MATHEMATICAL:
        name = unicodedata.name(chr(code), "")
        if name.startswith("MATHEMATICAL ITALIC") or code == 0x210E:
            plain = unicodedata.normalize("NFKC", chr(code))
            found[plain] = (*found.get(plain, ()), chr(code))
    return found


def subset(shown: Iterable[str]) -> bytes:
    """The font with these characters and what they grow into, as WOFF2.

    Raises:
        ImportError: fontTools, brotli or ziamath is not installed.
    """
    from fontTools import subset as tool
    from fontTools.ttLib import TTFont

    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it names each table that it leaves out
    options = tool.Options(flavor="woff2", layout_features=["*"], notdef_outline=True)
    worker = tool.Subsetter(options)
    worker.populate(text="".join(sorted(shown)))
    font = TTFont(source(), recalcTimestamp=False)
    worker.subset(font)
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()
