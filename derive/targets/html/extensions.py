"""How a page's Markdown becomes HTML: the extensions of Python-Markdown, the same for the site and for one page."""

from __future__ import annotations

from typing import Any

#: Extensions and their settings; mkdocs.yml gets them from docs/nav.py.
EXTENSIONS: dict[str, dict[str, Any]] = {
    "admonition": {},
    "attr_list": {},
    "md_in_html": {},
    "tables": {},
    "toc": {"permalink": True, "toc_depth": 2},
    "pymdownx.details": {},
    "pymdownx.highlight": {"anchor_linenums": True},
    "pymdownx.superfences": {},
    "derive.targets.mathml": {},
}


def rendered(page: str) -> str:
    """A page's body as the book renders it."""
    import markdown

    return str(markdown.markdown(page, extensions=list(EXTENSIONS), extension_configs=EXTENSIONS))
