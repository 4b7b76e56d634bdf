"""Style sheets: two that the site and a page by itself share, one that stands in for the site's theme."""

from __future__ import annotations

import base64
from pathlib import Path

HERE = Path(__file__).parent
#: The site links them, a page by itself contains them.
SHARED = (HERE / "math.css", HERE / "gradbook.css")
#: The formulas' font, from the folder of the style sheets.
FONT = "fonts/STIXTwoMath.woff2"


def sheet(font: bytes) -> str:
    """All style sheets as one that loads nothing, the formulas' font in it."""
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=s).get_style_defs(".highlight") for s in ("default", "github-dark"))
    own = (HERE / "page.css").read_text(encoding="utf-8")
    shared = "\n".join(file.read_text(encoding="utf-8") for file in SHARED)
    address = f'"{FONT}"'
    if address not in shared:
        raise ValueError(f"no style sheet loads {address}")
    data = f'"data:font/woff2;base64,{base64.b64encode(font).decode()}"'
    return "\n".join((light, f"@media (prefers-color-scheme: dark) {{ {dark} }}", shared.replace(address, data), own))
