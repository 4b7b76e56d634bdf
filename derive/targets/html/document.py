"""A layer's page as one HTML file that needs nothing else: no script, no network; MathML, pictures and font in it."""

from __future__ import annotations

import html
import re

from derive.targets.html import styles
from derive.targets.html.extensions import rendered
from derive.targets.html.fonts import characters, subset
from derive.targets.html.links import linked

#: What a page by itself takes, and how the reader gets it: the extra `docs`.
NEEDS = ("markdown", "math_core", "pymdownx", "pygments", "fontTools", "brotli", "ziamath")
BESIDE = re.compile(r'href="([^":/#]+)\.md(#[^"]*)?"')

DOCUMENT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="gradbook">
<title>{title}</title>
<style>
{sheet}
</style>
</head>
<body>
<main class="md-typeset">
{body}
</main>
</body>
</html>
"""


def document(title: str, page: str) -> str:
    """A page in Markdown as a whole document; pages beside it are linked as HTML.

    Raises:
        derive.targets.mathml.FormulaError: a formula that cannot be shown.
    """
    body = BESIDE.sub(r'href="\1.html\2"', linked(rendered(page)))
    sheet = styles.sheet(subset(characters([body])))
    return DOCUMENT.format(title=html.escape(title), sheet=sheet, body=body)
